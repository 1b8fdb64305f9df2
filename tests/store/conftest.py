"""A home, a session header and steps to store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gait_signal.types import Contact, Step
from sensor_bridge.events import Notice
from sensor_bridge.home import Home
from sensor_bridge.settings import settings_from
from sensor_bridge.store import PodMeta, SessionHeader

RUNNER = "Zora Nightjar"
STARTED = datetime(2026, 3, 1, 7, 0, 0, 123456, tzinfo=UTC)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.locate({"SHOEPOD_HOME": str(tmp_path / "home")}).ensure()


@pytest.fixture
def header() -> SessionHeader:
    """A session of a runner with a telling name that sends to broker and database."""
    settings = settings_from(
        {"runner": {"name": RUNNER}, "mqtt": {"enabled": True}, "influx": {"enabled": True}}, "test"
    )
    pods = (PodMeta("L-1", "left"), PodMeta("R-1", "right"))
    return SessionHeader("20260301-070000-test", STARTED, "Europe/Vienna", "0.1", settings, pods)


@pytest.fixture
def another(header: SessionHeader) -> Callable[[str], SessionHeader]:
    """The same session under another id."""
    return lambda session_id: replace(header, session_id=session_id)


@pytest.fixture
def make_step() -> Callable[..., Step]:
    def make(step_id: int, foot: str = "left", **other: Any) -> Step:
        ic_s = 0.7 * step_id
        values: dict[str, Any] = {
            "foot": foot,
            "step_id": step_id,
            "activity": "running",
            "ic_s": ic_s,
            "to_s": ic_s + 0.25,
            "contact_time_s": 0.25,
            "flight_time_s": None,
            "swing_time_s": 0.45,
            "stride_time_s": 0.7,
            "cadence_spm": 120 / 0.7,
            "strike": "rearfoot",
            "strike_confidence": 0.93,
            "decided_s": ic_s + 0.02,
            "strike_final": "rearfoot",
            "strike_angle_rad": 0.21,
            "knee_drive_rad": 0.6,
            "knee_drive_sd_rad": 0.04,
            "knee_drive_method": "shoe-estimate",
            "knee_drive_rel_standing_rad": None,
            "stride_length_m": 2.1,
            "speed_mps": 3.0,
            "ankle_clearance_m": 0.2,
            "contact_to_knee_peak_s": 0.4,
            "gap_touched": False,
            "clipped": True,
            "calibration": "standing",
            "finalized_s": ic_s + 0.75,
        }
        return Step(**{**values, **other})

    return make


@pytest.fixture
def make_contact() -> Callable[[int], Contact]:
    return lambda step_id: Contact(
        "left", step_id, "running", 0.7 * step_id, 0.7 * step_id + 0.02, "rearfoot", 0.9, 0.2
    )


@pytest.fixture
def notices() -> list[Notice]:
    return []
