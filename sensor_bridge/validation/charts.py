"""The validation page's charts, from the report's drawing blocks."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from math import ceil, floor

import numpy as np

from gait_signal.types import FEET, FloatArray, Foot

from ..report.chart import (
    HEIGHT,
    WIDTH,
    Scale,
    block,
    dots,
    esc,
    fitted_scale,
    grid,
    line,
    round_step,
    svg,
    value_ticks,
)
from .markup import figure, series
from .outcome import Matched, Outcome
from .statistics import Quantity, error_stats, errors

_HEIGHT_PX = 240
_BINS = 30
_END_PERCENT = 94.0


def bland_altman(name: str, outcomes: Sequence[Outcome], quantity: Quantity) -> str:
    """Return error against the mean of both, with bias and 95 % limits of agreement; "" without data.

    Bland & Altman 1986, doi:10.1016/S0140-6736(86)90837-8. The mean of both values stands on the horizontal axis,
    since the truth alone would feign a slope (Bland & Altman 1995, doi:10.1016/S0140-6736(95)91748-9).
    """
    of = errors(outcomes, quantity)
    stats = error_stats(of, quantity.factor)
    if stats is None:
        return ""
    low, high = stats.limits
    error = quantity.factor * of.error
    mean = quantity.factor * (of.true + of.found) / 2.0
    y = fitted_scale(error, 1.0, (0.0, low, high))
    x = fitted_scale(mean, 1.0)
    content = ""
    keys: list[str] = []
    for outcome in outcomes:
        part = errors([outcome], quantity)
        if len(part.true) == 0:
            continue
        shown_x, shown_y = quantity.factor * (part.true + part.found) / 2.0, quantity.factor * part.error
        content += _dots(shown_x, shown_y, x, y, f"step {series(len(keys))}")
        keys.append(outcome.name)
    for value, kind in ((stats.bias, "mean"), (low, "limit"), (high, "limit")):
        content += line([0.0, WIDTH], [y.y(value), y.y(value)], kind)
    labels = ((stats.bias, "bias"), (high, "+1.96 SD"), (low, "−1.96 SD"))
    inside = "".join(
        f'<span class="name" style="top:{100 * (1 - y.share(value)):.1f}%">{said} {signed(value)}</span>'
        for value, said in labels
    )
    outside = int(np.count_nonzero(~(x.holds(mean) & y.holds(error))))
    said = f"{stats.n} steps." + _beyond(outside)
    if of.missing:
        said += f" {of.missing} found steps have no value."
    plot = _plot(f"{quantity.title}: error against the mean of both, {stats.n} steps", content, x, y, inside=inside)
    across = f"mean of truth and result, {quantity.unit}"
    return figure(name, quantity.title, f"error, {quantity.unit}", plot + _axis(across), keys=keys, said=said)


def distribution(name: str, title: str, values: FloatArray, unit: str, said: str = "") -> str:
    """Return a histogram, shape (n,) values in the shown unit; "" without data."""
    if len(values) == 0:
        return ""
    low, high = (float(q) for q in np.percentile(values, [1.0, 99.0]))
    step = round_step(max((high - low) / _BINS, 0.25))
    edges = np.arange(floor(min(low, 0.0) / step) - 1, ceil(max(high, 0.0) / step) + 2) * step
    counts, _ = np.histogram(values, edges)
    x, y = Scale(float(edges[0]), float(edges[-1])), fitted_scale(np.array([0.0, counts.max()]), 1.0)
    y = Scale(0.0, y.high)
    content = "".join(
        block(x.x(left) + 1, x.x(right) - 1, y.y(count), HEIGHT, kind="bin")
        for left, right, count in zip(edges[:-1], edges[1:], counts, strict=True)
        if count
    )
    content += f'<path class="zero" d="M{x.x(0.0):.1f} 0V{HEIGHT:.0f}"/>'
    content += line([x.x(float(np.mean(values)))] * 2, [0.0, HEIGHT], "mean")
    outside = int(np.count_nonzero((values < edges[0]) | (values > edges[-1])))
    words = f"{len(values)} steps; the dark line is their mean, {signed(float(np.mean(values)))} {unit}."
    words += _beyond(outside)
    plot = _plot(f"{title}: distribution of {len(values)} steps", content, x, y)
    return figure(name, title, "steps", plot + _axis(unit), said=f"{words} {said}".strip())


def error_by_speed(name: str, outcomes: Sequence[Outcome], quantity: Quantity) -> str:
    """Return each foot's mean error ± SD in each recording against its speed; "" without data."""
    points: list[tuple[float, float, float, int]] = []
    keys: list[str] = []
    for outcome in outcomes:
        known = [pair.true.speed_mps for pair in outcome.matched if pair.true.speed_mps is not None]
        speed_mps = float(np.median(known)) if known else outcome.truth.speed_mps
        if speed_mps is None:
            continue
        spreads = [
            error_stats(errors([outcome.only(partial(_is_of, foot))], quantity), quantity.factor) for foot in FEET
        ]
        if any(spreads):
            points += [(speed_mps, s.bias, s.sd, len(keys)) for s in spreads if s is not None]
            keys.append(outcome.name)
    if not points:
        return ""
    ends = np.array([value for _, bias, sd, _ in points for value in (bias - sd, bias + sd)])
    y = fitted_scale(ends, 1.0, (0.0, float(ends.min()), float(ends.max())))
    speeds = np.array([point[0] for point in points])
    x = fitted_scale(speeds, 1.0, (float(speeds.min()), float(speeds.max())))
    content = f'<path class="zero" d="M0 {y.y(0.0):.1f}H{WIDTH:.0f}"/>'
    placed: dict[float, int] = {}
    for speed_mps, bias, sd, index in points:
        # Equal speeds stand side by side.
        place = placed[speed_mps] = placed.get(speed_mps, -1) + 1
        at = x.x(speed_mps) + 14.0 * (place - 0.5 * (int(np.count_nonzero(speeds == speed_mps)) - 1))
        content += line([at, at], [y.y(bias - sd), y.y(bias + sd)], f"spread {series(index)}")
        content += dots([at], [y.y(bias)], f"mean {series(index)}")
    plot = _plot(f"{quantity.title}: error against speed", content, x, y)
    said = "A dot is the mean of one foot in one recording (left, then right), its line ± one standard deviation."
    return figure(
        name, f"{quantity.title} and speed", f"error, {quantity.unit}", plot + _axis("m/s"), keys=keys, said=said
    )


