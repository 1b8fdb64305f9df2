"""What a perfect sensor on a foot or thigh would feel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gait_signal.types import FloatArray
from sensor_bridge.simulator.leg import Leg, LegPose
from sensor_bridge.simulator.rotation import Attitude
from sensor_bridge.simulator.trunk import GRAVITY_MPS2

_THIGH_POD_AHEAD_M = 0.07
_THIGH_POD_BELOW_SHARE = 0.5
_RING_ONSET_S = 0.0025
_RING_SHARE = 0.35  # of the impact's own peak
_RING_TOWARD = (0.45, 0.15, 0.88)  # ahead, aside, up in the foot
_RING_LASTS = 8.0  # decay times after which nothing is left


@dataclass(frozen=True, slots=True)
class Clip:
    """How the pod's clip and the shoe's upper vibrate after an impact.

    Attributes
    ----------
    ring_hz, ring_decay_s : float
    """

    ring_hz: float
    ring_decay_s: float

    @classmethod
    def random(cls, rng: np.random.Generator) -> Clip:
        """Draw one."""
        return cls(float(rng.uniform(35.0, 75.0)), float(rng.uniform(0.006, 0.014)))


def segment_signals(
    leg: Leg, segment: str, clip: Clip, *, start_s: float, step_s: float, count: int
) -> tuple[FloatArray, FloatArray]:
    """Specific force and angular rate of a pod in its segment's frame, by differences of its pose.

    Parameters
    ----------
    leg : Leg
    segment : str
        ``foot`` or ``thigh``.
    clip : Clip
        Foot pods only.
    start_s, step_s : float
    count : int
        Instants ``start_s + i step_s``.

    Returns
    -------
    acc_mps2, gyr_radps : ndarray, shape (3, count)
        Frame: x ahead, y left, z up at rest.
    """
    t_s: FloatArray = start_s + step_s * np.arange(-1, count + 1, dtype=np.float64)
    pose = leg.pose(t_s)
    attitude, place = _foot_pod(leg, pose, clip, t_s) if segment == "foot" else _thigh_pod(leg, pose)
    force = (place[:, 2:] - 2.0 * place[:, 1:-1] + place[:, :-2]) / step_s**2
    force[2] += GRAVITY_MPS2
    return attitude.inner().apply_inverse(force), attitude.body_rates(step_s)


def _foot_pod(leg: Leg, pose: LegPose, clip: Clip, t_s: FloatArray) -> tuple[Attitude, FloatArray]:
    body = leg.body
    ring = _ringing_m(leg, pose, clip, t_s)
    ahead, aside, up = _RING_TOWARD
    place = pose.ankle_m + pose.foot.apply(
        body.pod_ahead_m - body.ankle_ahead_m + ahead * ring,
        aside * ring,
        body.pod_height_m - body.ankle_height_m + up * ring,
    )
    return pose.foot, place


def _ringing_m(leg: Leg, pose: LegPose, clip: Clip, t_s: FloatArray) -> FloatArray:
    """Way of the pod against the foot: a vibration that starts smoothly at contact and dies out."""
    since_s = t_s - leg.stance.ic_s[pose.contact]
    ring = np.zeros_like(t_s)
    now = (since_s > 0.0) & (since_s < _RING_LASTS * clip.ring_decay_s)
    s = since_s[now]
    peaks = leg.stance.impact_mps2() * np.array([step.ringing for step in leg.steps])
    omega = 2.0 * np.pi * clip.ring_hz
    size_m = _RING_SHARE * peaks[pose.contact[now]] / omega**2
    onset = (1.0 - np.exp(-s / _RING_ONSET_S)) ** 2
    ring[now] = size_m * onset * np.exp(-s / clip.ring_decay_s) * np.sin(omega * s)
    return ring


def _thigh_pod(leg: Leg, pose: LegPose) -> tuple[Attitude, FloatArray]:
    below = _THIGH_POD_BELOW_SHARE * leg.body.thigh_length_m
    return pose.thigh, pose.hip_m + pose.thigh.apply(_THIGH_POD_AHEAD_M, 0.0, -below)
