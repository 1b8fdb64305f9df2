"""How people usually walk and run: the figures the simulated runner starts from.

Taken from the literature (values read as rounded landmarks, not digitised curves):

- thigh, knee and ankle in the running stride, their order and size, and how they grow with speed: Novacheck
  1998, doi:10.1016/S0966-6362(97)00038-6; Schache et al. 1999, doi:10.1016/S0966-6362(99)00025-2 for the
  pelvis and hip; Fukuchi et al. 2017, doi:10.7717/peerj.3298 for 2.5 to 4.5 m/s;
- contact time against speed: Weyand et al. 2000, doi:10.1152/jappl.2000.89.5.1991; Fukuchi et al. 2017;
- walking angles, stance share and toe clearance: Winter 1991, The Biomechanics and Motor Control of Human
  Gait; walking speed and cadence: Bohannon 1997, doi:10.1093/ageing/26.1.15;
- strike classes: Altman & Davis 2012, doi:10.1016/j.gaitpost.2011.09.104.

Chosen here, within what those show: the straight lines and powers in speed, the velocity with which the sole
meets the ground, and everything about running in place.
"""

from __future__ import annotations

import math

from gait_signal.types import Strike
from sensor_bridge.simulator.scenario import Doing

REARFOOT_ABOVE_DEG = 8.0
FOREFOOT_BELOW_DEG = -1.6

WALK_DUTY = 0.62


def strike_class(angle_deg: float) -> Strike:
    """Strike type by foot angle against standing (Altman & Davis 2012)."""
    if angle_deg > REARFOOT_ABOVE_DEG:
        return "rearfoot"
    return "forefoot" if angle_deg < FOREFOOT_BELOW_DEG else "midfoot"


def speed_mps(activity: Doing) -> float:
    """Usual speed."""
    return {"standing": 0.0, "walking": 1.35, "running": 3.0, "in_place": 0.0}[activity]


def cadence_spm(activity: Doing, speed: float) -> float:
    """Usual steps a minute at a speed."""
    if activity == "walking":
        return 78.0 + 26.0 * speed
    if activity == "running":
        return 153.0 + 4.5 * speed
    return 165.0


def contact_time_s(activity: Doing, speed: float, step_time_s: float) -> float:
    """Usual contact time of a running step; it falls with speed and with cadence."""
    if activity == "in_place":
        return 0.68 * step_time_s
    falling = 0.53 * max(speed, 1.5) ** -0.62
    return float(falling * (step_time_s * cadence_spm("running", speed) / 60.0) ** 0.5)


def strike_angle_deg(activity: Doing, speed: float) -> float:
    """Foot angle at contact of the many who land on the heel; in place one lands on the ball."""
    if activity == "in_place":
        return -7.0
    if activity == "walking":
        return 8.0 + 9.0 * min(speed, 1.5)
    return 14.0


def knee_drive_deg(activity: Doing, speed: float) -> float:
    """Peak thigh angle from the vertical in swing."""
    if activity == "in_place":
        return 42.0
    if activity == "walking":
        return 15.0 + 8.0 * speed
    return 18.0 + 4.6 * speed


def knee_flexion_peak_deg(activity: Doing, speed: float) -> float:
    """Peak knee flexion in swing."""
    if activity == "in_place":
        return 84.0
    if activity == "walking":
        return 58.0 + 4.0 * speed
    return min(57.0 + 12.0 * speed, 122.0)


def toe_off_pitch_deg(activity: Doing, speed: float) -> float:
    """Foot pitch as the ball leaves the ground (toe-down is negative)."""
    if activity == "in_place":
        return -42.0
    if activity == "walking":
        return -46.0 - 8.0 * speed
    return -44.0 - 4.0 * speed


def knee_flexion_stance_deg(activity: Doing) -> float:
    """The straightest the knee gets with the foot down."""
    return {"standing": 4.0, "walking": 6.0, "running": 12.0, "in_place": 16.0}[activity]


def toe_off_knee(activity: Doing, speed: float) -> tuple[float, float, float]:
    """Knee flexion, its rate and its acceleration as the toes leave the ground; rad, rad/s, rad/s^2."""
    if activity in ("walking", "standing"):
        degrees = (38.0, 330.0, 1500.0)
    elif activity == "in_place":
        degrees = (30.0, 60.0, 4000.0)
    else:
        degrees = (max(22.0 - 2.0 * speed, 12.0), 80.0 - 60.0 * speed, 4000.0 + 800.0 * speed)
    return tuple(math.radians(x) for x in degrees)  # type: ignore[return-value]


def landing_knee(activity: Doing, speed: float) -> tuple[float, float, float]:
    """Knee flexion at contact, its rate and acceleration; rad, rad/s, rad/s^2."""
    flexion = landing_knee_deg(activity, speed)
    degrees = (flexion, 100.0 + 40.0 * speed, 4500.0 + 400.0 * speed)
    if activity == "walking":
        degrees = (flexion, 200.0, 6000.0)
    return tuple(math.radians(x) for x in degrees)  # type: ignore[return-value]


def landing_knee_deg(activity: Doing, speed: float) -> float:
    """The straightest the knee may be at contact."""
    return 13.0 + 1.5 * speed if activity in ("running", "in_place") else knee_flexion_stance_deg(activity)


def ankle_ahead_share(activity: Doing, speed: float, strike_deg: float) -> float:
    """Share of the way under the hip that lies ahead of it: the ball lands closer to the body."""
    if activity == "walking":
        return 0.46
    return 0.23 + 0.02 * speed + 0.001 * strike_deg
