"""Parts of the core whose behaviour can be said exactly."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gait_signal import CoreParams
from gait_signal.activity import StrideFeatures, run_log_odds
from gait_signal.level import Level
from gait_signal.resample import FLAG_ACC_CLIPPED, FLAG_BRIDGED, FLAG_STRAIGHT, Resampler
from gait_signal.strike import classify

FLAT = (1.0, 0.0, 0.0, 0.0)


@given(st.floats(-40.0, 60.0), st.floats(0.3, 8.0))
def test_strike_class_and_its_probability(angle_deg, sd_deg):
    strike, chance = classify(math.radians(angle_deg), math.radians(sd_deg), CoreParams())
    assert 1.0 / 3.0 <= chance <= 1.0
    if sd_deg < 2.0:
        # Away from the narrow middle the class is that of the angle itself.
        expected = "rearfoot" if angle_deg > 8.0 else "forefoot" if angle_deg < -1.6 else "midfoot"
        assert strike == expected or min(abs(angle_deg - 8.0), abs(angle_deg + 1.6)) < 0.1


def test_a_border_angle_is_a_coin_toss():
    _, chance = classify(math.radians(8.0), math.radians(1.0), CoreParams())
    assert chance == pytest.approx(0.5, abs=0.001)


def test_votes_of_running_and_walking():
    run = StrideFeatures(stride_s=0.72, contact_s=0.26, swing_peak_radps=8.0)
    walk = StrideFeatures(stride_s=1.1, contact_s=0.67, swing_peak_radps=6.0)
    on_the_spot = StrideFeatures(stride_s=0.75, contact_s=0.30, swing_peak_radps=3.0)
    assert run_log_odds(run, 2.8) > 4.0
    assert run_log_odds(walk, 1.3) < -1.5
    assert run_log_odds(on_the_spot, 0.05) > 1.0
    assert run_log_odds(on_the_spot, 0.6) < 0.0


def test_level_comes_back_from_a_wrong_start_in_three_strides():
    level = Level()
    level.rest((0.0, 0.0, 9.8))
    true = (math.sin(0.5), 0.0, math.cos(0.5))  # the pod slipped by 29 deg unseen
    for _ in range(3):
        level.stand(FLAT, true, 0)
    off = math.acos(min(1.0, sum(a * b for a, b in zip(level.up, true, strict=True))))
    assert off < math.radians(2.0)


def test_level_does_not_believe_a_stride_with_missing_samples():
    level = Level()
    level.rest((0.0, 0.0, 9.8))
    level.stand(FLAT, (math.sin(0.1), 0.0, math.cos(0.1)), FLAG_BRIDGED | FLAG_STRAIGHT)
    assert level.up == (0.0, 0.0, 1.0)


def pushed(resampler, samples):
    out = []
    for sample in samples:
        out += resampler.push(sample)
    return out


def ramp(rate_hz, n, start_s=0.0):
    """All channels equal the time, so every mean and line is known."""
    return [(start_s + k / rate_hz, *([start_s + k / rate_hz] * 6), 0) for k in range(n)]


def test_a_pod_at_the_core_rate_passes_through():
    samples = ramp(203.0, 60)
    out = pushed(Resampler(200.0, 0.15), samples)
    assert [(s[0], *s[2:]) for s in out] == samples
    assert all(s[1] >= s[0] for s in out)


@pytest.mark.parametrize("rate_hz", [50.0, 104.0, 256.0, 416.0, 500.0])
def test_other_rates_become_an_even_grid_of_true_means(rate_hz):
    out = pushed(Resampler(200.0, 0.15), ramp(rate_hz, int(rate_hz)))
    assert len(out) == pytest.approx(200, abs=5)
    for a, b in pairwise(out):
        assert b[0] - a[0] == pytest.approx(0.005)
    for sample in out:
        assert sample[2:8] == pytest.approx([sample[0]] * 6, abs=1e-9)
        assert sample[1] >= sample[0]


def test_a_bridge_is_straight_and_flagged():
    samples = ramp(200.0, 60)
    out = pushed(Resampler(200.0, 0.15), samples[:40] + samples[50:])
    assert len(out) == 60
    assert [k for k, s in enumerate(out) if s[8] & FLAG_BRIDGED] == list(range(40, 51))
    for k, sample in enumerate(out):
        assert sample[0] == pytest.approx(k / 200.0)
        assert sample[2] == pytest.approx(k / 200.0)


def test_clipping_flags_reach_the_grid():
    samples = ramp(400.0, 100)
    samples[50] = (*samples[50][:7], FLAG_ACC_CLIPPED)
    out = pushed(Resampler(200.0, 0.15), samples)
    flagged = [s[0] for s in out if s[8] & FLAG_ACC_CLIPPED]
    assert 1 <= len(flagged) <= 2
    assert all(abs(t - 50 / 400.0) <= 0.0051 for t in flagged)
