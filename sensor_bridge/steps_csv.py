"""The step table as CSV: one row per step, degrees, empty cells where unknown."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable
from pathlib import Path

from gait_signal.types import Step

HEADER = (
    "foot",
    "activity",
    "ic_s",
    "to_s",
    "contact_time_s",
    "flight_time_s",
    "cadence_spm",
    "strike",
    "strike_confidence",
    "decided_s",
    "strike_final",
    "strike_angle_deg",
    "knee_drive_deg",
    "knee_drive_sd_deg",
    "knee_drive_method",
    "knee_drive_rel_standing_deg",
    "stride_length_m",
    "speed_mps",
    "ankle_clearance_m",
    "contact_to_knee_peak_s",
    "finalized_s",
    # Up to here the form is fixed; what follows may grow.
    "stride_time_s",
    "swing_time_s",
    "duty_factor",
    "impact_peak_mps2",
    "pronation_deg",
    "pronation_peak_dps",
    "gap_touched",
    "clipped",
)


def steps_csv(steps: Iterable[Step]) -> str:
    """Table of the steps, in the order of their contacts."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEADER)
    for step in sorted(steps, key=lambda s: (s.ic_s, s.foot)):
        writer.writerow(_cells(step))
    return out.getvalue()


def write_steps_csv(path: Path, steps: Iterable[Step]) -> None:
    """Write the table to a file.

    Raises
    ------
    OSError
        The file cannot be written.
    """
    path.write_text(steps_csv(steps), encoding="utf-8", newline="")


def _cells(step: Step) -> list[str]:
    return [
        step.foot,
        step.activity,
        _number(step.ic_s, 5),
        _number(step.to_s, 5),
        _number(step.contact_time_s, 5),
        _number(step.flight_time_s, 5),
        _number(step.cadence_spm, 2),
        step.strike or "",
        _number(step.strike_confidence, 3),
        _number(step.decided_s, 5),
        step.strike_final or "",
        _degrees(step.strike_angle_rad),
        _degrees(step.knee_drive_rad),
        _degrees(step.knee_drive_sd_rad),
        step.knee_drive_method,
        _degrees(step.knee_drive_rel_standing_rad),
        _number(step.stride_length_m, 3),
        _number(step.speed_mps, 3),
        _number(step.ankle_clearance_m, 4),
        _number(step.contact_to_knee_peak_s, 4),
        _number(step.finalized_s, 5),
        _number(step.stride_time_s, 5),
        _number(step.swing_time_s, 5),
        _number(_duty_factor(step), 4),
        _number(step.impact_peak_mps2, 1),
        _degrees(step.pronation_rad),
        _degrees(step.pronation_peak_radps),
        str(int(step.gap_touched)),
        str(int(step.clipped)),
    ]


def _duty_factor(step: Step) -> float | None:
    """Share of the stride that the foot is down."""
    if step.contact_time_s is None or not step.stride_time_s:
        return None
    return step.contact_time_s / step.stride_time_s


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def _degrees(value: float | None) -> str:
    return "" if value is None else f"{math.degrees(value):.2f}"
