"""Where up is, in the frame that the gyro carries along, and how sure that is.

A filter with one variance. Three things speak of gravity:

- rest: the mean force while nothing moves;
- a stride: between two mid-stances a shoe starts and ends (nearly) at rest against the ground, so the mean
  specific force over the stride is up. A belt at constant speed changes nothing in this;
- the flat foot: a runner's foot stands the same way at every mid-stance, to about a degree. It is learned while
  all is well and used when the level was lost: after a gap, or where the gyro hit its range.
"""

from __future__ import annotations

from math import cos, radians, sin, sqrt

from .calibration import FLAT_RAD, Vector
from .resample import FLAG_BRIDGED, FLAG_GYR_CLIPPED, FLAG_STRAIGHT

Quaternion = tuple[float, float, float, float]

_REST_SD_RAD = radians(0.3)
_LOST_SD_RAD = radians(20.0)
_DRIFT_RAD = radians(0.25)  # gyro scale and noise over one stride
_STRIDE_SD_RAD = radians(1.5)  # velocity left at mid-stance over gravity times stride time
_FLAT_SD_RAD = radians(1.2)
_FLAT_UNLEARNED_SD_RAD = radians(2.5)
_FLAT_BELOW_RAD = radians(2.0)  # the flat foot speaks only while the level is less sure than this
_SURPRISE = 2.5  # standard deviations of the recent mean error
_LEARN_BELOW_RAD = radians(1.5)
_LEARNED_AFTER = 4
_STRAIGHT_RAD = 0.006  # error that one sample bridged by a line adds; they add up, as do clipped ones
_DOUBTFUL_RAD = radians(0.7)  # clipping that adds more than this
_FILLED_RAD = 0.0015  # and one filled from an earlier stride
_FILLED_FORCE_RAD = 0.002  # the same for the direction of the stride's mean force
_GYR_CLIPPED_RAD = 0.010


