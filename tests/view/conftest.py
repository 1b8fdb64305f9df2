"""Steps and contacts to show."""

from __future__ import annotations

from collections.abc import Callable
from math import radians

import pytest

from gait_signal.types import Contact, Step

STEP = Step(
    foot="left",
    step_id=1,
    activity="running",
    ic_s=10.0,
    to_s=10.24,
    contact_time_s=0.24,
    flight_time_s=0.11,
    swing_time_s=0.46,
    stride_time_s=0.7,
    cadence_spm=171.4,
    strike="rearfoot",
    strike_confidence=0.95,
    decided_s=10.03,
    strike_final="rearfoot",
    strike_angle_rad=radians(12.0),
    knee_drive_rad=radians(33.0),
    knee_drive_sd_rad=radians(2.3),
    knee_drive_method="shoe-estimate",
    knee_drive_rel_standing_rad=None,
    stride_length_m=2.1,
    speed_mps=3.0,
    ankle_clearance_m=0.2,
    contact_to_knee_peak_s=0.4,
    gap_touched=False,
    clipped=False,
    calibration="standing",
    finalized_s=10.8,
)
CONTACT = Contact(
    foot="left",
    step_id=1,
    activity="running",
    ic_s=10.0,
    decided_s=10.03,
    strike="rearfoot",
    strike_confidence=0.95,
    strike_angle_rad=radians(12.0),
)


@pytest.fixture
def a_step() -> Step:
    return STEP


@pytest.fixture
def a_contact() -> Contact:
    return CONTACT


@pytest.fixture
def busy() -> Callable[[object], None]:
    """Fill a view or model with a session in which every line has something to say."""
    from dataclasses import replace

    from gait_signal.types import FEET, ActivityChange, Calibrated, Calibration
    from sensor_bridge.events import CueMark, Notice, PodGap, PodState

    def fill(view) -> None:
        for foot in FEET:
            view.apply(
                PodState(f"SIM-{foot}", foot, "foot", 1.0, "streaming", 88, packets_received=999, packets_lost=1)
            )
            view.apply(Calibrated(foot, Calibration((0, 0, 9.8), (0, 0, 0), "running", 2.0), 3.0))
            view.apply(ActivityChange(foot, "running", 4.0, 4.2))
            for i in range(1, 21):
                view.apply(replace(CONTACT, foot=foot, step_id=i))
                strike = ("rearfoot", "midfoot", "forefoot", "rearfoot")[i % 4]
                view.apply(replace(STEP, foot=foot, step_id=i, strike=strike, strike_final=strike))
                view.apply(CueMark(foot, i, 10.04, 0.04 + 0.001 * i))
            view.apply(PodGap(f"SIM-{foot}", 20.0, 21.5, 60, "link"))
        for i in range(5):
            view.apply(Notice(30.0 + i, "warning", f"Notice {i}: " + "something long happened; " * 8))
        view.set_status(["MQTT: 80 sent, 0 waiting", "database: 80 sent, 3 waiting"])

    return fill
