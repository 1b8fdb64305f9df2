"""An event loop whose time is virtual: it jumps to the next timer whenever nothing is left to do.

A minute of a live session (pods, air, links, engine, store) then takes a few seconds. While a thread works
for the loop, time stands still, so a thread can be waited for without time running away.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

T = TypeVar("T")

# A loop that has nothing to wait for but a thread looks this often, and this many times in a row.
_PATIENCE_S = 0.05
_MOST_LOOKS = 1200


class _JumpingSelector(selectors.DefaultSelector):  # type: ignore[valid-type,misc]
    def __init__(self) -> None:
        super().__init__()
        self.now_s = 1000.0
        self.busy = 0
        self._looks = 0

    def select(self, timeout: float | None = None) -> list[Any]:
        ready = super().select(0)
        if not ready and timeout != 0 and (self.busy or timeout is None):
            ready = super().select(_PATIENCE_S)
            self._looks += 1
            if not ready and self._looks > _MOST_LOOKS:
                raise RuntimeError("the event loop waits for something that will never happen")
            return ready
        self._looks = 0
        if ready or not timeout:
            return ready
        self.now_s += max(timeout, 0.0)
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """See the module text."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now_s

    def jump(self, seconds: float) -> None:
        """Let time pass with nobody there."""
        self._jumping.now_s += seconds

    def run_in_executor(self, executor: Any, func: Callable[..., T], *args: Any) -> asyncio.Future[T]:
        self._jumping.busy += 1
        future = super().run_in_executor(executor, func, *args)
        future.add_done_callback(lambda _: self._not_busy())
        return future

    def _not_busy(self) -> None:
        self._jumping.busy -= 1


class LoopTime:
    """A `sensor_bridge.clock.TimeSource` on a loop's time; the wall clock and sleep are the test's.

    Attributes
    ----------
    wall_step : timedelta
        How far somebody has moved the wall clock.
    """

    def __init__(
        self, loop: VirtualLoop, utc: datetime = datetime(2026, 5, 4, 10, tzinfo=UTC), zone: str = "UTC"
    ) -> None:
        self._loop = loop
        self._zero_s = loop.time()
        self._utc = utc
        self._zone = zone
        self._asleep_s = 0.0
        self.wall_step = timedelta(0)

    def sleep(self, seconds: float) -> None:
        """Suspend the computer: the world goes on, its monotonic clock does not."""
        self._loop.jump(seconds)
        self._asleep_s += seconds

    def monotonic_ns(self) -> int:
        return round((self._loop.time() - self._asleep_s) * 1e9)

    def boottime_ns(self) -> int:
        return round(self._loop.time() * 1e9)

    def utc_now(self) -> datetime:
        return self._utc + timedelta(seconds=self._loop.time() - self._zero_s) + self.wall_step

    def zone_name(self) -> str:
        return self._zone


def run_virtually(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run what ``main`` makes to its end on a virtual loop."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main())
