"""The report's tables: pods, calibrations, gaps, notices, the session itself."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

from ..wording import elapsed_text
from .chart import esc
from .data import ReportData

LONGEST_GAPS = 10
NOTICES = 50


def session_table(data: ReportData) -> str:
    """Return what the session was run with."""
    rows = [
        ("Session", data.session_id),
        ("Runner", data.runner),
        ("Started", f"{data.local_time(0.0):%Y-%m-%d %H:%M:%S %Z}"),
        ("Ended", f"{data.local_time(data.end_s):%Y-%m-%d %H:%M:%S %Z}"),
        ("Time zone", data.zone),
        ("Gait core", data.core_version or "unknown"),
        *data.settings_summary,
    ]
    return _table([], rows, head_column=True)


def pods_table(data: ReportData) -> str:
    """Return the pods and how their radio links were."""
    rows = []
    for pod in sorted(data.pods, key=lambda p: (p.role, p.side, p.serial)):
        total = pod.packets_received + pod.packets_lost
        rows.append(
            (
                f"{pod.side} {pod.role}",
                pod.serial,
                "–" if pod.battery_percent is None else f"{pod.battery_percent} %",
                f"{pod.packets_received}",
                f"{pod.packets_lost} ({100 * pod.packets_lost / total:.2f} %)" if total else "–",
                f"{pod.packets_late}",
                f"{pod.packets_duplicate}",
                "–" if pod.clock_error_s is None else f"± {1000 * pod.clock_error_s:.1f} ms",
            )
        )
    heads = ["Worn", "Serial", "Battery", "Packets", "Lost", "Late", "Double", "Clock"]
    return _table(heads, rows, empty="No pod was seen.")


def calibrations_table(data: ReportData) -> str:
    """Return from what each foot's angles were set."""
    rows = [
        (
            event.foot,
            _clock(data, event.decided_s),
            event.calibration.source,
            f"{event.calibration.duration_s:.1f} s",
            f"{sqrt(sum(a * a for a in event.calibration.acc_stand_sensor_mps2)):.2f} m/s²",
        )
        for event in sorted(data.calibrations, key=lambda event: (event.decided_s, event.foot))
    ]
    return _table(["Foot", "At", "From", "Rest", "Gravity seen"], rows, empty="No calibration was taken.")


def gaps_table(data: ReportData) -> str:
    """Return the longest stretches of missing data."""
    longest = sorted(data.gaps, key=lambda gap: gap.from_s - gap.to_s)[:LONGEST_GAPS]
    rows = [
        (
            data.side_of(gap.serial) or "?",
            gap.serial,
            _clock(data, gap.from_s),
            f"{gap.to_s - gap.from_s:.2f} s",
            f"{gap.packets_lost}",
            gap.cause,
        )
        for gap in sorted(longest, key=lambda gap: gap.from_s)
    ]
    table = _table(["Foot", "Pod", "From", "Length", "Packets", "Cause"], rows, empty="No data is missing.")
    rest = len(data.gaps) - len(rows)
    return table + (f'<p class="said">And {rest} shorter ones.</p>' if rest > 0 else "")


def notices_table(data: ReportData) -> str:
    """Return what was said during the run."""
    ordered = sorted(data.notices, key=lambda notice: notice.at_s)
    rows = [(_clock(data, notice.at_s), notice.level, notice.text) for notice in ordered[:NOTICES]]
    table = _table(["At", "", "Notice"], rows, empty="There was nothing to say.")
    rest = len(ordered) - len(rows)
    return table + (f'<p class="said">And {rest} more.</p>' if rest > 0 else "")


def _clock(data: ReportData, at_s: float) -> str:
    return f"{data.local_time(at_s):%H:%M:%S} ({elapsed_text(at_s)})"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], *, empty: str = "", head_column: bool = False) -> str:
    if not rows:
        return f'<p class="nothing">{esc(empty)}</p>'
    head = "".join(f"<th>{esc(text)}</th>" for text in heads)
    body = ""
    for row in rows:
        first = f"<th>{esc(row[0])}</th>" if head_column else f"<td>{esc(row[0])}</td>"
        body += "<tr>" + first + "".join(_cell(cell) for cell in row[1:]) + "</tr>"
    thead = f"<thead><tr>{head}</tr></thead>" if heads else ""
    return f'<div class="scroll"><table>{thead}<tbody>{body}</tbody></table></div>'


def _cell(text: str) -> str:
    # Figures stay on one line (a narrow table scrolls); sentences may wrap.
    return f'<td class="long">{esc(text)}</td>' if len(text) > 24 else f"<td>{esc(text)}</td>"
