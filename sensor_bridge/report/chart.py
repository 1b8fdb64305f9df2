"""Drawing blocks of the report's charts: scales, ticks, SVG paths, and the frame around a plot.

A plot is an SVG stretched to its box (strokes and dots keep their size), with HTML for all text: so text
keeps its size on a phone and on paper, and no script is needed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10

import numpy as np
import numpy.typing as npt

from ..wording import elapsed_text, printable

WIDTH = 1000.0
HEIGHT = 400.0
END_FROM_PERCENT = 96.0

FloatArray = npt.NDArray[np.float64]


def esc(text: object) -> str:
    """Return text that is safe between tags and in quoted attributes."""
    return escape(printable(str(text), 2000), quote=True)


@dataclass(frozen=True, slots=True)
class Scale:
    """A linear scale from values to a plot's height or width."""

    low: float
    high: float

    def share(self, value: float) -> float:
        """Return where a value lies, 0 at ``low`` and 1 at ``high``."""
        return (value - self.low) / (self.high - self.low)

    def x(self, value: float) -> float:
        """Return a horizontal SVG coordinate."""
        return WIDTH * self.share(value)

    def y(self, value: float) -> float:
        """Return a vertical SVG coordinate."""
        return HEIGHT * (1.0 - self.share(value))

    def holds(self, values: FloatArray) -> npt.NDArray[np.bool_]:
        """Return which values lie on the scale, shape (n,)."""
        return (values >= self.low) & (values <= self.high)


def fitted_scale(values: FloatArray, least_span: float, include: Sequence[float] = ()) -> Scale:
    """Return a scale on which all but the rarest 1 % of values lie, ended at round numbers.

    Parameters
    ----------
    values : ndarray, shape (n,), n > 0
    least_span : float
        Smaller differences are not blown up to fill the plot.
    include : sequence of float
        Values that must lie on the scale.
    """
    low, high = (float(q) for q in np.percentile(values, [0.5, 99.5]))
    low, high = min(low, *include, low), max(high, *include, high)
    room = max(0.06 * (high - low), (least_span - (high - low)) / 2, 1e-9)
    low, high = low - room, high + room
    step = round_step((high - low) / 4)
    return Scale(floor(low / step) * step, ceil(high / step) * step)


def round_step(about: float) -> float:
    """Return the least of 1, 2, 5 x 10^n that is not below ``about``."""
    power = 10.0 ** floor(log10(about))
    return next(factor * power for factor in (1.0, 2.0, 5.0, 10.0) if factor * power >= about * 0.999)


def value_ticks(scale: Scale) -> list[float]:
    """Return three to six round values on a scale."""
    step = round_step((scale.high - scale.low) / 5)
    first = ceil(scale.low / step - 1e-9)
    last = floor(scale.high / step + 1e-9)
    return [index * step for index in range(first, last + 1)]


_TIME_STEPS_S = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600, 7200, 14400, 28800, 86400)


def time_ticks(end_s: float) -> list[float]:
    """Return up to seven round session times from 0."""
    step = next((s for s in _TIME_STEPS_S if end_s / s <= 6), _TIME_STEPS_S[-1] * ceil(end_s / (6 * 86400)))
    return [float(t) for t in range(0, int(end_s) + 1, step)]


def dots(x: Iterable[float], y: Iterable[float], kind: str) -> str:
    """Return round dots of a constant size: strokes of no length with round ends."""
    path = "".join(f"M{a:.1f} {b:.1f}h0" for a, b in zip(x, y, strict=True))
    return f'<path class="dots {kind}" d="{path}"/>' if path else ""


def line(x: Sequence[float], y: Sequence[float], kind: str) -> str:
    """Return one unbroken line."""
    points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
    return f'<polyline class="line {kind}" points="{points}"/>' if len(x) > 1 else ""


def band(x: Sequence[float], low: Sequence[float], high: Sequence[float], kind: str) -> str:
    """Return the area between two lines."""
    if len(x) < 2:
        return ""
    there = [f"{a:.1f},{b:.1f}" for a, b in zip(x, high, strict=True)]
    back = [f"{a:.1f},{b:.1f}" for a, b in zip(reversed(x), reversed(low), strict=True)]
    return f'<polygon class="band {kind}" points="{" ".join(there + back)}"/>'


def block(x0: float, x1: float, y0: float, y1: float, *, kind: str, least_width: float = 0.0) -> str:
    """Return a rectangle; ``least_width`` keeps a short thing visible."""
    width = max(x1 - x0, least_width)
    return f'<rect class="{kind}" x="{x0:.1f}" y="{min(y0, y1):.1f}" width="{width:.1f}" height="{abs(y1 - y0):.1f}"/>'


def marks(x: Iterable[float], y0: float, y1: float, kind: str) -> str:
    """Return short vertical strokes; those that would lie on one another are drawn once."""
    places = sorted({round(value) for value in x})
    path = "".join(f"M{place} {y0:.0f}V{y1:.0f}" for place in places)
    return f'<path class="marks {kind}" d="{path}"/>' if path else ""


def merged(spans: Iterable[tuple[float, float]], closer_than: float) -> list[tuple[float, float]]:
    """Return spans in order, joined where they overlap or lie closer than that."""
    joined: list[tuple[float, float]] = []
    for start, end in sorted(spans):
        if joined and start - joined[-1][1] <= closer_than:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined


def svg(label: str, content: str) -> str:
    """Return the stretched drawing; ``label`` is read aloud in its place."""
    return (
        f'<svg viewBox="0 0 {WIDTH:.0f} {HEIGHT:.0f}" preserveAspectRatio="none" role="img"'
        f' aria-label="{esc(label)}">{content}</svg>'
    )


def grid(scale: Scale) -> str:
    """Return horizontal lines at the value ticks."""
    path = "".join(f"M0 {scale.y(tick):.1f}H{WIDTH:.0f}" for tick in value_ticks(scale))
    return f'<path class="grid" d="{path}"/>'


def frame(label: str, content: str, scale: Scale, end_s: float, *, height_px: int, inside: str = "") -> str:
    """Return a plot over time with its axes.

    Parameters
    ----------
    label : str
        Read aloud in place of the drawing.
    content : str
        SVG, drawn over the grid.
    scale : Scale
        Of the values, in the unit of the axis.
    end_s : float
        Session time at the right end; the left end is 0.
    height_px : int
    inside : str
        HTML laid over the drawing.
    """
    digits = 0 if round_step((scale.high - scale.low) / 5) >= 1 else 1
    ys = "".join(
        f'<span style="top:{100 * (1 - scale.share(tick)):.1f}%">{_number(tick, digits)}</span>'
        for tick in value_ticks(scale)
    )
    return (
        f'<div class="plot" style="height:{height_px}px"><div class="ys" aria-hidden="true">{ys}</div>'
        f'<div class="area">{svg(label, grid(scale) + content)}{inside}{time_axis(end_s)}</div></div>'
    )


def time_axis(end_s: float) -> str:
    """Return the time ticks below a plot."""
    ticks = ""
    for tick in time_ticks(end_s):
        at = 100 * tick / end_s
        end = ' class="end"' if at > END_FROM_PERCENT else ""  # a label in the corner keeps inside
        ticks += f'<span{end} style="left:{at:.2f}%">{elapsed_text(tick)}</span>'
    return f'<div class="xs" aria-hidden="true">{ticks}</div>'


def _number(value: float, digits: int) -> str:
    return f"{round(value, digits) + 0.0:.{digits}f}".replace("-", "−")
