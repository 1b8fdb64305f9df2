"""The drainer against a sink whose every answer the test decides."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from itertools import chain, pairwise

import pytest

from sensor_bridge.errors import SessionError, SinkUnavailable
from sensor_bridge.home import Home
from sensor_bridge.sinks import Drainer, sync
from sensor_bridge.sinks.drain import FIRST_RETRY_S, LONGEST_RETRY_S
from sensor_bridge.store import Outbox, OutboxRow, Refused, load_session

Answer = Callable[[Sequence[OutboxRow]], list[Refused]]


class ScriptedSink:
    name = "mqtt"
    batch_rows = 10

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.got: list[list[int]] = []
        self.is_closed = False

    async def send(self, rows: Sequence[OutboxRow]) -> list[Refused]:
        self.got.append([row.payload["step_id"] for row in rows])
        return self.answers.pop(0)(rows) if self.answers else []

    async def close(self) -> None:
        self.is_closed = True


def away(rows: Sequence[OutboxRow]) -> list[Refused]:
    raise SinkUnavailable("the broker is away")


def defective(rows: Sequence[OutboxRow]) -> list[Refused]:
    raise ZeroDivisionError


def no_third(rows: Sequence[OutboxRow]) -> list[Refused]:
    return [Refused(rows[2], "bad line")]


def pending(home: Home, sink: str = "mqtt") -> int:
    outbox = Outbox(home.database)
    try:
        return outbox.pending(sink)
    finally:
        outbox.close()


async def test_rows_go_out_in_order_once(home: Home, store_steps: Callable[[range], None]) -> None:
    store_steps(range(1, 26))
    sink = ScriptedSink()
    drainer = Drainer(home.database, sink)
    state = await drainer.drain()
    await drainer.close()
    assert sink.got == [list(range(1, 11)), list(range(11, 21)), list(range(21, 26))]
    assert (state.sent, state.pending, state.error) == (25, 0, "")
    assert sink.is_closed
    assert load_session(home, "last").delivered == {"mqtt": 25}
    assert pending(home, "influx") == 25, "each sink has rows of its own"


async def test_a_sink_that_is_away_gets_the_same_rows_again(home: Home, store_steps: Callable[[range], None]) -> None:
    store_steps(range(1, 13))
    sink = ScriptedSink(away)
    drainer = Drainer(home.database, sink)
    state = await drainer.drain()
    assert (state.sent, state.pending, state.error) == (0, 12, "the broker is away")
    assert state.line() == "mqtt: 0 sent, 12 waiting (the broker is away)"
    state = await drainer.drain()
    await drainer.close()
    assert sink.got[0] == sink.got[1] == list(range(1, 11))
    assert state.line() == "mqtt: 12 sent"


async def test_a_refused_row_is_parked_and_does_not_hold_up_the_rest(
    home: Home, store_steps: Callable[[range], None]
) -> None:
    store_steps(range(1, 6))
    drainer = Drainer(home.database, ScriptedSink(no_third))
    state = await drainer.drain()
    await drainer.close()
    assert state.line() == "mqtt: 4 sent, 1 refused"
    record = load_session(home, "last")
    assert (record.delivered, record.parked) == ({"mqtt": 4}, {"mqtt": 1})


async def test_waits_grow_are_capped_and_begin_anew_after_a_success(
    home: Home, store_steps: Callable[[range], None]
) -> None:
    store_steps(range(1, 31))
    waits: list[float] = []

    async def sleep(wait_s: float) -> None:
        waits.append(wait_s)
        if len(waits) == 15:
            raise asyncio.CancelledError

    sink = ScriptedSink(*[away] * 9, lambda rows: [], away, away)
    drainer = Drainer(home.database, sink, sleep=sleep, rng=random.Random(1))
    with pytest.raises(asyncio.CancelledError):
        await drainer.run()
    await drainer.close()
    failures, again = waits[:9], waits[10:12]
    for n, wait_s in enumerate(failures):
        nominal_s = min(LONGEST_RETRY_S, FIRST_RETRY_S * 2**n)
        assert 0.75 * nominal_s <= wait_s <= 1.25 * nominal_s
    assert all(a < b for a, b in pairwise(failures[:5]))
    assert len(set(failures)) == 9, "jitter"
    assert again[0] <= 1.25 * FIRST_RETRY_S
    assert drainer.state.sent == 30


async def test_what_is_stored_while_it_runs_goes_out(home: Home, store_steps: Callable[[range], None]) -> None:
    store_steps(range(1, 4))
    turns = 0

    async def sleep(wait_s: float) -> None:
        nonlocal turns
        turns += 1
        if turns == 5:
            raise asyncio.CancelledError
        await asyncio.to_thread(store_steps, range(10 * turns, 10 * turns + 2))

    sink = ScriptedSink()
    drainer = Drainer(home.database, sink, sleep=sleep)
    with pytest.raises(asyncio.CancelledError):
        await drainer.run()
    await drainer.close()
    assert list(chain(*sink.got)) == [1, 2, 3, 10, 11, 20, 21, 30, 31, 40, 41]


async def test_a_defect_in_a_sink_does_not_end_the_drainer(home: Home, store_steps: Callable[[range], None]) -> None:
    store_steps(range(1, 4))
    errors: list[str] = []

    async def sleep(wait_s: float) -> None:
        errors.append(drainer.state.error)
        if len(errors) == 2:
            raise asyncio.CancelledError

    drainer = Drainer(home.database, ScriptedSink(defective), sleep=sleep)
    with pytest.raises(asyncio.CancelledError):
        await drainer.run()
    await drainer.close()
    assert errors == ["ZeroDivisionError()", ""]
    assert drainer.state.sent == 3


async def test_sync_drains_all_sinks_and_retries_refused_rows(home: Home, store_steps: Callable[[range], None]) -> None:
    store_steps(range(1, 6))
    other = ScriptedSink(away)
    other.name = "influx"
    states = await sync(home.database, [ScriptedSink(no_third), other])
    assert [(s.sink, s.sent, s.pending, s.parked) for s in states] == [("mqtt", 4, 0, 1), ("influx", 0, 5, 0)]
    [state] = await sync(home.database, [ScriptedSink()], retry_parked=True)
    assert (state.sent, state.pending) == (1, 0)


async def test_without_a_store_there_is_one_sentence(home: Home) -> None:
    drainer = Drainer(home.database, ScriptedSink())
    with pytest.raises(SessionError, match="no sessions yet"):
        await drainer.drain_once()
    assert "no sessions yet" in (await drainer.drain()).error
    await drainer.close()
