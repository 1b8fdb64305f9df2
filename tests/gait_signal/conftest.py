"""A hand-made foot: smooth curves between a few postures, with contact times known by construction."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pytest
from scipy.interpolate import PchipInterpolator
from scipy.ndimage import gaussian_filter1d

from gait_signal import Foot, ImuBlock

FINE_HZ = 2000.0
GRAVITY = 9.80665


@dataclass(frozen=True)
class Gait:
    """One manner of moving, the same every stride."""

    stride_s: float = 0.74
    contact_share: float = 0.38
    speed_mps: float = 2.8
    strike_deg: float = 15.0
    heel_off_deg: float = -45.0
    swing_deg: float = -70.0
    lift_m: float = 0.18
    landing_mps: float = 0.7
    strides: int = 12


RUN = Gait()
WALK = Gait(1.12, 0.61, 1.35, 20.0, -35.0, -60.0, 0.10, 0.35)
IN_PLACE = Gait(0.72, 0.42, 0.0, -6.0, -30.0, -45.0, 0.16, 0.6)


@dataclass(frozen=True)
class FootData:
    time_s: np.ndarray
    acc: np.ndarray
    gyr: np.ndarray
    ic_s: np.ndarray
    to_s: np.ndarray
    clipped: np.ndarray

    def block(self, start: int = 0, stop: int | None = None) -> ImuBlock:
        where = slice(start, stop)
        return ImuBlock(self.time_s[where], self.acc[where], self.gyr[where], self.clipped[where], self.clipped[where])

    def cut(self, borders: list[int]) -> Iterator[ImuBlock]:
        edges = [0, *sorted(borders), len(self.time_s)]
        for start, stop in pairwise(edges):
            yield self.block(start, stop)

    def without(self, from_s: float, to_s: float) -> FootData:
        keep = (self.time_s < from_s) | (self.time_s >= to_s)
        return replace(
            self, time_s=self.time_s[keep], acc=self.acc[keep], gyr=self.gyr[keep], clipped=self.clipped[keep]
        )


BALL = (-0.08, 0.06)  # pod against the ball of the foot, and against the heel: forward, up
HEEL = (0.14, 0.06)


def _turned(arm: tuple[float, float], pitch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    c, s = np.cos(pitch), np.sin(pitch)
    return c * arm[0] - s * arm[1], s * arm[0] + c * arm[1]


def _quintic(s: np.ndarray, span_s: float, start: tuple[float, ...], end: tuple[float, ...]) -> np.ndarray:
    """Place between two states (place, velocity, acceleration)."""
    rows = [
        [1, 0, 0, 0, 0, 0],
        [0, 1, 0, 0, 0, 0],
        [0, 0, 2, 0, 0, 0],
        [1, 1, 1, 1, 1, 1],
        [0, 1, 2, 3, 4, 5],
        [0, 0, 2, 6, 12, 20],
    ]
    scale = np.array([1.0, span_s, span_s**2])
    weights = np.linalg.solve(np.array(rows, float), np.concatenate([scale * start, scale * end]))
    return np.polyval(weights[::-1], s)


def stride_curves(gait: Gait) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pitch (rad, toe-up), forward and upward place of the pod over one stride, contact first.

    In stance the foot turns about its heel, then about its ball; in swing the pod flies a smooth path that
    ends moving forward and down, so that the ground has something to stop.
    """
    n = round(gait.stride_s * FINE_HZ)
    share = np.arange(n) / n
    d = gait.contact_share
    after = 1.0 - d
    knots = [
        (0.0, gait.strike_deg),
        (0.05 / gait.stride_s, 0.0),
        (0.5 * d, -1.0),
        (0.7 * d, -6.0),
        (d, gait.heel_off_deg),
        (d + 0.25 * after, gait.swing_deg),
        (d + 0.45 * after, gait.swing_deg * 0.75),
        (d + 0.85 * after, gait.strike_deg + 3.0),
        (1.0, gait.strike_deg),
    ]
    at, degrees = zip(*knots, strict=True)
    pitch = np.radians(PchipInterpolator(at, degrees)(share))
    pitch = gaussian_filter1d(pitch, 0.008 * FINE_HZ, mode="wrap")
    heel, ball = _turned(HEEL, pitch), _turned(BALL, pitch)
    on_heel = pitch > 0.0
    forward = np.where(on_heel, heel[0] - HEEL[0], ball[0] - BALL[0])
    upward = np.where(on_heel, heel[1] - HEEL[1], ball[1] - BALL[1])
    swing = share >= d
    first = int(np.argmax(swing))
    s = (share[swing] - d) / after
    swing_s = after * gait.stride_s
    length = gait.speed_mps * gait.stride_s
    leave = [(v[first], FINE_HZ * (v[first] - v[first - 1]), 0.0) for v in (forward, upward)]
    forward[swing] = _quintic(s, swing_s, leave[0], (length + forward[0], 0.2 * gait.speed_mps, -15.0))
    lift = gait.lift_m * s**2 * (1.0 - s) ** 3 / 0.0346
    upward[swing] = lift + _quintic(s, swing_s, leave[1], (upward[0], -gait.landing_mps, -12.0))
    return pitch, forward, upward


