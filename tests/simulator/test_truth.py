from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sensor_bridge.simulator import (
    Asymmetry,
    Body,
    Scenario,
    Segment,
    Simulation,
    TruthStep,
    Variability,
    simulate,
)
from sensor_bridge.simulator.motion import build_motion
from sensor_bridge.simulator.truth import true_steps

EVEN = Asymmetry(0.0, 0.0, 0.0, 0.0)


def truth_of(segment: Segment, seed: int = 1, asymmetry: Asymmetry = EVEN) -> list[TruthStep]:
    scenario = Scenario((segment,), Body(), asymmetry, Variability.none())
    motion = build_motion(scenario, np.random.default_rng(seed))
    return list(true_steps(motion, segment.duration_s))


@given(
    st.floats(2.0, 5.0),
    st.floats(150.0, 185.0),
    st.floats(0.17, 0.28),
    st.floats(-10.0, 25.0),
    st.floats(-8.0, 8.0),
)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_truth_is_what_was_asked_for(
    speed: float, cadence: float, contact_s: float, strike: float, drive_off: float
) -> None:
    drive = 18.0 + 4.6 * speed + drive_off
    if speed * contact_s > 0.95:  # beyond a leg's reach
        contact_s = 0.95 / speed
    segment = Segment(
        4.0,
        "running",
        speed,
        cadence,
        contact_time_s=contact_s,
        strike_angle_deg=strike,
        knee_drive_deg=drive,
    )
    steps = truth_of(segment)
    assert len(steps) > 8
    for step in steps:
        assert step.strike_angle_deg == pytest.approx(strike, abs=1e-6)
        assert step.to_s - step.ic_s == pytest.approx(_leaving_room(contact_s, strike, cadence), abs=0.004)
        assert step.speed_mps == pytest.approx(speed, rel=0.02)
        assert step.ic_s + step.contact_to_knee_peak_s > step.to_s
        assert step.knee_drive_deg >= drive - 0.3
    ics = np.array([step.ic_s for step in steps])
    assert 60.0 / np.diff(ics) == pytest.approx(cadence, rel=1e-6)


def _leaving_room(contact_s: float, strike: float, cadence: float) -> float:
    """A landing on the ball is a little shorter; and there must be some flight."""
    return min(contact_s * (1.0 - 0.0025 * max(14.0 - strike, 0.0)), 60.0 / cadence - 0.02)


@pytest.mark.parametrize("speed", [2.5, 3.3, 4.2])
@pytest.mark.parametrize("drive_off", [-6.0, 0.0, 8.0])
def test_knee_drive_can_be_set_at_constant_speed(speed: float, drive_off: float) -> None:
    drive = 18.0 + 4.6 * speed + drive_off
    steps = truth_of(Segment(4.0, "running", speed, 168.0, knee_drive_deg=drive))
    assert np.mean([step.knee_drive_deg for step in steps]) == pytest.approx(drive, abs=1.0)


def test_knee_drive_changes_the_path_of_the_foot() -> None:
    heights = []
    for drive in (26.0, 40.0):
        segment = Segment(4.0, "running", 3.0, 168.0, knee_drive_deg=drive)
        scenario = Scenario((segment,), Body(), EVEN, Variability.none())
        leg = build_motion(scenario, np.random.default_rng(1)).legs["left"]
        swings = leg.swing_grid_s(41)[4:-4]
        ankle_m = leg.pose(swings.ravel()).ankle_m[2].reshape(swings.shape)
        heights.append(ankle_m[:, 28:36].mean())  # while the knee is high
    assert heights[1] > heights[0] + 0.015


def test_strike_classes_follow_the_angle_with_its_borders() -> None:
    for angle, expected in ((8.1, "rearfoot"), (7.9, "midfoot"), (-1.5, "midfoot"), (-1.7, "forefoot")):
        steps = truth_of(Segment(2.0, "running", strike_angle_deg=angle))
        assert {step.strike for step in steps} == {expected}


def test_each_side_can_strike_in_its_own_way() -> None:
    steps = truth_of(Segment(3.0, "running", strike_angle_deg=(15.0, -6.0)))
    assert {(step.foot, step.strike) for step in steps} == {("left", "rearfoot"), ("right", "forefoot")}


def test_asymmetry_is_left_minus_right() -> None:
    steps = truth_of(Segment(6.0, "running", 3.0, contact_time_s=0.24), asymmetry=Asymmetry(0.0, 0.10, 3.0, 4.0))
    side = {foot: [s for s in steps if s.foot == foot] for foot in ("left", "right")}
    contact = {foot: np.mean([s.to_s - s.ic_s for s in side[foot]]) for foot in side}
    drive = {foot: np.mean([s.knee_drive_deg for s in side[foot]]) for foot in side}
    angle = {foot: np.mean([s.strike_angle_deg for s in side[foot]]) for foot in side}
    assert contact["left"] - contact["right"] == pytest.approx(0.024, abs=0.003)
    assert drive["left"] - drive["right"] == pytest.approx(4.0, abs=0.5)
    assert angle["left"] - angle["right"] == pytest.approx(3.0, abs=1e-6)


def test_knee_drive_against_standing_differs_by_one_constant() -> None:
    steps = truth_of(Segment(3.0, "running"))
    offsets = [step.knee_drive_deg - step.knee_drive_rel_standing_deg for step in steps]
    assert np.ptp(offsets) < 1e-9
    assert -10.0 < offsets[0] < 0.0  # at rest the thigh leans back a little


def test_demo_turns_from_heel_to_ball_and_passes_through_every_activity(demo: Simulation) -> None:
    running = [step for step in demo.truth if step.activity == "running"]
    assert len(running) > 100
    assert {step.activity for step in demo.truth} == {"walking", "running", "in_place"}
    assert all(step.strike == "rearfoot" for step in running[:30])
    assert all(step.strike == "forefoot" for step in running[-30:])
    turn = [step.strike for step in running]
    change = turn.index("forefoot") - (len(turn) - 1 - turn[::-1].index("rearfoot"))
    assert -4 <= change <= 12  # within about ten steps


def test_steps_of_a_foot_do_not_overlap(demo: Simulation) -> None:
    for foot in ("left", "right"):
        steps = [step for step in demo.truth if step.foot == foot]
        for step, after in itertools.pairwise(steps):
            assert step.ic_s < step.to_s < after.ic_s


def test_truth_belongs_to_the_recorded_time(demo: Simulation) -> None:
    assert all(0.0 <= step.ic_s < demo.scenario.duration_s for step in demo.truth)
    times = [step.ic_s for step in demo.truth]
    assert times == sorted(times)


def test_a_stand_has_no_steps() -> None:
    assert simulate(Scenario((Segment(5.0, "standing"),)), seed=1).truth == ()
