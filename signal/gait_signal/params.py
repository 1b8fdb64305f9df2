"""Every constant of the core that is a choice, in one place.

Lengths and times are bodily (how far the heel is from the pod, how long a foot can stay down), error bands
are measured ones. Nothing here is fitted to one runner.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import radians

GRAVITY_MPS2 = 9.80665


@dataclass(frozen=True, slots=True)
class CoreParams:
    """Settings of :class:`gait_signal.GaitCore`.

    Attributes
    ----------
    rate_hz : float
        Internal sample rate.
    bridge_gap_s : float
        Missing stretches up to this long (well below a swing) are bridged by a straight line.
    stand_min_s : float
        How long a foot must rest before that is a stand and not a long mid-stance.
    stand_gyr_sd_radps, stand_acc_sd_mps2 : float
        What rest means: scatter within 0.1 s. A person standing sways below a tenth of these.
    stand_rate_max_radps : float
        Largest mean rate that can still be gyro bias (5 deg/s).
    fallback_strides : int
        Flat-foot instants to average where no stand was seen.
    swing_rate_min_radps, push_rate_min_radps : float
        Least toe-up rate of a swing and toe-down rate of a push-off.
    heel_arm_m : float
        How far behind the pod the heel touches.
    toe_out_rad : float
        How far feet point outward of travel, mean over people.
    jerk_min_mps3 : float
        Least contact-point jerk of a landing.
    decide_after_s : float
        The fast decision reads the angle this long after contact.
    refine_after_s : float
        The refined contact is fixed this long after the fast one.
    angle_sd_rad, angle_sd_running_rad : float
        Error band of the strike angle with a stand and without one.
    rearfoot_above_rad, forefoot_below_rad : float
        Altman & Davis 2012, doi:10.1016/j.gaitpost.2011.09.058.
    join_lag_s : float
        A step waits at most this much stream time for the other foot.
    """

    rate_hz: float = 200.0
    bridge_gap_s: float = 0.15
    stand_min_s: float = 1.5
    stand_gyr_sd_radps: float = 0.06
    stand_acc_sd_mps2: float = 0.35
    stand_rate_max_radps: float = 0.09
    fallback_strides: int = 5
    swing_rate_min_radps: float = 2.0
    push_rate_min_radps: float = 2.0
    heel_arm_m: float = 0.07
    toe_out_rad: float = radians(7.5)
    jerk_min_mps3: float = 150.0
    decide_after_s: float = 0.020
    refine_after_s: float = 0.060
    angle_sd_rad: float = radians(0.5)
    angle_sd_running_rad: float = radians(3.0)
    rearfoot_above_rad: float = radians(8.0)
    forefoot_below_rad: float = radians(-1.6)
    join_lag_s: float = 2.0