def _beyond(count: int) -> str:
    return f" {count} {'lies' if count == 1 else 'lie'} beyond the scale." if count else ""


def _is_of(foot: Foot, pair: Matched) -> bool:
    return pair.true.foot == foot


def signed(value: float) -> str:
    """Return a value with its sign."""
    return f"{value:+.1f}".replace("-", "−")


def _dots(x_values: FloatArray, y_values: FloatArray, x: Scale, y: Scale, kind: str) -> str:
    shown = x.holds(x_values) & y.holds(y_values)
    return dots((x.x(v) for v in x_values[shown]), (y.y(v) for v in y_values[shown]), kind)


def _plot(label: str, content: str, x: Scale, y: Scale, *, inside: str = "") -> str:
    uprights = "".join(f"M{x.x(tick):.1f} 0V{HEIGHT:.0f}" for tick in value_ticks(x))
    ys = "".join(
        f'<span style="top:{100 * (1 - y.share(tick)):.1f}%">{_tick(tick, y)}</span>' for tick in value_ticks(y)
    )
    xs = ""
    for tick in value_ticks(x):
        at = 100 * x.share(tick)
        end = ' class="end"' if at > _END_PERCENT else ""
        xs += f'<span{end} style="left:{at:.2f}%">{_tick(tick, x)}</span>'
    drawing = svg(label, f'{grid(y)}<path class="upright" d="{uprights}"/>{content}')
    return (
        f'<div class="plot xy" style="height:{_HEIGHT_PX}px"><div class="ys" aria-hidden="true">{ys}</div>'
        f'<div class="area">{drawing}{inside}<div class="xs" aria-hidden="true">{xs}</div></div></div>'
    )


def _axis(words: str) -> str:
    return f'<p class="axis-name">{esc(words)}</p>'


def _tick(value: float, scale: Scale) -> str:
    step = round_step((scale.high - scale.low) / 5)
    digits = 0 if step >= 1 else 1 if step >= 0.1 else 2
    return f"{round(value, digits) + 0.0:.{digits}f}".replace("-", "−")
