"""The validation page's tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from gait_signal.types import STRIKES, Step

from ..report.chart import esc
from .console import SENSITIVITY_HEADS, percent, rmse, sensitivity_cells, spread
from .markup import html_table
from .outcome import Outcome
from .run import Validation
from .statistics import (
    NONE,
    QUANTITIES,
    Counts,
    accuracy,
    average_errors,
    balanced_accuracy,
    confidence_gap,
    error_stats,
    heel_balanced_accuracy,
)
from .summary import Summary, summarize

_LISTED: Final = 60
_FIGURES: Final = (
    "Steps",
    "Missed",
    "False",
    "Lock",
    "Contact ms",
    "robust SD",
    "Toe-off ms",
    "Contact time ms",
    "Angle °",
    "RMSE °",
    "Type right %",
    "Knee drive °",
)


def recordings_table(outcomes: Sequence[Outcome], sums: Sequence[Summary]) -> str:
    """Return a row for every recording, and the pools below."""
    rows = [_figures(outcome.name, summarize(outcome.name, [outcome])) for outcome in outcomes]
    return html_table(("Recording", *_FIGURES), rows, sums=[_figures(f"All {s.name}", s) for s in sums])


def runners_table(outcomes: Sequence[Outcome]) -> str:
    """Return a row for every runner, told apart by the body, and how far their biases lie from one another."""
    runners: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        runners.setdefault(outcome.truth.runner, []).append(outcome)
    rows: list[list[str]] = []
    known: list[Summary] = []
    for runner, members in runners.items():
        speeds = sorted({o.truth.speed_mps for o in members if o.truth.speed_mps is not None})
        said = f"{speeds[0]:.1f}" if len(speeds) == 1 else f"{speeds[0]:.1f} to {speeds[-1]:.1f}" if speeds else "–"
        of = summarize(runner, members)
        if runner:
            known.append(of)
        name = ", ".join(o.name for o in members)
        rows.append([name if runner else f"{name} (who ran is not told)", said, *_figures("", of)[1:]])
    sums = [["Biases of the runners, mean ± SD", "", *_between(known)]] if len(known) > 1 else []
    return html_table(("Recordings of one runner", "m/s", *_FIGURES), rows, sums=sums)


def _between(runners: Sequence[Summary]) -> list[str]:
    """Cells of `_FIGURES`, filled where there is a bias."""
    cells = [""] * len(_FIGURES)
    for place, key in ((4, "ic"), (6, "to"), (7, "contact_time"), (8, "strike_angle"), (11, "knee_drive")):
        biases = [stats.bias for of in runners if (stats := of.stats[key]) is not None]
        if len(biases) > 1:
            cells[place] = f"{_signed(float(np.mean(biases)), 1)} ± {np.std(biases, ddof=1):.1f}"
    return cells


def _figures(name: str, of: Summary) -> list[str]:
    ic = of.stats["ic"]
    return [
        name,
        str(of.steps),
        str(of.missed),
        str(of.false),
        "–" if of.lock_steps is None else str(of.lock_steps),
        spread(ic) or "–",
        "–" if ic is None else f"{ic.robust_sd:.1f}",
        spread(of.stats["to"]) or "–",
        spread(of.stats["contact_time"]) or "–",
        spread(of.stats["strike_angle"]) or "–",
        rmse(of.stats["strike_angle"]) or "–",
        percent(accuracy(of.final)) or "–",
        spread(of.stats["knee_drive"]) or "–",
    ]


def errors_table(of: Summary) -> str:
    """Return every quantity's errors in full."""
    rows = []
    for quantity in QUANTITIES:
        stats = of.stats[quantity.key]
        if stats is None:
            continue
        low, high = stats.limits
        rows.append(
            [
                f"{quantity.title}, {quantity.unit}",
                str(stats.n),
                str(of.missing[quantity.key]),
                *(_signed(value) for value in (stats.bias, low, high)),
                *(f"{value:.2f}" for value in (stats.sd, stats.robust_sd, stats.mae, stats.rmse, stats.p95_abs)),
                "–" if stats.skill is None or quantity.key in ("ic", "to") else f"{stats.skill:.2f}".replace("-", "−"),
            ]
        )
    heads = (
        "Error",
        "n",
        "No value",
        "Bias",
        "Limit −",
        "Limit +",
        "SD",
        "Robust SD",
        "MAE",
        "RMSE",
        "95 % below",
        "Skill",
    )
    return html_table(heads, rows, empty="The truth holds no value to compare with.")


