"""Maps a pod's ticks to session time.

Theory of operation
-------------------
All there is to see is, packet by packet, the pod's tick at the end of the packet and the session time at
which the packet arrived. An arrival is never early: it is late by a nearly constant least delay plus the
wait for the next connection event, repeats on air, and now and then a stall of seconds with a burst
afterwards. So only the lowest points count. With ``x`` the pod's time and ``y`` the arrival minus ``x``:

1. Per bin of pod time the point nearest to the present line is kept, for the last `_MAX_BINS` bins.
2. **Rate**: slope of the edge of their lower convex hull under the mean of ``x``, i.e. of the line that
   stays below all points and nearest to them on average (Moon, Skelly & Towsley 1999,
   doi:10.1109/INFCOM.1999.749287). A crystal is right to some 100 ppm and the first seconds cannot
   measure that, so a slope not clearly outside is shrunk towards zero; one that is (an RC oscillator,
   up to some 3 %) is taken as measured.
3. **Offset**: the highest line of that slope below all points.
4. **Mapping**: follows the line without steps. It is piecewise linear, each piece beginning where the
   last packet ended, and turns back to the line by at most `_SLEW` seconds per second. Only the first
   `_START_S` seconds, and an error that no radio explains, are corrected faster.

Arrivals bound the line from above only. If packets and connection events beat against each other coarsely
(25 ms against 15 ms: steps of 5 ms), the least delay stays hidden, and it differs from pod to pod. **Clock
pings**, sent at random moments, bound it from below: the pod read its clock no earlier than the ping was
sent. Of some pings one is sent just before a connection event, and the line is placed just above it.

Everything is computed from these pairs alone, so a replay of the same pairs gives the same times, bit for
bit.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from itertools import pairwise
from math import hypot, sqrt
from statistics import median
from typing import Final

_US: Final = 1e-6
_START_S: Final = 3.0
# Bins are short while every packet counts, then one a second; 120 of them see temperature drift and
# several beats between packet rate and connection interval.
_FIRST_BINS_S: Final = 10.0
_FIRST_BIN_S: Final = 0.25
_BIN_S: Final = 1.0
_MAX_BINS: Final = 120
# No oscillator that still makes a usable pod is further off.
_MAX_RATE: Final = 0.04
_CRYSTAL_RATE: Final = 200e-6
# With the error of the rate itself this keeps intervals true to 0.1 %.
_SLEW: Final = 0.8e-3
_START_SLEW: Final = 0.05
# More than connection events explain: the first seconds were taken for those of a crystal.
_MISTAKE_S: Final = 0.006
# An error this large is a first packet that came seconds late: leave it quickly, but never backwards.
_LARGE_ERROR_S: Final = 0.05
_LARGE_SLEW: Final = 0.9
_SETTLE_S: Final = 2.0
_START_SETTLE_S: Final = 0.2
_LEAST_MEMORY_S: Final = 5.0
_MEMORY_ERROR_S: Final = 1e-3
_LEAST_RESOLUTION_S: Final = 5e-3
# The best of some dozen pings, sent at random against a 15 ms interval, still waits about this long.
_PING_WAIT_S: Final = 0.8e-3
_MAX_PINGS: Final = 64
_LEAST_PINGS: Final = 32


@dataclass(slots=True)
class _Bin:
    """The lowest point of a bin and how far the bin's others lie above it on average."""

    end_s: float
    x_s: float
    y_s: float
    level_s: float
    sum_level_s: float
    count: int

    @property
    def excess_s(self) -> float:
        return self.sum_level_s / self.count - self.level_s


@dataclass(frozen=True, slots=True)
class _Piece:
    """One piece of the mapping: session time minus pod time, as a function of pod time.

    ``z_s`` at ``x_s``, from there the rate, plus ``error_s`` made good evenly over ``over_s``.
    """

    x_s: float
    z_s: float
    rate: float
    error_s: float
    over_s: float

    def at(self, x_s: float) -> float:
        since_s = x_s - self.x_s
        made_good = min(max(since_s / self.over_s, 0.0), 1.0)
        return self.z_s + self.rate * since_s + self.error_s * made_good


