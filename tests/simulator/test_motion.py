"""The legs obey the ground, gravity and their own length."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gait_signal.types import FEET, FloatArray
from sensor_bridge.simulator import Body, Scenario, Segment, Variability
from sensor_bridge.simulator.leg import Leg
from sensor_bridge.simulator.motion import Motion, build_motion

speeds = st.floats(2.0, 5.5)
cadences = st.floats(150.0, 195.0)
strikes = st.floats(-10.0, 25.0)
drive_offsets = st.floats(-8.0, 8.0)


def run(speed: float, cadence: float, strike: float, drive_off: float, seed: int = 1) -> tuple[Motion, Body]:
    body = Body.random(np.random.default_rng(seed))
    segment = Segment(
        4.0,
        "running",
        speed,
        cadence,
        strike_angle_deg=strike,
        knee_drive_deg=18.0 + 4.6 * speed + drive_off,
    )
    return build_motion(Scenario((segment,), body=body), np.random.default_rng(seed)), body


def within(leg: Leg, duration_s: float) -> list[int]:
    """Contacts that lie in the session with all of their swing."""
    stance = leg.stance
    return [k for k in range(len(leg.steps) - 1) if stance.ic_s[k] > 0.0 and stance.ic_s[k + 1] < duration_s]


def sole_point_m(leg: Leg, t_s: FloatArray, at_s: float) -> FloatArray:
    """World path of the very piece of sole that carries the foot at ``at_s``."""
    body = leg.body
    now = leg.pose(np.array([at_s])).foot
    pitch, roll = float(now.pitch_rad[0]), float(now.roll_rad[0])
    ahead, radius = (
        (body.heel_ahead_m, -body.heel_radius_m) if pitch > 0.0 else (body.ball_ahead_m, body.forefoot_radius_m)
    )
    round_ahead, round_up = radius * np.sin(abs(pitch)), abs(radius) * (1.0 - np.cos(pitch))
    x = ahead + round_ahead - body.ankle_ahead_m
    y = leg.stance.outward * body.sole_half_width_m + np.sin(roll) * round_up
    z = np.cos(roll) * round_up - body.ankle_height_m
    pose = leg.pose(t_s)
    return pose.ankle_m + pose.foot.apply(x, y, z)


@given(speeds, cadences, strikes, drive_offsets, st.integers(0, 1000))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_run_is_one_a_leg_can_run(speed: float, cadence: float, strike: float, drive_off: float, seed: int) -> None:
    motion, body = run(speed, cadence, strike, drive_off, seed)
    t = np.arange(0.0, 4.0, 0.004)
    for foot in FEET:
        leg = motion.legs[foot]
        pose = leg.pose(t)
        assert np.isfinite(pose.ankle_m).all()
        knee = np.degrees(pose.knee_flexion_rad)
        assert knee.min() > 2.0
        assert knee.max() < 135.0
        clearance = pose.ankle_m[2] - body.ankle_over_sole_m(pose.foot.pitch_rad)
        assert clearance[~pose.down].min() > -0.01  # a drag of the toes at most
        reach = np.hypot(pose.ankle_m[0] - pose.hip_m[0], pose.ankle_m[2] - pose.hip_m[2])
        assert reach.max() < 0.9995 * (body.thigh_length_m + body.shank_length_m)


@pytest.mark.parametrize(("speed", "strike"), [(2.5, 16.0), (3.5, 3.0), (4.5, -6.0)])
def test_the_sole_stands_still_on_the_ground(speed: float, strike: float) -> None:
    motion, _ = run(speed, 168.0, strike, 0.0)
    h = 1e-4
    for foot in FEET:
        leg = motion.legs[foot]
        for k in within(leg, 4.0):
            for share in np.linspace(0.0, 1.0, 12):
                settled_s = leg.stance.ic_s[k] + 0.06
                at = settled_s + share * (leg.stance.toe_push_s[k] - 2 * h - settled_s)
                path = sole_point_m(leg, at + np.array([-h, h]), at)
                slip_mps = np.linalg.norm((path[:, 1] - path[:, 0])[:2]) / (2 * h)
                assert slip_mps < 0.005


@pytest.mark.parametrize("strike", [16.0, -6.0])
def test_contact_begins_with_a_moving_sole_at_ground_level(strike: float) -> None:
    motion, _ = run(3.0, 168.0, strike, 0.0)
    h = 1e-4
    leg = motion.legs["left"]
    for k in within(leg, 4.0):
        ic_s = float(leg.stance.ic_s[k])
        touching = sole_point_m(leg, np.array([ic_s - h, ic_s, ic_s + 0.06]), ic_s)
        assert touching[2, 1] == pytest.approx(0.0, abs=5e-4)
        assert (touching[2, 1] - touching[2, 0]) / h < -0.1  # it comes down
        assert (touching[0, 1] - touching[0, 0]) / h > 0.1  # and still moves forward
        assert -0.02 < touching[2, 2] < 0.01  # then the sole has given way by millimetres


@pytest.mark.parametrize(("speed", "strike"), [(2.2, 20.0), (3.5, 0.0), (5.3, -8.0)])
def test_acceleration_never_jumps(speed: float, strike: float) -> None:
    """No join of two curves shows: even the impact grows from nothing."""
    motion, _ = run(speed, 170.0, strike, 0.0)
    h = 1e-4
    for foot in FEET:
        t = np.arange(0.5, 2.5, h)
        ankle = motion.legs[foot].pose(t).ankle_m
        accel = np.diff(ankle, 2, axis=1) / h**2
        jump = np.abs(np.diff(accel, axis=1)).max()
        assert jump < 30.0  # m/s^2 in a tenth of a millisecond; a real corner gives hundreds


def test_hips_fall_freely_between_contacts() -> None:
    motion, _ = run(3.5, 165.0, 12.0, 0.0)
    steps = [s for s in motion.plan.steps if 0.0 < s.ic_s < 3.0]
    h = 1e-3
    for step, after in itertools.pairwise(steps):
        middle_s = np.array([0.5 * (step.to_s + after.ic_s)])
        height = motion.legs["left"].hip.height
        assert after.ic_s - step.to_s > 0.08
        accel = float(np.squeeze(height(middle_s - h) - 2 * height(middle_s) + height(middle_s + h))) / h**2
        assert accel == pytest.approx(-9.81, abs=0.3)


def test_hips_bob_as_published() -> None:
    """Vertical oscillation of runners is 5 to 12 cm."""
    motion, _ = run(3.0, 165.0, 12.0, 0.0)
    height = motion.legs["left"].hip.height(np.arange(0.0, 4.0, 0.002))
    assert 0.05 < np.ptp(height) < 0.12


@pytest.mark.parametrize("speed", [2.5, 3.5, 4.5])
def test_curves_lie_in_published_ranges(speed: float) -> None:
    """Novacheck 1998 and Fukuchi et al. 2017, with room for runners."""
    motion, _ = run(speed, 166.0, 14.0, 0.0)
    leg = motion.legs["right"]
    h = 1e-3
    for k in within(leg, 4.0):
        stance = leg.stance
        t = np.arange(stance.ic_s[k], stance.ic_s[k + 1], h)
        pose = leg.pose(t)
        pitch_rate = np.degrees(np.gradient(pose.foot.pitch_rad, h))
        early = t < stance.ic_s[k] + 0.08
        push = (t > stance.rise_s[k]) & (t < stance.to_s[k])
        knee, thigh = np.degrees(pose.knee_flexion_rad), np.degrees(pose.thigh_rad)
        assert 200.0 < -pitch_rate[early].min() < 650.0
        assert 350.0 < -pitch_rate[push].min() < 1000.0
        assert 400.0 < pitch_rate[~pose.down].max() < 1100.0
        assert 35.0 < knee[pose.down].max() < 60.0
        assert 70.0 < knee[~pose.down].max() < 120.0
        assert 25.0 < thigh.max() < 45.0
        assert -38.0 < thigh.min() < -12.0
        assert -75.0 < np.degrees(pose.foot.pitch_rad[pose.down]).min() < -45.0


def test_walking_keeps_a_foot_down_and_running_does_not() -> None:
    t = np.arange(1.0, 6.0, 0.005)
    for doing, both, neither in (("walking", True, False), ("running", False, True)):
        scenario = Scenario((Segment(7.0, doing),), variability=Variability.none())  # type: ignore[arg-type]
        legs = build_motion(scenario, np.random.default_rng(3)).legs
        down = [legs[foot].pose(t).down for foot in FEET]
        assert bool((down[0] & down[1]).any()) is both
        assert bool((~down[0] & ~down[1]).any()) is neither


def test_standing_feet_stay_and_every_change_of_gait_is_smooth(mixed_motion: Motion, mixed: Scenario) -> None:
    t = np.arange(0.0, mixed.duration_s, 0.001)
    quiet = (t > 1.0) & (t < 2.3)
    stop = (t > 18.0) & (t < 18.4)
    for foot in FEET:
        leg = mixed_motion.legs[foot]
        pose = leg.pose(t)
        assert np.ptp(pose.ankle_m[:, quiet], axis=1).max() < 1e-6
        assert np.ptp(pose.ankle_m[:, stop], axis=1).max() < 1e-6
        accel = np.diff(pose.ankle_m, 2, axis=1) / 1e-6
        assert np.linalg.norm(accel, axis=0).max() < 350.0
        assert np.degrees(pose.knee_flexion_rad).min() > 1.0
        clearance = pose.ankle_m[2] - mixed.body.ankle_over_sole_m(pose.foot.pitch_rad)
        assert clearance[~pose.down].min() > -0.015


def test_running_in_place_goes_nowhere() -> None:
    motion = build_motion(Scenario((Segment(6.0, "in_place"),)), np.random.default_rng(1))
    pose = motion.legs["left"].pose(np.arange(0.0, 6.0, 0.01))
    assert np.ptp(pose.hip_m[0]) < 0.02
    assert np.ptp(pose.ankle_m[2]) > 0.10
