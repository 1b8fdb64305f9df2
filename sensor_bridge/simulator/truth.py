"""The exact answer to every step of a simulated session."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gait_signal.types import FEET, Activity, Foot, Strike
from sensor_bridge.simulator.leg import Leg
from sensor_bridge.simulator.motion import Motion
from sensor_bridge.simulator.placement import standing_thigh_rad
from sensor_bridge.simulator.typical import strike_class

_GRID = 240


@dataclass(frozen=True, slots=True)
class TruthStep:
    """One contact and the swing after it, on true time.

    Attributes
    ----------
    foot, activity : str
    ic_s : float
        The first point of the sole touches the ground.
    to_s : float
        The toes leave it.
    strike_angle_deg : float
        Sagittal pitch of the foot at ``ic_s`` against standing, toe-up positive.
    strike : str
        Its class by Altman & Davis 2012.
    knee_drive_deg, knee_flexion_peak_deg : float
        Greatest thigh angle from the vertical, and greatest knee flexion, in the swing.
    knee_drive_rel_standing_deg : float
        The same thigh angle less that of quiet standing.
    stride_length_m, speed_mps : float
        Way of the flat foot to its next place on the ground; that over the stride time.
    ankle_clearance_m : float
        Highest ankle in swing above its height in mid-stance.
    contact_to_knee_peak_s : float
        From ``ic_s`` to the greatest thigh angle.
    """

    foot: Foot
    activity: Activity
    ic_s: float
    to_s: float
    strike_angle_deg: float
    strike: Strike
    knee_drive_deg: float
    knee_drive_rel_standing_deg: float
    knee_flexion_peak_deg: float
    stride_length_m: float
    speed_mps: float
    ankle_clearance_m: float
    contact_to_knee_peak_s: float


def true_steps(motion: Motion, duration_s: float) -> tuple[TruthStep, ...]:
    """Every contact in ``[0, duration_s)`` in order of time.

    Nothing is rounded or estimated: times are the ends of the ground contact, angles come from the very curves that
    carry the pods.
    """
    found = [step for foot in FEET for step in _of_leg(motion.legs[foot], foot, duration_s)]
    return tuple(sorted(found, key=lambda step: step.ic_s))


def _of_leg(leg: Leg, foot: Foot, duration_s: float) -> list[TruthStep]:
    stance = leg.stance
    grid = leg.swing_grid_s(_GRID)
    pose = leg.pose(grid.ravel())
    thigh = np.degrees(pose.thigh_rad).reshape(grid.shape)
    knee = np.degrees(pose.knee_flexion_rad).reshape(grid.shape)
    ankle = pose.ankle_m[2].reshape(grid.shape)
    highest = thigh.argmax(axis=1)
    rows = np.arange(grid.shape[0])
    k = np.arange(stance.ic_s.size)
    middle_s = np.minimum(0.5 * (stance.flat_s + stance.rise_s), stance.flat_s + 0.5)
    flat = stance.ankle_m(k, middle_s)
    standing_deg = float(np.degrees(standing_thigh_rad(leg.body)))
    stride_m = np.diff(flat[0])
    stride_s = np.diff(stance.ic_s)
    steps = []
    for j in rows:
        planned = leg.steps[j]
        if not 0.0 <= stance.ic_s[j] < duration_s:
            continue
        drive = float(thigh[j, highest[j]])
        angle = float(np.degrees(stance.strike_rad[j]))
        steps.append(
            TruthStep(
                foot=foot,
                activity="walking" if planned.doing == "standing" else planned.doing,
                ic_s=float(stance.ic_s[j]),
                to_s=float(stance.to_s[j]),
                strike_angle_deg=angle,
                strike=strike_class(angle),
                knee_drive_deg=drive,
                knee_drive_rel_standing_deg=drive - standing_deg,
                knee_flexion_peak_deg=float(knee[j].max()),
                stride_length_m=float(stride_m[j]),
                speed_mps=float(stride_m[j] / stride_s[j]),
                ankle_clearance_m=float(ankle[j].max() - flat[2, j]),
                contact_to_knee_peak_s=float(grid[j, highest[j]] - stance.ic_s[j]),
            )
        )
    return steps
