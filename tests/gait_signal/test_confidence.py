"""A confidence of 0.7 means right seven times in ten."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from gait_signal import FEET
from sensor_bridge.analyze import analyze_recording
from sensor_bridge.simulator import Body, Mounting, Scenario, Segment, simulate

RUNNERS = 12
EDGES = (0.33, 0.65, 0.8, 0.9, 1.01)


def said_and_right(seed: int) -> list[tuple[float, bool]]:
    """Confidence, and whether the class was right, of every step of one random runner."""
    rng = np.random.default_rng(seed)
    aims = [
        Segment(9.0, "running", float(rng.uniform(2.2, 5.0)), strike_angle_deg=float(rng.uniform(-8.0, 20.0)))
        for _ in range(5)
    ]
    turned = seed % 2
    mountings = {
        f"{foot}_foot": Mounting(*(turned * rng.uniform(-1.0, 1.0, 3) * (15.0, 12.0, 10.0) + (0.0, 18.0, 0.0)))
        for foot in FEET
    }
    scenario = Scenario((Segment(1.0, "standing"), *aims), body=Body.random(rng), mountings=mountings)
    simulation = simulate(scenario, seed=seed)
    rows = [row for row in analyze_recording(simulation.recording) if row.activity == "running" and row.strike]
    found = []
    for t in simulation.truth:
        near = [row for row in rows if row.foot == t.foot and abs(row.ic_s - t.ic_s) < 0.1]
        if t.activity == "running" and near:
            found.append((near[0].strike_confidence, near[0].strike == t.strike))
    return found


def test_confidence_is_a_probability():
    found = np.array([pair for seed in range(RUNNERS) for pair in said_and_right(seed)], float)
    confidence, right = found.T
    assert len(found) > 1200
    for low, high in pairwise(EDGES):
        inside = (confidence >= low) & (confidence < high)
        assert inside.sum() >= 40
        chance = confidence[inside].mean()
        # Steps of one runner share their error: a third of them counts as independent.
        scatter = np.sqrt(chance * (1.0 - chance) / (inside.sum() / 3.0))
        assert abs(right[inside].mean() - chance) < 0.05 + scatter, (low, inside.sum(), right[inside].mean())
