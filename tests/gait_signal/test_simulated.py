"""The core on the simulated runner, which shares no code with it and knows the exact truth."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from gait_signal import FEET
from sensor_bridge.analyze import analyze_recording
from sensor_bridge.simulator import Body, Scenario, Segment, simulate

WARM_UP = 3  # steps per foot


def pairs(scenario: Scenario, seed: int):
    """(truth, row or None) per true step after warm-up, and the rows that match nothing."""
    simulation = simulate(scenario, seed=seed)
    rows = analyze_recording(simulation.recording)
    matched, spare = [], []
    for foot in FEET:
        true = [t for t in simulation.truth if t.foot == foot]
        mine = [s for s in rows if s.foot == foot]
        for number, t in enumerate(true):
            near = [s for s in mine if abs(s.ic_s - t.ic_s) < 0.1]
            row = min(near, key=lambda s: abs(s.ic_s - t.ic_s)) if near else None
            if row is not None:
                mine.remove(row)
            if number >= WARM_UP:
                matched.append((t, row))
        spare += [s for s in mine if true[WARM_UP].ic_s < s.ic_s < true[-1].ic_s]
    return matched, spare


@pytest.mark.parametrize(
    ("doing", "speed_mps", "strike_deg"),
    [
        ("running", 2.2, 18.0), ("running", 3.3, -6.0), ("running", 5.0, 4.0), ("in_place", None, -6.0),
        ("in_place", None, 2.0), ("walking", 1.0, None), ("walking", 1.6, None),
    ],
)  # fmt: skip
def test_steps_of_one_manner(doing, speed_mps, strike_deg):
    scenario = Scenario((Segment(1.0, "standing"), Segment(14.0, doing, speed_mps, strike_angle_deg=strike_deg)))
    matched, spare = pairs(scenario, seed=11)
    assert len(matched) >= 16
    assert not spare
    assert all(row is not None for _, row in matched)
    assert {row.activity for _, row in matched} == {doing}
    if doing == "walking":
        return
    ic_ms = np.array([1000.0 * (row.ic_s - t.ic_s) for t, row in matched])
    assert abs(ic_ms.mean()) < 8.0
    assert ic_ms.std() < 8.0  # a soft heel has two jerk peaks some 15 ms apart
    ct_ms = np.array([1000.0 * (row.contact_time_s - (t.to_s - t.ic_s)) for t, row in matched if row.contact_time_s])
    assert abs(np.median(ct_ms)) < 15.0
    off_deg = [math.degrees(row.strike_angle_rad) - t.strike_angle_deg for t, row in matched]
    assert np.abs(np.median(off_deg)) < 2.0
    right = [row.strike_final == t.strike for t, row in matched]
    assert np.mean(right) >= 0.95
    lengths = [row.stride_length_m - t.stride_length_m for t, row in matched if row.stride_length_m is not None]
    assert np.abs(np.mean(lengths)) < 0.05


def test_a_heel_striker_who_turns_forefoot_and_then_runs_in_place():
    scenario = Scenario.demo(40.0, np.random.default_rng(4))
    matched, spare = pairs(scenario, seed=4)
    assert not [s for s in spare if s.activity == "running"]
    found = [(t, row) for t, row in matched if row is not None]
    assert len(found) >= 0.98 * len(matched)
    heel = {True: [], False: []}
    for t, row in found:
        if t.activity == row.activity == "running":
            heel[t.strike == "rearfoot"].append((row.strike == "rearfoot") == (t.strike == "rearfoot"))
    assert min(len(v) for v in heel.values()) > 15
    assert np.mean([np.mean(v) for v in heel.values()]) >= 0.95
    tail = [row.activity for t, row in found if t.activity == "in_place"][6:]
    assert tail.count("in_place") >= 0.8 * len(tail)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_change_costs_at_most_one_row(seed):
    rng = np.random.default_rng(seed)
    order = ["walking", "running", "in_place", "running", "walking", "running", "in_place", "running", "walking"]
    speed = {"walking": rng.uniform(1.0, 1.6), "running": rng.uniform(2.2, 4.0), "in_place": None}
    aim = [Segment(6.0, doing, speed[doing], blend_steps=int(rng.integers(1, 6))) for doing in order]
    matched, spare = pairs(Scenario((Segment(1.0, "standing"), *aim), body=Body.random(rng)), seed=seed)
    assert not [s for s in spare if s.activity == "running"]
    wrong: Counter[tuple[str, int]] = Counter()
    for foot in FEET:
        change, before = 0, None
        for t, row in matched:
            if t.foot != foot:
                continue
            change += t.activity != before
            before = t.activity
            wrong[foot, change] += row is None or row.activity != t.activity
        assert change == len(order)
    assert max(wrong.values()) <= 1, wrong
    assert sum(wrong.values()) <= 0.3 * len(wrong)


def test_a_fast_run_without_a_stand_is_found_too():
    aim = Segment(14.0, "running", 5.0, strike_angle_deg=-5.0)
    simulation = simulate(Scenario((Segment(1.0, "standing"), aim), body=Body.random(np.random.default_rng(7))), seed=7)
    rows = analyze_recording(replace(simulation.recording, standing={}))
    truth = [t for t in simulation.truth if t.activity == "running"]
    off_deg = []
    for t in truth:
        near = [s for s in rows if s.foot == t.foot and s.activity == "running" and abs(s.ic_s - t.ic_s) < 0.1]
        off_deg += [
            math.degrees(s.strike_angle_rad) - t.strike_angle_deg for s in near if s.strike_angle_rad is not None
        ]
    assert len(off_deg) >= 0.95 * len(truth)
    assert abs(np.mean(off_deg)) < 4.0
