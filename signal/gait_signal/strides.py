"""The path of one shoe over one stride, from mid-stance to mid-stance.

The shoe rests on the ground at both ends, so its velocity is zero there (on a belt: zero against the
belt). What fails to close is laid to a constant error of level and bias within the stride and taken
out as a ramp; height that fails to close is taken out along the way, not along time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .motion import MASK, SIZE, Motion
from .params import GRAVITY_MPS2
from .types import FloatArray


@dataclass(frozen=True, slots=True)
class StridePath:
    """Path of the pod over one stride; arrays of shape (n,), sample 0 at the first mid-stance.

    Attributes
    ----------
    time_s : ndarray
    forward_m, upward_m : ndarray
        Along the stride's own direction, and height, against the first mid-stance.
    forward_mps : ndarray
    pitch_rad : ndarray
        Foot pitch, continuous through the vertical, toe-up positive.
    length_m, duration_s : float
        Distance and time from mid-stance to mid-stance.
    closing_mps : float
        Velocity that failed to close before the ramp was taken out: the quality of the stride.
    turn_rad : float
        Change of the foot's heading over the stride.
    travel_rad : float
        Direction of travel against the foot's mean heading at both ends, to the left positive.
    """

    time_s: FloatArray
    forward_m: FloatArray
    upward_m: FloatArray
    forward_mps: FloatArray
    pitch_rad: FloatArray
    length_m: float
    duration_s: float
    closing_mps: float
    turn_rad: float
    travel_rad: float


def stride_path(motion: Motion, first: int, last: int) -> StridePath | None:
    """Path from sample ``first`` to sample ``last``, both mid-stances; None where history does not reach."""
    if first < 0 or last - first < 20 or motion.n - first >= SIZE:
        return None
    count = last - first + 1
    time_s = np.array(_slice(motion.time_s, first, count))
    force = np.array(_slice(motion.force, first, count))
    attitude = np.array(_slice(motion.attitude, first, count))
    up = np.array(motion.level.up)
    side = np.array([-up[2], 0.0, up[0]]) if abs(up[1]) < 0.9 else np.array([0.0, up[2], -up[1]])
    east = side / np.sqrt((side * side).sum())
    north = np.array(
        [
            up[1] * east[2] - up[2] * east[1],
            up[2] * east[0] - up[0] * east[2],
            up[0] * east[1] - up[1] * east[0],
        ]
    )
    # einsum: the same sums in the same order whatever BLAS is installed.
    acc = np.einsum("ij,kj->ik", force, np.stack([east, north, up]))
    acc[:, 2] -= GRAVITY_MPS2
    step_s = np.diff(time_s)
    velocity = _integrate(acc, step_s)
    since_s = time_s - time_s[0]
    duration_s = float(since_s[-1])
    closing = velocity[-1].copy()
    velocity -= closing * (since_s / duration_s)[:, None]
    place = _integrate(velocity, step_s)
    length_m = float(np.hypot(place[-1, 0], place[-1, 1]))
    heading = place[-1, :2] / length_m if length_m > 1e-6 else np.array([1.0, 0.0])
    forward_m = place[:, 0] * heading[0] + place[:, 1] * heading[1]
    forward_mps = velocity[:, 0] * heading[0] + velocity[:, 1] * heading[1]
    share = np.clip(forward_m / length_m, 0.0, 1.0) if length_m > 0.3 else since_s / duration_s
    upward_m = place[:, 2] - place[-1, 2] * share
    toe, top = _axes(attitude)
    toe_up = np.einsum("ij,j->i", toe, up)
    top_up = np.einsum("ij,j->i", top, up)
    pitch_rad = np.unwrap(np.arctan2(toe_up, top_up))
    ends = np.einsum("ij,kj->ik", toe[[0, -1]], np.stack([east, north]))
    turn = float(np.arctan2(ends[1, 1], ends[1, 0]) - np.arctan2(ends[0, 1], ends[0, 0]))
    turn = (turn + np.pi) % (2.0 * np.pi) - np.pi
    middle = float(np.arctan2(ends[0, 1], ends[0, 0])) + 0.5 * turn
    travel = float(np.arctan2(heading[1], heading[0])) - middle
    travel = (travel + np.pi) % (2.0 * np.pi) - np.pi
    return StridePath(
        time_s,
        forward_m,
        upward_m,
        forward_mps,
        pitch_rad,
        length_m,
        duration_s,
        float(np.sqrt((closing * closing).sum())),
        turn,
        travel,
    )


def rough_travel_m(motion: Motion, first: int, last: int) -> float | None:
    """Distance covered from mid-stance ``first`` to sample ``last``, nothing closed: good to a few decimetres."""
    if first < 0 or last - first < 20 or motion.n - first >= SIZE:
        return None
    count = last - first + 1
    time_s = np.array(_slice(motion.time_s, first, count))
    acc = np.array(_slice(motion.force, first, count))
    up = np.array(motion.level.up)
    acc -= GRAVITY_MPS2 * up
    step_s = np.diff(time_s)
    place = _integrate(_integrate(acc, step_s), step_s)[-1]
    place = place - (place * up).sum() * up
    return float(np.sqrt((place * place).sum()))


def _integrate(values: FloatArray, step_s: FloatArray) -> FloatArray:
    out = np.zeros_like(values)
    out[1:] = np.cumsum(0.5 * (values[1:] + values[:-1]) * step_s[:, None], axis=0)
    return out


def _axes(attitude: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Toe axis and top axis of the foot in F, each of shape (n, 3)."""
    q0, q1, q2, q3 = attitude.T
    toe = np.stack([1 - 2 * (q2 * q2 + q3 * q3), 2 * (q1 * q2 + q0 * q3), 2 * (q1 * q3 - q0 * q2)], axis=1)
    top = np.stack([2 * (q1 * q3 + q0 * q2), 2 * (q2 * q3 - q0 * q1), 1 - 2 * (q1 * q1 + q2 * q2)], axis=1)
    return toe, top


def _slice(ring: list, first: int, count: int) -> list:  # type: ignore[type-arg]
    a = first & MASK
    b = a + count
    return ring[a:b] if b <= SIZE else ring[a:] + ring[: b - SIZE]
