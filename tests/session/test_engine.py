"""The engine: what is missing is told, what is doubled is not counted, equal inputs give equal outputs."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from firmware_protocol import PodStatus, Role, Side, StatusFlags
from sensor_bridge.engine import EnginePod, SessionEngine, StreamUp
from sensor_bridge.events import Notice, PodGap, SessionEvent

POD = EnginePod("SP-1", "left")
UP = StreamUp(boot_id=1, tick_us=0, acc_range_g=16.0, gyr_range_dps=2000.0)
PACKET_S = 0.025


def deliver(
    engine: SessionEngine, packets: list[bytes], numbers: list[int], late_s: float = 0.01
) -> list[SessionEvent]:
    events: list[SessionEvent] = []
    for number in numbers:
        events += engine.packet(0, (number + 1) * PACKET_S + late_s, packets[number])
    return events


def gaps(events: list[SessionEvent]) -> list[PodGap]:
    return [event for event in events if isinstance(event, PodGap)]


@pytest.fixture
def engine() -> SessionEngine:
    engine = SessionEngine([POD])
    engine.up(0, 0.0, UP)
    return engine


def test_a_whole_stream_has_no_gap(engine: SessionEngine, make_packets, still: np.ndarray) -> None:
    packets = make_packets(still)
    events = deliver(engine, packets, list(range(len(packets))))
    assert not gaps(events)
    assert not gaps(engine.finish(10.0))
    state = engine.states(10.0)[0]
    assert (state.packets_received, state.packets_lost, state.packets_duplicate) == (400, 0, 0)


def test_lost_packets_are_a_gap_of_their_length(engine: SessionEngine, make_packets, still: np.ndarray) -> None:
    packets = make_packets(still)
    kept = [n for n in range(len(packets)) if not 200 <= n < 210]
    found = gaps(deliver(engine, packets, kept))
    assert [gap.packets_lost for gap in found] == [10]
    assert found[0].cause == "radio"
    assert found[0].to_s - found[0].from_s == pytest.approx(10 * PACKET_S, abs=1e-3)
    assert found[0].from_s == pytest.approx(200 * PACKET_S, abs=0.02)


def test_duplicates_and_late_packets_are_counted_and_change_nothing(
    engine: SessionEngine, make_packets, still: np.ndarray
) -> None:
    packets = make_packets(still)
    order = [*range(100), 99, 50, *range(101, 200), 100, *range(200, 400)]
    found = gaps(deliver(engine, packets, order))
    state = engine.states(10.0)[0]
    assert (state.packets_duplicate, state.packets_late, state.packets_lost) == (2, 1, 0)
    assert [gap.packets_lost for gap in found] == [1]


def test_a_link_loss_is_a_gap_even_if_no_sequence_number_is_missing(
    engine: SessionEngine, make_packets, still: np.ndarray
) -> None:
    first, second = make_packets(still), make_packets(still, tick0_us=20_000_000)
    deliver(engine, first, list(range(400)))
    engine.down(0, 10.1)
    engine.up(0, 20.0, dataclasses.replace(UP, tick_us=20_000_000))
    found = gaps(engine.packet(0, 20.035, second[0]))
    assert [(gap.cause, gap.packets_lost) for gap in found] == [("link", 0)]
    assert found[0].to_s - found[0].from_s == pytest.approx(10.0, abs=0.02)


def test_a_reboot_starts_the_clock_anew(engine: SessionEngine, make_packets, still: np.ndarray) -> None:
    packets = make_packets(still)
    deliver(engine, packets, list(range(400)))
    engine.down(0, 10.1)
    engine.up(0, 30.0, StreamUp(boot_id=2, tick_us=0, acc_range_g=16.0, gyr_range_dps=2000.0))
    found = gaps(engine.packet(0, 30.035, packets[0]))
    assert [gap.cause for gap in found] == ["reboot"]
    assert found[0].to_s == pytest.approx(30.01, abs=0.02)


def test_a_pod_that_never_comes_back_leaves_a_gap_to_the_end(
    engine: SessionEngine, make_packets, still: np.ndarray
) -> None:
    deliver(engine, make_packets(still), list(range(400)))
    engine.down(0, 10.5)
    found = gaps(engine.finish(60.0))
    assert [(gap.cause, gap.to_s) for gap in found] == [("link", 60.0)]


def test_an_overrun_on_the_pod_is_a_gap(engine: SessionEngine, make_packets, still: np.ndarray) -> None:
    packets = make_packets(still)
    after = make_packets(still, tick0_us=400 * 25_000 + 500_000, flags=0x04)
    deliver(engine, packets, list(range(400)))
    renumbered = (400).to_bytes(4, "little") + after[0][4:]
    found = gaps(engine.packet(0, 10.535, renumbered))
    assert [(gap.cause, gap.packets_lost) for gap in found] == [("overrun", 0)]
    assert found[0].to_s - found[0].from_s == pytest.approx(0.5, abs=0.01)


def test_rubbish_is_said_once_and_harms_nothing(engine: SessionEngine, make_packets, still: np.ndarray) -> None:
    packets = make_packets(still)
    deliver(engine, packets, list(range(100)))
    said = [event for _ in range(50) for event in engine.packet(0, 2.6, b"\xff" * 30)]
    assert [type(event) for event in said] == [Notice]
    assert "SP-1" in said[0].text
    assert not gaps(deliver(engine, packets, list(range(100, 400))))


def test_a_status_gives_battery_and_rubbish_gives_nothing(engine: SessionEngine) -> None:
    status = PodStatus(Side.LEFT, Role.FOOT, StatusFlags.NONE, 61, 3700, 1, 0, 0, 0, 0, 1, 0, "SP-1")
    engine.status(0, 1.0, bytes(status))
    engine.status(0, 2.0, b"\x01\x02")
    assert engine.states(3.0)[0].battery_percent == 61


def test_equal_inputs_give_equal_outputs(make_packets) -> None:
    rng = np.random.default_rng(5)
    motion = rng.normal(0.0, 4.0, (2000, 6))
    packets = make_packets(motion)
    numbers = [n for n in range(400) if n % 17]
    results = []
    for _ in range(2):
        engine = SessionEngine([POD])
        engine.up(0, 0.0, UP)
        results.append([*deliver(engine, packets, numbers), *engine.finish(11.0), *engine.states(11.0)])
    assert results[0] == results[1]
