"""The whole runner in motion: both legs under one pair of hips."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from gait_signal.types import FEET, Foot
from sensor_bridge.simulator.leg import Leg
from sensor_bridge.simulator.placement import HipPath, fit_height, place_feet
from sensor_bridge.simulator.plan import Plan, plan_steps
from sensor_bridge.simulator.scenario import Scenario
from sensor_bridge.simulator.stance import Habits, Stance
from sensor_bridge.simulator.trunk import PelvisPath, forward_path, pelvis_path


@dataclass(frozen=True, slots=True)
class Motion:
    """Where every segment is at any time of a session.

    Attributes
    ----------
    plan : Plan
    legs : mapping of foot to Leg
    """

    plan: Plan
    legs: Mapping[Foot, Leg]


def build_motion(scenario: Scenario, rng: np.random.Generator) -> Motion:
    """Plan the steps and build the curves of both legs."""
    plan = plan_steps(scenario, rng)
    steps = {foot: [step for step in plan.steps if step.foot == foot] for foot in FEET}
    habits = {foot: Habits.random(rng) for foot in FEET}
    forward = forward_path(plan)
    pelvis: dict[Foot, PelvisPath] = {foot: pelvis_path(steps[foot]) for foot in FEET}
    stances: dict[Foot, Stance] = {foot: Stance(steps[foot], scenario.body, habits[foot]) for foot in FEET}
    for foot in FEET:
        place_feet(stances[foot], steps[foot], forward, pelvis[foot])
    height = fit_height(plan, stances, scenario.body, forward, pelvis)
    legs: dict[Foot, Leg] = {
        foot: Leg(steps[foot], stances[foot], scenario.body, habits[foot], HipPath(forward, pelvis[foot], height))
        for foot in FEET
    }
    return Motion(plan, legs)
