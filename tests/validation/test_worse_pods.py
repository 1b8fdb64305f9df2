"""The ways to worsen a recording, and what is told of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sensor_bridge.recording import load_recording
from sensor_bridge.validation.sensitivity import CASES, Case, sensitivity
from sensor_bridge.validation.truth_files import load_truth
from tests.validation.by_hand import found_step, run_of, truth_of

CASE = {case.name: case for case in CASES}


def test_cases_change_what_they_say(recordings: Path):
    whole = load_recording(recordings / "sim")
    foot = whole.pods["left_foot"]

    def changed(name: str) -> Any:
        return CASE[name].variants[0](whole)

    slow, fast = changed("100 Hz").pods["left_foot"], changed("400 Hz").pods["left_foot"]
    assert len(fast.time_s) == pytest.approx(2 * len(foot.time_s), abs=2)
    assert len(slow.time_s) == pytest.approx(len(foot.time_s) / 2, abs=2)
    # What both rates can hold stays as it was.
    assert np.allclose(np.interp(slow.time_s, fast.time_s, fast.gyr_radps[:, 1]), slow.gyr_radps[:, 1], atol=3.0)
    assert changed("200 Hz") is whole
    small = changed("±8 g")
    assert small.acc_range_g == 8.0
    assert np.abs(small.pods["left_foot"].acc_mps2).max() <= 8.0 * 9.80665
    assert np.degrees(np.abs(changed("±500 °/s").pods["left_foot"].gyr_radps)).max() <= 500.0 + 1e-9
    assert changed("no standing").standing == {}
    clock = changed("pod clock +3 %").pods["left_foot"]
    assert np.allclose(clock.time_s, 1.03 * foot.time_s)


def test_packets_are_lost_whole_and_about_as_often_as_told(recordings: Path):
    whole = load_recording(recordings / "sim").pods["left_foot"]
    for variant in CASE["5 % of packets lost"].variants:
        left = variant(load_recording(recordings / "sim")).pods["left_foot"]
        lost = np.flatnonzero(~np.isin(whole.time_s, left.time_s))
        packets = np.unique(lost // 10)
        assert len(lost) == sum(min(10, len(whole.time_s) - 10 * p) for p in packets)
        assert 0.02 < len(lost) / len(whole.time_s) < 0.09


@pytest.mark.parametrize(("name", "angle_deg"), [("yaw +15°", 15.0), ("yaw −15°", -15.0)])
def test_yaw_turns_about_the_vertical_alone(recordings: Path, name: str, angle_deg: float):
    whole = load_recording(recordings / "sim")
    up = whole.standing["left_foot"].acc_mps2.mean(axis=0)
    turned = CASE[name].variants[0](whole)
    assert np.allclose(turned.standing["left_foot"].acc_mps2.mean(axis=0), up)
    before, after = whole.pods["left_foot"].gyr_radps, turned.pods["left_foot"].gyr_radps
    up /= np.linalg.norm(up)
    assert np.allclose(after @ up, before @ up)
    flat_before, flat_after = before - np.outer(before @ up, up), after - np.outer(after @ up, up)
    sine = np.einsum("ij,j->i", np.cross(flat_before, flat_after), up)
    cosine = np.einsum("ij,ij->i", flat_before, flat_after)
    assert np.degrees(np.arctan2(sine.sum(), cosine.sum())) == pytest.approx(-angle_deg)


def test_loss_tells_intact_and_touched_steps_apart(recordings: Path):
    whole = load_recording(recordings / "sim")
    true = [step for step in load_truth(recordings / "sim").steps if step.foot == "left"]
    truth = truth_of(true, to_s=60.0)
    steps = [found_step(step, gap_touched=i % 2 == 0) for i, step in enumerate(true)]
    gone = [true[4], true[5], true[6]]

    def lose(recording: Any) -> Any:
        foot = recording.pods["left_foot"]
        near = np.any([np.abs(foot.time_s - step.ic_s - 0.05) < 0.02 for step in gone], axis=0)
        left = replace(foot, time_s=foot.time_s[~near], acc_mps2=foot.acc_mps2[~near], gyr_radps=foot.gyr_radps[~near])
        return replace(recording, pods={**recording.pods, "left_foot": left})

    # What lacks data is typed wrongly, all else rightly.
    worse = [
        replace(step, strike_final="midfoot" if step.strike == "rearfoot" else "rearfoot") if 4 <= i <= 6 else step
        for i, step in enumerate(steps)
    ]
    (row,) = sensitivity([(whole, truth)], [Case("loss", (lose,), loses_data=True)], lambda _: worse)
    assert (row.touched, row.touched_marked) == (3, 2)
    assert row.heel_balanced_intact == 1.0
    assert row.heel_balanced is not None
    assert row.heel_balanced < 1.0
    (plain,) = sensitivity([(whole, truth)], [Case("loss", (lose,))], lambda _: worse)
    assert (plain.touched, plain.heel_balanced_intact) == (0, None)


def test_results_of_a_fast_clock_are_put_right(recordings: Path):
    whole = load_recording(recordings / "sim")
    true = run_of(20)
    fast = [found_step(replace(s, ic_s=1.03 * s.ic_s, to_s=1.03 * (s.to_s or 0.0))) for s in true]
    (row,) = sensitivity([(whole, truth_of(true))], [CASE["pod clock +3 %"]], lambda _: fast)
    for key in ("ic", "to", "contact_time"):
        stats = row.summary.stats[key]
        assert stats is not None
        assert (stats.bias, stats.sd) == pytest.approx((0.0, 0.0), abs=1e-9)
