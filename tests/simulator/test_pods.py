"""What the pods feel."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from sensor_bridge.simulator import Mounting, Scenario, Segment, SensorModel, Simulation, simulate
from sensor_bridge.simulator import simulate as _simulate_function
from sensor_bridge.simulator.truth import TruthStep

FLAT = Mounting(0.0, 0.0, 0.0)
G = 9.80665


def strapdown(simulation: Simulation, pod: str, start_s: float, end_s: float) -> np.ndarray:
    """Way of a pod between two rests, integrated from its samples alone."""
    samples = simulation.recording.pods[pod]
    dt = 1.0 / simulation.recording.sample_rate_hz
    span = (samples.time_s >= start_s) & (samples.time_s <= end_s)
    acc, gyr = samples.acc_mps2[span], samples.gyr_radps[span]
    up = acc[:3].mean(axis=0)
    attitude = Rotation.align_vectors([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]], [up, [1.0, 0.0, 0.0]], [1e6, 1.0])[0]
    velocity, place, before = np.zeros(3), np.zeros(3), None
    for k in range(len(acc)):
        world = attitude.apply(acc[k]) - [0.0, 0.0, G]
        if before is not None:
            step = 0.5 * (before + world) * dt
            place += (velocity + 0.5 * step) * dt
            velocity = velocity + step
        before = world
        if k + 1 < len(gyr):
            attitude = attitude * Rotation.from_rotvec(0.5 * (gyr[k] + gyr[k + 1]) * dt)
    return np.array([*place, np.linalg.norm(velocity)])


@pytest.mark.parametrize(("speed", "strike"), [(2.5, 15.0), (3.8, -5.0)])
def test_strapdown_of_ideal_signals_returns_the_stride(
    monkeypatch: pytest.MonkeyPatch, speed: float, strike: float
) -> None:
    # A clip that still rings in mid-stance would spoil the level there, not the way.
    monkeypatch.setattr("sensor_bridge.simulator.pod._RING_SHARE", 0.0)
    scenario = Scenario((Segment(4.0, "running", speed, strike_angle_deg=strike),), mountings={"left_foot": FLAT})
    simulation = simulate(scenario, seed=3, rate_hz=1000.0, sensor=SensorModel.ideal(), pods=("left_foot",))
    left = [step for step in simulation.truth if step.foot == "left" and step.ic_s > 0.3]
    checked = 0
    for step, after in list(itertools.pairwise(left))[:3]:
        begin, end = (s.ic_s + 0.36 * (s.to_s - s.ic_s) for s in (step, after))
        ahead, aside, up, left_over_mps = strapdown(simulation, "left_foot", begin, end)
        assert math.hypot(ahead, aside) == pytest.approx(step.stride_length_m, rel=0.01)
        assert abs(up) < 0.01 * step.stride_length_m
        assert left_over_mps < 0.06
        checked += 1
    assert checked == 3


def test_standing_reads_gravity_along_the_mounting() -> None:
    mounting = Mounting(8.0, 25.0, -6.0)
    scenario = Scenario((Segment(1.0, "standing"),), mountings={"left_foot": mounting})
    simulation = simulate(scenario, seed=1, sensor=SensorModel.ideal(), pods=("left_foot",))
    stand = simulation.recording.standing["left_foot"]
    assert stand.time_s[-1] == pytest.approx(5.0 - 0.005)
    mean = stand.acc_mps2.mean(axis=0)
    assert np.linalg.norm(mean) == pytest.approx(G, abs=1e-3)
    nose_down, roll = math.radians(25.0), math.radians(-6.0)
    # Nose down: gravity's reaction leans to the back of the sensor.
    expected = G * np.array(
        [-math.sin(nose_down), math.cos(nose_down) * math.sin(roll), math.cos(nose_down) * math.cos(roll)]
    )
    assert mean == pytest.approx(expected, abs=0.02)
    assert np.abs(stand.gyr_radps).max() < 0.02


def test_standing_thigh_leans_back_as_the_truth_says() -> None:
    scenario = Scenario((Segment(3.0, "running"),), mountings={"left_thigh": FLAT})
    simulation = simulate(scenario, seed=1, sensor=SensorModel.ideal(), pods=("left_thigh",))
    mean = simulation.recording.standing["left_thigh"].acc_mps2.mean(axis=0)
    step = simulation.truth[0]
    lean_deg = step.knee_drive_deg - step.knee_drive_rel_standing_deg
    assert math.degrees(math.atan2(mean[0], mean[2])) == pytest.approx(lean_deg, abs=0.3)


def test_thigh_gyro_integrates_to_the_thigh_angle() -> None:
    scenario = Scenario((Segment(4.0, "running", 3.5),), mountings={"right_thigh": FLAT})
    simulation = simulate(scenario, seed=2, rate_hz=1000.0, sensor=SensorModel.ideal(), pods=("right_thigh",))
    samples = simulation.recording.pods["right_thigh"]
    angle = np.degrees(np.cumsum(-samples.gyr_radps[:, 1]) / 1000.0)
    right = [s for s in simulation.truth if s.foot == "right"][1:4]
    for step, after in itertools.pairwise(right):
        peaks = [angle[np.searchsorted(samples.time_s, s.ic_s + s.contact_to_knee_peak_s)] for s in (step, after)]
        assert peaks[1] - peaks[0] == pytest.approx(after.knee_drive_deg - step.knee_drive_deg, abs=0.2)


def impact_g(simulation: Simulation, pod: str, steps: list[TruthStep]) -> float:
    samples = simulation.recording.pods[pod]
    norm = np.linalg.norm(samples.acc_mps2, axis=1) / G
    peaks = [norm[(samples.time_s > s.ic_s - 0.005) & (samples.time_s < s.ic_s + 0.08)].max() for s in steps[1:-1]]
    return float(np.median(peaks))


def test_impacts_grow_with_speed_to_what_shoes_feel() -> None:
    peaks = []
    for speed in (2.5, 3.5, 5.0):
        simulation = simulate(Scenario.steady(8.0, speed), seed=5, pods=("left_foot",))
        peaks.append(impact_g(simulation, "left_foot", [s for s in simulation.truth if s.foot == "left"]))
    assert peaks == sorted(peaks)
    assert 3.5 < peaks[0] < 8.0
    assert 6.0 < peaks[2] < 16.0


def test_a_small_range_clips_at_its_end_and_samples_are_whole_counts() -> None:
    model = SensorModel.for_ranges(4.0, 500.0)
    simulation = simulate(Scenario.steady(5.0, 4.5), seed=1, sensor=model, pods=("left_foot",))
    samples = simulation.recording.pods["left_foot"]
    assert model.acc_lsb_g is not None
    assert model.gyr_lsb_dps is not None
    for signal, lsb, reach in (
        (samples.acc_mps2, model.acc_lsb_g * G, 4.0 * G),
        (samples.gyr_radps, math.radians(model.gyr_lsb_dps), math.radians(500.0)),
    ):
        counts = signal / lsb
        assert counts == pytest.approx(np.round(counts), abs=1e-6)
        end = min(math.floor(reach / lsb), 32767)
        assert np.abs(counts).max() == pytest.approx(end)
        assert (np.abs(counts) > end - 0.5).sum() > 20


def test_the_default_sensor_has_the_counts_of_its_data_sheet() -> None:
    model = SensorModel()
    same = SensorModel.for_ranges(16.0, 2000.0)
    assert same.acc_lsb_g == pytest.approx(model.acc_lsb_g)
    assert same.gyr_lsb_dps == pytest.approx(model.gyr_lsb_dps)


def test_the_filter_does_not_delay(quiet_sensor: SensorModel) -> None:
    """Sample times have the filter's delay taken off: slow motion is where it was."""
    scenario = Scenario((Segment(6.0, "running", 3.0),), mountings={"left_foot": FLAT})
    ideal, filtered = (
        simulate(scenario, seed=7, sensor=model, pods=("left_foot",)).recording.pods["left_foot"]
        for model in (SensorModel.ideal(), quiet_sensor)
    )
    slow, measured = ideal.gyr_radps[:, 1], filtered.gyr_radps[:, 1]
    rate = np.gradient(slow, 0.005)
    lag_s = -float((rate * (measured - slow)).sum() / (rate * rate).sum())
    assert abs(lag_s) < 2e-4
    assert np.abs(measured - slow).max() < 0.1 * np.abs(slow).max()


