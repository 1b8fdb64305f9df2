"""Tables of plain text for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ..wording import printable
from .outcome import groups
from .run import Validation
from .sensitivity import SensitivityRow
from .statistics import ErrorStats, accuracy, heel_balanced_accuracy
from .summary import Summary, summarize

_HEADS: Final = (
    "recording",
    "steps",
    "missed",
    "false",
    "lock",
    "IC ms",
    "robust",
    "TO ms",
    "contact ms",
    "angle rmse",
    "type %",
    "heel/not %",
    "knee mae",
    "decided p95 ms",
)
SENSITIVITY_HEADS: Final = (
    "case",
    "steps",
    "missed",
    "false",
    "as running",
    "IC ms",
    "TO ms",
    "contact ms",
    "angle rmse",
    "heel/not %",
    "intact %",
    "touched",
    "marked",
)


def validation_text(validation: Validation) -> str:
    """Return a line for every recording and every group; bias ± standard deviation."""
    rows = [_cells(summarize(outcome.name, [outcome])) for outcome in validation.outcomes]
    pooled = [_cells(summarize(f"all {name}", members)) for name, members in groups(validation.outcomes).items()]
    lines = [table(_HEADS, rows, pooled)]
    lines += [
        f"{printable(outcome.name)}: {line.found} of {line.truth.strides} strides counted ({line.truth.foot})"
        for outcome in validation.outcomes
        for line in outcome.counted
    ]
    return "\n".join(lines)


def sensitivity_text(rows: Sequence[SensitivityRow]) -> str:
    """Return one table for every group of recordings."""
    parts = []
    for group in dict.fromkeys(row.group for row in rows):
        cells = [sensitivity_cells(row) for row in rows if row.group == group]
        parts.append(f"{printable(group)}\n{table(SENSITIVITY_HEADS, cells)}")
    return "\n\n".join(parts)


def sensitivity_cells(row: SensitivityRow) -> list[str]:
    """Return a case's cells, without units."""
    of = row.summary
    return [
        row.case,
        str(of.steps),
        str(of.missed),
        str(of.false),
        str(of.false_running),
        spread(of.stats["ic"]),
        spread(of.stats["to"]),
        spread(of.stats["contact_time"]),
        rmse(of.stats["strike_angle"]),
        percent(row.heel_balanced),
        percent(row.heel_balanced_intact),
        str(row.touched) if row.touched else "",
        str(row.touched_marked) if row.touched else "",
    ]


def spread(of: ErrorStats | None) -> str:
    """Return bias ± standard deviation."""
    return "" if of is None else f"{of.bias:+.1f} ± {of.sd:.1f}".replace("-", "−")


def rmse(of: ErrorStats | None) -> str:
    """Return the root mean square error."""
    return "" if of is None else f"{of.rmse:.2f}"


def percent(share: float | None) -> str:
    """Return a share in per cent."""
    return "" if share is None else f"{100.0 * share:.1f}"


def table(heads: Sequence[str], *blocks: Sequence[Sequence[str]]) -> str:
    """Return aligned columns, the first to the left, with a blank line before each further block."""
    rows = [list(heads), *([printable(cell) for cell in row] for block in blocks for row in block)]
    width = [max(len(row[i]) for row in rows) for i in range(len(heads))]

    def text(row: Sequence[str]) -> str:
        return "  ".join(
            cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, width, strict=True))
        ).rstrip()

    out = [text(rows[0])]
    at = 1
    for index, block in enumerate(blocks):
        if index and block:
            out.append("")
        out += [text(row) for row in rows[at : at + len(block)]]
        at += len(block)
    return "\n".join(out)


def _cells(of: Summary) -> list[str]:
    p95_s = of.decisions.latency_percentile_s(95)
    ic, knee = of.stats["ic"], of.stats["knee_drive"]
    return [
        of.name,
        str(of.steps),
        str(of.missed),
        str(of.false),
        "" if of.lock_steps is None else str(of.lock_steps),
        spread(ic),
        "" if ic is None else f"{ic.robust_sd:.1f}",
        spread(of.stats["to"]),
        spread(of.stats["contact_time"]),
        rmse(of.stats["strike_angle"]),
        percent(accuracy(of.final)),
        percent(heel_balanced_accuracy(of.final)),
        "" if knee is None else f"{knee.mae:.1f}",
        "" if p95_s is None else f"{1000.0 * p95_s:.0f}",
    ]
