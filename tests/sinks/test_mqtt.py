"""The MQTT sink: names without a broker, everything else with a real one."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

import pytest
from aiomqtt import Client, MqttError
from hypothesis import given
from hypothesis import strategies as st

from gait_signal.types import Contact
from sensor_bridge.errors import SinkUnavailable
from sensor_bridge.home import Home
from sensor_bridge.settings import MqttSettings, Settings
from sensor_bridge.sinks import Drainer, LiveSession, MqttSink
from sensor_bridge.sinks.mqtt import MAX_CONTACTS, topic_part
from sensor_bridge.store import OutboxRow, load_session

LIVE = LiveSession("20260301-070000-test", "a/b+c #1, x=y é", datetime(2026, 3, 1, 7, tzinfo=UTC))
RUNNER_PART = "a%2Fb%2Bc %231, x=y é"
STEP_TOPIC = f"gym/hall 1/{RUNNER_PART}/20260301-070000-test/left/step"
STATUS_TOPIC = f"gym/hall 1/{RUNNER_PART}/status"


@given(st.text())
def test_a_topic_part_is_one_level_and_keeps_names_apart(text: str) -> None:
    part = topic_part(text)
    assert part
    assert not set(part) & set("/+#$")
    assert part.isprintable()
    assert len(part.encode()) <= 200
    if 0 < len(text) <= 16:
        assert unquote(part) == text


def test_lone_surrogates_make_a_topic_too() -> None:
    assert topic_part("\ud800").isascii()


class Listener:
    """An independent client that comes back by itself, as any dashboard does."""

    def __init__(self, port: int, retry_s: float = 0.1) -> None:
        self._port = port
        self._retry_s = retry_s
        self.messages: list[tuple[str, Any, bool]] = []
        self.connections = 0
        self.changed = asyncio.Event()

    async def run(self) -> None:
        while True:
            with contextlib.suppress(MqttError):
                async with Client("127.0.0.1", self._port, timeout=2.0) as client:
                    await client.subscribe("#", qos=1)
                    self.connections += 1
                    self.changed.set()
                    async for message in client.messages:
                        assert isinstance(message.payload, bytes)
                        topic = str(message.topic)
                        self.messages.append((topic, json.loads(message.payload), bool(message.retain)))
                        self.changed.set()
            await asyncio.sleep(self._retry_s)

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not condition():
                self.changed.clear()
                await self.changed.wait()

    def steps(self) -> list[tuple[str, int]]:
        return [(m["foot"], m["step_id"]) for topic, m, _ in self.messages if topic.endswith("/step")]

    def states(self) -> list[str]:
        return [m["state"] for topic, m, _ in self.messages if topic == STATUS_TOPIC]


@contextlib.asynccontextmanager
async def listening(port: int, retry_s: float = 0.1) -> AsyncIterator[Listener]:
    listener = Listener(port, retry_s)
    task = asyncio.create_task(listener.run())
    try:
        await listener.until(lambda: listener.connections > 0)
        yield listener
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@contextlib.asynccontextmanager
async def running(work: Any) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_step_arrives_with_its_topic_and_payload(
    mosquitto: Any, settings: Settings, make_row: Callable[..., OutboxRow]
) -> None:
    await mosquitto.start()
    sink = MqttSink(settings.mqtt)
    async with listening(settings.mqtt.port) as listener:
        row = make_row(1)
        assert await sink.send([row]) == []
        await listener.until(lambda: bool(listener.messages))
        await sink.close()
    assert listener.messages == [(STEP_TOPIC, dict(row.payload), False)]


async def test_every_step_arrives_though_the_broker_is_killed_midway(
    mosquitto: Any, settings: Settings, home: Home, store_steps: Callable[[range], None]
) -> None:
    await mosquitto.start()
    drainer = Drainer(home.database, MqttSink(settings.mqtt, LIVE, grace_s=1.0))
    async with listening(settings.mqtt.port) as listener:
        async with running(drainer.run()):
            await asyncio.to_thread(store_steps, range(1, 61))
            await listener.until(lambda: len(set(listener.steps())) == 60)
            mosquitto.kill()
            await asyncio.to_thread(store_steps, range(61, 121))
            await mosquitto.start()
            await asyncio.to_thread(store_steps, range(121, 161))
            await listener.until(lambda: len(set(listener.steps())) == 160)
        state = await drainer.drain()
        await drainer.close()
    record = load_session(home, "last")
    assert set(listener.steps()) == {(step.foot, step.step_id) for step in record.steps}
    assert (state.pending, state.error) == (0, "")
    assert record.delivered["mqtt"] == 160
    firsts = list(dict.fromkeys(step_id for _, step_id in listener.steps()))
    assert firsts == sorted(firsts), "in order, apart from repetitions"


async def test_a_broker_that_freezes_is_given_up_and_nothing_is_acknowledged(
    mosquitto: Any, settings: Settings, home: Home, store_steps: Callable[[range], None]
) -> None:
    await mosquitto.start()
    mqtt = MqttSettings(enabled=True, port=settings.mqtt.port, timeout_s=0.3)
    drainer = Drainer(home.database, MqttSink(mqtt, grace_s=0.0))
    store_steps(range(1, 4))
    assert (await drainer.drain()).sent == 3
    mosquitto.freeze()
    store_steps(range(4, 6))
    state = await drainer.drain()
    assert (state.sent, state.pending) == (3, 2)
    assert "takes no messages: Operation timed out" in state.error
    state = await drainer.drain()
    assert state.pending == 2
    mosquitto.kill()
    state = await drainer.drain()
    assert "refused" in state.error
    await drainer.close()


async def test_a_broker_that_never_answers_leaves_no_sockets_open(settings: Settings) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        sink = MqttSink(MqttSettings(enabled=True, port=silent.getsockname()[1], timeout_s=0.2))
        with pytest.raises(SinkUnavailable, match="timed out"):
            await sink.send([])
        silent.settimeout(5)
        connection, _ = silent.accept()
        with connection:
            connection.settimeout(5)
            while connection.recv(1000):  # ends when the sink closes its side
                pass
        await sink.close()


@pytest.mark.parametrize("host", ["", "no such host", "256.256.256.256"])
async def test_an_impossible_host_is_one_sentence(host: str, free_port: int) -> None:
    sink = MqttSink(MqttSettings(enabled=True, host=host, port=free_port, timeout_s=0.5))
    with pytest.raises(SinkUnavailable) as caught:
        await sink.send([])
    assert "\n" not in str(caught.value)
    await sink.close()


async def test_the_status_is_retained_and_the_broker_says_when_the_bridge_is_lost(
    mosquitto: Any, settings: Settings, make_row: Callable[..., OutboxRow]
) -> None:
    await mosquitto.start()
    sink = MqttSink(settings.mqtt, LIVE, grace_s=0.0)
    await sink.send([make_row(1)])
    async with listening(settings.mqtt.port) as late:
        await late.until(lambda: late.states() == ["running"])
        assert late.messages[0][2], "retained"
        client = sink._client
        assert client is not None
        client._client.socket().shutdown(socket.SHUT_RDWR)  # as a crash does: no DISCONNECT
        await late.until(lambda: late.states() == ["running", "lost"])
        await sink.send([make_row(2)])
        await sink.close()
        await late.until(lambda: late.states()[-1] == "ended")
    assert late.states() == ["running", "lost", "running", "ended"]


async def test_without_a_live_session_no_status_is_touched(
    mosquitto: Any, settings: Settings, make_row: Callable[..., OutboxRow]
) -> None:
    await mosquitto.start()
    async with listening(settings.mqtt.port) as listener:
        sink = MqttSink(settings.mqtt)
        await sink.send([make_row(1)])
        await sink.close()
        await listener.until(lambda: len(listener.steps()) == 1)
    assert listener.states() == []


def contact(step_id: int) -> Contact:
    return Contact("left", step_id, "running", 0.35 * step_id, 0.35 * step_id + 0.015, "rearfoot", 0.9, 0.2)


async def test_contacts_are_sent_live_and_those_missed_are_counted(mosquitto: Any, settings: Settings) -> None:
    sink = MqttSink(settings.mqtt, LIVE)
    for step_id in range(MAX_CONTACTS + 5):
        sink.offer(contact(step_id))
    assert sink.contacts_dropped == 5
    await mosquitto.start()
    async with listening(settings.mqtt.port) as listener, running(sink.run()):
        await listener.until(lambda: len(listener.messages) >= MAX_CONTACTS + 1)
        sink.offer(contact(99))
        await listener.until(lambda: listener.messages[-1][1].get("step_id") == 99)
    await sink.close()
    live = [m for topic, m, _ in listener.messages if topic.endswith("/left/contact")]
    assert [m["step_id"] for m in live] == [*range(5, MAX_CONTACTS + 5), 99]
    assert live[-1]["time_ms"] == round((LIVE.started_utc.timestamp() + 99 * 0.35) * 1000)
    assert round(live[-1]["strike_angle_deg"], 3) == 11.459
    assert sink.contacts_dropped == 5


async def test_while_the_broker_is_away_contacts_are_dropped_and_counted(settings: Settings) -> None:
    sink = MqttSink(settings.mqtt, LIVE)
    for step_id in range(7):
        sink.offer(contact(step_id))
    async with running(sink.run()), asyncio.timeout(10):
        while sink.contacts_dropped < 7:  # noqa: ASYNC110 - a counter, no event
            await asyncio.sleep(0.01)
    await sink.close()
    assert not sink.is_connected


async def test_the_status_is_back_after_the_broker_was_killed_though_nobody_runs(
    mosquitto: Any, settings: Settings
) -> None:
    await mosquitto.start()
    sink = MqttSink(settings.mqtt, LIVE)
    async with running(sink.run()), listening(settings.mqtt.port) as listener:
        await listener.until(lambda: listener.states() == ["running"])
        mosquitto.kill()
        await mosquitto.start()
        await listener.until(lambda: listener.states() == ["running", "running"])
    await sink.close()
