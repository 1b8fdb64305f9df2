"""What a pod measures when."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sensor_bridge.errors import RecordingError
from sensor_bridge.recording import PodSamples, Recording
from sensor_bridge.virtual.source import MotionSource, motions_of
from sensor_bridge.virtual.world import LEAD_S, PATIENCE_S, World, WorldStarter

PERIOD_S = 0.005
START_S = 2000.0
LSB = 20072 * 2.0**-22


def numbers(acc: np.ndarray) -> tuple[list[int], list[int]]:
    """Which sample of which part (1 run, 2 stand) each row is."""
    return np.rint(acc[:, 0] / LSB).astype(int).tolist(), np.rint(acc[:, 1] / LSB).astype(int).tolist()


def source_of(recording: Recording, start_s: float | None, pod: str = "left_foot") -> MotionSource:
    return MotionSource(motions_of(recording)[pod], World(lambda: 0.0, start_s))


def test_stand_then_run_then_stand(make_recording: Callable[..., Recording]) -> None:
    source = source_of(make_recording(), START_S)
    time_s, acc, _ = source.between(START_S - 1e-3, START_S + 14.0)
    number, part = numbers(acc)
    assert part == [2] * 400 + [1] * 2000 + [2] * (len(part) - 2400)
    assert number[:2400] == [*range(400), *range(2000)]
    assert np.diff(time_s) == pytest.approx(np.full(len(time_s) - 1, PERIOD_S), abs=1e-9)
    assert time_s[0] == pytest.approx(START_S, abs=1e-9)
    assert time_s[400] == pytest.approx(START_S + 2.0, abs=1e-9)


def test_until_the_start_is_known_the_stand_loops_on_the_same_grid(
    make_recording: Callable[..., Recording],
) -> None:
    source = source_of(make_recording(), None)
    time_s, acc, _ = source.between(START_S - 10.0, START_S)
    number, part = numbers(acc)
    assert set(part) == {2}
    assert len(set(number)) == 400
    assert (time_s / PERIOD_S) == pytest.approx(np.rint(time_s / PERIOD_S), abs=1e-6)


def test_learning_the_start_moves_no_sample(make_recording: Callable[..., Recording]) -> None:
    world = World(lambda: 0.0)
    source = MotionSource(motions_of(make_recording())["left_foot"], world)
    before, *_ = source.between(START_S - 1.0, START_S - 0.2013)
    world.announce(START_S)
    after, *_ = source.between(START_S - 0.2013, START_S + 3.0)
    steps = np.diff(np.concatenate([before, after]))
    assert steps == pytest.approx(np.full(len(steps), PERIOD_S), abs=1e-9)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(cuts=st.lists(st.floats(-3.0, 16.0), max_size=30), rate_hz=st.sampled_from([100.0, 200.0, 256.0, 416.0]))
def test_however_time_is_cut_the_samples_are_the_same(
    make_recording: Callable[..., Recording], cuts: list[float], rate_hz: float
) -> None:
    source = source_of(make_recording(rate_hz=rate_hz, run=1500, stand=300), START_S)
    whole = source.between(START_S - 3.0, START_S + 16.0)
    edges = sorted([-3.0, *cuts, 16.0])
    parts = [source.between(START_S + a, START_S + b) for a, b in pairwise(edges)]
    for i in range(3):
        assert np.array_equal(np.concatenate([part[i] for part in parts]), whole[i])


def test_feet_keep_the_phase_they_have_in_the_recording(make_recording: Callable[..., Recording]) -> None:
    recording = make_recording()
    late = recording.pods["right_foot"]
    pods = dict(recording.pods)
    pods["right_foot"] = PodSamples(late.time_s + 0.0032, late.acc_mps2, late.gyr_radps)
    recording = replace(recording, pods=pods)
    runs = []
    for pod in ("left_foot", "right_foot"):
        time_s, acc, _ = source_of(recording, START_S, pod).between(START_S, START_S + 5.0)
        _, part = numbers(acc)
        runs.append(time_s[part.index(1)])
        assert np.diff(time_s) == pytest.approx(np.full(len(time_s) - 1, PERIOD_S), abs=1e-9)
    assert runs[1] - runs[0] == pytest.approx(0.0032, abs=1e-9)


def test_a_recording_that_does_not_begin_at_zero(make_recording: Callable[..., Recording]) -> None:
    motion = motions_of(make_recording(first_s=37.5))["left_foot"]
    assert motion.zero_s == 37.5
    time_s, acc, _ = MotionSource(motion, World(lambda: 0.0, START_S)).between(START_S, START_S + 4.0)
    _, part = numbers(acc)
    assert time_s[part.index(1)] == pytest.approx(START_S + 2.0, abs=1e-9)


def test_without_a_stand_the_first_and_last_sample_are_held(make_recording: Callable[..., Recording]) -> None:
    source = source_of(make_recording(stand=0), START_S)
    _, acc, _ = source.between(START_S - 1.001, START_S + 11.0)
    number, part = numbers(acc)
    assert set(part) == {1}
    assert number == [0] * 200 + list(range(2000)) + [1999] * 201


def test_an_empty_pod_is_one_sentence(make_recording: Callable[..., Recording]) -> None:
    recording = make_recording("left_foot")
    empty = PodSamples(np.zeros(0), np.zeros((0, 3)), np.zeros((0, 3)))
    with pytest.raises(RecordingError, match="has no samples of left_foot"):
        motions_of(replace(recording, pods={"left_foot": empty}))


class Starts:
    """A world starter on virtual time, and what it announced."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.announced: list[float] = []
        self.starter = WorldStarter(["L", "R"], self.loop.time, PERIOD_S, self.announced.append)


