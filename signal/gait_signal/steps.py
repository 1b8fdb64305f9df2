"""From contacts to rows: what one foot's steps are, once it is certain what the wearer does.

A contact is told (as :class:`Contact`) only while the activity is certain; rows of the strides before that wait and are
written as soon as it is, with the time of that as their ``decided_s``. A row is complete when the next stride's
push-off has confirmed the mid-stance that ends its swing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import sqrt

from .activity import ActivityJudge, StrideFeatures, is_stride, own_activity
from .joiner import Landed
from .knee import SD_RAD, analyse_swing
from .landing import LandingMachine
from .motion import MASK, Motion
from .params import CoreParams
from .resample import FLAG_ACC_CLIPPED, FLAG_BRIDGED, FLAG_GYR_CLIPPED
from .stance import StanceMeasures, measure_stance
from .strides import StridePath, rough_travel_m, stride_path
from .strike import classify
from .types import (
    Activity,
    ActivityChange,
    ActivityState,
    CalibrationSource,
    Contact,
    Foot,
    Step,
    Strike,
)
from .unclip import restore

StepEvent = Contact | Step | ActivityChange | Landed

_CLIPPED = FLAG_ACC_CLIPPED | FLAG_GYR_CLIPPED
_STRIDE_MAX_S = 2.0
_PATH_LENGTH_MIN_M = 0.6  # shorter ones do not show a direction of travel
_TURN_MAX_RAD = 0.5
_ROUGH_LEVEL_SD_RAD = 0.05


@dataclass(slots=True)
class _Landing:
    """A contact on its way to a row."""

    step_id: int
    ic_s: float
    decided_s: float
    strike: Strike | None
    confidence: float | None
    angle_rad: float | None
    angle_sd_rad: float
    told: Activity | None = None
    stride: StrideFeatures | None = None
    stance: StanceMeasures | None = None
    odds_before: float = 0.0
    incoming_mps: float | None = None
    strike_final: Strike | None = None
    to_s: float | None = None
    push_radps: float = 0.0
    flags: int = 0
    stood: bool = False


@dataclass(frozen=True, slots=True)
class _Row:
    """A row, what its own stride says it was, and what the contact was told as."""

    step: Step
    own: Activity | None
    told: Activity | None


class StepBook:
    """All steps of one foot on their way from contact to row; see the module text.

    Attributes
    ----------
    strides : int
        Mid-stances seen since the last call of :meth:`forget_strides`.
    """

    def __init__(self, foot: Foot, params: CoreParams) -> None:
        self._foot: Foot = foot
        self._params = params
        self._judge = ActivityJudge()
        self._state: ActivityState = "unknown"
        self._step_id = 0
        self._open: _Landing | None = None
        self._before: _Landing | None = None
        self._undecided: list[_Row] = []
        self._speed_mps: float | None = None
        self._travels = 0
        self._travel_rad = 0.0
        self._out: list[StepEvent] = []
        self.source: CalibrationSource = "running"
        self.strides = 0

    def drain(self) -> list[StepEvent]:
        """Events since the last call."""
        out, self._out = self._out, []
        return out

    @property
    def open_since_s(self) -> float | None:
        """Contact that waits for its push-off, None where there is none."""
        return None if self._open is None else self._open.ic_s

    def mark(self, flags: int) -> None:
        """Note that a sample since the last contact was missing or clipped."""
        if self._open is not None:
            self._open.flags |= flags

    def forget_strides(self) -> None:
        """The foot has rested, or the stream was cut."""
        self._judge.restart()
        self._speed_mps = None

    # ---- what the landing machine found -----------------------------------------------------------

    def decide(self, motion: Motion, machine: LandingMachine, known_s: float) -> None:
        """A new contact; its angle is known."""
        self._step_id += 1
        ic_s = machine.fast_ic_s
        angle = strike = confidence = None
        sd_rad = self._angle_sd(motion)
        if motion.level.known:
            angle = motion.pitch_at(ic_s, machine.ic_n)
            strike, confidence = classify(angle, sd_rad, self._params)
        before = self._open
        if before is not None and before.to_s is not None:
            stride = StrideFeatures(ic_s - before.ic_s, before.to_s - before.ic_s, machine.peak_radps)
            if is_stride(stride):
                before.stride, before.odds_before = stride, self._judge.odds
                if motion.level.sd_rad < _ROUGH_LEVEL_SD_RAD:
                    # The stride is not closed yet, but whether it went somewhere can be seen.
                    travel_m = rough_travel_m(motion, machine.stood_n, machine.ic_n)
                    if travel_m is not None:
                        self._judge.push_speed(travel_m / stride.stride_s)
                self._judge.push(stride)
        if self._before is not None:
            # No push-off has closed its swing.
            self._write(self._before, None, known_s)
        landing = _Landing(self._step_id, ic_s, known_s, strike, confidence, angle, sd_rad)
        self._before, self._open = before, landing
        activity = self._judge.certain()
        if activity is None:
            return
        self.set_state(activity, ic_s, known_s)
        landing.told = activity
        runs = activity != "walking"
        self._out.append(
            Contact(
                self._foot,
                landing.step_id,
                activity,
                ic_s,
                known_s,
                strike if runs else None,
                confidence if runs else None,
                angle if runs else None,
            )
        )

    def refine(self, machine: LandingMachine, known_s: float) -> None:
        """The contact's refined time."""
        if self._open is not None:
            self._open.ic_s = machine.ic_s
            self._out.append(Landed(machine.ic_s, known_s))

    def stand(self, motion: Motion, machine: LandingMachine, known_s: float) -> None:
        """A mid-stance, confirmed by push-off: level the foot, finish the stride before."""
        landing, before = self._open, self._before
        whole = before is not None and before.stood and machine.previous_stood_n >= 0
        flags = self._flags_between(motion, machine.previous_stood_n, machine.stood_n) if whole else 0
        force_sd_rad = restore(motion, machine.previous_stood_n, machine.stood_n) if flags & FLAG_ACC_CLIPPED else 0.0
        force = motion.mean_force(machine.previous_stood_n, machine.stood_n) if whole else None
        filled = self._filled_between(motion, machine.previous_stood_n, machine.stood_n) if flags & FLAG_BRIDGED else 0
        motion.level.stand(motion.attitude[machine.stood_n & MASK], force, flags, force_sd_rad, filled)
        path = stride_path(motion, machine.previous_stood_n, machine.stood_n) if whole else None
        if landing is not None:
            landing.stood = True
            landing.ic_s = machine.ic_s
            self._settle_angle(landing, motion, machine)
            landing.stance = measure_stance(motion, machine.ic_n, machine.stood_n, self._foot)
        self._turn_heading(motion, path)
        self.strides += 1
        if before is not None:
            self._write(before, path, known_s)
            self._before = None

    def leave(self, machine: LandingMachine) -> None:
        """The toe-off of the open contact."""
        if self._open is not None:
            self._open.to_s = machine.to_s
            self._open.push_radps = -machine.push_radps

    def close(self, known_s: float) -> None:
        """Write what is open with what is known; the next contact starts a new bout."""
        if self._before is not None:
            self._write(self._before, None, known_s)
            self._before = None
        if self._open is not None:
            landing, self._open = self._open, None
            self._write(landing, None, known_s)
        if self._judge.strides > 1:
            self._release(self._judge.likely(), known_s)
        self._undecided = []

    @property
    def runs(self) -> bool:
        """Whether the wearer is certain to run forward."""
        return self._judge.certain() == "running"

    def discard(self) -> None:
        """Forget all that is not yet told."""
        self._open = self._before = None
        self._undecided = []
        self.forget_strides()

    def set_state(self, state: ActivityState, since_s: float, known_s: float) -> None:
        """Tell a change of what the wearer does."""
        if state != self._state:
            self._state = state
            self._out.append(ActivityChange(self._foot, state, since_s, known_s))

    # ---- parts ------------------------------------------------------------------------------------

    def _angle_sd(self, motion: Motion) -> float:
        own = self._params.angle_sd_running_rad if self.source == "running" else self._params.angle_sd_rad
        return sqrt(own**2 + motion.level.sd_rad**2)

    def _settle_angle(self, landing: _Landing, motion: Motion, machine: LandingMachine) -> None:
        """Angle by the level of this mid-stance, unless samples were lost on the way to it."""
        sd_rad = self._angle_sd(motion)
        broken = self._flags_between(motion, machine.ic_n, machine.stood_n) & (FLAG_BRIDGED | FLAG_GYR_CLIPPED)
        if landing.angle_rad is None or not broken or sd_rad < landing.angle_sd_rad:
            landing.angle_rad = motion.pitch_at(landing.ic_s, machine.ic_n)
            landing.angle_sd_rad = sd_rad
        landing.strike_final = classify(landing.angle_rad, landing.angle_sd_rad, self._params)[0]

    @staticmethod
    def _flags_between(motion: Motion, first: int, last: int) -> int:
        flags = 0
        for k in range(first, last + 1):
            flags |= motion.flags[k & MASK]
        return flags

    @staticmethod
    def _filled_between(motion: Motion, first: int, last: int) -> int:
        return sum(motion.flags[k & MASK] & FLAG_BRIDGED for k in range(first, last + 1))

    def _turn_heading(self, motion: Motion, path: StridePath | None) -> None:
        """Turn the foot frame toward what travel and rotation say about the foot's own axis."""
        if path is not None and path.length_m > _PATH_LENGTH_MIN_M and abs(path.turn_rad) < _TURN_MAX_RAD:
            self._travels += 1
            travel = motion.heading_rad + path.travel_rad
            self._travel_rad += max(0.1, 1.0 / self._travels) * (travel - self._travel_rad)
        toe_out = self._params.toe_out_rad if self._foot == "left" else -self._params.toe_out_rad
        lateral = motion.lateral_rad()
        # The last fifth is the pod's own axis: it was clipped on along the shoe, more or less.
        if self._travels:
            motion.turn_heading(0.8 * (0.5 * (self._travel_rad + lateral) + toe_out))
        else:
            motion.turn_heading(0.6 * (lateral + toe_out))

    def _write(self, landing: _Landing, path: StridePath | None, known_s: float) -> None:
        following = self._open
        to_s = landing.to_s
        next_ic_s = following.ic_s if following is not None and to_s is not None else None
        if next_ic_s is not None and next_ic_s - landing.ic_s > _STRIDE_MAX_S:
            next_ic_s = None
        stride_s = next_ic_s - landing.ic_s if next_ic_s is not None else None
        swing = length_m = speed_mps = None
        if path is not None and to_s is not None and following is not None and next_ic_s is not None:
            swing = analyse_swing(path, to_s, next_ic_s, self._speed_mps)
            length_m = path.length_m
            speed_mps = length_m / path.duration_s
            following.incoming_mps = speed_mps
            before = self._speed_mps
            self._speed_mps = speed_mps if before is None else before + 0.3 * (speed_mps - before)
        drive = swing.knee_drive_rad if swing is not None else None
        state = landing.told or self._judge.certain()
        stance = landing.stance
        own = None
        if speed_mps is not None and landing.stride is not None:
            own = own_activity(landing.stride, speed_mps, landing.incoming_mps, landing.odds_before)
        step = Step(
            foot=self._foot,
            step_id=landing.step_id,
            activity=own or state or self._judge.likely(),
            ic_s=landing.ic_s,
            to_s=to_s,
            contact_time_s=to_s - landing.ic_s if to_s is not None else None,
            flight_time_s=None,
            swing_time_s=next_ic_s - to_s if next_ic_s is not None and to_s is not None else None,
            stride_time_s=stride_s,
            cadence_spm=120.0 / stride_s if stride_s is not None else None,
            strike=landing.strike,
            strike_confidence=landing.confidence,
            decided_s=landing.decided_s,
            strike_final=landing.strike_final or landing.strike,
            strike_angle_rad=landing.angle_rad,
            knee_drive_rad=drive,
            knee_drive_sd_rad=SD_RAD if drive is not None else None,
            knee_drive_method="shoe-estimate" if drive is not None else "",
            knee_drive_rel_standing_rad=None,
            stride_length_m=length_m,
            speed_mps=speed_mps,
            ankle_clearance_m=swing.clearance_m if swing is not None else None,
            contact_to_knee_peak_s=swing.knee_peak_s - landing.ic_s if swing is not None else None,
            gap_touched=bool(landing.flags & FLAG_BRIDGED),
            clipped=bool(landing.flags & _CLIPPED),
            calibration=self.source,
            finalized_s=known_s,
            impact_peak_mps2=stance.impact_peak_mps2 if stance is not None else None,
            pronation_rad=stance.pronation_rad if stance is not None else None,
            pronation_peak_radps=stance.pronation_peak_radps if stance is not None else None,
        )
        if state is not None:
            self._release(state, known_s)
        row = _Row(step, own, landing.told)
        if state is None:
            self._undecided.append(row)
        else:
            self._emit(row, state, known_s)

    def _release(self, state: Activity, known_s: float) -> None:
        """Write the rows that waited for certainty: what they were could be said only now."""
        waiting, self._undecided = self._undecided, []
        for row in waiting:
            self._emit(_Row(replace(row.step, finalized_s=known_s), row.own, None), state, known_s)

    def _emit(self, row: _Row, state: Activity, known_s: float) -> None:
        activity = row.own or state
        step = replace(row.step, activity=activity)
        if activity == "walking":
            step = replace(step, strike=None, strike_confidence=None, strike_final=None)
        elif row.told is None or row.told == "walking":
            # The contact went by without a word on its strike.
            step = replace(step, decided_s=known_s)
        if activity != "walking" and step.strike is None and step.strike_angle_rad is not None:
            # Its angle was not known in time; now it is.
            sd_rad = self._params.angle_sd_running_rad
            strike, confidence = classify(step.strike_angle_rad, sd_rad, self._params)
            step = replace(step, strike=strike, strike_confidence=confidence, decided_s=known_s)
        self._out.append(step)
