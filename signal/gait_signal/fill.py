"""What missing samples most likely were: the wearer's own movement, as it went on last time.

Steps repeat. The stretch of the last seconds whose lead-up is most like the one before the gap, and whose end is
most like the first sample after it, is laid in and bent to fit both ends. Where nothing is like it, a straight line.
"""

from __future__ import annotations

import numpy as np

from .types import BoolArray, FloatArray

HISTORY_S = 3.5  # some four strides
_LEAD_S = 0.12
_LAG_MIN_S = 0.4  # shorter ones are not a stride
_END_WEIGHT = 6.0
_LIKE_RADPS = 1.0  # of the rate's own size there is a fifth to come
_LIKE_SHARE = 0.2
_SECOND_HAND_RADPS = 1.0  # a stretch that was itself filled must be better by this


def fill(
    history: FloatArray, marks: BoolArray, after: FloatArray, missing: int, period_s: float
) -> tuple[FloatArray, int] | None:
    """Samples for a gap, or None where the past has nothing like it.

    Parameters
    ----------
    history : ndarray, shape (n, 6)
        Specific force (m/s2) and rate (rad/s) up to the last sample before the gap, evenly sampled.
    marks : ndarray of bool, shape (n, 2)
        Which samples of the history were filled in themselves, and which touched the end of the sensor's range.
    after : ndarray, shape (6,)
        First sample after the gap.
    missing : int
        How many samples are missing.
    period_s : float

    Returns
    -------
    samples : ndarray, shape (missing, 6)
    first : int
        Place in the history of the sample that the first of them is like.
    """
    n = len(history)
    lead = round(_LEAD_S / period_s)
    ends = n - max(round(_LAG_MIN_S / period_s), missing + 2)
    count = ends - lead
    if count < 1:
        return None
    rate = history[:, 3:]
    want = rate[n - lead :]
    unlike = np.zeros(count)
    for k in range(lead):
        unlike += ((rate[k : k + count] - want[k]) ** 2).sum(axis=1)
    last = lead - 1 + np.arange(count)  # place of the sample before the stretch
    unlike += _END_WEIGHT * ((rate[last + missing + 1] - after[3:]) ** 2).sum(axis=1)
    unlike /= lead + _END_WEIGHT
    so_far = np.concatenate([[0.0], np.cumsum(marks[:, 0])])
    second_hand = so_far[last + missing + 2] - so_far[last - lead + 1] > 0.0
    best = int(np.argmin(unlike + second_hand * _SECOND_HAND_RADPS**2))
    like = _LIKE_RADPS + _LIKE_SHARE * float(np.sqrt((want * want).sum(axis=1).mean()))
    if unlike[best] > like**2:
        return None
    first = int(last[best])
    stretch = history[first : first + missing + 2]
    share = (np.arange(missing + 2) / (missing + 1.0))[:, None]
    bend = (1.0 - share) * (history[-1] - stretch[0]) + share * (after - stretch[-1])
    bend[marks[first : first + missing + 2, 1]] = 0.0  # the end of the range stays where it is
    return (stretch + bend)[1:-1], first + 1
