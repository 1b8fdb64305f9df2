"""Bars of the strike types, and the two feet side by side."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import degrees

from gait_signal.types import FEET

from ..wording import STRIKE_LABELS, StrikeLabel
from .chart import HEIGHT, WIDTH, Scale, block, esc, svg
from .charts import SIDES
from .figures import Figures, FootFigures, Spread

TEXT_FROM_SHARE = 0.12
"""A narrower part of a bar has no room for its number."""


def strike_bars(figures: Figures) -> str:
    """Return a bar of strike types for each foot, for both, and for each third of the session."""
    if not figures.labels:
        return (
            '<figure id="strikes" class="chart empty"><figcaption><h3>Strike types</h3></figcaption>'
            '<p class="nothing">No strike type is known in this session.</p></figure>'
        )
    rows = [(SIDES[foot], figures.feet[foot].labels) for foot in FEET if figures.feet[foot].labels]
    if len(rows) == 2:
        rows.append(("Both", figures.labels))
    rows += list(zip(("First third", "Middle third", "Last third"), figures.thirds, strict=False))
    bars = "".join(_bar(name, labels, apart=name == "First third") for name, labels in rows)
    legend = "".join(f'<li><i class="swatch {label}"></i>{label}</li>' for label in STRIKE_LABELS)
    return (
        '<figure id="strikes" class="chart"><figcaption><h3>Strike types <small>% of running steps</small>'
        f'</h3><ul class="legend">{legend}</ul></figcaption><div class="bars">{bars}</div></figure>'
    )


def _bar(name: str, labels: Counter[StrikeLabel], *, apart: bool) -> str:
    total = labels.total()
    parts, texts, told = "", "", []
    start = 0.0
    for label in STRIKE_LABELS:
        share = labels[label] / total
        end = start + share
        if share > 0:
            parts += block(WIDTH * start, WIDTH * end, 0, HEIGHT, kind=f"part {label}")
            told.append(f"{100 * share:.0f} % {label}")
        if share >= TEXT_FROM_SHARE:
            texts += f'<span class="{label}" style="left:{50 * (start + end):.1f}%">{100 * share:.0f}</span>'
        start = end
    return (
        f'<div class="bar{" apart" if apart else ""}"><b>{esc(name)}</b>'
        f'<div class="area">{svg(", ".join(told), parts)}{texts}</div>'
        f'<span class="count">{total}</span></div>'
    )


@dataclass(frozen=True, slots=True)
class _Compared:
    name: str
    unit: str
    factor: float
    digits: int
    pick: str


_COMPARED = (
    _Compared("Strike angle", "°", degrees(1.0), 1, "strike_angle_rad"),
    _Compared("Contact time", "ms", 1000.0, 0, "contact_time_s"),
    _Compared("Flight time", "ms", 1000.0, 0, "flight_time_s"),
    _Compared("Cadence", "/min", 1.0, 1, "cadence_spm"),
    _Compared("Knee drive, estimate", "°", degrees(1.0), 1, "knee_drive_rad"),
)


def comparison(figures: Figures) -> str:
    """Return the measures of both feet side by side: mean, spread, difference."""
    feet = figures.feet
    rows = ""
    for item in _COMPARED:
        spreads = {foot: _spread(feet[foot], item.pick) for foot in FEET}
        known = [s for s in spreads.values() if s is not None]
        if known:
            rows += _compared_row(item, figures, [spreads[foot] for foot in FEET], known)
    if not rows:
        return (
            '<figure id="feet" class="chart empty"><figcaption><h3>Left and right</h3></figcaption>'
            '<p class="nothing">No running steps were found in this session.</p></figure>'
        )
    return (
        '<figure id="feet" class="chart"><figcaption><h3>Left and right</h3><ul class="legend">'
        '<li><i class="swatch left"></i>left</li><li><i class="swatch right"></i>right</li></ul></figcaption>'
        '<div class="scroll"><table class="feet"><thead><tr><th></th><th>Left</th><th>Right</th>'
        '<th>Difference</th><th class="wide">Spread</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
        '<p class="said">Mean ± standard deviation of the steps; difference is left minus right. In the'
        " spread, the thin line holds 8 of 10 steps, the thick one half of them, the mark is the median.</p>"
        "</figure>"
    )


def _compared_row(item: _Compared, figures: Figures, spreads: list[Spread | None], known: list[Spread]) -> str:
    left, right = spreads
    difference = "–"
    if left is not None and right is not None:
        difference = f"{item.factor * (left.mean - right.mean):+.{item.digits}f}".replace("-", "−")
    measured = item.pick == "knee_drive_rad" and figures.knee_methods[:1] == ("thigh-pod",)
    name = "Knee drive" if measured else item.name
    return (
        f"<tr><th>{name} <small>{item.unit}</small></th><td>{_mean(item, left)}</td>"
        f"<td>{_mean(item, right)}</td><td>{difference}</td>"
        f'<td class="wide">{_strip(name, spreads, known)}</td></tr>'
    )


def _mean(item: _Compared, spread: Spread | None) -> str:
    if spread is None:
        return "–"
    mean, sd = item.factor * spread.mean, item.factor * spread.sd
    return f"{mean:.{item.digits}f} <small>± {sd:.{item.digits}f}</small>".replace("-", "−")


def _strip(name: str, spreads: list[Spread | None], known: list[Spread]) -> str:
    low, high = min(s.p10 for s in known), max(s.p90 for s in known)
    room = max(0.08 * (high - low), 1e-6)
    scale = Scale(low - room, high + room)
    out = ""
    for place, (foot, spread) in enumerate(zip(FEET, spreads, strict=True)):
        if spread is None:
            continue
        y = HEIGHT * (0.28 + 0.44 * place)
        out += block(scale.x(spread.p10), scale.x(spread.p90), y - 12, y + 12, kind=f"whisker {foot}")
        out += block(scale.x(spread.p25), scale.x(spread.p75), y - 52, y + 52, kind=f"box {foot}")
        at = scale.x(spread.median)
        out += block(at - 3, at + 3, y - 80, y + 80, kind="median")
    return svg(f"Spread of {name} of both feet", out)


def _spread(foot: FootFigures, name: str) -> Spread | None:
    value = getattr(foot, name)
    return value if isinstance(value, Spread) else None
