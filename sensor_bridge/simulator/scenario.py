"""What the simulated runner does: stand, walk, run, run in place, and how all that changes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np

from gait_signal.types import Foot
from sensor_bridge.errors import UsageError
from sensor_bridge.simulator.body import Body

Doing: TypeAlias = Literal["standing", "walking", "running", "in_place"]

_SPEED_MPS: Mapping[str, tuple[float, float]] = {
    "standing": (0.0, 0.0),
    "walking": (0.6, 1.8),
    "running": (1.5, 6.0),
    "in_place": (0.0, 0.3),
}
_CADENCE_SPM: Mapping[str, tuple[float, float]] = {
    "standing": (0.0, 300.0),
    "walking": (70.0, 140.0),
    "running": (140.0, 220.0),
    "in_place": (130.0, 220.0),
}


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of a session with one aim. The gait blends into it over ``blend_steps`` steps.

    Attributes
    ----------
    duration_s : float
    activity : str
        ``standing``, ``walking``, ``running`` or ``in_place``.
    speed_mps, cadence_spm : float or None
        None: usual for the activity.
    contact_time_s : float or None
        Running and in place only; None: usual for the speed and cadence.
    strike_angle_deg : float, (left, right) or None
        Foot pitch at contact against standing, toe-up positive; None: a heel strike (in place: the ball).
    knee_drive_deg : float or None
        Peak thigh angle from the vertical in swing; None: usual for the speed.
    blend_steps : int
    """

    duration_s: float
    activity: Doing
    speed_mps: float | None = None
    cadence_spm: float | None = None
    contact_time_s: float | None = None
    strike_angle_deg: float | tuple[float, float] | None = None
    knee_drive_deg: float | None = None
    blend_steps: int = 4

    def __post_init__(self) -> None:
        if self.activity not in _SPEED_MPS:
            raise ValueError(f"activity must be one of {', '.join(_SPEED_MPS)}, not {self.activity!r}")
        _check("duration_s", self.duration_s, 0.0, 1e6)
        if self.speed_mps is not None:
            _check(f"speed_mps when {self.activity}", self.speed_mps, *_SPEED_MPS[self.activity])
        if self.cadence_spm is not None:
            _check(f"cadence_spm when {self.activity}", self.cadence_spm, *_CADENCE_SPM[self.activity])
        if self.contact_time_s is not None:
            _check("contact_time_s", self.contact_time_s, 0.12, 0.40)
            if self.activity not in ("running", "in_place"):
                raise ValueError("contact_time_s can only be set for running and in_place")
        for angle in self.strike_angles_deg or ():
            _check("strike_angle_deg", angle, -15.0, 30.0)
        if self.knee_drive_deg is not None:
            _check("knee_drive_deg", self.knee_drive_deg, 15.0, 75.0)
        if self.blend_steps < 1:
            raise ValueError("blend_steps must be at least 1")

    @property
    def strike_angles_deg(self) -> tuple[float, float] | None:
        """Left and right strike angle, where set."""
        angle = self.strike_angle_deg
        if angle is None or isinstance(angle, tuple):
            return angle
        return (angle, angle)


@dataclass(frozen=True, slots=True)
class Asymmetry:
    """Left minus right, half of it added to one side and taken from the other."""

    step_time: float = 0.012
    contact_time: float = 0.02
    strike_angle_deg: float = 1.0
    knee_drive_deg: float = 1.0


@dataclass(frozen=True, slots=True)
class Variability:
    """Standard deviation from step to step; times and speeds as a share of their mean."""

    step_time: float = 0.010
    contact_time: float = 0.015
    strike_angle_deg: float = 1.0
    knee_drive_deg: float = 0.8
    impact: float = 0.15

    @classmethod
    def none(cls) -> Variability:
        """Every step alike."""
        return cls(0.0, 0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Mounting:
    """How a pod sits on its segment, degrees: turned by yaw, then pitch (nose down), then roll."""

    yaw_deg: float
    nose_down_deg: float
    roll_deg: float


@dataclass(frozen=True, slots=True)
class Scenario:
    """A whole session.

    Attributes
    ----------
    segments : tuple of Segment
    body : Body
    asymmetry : Asymmetry
    variability : Variability
    mountings : mapping of pod name to Mounting
        Pods left out get a random one, as a clip on laces sits.
    first_foot : str
        The foot that lands or leaves first.
    name : str
    """

    segments: tuple[Segment, ...]
    body: Body = field(default_factory=Body)
    asymmetry: Asymmetry = field(default_factory=Asymmetry)
    variability: Variability = field(default_factory=Variability)
    mountings: Mapping[str, Mounting] = field(default_factory=dict)
    first_foot: Foot = "left"
    name: str = "simulated-runner"

    def __post_init__(self) -> None:
        if not self.segments:
            raise ValueError("a scenario needs at least one segment")

    @property
    def duration_s(self) -> float:
        """Length of the whole session."""
        return sum(segment.duration_s for segment in self.segments)

    @classmethod
    def steady(cls, seconds: float, speed_mps: float, **segment: object) -> Scenario:
        """Run at one speed; further keywords as in :class:`Segment`."""
        return cls((Segment(seconds, "running", speed_mps, **segment),))  # type: ignore[arg-type]

    @classmethod
    def demo(cls, seconds: float, rng: np.random.Generator) -> Scenario:
        """A first run: a short walk, heel strikes, a turn to the forefoot over ten steps, some in place.

        Raises
        ------
        UsageError
            If there is no room for that.
        """
        if not (math.isfinite(seconds) and seconds >= 10.0):
            raise UsageError("A simulated run needs at least 10 seconds.")
        stand_s = 1.0
        walk_s = min(8.0, 0.08 * seconds)
        in_place_s = min(20.0, 0.10 * seconds)
        run_s = seconds - stand_s - walk_s - in_place_s
        heel_s = 0.55 * run_s
        speed = float(rng.uniform(2.6, 3.4))
        cadence = float(rng.uniform(162.0, 172.0))
        heel_deg = float(rng.uniform(13.0, 19.0))
        fore_deg = float(rng.uniform(-7.0, -4.0))
        segments = (
            Segment(stand_s, "standing"),
            Segment(walk_s, "walking", float(rng.uniform(1.2, 1.5))),
            Segment(heel_s, "running", speed, cadence, strike_angle_deg=heel_deg),
            Segment(
                0.9 * (run_s - heel_s),
                "running",
                speed,
                cadence + 6.0,
                strike_angle_deg=fore_deg,
                blend_steps=10,
            ),
            Segment(in_place_s, "in_place", strike_angle_deg=fore_deg),
            Segment(
                0.1 * (run_s - heel_s),
                "running",
                speed,
                cadence + 6.0,
                strike_angle_deg=fore_deg,
            ),
        )
        return cls(
            segments,
            body=Body.random(rng),
            first_foot="left" if rng.random() < 0.5 else "right",
            name=f"demo-{seconds:g}s",
        )


def _check(name: str, value: float, low: float, high: float) -> None:
    if not (math.isfinite(value) and low <= value <= high):
        raise ValueError(f"{name} must lie between {low:g} and {high:g}, not {value!r}")
