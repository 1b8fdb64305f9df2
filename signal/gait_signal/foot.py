"""One foot: samples in, contacts and rows (without flight time) out.

Order of work for each grid sample: rest or not (calibration), motion, landing machine, and what that found.
"""

from __future__ import annotations

from . import landing
from .calibration import Alignment, FlatFootFinder, StandFinder
from .joiner import Landed
from .landing import LandingMachine
from .motion import Motion
from .mounting import MountingWatch
from .params import CoreParams
from .resample import Resampler, Sample, raw_samples
from .self_calibration import calibrate_from_strides
from .steps import StepBook
from .types import Calibrated, Calibration, Foot, GaitEvent, ImuBlock, Mounting, StreamGap

FootEvent = GaitEvent | Landed

_BUFFER = 4000  # grid samples kept while there is no calibration, 20 s
_CHUNK = 20  # samples of rest that the level is taken from
_LEVEL_AFTER_S = 0.3
_STANDING_AFTER_S = 1.0
_LEVEL_SURE_RAD = 0.035
_GIVE_UP_S = 2.2  # a contact waits this long for its push-off


class FootPipeline:
    """All state of one foot; see :class:`gait_signal.GaitCore` for the laws it keeps."""

    def __init__(self, foot: Foot, params: CoreParams, given: Calibration | None) -> None:
        self._foot: Foot = foot
        self._params = params
        self._given = given
        self._calibration = given
        self._resampler = Resampler(params.rate_hz, params.bridge_gap_s)
        self._stand = StandFinder(params)
        self._flat = FlatFootFinder(params)
        self._book = StepBook(foot, params)
        self._buffer: list[Sample] = []
        self._stood: Calibration | None = None  # of the stand that is going on
        self._now_s = 0.0
        self._motion: Motion | None = None
        self._machine: LandingMachine | None = None
        self._out: list[FootEvent] = []
        self._watch = MountingWatch(foot)
        self._backward = False
        self.mountings: list[Mounting] = []
        if given is not None:
            self._begin(given)

    @property
    def now_s(self) -> float:
        """Time of the latest sample."""
        return self._now_s

    def process(self, block: ImuBlock) -> list[FootEvent]:
        """Take a block; give what it made known."""
        resampler = self._resampler
        for raw in raw_samples(block):
            last_s = resampler.last_s
            if last_s is not None and resampler.is_break(raw[0]):
                self._cut()
                self._out.append(StreamGap(self._foot, last_s, raw[0]))
            for sample in resampler.push(raw):
                self._take(sample)
            self._now_s = raw[0]
        return self._drain()

    def restart(self) -> list[FootEvent]:
        """The pod's clock started anew: forget motion, keep calibration and step count."""
        self._cut()
        return self._drain()

    def flush(self) -> list[FootEvent]:
        """End of stream: give what is pending."""
        for sample in self._resampler.flush():
            self._take(sample)
        self._cut()
        return self._drain()

    def _drain(self) -> list[FootEvent]:
        self._collect()
        out, self._out = self._out, []
        return out

    def _collect(self) -> None:
        self._out += self._book.drain()

    def _cut(self) -> None:
        """Close all that is open: what follows has no known relation to what was."""
        self._end_stand()
        self._book.close(self._now_s)
        self._book.forget_strides()
        self._book.set_state("unknown", self._now_s, self._now_s)
        self._collect()
        self._resampler.restart()
        self._stand.restart()
        self._flat.restart()
        self._buffer = []
        if self._calibration is not None:
            motion, machine = self._motion, self._machine
            self._begin(self._calibration)
            if motion is not None and machine is not None and self._motion is not None and self._machine is not None:
                self._motion.inherit(motion)
                self._machine.inherit(machine)

    # ---- calibration --------------------------------------------------------------------------------

    def _begin(self, calibration: Calibration) -> None:
        self._calibration = calibration
        self._book.source = calibration.source
        self._watch.begin(calibration.source)
        self._motion = Motion(Alignment(calibration, backward=self._backward))
        self._machine = LandingMachine(self._params, self._motion)

    def _take(self, sample: Sample) -> None:
        quiet = self._stand.push(*sample[2:8])
        motion, machine = self._motion, self._machine
        if motion is None or machine is None:
            self._take_uncalibrated(sample, quiet)
            return
        if quiet:
            self._rest(motion, machine, sample[1])
        elif self._stood is not None and self._stand.quiet_s == 0.0:
            self._end_stand()
        self._work(motion, machine, sample)

    def _take_uncalibrated(self, sample: Sample, quiet: bool) -> None:
        self._buffer.append(sample)
        if len(self._buffer) > _BUFFER:
            del self._buffer[: _BUFFER // 4]
        if quiet and self._stand.quiet_s >= self._params.stand_min_s:
            calibration = self._stood = self._stand.calibration()
            self._watch.restart(learn=True)
        elif self._flat.push(*sample[2:8]):
            calibration = calibrate_from_strides(self._flat.calibration(), self._buffer, self._params)
        else:
            return
        self._begin(calibration)
        self._out.append(Calibrated(self._foot, calibration, sample[1]))
        buffer, self._buffer = self._buffer, []
        for s in buffer:
            if self._motion is not None and self._machine is not None:
                # What lay in the buffer becomes known only now.
                self._work(self._motion, self._machine, (s[0], sample[1], *s[2:]))

    def _rest(self, motion: Motion, machine: LandingMachine, known_s: float) -> None:
        stand = self._stand
        if stand.quiet_s >= _LEVEL_AFTER_S:
            motion.rest(_CHUNK)
        if stand.quiet_s < _STANDING_AFTER_S:
            return
        self._book.close(known_s)
        self._book.forget_strides()
        self._book.set_state("standing", known_s, known_s)
        machine.restart()
        # A stand among strides may be on a slope or on one leg: only the first one, or one after no strides, counts.
        if stand.quiet_s < self._params.stand_min_s:
            return
        if self._given is not None:
            if not self._book.strides:
                self.mountings += self._watch.stood(self._given, stand.calibration(), known_s)
            return
        if self._book.source == "standing" and self._book.strides:
            return
        found = stand.calibration()
        if self._stood is None:
            self._collect()
            self._out.append(Calibrated(self._foot, found, known_s))
        self._stood = self._calibration = found
        self._book.source = found.source
        self._book.strides = 0
        motion.align(Alignment(found, backward=self._backward))
        self._watch.begin(found.source)
        self._watch.restart(learn=True)
        motion.level.rest((0.0, 0.0, 1.0))

    def _end_stand(self) -> None:
        """A stand is over: say what it came to, if it went on after it was first told."""
        stood, self._stood = self._stood, None
        if stood is not None and stood.duration_s > self._params.stand_min_s + 0.5:
            self._collect()
            self._out.append(Calibrated(self._foot, stood, self._now_s))

    # ---- steps --------------------------------------------------------------------------------------

    def _work(self, motion: Motion, machine: LandingMachine, sample: Sample) -> None:
        time_s, known_s, flags = sample[0], sample[1], sample[8]
        book = self._book
        motion.step(time_s, *sample[2:])
        if flags:
            book.mark(flags)
        found = machine.step()
        if found == landing.NOTHING:
            since_s = book.open_since_s
            if since_s is not None and time_s - since_s > _GIVE_UP_S:
                book.close(known_s)
                book.forget_strides()
                book.set_state("unknown", known_s, known_s)
        elif found == landing.DECIDED:
            book.decide(motion, machine, known_s)
        elif found == landing.REFINED:
            book.refine(machine, known_s)
        elif found == landing.STOOD:
            book.stand(motion, machine, known_s)
            self._watch_stance(motion, machine, known_s)
        elif found == landing.LEFT:
            book.leave(machine)
        elif found == landing.LOST:
            motion.level.lose()
            machine.forget_path()
        if self._watch.backward(motion):
            self._turn_round(motion, machine, known_s)

    # ---- mounting -----------------------------------------------------------------------------------

    def _turn_round(self, motion: Motion, machine: LandingMachine, known_s: float) -> None:
        """What was found so far was found the wrong way round."""
        self._backward = not self._backward
        self._book.discard()
        motion.reverse()
        motion.level.start_over()
        self._watch.restart(learn=True)
        machine.restart()
        machine.flat_rad = 0.0
        self.mountings.append(self._watch.flipped(known_s))

    def _watch_stance(self, motion: Motion, machine: LandingMachine, known_s: float) -> None:
        contact, stood = machine.ic_n, machine.stood_n
        roll_rad = motion.side_up(stood)
        self.mountings += self._watch.stance(
            motion.elevation(stood),
            roll_rad,
            roll_rad - motion.side_up(contact),
            self._book.runs,
            motion.level.sd_rad < _LEVEL_SURE_RAD,
            known_s,
        )