class PodClock:
    """Session time of one pod's samples. Pure and deterministic: no clock is read.

    For each packet call `update` once, with the tick at which the packet's last sample period ended, then
    `to_session_s` for its samples.
    """

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Forget everything: the pod has rebooted, its ticks begin anew."""
        self._tick0_us: int | None = None
        self._arrival0_s = 0.0
        self._bins: deque[_Bin] = deque(maxlen=_MAX_BINS)
        self._pings: deque[tuple[int, float]] = deque(maxlen=_MAX_PINGS)
        self._rate = 0.0
        self._rate_sd = _MAX_RATE
        self._offset_s = 0.0
        self._resolution_s = 0.0
        self._before = self._piece = _Piece(0.0, 0.0, 0.0, 0.0, 1.0)

    @property
    def rate_ppm(self) -> float:
        """How much longer a second of the pod is than a session second, in ppm; positive: the pod is slow."""
        return self._rate * 1e6

    @property
    def error_s(self) -> float | None:
        """One standard deviation of a mapped time, without the constant least delay; None before a packet."""
        if self._tick0_us is None:
            return None
        x_s = self._piece.x_s
        lag_s = self._offset_s + self._rate * x_s - self._piece.z_s
        span_s = self._span_s()
        # Somewhere between the lowest point and the next higher ones lies the true least delay.
        hidden_s = _PING_WAIT_S if self._pings else self._resolution_s / sqrt(12.0)
        seen_s = hypot(hidden_s, self._rate_sd * span_s / 2.0)
        return hypot(seen_s, lag_s)

    def update(self, tick_us: int, arrival_s: float) -> None:
        """Take one pair.

        Parameters
        ----------
        tick_us : int
            Unwrapped pod time at which the last sample period of the packet ended (its last sample plus
            one period).
        arrival_s : float
            Session time at which the packet arrived.
        """
        if self._tick0_us is None:
            self._tick0_us, self._arrival0_s = tick_us, arrival_s
        x_s = self._x_s(tick_us)
        y_s = arrival_s - self._arrival0_s - x_s
        if self._add(x_s, y_s) or x_s < _START_S:
            self._fit()
        # Nothing arrives before it was sent: the line never stays above a point.
        self._offset_s = min(self._offset_s, y_s - self._rate * x_s)
        if x_s > self._piece.x_s:
            self._turn(x_s)

    def ping(self, tick_us: int, sent_s: float) -> None:
        """Take one clock ping.

        Parameters
        ----------
        tick_us : int
            Unwrapped pod time at which the ping reached the pod.
        sent_s : float
            Session time just before it was sent.
        """
        self._pings.append((tick_us, sent_s))

    def to_session_s(self, tick_us: int) -> float:
        """Return the session time of a pod time.

        Strictly increasing in ``tick_us`` from packet to packet; times of the packet just given to
        `update` and later are meant, earlier ones are extrapolated.

        Raises
        ------
        ValueError
            No packet was given to `update` yet.
        """
        if self._tick0_us is None:
            raise ValueError("a pod clock needs one packet before it can tell the time")
        x_s = self._x_s(tick_us)
        piece = self._piece if x_s >= self._piece.x_s else self._before
        return self._arrival0_s + (x_s + piece.at(x_s))

    def _add(self, x_s: float, y_s: float) -> bool:
        """Put a point into its bin; tell whether that opened a new one."""
        level_s = y_s - self._rate * x_s
        if self._bins and x_s < self._bins[-1].end_s:
            last = self._bins[-1]
            last.count += 1
            last.sum_level_s += level_s
            if level_s < last.level_s:
                last.x_s, last.y_s, last.level_s = x_s, y_s, level_s
            return False
        width_s = _FIRST_BIN_S if x_s < _FIRST_BINS_S else _BIN_S
        self._bins.append(_Bin(x_s + width_s, x_s, y_s, level_s, level_s, 1))
        return True

    def _span_s(self) -> float:
        return self._bins[-1].x_s - self._bins[0].x_s

    def _fit(self) -> None:
        points = [(b.x_s, b.y_s) for b in self._bins]
        self._resolution_s = max(median(b.excess_s for b in self._bins), _LEAST_RESOLUTION_S)
        span_s = self._span_s()
        if span_s >= _FIRST_BIN_S:
            slope = min(max(_slope_below(points), -_MAX_RATE), _MAX_RATE)
            rest = [y - slope * x for x, y in points]
            # Half the resolution: what a slow beat with the connection events may hide.
            slope_sd = (median(rest) - min(rest) + self._resolution_s / 2.0) / span_s
            if abs(slope) <= _CRYSTAL_RATE + 2.0 * slope_sd:
                slope *= 1.0 / (1.0 + (slope_sd / _CRYSTAL_RATE) ** 2)
                slope_sd = 1.0 / hypot(1.0 / slope_sd, 1.0 / _CRYSTAL_RATE)
            self._rate, self._rate_sd = slope, slope_sd
        # Old points say little about now as long as the rate is uncertain.
        since_s = points[-1][0] - max(_LEAST_MEMORY_S, _MEMORY_ERROR_S / self._rate_sd)
        above_s = min(y - self._rate * x for x, y in points if x >= since_s)
        self._offset_s = self._between(above_s, since_s)

    def _between(self, above_s: float, since_s: float) -> float:
        """Return the offset that pings put below the one of the arrivals, if there are any."""
        below = [
            (x_s, sent_s - self._arrival0_s - x_s * (1.0 + self._rate))
            for x_s, sent_s in ((self._x_s(tick_us), sent_s) for tick_us, sent_s in self._pings)
        ]
        recent = [level_s for x_s, level_s in below if x_s >= since_s]
        if len(recent) < _LEAST_PINGS:
            recent = [level_s for _, level_s in below[-_LEAST_PINGS:]]
        if not recent:
            return above_s
        below_s = max(recent)
        # They cross only by an error of the rate; the truth is then somewhere near both.
        return min(below_s + _PING_WAIT_S, above_s) if below_s <= above_s else (below_s + above_s) / 2.0

    def _x_s(self, tick_us: int) -> float:
        return (tick_us - (self._tick0_us or 0)) * _US

    def _turn(self, x_s: float) -> None:
        """Begin a new piece at ``x_s``, where the mapping stands, towards the line."""
        z_s = self._piece.at(x_s)
        error_s = self._offset_s + self._rate * x_s - z_s
        if abs(error_s) > _LARGE_ERROR_S:
            slew, settle_s = _LARGE_SLEW, _START_SETTLE_S
        elif x_s < _START_S or (x_s < _FIRST_BINS_S and abs(error_s) > _MISTAKE_S):
            slew, settle_s = _START_SLEW, _START_SETTLE_S
        else:
            slew, settle_s = _SLEW, _SETTLE_S
        self._before = self._piece
        self._piece = _Piece(x_s, z_s, self._rate, error_s, max(settle_s, abs(error_s) / slew))


def _slope_below(points: list[tuple[float, float]]) -> float:
    """Return the slope of the lower convex hull under the mean of x.

    Parameters
    ----------
    points : list of (x, y)
        At least two, x not decreasing, not all equal.
    """
    hull: list[tuple[float, float]] = []
    for x, y in points:
        while len(hull) >= 2:
            (x1, y1), (x2, y2) = hull[-2], hull[-1]
            if (y2 - y1) * (x - x1) < (y - y1) * (x2 - x1):
                break
            hull.pop()
        hull.append((x, y))
    mean_x = sum(x for x, _ in points) / len(points)
    for (x1, y1), (x2, y2) in pairwise(hull):
        if x2 >= mean_x and x2 > x1:
            return (y2 - y1) / (x2 - x1)
    return 0.0
