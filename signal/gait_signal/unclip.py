"""Readings that hit the end of the accelerometer's range, put back to about where they were.

Each cut-off top is drawn on with the slopes at its feet: a shock to a point, a swing as a smooth curve. Over a
stride the shoe's vertical velocity comes back to zero, so the mean vertical force must be gravity: what is still
missing of it says whether all tops are drawn too low or too high.
"""

from __future__ import annotations

from math import sqrt

from .calibration import Vector
from .level import turn
from .motion import MASK, Motion
from .params import GRAVITY_MPS2
from .resample import FLAG_ACC_CLIPPED

_AT_RAIL = 0.985  # axes have errors of scale of their own
_SHOCK_SPAN = 5  # samples: a shorter top is a shock and sharp, a longer one is round
_TOP_SD = 0.6  # of a top's drawn size, all together
_SHAPE_SD = 0.25  # and one against the other
_SHOCK_SD = 0.3  # of the range, for each sample of a shock
_VERTICAL_SD = 0.01  # of gravity: velocity left over at mid-stance, accelerometer scale

_Top = tuple[int, Vector, float]
"""sample, what it lacks (a vector in F), and how uncertain that is beside the common scale."""


def restore(motion: Motion, first: int, last: int) -> float:
    """Restore the clipped readings after sample ``first`` up to ``last``, two mid-stances.

    Changes ``motion.force`` and its sums in place.

    Returns
    -------
    float
        What this adds to the doubt about the direction of the stride's mean force, one standard deviation in rad;
        0 where nothing was clipped.
    """
    tops: list[_Top] = []
    for start, end in _stretches(motion, first, last):
        tops += _tops(motion, start, end)
    if not tops:
        return 0.0
    up = motion.level.up
    lift = _dot(_sum(tops), up)
    count = last - first
    missing = count * (GRAVITY_MPS2 - _dot(motion.mean_force(first, last), up))
    # The drawn size and what closes the stride, each by its own doubt.
    noise = count * GRAVITY_MPS2 * _VERTICAL_SD
    gain = _TOP_SD**2 * lift / ((_TOP_SD * lift) ** 2 + noise**2)
    scale = max(0.0, 1.0 + gain * (missing - lift))
    scale_sd = _TOP_SD * noise / sqrt((_TOP_SD * lift) ** 2 + noise**2)
    level = doubt = 0.0
    for k, top, top_sd in tops:
        x, y, z = motion.force[k & MASK]
        motion.force[k & MASK] = (x + scale * top[0], y + scale * top[1], z + scale * top[2])
        level += sqrt(max(0.0, _dot(top, top) - _dot(top, up) ** 2))
        doubt += top_sd
    _sum_again(motion, min(k for k, _, _ in tops))
    return sqrt((scale_sd * level) ** 2 + (scale * _SHAPE_SD * level) ** 2 + doubt**2) / (count * GRAVITY_MPS2)


def _stretches(motion: Motion, first: int, last: int) -> list[tuple[int, int]]:
    """First and last sample of each run of clipped ones."""
    found: list[tuple[int, int]] = []
    for k in range(first + 1, last + 1):
        if motion.flags[k & MASK] & FLAG_ACC_CLIPPED:
            if found and found[-1][1] == k - 1:
                found[-1] = (found[-1][0], k)
            else:
                found.append((k, k))
    return found


def _tops(motion: Motion, start: int, end: int) -> list[_Top]:
    """What a stretch of clipped samples lacks, as vectors in F."""
    before, after = max(0, start - 2), min(motion.n, end + 2)
    raw = {k: _reading(motion, k) for k in range(before, after + 1)}
    rail = max(abs(v) for k in range(start, end + 1) for v in raw[k])
    found: list[_Top] = []
    for axis in range(3):
        k = start
        while k <= end:
            sign = 1.0 if raw[k][axis] > 0.0 else -1.0
            b = k
            while b <= end and sign * raw[b][axis] > _AT_RAIL * rail:
                b += 1
            if b > k:
                found += _top(motion, [sign * raw[i][axis] for i in range(k - 2, min(b + 2, after + 1))], k, axis, sign)
            k = max(b, k + 1)
    return found


def _top(motion: Motion, reading: list[float], k: int, axis: int, sign: float) -> list[_Top]:
    """One top: readings from two samples before the first clipped one, ``k``, to two after the last."""
    span = len(reading) - 3
    if span < 2:
        return []
    left, right = reading[1], reading[-2]
    rise = max(0.0, left - reading[0], reading[2] - left) * span
    fall = max(0.0, right - reading[-1], reading[-3] - right) * span
    rows = motion.rows
    found: list[_Top] = []
    for i in range(1, span):
        s = i / span
        if span <= _SHOCK_SPAN:
            drawn = min(left + s * rise, right + (1.0 - s) * fall)
        else:
            drawn = (
                (2.0 * s**3 - 3.0 * s**2 + 1.0) * left
                + (3.0 * s**2 - 2.0 * s**3) * right
                + (s**3 - 2.0 * s**2 + s) * rise
                - (s**3 - s**2) * fall
            )
        lacks = sign * max(0.0, drawn - reading[1 + i])
        foot = (lacks * rows[axis], lacks * rows[3 + axis], lacks * rows[6 + axis])
        at = k + i - 1
        doubt = _SHOCK_SD * reading[1 + i] if span <= _SHOCK_SPAN else 0.0
        found.append((at, turn(motion.attitude[at & MASK], foot), doubt))
    return found


def _reading(motion: Motion, k: int) -> Vector:
    """What the sensor read at sample ``k``."""
    x, y, z = motion.seen_from_foot(k, motion.force[k & MASK])
    r, b = motion.rows, motion.bias
    return (
        r[0] * x + r[3] * y + r[6] * z + b[0],
        r[1] * x + r[4] * y + r[7] * z + b[1],
        r[2] * x + r[5] * y + r[8] * z + b[2],
    )


def _sum(tops: list[_Top]) -> Vector:
    return sum(t[0] for _, t, _ in tops), sum(t[1] for _, t, _ in tops), sum(t[2] for _, t, _ in tops)


def _dot(a: Vector, b: Vector) -> float:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def _sum_again(motion: Motion, start: int) -> None:
    x, y, z = motion.force_sum[(start - 1) & MASK]
    for k in range(start, motion.n + 1):
        force = motion.force[k & MASK]
        x, y, z = x + force[0], y + force[1], z + force[2]
        motion.force_sum[k & MASK] = (x, y, z)
    motion.sums = (x, y, z)
