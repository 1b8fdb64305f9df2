"""One leg's motion, whole session: the foot's ground contacts joined by swings of thigh, knee and foot.

While the foot is down, its pose follows from the ground and the hip's from the trunk; thigh and knee angle follow
by inverse kinematics. In swing, thigh and knee run by minimum jerk from their state at toe-off, through the peaks
of knee flexion and thigh angle, to the state the next contact demands, and carry the foot. So every curve is
smooth, every contact is exact, and a higher knee drive really is another path of the foot.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gait_signal.types import BoolArray, FloatArray
from sensor_bridge.simulator.body import Body
from sensor_bridge.simulator.placement import HipPath
from sensor_bridge.simulator.plan import PlannedStep
from sensor_bridge.simulator.rotation import Attitude
from sensor_bridge.simulator.splines import FREE, minimum_jerk, quintic
from sensor_bridge.simulator.stance import Habits, IntArray, Stance

_H_S = 1e-4  # for one-sided differences at toe-off and contact
# When in the swing (share of its time) the knee is most bent and the thigh farthest forward.
_KNEE_PEAK_SHARE = {"walking": 0.28, "running": 0.46, "in_place": 0.46}
_THIGH_PEAK_SHARE = {"walking": 0.66, "running": 0.65, "in_place": 0.56}
_LEAST_CLEARANCE_M = 0.008
_LIFTING_PASSES = 8
_SLOW_MPS = 1.9
_LIFT_RAD_PER_M = 4.0
_LIFT_LEAST_RAD = 0.01
_TOE_LIFT_MOST_RAD = 0.05
_CLEARANCE_GRID = 24
_CLEARANCE_MIDDLE = slice(6, -3)
_WALK_STRAIGHT_SHARE = 0.82
_WALK_STRAIGHT_DEG = 9.0
_WALK_YIELD_DEG = 3.0
# Ankle dorsiflexion early, in the middle and late in the swing.
_ANKLE_SHARE = (0.20, 0.46, 0.65)
_ANKLE_DEG = {
    "walking": (-8.0, 6.0, 8.0),
    "running": (-16.0, 0.0, 6.0),
    "in_place": (-16.0, -4.0, 0.0),
}
_BEFORE_CONTACT_DEG = 3.5  # how much the foot turns down just before it lands
_BEFORE_CONTACT_S = 0.05


@dataclass(frozen=True, slots=True)
class LegPose:
    """One leg at ``n`` instants.

    Attributes
    ----------
    foot, thigh : Attitude
    ankle_m, hip_m : ndarray, shape (3, n)
        World: x along the way, y left, z up.
    thigh_rad, knee_flexion_rad : ndarray, shape (n,)
    contact : ndarray of int, shape (n,)
        The contact now, or the last one.
    down : ndarray of bool, shape (n,)
        The foot is on the ground.
    """

    foot: Attitude
    thigh: Attitude
    ankle_m: FloatArray
    hip_m: FloatArray
    thigh_rad: FloatArray
    knee_flexion_rad: FloatArray
    contact: IntArray
    down: BoolArray


class Leg:
    """Motion of one leg.

    Parameters
    ----------
    steps : sequence of PlannedStep
        Of this foot.
    stance : Stance
        With its contacts placed.
    body : Body
    habits : Habits
    hip : HipPath
    """

    def __init__(self, steps: Sequence[PlannedStep], stance: Stance, body: Body, habits: Habits, hip: HipPath) -> None:
        self.steps = tuple(steps)
        self.stance = stance
        self.body = body
        self.hip = hip
        self._habits = habits
        self._doing = [step.doing if step.doing in _ANKLE_DEG else "walking" for step in steps[:-1]]
        self._drive_rad = np.array([step.knee_drive_rad for step in steps[:-1]])
        self._flexion_rad = np.array([step.knee_flexion_rad for step in steps[:-1]])
        self._toe_lift_rad = np.zeros(len(steps) - 1)
        following = [step.doing for step in steps[1:]]
        changing = np.array([d != f for d, f in zip(self._doing, following, strict=True)])
        lifts_knee = changing | np.array([step.speed_mps < _SLOW_MPS for step in steps[:-1]])
        for _ in range(_LIFTING_PASSES):
            self._swing_joints()
            self._swing_foot()
            lacks_m = np.maximum(_LEAST_CLEARANCE_M - self._clearance_m(), 0.0)
            if not lacks_m.any():
                break
            # Whoever would scuff bends the knee more and lifts the toes; one who is slow or changes gait also lifts it.
            lifts_rad = np.minimum(_LIFT_RAD_PER_M * lacks_m + _LIFT_LEAST_RAD * (lacks_m > 0.0), 0.2)
            self._flexion_rad = self._flexion_rad + lifts_rad
            self._toe_lift_rad = self._toe_lift_rad + np.minimum(lifts_rad, _TOE_LIFT_MOST_RAD)
            self._drive_rad = self._drive_rad + np.where(lifts_knee, 0.4 * lifts_rad, 0.0)

    def pose(self, t_s: FloatArray) -> LegPose:
        """Where everything is at times ``t_s``, shape (n,), within the planned session."""
        stance, body = self.stance, self.body
        k = np.clip(np.searchsorted(stance.ic_s, t_s, side="right") - 1, 0, len(self.steps) - 1)
        down = t_s < stance.to_s[k]
        foot = Attitude(stance.yaw(t_s), self._pitch(t_s), stance.roll(t_s))
        hip = np.stack([self.hip.ahead_m(t_s), np.full(t_s.size, 0.09 * stance.outward), self.hip.up_m(t_s)])
        thigh_rad, knee_rad = self._thigh(t_s), self._knee(t_s)
        forward, below = body.ankle_from_hip_m(thigh_rad, knee_rad)
        ankle = np.stack([hip[0] + forward, self._aside(t_s), hip[2] - below])
        if down.any():
            planted = Attitude(foot.yaw_rad[down], foot.pitch_rad[down], foot.roll_rad[down])
            ankle[:, down] = stance.ankle_m(k[down], t_s[down], planted)
            thigh_rad[down], knee_rad[down] = body.leg_angles_rad((ankle[0] - hip[0])[down], (hip[2] - ankle[2])[down])
        zero = np.zeros_like(t_s)
        thigh = Attitude(zero, thigh_rad, zero)
        return LegPose(foot, thigh, ankle, hip, thigh_rad, knee_rad, k, down)

    def swing_grid_s(self, count: int) -> FloatArray:
        """Times through every swing from toe-off to the next contact, shape (steps - 1, count)."""
        start, end = self.stance.to_s[:-1, None], self.stance.ic_s[1:, None]
        grid: FloatArray = start + np.linspace(0.0, 1.0, count) * (end - start)
        return grid

    def _clearance_m(self) -> FloatArray:
        """Least height of the sole in the middle of every swing, shape (steps - 1,)."""
        grid = self.swing_grid_s(_CLEARANCE_GRID)[:, _CLEARANCE_MIDDLE]
        pose = self.pose(grid.ravel())
        clearance = pose.ankle_m[2] - self.body.ankle_over_sole_m(pose.foot.pitch_rad)
        least: FloatArray = clearance.reshape(grid.shape).min(axis=1)
        return least

    # ---- building the swings ----

    def _state(self, k: IntArray, t_s: FloatArray, direction: float) -> FloatArray:
        """Thigh, knee and ankle-aside with two derivatives at contact instants; shape (3 curves, 3, n)."""
        samples = []
        for j in range(4):
            at_s = t_s + direction * j * _H_S
            ankle = self.stance.ankle_m(k, at_s)
            thigh, knee = self.body.leg_angles_rad(ankle[0] - self.hip.ahead_m(at_s), self.hip.up_m(at_s) - ankle[2])
            samples.append(np.stack([thigh, knee, ankle[1]]))
        f0, f1, f2, f3 = samples
        rate = direction * (-11.0 * f0 + 18.0 * f1 - 9.0 * f2 + 2.0 * f3) / (6.0 * _H_S)
        accel = (2.0 * f0 - 5.0 * f1 + 4.0 * f2 - f3) / _H_S**2
        return np.stack([f0, rate, accel], axis=1)

    def _swing_joints(self) -> None:
        stance = self.stance
        k = np.arange(len(self.steps))
        leave = self._state(k[:-1], stance.to_s[:-1], -1.0)
        land = self._state(k[1:], stance.ic_s[1:], 1.0)
        swing_s = stance.ic_s[1:] - stance.to_s[:-1]
        drive, flexion = self._drive_rad, self._flexion_rad
        thigh_peak_s = stance.to_s[:-1] + swing_s * np.array([_THIGH_PEAK_SHARE[d] for d in self._doing])
        knee_peak_s = stance.to_s[:-1] + swing_s * np.array([_KNEE_PEAK_SHARE[d] for d in self._doing])
        self._thigh = quintic(*_swing_curve(stance, leave[0], thigh_peak_s, drive, land[0]).reshape(4, -1))
        knee = _swing_curve(stance, leave[1], knee_peak_s, flexion, land[1])
        self._knee = quintic(*_extend_early(knee, np.array(self._doing) == "walking").reshape(4, -1))
        times = np.stack([stance.to_s[:-1], stance.ic_s[1:]], axis=1).ravel()
        ends = np.stack([leave[2], land[2]], axis=2).reshape(3, -1)
        self._aside = quintic(times, *ends)

    def _swing_foot(self) -> None:
        """Pitch: with the shank, by the ankle, until the foot gets ready to land."""
        stance = self.stance
        start, end = stance.to_s[:-1], stance.ic_s[1:]
        swing_s = end - start
        times, values = [start], [stance.toe_off_rad[:-1]]
        for j, share in enumerate(_ANKLE_SHARE):
            at_s = start + share * swing_s
            ankle = np.radians([_ANKLE_DEG[d][j] for d in self._doing]) + self._habits.ankle_rad
            ankle += self._toe_lift_rad if j > 0 else 0.0
            times.append(at_s)
            values.append(self._thigh(at_s) - self._knee(at_s) + ankle)
        times += [end - np.minimum(_BEFORE_CONTACT_S, 0.12 * swing_s), end]
        values += [stance.strike_rad[1:] + np.radians(_BEFORE_CONTACT_DEG), stance.strike_rad[1:]]
        t, y = np.stack(times, axis=1), np.stack(values, axis=1)
        rate, accel = np.full_like(t, FREE), np.full_like(t, FREE)
        rate[:, 0], accel[:, 0] = stance.leaving_rate_radps[:-1], stance.leaving_accel_radps2[:-1]
        rate[:, -1], accel[:, -1] = stance.landing_rate_radps[1:], stance.landing_accel_radps2[1:]
        rate, accel = minimum_jerk(t, y, rate, accel)
        swing = np.stack([t, y, rate, accel])[:, :, 1:-1]
        ground = np.concatenate([stance.knots_s[None], stance.pitch_knots])
        joined = np.concatenate([ground[:, :-1], swing], axis=2).reshape(4, -1)
        self._pitch = quintic(*np.concatenate([joined, ground[:, -1]], axis=1))


def _swing_curve(
    stance: Stance, leave: FloatArray, peak_s: FloatArray, peak: FloatArray, land: FloatArray
) -> FloatArray:
    """Knots (time, value, rate, acceleration) from toe-off through a peak to contact; shape (4, swings, 3)."""
    times = np.stack([stance.to_s[:-1], peak_s, stance.ic_s[1:]], axis=1)
    value = np.stack([leave[0], peak, land[0]], axis=1)
    zero, free = np.zeros_like(peak), np.full_like(peak, FREE)
    rate = np.stack([leave[1], zero, land[1]], axis=1)
    accel = np.stack([leave[2], free, land[2]], axis=1)
    rate, accel = minimum_jerk(times, value, rate, accel)
    return np.stack([times, value, rate, accel])


def _extend_early(knots: FloatArray, walking: BoolArray) -> FloatArray:
    """Add a knot late in the swing: there a walker's knee is all but straight, a runner's where it would be."""
    curve = quintic(*knots.reshape(4, -1))
    start, end = knots[0, :, 0], knots[0, :, -1]
    late_s = start + _WALK_STRAIGHT_SHARE * (end - start)
    late = np.stack([late_s, *(curve(late_s, order) for order in range(3))])
    longer = np.insert(knots, 2, late, axis=2)
    if walking.any():
        straight = longer[:, walking]
        least = np.maximum(np.radians(_WALK_STRAIGHT_DEG), straight[1, :, 3] - np.radians(_WALK_YIELD_DEG))
        straight[1, :, 2] = np.minimum(straight[1, :, 2], least)
        straight[2:, :, 2] = FREE
        straight[3, :, 1] = FREE
        straight[2:] = minimum_jerk(*straight)
        longer[:, walking] = straight
    return longer
