"""The way of the hips: forward at the planned speed, up and down as the legs allow and gravity demands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import PPoly

from gait_signal.types import FloatArray
from sensor_bridge.simulator.plan import Plan, PlannedStep
from sensor_bridge.simulator.splines import quintic

GRAVITY_MPS2 = 9.80665

_RISE_M = 0.008  # the hips leave the ground a little higher than they came
_SHORTEST_FLIGHT_S = 0.07  # below this the flight is no free fall: the body rolls over
_BRAKING_LAG_M = 0.008  # how far braking sets the body back by mid-stance
_PELVIS_SWING_M = 0.012  # half a pelvis' width, about 9 cm, times the sine of about 8 degrees
_PELVIS_RAISED_M = 0.006
_PELVIS_SAG_M = 0.012


def forward_path(plan: Plan) -> PPoly:
    """Body position along the way, m, over time.

    Speed changes evenly from contact to contact; in running it dips by about 0.1 m/s at mid-stance, as braking and
    push-off make it do.
    """
    steps = plan.steps
    times = [steps[0].ic_s - 30.0]
    speeds = [steps[0].speed_mps]
    lags = [0.0]
    accels = [0.0]
    rest_end = dict(plan.rests)
    for step in steps:
        times.append(step.ic_s)
        speeds.append(step.speed_mps)
        lags.append(0.0)
        accels.append(0.0)
        if _bouncing(step):
            contact_s = step.to_s - step.ic_s
            lag_m = _BRAKING_LAG_M * min(1.0, step.speed_mps / 3.0)
            times.append(step.ic_s + 0.5 * contact_s)
            lags.append(lag_m)
            accels.append(24.0 * lag_m / contact_s**2)
            speeds.append(np.nan)
        if step.ic_s in rest_end:
            times.append(rest_end[step.ic_s])
            speeds.append(0.0)
            lags.append(0.0)
            accels.append(0.0)
    t, v = np.array(times), np.array(speeds)
    known = ~np.isnan(v)
    v = np.interp(t, t[known], v[known])
    x = np.concatenate([[0.0], np.cumsum(0.5 * (v[1:] + v[:-1]) * np.diff(t))])
    return quintic(t, x - np.array(lags), v, np.array(accels))


def height_path(plan: Plan, landing_m: FloatArray) -> PPoly:
    """Height of the hips, m, over time.

    In running a parabola between toe-off and the next contact, and a spring-like dip in between; in walking
    lowest at each contact and highest half-way to the next.

    Parameters
    ----------
    landing_m : ndarray, shape (steps,)
        Height at each contact.
    """
    steps = plan.steps
    rest_end = dict(plan.rests)
    rows: list[tuple[float, float, float, float]] = [(steps[0].ic_s - 30.0, float(landing_m[0]), 0.0, 0.0)]
    fall_mps = 0.0
    airborne = False
    for k, step in enumerate(steps):
        z = float(landing_m[k])
        after = steps[k + 1] if k + 1 < len(steps) else None
        if step.ic_s in rest_end:
            rows += [(step.ic_s, z, fall_mps, 0.0), (rest_end[step.ic_s], z, 0.0, 0.0)]
            fall_mps, airborne = 0.0, False
            continue
        if not _bouncing(step):
            next_s = after.ic_s if after else step.ic_s + step.step_time_s
            whole_s = next_s - step.ic_s
            amplitude_m = 0.02 * min(1.0, step.speed_mps * step.step_time_s / 0.7) ** 2
            curve = amplitude_m * (2.0 * np.pi / whole_s) ** 2
            rows.append((step.ic_s, z, fall_mps, -GRAVITY_MPS2 if airborne else curve))
            next_z = float(landing_m[k + 1]) if after else z
            top_m = 0.5 * (z + next_z) + 2.0 * amplitude_m
            rows.append((step.ic_s + 0.5 * whole_s, top_m, 0.0, -curve))
            fall_mps, airborne = 0.0, False
            continue
        rows.append((step.ic_s, z, fall_mps, -GRAVITY_MPS2 if airborne else 0.0))
        flight_s = (after.ic_s if after else step.to_s + 0.1) - step.to_s
        next_z = float(landing_m[k + 1]) if after else z
        flight_s = max(flight_s, _SHORTEST_FLIGHT_S)
        climb_mps = (next_z - z - _RISE_M) / flight_s + 0.5 * GRAVITY_MPS2 * flight_s
        rows.append((step.to_s, z + _RISE_M, climb_mps, -GRAVITY_MPS2))
        fall_mps, airborne = climb_mps - GRAVITY_MPS2 * flight_s, True
    t, z_m, v, a = np.array(rows).T
    return quintic(t, z_m, v, a)


@dataclass(frozen=True, slots=True)
class PelvisPath:
    """Way of one hip joint against the middle of the pelvis, m.

    Attributes
    ----------
    ahead : PPoly
        The pelvis turns the hip forward for its contact and back for its toe-off.
    up : PPoly
        It is raised over the standing leg and sags on the swinging one.
    """

    ahead: PPoly
    up: PPoly


def pelvis_path(steps: Sequence[PlannedStep]) -> PelvisPath:
    """Rotation and obliquity of the pelvis as one hip joint feels them (Schache et al. 1999)."""
    times, ahead, tilt_times, up = [], [], [], []
    for step, after in zip(steps, [*steps[1:], None], strict=True):
        size = 0.0 if step.rest else min(1.0, step.speed_mps / 2.0)
        times += [step.ic_s, step.to_s]
        ahead += [_PELVIS_SWING_M * size, -_PELVIS_SWING_M * size]
        tilt_times += [step.ic_s, 0.5 * (step.ic_s + step.to_s), step.to_s]
        up += [0.0, _PELVIS_RAISED_M * size, 0.0]
        if after:
            tilt_times.append(0.5 * (step.to_s + after.ic_s))
            up.append(-_PELVIS_SAG_M * size)
    zero = np.zeros(len(times))
    still = np.zeros(len(tilt_times))
    return PelvisPath(
        quintic(np.array(times), np.array(ahead), zero, zero),
        quintic(np.array(tilt_times), np.array(up), still, still),
    )


def _bouncing(step: PlannedStep) -> bool:
    return step.doing in ("running", "in_place") and not step.rest
