"""The world of the virtual pods: one clock, one start.

Theory of operation
-------------------
Pods stand, in a loop, until every one of them is streaming (or `PATIENCE_S` after the first). Then the
world's start is announced, `LEAD_S` ahead: from there the stand is played for its whole length, then the
run, once. The start is a time on the machine's monotonic clock, which all processes of a machine share.

The world goes on when a link drops: what was not streamed is lost. A pod that reboots joins it where it is.

Pods sample on one grid: multiples of the sample period on the monotonic clock, and the start is such a
multiple. So nothing jumps when the world starts, and left and right keep the recording's exact phase.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterable
from typing import Final

PATIENCE_S: Final = 5.0
LEAD_S: Final = 0.25


class World:
    """What pods know of the world: the clock, and when it starts.

    Parameters
    ----------
    clock : callable
        The machine's monotonic clock, seconds.
    start_s : float, optional
        When the world started, for a pod that joins late.
    """

    def __init__(self, clock: Callable[[], float], start_s: float | None = None) -> None:
        self.clock = clock
        self.start_s = start_s
        self._known = asyncio.Event()
        if start_s is not None:
            self._known.set()

    def announce(self, start_s: float) -> None:
        """Set the start, once; it is never moved."""
        if self.start_s is None:
            self.start_s = start_s
            self._known.set()

    async def started(self) -> float:
        """Wait until the start is known and return it."""
        await self._known.wait()
        if self.start_s is None:
            raise RuntimeError("the world's start is known but has no time")
        return self.start_s


class WorldStarter:
    """Decides when the world starts.

    Parameters
    ----------
    serials : iterable of str
        The pods that take part.
    clock : callable
        The machine's monotonic clock, seconds.
    period_s : float
        Sample period: the start is a multiple of it.
    announce : callable
        Called once, with the start.
    """

    def __init__(
        self,
        serials: Iterable[str],
        clock: Callable[[], float],
        period_s: float,
        announce: Callable[[float], None],
    ) -> None:
        self._expected = frozenset(serials)
        self._clock = clock
        self._period_s = period_s
        self._announce = announce
        self._streaming: set[str] = set()
        self._patience: asyncio.TimerHandle | None = None
        self._done = False

    def streams(self, serial: str, streaming: bool) -> None:
        """Take note that a pod streams, or no longer does."""
        if self._done:
            return
        if not streaming:
            self._streaming.discard(serial)
            return
        self._streaming.add(serial)
        if self._streaming >= self._expected:
            self._start()
        elif self._patience is None:
            self._patience = asyncio.get_running_loop().call_later(PATIENCE_S, self._start)

    def close(self) -> None:
        """Stop waiting."""
        self._done = True
        if self._patience is not None:
            self._patience.cancel()

    def _start(self) -> None:
        self.close()
        self._announce(math.ceil((self._clock() + LEAD_S) / self._period_s) * self._period_s)
