"""A thread that writes to the screen, so that a slow or stopped terminal never holds the session up."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")
CLOSE_TIMEOUT_S = 2.0


class OutputThread(Generic[T]):
    """Hands items to a writer in its own thread.

    Parameters
    ----------
    open_writer : callable
        Called in the thread; returns a context manager that gives the function to write one item with.
    limit : int
        How many items may wait; then the oldest is dropped and counted. 1: only the newest matters.
    """

    def __init__(
        self,
        open_writer: Callable[[], contextlib.AbstractContextManager[Callable[[T], None]]],
        limit: int,
    ) -> None:
        self._open_writer = open_writer
        self._waiting: deque[T] = deque(maxlen=limit)
        self._wake = threading.Condition()
        self._closing = False
        self._thread: threading.Thread | None = None
        self.dropped = 0
        self.broken = False
        """The screen is gone (its pipe was closed); nothing more is written."""

    def put(self, item: T) -> None:
        """Queue one item; never waits."""
        with self._wake:
            if len(self._waiting) == self._waiting.maxlen:
                self.dropped += 1
            self._waiting.append(item)
            self._wake.notify()

    def start(self) -> None:
        """Start writing what is and will be queued."""
        # A daemon: a terminal that never takes the text again must not keep the program alive.
        self._thread = threading.Thread(target=self._run, name="screen", daemon=True)
        self._thread.start()

    async def close(self) -> None:
        """Write what still waits and end the thread, or give up after a short while."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        if self._thread is not None:
            # Not the loop's own executor: leaving the loop would wait for a stuck thread without limit.
            thread, loop, done = self._thread, asyncio.get_running_loop(), asyncio.Event()

            def report() -> None:
                thread.join()
                with contextlib.suppress(RuntimeError):  # the loop has closed meanwhile
                    loop.call_soon_threadsafe(done.set)

            threading.Thread(target=report, name="screen close", daemon=True).start()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(done.wait(), CLOSE_TIMEOUT_S)

    def _run(self) -> None:
        try:
            with self._open_writer() as write:
                while (item := self._next()) is not None:
                    write(item)
        except (OSError, ValueError):  # a closed pipe; a closed stream
            self.broken = True

    def _next(self) -> T | None:
        with self._wake:
            while not self._waiting:
                if self._closing:
                    return None
                self._wake.wait()
            return self._waiting.popleft()