def test_the_world_starts_when_all_stream(virtual_time: Callable[..., Any]) -> None:
    async def main() -> None:
        starts = Starts()
        starts.starter.streams("L", True)
        await asyncio.sleep(1)
        assert starts.announced == []
        starts.starter.streams("R", True)
        (start_s,) = starts.announced
        assert start_s == pytest.approx(starts.loop.time() + LEAD_S, abs=PERIOD_S)
        assert start_s >= starts.loop.time() + LEAD_S
        assert start_s / PERIOD_S == pytest.approx(round(start_s / PERIOD_S), abs=1e-6)
        starts.starter.streams("L", False)
        starts.starter.streams("L", True)
        await asyncio.sleep(10)
        assert len(starts.announced) == 1

    virtual_time(main())


def test_the_world_waits_only_so_long(virtual_time: Callable[..., Any]) -> None:
    async def main() -> None:
        starts = Starts()
        begun_s = starts.loop.time()
        starts.starter.streams("L", True)
        await asyncio.sleep(PATIENCE_S - 0.01)
        assert starts.announced == []
        await asyncio.sleep(0.02)
        assert starts.announced[0] == pytest.approx(begun_s + PATIENCE_S + LEAD_S, abs=2 * PERIOD_S)

    virtual_time(main())


def test_a_closed_starter_starts_nothing(virtual_time: Callable[..., Any]) -> None:
    async def main() -> None:
        starts = Starts()
        starts.starter.streams("L", True)
        starts.starter.close()
        await asyncio.sleep(2 * PATIENCE_S)
        starts.starter.streams("R", True)
        assert starts.announced == []

    virtual_time(main())


def test_the_start_is_never_moved(virtual_time: Callable[..., Any]) -> None:
    async def main() -> None:
        world = World(lambda: 0.0)
        waiting = asyncio.create_task(world.started())
        await asyncio.sleep(1)
        world.announce(5.0)
        world.announce(6.0)
        assert await waiting == 5.0
        assert math.isclose(await World(lambda: 0.0, 7.0).started(), 7.0)

    virtual_time(main())
