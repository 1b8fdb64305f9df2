from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor_bridge.simulator import Body
from sensor_bridge.simulator.rotation import Attitude


@given(st.floats(-1.2, 1.4), st.floats(0.01, 2.6))
def test_inverse_kinematics_undoes_the_leg(thigh_rad: float, knee_rad: float) -> None:
    body = Body()
    thigh, knee = body.leg_angles_rad(*body.ankle_from_hip_m(np.array(thigh_rad), np.array(knee_rad)))
    assert float(thigh) == pytest.approx(thigh_rad, abs=1e-6)
    assert float(knee) == pytest.approx(knee_rad, abs=1e-6)


@given(st.floats(0.05, 2.0))
def test_leg_length_slopes_are_its_derivatives(knee_rad: float) -> None:
    body, h = Body(), 1e-4
    length = [float(body.leg_length_m(knee_rad + d)) for d in (-h, 0.0, h)]
    slope, curve = body.leg_length_slopes_m(np.array(knee_rad))
    assert float(slope) == pytest.approx((length[2] - length[0]) / (2 * h), abs=1e-6)
    assert float(curve) == pytest.approx((length[2] - 2 * length[1] + length[0]) / h**2, abs=1e-5)


@given(st.integers(0, 500))
def test_random_bodies_are_people(seed: int) -> None:
    body = Body.random(np.random.default_rng(seed))
    assert 1.5 < body.height_m < 2.0
    assert 0.44 < (body.thigh_length_m + body.shank_length_m) / body.height_m < 0.54


def test_a_body_out_of_order_is_refused() -> None:
    with pytest.raises(ValueError, match="ankle, pod, ball, toe"):
        Body(pod_ahead_m=0.2)
    with pytest.raises(ValueError, match=r"0\.25 m"):
        Body(thigh_length_m=0.1)


angles = st.floats(-1.2, 1.2)


@given(angles, angles, angles, angles, angles, angles)
def test_body_rates_carry_the_attitude_along(
    yaw: float, pitch: float, roll: float, yaw_rate: float, pitch_rate: float, roll_rate: float
) -> None:
    """A vector fixed in the segment moves in the world with omega x r."""
    h = 1e-4
    t = np.array([-h, 0.0, h])
    attitude = Attitude(yaw + yaw_rate * t, pitch + pitch_rate * t, roll + roll_rate * t)
    omega = attitude.body_rates(h)[:, 0]
    arm = np.array([0.3, -0.2, 0.5])
    moved = attitude.apply(*arm)
    velocity = (moved[:, 2] - moved[:, 0]) / (2 * h)
    expected = attitude.inner().apply(*np.cross(omega, arm))[:, 0]
    assert velocity == pytest.approx(expected, abs=1e-6)


def test_signs_of_pitch_and_roll() -> None:
    quarter = np.array([np.pi / 2])
    none = np.zeros(1)
    toe_up = Attitude(none, quarter, none).apply(1.0, 0.0, 0.0)
    left_up = Attitude(none, none, quarter).apply(0.0, 1.0, 0.0)
    to_the_left = Attitude(quarter, none, none).apply(1.0, 0.0, 0.0)
    assert toe_up[:, 0] == pytest.approx([0.0, 0.0, 1.0], abs=1e-12)
    assert left_up[:, 0] == pytest.approx([0.0, 0.0, 1.0], abs=1e-12)
    assert to_the_left[:, 0] == pytest.approx([0.0, 1.0, 0.0], abs=1e-12)
