"""A calibration from running itself, for want of a stand: the samples seen so far are worked through twice.

The force at a calm instant of running is not gravity alone. Over a whole stride it is, so each stride says where
up was at its mid-stance. A first pass with the rough calibration finds the strides, a second one, with the
better calibration, finds them better.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, radians, sin, sqrt

from .calibration import FLAT_RAD, Alignment, Vector, vector
from .landing import STOOD, LandingMachine
from .motion import MASK, Motion
from .params import GRAVITY_MPS2, CoreParams
from .resample import Sample
from .types import Calibration

_PASSES = 2
_STRIDE_S = (0.4, 1.6)
_AGREE_COS = cos(radians(6.0))


def calibrate_from_strides(rough: Calibration, samples: Sequence[Sample], params: CoreParams) -> Calibration:
    """Better up direction from whole strides of the samples; ``rough`` itself where there are too few."""
    best = rough
    for _ in range(_PASSES):
        agreed = _agreeing(_ups(best, samples, params))
        if len(agreed) < 2:
            return best
        mean = vector([sum(up[k] for up in agreed) / len(agreed) for k in range(3)])
        # Shoes bend: the foot is a little toe-down at mid-stance against standing.
        rows = Alignment(Calibration(mean, rough.gyr_bias_sensor_radps, "running", 0.0)).rows
        stand = [cos(FLAT_RAD) * rows[6 + k] - sin(FLAT_RAD) * rows[k] for k in range(3)]
        best = Calibration(vector([GRAVITY_MPS2 * v for v in stand]), rough.gyr_bias_sensor_radps, "running", 0.0)
    return best


def _ups(calibration: Calibration, samples: Sequence[Sample], params: CoreParams) -> list[Vector]:
    """Up at each mid-stance, unit vectors in the sensor frame."""
    motion = Motion(Alignment(calibration))
    machine = LandingMachine(params, motion)
    found: list[Vector] = []
    for sample in samples:
        motion.step(sample[0], *sample[2:])
        if machine.step() != STOOD:
            continue
        first, last = machine.previous_stood_n, machine.stood_n
        whole = first >= 0 and _STRIDE_S[0] < (last - first) / params.rate_hz < _STRIDE_S[1]
        force = motion.mean_force(first, last) if whole else None
        motion.level.stand(motion.attitude[last & MASK], force, 0)
        if force is None:
            continue
        length = sqrt(sum(v * v for v in force))
        up = motion.seen_from_foot(last, force)
        rows = motion.rows
        found.append(vector([sum(up[i] * rows[3 * i + k] for i in range(3)) / length for k in range(3)]))
    return found


def _agreeing(ups: Sequence[Vector]) -> list[Vector]:
    """The largest group around one of them: a stride cut wrongly stands alone."""
    groups = [[b for b in ups if sum(p * q for p, q in zip(a, b, strict=True)) > _AGREE_COS] for a in ups]
    return max(groups, key=len, default=[])
