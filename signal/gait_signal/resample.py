"""From a pod's own sample times to an even grid near the internal rate, with gaps made explicit.

Pods that already sample within a tenth of the internal rate pass through untouched: interpolation would
only blunt the impact. Other rates become means of the straight-line signal over grid cells, which
keeps the gyro's integral exact and cannot alias. Missing samples are put in first (:mod:`gait_signal.fill`). Only
the samples themselves decide, never block borders.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from .fill import HISTORY_S, fill
from .types import ImuBlock

Sample = tuple[float, float, float, float, float, float, float, float, int]
"""grid time, time it was known, 3 x acc, 3 x gyr, flags."""

FLAG_BRIDGED = 1
FLAG_ACC_CLIPPED = 2
FLAG_GYR_CLIPPED = 4
_CLIPPED = FLAG_ACC_CLIPPED | FLAG_GYR_CLIPPED
FLAG_STRAIGHT = 8  # bridged, and nothing in the past was like it

_PROBE = 9  # samples that decide the pod's rate
_PASS_TOLERANCE = 0.1
_GAP_PERIODS = 1.5

_Raw = tuple[float, float, float, float, float, float, float, int]


class Resampler:
    """Turns raw samples into grid samples; see the module text.

    ``push`` returns a list of grid samples; before the rate is known it holds back up to nine.
    A gap longer than ``bridge_gap_s`` must be handled by the caller, who asks :meth:`gap_before`.
    """

    __slots__ = (
        "_acc",
        "_bridge_gap_s",
        "_cell_end_s",
        "_cell_s",
        "_flags",
        "_history",
        "_last",
        "_passing",
        "_period_s",
        "_probe",
    )

    def __init__(self, rate_hz: float, bridge_gap_s: float) -> None:
        self._cell_s = 1.0 / rate_hz
        self._bridge_gap_s = bridge_gap_s
        self.restart()

    def restart(self) -> None:
        """Forget the past; the next sample is the first."""
        self._probe: list[_Raw] = []
        self._last: _Raw | None = None
        self._history: list[_Raw] = []
        self._period_s = 0.0
        self._passing = False
        self._cell_end_s = 0.0
        self._acc = [0.0] * 7
        self._flags = 0

    @property
    def last_s(self) -> float | None:
        """Time of the latest raw sample, None before the first."""
        if self._probe:
            return self._probe[-1][0]
        return None if self._last is None else self._last[0]

    def is_gap(self, time_s: float) -> bool:
        """Whether samples are missing between the latest one and ``time_s``."""
        last_s = self.last_s
        if last_s is None:
            return False
        period_s = self._period_s or self._cell_s
        step_s = time_s - last_s
        # Before the rate is known only what no supported rate explains is a gap.
        return step_s > _GAP_PERIODS * period_s if self._period_s else step_s > 0.04

    def is_break(self, time_s: float) -> bool:
        """Whether the gap before ``time_s`` is too long to bridge."""
        last_s = self.last_s
        return last_s is not None and time_s - last_s > self._bridge_gap_s

    def push(self, raw: _Raw) -> list[Sample]:
        """Take one raw sample (time, 3 x acc, 3 x gyr, flags); give what it completes."""
        if self._period_s:
            return self._advance(raw)
        self._probe.append(raw)
        if len(self._probe) < _PROBE:
            return []
        return self._start(raw[0])

    def flush(self) -> list[Sample]:
        """Give what a stream too short to know its rate still holds."""
        if self._period_s or len(self._probe) < 2:
            return []
        return self._start(self._probe[-1][0])

    def _start(self, known_s: float) -> list[Sample]:
        probe, self._probe = self._probe, []
        steps = sorted(b[0] - a[0] for a, b in pairwise(probe))
        self._period_s = steps[len(steps) // 2]
        self._passing = abs(self._period_s / self._cell_s - 1.0) < _PASS_TOLERANCE
        self._cell_end_s = probe[0][0] + self._cell_s
        out: list[Sample] = []
        for raw in probe:
            out += self._advance(raw)
        return [(s[0], known_s, *s[2:]) for s in out]

    def _advance(self, raw: _Raw) -> list[Sample]:
        last = self._last
        if last is None:
            self._remember(raw)
            return [(raw[0], *raw)] if self._passing else []
        step_s = raw[0] - last[0]
        if step_s > _GAP_PERIODS * self._period_s:
            out: list[Sample] = []
            for filled in self._missing(last, raw):
                out += self._one(filled, raw[0])
            # The first sample after a gap is good, but what led to it was not.
            return out + self._one((*raw[:7], raw[7] | FLAG_BRIDGED), raw[0])
        # Follow slow drift of the pod's clock; a jittered stamp moves this little.
        self._period_s += 0.01 * (step_s - self._period_s)
        return self._one(raw, raw[0])

    def _missing(self, last: _Raw, raw: _Raw) -> list[_Raw]:
        """Samples for the gap between two."""
        missing = max(1, round((raw[0] - last[0]) / self._period_s) - 1)
        past = np.array(self._history)
        flags = past[:, 7].astype(int)
        marked = np.stack([flags & FLAG_BRIDGED, flags & _CLIPPED], axis=1) > 0
        found = fill(past[:, 1:7], marked, np.array(raw[1:7]), missing, self._period_s)
        line = [_between(last, raw, k / (missing + 1)) for k in range(1, missing + 1)]
        if found is None:
            return [(*x[:7], x[7] | FLAG_BRIDGED | FLAG_STRAIGHT) for x in line]
        values, first = found[0].tolist(), found[1]
        marks = (flags[first : first + missing] & _CLIPPED | FLAG_BRIDGED).tolist()
        return [
            (x[0], v[0], v[1], v[2], v[3], v[4], v[5], mark) for x, v, mark in zip(line, values, marks, strict=True)
        ]

    def _remember(self, raw: _Raw) -> None:
        self._last = raw
        history = self._history
        history.append(raw)
        if len(history) * self._period_s > 2.0 * HISTORY_S:
            del history[: len(history) // 2]

    def _one(self, raw: _Raw, known_s: float) -> list[Sample]:
        last = self._last
        self._remember(raw)
        if self._passing or last is None:
            return [(raw[0], known_s, *raw[1:])]
        return self._cells(last, raw, known_s)

    def _cells(self, last: _Raw, raw: _Raw, known_s: float) -> list[Sample]:
        flags = last[7] | raw[7]
        out: list[Sample] = []
        at = last
        while raw[0] >= self._cell_end_s - 1e-9:
            end = _between(last, raw, (self._cell_end_s - last[0]) / (raw[0] - last[0]))
            self._add(at, end, flags)
            mean = [value / self._acc[6] for value in self._acc[:6]]
            middle_s = self._cell_end_s - 0.5 * self._cell_s
            out.append((middle_s, known_s, mean[0], mean[1], mean[2], mean[3], mean[4], mean[5], self._flags))
            self._acc = [0.0] * 7
            self._flags = 0
            self._cell_end_s += self._cell_s
            at = end
        self._add(at, raw, flags)
        return out

    def _add(self, a: _Raw, b: _Raw, flags: int) -> None:
        width_s = b[0] - a[0]
        if width_s <= 0.0:
            return
        for k in range(6):
            self._acc[k] += 0.5 * (a[k + 1] + b[k + 1]) * width_s
        self._acc[6] += width_s
        self._flags |= flags


def _between(a: _Raw, b: _Raw, share: float) -> _Raw:
    return (
        a[0] + share * (b[0] - a[0]),
        a[1] + share * (b[1] - a[1]),
        a[2] + share * (b[2] - a[2]),
        a[3] + share * (b[3] - a[3]),
        a[4] + share * (b[4] - a[4]),
        a[5] + share * (b[5] - a[5]),
        a[6] + share * (b[6] - a[6]),
        a[7] | b[7],
    )


def raw_samples(block: ImuBlock) -> list[_Raw]:
    """Samples of a block as plain Python numbers."""
    flags = block.acc_clipped * FLAG_ACC_CLIPPED + block.gyr_clipped * FLAG_GYR_CLIPPED
    acc = block.acc_sensor_mps2.tolist()
    gyr = block.gyr_sensor_radps.tolist()
    return [
        (t, a[0], a[1], a[2], g[0], g[1], g[2], f)
        for t, a, g, f in zip(block.time_s.tolist(), acc, gyr, flags.tolist(), strict=True)
    ]