def make_foot(
    *gaits: Gait,
    stand_s: float = 3.0,
    end_stand_s: float = 0.0,
    rate_hz: float = 200.0,
    lag_s: float = 0.0,
    tilt_deg: tuple[float, float, float] = (5.0, 20.0, 4.0),
    noise: float = 0.02,
    seed: int = 0,
) -> FootData:
    """A stand, then the gaits one after the other; the pod sits turned by yaw, pitch and roll."""
    parts = [(np.zeros(round((stand_s + lag_s) * FINE_HZ)),) * 3]
    ic: list[float] = []
    to: list[float] = []
    now_s, place = stand_s + lag_s, 0.0
    for gait in gaits:
        pitch, forward, upward = stride_curves(gait)
        for k in range(gait.strides):
            if k == 0 and not ic:
                # From the stand into the first push-off: the stance half of a stride.
                first = round(0.3 * gait.contact_share * len(pitch))
                pitch0, forward0, upward0 = pitch[first:].copy(), forward[first:], upward[first:]
                pitch0[: round(0.1 * len(pitch))] *= np.linspace(0.0, 1.0, round(0.1 * len(pitch)))
                parts.append((pitch0, forward0 + place, upward0))
                to.append(now_s + gait.contact_share * gait.stride_s - first / FINE_HZ)
                now_s += len(pitch0) / FINE_HZ
            else:
                parts.append((pitch, forward + place, upward))
                ic.append(now_s)
                to.append(now_s + gait.contact_share * gait.stride_s)
                now_s += len(pitch) / FINE_HZ
            place += gait.speed_mps * gait.stride_s
    n_end = round(end_stand_s * FINE_HZ)
    if n_end:
        ic.append(now_s)
        settle = np.exp(-np.arange(n_end) / (0.03 * FINE_HZ))
        parts.append((parts[-1][0][-1] * settle, np.full(n_end, place), np.zeros(n_end)))
    pitch, forward, upward = (np.concatenate([p[k] for p in parts]) for k in range(3))
    sigma = 0.003 * FINE_HZ
    pitch, forward, upward = (gaussian_filter1d(v, sigma) for v in (pitch, forward, upward))
    time_s = np.arange(len(pitch)) / FINE_HZ
    rate = np.gradient(pitch, 1.0 / FINE_HZ)
    ax = np.gradient(np.gradient(forward, 1.0 / FINE_HZ), 1.0 / FINE_HZ)
    az = np.gradient(np.gradient(upward, 1.0 / FINE_HZ), 1.0 / FINE_HZ) + GRAVITY
    c, s = np.cos(pitch), np.sin(pitch)
    force = np.stack([c * ax + s * az, np.zeros_like(ax), -s * ax + c * az], axis=1)
    turn = np.stack([np.zeros_like(rate), -rate, np.zeros_like(rate)], axis=1)
    sampled = np.arange(0.0, time_s[-1], 1.0 / rate_hz)
    pick = lambda v: np.stack([np.interp(sampled, time_s, v[:, k]) for k in range(3)], axis=1)  # noqa: E731
    mount = _mount(*tilt_deg)
    rng = np.random.default_rng(seed)
    acc = pick(force) @ mount + rng.normal(0.0, noise, (len(sampled), 3))
    gyr = pick(turn) @ mount + rng.normal(0.0, 0.1 * noise, (len(sampled), 3)) + np.array([0.01, -0.008, 0.005])
    return FootData(sampled, acc, gyr, np.array(ic), np.array(to), np.zeros(len(sampled), dtype=bool))


def _mount(yaw_deg: float, pitch_deg: float, roll_deg: float) -> np.ndarray:
    cy, sy = math.cos(math.radians(yaw_deg)), math.sin(math.radians(yaw_deg))
    cp, sp = math.cos(math.radians(pitch_deg)), math.sin(math.radians(pitch_deg))
    cr, sr = math.cos(math.radians(roll_deg)), math.sin(math.radians(roll_deg))
    yaw = np.array([[cy, -sy, 0], [sy, cy, 0], [0, 0, 1]])
    pitch = np.array([[cp, 0, sp], [0, 1, 0], [-sp, 0, cp]])
    roll = np.array([[1, 0, 0], [0, cr, -sr], [0, sr, cr]])
    return yaw @ pitch @ roll


@pytest.fixture(scope="session")
def foot_of() -> Callable[..., FootData]:
    return make_foot


@pytest.fixture(scope="session")
def gaits() -> dict[str, Gait]:
    return {"run": RUN, "walk": WALK, "in_place": IN_PLACE, "fore": replace(RUN, strike_deg=-6.0)}


@pytest.fixture(scope="session")
def pair(foot_of: Callable[..., FootData]) -> dict[Foot, FootData]:
    """Both feet of one run, the right one half a stride later."""
    return {"left": foot_of(RUN, end_stand_s=2.0), "right": foot_of(RUN, end_stand_s=2.0, lag_s=0.37, seed=1)}
