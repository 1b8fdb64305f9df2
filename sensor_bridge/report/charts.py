"""The report's charts: strike angle, measures over time, the course of the session."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import degrees

import numpy as np

from gait_signal.params import CoreParams
from gait_signal.types import FEET, Foot, Step

from ..wording import STRIKE_LABELS, StrikeLabel, step_label
from .chart import HEIGHT, WIDTH, Scale, block, dots, esc, fitted_scale, frame, marks, merged, svg, time_axis
from .data import ReportData
from .figures import Figures, Measure, foot_gaps, known_points
from .series import BINS, DOTS_LIMIT, MEDIAN_STEPS, drawn, is_binned, pieces

SIDES: dict[Foot, str] = {"left": "Left", "right": "Right"}
_PARAMS = CoreParams()
REARFOOT_ABOVE_DEG = degrees(_PARAMS.rearfoot_above_rad)
FOREFOOT_BELOW_DEG = degrees(_PARAMS.forefoot_below_rad)
GAP_LEAST_WIDTH = 2.0
"""Of a plot 1000 wide: a short gap stays visible."""


def strike_angle_chart(data: ReportData, figures: Figures) -> str:
    """Return one plot for each foot, with the bands of the strike types behind the steps."""
    points = {foot: known_points(figures.feet[foot].steps, lambda s: _degrees(s.strike_angle_rad)) for foot in FEET}
    known = np.concatenate([values for _, values in points.values()])
    if len(known) == 0:
        return _empty("strike-angle", "Strike angle", "No strike angle is known in this session.")
    scale = fitted_scale(known, 20.0, (FOREFOOT_BELOW_DEG - 3, REARFOOT_ABOVE_DEG + 3))
    plots = "".join(_angle_plot(data, figures, foot, points[foot], scale) for foot in FEET)
    kinds: list[tuple[str, str]] = [(f"dot {label}", label) for label in STRIKE_LABELS]
    others = [("swatch gap", "no data")] + ([("tick cue", "cue")] if data.cues else [])
    binned = any(is_binned(values) for _, values in points.values())
    said = _reading(binned, data.end_s) + _outside(known, scale)
    return _figure("strike-angle", ("Strike angle", "° at contact, toes up"), plots, kinds + others, said)


def _angle_plot(
    data: ReportData, figures: Figures, foot: Foot, points: tuple[np.ndarray, np.ndarray], scale: Scale
) -> str:
    x = Scale(0.0, data.end_s)
    time_s, values = points
    content = _class_bands(scale) + _gap_blocks(data, [foot], x)
    if is_binned(values):
        content += drawn(pieces(time_s, values, foot_gaps(data, foot), data.end_s), x, scale, "ink")
    else:
        for label in STRIKE_LABELS:
            content += _label_dots(figures.feet[foot].steps, label, x, scale)
        content += drawn(pieces(time_s, values, foot_gaps(data, foot), data.end_s), x, scale, "ink thin")
    content += marks((x.x(c.at_s) for c in data.cues if c.foot == foot), HEIGHT - 16, HEIGHT, "cue")
    inside = _class_names(scale) + f'<b class="side">{SIDES[foot]}</b>'
    if len(values) == 0:
        inside += f'<p class="nothing">No steps of the {foot} foot.</p>'
    told = f"Strike angle of the {foot} foot over time, {len(values)} steps"
    return frame(told, content, scale, data.end_s, height_px=190, inside=inside)


def _label_dots(steps: Sequence[Step], label: StrikeLabel, x: Scale, y: Scale) -> str:
    # Running in place has an angle but no type: drawn like an uncertain one.
    chosen = [s for s in steps if (step_label(s) or "uncertain") == label]
    time_s, values = known_points(chosen, lambda s: _degrees(s.strike_angle_rad))
    inside = y.holds(values)
    return dots((x.x(t) for t in time_s[inside]), (y.y(v) for v in values[inside]), label)


def _class_bands(scale: Scale) -> str:
    edges = [scale.high, REARFOOT_ABOVE_DEG, FOREFOOT_BELOW_DEG, scale.low]
    names = ("rearfoot", "midfoot", "forefoot")
    return "".join(
        block(0, WIDTH, scale.y(upper), scale.y(lower), kind=f"class {name}")
        for name, (upper, lower) in zip(names, pairwise(edges), strict=True)
    )


def _class_names(scale: Scale) -> str:
    middle = (REARFOOT_ABOVE_DEG + FOREFOOT_BELOW_DEG) / 2
    places = (
        ("rearfoot", (scale.high + REARFOOT_ABOVE_DEG) / 2),
        ("midfoot", middle),
        ("forefoot", (scale.low + FOREFOOT_BELOW_DEG) / 2),
    )
    return "".join(
        f'<span class="name" style="top:{100 * (1 - scale.share(value)):.1f}%">{name}</span>' for name, value in places
    )


@dataclass(frozen=True, slots=True)
class Shown:
    """A measure as it is shown.

    Attributes
    ----------
    name, title, unit : str
        The figure's id, heading and unit.
    measure : callable
        Step to value in that unit, or None.
    least_span : float
        Smallest height of the plot in that unit.
    """

    name: str
    title: str
    unit: str
    measure: Measure
    least_span: float


def measure_chart(
    data: ReportData, figures: Figures, shown: Shown, *, spread: float | None = None, said: str = ""
) -> str:
    """Return both feet's course of one measure in one plot.

    Parameters
    ----------
    spread : float, optional
        Uncertainty to draw around the lines (instead of single steps), in the measure's unit.
    said : str
        What to say below the plot, as HTML.
    """
    points = {foot: known_points(figures.feet[foot].steps, shown.measure) for foot in FEET}
    known = np.concatenate([values for _, values in points.values()])
    if len(known) == 0:
        return _empty(shown.name, shown.title, "No value of it is known in this session.")
    around = () if spread is None else (float(np.median(known)) - spread, float(np.median(known)) + spread)
    scale = fitted_scale(known, shown.least_span, around)
    x = Scale(0.0, data.end_s)
    content = _gap_blocks(data, FEET, x)
    binned = any(is_binned(values) for _, values in points.values())
    lines = ""
    for foot in FEET:
        time_s, values = points[foot]
        inside = scale.holds(values)
        if not binned and spread is None:
            content += dots((x.x(t) for t in time_s[inside]), (scale.y(v) for v in values[inside]), f"{foot} faint")
        course = pieces(time_s, values, foot_gaps(data, foot), data.end_s)
        lines += drawn(course, x, scale, foot, spread=spread)
    plot = frame(
        f"{shown.title} of both feet over time, {len(known)} steps",
        content + lines,
        scale,
        data.end_s,
        height_px=220,
    )
    keys = [(f"swatch {foot}", foot) for foot in FEET if len(points[foot][0])] + [("swatch gap", "no data")]
    reading = _reading(binned, data.end_s, single=spread is None) + _outside(known, scale)
    return _figure(shown.name, (shown.title, shown.unit), plot, keys, f"{said} {reading}".strip())


def course_chart(data: ReportData, figures: Figures) -> str:
    """Return what was done when: a row for each foot's activity and gaps, and one for the cues."""
    x = Scale(0.0, data.end_s)
    rows = ""
    for foot in FEET:
        steps = sorted((s for s in data.steps if s.foot == foot), key=lambda s: s.ic_s)
        content = "".join(_activity_blocks(steps, x)) + _gap_blocks(data, [foot], x)
        rows += _row(SIDES[foot], f"Activity and missing data of the {foot} foot", content)
    if data.cues:
        content = marks((x.x(cue.at_s) for cue in data.cues), 40, HEIGHT - 40, "cue")
        rows += _row("Cues", f"{len(data.cues)} cues", content)
    plot = f'<div class="rows">{rows}<div class="axis">{time_axis(data.end_s)}</div></div>'
    done = [
        ("swatch running", "running", figures.running),
        ("swatch in_place", "running in place", figures.in_place),
        ("swatch walking", "walking", figures.walking),
    ]
    keys = [(kind, text) for kind, text, count in done if count] + [("swatch gap", "no data")]
    return _figure("course", ("The session", ""), plot, keys, "Blank: standing, or nothing recognised.")