def test_noise_and_bias_are_those_of_the_model() -> None:
    simulation = simulate(Scenario((Segment(20.0, "standing"),)), seed=9, pods=("left_foot",))
    samples = simulation.recording.pods["left_foot"]
    quiet = samples.time_s < 15.0
    acc_sd, gyr_sd = samples.acc_mps2[quiet].std(axis=0), np.degrees(samples.gyr_radps[quiet].std(axis=0))
    assert acc_sd == pytest.approx(110e-6 * G * math.sqrt(80.0), rel=0.15)
    assert gyr_sd == pytest.approx(math.hypot(3.8e-3 * math.sqrt(80.0), 0.07 / math.sqrt(12.0)), rel=0.15)
    bias_dps = np.degrees(samples.gyr_radps[quiet].mean(axis=0))
    assert 0.0 < np.abs(bias_dps).max() <= 0.6
    stand_bias_dps = np.degrees(simulation.recording.standing["left_foot"].gyr_radps.mean(axis=0))
    assert stand_bias_dps == pytest.approx(bias_dps, abs=0.02)


def test_one_seed_one_session_and_pods_do_not_disturb_each_other() -> None:
    scenario = Scenario.demo(20.0, np.random.default_rng(1))
    both, again = simulate(scenario, seed=1), simulate(scenario, seed=1)
    alone = simulate(scenario, seed=1, pods=("right_foot",))
    other = simulate(scenario, seed=2)
    assert both.truth == again.truth == alone.truth
    assert both.pod_clock_ppm == again.pod_clock_ppm
    for pod in ("left_foot", "right_foot"):
        assert np.array_equal(both.recording.pods[pod].acc_mps2, again.recording.pods[pod].acc_mps2)
    assert np.array_equal(both.recording.pods["right_foot"].gyr_radps, alone.recording.pods["right_foot"].gyr_radps)
    assert both.truth != other.truth
    assert not np.array_equal(both.recording.pods["left_foot"].acc_mps2, other.recording.pods["left_foot"].acc_mps2)


