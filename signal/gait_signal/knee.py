"""Knee drive estimated from the shoe's path: a linear model of four features of one stride.

The thigh is not measured: the estimate rests on how high and how late the ankle travels before contact,
how fast it overtakes the hip and how soon the foot turns over. It is blank outside the range in which
that was seen to hold (level running at 2-5 m/s).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import radians

import numpy as np

from .strides import StridePath

# degrees and SI; ridge fit over treadmill runners of Fukuchi et al. 2017, doi:10.7717/peerj.3298
_INTERCEPT, _PER_SPEED, _PER_HEIGHT, _PER_OVERTAKE, _PER_DELAY = 24.09, 0.92, 153.1, 5.87, -74.2
_PEAK_LEAD_S = 0.025  # the knee peaks this long before the shoe is fastest
SD_RAD = radians(2.3)

# ankle joint against the pod, along and above the sole
_ANKLE_BEHIND_M = 0.06
_ANKLE_BELOW_M = 0.02


@dataclass(frozen=True, slots=True)
class Swing:
    """What one swing says about the leg.

    Attributes
    ----------
    knee_drive_rad : float or None
        None outside the valid range.
    knee_peak_s : float
        When the thigh is at its most forward.
    clearance_m : float
        Ankle height late in the swing, mean, against standing.
    """

    knee_drive_rad: float | None
    knee_peak_s: float
    clearance_m: float


def analyse_swing(path: StridePath, to_s: float, next_ic_s: float, speed_mps: float | None) -> Swing | None:
    """Features of the swing between toe-off and the next contact.

    Parameters
    ----------
    path : StridePath
        Mid-stance to mid-stance around that swing.
    to_s, next_ic_s : float
    speed_mps : float or None
        Mean speed of the strides before; the hip moves with it.
    """
    swing = (path.time_s > to_s) & (path.time_s <= next_ic_s)
    if swing.sum() < 20:
        return None
    time_s = path.time_s[swing]
    pitch = path.pitch_rad - path.pitch_rad[0]
    cosine, sine = np.cos(pitch), np.sin(pitch)
    ankle_m = path.upward_m - _ANKLE_BEHIND_M * sine + _ANKLE_BELOW_M * (cosine - 1.0)
    ahead_m = path.forward_m - _ANKLE_BEHIND_M * (cosine - 1.0) - _ANKLE_BELOW_M * sine
    ahead_mps = np.gradient(ahead_m, path.time_s)[swing]
    down = int(np.argmin(path.pitch_rad[swing]))
    fast = int(np.argmax(path.forward_mps[swing]))
    late = ankle_m[swing][fast + 1 :]
    clearance_m = float(late.mean()) if late.size else 0.0
    hip_mps = path.length_m / path.duration_s
    overtake_mps = float(ahead_mps[down]) - hip_mps
    delay_s = float(time_s[down]) - to_s
    knee_peak_s = float(time_s[fast]) - _PEAK_LEAD_S
    drive: float | None = None
    if (
        speed_mps is not None
        and 2.0 <= speed_mps <= 5.2
        and 0.01 <= clearance_m <= 0.13
        and -0.5 <= overtake_mps <= 4.5
        and 0.04 <= delay_s <= 0.22
        and abs(path.turn_rad) < 0.5
        and path.duration_s < 1.1
    ):
        drive = radians(
            _INTERCEPT
            + _PER_SPEED * speed_mps
            + _PER_HEIGHT * clearance_m
            + _PER_OVERTAKE * overtake_mps
            + _PER_DELAY * delay_s
        )
    return Swing(drive, knee_peak_s, clearance_m)
