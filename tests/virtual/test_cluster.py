"""Virtual pods as real processes around a hub on a free loopback port; a pod is killed."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from firmware_protocol import ImuPacket, PodStatus, Role, Side, Started
from sensor_bridge.errors import RadioUnavailable, UsageError
from sensor_bridge.pods import PodFinder, PodLink, find_team
from sensor_bridge.radio import open_radio
from sensor_bridge.recording import Recording
from sensor_bridge.settings import StreamSettings
from sensor_bridge.virtual.cast import parts_of
from sensor_bridge.virtual.cluster import PodCluster, serve
from sensor_bridge.virtual.process import Orders, load_motion, save_motion
from sensor_bridge.virtual.source import motions_of

# Only a hung test ever waits this long.
PATIENCE_S = 60.0


class Listener:
    """Counts, and lets a test wait for what happens to a pod."""

    def __init__(self) -> None:
        self.ups: dict[str, list[Started]] = {}
        self.downs: dict[str, list[str]] = {}
        self.packets: dict[str, list[ImuPacket]] = {}
        self._changed = asyncio.Condition()
        self._wakers: set[asyncio.Task[None]] = set()

    def on_up(self, serial: str, arrival_ns: int, started: Started, tick_us: int, status: PodStatus) -> None:
        self.ups.setdefault(serial, []).append(started)
        self._wake()

    def on_packet(self, serial: str, arrival_ns: int, data: bytes) -> None:
        self.packets.setdefault(serial, []).append(ImuPacket.from_bytes(data))
        self._wake()

    def on_status(self, serial: str, arrival_ns: int, status_bytes: bytes) -> None:
        pass

    def on_down(self, serial: str, arrival_ns: int, reason: str) -> None:
        self.downs.setdefault(serial, []).append(reason)
        self._wake()

    def _wake(self) -> None:
        async def wake() -> None:
            async with self._changed:
                self._changed.notify_all()

        task = asyncio.create_task(wake())
        self._wakers.add(task)
        task.add_done_callback(self._wakers.discard)

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S), self._changed:
            await self._changed.wait_for(condition)


async def test_a_killed_pod_is_lost_alone_and_comes_back_as_after_a_reboot(
    make_recording: Callable[..., Recording],
) -> None:
    lines: list[str] = []
    listener = Listener()
    async with (
        PodCluster(parts_of(make_recording(run=12_000)), "127.0.0.1:0", respawn=True, say=lines.append) as cluster,
        open_radio(f"hub://127.0.0.1:{cluster.port}") as radio,
        asyncio.TaskGroup() as group,
    ):
        finder = PodFinder(radio)
        team = await find_team(finder, {}, timeout_s=PATIENCE_S)
        assert [(member.side, member.role) for member in team] == [("left", "foot"), ("right", "foot")]
        loop = asyncio.get_running_loop()
        links = [
            PodLink(
                finder,
                member.serial,
                member.device,
                stream=StreamSettings(),
                listener=listener,
                now_ns=lambda: round(loop.time() * 1e9),
            )
            for member in team
        ]
        tasks = [group.create_task(link.run()) for link in links]
        left, right = (member.serial for member in team)
        await listener.until(lambda: len(listener.packets.get(left, [])) > 20)
        await listener.until(lambda: len(listener.packets.get(right, [])) > 20)
        assert cluster.world_start_s is not None

        first_pid = cluster.pids[right]
        os.kill(first_pid, signal.SIGKILL)
        await listener.until(lambda: right in listener.downs)
        await listener.until(lambda: len(listener.ups[right]) == 2)
        packets_then = len(listener.packets[right])
        await listener.until(lambda: len(listener.packets[right]) > packets_then + 20)
        assert cluster.pids[right] != first_pid
        assert listener.ups[right][0].boot_id != listener.ups[right][1].boot_id
        assert listener.packets[right][packets_then].sequence == 0
        assert left not in listener.downs
        assert [packet.sequence for packet in listener.packets[left]] == list(range(len(listener.packets[left])))
        for task in tasks:
            task.cancel()
    assert any(right in line and "SIGKILL" in line for line in lines)
    for pid in [int(line.rsplit("pid ", 1)[1]) for line in lines if "pid " in line]:
        with pytest.raises(ProcessLookupError):  # nobody is left behind
            os.kill(pid, 0)


async def test_pods_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(
        """
import asyncio
import numpy as np
from sensor_bridge.recording import PodSamples, Recording
from sensor_bridge.virtual.cast import parts_of
from sensor_bridge.virtual.cluster import PodCluster, serve

