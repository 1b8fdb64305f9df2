"""Whether a pod sits as the calibration says: put on back to front, on the other foot, or moved since.

- Back to front: over a stride a foot turns far toe-down (60-110 deg, heel to the buttocks) and little toe-up. A pod
  that sees it the other way round sits the other way round.
- Other foot: people land on the outer edge and roll inward, the left foot with its left side rising. A foot that
  does the mirror image of this in every stride is the other one.
- Moved: at mid-stance the foot stands as it did at the calibration, give or take the bend of the shoe.
"""

from __future__ import annotations

from math import acos, degrees, hypot, radians

from .calibration import FLAT_RAD, turn_cos
from .motion import MASK, SIZE, Motion
from .params import GRAVITY_MPS2
from .types import Calibration, CalibrationSource, Foot, Mounting, MountingKind

_LOOK_EVERY = 50  # samples
_WINDOW, _EDGE = 280, 80
_CALM = 9
_CALM_MPS2 = 4.0
_CALM_RADPS = 2.2
_UPRIGHT_COS = 0.85
_TURN_MIN_RAD = 0.7
_FAR_SHARE = 1.5
_FLIP_AFTER = 3
_APART = 80  # samples between two mid-stances

_STRIDES = 8
_ROLL_IN_RAD = radians(3.0)
_MOVED_RAD = radians(5.0)
_UNLEARNED_RAD = radians(8.0)  # where only the usual bend of shoes is known
_MOVED_AFTER = 12  # strides that say the same, one after the other


class MountingWatch:
    """Watches one pod; tells each thing once per calibration."""

    def __init__(self, foot: Foot) -> None:
        self._foot: Foot = foot
        self._looked_n = self._calm_n = 0
        self._compares = True
        self._votes = 0
        self._told: set[MountingKind] = set()
        self.restart(learn=False)

    def restart(self, *, learn: bool) -> None:
        """A new calibration; ``learn`` if the pod has not been touched since, so that its first strides are right."""
        self._votes = 0
        self._learn = learn
        self._strides = 0
        self._flat = (FLAT_RAD, 0.0)
        self._off = 0
        self._roll_rad = 0.0
        self._rolls = 0
        self._told.discard("moved")

    def begin(self, source: CalibrationSource) -> None:
        """Sample numbers start anew; a calibration guessed from running is nothing to be off from."""
        self._looked_n = self._calm_n = 0
        self._compares = source != "running"

    def backward(self, motion: Motion) -> bool:
        """Look at the latest second and a half of movement; True when the pod sits back to front."""
        n = motion.n
        # Nothing of a stand: what follows it may be another recording.
        if n - self._looked_n < _LOOK_EVERY or n - motion.moving_n < _WINDOW:
            return False
        self._looked_n = n
        calm = _calm(motion, n - _WINDOW + _EDGE, n - _EDGE)
        if calm is None or calm - self._calm_n < _APART:
            return False
        self._calm_n = calm
        turned = [motion.turned[k & MASK] for k in range(n - _WINDOW, n + 1)]
        flat = motion.turned[calm & MASK]
        down, up = flat - min(turned), max(turned) - flat
        if max(down, up) < _TURN_MIN_RAD:
            return False
        if down > _FAR_SHARE * up:
            self._votes = min(self._votes + 1, 2 * _FLIP_AFTER)
        elif up > _FAR_SHARE * down and self._votes < _FLIP_AFTER:
            # Once seen the right way round, a pod does not turn.
            self._votes -= 1
        if self._votes > -_FLIP_AFTER:
            return False
        # What lies in the window was seen the wrong way round.
        self._looked_n = n + _WINDOW
        return True

    def flipped(self, known_s: float) -> Mounting:
        """The notice for :meth:`backward`; from now on it sits right."""
        self._votes = 2 * _FLIP_AFTER
        text = f"The {self._foot} pod sits back to front; its steps are found all the same."
        return Mounting(self._foot, "flipped", known_s, text)

    def stood(self, given: Calibration, found: Calibration, known_s: float) -> list[Mounting]:
        """Compare the calibration in use with a stand before the first step."""
        off_rad = acos(max(-1.0, min(1.0, turn_cos(given, found))))
        return [self._moved(off_rad, known_s)] if off_rad > _MOVED_RAD and "moved" not in self._told else []

    def stance(  # noqa: PLR0917
        self, pitch_rad: float, roll_rad: float, rolled_rad: float, runs: bool, sure: bool, known_s: float
    ) -> list[Mounting]:
        """Take one mid-stance.

        Parameters
        ----------
        pitch_rad, roll_rad : float
            Foot against level ground: toe-up, and left side up.
        rolled_rad : float
            Rise of the left side from contact to mid-stance.
        runs : bool
            A stride of running forward.
        sure : bool
            The level is known to a degree or two.
        """
        out: list[Mounting] = []
        if not sure:
            return out
        if runs and "swapped" not in self._told:
            self._rolls += 1
            self._roll_rad += max(0.1, 1.0 / self._rolls) * (rolled_rad - self._roll_rad)
            outward = -self._roll_rad if self._foot == "left" else self._roll_rad
            if self._rolls >= _STRIDES and outward > _ROLL_IN_RAD:
                out.append(self._tell("swapped", known_s, _SWAPPED.format(foot=self._foot)))
        if not self._compares:
            return out
        self._strides += 1
        learning = self._learn and self._strides <= _STRIDES
        if learning:
            gain = 1.0 / self._strides
            flat = self._flat if self._strides > 1 else (pitch_rad, roll_rad)
            self._flat = (flat[0] + gain * (pitch_rad - flat[0]), flat[1] + gain * (roll_rad - flat[1]))
            return out
        off_rad = hypot(pitch_rad - self._flat[0], roll_rad - self._flat[1] if self._learn else 0.0)
        self._off = self._off + 1 if off_rad > (_MOVED_RAD if self._learn else _UNLEARNED_RAD) else 0
        if self._off >= _MOVED_AFTER and "moved" not in self._told:
            out.append(self._moved(off_rad, known_s))
        return out

    def _moved(self, off_rad: float, known_s: float) -> Mounting:
        return self._tell("moved", known_s, _MOVED.format(foot=self._foot, degrees=round(degrees(off_rad))))

    def _tell(self, kind: MountingKind, known_s: float, text: str) -> Mounting:
        self._told.add(kind)
        return Mounting(self._foot, kind, known_s, text)


_SWAPPED = "The {foot} pod moves like one on the other foot: left and right may be swapped."
_MOVED = (
    "The {foot} pod sits about {degrees} degrees off its calibration: if this is no steep hill, it has moved, so stand "
    "still for two seconds."
)


def _calm(motion: Motion, first: int, last: int) -> int | None:
    """Calmest sample at about 1 g and upright: the foot stands, and is not at the top of its swing."""
    if motion.n - first >= SIZE - _CALM:
        return None
    energy = [motion.energy[k & MASK] for k in range(first, last + 1)]
    best, best_energy = None, _CALM * _CALM_RADPS**2
    half = _CALM // 2
    for i in range(half, len(energy) - half):
        here = sum(energy[i - half : i + half + 1])
        if here < best_energy:
            force = motion.mean_force(first + i - half - 1, first + i + half)
            length = (force[0] ** 2 + force[1] ** 2 + force[2] ** 2) ** 0.5
            upright = motion.seen_from_foot(first + i, force)[2]
            if abs(length - GRAVITY_MPS2) < _CALM_MPS2 and upright > _UPRIGHT_COS * length:
                best, best_energy = first + i, here
    return best
