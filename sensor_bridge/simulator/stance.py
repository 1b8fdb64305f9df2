"""The foot on the ground: which point holds it, and how it turns about that point.

A contact goes through four phases:

1. *Touch*: the first point of the sole (outer heel edge if the toes point up, outer ball edge if down) meets the
   ground with the velocity the swing gave it. The sole and the soft tissue stop it within a few ``settle_s``,
   with a force that starts from zero: that is the impact a pod feels.
2. *Loading*: the foot rolls over its rounded heel (or forefoot) until it lies flat.
3. *Flat*: nothing moves.
4. *Push*: the heel rises, the foot rolls over ball and toes and the sole springs back to its height.
5. *Toe push*: in the last moments the toes alone hold the ground and push the ball toward the hip, just as fast as
   the leg needs so as not to be overstretched: :meth:`Stance.push_off`.

Rolling never slips: from when the touch has settled until the toe push, the point of the sole on the ground is at
rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.interpolate import PPoly

from gait_signal.types import FloatArray
from sensor_bridge.simulator.body import Body
from sensor_bridge.simulator.plan import PlannedStep
from sensor_bridge.simulator.rotation import Attitude
from sensor_bridge.simulator.splines import quintic, smoothstep

IntArray: TypeAlias = npt.NDArray[np.intp]

_TOUCH_BRAKING_FORWARD_HZ = 30.0  # how fast the late swing already slows the sole before it touches
_TOUCH_BRAKING_DOWN_HZ = 12.0
TOE_PUSH_S = 0.08  # the toes alone hold the ground at most this long
_SHEAR_SETTLING = 1.6  # the sole gives way along the ground for longer than across it
_PUSH_END_RATE = 1.35  # pitch rate at toe-off over the mean of the push: it peaks a little before
_PUSH_END_BRAKING = 2.6


@dataclass(frozen=True, slots=True)
class Habits:
    """How this runner's foot turns out of the sagittal plane, and holds its ankle.

    Attributes
    ----------
    toe_out_rad : float
        Of the planted foot.
    inversion_rad, eversion_rad : float
        Roll at contact (outer edge down) and in mid-stance (inner edge down).
    swing_yaw_rad, swing_roll_rad : float
        Excursions in mid-swing.
    ankle_rad : float
        Added to the usual ankle angle in swing.
    """

    toe_out_rad: float
    inversion_rad: float
    eversion_rad: float
    swing_yaw_rad: float
    swing_roll_rad: float
    ankle_rad: float

    @classmethod
    def random(cls, rng: np.random.Generator) -> Habits:
        """Draw one foot's."""
        deg = np.pi / 180.0
        return cls(
            toe_out_rad=deg * float(rng.uniform(2.0, 11.0)),
            inversion_rad=deg * float(rng.uniform(2.0, 9.0)),
            eversion_rad=deg * float(rng.uniform(1.0, 5.0)),
            swing_yaw_rad=deg * float(rng.uniform(-12.0, 12.0)),
            swing_roll_rad=deg * float(rng.uniform(2.0, 12.0)),
            ankle_rad=deg * float(rng.uniform(-4.0, 4.0)),
        )


