"""Pods that do not sit as their calibration or side says."""

from __future__ import annotations

import math

import numpy as np
import pytest

from gait_signal import FEET, Calibration, GaitCore, ImuBlock, Step
from gait_signal.mounting import MountingWatch
from sensor_bridge.analyze import imu_block
from sensor_bridge.simulator import Body, Scenario, Segment, simulate

TURNS = {
    "upside down": np.diag([1.0, -1.0, -1.0]),
    "back to front": np.diag([-1.0, -1.0, 1.0]),
    "both": np.diag([-1.0, 1.0, -1.0]),
}


def turned(block: ImuBlock, matrix: np.ndarray) -> ImuBlock:
    acc, gyr = block.acc_sensor_mps2 @ matrix, block.gyr_sensor_radps @ matrix
    return ImuBlock(block.time_s, acc, gyr, block.acc_clipped, block.gyr_clipped)


def run(blocks, foot="left", **core_options):
    core = GaitCore([foot], **core_options)
    steps, said = [], []
    for block in blocks:
        steps += [e for e in core.process(foot, block) if isinstance(e, Step)]
        said += core.mountings()
    steps += [e for e in core.flush() if isinstance(e, Step)]
    return steps, said + core.mountings()


@pytest.mark.parametrize("name", TURNS)
def test_steps_are_found_whichever_way_the_pod_is_turned(foot_of, gaits, name):
    data = foot_of(gaits["run"], gaits["run"], end_stand_s=1.0)
    expected, nothing = run([data.block()])
    steps, said = run([turned(data.block(), TURNS[name])])
    assert not nothing
    assert [m.kind for m in said] == ([] if name == "upside down" else ["flipped"])
    late = [s for s in steps if s.ic_s > data.ic_s[4]]
    assert [s.activity for s in late] == ["running"] * len(late)
    true = [s for s in expected if s.ic_s > data.ic_s[4]]
    assert [s.ic_s for s in late] == pytest.approx([s.ic_s for s in true], abs=0.01)
    tail = zip(late[8:-1], true[8:-1], strict=True)
    assert max(abs(a.strike_angle_rad - b.strike_angle_rad) for a, b in tail) < math.radians(2.0)


@pytest.mark.parametrize("foot", ["left", "right"])
def test_a_foot_that_rolls_the_wrong_way_in_every_stride_is_the_other_one(foot):
    inward = math.radians(10.0 if foot == "left" else -10.0)

    def said(rolled_rad, runs=True):
        watch = MountingWatch(foot)
        return [m for k in range(20) for m in watch.stance(-0.03, 0.0, rolled_rad, runs, True, float(k))]

    assert not said(inward)
    assert not said(0.0)
    assert not said(-inward, runs=False)
    assert [m.kind for m in said(-inward)] == ["swapped"]
    assert said(-inward)[0].text.startswith(f"The {foot} pod moves like one on the other foot")


def test_a_pod_put_back_otherwise_is_said_once(foot_of, gaits):
    data = foot_of(*[gaits["run"]] * 4)
    calibration = Calibration((0.0, 0.0, 9.8), (0.0, 0.0, 0.0), "profile", 10.0)
    level = foot_of(*[gaits["run"]] * 4, tilt_deg=(5.0, 0.0, 0.0))
    assert not run([level.block()], calibrations={"left": calibration})[1]
    steps, said = run([data.block()], calibrations={"left": calibration})
    assert [m.kind for m in said] == ["moved"]
    assert said[0].text.startswith("The left pod sits about 2")  # 20 deg nose down, 4 deg aside
    assert said[0].decided_s < data.ic_s[0]
    # Without the stand, the strides tell.
    running = int(np.searchsorted(data.time_s, 3.0))
    _, said = run([data.block(running)], calibrations={"left": calibration})
    assert [m.kind for m in said] == ["moved"]
    assert steps


def test_a_pod_that_slips_in_a_run_is_said_once(foot_of, gaits):
    data = foot_of(*[gaits["run"]] * 6)
    slip = int(np.searchsorted(data.time_s, data.ic_s[30]))
    after = turned(data.block(slip), _nose_down(9.0))
    _, said = run([data.block(0, slip), after])
    assert [m.kind for m in said] == ["moved"]
    assert data.ic_s[40] < said[0].decided_s < data.ic_s[50]


def _nose_down(deg: float) -> np.ndarray:
    c, s = math.cos(math.radians(deg)), math.sin(math.radians(deg))
    return np.array([[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]])


def test_notices_do_not_depend_on_cuts(foot_of, gaits):
    data = foot_of(gaits["run"], gaits["run"], end_stand_s=1.0)
    whole = turned(data.block(), TURNS["back to front"])
    cut = [turned(data.block(k, k + 7), TURNS["back to front"]) for k in range(0, len(data.time_s), 7)]
    steps, said = run([whole])
    again, said_again = run(cut)
    assert said
    assert (steps, said) == (again, said_again)


@pytest.mark.parametrize("seed", [7, 23])
def test_fast_forefoot_running_is_not_taken_for_a_turned_pod(seed):
    """Half-way through its swing such a foot is nearly still for a moment, heel up, at about 1 g."""
    rng = np.random.default_rng(seed)
    scenario = Scenario(
        (Segment(1.0, "standing"), Segment(14.0, "running", 4.2, strike_angle_deg=-6.0)), body=Body.random(rng)
    )
    recording = simulate(scenario, seed=seed).recording
    for foot in FEET:
        pod = recording.pods[f"{foot}_foot"]
        steps, said = run([imu_block(pod, slice(None), 16.0, 2000.0)], foot)
        assert not said
        assert len(steps) >= 18
