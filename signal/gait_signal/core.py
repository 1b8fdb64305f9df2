"""The whole core: two feet, one record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from .foot import FootEvent, FootPipeline
from .joiner import Joiner, Landed
from .params import CoreParams
from .types import FEET, Calibration, Foot, GaitEvent, ImuBlock, Mounting, Step

CORE_VERSION = "2"


class GaitCore:
    """Streaming gait analysis of one runner.

    Parameters
    ----------
    feet : sequence of {"left", "right"}
        Which feet wear a pod; one is enough (flight time is then unknown).
    params : CoreParams
    calibrations : mapping of foot to Calibration, optional
        Known alignments. A foot without one finds its own in the first quiet stand, or, where none
        comes, from its first strides.

    Notes
    -----
    Laws, all tested:

    - *Cut law*: however a foot's stream is cut into blocks, its events are bit-identical and in the same
      order; with two feet this holds for the rows (:class:`Step`, which wait for the other foot) and for all
      other events, each by themselves.
    - *Interleave law*: rows do not depend on how the blocks of both feet alternate, as long as neither
      runs more than ``params.join_lag_s`` of stream time ahead of the other.
    - *Prefix law*: a prefix of the stream up to ``decided_s`` gives the same :class:`Contact`.
    - The state is plain: ``copy.deepcopy`` makes a core that goes on identically.
    """

    def __init__(
        self,
        feet: Sequence[Foot] = FEET,
        params: CoreParams | None = None,
        calibrations: Mapping[Foot, Calibration] | None = None,
    ) -> None:
        if not feet or len(set(feet)) != len(feet) or not set(feet) <= set(FEET):
            msg = f"feet must be 'left', 'right' or both, not {list(feet)!r}"
            raise ValueError(msg)
        self._feet: tuple[Foot, ...] = tuple(feet)
        self._params = params if params is not None else CoreParams()
        self._calibrations = dict(calibrations or {})
        self.reset()

    def reset(self) -> None:
        """Become as new."""
        self._pipelines = {foot: FootPipeline(foot, self._params, self._calibrations.get(foot)) for foot in self._feet}
        self._joiner = Joiner(self._feet, self._params.join_lag_s)
        self._last_s: dict[Foot, float] = {}

    def process(self, foot: Foot, block: ImuBlock) -> list[GaitEvent]:
        """Take the next samples of one foot.

        Returns
        -------
        list of GaitEvent
            What has become known, in the order it did.

        Raises
        ------
        ValueError
            Wrong shapes, times that do not increase, values that are not finite, or a foot this core
            does not have.
        """
        pipeline = self._pipeline(foot)
        if len(block) == 0:
            return []
        self._check(foot, block)
        events = self._join(foot, pipeline.process(block))
        self._last_s[foot] = pipeline.now_s
        self._joiner.reach(foot, pipeline.now_s)
        return [*events, *self._joiner.ready()]

    def restart(self, foot: Foot) -> list[GaitEvent]:
        """The pod's clock or link was restarted: forget its motion, keep calibration and step counter.

        The next sample may carry any time.
        """
        events = self._join(foot, self._pipeline(foot).restart())
        self._last_s.pop(foot, None)
        return [*events, *self._joiner.ready()]

    def advance(self, foot: Foot, time_s: float) -> list[GaitEvent]:
        """Say that ``foot`` sends nothing older than ``time_s``: the other's rows need not wait for it."""
        self._pipeline(foot)
        self._joiner.reach(foot, time_s)
        return list(self._joiner.ready())

    def mountings(self) -> list[Mounting]:
        """What has become known about how the pods sit since the last call, left foot first.

        Apart from the events: it is for a person to read, and no result depends on it.
        """
        out: list[Mounting] = []
        for pipeline in self._pipelines.values():
            out += pipeline.mountings
            pipeline.mountings = []
        return out

    def flush(self) -> list[GaitEvent]:
        """End of stream: give the pending steps with what is known."""
        events: list[GaitEvent] = []
        for foot in self._feet:
            events += self._join(foot, self._pipelines[foot].flush())
        return [*events, *self._joiner.ready(everything=True)]

    def _pipeline(self, foot: Foot) -> FootPipeline:
        try:
            return self._pipelines[foot]
        except KeyError:
            msg = f"this core has no {foot!r} foot"
            raise ValueError(msg) from None

    def _join(self, foot: Foot, events: list[FootEvent]) -> list[GaitEvent]:
        out: list[GaitEvent] = []
        for event in events:
            if isinstance(event, Landed):
                self._joiner.land(foot, event)
            elif isinstance(event, Step):
                self._joiner.add(event)
                out += self._joiner.ready()
            else:
                out.append(event)
        return out

    def _check(self, foot: Foot, block: ImuBlock) -> None:
        n = len(block)
        shapes = (
            block.time_s.shape == (n,)
            and block.acc_sensor_mps2.shape == (n, 3)
            and block.gyr_sensor_radps.shape == (n, 3)
            and block.acc_clipped.shape == (n,)
            and block.gyr_clipped.shape == (n,)
        )
        if not shapes:
            msg = f"block of {n} samples has arrays of other lengths"
            raise ValueError(msg)
        finite = (
            np.isfinite(block.time_s).all()
            and np.isfinite(block.acc_sensor_mps2).all()
            and np.isfinite(block.gyr_sensor_radps).all()
        )
        if not finite:
            msg = "block holds values that are not finite"
            raise ValueError(msg)
        last_s = self._last_s.get(foot)
        if not (np.diff(block.time_s) > 0.0).all() or (last_s is not None and block.time_s[0] <= last_s):
            msg = "sample times must increase; call restart() when a pod's clock starts anew"
            raise ValueError(msg)