def test_pods_have_clocks_of_their_own(demo: Simulation) -> None:
    ppm = demo.pod_clock_ppm
    assert ppm["left_foot"] != ppm["right_foot"]
    assert all(0.0 < abs(value) <= 60.0 for value in ppm.values())
    for samples in demo.recording.pods.values():
        assert samples.time_s == pytest.approx(np.arange(len(samples.time_s)) / 200.0)


def test_pieces_join_without_a_seam(monkeypatch: pytest.MonkeyPatch, quiet_sensor: SensorModel) -> None:
    module = __import__("sensor_bridge.simulator.simulate", fromlist=["_PIECE_S"])
    scenario = Scenario.steady(9.0, 3.0)
    whole = simulate(scenario, seed=4, sensor=quiet_sensor, pods=("left_foot",))
    monkeypatch.setattr(module, "_PIECE_S", 0.7)
    cut = simulate(scenario, seed=4, sensor=quiet_sensor, pods=("left_foot",))
    lsb = 0.000488 * G
    difference = np.abs(whole.recording.pods["left_foot"].acc_mps2 - cut.recording.pods["left_foot"].acc_mps2)
    assert difference.max() <= 1.01 * lsb


@pytest.mark.parametrize("rate_hz", [52.0, 104.0, 200.0, 416.0])
def test_any_usual_rate(rate_hz: float) -> None:
    simulation = simulate(Scenario.steady(3.0, 3.0), seed=1, rate_hz=rate_hz, pods=("left_foot",))
    samples = simulation.recording.pods["left_foot"]
    assert len(samples.time_s) == round(3.0 * rate_hz)
    assert np.diff(samples.time_s) == pytest.approx(1.0 / rate_hz)
    assert np.isfinite(samples.acc_mps2).all()


def test_misuse_is_one_sentence() -> None:
    scenario = Scenario.steady(3.0, 3.0)
    with pytest.raises(ValueError, match="rate_hz must lie between"):
        _simulate_function(scenario, seed=1, rate_hz=5.0)
    with pytest.raises(ValueError, match="not left_hand"):
        _simulate_function(scenario, seed=1, pods=("left_hand",))
    with pytest.raises(ValueError, match="not none"):
        _simulate_function(scenario, seed=1, pods=())
