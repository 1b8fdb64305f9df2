"""When each foot lands and leaves, and with which aim: the session as a list of steps."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace

import numpy as np

from gait_signal.types import Foot
from sensor_bridge.simulator import typical
from sensor_bridge.simulator.scenario import Doing, Scenario, Segment
from sensor_bridge.simulator.splines import smoothstep

LEAD_IN_S = 2.5
"""A session that starts in motion was under way for this long."""

_TAIL_S = 2.5
_REST_BEFORE_S = 12.0
_LEAN_S = 0.35  # the body starts forward this long before the first foot leaves the ground
_IN_PLACE_BELOW_MPS = 0.6
_WALK_BELOW_MPS = 1.8


@dataclass(slots=True)
class PlannedStep:
    """One contact and the swing after it.

    Attributes
    ----------
    foot, doing : str
    ic_s, to_s : float
    step_time_s : float
        To the other foot's next contact.
    speed_mps : float
        Of the body at contact.
    strike_rad, toe_off_pitch_rad : float
        Foot pitch at contact and toe-off, toe-up positive.
    knee_drive_rad, knee_flexion_rad : float
        Peaks wanted in the swing.
    push_s : float
        From the heel's rise to toe-off.
    touch_forward_mps, touch_down_mps : float
        Velocity of the point of the sole that touches first.
    settle_s : float
        Time constant with which the ground stops it.
    ringing : float
        Size of the shoe's and clip's vibration, 1 = usual.
    rest : bool
        The foot stays there through a stand.
    """

    foot: Foot
    doing: Doing
    ic_s: float
    to_s: float
    step_time_s: float
    speed_mps: float
    strike_rad: float
    toe_off_pitch_rad: float
    knee_drive_rad: float
    knee_flexion_rad: float
    push_s: float
    touch_forward_mps: float
    touch_down_mps: float
    settle_s: float
    ringing: float
    rest: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """Steps in order of contact, and the spans ``(from_s, to_s)`` in which the body stands still."""

    steps: tuple[PlannedStep, ...]
    rests: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class _Aim:
    """Numbers that blend from segment to segment; angles in degrees, pairs are left, right."""

    speed_mps: float
    cadence_spm: float
    contact_scale: float
    strike_left_deg: float
    strike_right_deg: float
    knee_drive_deg: float
    knee_flexion_deg: float
    toe_off_pitch_deg: float

    def toward(self, other: _Aim, share: float) -> _Aim:
        values = [getattr(self, name) + share * (getattr(other, name) - getattr(self, name)) for name in _Aim.__slots__]
        return _Aim(*values)


def _aim(segment: Segment) -> _Aim:
    doing = segment.activity
    speed = typical.speed_mps(doing) if segment.speed_mps is None else segment.speed_mps
    cadence = typical.cadence_spm(doing, speed) if segment.cadence_spm is None else segment.cadence_spm
    scale = 1.0
    if segment.contact_time_s is not None:
        scale = segment.contact_time_s / typical.contact_time_s(doing, speed, 60.0 / cadence)
    usual = typical.strike_angle_deg(doing, speed)
    left, right = segment.strike_angles_deg or (usual, usual)
    usual_drive = typical.knee_drive_deg(doing, speed)
    drive = usual_drive if segment.knee_drive_deg is None else segment.knee_drive_deg
    # A knee driven higher also bends more: the heel follows the thigh.
    flexion = typical.knee_flexion_peak_deg(doing, speed) + 0.6 * (drive - usual_drive)
    return _Aim(speed, cadence, scale, left, right, drive, flexion, typical.toe_off_pitch_deg(doing, speed))


class _Planner:
    def __init__(self, scenario: Scenario, rng: np.random.Generator) -> None:
        self._scenario = scenario
        self._rng = rng
        self._steps: list[PlannedStep] = []
        self._rests: list[tuple[float, float]] = []
        self._leaves_s: dict[int, float] = {}
        self._foot: Foot = scenario.first_foot
        self._next_s = 0.0
        self._now = _aim(scenario.segments[0])
        self._doing: Doing = "standing"

    def plan(self) -> Plan:
        segments = self._scenario.segments
        end_s = 0.0
        for k, segment in enumerate(segments):
            end_s += segment.duration_s
            last = k == len(segments) - 1
            until_s = end_s + _TAIL_S if last else end_s
            if segment.activity == "standing":
                following = "standing" if last else segments[k + 1].activity
                self._stand(until_s + (_REST_BEFORE_S if last else 0.0), following, last=last)
            else:
                self._move(segment, until_s)
        self._set_toe_offs()
        return Plan(tuple(self._steps), tuple(self._rests))

    def _move(self, segment: Segment, until_s: float) -> None:
        start, target = self._now, _aim(segment)
        from_walk = self._doing in ("walking", "standing")
        if not self._steps:  # in full motion from the first sample on
            start, self._doing, self._next_s = target, segment.activity, -LEAD_IN_S
        elif self._steps[-1].rest:
            start = replace(start, speed_mps=0.4 * min(target.speed_mps, 1.5))
        taken = 0
        while self._next_s < until_s:
            taken += 1
            self._now = start.toward(target, float(smoothstep(np.array(taken / segment.blend_steps))))
            self._doing = _effective(segment.activity, self._doing, self._now.speed_mps)
            if self._doing == "running" and from_walk:  # people break into a run at a run's cadence
                self._now = replace(self._now, cadence_spm=target.cadence_spm)
            self._land()

    def _stand(self, until_s: float, following: Doing, *, last: bool) -> None:
        """Stop beside the other foot, stay, and lift the foot that landed first to go on."""
        if self._steps:
            speed = self._now.speed_mps
            walking = _aim(Segment(1.0, "walking"))
            slowing = [0.5, 0.0] if self._doing == "walking" else [0.75, 0.5, 0.35, 0.15, 0.0]
            for share in slowing:
                self._now = replace(self._now.toward(walking, 0.6), speed_mps=share * speed)
                if share < 0.4:
                    self._doing = "walking"
                self._land()
        else:
            self._next_s = -_REST_BEFORE_S
            self._now = replace(_aim(Segment(1.0, "walking")), speed_mps=0.0)
            self._doing = "standing"
            self._land()
            self._land()
        first, second = self._steps[-2:]
        first.rest = second.rest = True
        second.speed_mps = 0.0
        leave_s = max(until_s, second.ic_s + 1.0)
        self._leaves_s[len(self._steps) - 2] = leave_s
        self._rests.append((second.ic_s, leave_s - _LEAN_S))
        self._foot = first.foot
        self._next_s = leave_s + (0.42 if following == "walking" else 0.30)
        if last:
            self._land()  # never seen: it lies beyond the end and closes the curves
            self._foot = second.foot
            self._land()

    def _land(self) -> None:
        """Add the step that lands at ``_next_s`` and choose when the next one does."""
        rng, sd, skew = self._rng, self._scenario.variability, self._scenario.asymmetry
        now, doing, foot = self._now, self._doing, self._foot
        side = 0.5 if foot == "left" else -0.5
        step_s = 60.0 / now.cadence_spm * (1.0 + side * skew.step_time + sd.step_time * _normal(rng))
        strike = now.strike_left_deg if foot == "left" else now.strike_right_deg
        strike += side * skew.strike_angle_deg + sd.strike_angle_deg * _normal(rng)
        drive_off = side * skew.knee_drive_deg + sd.knee_drive_deg * _normal(rng)
        moving = "running" if doing == "in_place" else doing
        contact_s = now.contact_scale * typical.contact_time_s(doing, now.speed_mps, step_s)
        contact_s *= 1.0 - 0.0025 * max(14.0 - strike, 0.0) if doing == "running" else 1.0
        contact_s *= 1.0 + side * skew.contact_time + sd.contact_time * _normal(rng)
        hardness = 1.0 + sd.impact * _normal(rng)
        speed = now.speed_mps
        if moving == "running":
            forward, down, settle = 0.30 + 0.20 * speed, 0.35 + 0.20 * speed, 0.0032
            if strike < 0.0:  # the ankle yields under a landing on the ball
                forward, down, settle = 0.8 * forward, 0.85 * down, 1.5 * settle
        else:
            forward, down, settle = 0.15 + 0.10 * speed, 0.10 + 0.15 * speed, 0.0060
        push = 0.63 * contact_s if moving == "running" else 0.34
        self._steps.append(
            PlannedStep(
                foot=foot,
                doing=doing,
                ic_s=self._next_s,
                to_s=self._next_s + contact_s,
                step_time_s=step_s,
                speed_mps=speed,
                strike_rad=math.radians(strike),
                toe_off_pitch_rad=math.radians(now.toe_off_pitch_deg),
                knee_drive_rad=math.radians(now.knee_drive_deg + drive_off),
                knee_flexion_rad=math.radians(now.knee_flexion_deg + 0.6 * drive_off),
                push_s=push,
                touch_forward_mps=max(forward * hardness, 0.02),
                touch_down_mps=max(down * hardness, 0.05),
                settle_s=settle,
                ringing=max(0.0, 1.0 + 2.0 * sd.impact * _normal(rng)),
            )
        )
        self._next_s += step_s
        self._foot = "right" if foot == "left" else "left"

    def _set_toe_offs(self) -> None:
        steps = self._steps
        for k, (step, after) in enumerate(itertools.pairwise(steps)):
            if k in self._leaves_s:
                step.to_s = self._leaves_s[k]
            elif step.doing in ("walking", "standing") or step.rest:
                both_down_s = (2.0 * typical.WALK_DUTY - 1.0) * step.step_time_s
                step.to_s = after.ic_s + (both_down_s if after.doing == "walking" else 0.02)
            else:
                step.to_s = min(step.to_s, after.ic_s - 0.02)


def plan_steps(scenario: Scenario, rng: np.random.Generator) -> Plan:
    """Lay out every step of a scenario.

    Returns
    -------
    Plan
        From before the session's start until after its end, so that no curve is cut short.
    """
    return _Planner(scenario, rng).plan()


def _effective(target: Doing, before: Doing, speed_mps: float) -> Doing:
    """What a step is while speed still changes: nobody runs in place at 2 m/s."""
    if target == "running" and before == "in_place" and speed_mps < _IN_PLACE_BELOW_MPS:
        return "in_place"
    if target == "in_place" and before == "running" and speed_mps > _IN_PLACE_BELOW_MPS:
        return "running"
    if target == "walking" and before == "running" and speed_mps > _WALK_BELOW_MPS:
        return "running"
    return target


def _normal(rng: np.random.Generator) -> float:
    """Draw from a standard normal distribution without its far tails."""
    return float(np.clip(rng.standard_normal(), -2.5, 2.5))
