"""The receiving side against a link that loses, repeats and reorders, and a pod whose counters wrap."""

from __future__ import annotations

import random
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_protocol import (
    DecodeError,
    Duplicate,
    ImuFlags,
    ImuPacket,
    Late,
    Lost,
    PodStream,
    Received,
    StreamCounts,
    StreamEvent,
)
from firmware_protocol.stream import unwrap

WRAP = 2**32
PERIOD_US, SAMPLES = 5000, 5


def packet(index: int, tick0_us: int = 0, flags: ImuFlags = ImuFlags.NONE) -> bytes:
    tick_us = tick0_us + index * PERIOD_US * SAMPLES
    samples = ((1, 2, 3, 4, 5, 6),) * SAMPLES
    return bytes(ImuPacket(index % WRAP, tick_us % WRAP, PERIOD_US, flags, 1, 1, samples))


def feed(stream: PodStream, indices: list[int], tick0_us: int = 0) -> list[StreamEvent]:
    return [event for index in indices for event in stream.receive(packet(index, tick0_us))]


def received(events: list[StreamEvent]) -> list[int]:
    return [event.index for event in events if isinstance(event, Received)]


def test_a_perfect_link() -> None:
    stream = PodStream()
    stream.restart()
    events = feed(stream, list(range(100)))
    assert received(events) == list(range(100))
    assert stream.counts == StreamCounts(received=100)


def test_loss_is_told_before_the_packet_that_shows_it() -> None:
    stream = PodStream()
    stream.restart()
    events = feed(stream, [0, 1, 5])
    assert events[2] == Lost(3, 5)
    assert isinstance(events[3], Received)
    assert stream.counts == StreamCounts(received=3, lost=3)


def test_packets_lost_before_the_first_one_are_counted() -> None:
    stream = PodStream()
    stream.restart()
    assert feed(stream, [4])[0] == Lost(4, 4)


def test_a_stream_joined_midway_begins_with_what_comes() -> None:
    stream = PodStream()
    assert received(feed(stream, [1000, 1001])) == [1000, 1001]
    assert stream.counts.lost == 0


def test_a_late_packet_is_found_again_but_not_passed_on() -> None:
    stream = PodStream()
    stream.restart()
    events = feed(stream, [0, 2, 1, 1])
    assert [type(event) for event in events] == [Received, Lost, Received, Late, Duplicate]
    assert stream.counts == StreamCounts(received=2, lost=0, late=1, duplicate=1)


def test_a_damaged_packet_changes_nothing() -> None:
    stream = PodStream()
    stream.restart()
    feed(stream, [0])
    with pytest.raises(DecodeError):
        stream.receive(packet(1)[:-1])
    assert received(feed(stream, [1])) == [1]
    assert stream.counts == StreamCounts(received=2)


def test_a_new_start_counts_from_zero_and_keeps_the_totals() -> None:
    stream = PodStream()
    stream.restart()
    feed(stream, [0, 1, 3])
    stream.restart()
    assert received(feed(stream, [0, 1, 2])) == [0, 1, 2]
    assert stream.counts == StreamCounts(received=6, lost=1)


def test_overruns_are_counted() -> None:
    stream = PodStream()
    stream.restart()
    stream.receive(packet(0, flags=ImuFlags.OVERRUN))
    stream.receive(packet(1))
    assert stream.counts.overruns == 1


def test_the_64_bit_time_of_the_start_says_which_turn_of_the_tick_it_is() -> None:
    boot_s = 3 * WRAP + 123_456
    stream = PodStream()
    stream.restart(tick_us=boot_s)
    [event] = stream.receive(packet(0, tick0_us=boot_s + 40_000))
    assert isinstance(event, Received)
    assert event.tick_us == boot_s + 40_000


@given(st.integers(-50, 50), st.integers(-(10**7), 10**7))
def test_sequence_and_tick_wrap_unnoticed(at: int, tick_offset_us: int) -> None:
    """However near to 2^32 a stream begins, indices and ticks go on evenly."""
    first = WRAP - 60 + at
    tick0_us = (WRAP - first * PERIOD_US * SAMPLES + tick_offset_us) % WRAP
    stream = PodStream()
    events = feed(stream, list(range(first, first + 120)), tick0_us)
    assert received(events) == list(range(first % WRAP, first % WRAP + 120))
    ticks = [event.tick_us for event in events if isinstance(event, Received)]
    assert {b - a for a, b in pairwise(ticks)} == {PERIOD_US * SAMPLES}
    assert stream.counts == StreamCounts(received=120)


@given(st.data())
def test_every_packet_is_accounted_for(data: st.DataObject) -> None:
    """Whatever a link does to a stream: received, late and lost add up, order is kept, repeats are dropped."""
    sent = data.draw(st.integers(1, 80))
    base = data.draw(st.sampled_from([0, WRAP - 40]))
    rng = random.Random(data.draw(st.integers(0, 2**32)))
    kept = [i for i in range(sent) if rng.random() > 0.2]
    repeated = kept + [i for i in kept if rng.random() < 0.2]
    order = sorted(repeated, key=lambda i: i + rng.uniform(0.0, 4.0))
    if not order:
        return
    stream = PodStream()
    if base == 0:
        stream.restart()
    events = feed(stream, [base + i for i in order])
    kinds = Counter(type(event) for event in events)
    indices = received(events)
    assert indices == sorted(set(indices))
    counts = stream.counts
    assert counts.received == kinds[Received]
    assert (counts.late, counts.duplicate) == (kinds[Late], kinds[Duplicate])
    assert counts.received + counts.late + counts.duplicate == len(order)
    lost_events = sum(event.count for event in events if isinstance(event, Lost))
    assert counts.lost == lost_events - counts.late
    if base == 0:
        assert counts.lost == max(order) + 1 - len(set(order))
        assert counts.duplicate == len(order) - len(set(order))


def test_a_long_silence_is_counted_in_full_and_costs_little_memory() -> None:
    stream = PodStream()
    stream.restart()
    feed(stream, [0, 1_000_000])
    assert stream.counts.lost == 999_999
    assert len(stream._missing) <= 4096
    assert isinstance(feed(stream, [999_999])[0], Late)
    assert isinstance(feed(stream, [5])[0], Duplicate), "forgotten losses are taken for repeats"


@given(st.integers(0, WRAP - 1), st.integers(-(2**70), 2**70))
def test_unwrap_is_congruent_and_nearest(value: int, near: int) -> None:
    found = unwrap(value, near)
    assert (found - value) % WRAP == 0
    assert abs(found - near) <= WRAP // 2
