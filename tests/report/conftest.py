"""Sessions to report on."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from math import radians
from typing import Any

import pytest

from gait_signal.types import Calibrated, Calibration, Foot, Step, Strike
from sensor_bridge.events import CueMark, Notice, PodGap, PodState
from sensor_bridge.report.data import ReportData, summarize_settings
from sensor_bridge.settings import Settings, settings_to_table


def make_step(foot: Foot, step_id: int, ic_s: float, **changes: Any) -> Step:
    values: dict[str, Any] = {
        "foot": foot,
        "step_id": step_id,
        "activity": "running",
        "ic_s": ic_s,
        "to_s": ic_s + 0.24,
        "contact_time_s": 0.24,
        "flight_time_s": 0.11,
        "swing_time_s": 0.46,
        "stride_time_s": 0.7,
        "cadence_spm": 171.4,
        "strike": "rearfoot",
        "strike_confidence": 0.95,
        "decided_s": ic_s + 0.03,
        "strike_final": "rearfoot",
        "strike_angle_rad": radians(12.0),
        "knee_drive_rad": radians(33.0),
        "knee_drive_sd_rad": radians(2.3),
        "knee_drive_method": "shoe-estimate",
        "knee_drive_rel_standing_rad": None,
        "stride_length_m": 2.1,
        "speed_mps": 3.0,
        "ankle_clearance_m": 0.2,
        "contact_to_knee_peak_s": 0.4,
        "gap_touched": False,
        "clipped": False,
        "calibration": "standing",
        "finalized_s": ic_s + 0.8,
    }
    return Step(**{**values, **changes})


def make_session(strides: int = 120, feet: Sequence[Foot] = ("left", "right"), **changes: Any) -> ReportData:
    """Return a run that starts walking and whose runner turns from the heel to the forefoot; a gap left at 40 %."""
    rng = random.Random(7)
    end_s = 20 + 0.7 * strides + 15
    gap = PodGap("SIM-L", 0.4 * end_s, 0.4 * end_s + 5.0, 900, "link")
    steps: list[Step] = []
    cues: list[CueMark] = []
    for i in range(strides):
        for foot in feet:
            ic_s = 20 + 0.7 * i + (0.35 if foot == "right" else 0.0)
            if foot == "left" and gap.from_s - 0.3 < ic_s < gap.to_s:
                continue
            if i < 8:
                walk = {"activity": "walking", "strike": None, "strike_confidence": None, "strike_final": None}
                steps.append(make_step(foot, i + 1, ic_s, **walk, contact_time_s=0.7, knee_drive_rad=None))
                continue
            angle_deg = rng.gauss(16 - 22 * i / strides, 2)
            strike: Strike = "rearfoot" if angle_deg > 8 else "midfoot" if angle_deg > -1.6 else "forefoot"
            sure = 0.99 if min(abs(angle_deg - 8), abs(angle_deg + 1.6)) > 1.5 else 0.6
            contact_s = rng.gauss(0.245 if foot == "left" else 0.238, 0.006)
            steps.append(
                make_step(
                    foot,
                    i + 1,
                    ic_s,
                    strike=strike,
                    strike_final=strike,
                    strike_confidence=sure,
                    strike_angle_rad=radians(angle_deg),
                    contact_time_s=contact_s,
                    to_s=ic_s + contact_s,
                    cadence_spm=rng.gauss(171, 2),
                    knee_drive_rad=radians(rng.gauss(33, 1)),
                )
            )
            if strike == "rearfoot" and sure > 0.8:
                cues.append(CueMark(foot, i + 1, ic_s + 0.04, 0.04))
    values: dict[str, Any] = {
        "session_id": "20260712T160312-7f3a",
        "runner": "runner",
        "started_utc": datetime(2026, 7, 12, 16, 3, 12, tzinfo=UTC),
        "zone": "Europe/Berlin",
        "steps": steps,
        "gaps": [gap] if "left" in feet else [],
        "cues": cues,
        "pods": [
            PodState(f"SIM-{foot[0].upper()}", foot, "foot", end_s, "streaming", 83, 8000, 12, 3, 1, 0.0008)
            for foot in feet
        ],
        "calibrations": [
            Calibrated(foot, Calibration((0.1, 0.2, 9.79), (0, 0, 0), "standing", 6.2), 9.0) for foot in feet
        ],
        "notices": [Notice(12.0, "info", "Both pods are streaming.")],
        "core_version": "0.1.0",
        "settings_summary": summarize_settings(settings_to_table(Settings())),
        "duration_s": end_s,
    }
    return ReportData(**{**values, **changes})


@pytest.fixture
def session() -> Callable[..., ReportData]:
    return make_session


@pytest.fixture
def step() -> Callable[..., Step]:
    return make_step