def strike_tables(of: Summary) -> str:
    """Return four confusion matrices: final and fast, all steps and those clear of the borders."""
    if not of.final.sum():
        return ""
    parts = [
        ("Final, all steps", of.final),
        ("Fast, all steps", of.fast),
        ("Final, clear of the borders", of.final_clear),
        ("Fast, clear of the borders", of.fast_clear),
    ]
    return f'<div class="pair">{"".join(_matrix(title, counts) for title, counts in parts)}</div>'


def _matrix(title: str, counts: Counts) -> str:
    rows = ""
    for i, true in enumerate(STRIKES):
        if not counts[i].sum():
            continue
        kinds = [' class="hit"' if i == j else "" for j in range(NONE + 1)]
        cells = "".join(f"<td{kind}>{int(count) or '·'}</td>" for kind, count in zip(kinds, counts[i], strict=True))
        recall = counts[i, i] / counts[i].sum()
        rows += f"<tr><th>{true}</th>{cells}<td>{percent(float(recall))}</td></tr>"
    heads = "".join(f"<th>{said}</th>" for said in (*STRIKES, "none", "recall %"))
    shares = (
        ("right", accuracy(counts)),
        ("balanced over types", balanced_accuracy(counts)),
        ("heel or not, balanced", heel_balanced_accuracy(counts)),
    )
    said = ", ".join(f"{name} {percent(share)} %" for name, share in shares if share is not None)
    if np.count_nonzero(counts.sum(axis=1)) == 1:
        said += "; one type only: no evidence, a constant answer would do as well"
    return (
        f'<div><h3>{esc(title)}</h3><div class="scroll"><table class="matrix"><thead><tr><th>true \\ said</th>{heads}'
        f'</tr></thead><tbody>{rows}</tbody></table></div><p class="said">{esc(said)}.</p></div>'
    )


def confidence_table(of: Summary) -> str:
    """Return stated probabilities against the share of right answers."""
    if not of.confidence:
        return ""
    rows = [[f"{b.low:.2f} to {b.high:.2f}", str(b.n), percent(b.stated), percent(b.right)] for b in of.confidence]
    gap = confidence_gap(of.confidence)
    heads = ("Stated probability", "Steps", "Mean stated %", "Right %")
    said = f'<p class="said">Mean distance between the two, weighted by steps: {percent(gap)} points.</p>'
    return html_table(heads, rows) + said


def coverage_sentence(of: Summary) -> str:
    """Say how the stated standard deviations of the knee drive hold."""
    covered = of.knee_coverage
    if covered is None:
        return ""
    return (
        f'<p class="said">Knee drive states a standard deviation with every value (median '
        f"{np.degrees(covered.stated_sd_rad):.1f}°). {percent(covered.within_one)} % of {covered.n} errors lie within "
        f"one of it and {percent(covered.within_two)} % within two; 68 % and 95 % would be exact, more is caution.</p>"
    )


def decisions_sentence(of: Summary) -> str:
    """Say when the fast decisions fell."""
    fell = of.decisions
    p50_s, p95_s = fell.latency_percentile_s(50), fell.latency_percentile_s(95)
    if p50_s is None or p95_s is None:
        return ""
    median_ms, most_ms = (f"{1000.0 * value_s:.0f}".replace("-", "−") for value_s in (p50_s, p95_s))
    said = f"Decided {median_ms} ms (median) and {most_ms} ms (95 %) after the true contact"
    if fell.before_toe_off_share is not None:
        said += f", {percent(fell.before_toe_off_share)} % before toe-off"
    said += f"; {fell.before_contact} of {len(fell.latency_s)} more than 20 ms before the contact itself."
    return f'<p class="said">{esc(said)}</p>'


