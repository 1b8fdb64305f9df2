"""Links to virtual pods, in virtual time."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest

from firmware_protocol import Started
from sensor_bridge.pods import LinkState, PodFinder, PodLink
from sensor_bridge.pods.control import ControlPoint
from sensor_bridge.pods.link import FIRST_BACK_OFF_S, LONGEST_BACK_OFF_S, SILENCE_S
from sensor_bridge.recording import Recording
from sensor_bridge.settings import StreamSettings
from sensor_bridge.virtual.local import LocalCluster
from sensor_bridge.virtual.streamer import Streamer

Story = Callable[["Stage"], Awaitable[None]]


class Stage:
    """A cluster with a link to each pod, running."""

    def __init__(self, cluster: LocalCluster, diary: Any, now_ns: Callable[[], int]) -> None:
        self.cluster = cluster
        self.diary = diary
        self.finder = PodFinder(cluster.radio)
        self.serials = list(cluster.pods)
        self.links = {
            serial: PodLink(
                self.finder,
                serial,
                None,
                stream=StreamSettings(),
                listener=diary,
                now_ns=now_ns,
                rng=random.Random(1),
            )
            for serial in self.serials
        }
        self.tasks = {serial: asyncio.create_task(link.run()) for serial, link in self.links.items()}

    async def stop(self) -> None:
        for task in self.tasks.values():
            task.cancel()
        for task in self.tasks.values():
            with suppress(asyncio.CancelledError):
                await task


@pytest.fixture
def play(
    virtual_time: Callable[..., Any],
    make_recording: Callable[..., Recording],
    diary: Any,
    now_ns: Callable[[], int],
) -> Callable[..., None]:
    def run(story: Story, *names: str, **options: Any) -> None:
        async def main() -> None:
            async with LocalCluster(make_recording(*(names or ("left_foot",))), **options) as cluster:
                stage = Stage(cluster, diary, now_ns)
                await story(stage)
                await stage.stop()
            others = asyncio.all_tasks() - {asyncio.current_task()}
            await asyncio.sleep(0)
            assert not {task.get_name() for task in others if not task.done()}

        virtual_time(main())

    return run


def test_up_comes_before_the_first_packet_and_tells_what_the_stream_is(play: Callable[..., None], diary: Any) -> None:
    async def story(stage: Stage) -> None:
        await asyncio.sleep(5)
        (serial,) = stage.serials
        assert diary.entries[0][0] == "up"
        started, tick_us, status = diary.of("up", serial)[0]
        assert started.rate_mhz == 200_000
        assert started.boot_id == status.boot_id == stage.cluster.pods[serial].boot_id
        assert status.serial == serial
        packets = diary.of("packet", serial)
        assert [packet.sequence for packet in packets] == list(range(len(packets)))
        assert 0 < packets[0].tick_us - tick_us < 300_000
        assert 3 <= len(diary.of("status", serial)) <= 5
        arrivals = [entry[2] for entry in diary.entries]
        assert arrivals == sorted(arrivals)
        assert stage.links[serial].state is LinkState.STREAMING

    play(story)


def test_packets_that_overtake_the_reply_are_kept_for_after_up(
    play: Callable[..., None], diary: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = ControlPoint.start

    async def slow_start(self: ControlPoint, stream: StreamSettings) -> Started:
        started = await start(self, stream)
        await asyncio.sleep(0.5)
        return started

    monkeypatch.setattr(ControlPoint, "start", slow_start)

    async def story(stage: Stage) -> None:
        await asyncio.sleep(5)
        (serial,) = stage.serials
        assert diary.entries[0][0] == "up"
        assert all(entry[2] == diary.entries[0][2] for entry in diary.entries[:15])  # delivered at once
        assert [packet.sequence for packet in diary.of("packet", serial)] == list(
            range(len(diary.of("packet", serial)))
        )
        arrivals = [entry[2] for entry in diary.entries]
        assert arrivals == sorted(arrivals)

    play(story)


def test_stopping_stops_the_pod_and_closes_the_link(play: Callable[..., None], diary: Any) -> None:
    async def story(stage: Stage) -> None:
        await asyncio.sleep(3)
        (serial,) = stage.serials
        pod = stage.cluster.pods[serial]
        assert pod.streaming
        stop = pod._stop_stream
        stops: list[bool] = []
        pod._stop_stream = lambda: (stops.append(pod.connected), stop())  # type: ignore[method-assign]
        await stage.stop()
        await asyncio.sleep(0.5)
        assert stops[0] is True  # told to stop while the link was up, not only cut off
        assert not pod.connected
        assert diary.kinds(serial) == ["up", "packet", "down"]
        assert diary.of("down", serial) == ["stopped"]

    play(story)


def test_a_lost_link_comes_back_by_itself_and_the_other_does_not_notice(play: Callable[..., None], diary: Any) -> None:
    async def story(stage: Stage) -> None:
        left, right = stage.serials
        await asyncio.sleep(4)
        for _ in range(3):
            stage.cluster.drop_link(left)
            await asyncio.sleep(8)
        assert diary.kinds(left) == ["up", "packet", "down"] * 3 + ["up", "packet"]
        assert diary.of("down", left) == ["the link was lost"] * 3
        assert diary.kinds(right) == ["up", "packet"]
        numbers = [packet.sequence for packet in diary.of("packet", right)]
        assert numbers == list(range(len(numbers)))
        assert len({started.boot_id for started, *_ in diary.of("up", left)}) == 1

    play(story, "left_foot", "right_foot")


def test_notifications_do_not_multiply_with_reconnects(play: Callable[..., None], diary: Any) -> None:
    async def story(stage: Stage) -> None:
        (serial,) = stage.serials
        for _ in range(4):
            await asyncio.sleep(6)
            stage.cluster.drop_link(serial)
        await asyncio.sleep(8)
        streams: list[list[int]] = []
        for what, _, _, detail in diary.entries:
            if what == "up":
                streams.append([])
            elif what == "packet":
                streams[-1].append(detail.sequence)
        assert len(streams) == 5
        assert all(numbers == list(range(len(numbers))) for numbers in streams)

    play(story)


def test_a_rebooted_pod_is_another_boot(play: Callable[..., None], diary: Any) -> None:
    async def story(stage: Stage) -> None:
        (serial,) = stage.serials
        await asyncio.sleep(4)
        await stage.cluster.kill(serial)
        await asyncio.sleep(60)
        assert diary.kinds(serial) == ["up", "packet", "down"]
        await stage.cluster.boot(serial)
        await asyncio.sleep(15)
        assert diary.kinds(serial) == ["up", "packet", "down", "up", "packet"]
        (first, tick_us, _), (second, second_tick_us, _) = diary.of("up", serial)
        assert first.boot_id != second.boot_id
        assert second_tick_us < 15_000_000
        assert tick_us < 5_000_000

    play(story)


def test_a_silent_link_counts_as_lost(play: Callable[..., None], diary: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(stage: Stage) -> None:
        (serial,) = stage.serials
        await asyncio.sleep(4)
        monkeypatch.setattr(Streamer, "_step", lambda self: 0.1)  # connected, and says nothing more
        await asyncio.sleep(SILENCE_S - 0.5)
        assert diary.of("down", serial) == []
        await asyncio.sleep(1)
        assert diary.of("down", serial) == ["no packet for 3 s"]
        monkeypatch.undo()
        await asyncio.sleep(15)
        assert diary.kinds(serial)[-2:] == ["up", "packet"]

    play(story)


def test_links_are_not_disturbed_by_a_pod_that_stays_away(play: Callable[..., None], diary: Any) -> None:
    async def story(stage: Stage) -> None:
        left, right = stage.serials
        await asyncio.sleep(4)
        await stage.cluster.kill(left)
        await asyncio.sleep(60)
        stage.cluster.drop_link(right)
        await asyncio.sleep(12)
        assert diary.kinds(right) == ["up", "packet", "down", "up", "packet"]
        assert stage.links[left].state is LinkState.SEARCHING
        assert stage.links[left].trouble == f"pod {left} does not advertise"

    play(story, "left_foot", "right_foot")


@pytest.mark.parametrize("what", ["up", "packet", "status", "down"])
def test_a_failing_listener_ends_the_link_aloud(play: Callable[..., None], diary: Any, what: str) -> None:
    async def story(stage: Stage) -> None:
        diary.fail_on = what
        (serial,) = stage.serials
        if what == "down":
            await asyncio.sleep(4)
            stage.cluster.drop_link(serial)
        with pytest.raises(OSError, match="no space left"):
            await stage.tasks[serial]
        assert diary.kinds(serial)[-1] == "down"
        await asyncio.sleep(1)
        assert not stage.cluster.pods[serial].connected
        stage.tasks.clear()

    play(story)


def test_the_back_off_grows_to_a_limit_and_two_links_differ(play: Callable[..., None]) -> None:
    async def story(stage: Stage) -> None:
        link = stage.links[stage.serials[0]]
        waits = [[link._back_off_s(failures) for _ in range(200)] for failures in range(12)]
        for failures, tries in enumerate(waits):
            middle = min(FIRST_BACK_OFF_S * 2**failures, LONGEST_BACK_OFF_S)
            assert 0.75 * middle <= min(tries) < max(tries) <= 1.25 * middle
        assert link._back_off_s(10_000) <= 1.25 * LONGEST_BACK_OFF_S

    play(story)


def test_a_lossy_pod_is_passed_on_as_it_is(play: Callable[..., None], diary: Any) -> None:
    async def story(stage: Stage) -> None:
        (serial,) = stage.serials
        await asyncio.sleep(10)
        numbers = [packet.sequence for packet in diary.of("packet", serial)]
        missing = set(range(numbers[-1])) - set(numbers)
        assert 0.02 < len(missing) / numbers[-1] < 0.2
        assert diary.kinds(serial) == ["up", "packet"]

    play(story, loss=0.08, seed=2)


def test_cancelling_at_any_moment_leaves_nothing_behind(
    virtual_time: Callable[..., Any],
    make_recording: Callable[..., Recording],
    diary: Any,
    now_ns: Callable[[], int],
) -> None:
    async def main() -> None:
        async with LocalCluster(make_recording("left_foot")) as cluster:
            (pod,) = cluster.pods.values()
            for step in range(60):
                stage = Stage(cluster, diary, now_ns)
                await asyncio.sleep(step * 0.05)
                await stage.stop()
                await asyncio.sleep(1)
                assert not pod.connected, step
            ups = sum(1 for entry in diary.entries if entry[0] == "up")
            downs = sum(1 for entry in diary.entries if entry[0] == "down")
            assert ups == downs > 10

    virtual_time(main())
