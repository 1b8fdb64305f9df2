"""The step table: the fixed header, degrees at the edge, empty cells where unknown."""

from __future__ import annotations

import csv
import math
from pathlib import Path

from gait_signal import Step
from sensor_bridge.steps_csv import steps_csv, write_steps_csv

HEADER = (
    "foot,activity,ic_s,to_s,contact_time_s,flight_time_s,cadence_spm,strike,strike_confidence,decided_s,strike_final,"
    "strike_angle_deg,knee_drive_deg,knee_drive_sd_deg,knee_drive_method,knee_drive_rel_standing_deg,stride_length_m,"
    "speed_mps,ankle_clearance_m,contact_to_knee_peak_s,finalized_s,"
    "stride_time_s,swing_time_s,duty_factor,impact_peak_mps2,pronation_deg,pronation_peak_dps,gap_touched,clipped"
)


def step(**changes: object) -> Step:
    values: dict[str, object] = {
        "foot": "left", "step_id": 3, "activity": "running", "ic_s": 1.25, "to_s": 1.5, "contact_time_s": 0.25,
        "flight_time_s": 0.12, "swing_time_s": 0.49, "stride_time_s": 0.74, "cadence_spm": 162.162,
        "strike": "rearfoot", "strike_confidence": 0.93, "decided_s": 1.27, "strike_final": "midfoot",
        "strike_angle_rad": math.radians(7.5), "knee_drive_rad": math.radians(31.0),
        "knee_drive_sd_rad": math.radians(2.3), "knee_drive_method": "shoe-estimate",
        "knee_drive_rel_standing_rad": None, "stride_length_m": 2.1, "speed_mps": 2.8, "ankle_clearance_m": 0.041,
        "contact_to_knee_peak_s": 0.52, "gap_touched": False, "clipped": False, "calibration": "standing",
        "finalized_s": 2.3, "impact_peak_mps2": 98.76, "pronation_rad": math.radians(9.5), "pronation_peak_radps": None,
    }  # fmt: skip
    return Step(**{**values, **changes})  # type: ignore[arg-type]


def test_header_and_a_full_row():
    lines = steps_csv([step()]).splitlines()
    assert lines[0] == HEADER
    assert lines[1] == (
        "left,running,1.25000,1.50000,0.25000,0.12000,162.16,rearfoot,0.930,1.27000,midfoot,7.50,31.00,2.30,"
        "shoe-estimate,,2.100,2.800,0.0410,0.5200,2.30000,0.74000,0.49000,0.3378,98.8,9.50,,0,0"
    )


def test_unknown_is_empty_and_rows_are_in_order_of_contact():
    blank = step(
        foot="right", ic_s=0.5, activity="walking", to_s=None, contact_time_s=None, flight_time_s=None,
        cadence_spm=None, strike=None, strike_confidence=None, strike_final=None, strike_angle_rad=None,
        knee_drive_rad=None, knee_drive_sd_rad=None, knee_drive_method="", stride_length_m=None, speed_mps=None,
        ankle_clearance_m=None, contact_to_knee_peak_s=None, stride_time_s=None, swing_time_s=None,
        impact_peak_mps2=None, pronation_rad=None,
    )  # fmt: skip
    rows = list(csv.DictReader(steps_csv([step(), blank]).splitlines()))
    assert [r["foot"] for r in rows] == ["right", "left"]
    filled = {key for key, value in rows[0].items() if value}
    assert filled == {"foot", "activity", "ic_s", "decided_s", "finalized_s", "gap_touched", "clipped"}


def test_no_steps_leave_the_header(tmp_path: Path):
    write_steps_csv(tmp_path / "x.csv", [])
    assert (tmp_path / "x.csv").read_text() == HEADER + "\n"