def wrong_tables(outcomes: Sequence[Outcome]) -> str:
    """Return the missed and the false steps, one by one."""
    missed = [
        [o.name, true.foot, f"{true.ic_s:.3f}", true.strike or "–", _ms(true.ic_sd_s), _distance(true.ic_s, o, None)]
        for o in outcomes
        for true in o.missed
    ]
    false = [
        [
            o.name,
            step.foot,
            f"{step.ic_s:.3f}",
            step.activity.replace("_", " "),
            _ms(step.contact_time_s),
            ("gap " if step.gap_touched else "") + ("clipped" if step.clipped else "") or "–",
            _distance(step.ic_s, o, step),
        ]
        for o in outcomes
        for step in o.false
    ]
    return (
        "<h3>Missed</h3>"
        + _listed(("Recording", "Foot", "At s", "Strike", "Truth's SD ms", "Nearest true step ms"), missed, "None.")
        + "<h3>False</h3>"
        + _listed(
            ("Recording", "Foot", "At s", "Called", "Contact time ms", "Marked", "Nearest true step ms"), false, "None."
        )
    )


def _distance(at_s: float, outcome: Outcome, step: Step | None) -> str:
    """Milliseconds to the nearest true step of any activity; for a true step, to its nearest neighbour."""
    every = (*outcome.truth.steps, *outcome.truth.other_steps)
    feet = [true.ic_s - at_s for true in every if step is None or true.foot == step.foot]
    near = [gap_s for gap_s in feet if step is not None or gap_s != 0.0]
    return _signed(1000.0 * min(near, key=abs), 0) if near else "–"


def _listed(heads: Sequence[str], rows: Sequence[Sequence[str]], empty: str) -> str:
    rest = len(rows) - _LISTED
    more = f'<p class="said">And {rest} more.</p>' if rest > 0 else ""
    return html_table(heads, rows[:_LISTED], words=2, empty=empty) + more


def counting_tables(outcomes: Sequence[Outcome]) -> str:
    """Return recordings whose truth only counts, and averages by other instruments."""
    rows = [
        [
            o.name,
            o.activity.replace("_", " "),
            "single contacts",
            str(len(o.matched)),
            str(len(o.matched) - len(o.missed)),
            str(len(o.false)),
        ]
        for o in outcomes
        if o.matched
    ]
    rows += [
        [
            o.name,
            o.activity.replace("_", " "),
            f"strides, {line.truth.foot}",
            str(line.truth.strides),
            str(line.found),
            str(len(o.false)),
        ]
        for o in outcomes
        for line in o.counted
    ]
    heads = ("Recording", "Activity", "Counted", "True", "Found", "False")
    return html_table(heads, rows, words=3, empty="No recording is for counting only.")


def averages_table(outcomes: Iterable[Outcome]) -> str:
    """Return how averages over time compare with another instrument's; "" where there are none."""
    rows = []
    for outcome in (o for o in outcomes if o.averaged):
        cadence = error_stats(average_errors([outcome], "cadence_spm"))
        contact = error_stats(average_errors([outcome], "contact_time_s"), 1000.0)
        rows.append([outcome.name, str(len(outcome.averaged)), spread(cadence) or "–", spread(contact) or "–"])
    if not rows:
        return ""
    heads = ("Recording", "Moments", "Cadence steps/min", "Contact time ms")
    return "<h3>Against averages of another instrument</h3>" + html_table(heads, rows)


def sensitivity_tables(validation: Validation) -> str:
    """Return a table for every group of recordings."""
    out = ""
    for group in dict.fromkeys(row.group for row in validation.sensitivity):
        rows = [
            [cell or "–" for cell in sensitivity_cells(row)] for row in validation.sensitivity if row.group == group
        ]
        heads = [head[:1].upper() + head[1:] for head in SENSITIVITY_HEADS]
        out += f"<h3>{esc(group)}</h3>{html_table(heads, rows)}"
    return out


def _ms(value_s: float | None) -> str:
    return "–" if value_s is None else f"{1000.0 * value_s:.0f}"


def _signed(value: float, digits: int = 2) -> str:
    return f"{value:+.{digits}f}".replace("-", "−")
