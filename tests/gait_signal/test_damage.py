"""What pods do to samples: readings at the end of the range, and packets that never came."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from gait_signal import FEET
from gait_signal.fill import fill
from sensor_bridge.analyze import analyze_recording
from sensor_bridge.recording import PodSamples
from sensor_bridge.simulator import Body, Scenario, Segment, SensorModel, Variability, simulate

GRAVITY = 9.80665
PERIOD_S = 0.005


def movement(n: int) -> np.ndarray:
    """Six channels that repeat every 0.7 s."""
    phase = 2.0 * np.pi * np.arange(n) * PERIOD_S / 0.7
    return np.stack([5.0 * np.sin(k * phase + k) for k in range(1, 7)], axis=1)


def test_a_gap_in_what_repeats_is_filled_with_what_was():
    data = movement(600)
    nothing = np.zeros((500, 2), dtype=bool)
    samples, first = fill(data[:500], nothing, data[510], 10, PERIOD_S)
    assert samples == pytest.approx(data[500:510], abs=1e-9)
    assert (500 - first) % 140 == 0


def test_a_gap_in_something_new_is_not_filled():
    data = movement(600)
    data[480:] *= -3.0
    nothing = np.zeros((500, 2), dtype=bool)
    assert fill(data[:500], nothing, data[510], 10, PERIOD_S) is None
    assert fill(data[:60], nothing[:60], data[70], 10, PERIOD_S) is None


def test_clipped_strides_keep_their_angle():
    scenario = Scenario(
        (Segment(1.0, "standing"), Segment(20.0, "running", 4.5, strike_angle_deg=2.0)),
        variability=Variability.none(),
    )
    recording = simulate(scenario, seed=2).recording
    end = 6.0 * GRAVITY
    pods = {n: replace(p, acc_mps2=np.clip(p.acc_mps2, -end, end)) for n, p in recording.pods.items()}
    intact = {(s.foot, s.step_id): s for s in analyze_recording(recording)}
    rows = [s for s in analyze_recording(replace(recording, pods=pods, acc_range_g=6.0)) if s.clipped]
    assert len(rows) >= 40
    off_deg = [math.degrees(s.strike_angle_rad - intact[s.foot, s.step_id].strike_angle_rad) for s in rows[10:]]
    assert np.abs(off_deg).max() < 1.5
    # What was cut off is never told as a peak.
    peaks = [s.impact_peak_mps2 for s in rows if s.impact_peak_mps2 is not None]
    assert max(peaks, default=0.0) < end * 3**0.5
    assert sum(s.impact_peak_mps2 is None for s in rows) >= 0.8 * len(rows)
    assert sum(s.impact_peak_mps2 is not None for s in intact.values()) >= 40


def damaged(samples: PodSamples, rng: np.random.Generator, lost: float) -> PodSamples:
    """Lose whole packets of ten."""
    keep = np.repeat(rng.random(-(-len(samples.time_s) // 10)) >= lost, 10)[: len(samples.time_s)]
    return PodSamples(samples.time_s[keep], samples.acc_mps2[keep], samples.gyr_radps[keep])


@pytest.mark.parametrize(("strike_deg", "speed_mps"), [(15.0, 2.8), (-5.0, 4.2)])
def test_a_road_pod_that_clips_at_8_g_and_loses_a_tenth(strike_deg, speed_mps):
    rng = np.random.default_rng(5)
    scenario = Scenario(
        (Segment(1.0, "standing"), Segment(25.0, "running", speed_mps, strike_angle_deg=strike_deg)),
        body=Body.random(rng),
    )
    simulation = simulate(scenario, seed=5, sensor=SensorModel.for_ranges(8.0, 2000.0))
    recording = simulation.recording
    pods = {name: damaged(samples, rng, 0.1) for name, samples in recording.pods.items()}
    rows = analyze_recording(replace(recording, pods=pods, acc_range_g=8.0))
    truth = [t for t in simulation.truth if t.activity == "running"]
    right, off_deg = [], []
    for foot in FEET:
        true = [t for t in truth if t.foot == foot][3:]
        mine = [s for s in rows if s.foot == foot and s.activity == "running"]
        for t in true:
            near = [s for s in mine if abs(s.ic_s - t.ic_s) < 0.1]
            right.append(len(near) == 1 and (near[0].strike_final == "rearfoot") == (t.strike == "rearfoot"))
            off_deg += [math.degrees(s.strike_angle_rad) - t.strike_angle_deg for s in near if s.strike_angle_rad]
        assert sum(s.gap_touched for s in mine) >= 0.5 * len(mine)
    assert len(right) >= 50
    assert np.mean(right) >= 0.95
    assert np.sqrt(np.mean(np.square(off_deg))) < 2.5
