"""One foot: samples in, contacts and rows (without flight time) out.

Order of work for each grid sample: rest or not (calibration), kernel, and what the kernel found. Rows wait
until it is certain what the wearer does; contacts are told only then.
"""

from __future__ import annotations

from dataclasses import dataclass

from . import kernel as k
from .activity import ActivityJudge, StrideFeatures, is_stride
from .calibration import Alignment, FlatFootFinder, StandFinder
from .joiner import Landed
from .kernel import FootKernel
from .knee import SD_RAD, analyse_swing
from .params import CoreParams
from .resample import FLAG_ACC_CLIPPED, FLAG_BRIDGED, FLAG_GYR_CLIPPED, Resampler, Sample, raw_samples
from .strides import StridePath, stride_path
from .strike import classify
from .types import (
    Activity,
    ActivityChange,
    ActivityState,
    Calibrated,
    Calibration,
    Contact,
    Foot,
    GaitEvent,
    ImuBlock,
    Step,
    StreamGap,
    Strike,
)

FootEvent = GaitEvent | Landed

_BUFFER = 4000  # grid samples kept while there is no calibration, 20 s
_STILL_CHUNK = 20
_STANDING_AFTER_S = 1.0
_GIVE_UP_S = 2.2  # no push-off this long after a contact: the step stays open no longer


@dataclass(slots=True)
class _Landing:
    """A contact on its way to a row."""

    step_id: int
    ic_s: float
    decided_s: float
    strike: Strike | None
    confidence: float | None
    angle_rad: float | None
    told: Activity | None = None
    strike_final: Strike | None = None
    to_s: float | None = None
    push_radps: float = 0.0
    swing_radps: float = 0.0
    jerk_mps3: float = 0.0
    flags: int = 0
    stood: bool = False


