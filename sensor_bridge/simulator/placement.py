"""Where each foot lands under the hip, and how low the hips must run for the legs to reach."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import PPoly

from gait_signal.types import FloatArray, Foot
from sensor_bridge.simulator import typical
from sensor_bridge.simulator.body import Body
from sensor_bridge.simulator.plan import Plan, PlannedStep
from sensor_bridge.simulator.stance import Stance
from sensor_bridge.simulator.trunk import PelvisPath, height_path

STAND_HIP_AHEAD_M = 0.07
_STAND_KNEE_RAD = np.radians(3.0)
_STEP_HALF_WIDTH_M = 0.035
_GRID = 25
_TOE_PUSH_LEAST_MPS = 0.5  # toes push, they do not pull
_LONGEST_LOOK_BACK_S = 1.5  # before this a long stand is flat and settled anyway


@dataclass(frozen=True, slots=True)
class HipPath:
    """Way of one hip joint in the sagittal plane.

    Attributes
    ----------
    forward : PPoly
        Body along the way, m.
    pelvis : PelvisPath
        This hip against it.
    height : PPoly
        Body above the ground, m.
    """

    forward: PPoly
    pelvis: PelvisPath
    height: PPoly

    def ahead_m(self, t_s: FloatArray) -> FloatArray:
        """Along the way."""
        place: FloatArray = self.forward(t_s) + self.pelvis.ahead(t_s)
        return place

    def up_m(self, t_s: FloatArray) -> FloatArray:
        """Above the ground."""
        place: FloatArray = self.height(t_s) + self.pelvis.up(t_s)
        return place


def standing_hip_m(body: Body) -> float:
    """Height of the hip in quiet standing."""
    reach = float(body.leg_length_m(_STAND_KNEE_RAD))
    return body.ankle_height_m + float(np.sqrt(reach**2 - STAND_HIP_AHEAD_M**2))


def standing_thigh_rad(body: Body) -> float:
    """Thigh angle in quiet standing: the zero of ``knee_drive_rel_standing``."""
    down = np.array(standing_hip_m(body) - body.ankle_height_m)
    thigh, _ = body.leg_angles_rad(np.array(-STAND_HIP_AHEAD_M), down)
    return float(thigh)


def place_feet(stance: Stance, steps: Sequence[PlannedStep], forward: PPoly, pelvis: PelvisPath) -> None:
    """Set ``stance.place_m``: every contact so that the hip passes over it as in running or walking."""
    k = np.arange(len(steps))
    hip_landing = forward(stance.ic_s) + pelvis.ahead(stance.ic_s)
    hip_leaving = forward(stance.to_s) + pelvis.ahead(stance.to_s)
    landing, leaving = stance.ankle_m(k, stance.ic_s), stance.ankle_m(k, stance.to_s)
    under_m = hip_leaving - hip_landing - (leaving[0] - landing[0])
    share = np.array([typical.ankle_ahead_share(s.doing, s.speed_mps, float(np.degrees(s.strike_rad))) for s in steps])
    flat = stance.ankle_m(k, stance.flat_s)
    # A stand is upright, wherever the body came to rest.
    rest = np.array([step.rest for step in steps])
    resting_hip = forward(np.maximum(stance.to_s - 0.5, stance.ic_s))
    stance.place_m[0] += np.where(
        rest, resting_hip - STAND_HIP_AHEAD_M - flat[0], hip_landing + share * under_m - landing[0]
    )
    stance.place_m[1] += stance.outward * _STEP_HALF_WIDTH_M - flat[1]


def fit_height(
    plan: Plan,
    stances: Mapping[Foot, Stance],
    body: Body,
    forward: PPoly,
    pelvis: Mapping[Foot, PelvisPath],
) -> PPoly:
    """Find the height of the hips over time: as high as the straighter leg allows, and even from step to step.

    Returns
    -------
    PPoly
        m over s; no leg on the ground is ever straighter than it gets in people.
    """
    of_foot = {foot: np.array([s.foot == foot for s in plan.steps]) for foot in stances}
    steps = {foot: [s for s in plan.steps if s.foot == foot] for foot in stances}
    landing_m = np.full(len(plan.steps), standing_hip_m(body))
    path = height_path(plan, landing_m)
    for _ in range(6):
        excess = np.zeros(len(plan.steps))
        for foot, stance in stances.items():
            hip = HipPath(forward, pelvis[foot], path)
            _land(stance, steps[foot], body, hip)
            _push_off(stance, steps[foot], body, hip)
            t_s, highest_m = _ceiling(stance, steps[foot], body, hip)
            excess[of_foot[foot]] = (hip.up_m(t_s) - highest_m).max(axis=1)
        if excess.max() < 1e-4:
            break
        landing_m = _even(landing_m - np.maximum(excess, 0.0))
        path = height_path(plan, landing_m)
    return path


@dataclass(frozen=True, slots=True)
class _LegLine:
    """The line from ankle to hip at one instant of every contact.

    Attributes
    ----------
    toward : ndarray, shape (2, contacts)
        Its direction, ahead and up.
    stretch_mps, stretch_mps2 : ndarray, shape (contacts,)
        First and second derivative of its length.
    length_m : ndarray, shape (contacts,)
    """

    toward: FloatArray
    stretch_mps: FloatArray
    stretch_mps2: FloatArray
    length_m: FloatArray

    @classmethod
    def at(cls, stance: Stance, hip: HipPath, t_s: FloatArray, direction: float) -> _LegLine:
        """By one-sided differences, forward or backward in time."""
        h = 1e-4
        k = np.arange(t_s.size)
        relative = []
        for j in range(4):
            at_s = t_s + direction * j * h
            ankle = stance.ankle_m(k, at_s)
            relative.append(np.stack([hip.ahead_m(at_s) - ankle[0], hip.up_m(at_s) - ankle[2]]))
        r0, r1, r2, r3 = relative
        velocity = direction * (-11.0 * r0 + 18.0 * r1 - 9.0 * r2 + 2.0 * r3) / (6.0 * h)
        accel = (2.0 * r0 - 5.0 * r1 + 4.0 * r2 - r3) / h**2
        length_m = np.hypot(*r0)
        toward = r0 / length_m
        across_mps = toward[0] * velocity[1] - toward[1] * velocity[0]
        stretch_mps2 = (toward * accel).sum(axis=0) + across_mps**2 / length_m
        return cls(toward, (toward * velocity).sum(axis=0), stretch_mps2, length_m)


def _wanted_stretch(body: Body, knee: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Leg stretch, two derivatives, for knee flexion, its rate and acceleration; shape (3, contacts)."""
    slope, curve = body.leg_length_slopes_m(knee[0])
    return slope * knee[1], slope * knee[2] + curve * knee[1] ** 2