class Stance:
    """All contacts of one foot.

    Parameters
    ----------
    steps : sequence of PlannedStep
        Of one foot, in order.
    body : Body
    habits : Habits
    """

    def __init__(self, steps: Sequence[PlannedStep], body: Body, habits: Habits) -> None:
        def column(name: str) -> FloatArray:
            return np.array([getattr(step, name) for step in steps], dtype=np.float64)

        self._body = body
        self.outward = 1.0 if steps[0].foot == "left" else -1.0
        self.ic_s, self.to_s = column("ic_s"), column("to_s")
        self.strike_rad, self.toe_off_rad = column("strike_rad"), column("toe_off_pitch_rad")
        self._speed = column("speed_mps")
        self._settle_s = np.stack([_SHEAR_SETTLING * column("settle_s"), column("settle_s")])
        self._touch = np.stack([column("touch_forward_mps"), -column("touch_down_mps")])
        braking = np.array([[_TOUCH_BRAKING_FORWARD_HZ], [_TOUCH_BRAKING_DOWN_HZ]])
        self._touch_accel = -braking * self._touch
        moving = np.array([step.doing != "walking" and not step.rest for step in steps])
        turn_s = np.where(moving, 0.028, 0.055) + 0.12 * np.abs(self.strike_rad)
        self.flat_s = self.ic_s + np.minimum(turn_s, 0.3 * (self.to_s - self.ic_s))
        self.rise_s = np.maximum(self.flat_s + 0.01, self.to_s - column("push_s"))
        heel_first = self.strike_rad >= 0.0
        self._contact_ahead_m = np.where(heel_first, body.heel_ahead_m, body.ball_ahead_m)
        self._contact_radius_m = np.where(heel_first, body.heel_radius_m, body.forefoot_radius_m)
        self._contact_side_m = self.outward * body.sole_half_width_m
        self.place_m = np.zeros((3, len(steps)))
        self.toe_push_s = self.to_s - np.minimum(TOE_PUSH_S, 0.32 * (self.to_s - self.ic_s))
        self._toe_push = np.zeros((2, len(steps)))
        self._toe_push_toward = np.zeros((2, len(steps)))
        self._set_turning(habits)

    def _set_turning(self, habits: Habits) -> None:
        """Pitch, roll and yaw at the knots of every contact."""
        n = self.ic_s.size
        zero = np.zeros(n)
        loading_s = self.flat_s - self.ic_s
        fastest = 1.5 * np.abs(self.strike_rad) / loading_s
        landing = -(1.2 + 0.25 * self._speed)
        self.landing_rate_radps = np.where(self.strike_rad >= 0.0, np.maximum(landing, -fastest), 0.5 * landing)
        self.landing_accel_radps2 = np.where(self.strike_rad >= 0.0, -15.0, -5.0)
        push_s = self.to_s - self.rise_s
        self.leaving_rate_radps = _PUSH_END_RATE * self.toe_off_rad / push_s
        self.leaving_accel_radps2 = -_PUSH_END_BRAKING * self.leaving_rate_radps / push_s
        self.knots_s = np.stack([self.ic_s, self.flat_s, self.rise_s, self.to_s], axis=1)
        self.pitch_knots = np.stack(
            [
                np.stack([self.strike_rad, zero, zero, self.toe_off_rad], axis=1),
                np.stack([self.landing_rate_radps, zero, zero, self.leaving_rate_radps], axis=1),
                np.stack([self.landing_accel_radps2, zero, zero, self.leaving_accel_radps2], axis=1),
            ]
        )
        # Joined over the swings too, where it is not used.
        self._pitch = quintic(self.knots_s.ravel(), *self.pitch_knots.reshape(3, -1))
        middle_s = 0.5 * (self.to_s[:-1] + self.ic_s[1:])
        stance_s = self.to_s - self.ic_s
        everted_s = self.ic_s + np.minimum(0.3 * stance_s, 0.08)
        inward = self.outward  # inner edge down is left edge up on a left foot
        self.roll = _loop(
            [self.ic_s, everted_s, self.to_s],
            [-inward * habits.inversion_rad, inward * habits.eversion_rad, inward * habits.eversion_rad],
            middle_s,
            -inward * habits.swing_roll_rad,
        )
        out = self.outward * habits.toe_out_rad
        self.yaw = _loop([self.ic_s, self.to_s], [out, out], middle_s, out + habits.swing_yaw_rad)

    def attitude(self, t_s: FloatArray) -> Attitude:
        """Orientation of the foot while it is down."""
        return Attitude(self.yaw(t_s), self._pitch(t_s), self.roll(t_s))

    def ankle_m(self, k: IntArray, t_s: FloatArray, attitude: Attitude | None = None) -> FloatArray:
        """Ankle in the world during contact ``k``; shape (3, n).

        Parameters
        ----------
        k : ndarray of int, shape (n,)
            Contact at each instant.
        t_s : ndarray, shape (n,)
        attitude : Attitude, optional
            Of the foot at these instants, if known already.
        """
        body = self._body
        foot = attitude or self.attitude(t_s)
        loading = t_s < self.flat_s[k]
        tangent_ahead_m = np.where(loading, self._contact_ahead_m[k], body.ball_ahead_m)
        radius_m = np.where(loading, self._contact_radius_m[k], body.forefoot_radius_m)
        # From where the sole first touches when flat to where it does now, and the rolling of a round sole.
        pitch = foot.pitch_rad
        along_m = tangent_ahead_m - self._contact_ahead_m[k] + radius_m * (np.sin(pitch) - pitch)
        held = self.place_m[:, k] + self._touch_path_m(k, t_s)
        held[0] += along_m * np.cos(foot.yaw_rad)
        held[1] += along_m * np.sin(foot.yaw_rad)
        held[2] += radius_m * (1.0 - np.cos(pitch))
        held[2] += self._sunk_m(k) * smoothstep((t_s - self.rise_s[k]) / (self.to_s - self.rise_s)[k])
        pushed = self._toe_push_path_m(k, t_s)
        held[0] += pushed * self._toe_push_toward[0, k]
        held[2] += pushed * self._toe_push_toward[1, k]
        to_ankle = foot.apply(body.ankle_ahead_m - tangent_ahead_m, -self._contact_side_m, body.ankle_height_m)
        return held + to_ankle

    def touch_faster(self, more_mps: FloatArray, more_mps2: FloatArray) -> None:
        """Change the downward velocity and acceleration with which the sole touches, within reason."""
        down = np.clip(more_mps - self._touch[1], 0.10, 0.60 + 0.35 * self._speed)
        self._touch[1] = -down
        self._touch_accel[1] = np.clip(self._touch_accel[1] - more_mps2, -10.0, 40.0)

    def push_off(self, toward: FloatArray, speed_mps: FloatArray, accel_mps2: FloatArray) -> None:
        """Set with what velocity and acceleration the toes send the ball off at toe-off.

        Parameters
        ----------
        toward : ndarray, shape (2, contacts)
            Unit vectors in the sagittal plane, ahead and up.
        speed_mps, accel_mps2 : ndarray, shape (contacts,)
        """
        span_s = self.to_s - self.toe_push_s
        v, a = speed_mps * span_s, accel_mps2 * span_s**2
        # From rest to these ends with the least jerk: the way left free, the quintic loses its fifth power.
        self._toe_push = np.stack([v - a / 3.0, -v / 2.0 + a / 4.0])
        self._toe_push_toward = toward

    def impact_mps2(self) -> FloatArray:
        """Peak deceleration of the point that touches first, shape (contacts,)."""
        peaks: FloatArray = np.hypot(*(self._touch / (np.e * self._settle_s)))
        return peaks

    def _toe_push_path_m(self, k: IntArray, t_s: FloatArray) -> FloatArray:
        s = np.maximum((t_s - self.toe_push_s[k]) / (self.to_s - self.toe_push_s)[k], 0.0)
        path: FloatArray = s**3 * (self._toe_push[0, k] + s * self._toe_push[1, k])
        return path

    def _sunk_m(self, k: IntArray) -> FloatArray:
        tau = self._settle_s[1]
        sunk: FloatArray = -(tau * (2.0 * self._touch[1] + self._touch_accel[1] * tau))[k]
        return sunk

    def _touch_path_m(self, k: IntArray, t_s: FloatArray) -> FloatArray:
        """Way of the first point of contact after it touched, shape (3, n).

        Its velocity is ``exp(-s) (v + (v + a tau) s)`` with ``s = (t - ic) / tau``: it starts with the velocity
        and acceleration of the swing and dies out; the force of the ground grows from nothing.
        """
        tau = self._settle_s[:, k]
        s = (t_s - self.ic_s[k]) / tau
        decay = np.exp(-np.minimum(s, 60.0))
        v, a = self._touch[:, k], self._touch_accel[:, k]
        way = tau * (v * (1.0 - decay) + (v + a * tau) * (1.0 - (1.0 + s) * decay))
        return np.stack([way[0], np.zeros_like(way[0]), way[1]])


def _loop(
    contact_s: Sequence[FloatArray], contact_rad: Sequence[float], middle_s: FloatArray, swing_rad: float
) -> PPoly:
    """Join per-contact values with one value in each swing, at rest at every knot."""
    n = contact_s[0].size
    times = np.full((n, len(contact_s) + 1), np.nan)
    values = np.full_like(times, swing_rad)
    for j, (at_s, value) in enumerate(zip(contact_s, contact_rad, strict=True)):
        times[:, j], values[:, j] = at_s, value
    times[:-1, -1] = middle_s
    flat_times, flat_values = times.ravel()[:-1], values.ravel()[:-1]
    zero = np.zeros_like(flat_times)
    return quintic(flat_times, flat_values, zero, zero)
