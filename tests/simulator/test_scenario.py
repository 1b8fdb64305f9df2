from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor_bridge.errors import UsageError
from sensor_bridge.simulator import Scenario, Segment


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"activity": "swimming"}, "activity must be one of"),
        ({"speed_mps": 9.0}, "speed_mps when running"),
        ({"speed_mps": float("nan")}, "speed_mps when running"),
        ({"cadence_spm": 20.0}, "cadence_spm when running"),
        ({"contact_time_s": 0.9}, "contact_time_s must lie"),
        ({"strike_angle_deg": (10.0, 60.0)}, "strike_angle_deg must lie"),
        ({"knee_drive_deg": 120.0}, "knee_drive_deg must lie"),
        ({"blend_steps": 0}, "blend_steps"),
        ({"duration_s": -1.0}, "duration_s"),
        ({"activity": "walking", "contact_time_s": 0.3}, "only be set for running"),
    ],
)
def test_what_nobody_can_run_is_refused(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Segment(**{"duration_s": 5.0, "activity": "running", **wrong})


def test_a_session_needs_a_segment() -> None:
    with pytest.raises(ValueError, match="at least one segment"):
        Scenario(())


@given(st.floats(10.0, 7200.0), st.integers(0, 10_000))
def test_a_demo_lasts_as_long_as_asked(seconds: float, seed: int) -> None:
    scenario = Scenario.demo(seconds, np.random.default_rng(seed))
    assert scenario.duration_s == pytest.approx(seconds)
    assert scenario.segments[0].activity == "standing"
    running_s = sum(s.duration_s for s in scenario.segments if s.activity == "running")
    assert running_s > 0.6 * seconds


@pytest.mark.parametrize("seconds", [0.0, 5.0, float("nan"), float("inf")])
def test_a_demo_that_is_too_short_is_a_usage_error(seconds: float) -> None:
    with pytest.raises(UsageError, match="at least 10 seconds"):
        Scenario.demo(seconds, np.random.default_rng(1))