samples = PodSamples(np.arange(200) / 200, np.ones((200, 3)), np.zeros((200, 3)))
recording = Recording("orphans", 200.0, 16.0, 2000.0, {"left_foot": samples}, {"left_foot": samples})

def say(line):
    print(line, flush=True)

asyncio.run(serve(PodCluster(parts_of(recording), "127.0.0.1:0", say=say), say))
"""
    )
    leftovers = tmp_path / "temporary"
    leftovers.mkdir()
    parent = await asyncio.create_subprocess_exec(
        sys.executable, str(script), stdout=subprocess.PIPE, env={**os.environ, "TMPDIR": str(leftovers)}
    )
    assert parent.stdout is not None
    async with asyncio.timeout(PATIENCE_S):
        line = (await parent.stdout.readline()).decode()
        pid = int(line.rsplit("pid ", 1)[1])
        parent.kill()
        await parent.wait()
        while not has_ended(pid):  # noqa: ASYNC110  there is no event to wait for
            await asyncio.sleep(0.05)
    assert files_in(leftovers) == []


def files_in(folder: Path) -> list[Path]:
    return list(folder.iterdir())


def has_ended(pid: int) -> bool:
    """Whether a process is gone, or only waits to be reaped by whoever adopted it."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    state = Path(f"/proc/{pid}/stat")
    return state.exists() and state.read_text().rsplit(")", 1)[1].split()[0] == "Z"


async def test_sigterm_ends_the_cluster_cleanly(make_recording: Callable[..., Recording]) -> None:
    lines: list[str] = []
    cluster = PodCluster(parts_of(make_recording("left_foot")), "127.0.0.1:0", say=lines.append)

    def say(line: str) -> None:
        lines.append(line)
        if line.startswith("radio hub on port"):
            os.kill(os.getpid(), signal.SIGTERM)

    async with asyncio.timeout(PATIENCE_S):
        await serve(cluster, say)
    assert cluster.pids == {}
    assert any("is on: pid" in line for line in lines)


async def test_a_pod_that_cannot_start_is_one_sentence_and_leaves_no_file(
    make_recording: Callable[..., Recording], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(RadioUnavailable, match=r"the virtual pod \S+ did not come up \(exit code 1\)"):
        async with PodCluster(parts_of(make_recording("left_foot")), "127.0.0.1:0"):
            pass
    assert files_in(tmp_path) == []


def test_another_address_is_refused(make_recording: Callable[..., Recording]) -> None:
    with pytest.raises(UsageError, match="--insecure-lan"):
        PodCluster(parts_of(make_recording()), "0.0.0.0:9100")


def test_a_motion_survives_its_file(make_recording: Callable[..., Recording], tmp_path: Path) -> None:
    for recording in (make_recording("left_foot", first_s=3.0), make_recording("left_foot", stand=0)):
        motion = motions_of(recording)["left_foot"]
        save_motion(motion, tmp_path / "motion.npz")
        loaded = load_motion(tmp_path / "motion.npz")
        assert replace(loaded, run=motion.run, stand=motion.stand) == motion
        assert np.array_equal(loaded.run.acc_mps2, motion.run.acc_mps2)
        assert (loaded.stand is None) == (motion.stand is None)


def test_orders_survive_json() -> None:
    orders = Orders("SPV-A-L", "POD-L", 1, 0, "motion.npz", 12.5, 0.01, 1 << 63, "127.0.0.1", 9100, None)
    assert Orders.from_json(orders.to_json()) == orders
    assert orders.identity.side is Side.LEFT
    assert orders.identity.role is Role.FOOT


def test_serials_are_stable_short_and_tell_the_place(make_recording: Callable[..., Recording]) -> None:
    names = ("left_foot", "right_foot", "left_thigh", "right_thigh")
    first = [part.identity for part in parts_of(make_recording(*names))]
    again = [part.identity for part in parts_of(make_recording(*names))]
    assert first == again
    assert [identity.serial.rsplit("-", 1)[1] for identity in first] == ["L", "R", "LT", "RT"]
    assert [identity.role for identity in first] == [Role.FOOT, Role.FOOT, Role.THIGH, Role.THIGH]
    assert all(len(identity.serial) <= 16 and len(identity.name) <= 8 for identity in first)
    assert len({identity.address for identity in first}) == 4
    assert all(int(identity.address[:2], 16) >= 0xC0 for identity in first)
    assert parts_of(make_recording("left_foot"), tag="SIM")[0].identity.serial == "SPV-SIM-L"
    assert parts_of(make_recording("left_foot"), ppm={"left_foot": 7.0})[0].ppm == 7.0