class FootPipeline:
    """All state of one foot; see :class:`gait_signal.GaitCore` for the laws it keeps."""

    def __init__(self, foot: Foot, params: CoreParams, given: Calibration | None) -> None:
        self._foot: Foot = foot
        self._params = params
        self._given = given
        self._resampler = Resampler(params.rate_hz, params.bridge_gap_s)
        self._stand = StandFinder(params)
        self._flat = FlatFootFinder(params)
        self._calibration = given
        self._stand_pending: Calibration | None = None
        self._buffer: list[Sample] = []
        self._judge = ActivityJudge()
        self._state: ActivityState = "unknown"
        self._strides_since_calibration = 0
        self._kernel = self._new_kernel(given, settled=False) if given is not None else None
        self._step_id = 0
        self._travels = 0
        self._travel_rad = 0.0
        self._now_s = 0.0
        self._open: _Landing | None = None
        self._before: _Landing | None = None
        self._undecided: list[Step] = []
        self._speed_mps: float | None = None
        self._out: list[FootEvent] = []

    def _new_kernel(self, calibration: Calibration, settled: bool) -> FootKernel:
        return FootKernel(self._params, Alignment(calibration), settled)

    # ---- entry points -------------------------------------------------------------------------------

    def process(self, block: ImuBlock) -> list[FootEvent]:
        """Take a block; give what it made known."""
        resampler = self._resampler
        for raw in raw_samples(block):
            time_s = raw[0]
            if resampler.is_gap(time_s):
                last_s = resampler.last_s
                if last_s is not None and resampler.is_break(time_s):
                    self._break(last_s, time_s)
            for sample in resampler.push(raw):
                self._take(sample)
            self._now_s = time_s
        return self._drain()

    def restart(self) -> list[FootEvent]:
        """The pod's clock started anew: forget motion, keep calibration and step count."""
        self._close_stream()
        return self._drain()

    def flush(self) -> list[FootEvent]:
        """End of stream: give what is pending."""
        for sample in self._resampler.flush():
            self._take(sample)
        self._close_stream()
        return self._drain()

    @property
    def now_s(self) -> float:
        """Time of the latest sample."""
        return self._now_s

    def _drain(self) -> list[FootEvent]:
        out, self._out = self._out, []
        return out

    def _break(self, from_s: float, to_s: float) -> None:
        self._close_stream()
        self._out.append(StreamGap(self._foot, from_s, to_s))

    def _close_stream(self) -> None:
        self._keep_stand()
        self._close_steps()
        self._resampler.restart()
        self._stand.restart()
        self._flat.restart()
        self._buffer = []
        self._judge.restart()
        self._speed_mps = None
        self._set_state("unknown", self._now_s)
        if self._calibration is not None:
            heading = None if self._kernel is None else self._kernel
            self._kernel = self._new_kernel(self._calibration, settled=False)
            if heading is not None:
                self._kernel.inherit(heading)

    # ---- calibration --------------------------------------------------------------------------------

    def _take(self, sample: Sample) -> None:
        quiet = self._stand.push(*sample[2:8])
        if self._kernel is None:
            self._take_uncalibrated(sample, quiet)
            return
        if quiet:
            self._rest(sample)
        elif self._stand_pending is not None and self._stand.quiet_s == 0.0:
            self._keep_stand()
        self._work(sample)

    def _take_uncalibrated(self, sample: Sample, quiet: bool) -> None:
        self._buffer.append(sample)
        if len(self._buffer) > _BUFFER:
            del self._buffer[: _BUFFER // 4]
        if quiet and self._stand.quiet_s >= self._params.stand_min_s:
            self._calibration = self._stand.calibration()
        elif self._flat.push(*sample[2:8]):
            self._calibration = self._flat.calibration()
        else:
            return
        self._kernel = self._new_kernel(self._calibration, settled=False)
        self._out.append(Calibrated(self._foot, self._calibration, sample[1]))
        self._strides_since_calibration = 0
        samples, self._buffer = self._buffer, []
        for s in samples:
            # What lay in the buffer becomes known only now.
            self._work((s[0], sample[1], *s[2:]))
        if quiet:
            self._kernel.level_still(_STILL_CHUNK)

    def _rest(self, sample: Sample) -> None:
        kernel = self._kernel
        if kernel is None:
            return
        stand = self._stand
        if stand.quiet_s >= 0.3:
            kernel.level_still(_STILL_CHUNK)
        if stand.quiet_s < _STANDING_AFTER_S:
            return
        self._close_steps()
        self._judge.restart()
        self._set_state("standing", sample[1])
        if stand.quiet_s < self._params.stand_min_s or self._given is not None:
            return
        found = stand.calibration()
        current = self._calibration
        if current is None or current.source == "running" or self._strides_since_calibration == 0:
            kernel.align(Alignment(found))
            self._strides_since_calibration = 0
            first = self._stand_pending is None
            self._calibration = self._stand_pending = found
            if first and (current is None or current.source == "running" or current.duration_s > stand.quiet_s):
                self._out.append(Calibrated(self._foot, found, sample[1]))

    def _keep_stand(self) -> None:
        """A stand has ended: say what it came to."""
        if self._stand_pending is not None:
            self._out.append(Calibrated(self._foot, self._stand_pending, self._now_s))
            self._stand_pending = None

    # ---- steps --------------------------------------------------------------------------------------

    def _work(self, sample: Sample) -> None:
        kernel = self._kernel
        if kernel is None:
            return
        what = kernel.step(*sample)
        landing = self._open
        if landing is not None:
            landing.flags |= sample[8]
            if what == k.NOTHING and sample[0] - landing.ic_s > _GIVE_UP_S:
                self._close_steps()
                self._judge.restart()
                self._set_state("unknown", sample[1])
        if what == k.NOTHING:
            return
        if what == k.DECIDED:
            self._decide(kernel, sample[1])
        elif what == k.REFINED:
            self._refine(kernel, sample[1])
        elif what == k.STOOD:
            self._stood(kernel, sample[1])
        elif what == k.LEFT and landing is not None:
            landing.to_s = kernel.to_s
            landing.push_radps = -kernel.push

    def _angle_sd(self) -> float:
        standing = self._calibration is not None and self._calibration.source != "running"
        return self._params.angle_sd_rad if standing else self._params.angle_sd_running_rad

    def _decide(self, kernel: FootKernel, known_s: float) -> None:
        self._step_id += 1
        before = self._open
        angle = kernel.pitch_at(kernel.fast_ic_s, kernel.ic_n) if kernel.level_known else None
        strike, confidence = classify(angle, self._angle_sd(), self._params) if angle is not None else (None, None)
        ic_s = kernel.fast_ic_s
        landing = _Landing(self._step_id, ic_s, known_s, strike, confidence, angle, swing_radps=kernel.peak)
        if before is not None and before.to_s is not None:
            stride = StrideFeatures(
                ic_s - before.ic_s,
                before.to_s - before.ic_s,
                kernel.peak,
                before.push_radps,
                before.jerk_mps3,
            )
            if is_stride(stride):
                self._judge.push(stride)
        if self._before is not None:
            # Its swing was never closed by a push-off.
            self._write(self._before, None, known_s)
        self._before, self._open = before, landing
        activity = self._judge.certain()
        if activity is not None:
            self._set_state(activity, known_s)
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

    def _refine(self, kernel: FootKernel, known_s: float) -> None:
        if self._open is not None:
            self._open.ic_s = kernel.ic_s
            self._open.jerk_mps3 = kernel.jerk_peak
            self._out.append(Landed(kernel.ic_s, known_s))

    def _stood(self, kernel: FootKernel, known_s: float) -> None:
        landing = self._open
        if landing is None:
            return
        path: StridePath | None = None
        flags = landing.flags | (self._before.flags if self._before is not None else 0)
        if not kernel.level_known:
            kernel.level_flat(kernel.stood_n)
        elif self._before is not None and kernel.previous_stood_n >= 0 and self._before.stood:
            kernel.strides_seen += 1
            gain = max(0.2, 1.0 / kernel.strides_seen)
            if flags & FLAG_BRIDGED:
                gain *= 0.1
            elif flags & (FLAG_ACC_CLIPPED | FLAG_GYR_CLIPPED):
                gain *= 0.3
            kernel.level_stride(gain)
            path = stride_path(kernel)
        landing.stood = True
        landing.ic_s = kernel.ic_s
        landing.jerk_mps3 = kernel.jerk_peak
        landing.angle_rad = kernel.pitch_at(landing.ic_s, kernel.ic_n)
        landing.strike_final = classify(landing.angle_rad, self._angle_sd(), self._params)[0]
        self._head(kernel, path)
        self._strides_since_calibration += 1
        if self._before is not None:
            self._write(self._before, path, known_s)
            self._before = None

    def _head(self, kernel: FootKernel, path: StridePath | None) -> None:
        """Turn the foot frame toward what travel and rotation say about the foot's own axis."""
        if path is not None and path.length_m > 0.6 and abs(path.turn_rad) < 0.5:
            self._travels += 1
            travel = kernel.heading_rad + path.travel_rad
            self._travel_rad += max(0.1, 1.0 / self._travels) * (travel - self._travel_rad)
        toe_out = self._params.toe_out_rad if self._foot == "left" else -self._params.toe_out_rad
        lateral = kernel.lateral_rad()
        if self._travels:
            kernel.turn_heading(0.8 * (0.5 * (self._travel_rad + lateral) + toe_out))
        else:
            kernel.turn_heading(0.6 * (lateral + toe_out))

    def _close_steps(self) -> None:
        if self._before is not None:
            self._write(self._before, None, self._now_s)
            self._before = None
        if self._open is not None:
            landing, self._open = self._open, None
            self._write(landing, None, self._now_s)
        self._release(final=True)

    def _write(self, landing: _Landing, path: StridePath | None, known_s: float) -> None:
        following = self._open
        next_ic_s = following.ic_s if following is not None and following is not landing else None
        to_s = landing.to_s
        stride_s = next_ic_s - landing.ic_s if next_ic_s is not None else None
        if stride_s is not None and (to_s is None or stride_s > 2.0):
            stride_s = None
        swing = length_m = speed_mps = None
        if path is not None and stride_s is not None and to_s is not None and next_ic_s is not None:
            swing = analyse_swing(path, to_s, next_ic_s, self._speed_mps)
            length_m = path.length_m
            speed_mps = path.length_m / path.duration_s
            self._judge.push_speed(speed_mps)
            before = self._speed_mps
            self._speed_mps = speed_mps if before is None else before + 0.3 * (speed_mps - before)
        drive = swing.knee_drive_rad if swing is not None else None
        calibration = self._calibration.source if self._calibration is not None else "running"
        activity = landing.told or self._judge.certain()
        step = Step(
            foot=self._foot,
            step_id=landing.step_id,
            activity=activity or self._judge.likely(),
            ic_s=landing.ic_s,
            to_s=to_s,
            contact_time_s=to_s - landing.ic_s if to_s is not None else None,
            flight_time_s=None,
            swing_time_s=next_ic_s - to_s
            if stride_s is not None and to_s is not None and next_ic_s is not None
            else None,
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
            clipped=bool(landing.flags & (FLAG_ACC_CLIPPED | FLAG_GYR_CLIPPED)),
            calibration=calibration,
            finalized_s=known_s,
        )
        if landing.told is not None:
            self._release(final=False, activity=landing.told, known_s=known_s)
            self._emit(step, landing.told, known_s)
            return
        self._undecided.append(step)
        if activity is not None:
            self._release(final=False, activity=activity, known_s=known_s)

    def _release(self, final: bool, activity: Activity | None = None, known_s: float = 0.0) -> None:
        """Give the rows that waited for certainty; at the end of a bout the likelier activity must do."""
        waiting, self._undecided = self._undecided, []
        if final and self._judge.strides > 1:
            activity, known_s = self._judge.likely(), self._now_s
        if activity is None:
            return
        for step in waiting:
            self._emit(step, activity, known_s)

    def _emit(self, step: Step, activity: Activity, known_s: float) -> None:
        from dataclasses import replace

        runs = activity != "walking"
        late = known_s > step.finalized_s
        decided_s = step.decided_s
        self._out.append(
            replace(
                step,
                activity=activity,
                strike=step.strike if runs else None,
                strike_confidence=step.strike_confidence if runs else None,
                strike_final=step.strike_final if runs else None,
                strike_angle_rad=step.strike_angle_rad,
                decided_s=decided_s,
                finalized_s=known_s if late else step.finalized_s,
            )
        )

    def _set_state(self, state: ActivityState, known_s: float) -> None:
        if state != self._state:
            self._state = state
            self._out.append(ActivityChange(self._foot, state, self._now_s, known_s))
