"""What the first half of a stance says beside its times: the shock of landing, and how the foot rolls inward."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

from .motion import MASK, Motion
from .resample import FLAG_ACC_CLIPPED, FLAG_BRIDGED, FLAG_GYR_CLIPPED
from .types import Foot

_BEFORE, _AFTER = 2, 10  # samples around contact that a shock reaches


@dataclass(frozen=True, slots=True)
class StanceMeasures:
    """See the fields of the same names in :class:`gait_signal.Step`; None where samples were lost or cut off."""

    impact_peak_mps2: float | None
    pronation_rad: float | None
    pronation_peak_radps: float | None


def measure_stance(motion: Motion, contact: int, stood: int, foot: Foot) -> StanceMeasures:
    """Measure from sample ``contact`` to ``stood``, the mid-stance, both still in the motion's history."""
    shock = range(max(0, contact - _BEFORE), min(motion.n, contact + _AFTER) + 1)
    impact = None
    if not _flags(motion, shock) & (FLAG_ACC_CLIPPED | FLAG_BRIDGED):
        impact = sqrt(max(_squared(motion, k) for k in shock))
    stance = range(contact, stood + 1)
    if len(stance) < 5 or _flags(motion, stance) & (FLAG_GYR_CLIPPED | FLAG_BRIDGED):
        return StanceMeasures(impact, None, None)
    inward = 1.0 if foot == "left" else -1.0
    roll = [inward * motion.side_up(k) for k in stance]
    time_s = [motion.time_s[k & MASK] for k in stance]
    rates = [(roll[i + 1] - roll[i - 1]) / (time_s[i + 1] - time_s[i - 1]) for i in range(1, len(roll) - 1)]
    return StanceMeasures(impact, max(roll) - roll[0], max(rates))


def _flags(motion: Motion, samples: range) -> int:
    flags = 0
    for k in samples:
        flags |= motion.flags[k & MASK]
    return flags


def _squared(motion: Motion, k: int) -> float:
    x, y, z = motion.force[k & MASK]
    return x * x + y * y + z * z