class Level:
    """State of the filter.

    Attributes
    ----------
    up : tuple of 3 floats
        Unit vector in F.
    sd_rad : float
        Standard deviation of its direction.
    known : bool
        Whether anything has spoken of gravity since the last cut.
    """

    __slots__ = ("_flat", "_learned", "_off", "known", "sd_rad", "up")

    def __init__(self) -> None:
        self._flat: Vector = (sin(FLAT_RAD), 0.0, cos(FLAT_RAD))
        self._learned = 0
        self._off: Vector = (0.0, 0.0, 0.0)
        self.up: Vector = (0.0, 0.0, 1.0)
        self.sd_rad = _LOST_SD_RAD
        self.known = False

    def inherit(self, other: Level) -> None:
        """After a cut: the wearer still stands as before."""
        self._flat = other._flat
        self._learned = other._learned

    def disturb(self, flags: int) -> None:
        """Take note of a sample that was missing or at the end of its range."""
        if flags & FLAG_BRIDGED:
            self.sd_rad += _STRAIGHT_RAD if flags & FLAG_STRAIGHT else _FILLED_RAD
        if flags & FLAG_GYR_CLIPPED:
            self.sd_rad += _GYR_CLIPPED_RAD

    def guess(self, force_sum: Vector) -> None:
        """Before anything is known: up is where the force has pointed on average over the last stride or so."""
        self.up = _unit(force_sum)

    def lose(self) -> None:
        """What was known is wrong: the pod has slipped, or was put back."""
        self.known = False
        self.sd_rad = _LOST_SD_RAD

    def start_over(self) -> None:
        """The foot was not what it was taken for: what its mid-stances taught is void."""
        self._flat = (sin(FLAT_RAD), 0.0, cos(FLAT_RAD))
        self._learned = 0
        self._off = (0.0, 0.0, 0.0)
        self.lose()

    def rest(self, force: Vector) -> None:
        """Take the mean force at rest."""
        self.up = _unit(force)
        self.sd_rad = _REST_SD_RAD
        self.known = True

    def stand(
        self,
        attitude: Quaternion,
        stride_force: Vector | None,
        flags: int,
        force_sd_rad: float = 0.0,
        filled: int = 0,
    ) -> None:
        """Take a mid-stance, and the mean force of the stride that it ends.

        Parameters
        ----------
        attitude : quaternion
            F from foot at mid-stance.
        stride_force : vector or None
            None where there was no whole stride.
        flags : int
            What happened to the samples of that stride.
        force_sd_rad : float
            What clipping adds to the doubt about the direction of ``stride_force``.
        filled : int
            How many of its samples were missing.
        """
        self.sd_rad = sqrt(self.sd_rad**2 + _DRIFT_RAD**2)
        doubtful = force_sd_rad > _DOUBTFUL_RAD
        if self.sd_rad > _FLAT_BELOW_RAD or (doubtful and self._learned >= _LEARNED_AFTER):
            sd_rad = _FLAT_SD_RAD if self._learned >= _LEARNED_AFTER else _FLAT_UNLEARNED_SD_RAD
            self._pull(turn(attitude, self._flat), sd_rad)
            self.known = True
        if stride_force is not None and not flags & (FLAG_STRAIGHT | FLAG_GYR_CLIPPED):
            filled_sd_rad = filled * _FILLED_FORCE_RAD
            self._pull(_unit(stride_force), sqrt(_STRIDE_SD_RAD**2 + force_sd_rad**2 + filled_sd_rad**2))
        # Clipping errs the same way in every stride: it must not teach how the foot stands.
        if self.sd_rad < _LEARN_BELOW_RAD and not (doubtful and self._learned >= _LEARNED_AFTER):
            self._learned += 1
            gain = max(0.1, 1.0 / self._learned)
            q0, q1, q2, q3 = attitude
            seen = turn((q0, -q1, -q2, -q3), self.up)
            flat = self._flat
            self._flat = _unit(
                (
                    flat[0] + gain * (seen[0] - flat[0]),
                    flat[1] + gain * (seen[1] - flat[1]),
                    flat[2] + gain * (seen[2] - flat[2]),
                )
            )

    def _pull(self, toward: Vector, sd_rad: float) -> None:
        x, y, z = self.up
        variance = self.sd_rad**2
        mx, my, mz = self._off
        mx += 0.5 * (toward[0] - x - mx)
        my += 0.5 * (toward[1] - y - my)
        mz += 0.5 * (toward[2] - z - mz)
        off_squared = mx * mx + my * my + mz * mz
        # A mean that forgets by half each time scatters with a third of the variance.
        if off_squared > _SURPRISE**2 * (variance + sd_rad**2) / 3.0:
            # Not noise: the level itself is wrong, by about this much or twice that.
            variance += 2.0 * off_squared
            mx = my = mz = 0.0
        self._off = (mx, my, mz)
        gain = variance / (variance + sd_rad**2)
        self.up = _unit(
            (
                x + gain * (toward[0] - x),
                y + gain * (toward[1] - y),
                z + gain * (toward[2] - z),
            )
        )
        self.sd_rad = sqrt((1.0 - gain) * variance)


def _unit(v: Vector) -> Vector:
    length = sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2])
    return v[0] / length, v[1] / length, v[2] / length


def turn(q: Quaternion, v: Vector) -> Vector:
    """Rotate ``v`` by the unit quaternion ``q``."""
    q0, q1, q2, q3 = q
    x, y, z = v
    return (
        (1.0 - 2.0 * (q2 * q2 + q3 * q3)) * x + 2.0 * (q1 * q2 - q0 * q3) * y + 2.0 * (q1 * q3 + q0 * q2) * z,
        2.0 * (q1 * q2 + q0 * q3) * x + (1.0 - 2.0 * (q1 * q1 + q3 * q3)) * y + 2.0 * (q2 * q3 - q0 * q1) * z,
        2.0 * (q1 * q3 - q0 * q2) * x + 2.0 * (q2 * q3 + q0 * q1) * y + (1.0 - 2.0 * (q1 * q1 + q2 * q2)) * z,
    )