def _row(name: str, label: str, content: str) -> str:
    return f'<div class="row"><b>{name}</b>{svg(label, content)}</div>'


def _activity_blocks(steps: Sequence[Step], x: Scale) -> list[str]:
    """One block per stretch of one activity, so that their number does not grow with the steps."""
    blocks: list[str] = []
    for activity in ("walking", "in_place", "running"):
        spans = [(s.ic_s, s.ic_s + (s.stride_time_s or 0.7)) for s in steps if s.activity == activity]
        for start, end in merged(spans, 0.5):
            blocks.append(block(x.x(start), x.x(end), 60, HEIGHT - 60, kind=activity, least_width=1.0))
    return blocks


def _gap_blocks(data: ReportData, feet: Sequence[Foot], x: Scale) -> str:
    spans = [(x.x(from_s), x.x(to_s)) for foot in feet for from_s, to_s in foot_gaps(data, foot)]
    return "".join(
        block(start, end, 0, HEIGHT, kind="gap", least_width=GAP_LEAST_WIDTH)
        for start, end in merged(spans, GAP_LEAST_WIDTH)
    )


def _figure(name: str, head: tuple[str, str], plot: str, keys: Sequence[tuple[str, str]], said: str = "") -> str:
    title, unit = head
    legend = "".join(f'<li><i class="{kind}"></i>{esc(text)}</li>' for kind, text in keys)
    below = f'<p class="said">{said}</p>' if said else ""
    heading = esc(title) + (f" <small>{esc(unit)}</small>" if unit else "")
    return (
        f'<figure id="{name}" class="chart"><figcaption><h3>{heading}</h3>'
        f'<ul class="legend">{legend}</ul></figcaption>{plot}{below}</figure>'
    )


def _empty(name: str, title: str, said: str) -> str:
    return (
        f'<figure id="{name}" class="chart empty"><figcaption><h3>{esc(title)}</h3></figcaption>'
        f'<p class="nothing">{esc(said)}</p></figure>'
    )


def _reading(binned: bool, end_s: float, *, single: bool = True) -> str:
    if binned:
        return f"More than {DOTS_LIMIT} steps of a foot: the line is the median of every {end_s / BINS:.0f} s" + (
            ", the shade holds 8 of 10 steps." if single else "."
        )
    if single:
        return f"A dot is a step, the line the median of {MEDIAN_STEPS} steps; it breaks where data is missing."
    return f"The line is the median of {MEDIAN_STEPS} steps."


def _outside(values: np.ndarray, scale: Scale) -> str:
    count = int(np.count_nonzero(~scale.holds(values)))
    if not count:
        return ""
    return f" {count} {'step lies' if count == 1 else 'steps lie'} beyond the scale."


def _degrees(value_rad: float | None) -> float | None:
    return None if value_rad is None else degrees(value_rad)
