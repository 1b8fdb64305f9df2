"""Empties the outbox into the sinks, live and afterwards.

A drainer reads rows in order, has the sink deliver them, and takes them out of the outbox once they are
acknowledged. A sink that is away is tried again after 0.5 s, then after twice as long each time up to 15 s,
each wait varied by a quarter so that many bridges do not knock at once. Nothing else waits for it.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, TypeVar

from ..errors import BridgeError, SinkUnavailable
from ..store.outbox import Outbox
from .base import Sink

_T = TypeVar("_T")

POLL_S: Final = 0.25
FIRST_RETRY_S: Final = 0.5
LONGEST_RETRY_S: Final = 15.0
_JITTER: Final = 0.25

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class DrainState:
    """Where a drainer stands.

    Attributes
    ----------
    pending : int
        Rows still in the outbox when it last looked.
    sent, parked : int
        Rows delivered, and refused for ever by the server, since the drainer began.
    error : str
        Why the last attempt failed; empty after one that succeeded.
    """

    sink: str
    pending: int = 0
    sent: int = 0
    parked: int = 0
    error: str = ""

    def line(self) -> str:
        """Return it in words, for a view."""
        text = f"{self.sink}: {self.sent} sent"
        if self.pending:
            text += f", {self.pending} waiting"
        if self.parked:
            text += f", {self.parked} refused"
        return f"{text} ({self.error})" if self.error else text


class Drainer:
    """Drains one sink's rows.

    Parameters
    ----------
    database : Path
        The home's database; it must exist.
    sink : Sink
    sleep, rng : optional
        For tests.
    """

    def __init__(
        self,
        database: Path,
        sink: Sink,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        rng: random.Random | None = None,
    ) -> None:
        self._database = database
        self._sink = sink
        self._sleep = sleep
        self._rng = rng or random.Random()
        self._outbox: Outbox | None = None
        # One thread owns the database connection, so the event loop never waits for the disk.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"shoepod-{sink.name}")
        self._attempt = asyncio.Lock()
        self._failures = 0
        self.state = DrainState(sink.name)
        """Where it stands; replaced, never changed."""

    async def run(self) -> None:
        """Drain as rows come, until cancelled. A sink or disk that fails is tried again for ever."""
        while True:
            try:
                is_behind = await self.drain_once() == self._sink.batch_rows
                await self._sleep(0.0 if is_behind else POLL_S)
            except Exception:  # `state` says so; not even a defect in a sink may end a run
                await self._sleep(self.retry_s())

    async def drain(self) -> DrainState:
        """Drain until nothing is left or the sink fails; return where it stands then. Never raises for that."""
        try:
            while await self.drain_once():
                pass
        except Exception:
            return self.state  # which says what happened
        return self.state

    async def drain_once(self) -> int:
        """Deliver one batch; return how many rows it had.

        Raises
        ------
        SinkUnavailable, SessionError
            The sink or the store failed; `state` says so too.
        """
        async with self._attempt:
            try:
                rows = await self._on_disk(lambda box: box.peek(self._sink.name, self._sink.batch_rows))
                refused = await self._sink.send(rows) if rows else []
                sent = await self._on_disk(lambda box: box.acknowledge(rows, refused)) if rows else 0
                pending = await self._on_disk(self._pending)
            except Exception as error:
                _log.info("sink %s: %r", self._sink.name, error)
                self._failures += 1
                self.state = replace(self.state, error=str(error) if isinstance(error, BridgeError) else repr(error))
                if isinstance(error, SinkUnavailable):
                    self.state = replace(self.state, pending=await self._on_disk(self._pending))
                raise
            now = self.state
            self.state = replace(now, pending=pending, sent=now.sent + sent, parked=now.parked + len(refused), error="")
            self._failures = 0
            return len(rows)

    def retry_s(self) -> float:
        """Return how long to wait after the failures so far in a row."""
        wait_s = min(LONGEST_RETRY_S, FIRST_RETRY_S * 2.0 ** min(self._failures - 1, 16))
        return wait_s * self._rng.uniform(1.0 - _JITTER, 1.0 + _JITTER)

    async def close(self) -> None:
        """Close sink and database."""
        await self._sink.close()
        if self._outbox is not None:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._outbox.close)
            self._outbox = None
        self._thread.shutdown(wait=False)

    def _pending(self, box: Outbox) -> int:
        return box.pending(self._sink.name)

    async def _on_disk(self, work: Callable[[Outbox], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._with_outbox, work)

    def _with_outbox(self, work: Callable[[Outbox], _T]) -> _T:
        if self._outbox is None:
            self._outbox = Outbox(self._database)
        return work(self._outbox)


async def sync(database: Path, sinks: Sequence[Sink], *, retry_parked: bool = False) -> list[DrainState]:
    """Drain the outbox into all sinks at once; return where each stands.

    Parameters
    ----------
    retry_parked : bool
        Offer rows again that a server has refused before.

    Raises
    ------
    SessionError
        The database cannot be used.
    """
    if retry_parked:
        box = Outbox(database)
        try:
            for sink in sinks:
                box.retry_parked(sink.name)
        finally:
            box.close()
    drainers = [Drainer(database, sink) for sink in sinks]
    try:
        return list(await asyncio.gather(*(drainer.drain() for drainer in drainers)))
    finally:
        for drainer in drainers:
            await drainer.close()