def _land(stance: Stance, steps: Sequence[PlannedStep], body: Body, hip: HipPath) -> None:
    """Let the foot come down as fast as makes the knee yield at contact as it does in people."""
    knee = np.array([typical.landing_knee(s.doing, s.speed_mps) for s in steps]).T
    line = _LegLine.at(stance, hip, stance.ic_s, 1.0)
    _, flexion_rad = body.leg_angles_rad(line.toward[0] * line.length_m, line.toward[1] * line.length_m)
    knee[0] = np.maximum(knee[0], flexion_rad)
    stretch_mps, stretch_mps2 = _wanted_stretch(body, knee)
    moving = np.array([not s.rest for s in steps])
    up = line.toward[1]
    stance.touch_faster(
        np.where(moving, (stretch_mps - line.stretch_mps) / up, 0.0),
        np.where(moving, (stretch_mps2 - line.stretch_mps2) / up, 0.0),
    )


def _push_off(stance: Stance, steps: Sequence[PlannedStep], body: Body, hip: HipPath) -> None:
    """Let the toes push so that the knee ends its extension at toe-off as it does in people."""
    zero = np.zeros(len(steps))
    stance.push_off(np.zeros((2, len(steps))), zero, zero)
    line = _LegLine.at(stance, hip, stance.to_s, -1.0)
    knee = np.array([typical.toe_off_knee(s.doing, s.speed_mps) for s in steps]).T
    stretch_mps, stretch_mps2 = _wanted_stretch(body, knee)
    moving = np.array([not s.rest for s in steps])
    speed = np.where(moving, np.maximum(line.stretch_mps - stretch_mps, _TOE_PUSH_LEAST_MPS), 0.0)
    most = 6.0 * speed / (stance.to_s - stance.toe_push_s)
    stance.push_off(line.toward, speed, np.minimum(line.stretch_mps2 - stretch_mps2, most) * moving)


def _ceiling(stance: Stance, steps: Sequence[PlannedStep], body: Body, hip: HipPath) -> tuple[FloatArray, FloatArray]:
    """Highest place of the hip through each contact; times and heights, shape (steps, grid)."""
    first_s = np.maximum(stance.ic_s, stance.to_s - _LONGEST_LOOK_BACK_S)
    t_s = first_s[:, None] + np.linspace(0.0, 1.0, _GRID) * (stance.to_s - first_s)[:, None]
    at_s = t_s.ravel()
    ankle = stance.ankle_m(np.repeat(np.arange(len(steps)), _GRID), at_s)
    least_rad = np.radians([typical.knee_flexion_stance_deg(s.doing) for s in steps])
    # While standing up straight the knee may be as straight as in quiet standing.
    least_rad = np.where([s.rest for s in steps], _STAND_KNEE_RAD, least_rad)
    least_grid_rad = np.repeat(least_rad[:, None], _GRID, axis=1)
    landing_rad = np.radians([typical.landing_knee_deg(s.doing, s.speed_mps) for s in steps])
    least_grid_rad[:, 0] = np.maximum(least_rad, np.where([s.rest for s in steps], 0.0, landing_rad))
    reach = body.leg_length_m(least_grid_rad.ravel())
    aside = ankle[0] - hip.ahead_m(at_s)
    drop = np.sqrt(np.maximum(reach**2 - aside**2, (0.5 * reach) ** 2))
    return t_s, (ankle[2] + drop).reshape(t_s.shape)


def _even(height_m: FloatArray) -> FloatArray:
    """Smooth over three steps without rising above any given value."""
    padded = np.pad(height_m, 2, mode="edge")
    least = np.minimum(np.minimum(padded[:-2], padded[1:-1]), padded[2:])
    smooth: FloatArray = (least[:-2] + least[1:-1] + least[2:]) / 3.0
    return smooth
