"""A store with steps to send, and real servers that can be stopped and started again."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gait_signal.types import Step
from sensor_bridge.home import Home
from sensor_bridge.settings import Settings, settings_from
from sensor_bridge.store import OutboxRow, PodMeta, SessionHeader, SessionWriter, step_payload

RUNNER = "a/b+c #1, x=y é"
SESSION = "20260301-070000-test"
STARTED = datetime(2026, 3, 1, 7, tzinfo=UTC)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.locate({"SHOEPOD_HOME": str(tmp_path / "home")}).ensure()


@pytest.fixture
def settings(free_port: int) -> Settings:
    """Both sinks on, on a port where nobody listens unless a test starts a server."""
    return settings_from(
        {
            "runner": {"name": RUNNER},
            "mqtt": {"enabled": True, "port": free_port, "topic_prefix": "gym/hall 1", "timeout_s": 2.0},
            "influx": {"enabled": True, "url": f"http://127.0.0.1:{free_port}", "timeout_s": 2.0},
        },
        "test",
    )


@pytest.fixture
def make_step() -> Callable[..., Step]:
    def make(step_id: int, **other: Any) -> Step:
        at_s = 0.35 * step_id
        values: dict[str, Any] = dict.fromkeys(Step.__dataclass_fields__)
        values.update(foot="left" if step_id % 2 else "right", step_id=step_id, activity="running", ic_s=at_s)
        values.update(decided_s=at_s + 0.02, finalized_s=at_s + 0.7, strike="rearfoot", strike_confidence=0.9)
        values.update(strike_final="midfoot", strike_angle_rad=0.2, contact_time_s=0.25, cadence_spm=170.0)
        values.update(knee_drive_method="", calibration="standing", gap_touched=False, clipped=True)
        return Step(**{**values, **other})

    return make


@pytest.fixture
def writer(home: Home, settings: Settings) -> Iterator[SessionWriter]:
    """A running session's writer."""
    header = SessionHeader(SESSION, STARTED, "UTC", "0.1", settings, (PodMeta("L-1", "left"),))
    writer = SessionWriter(home, header, lambda notice: None, commit_interval_s=0.01)
    writer.start()
    yield writer
    writer.close(1e4)


@pytest.fixture
def store_steps(writer: SessionWriter, make_step: Callable[..., Step]) -> Callable[[range], None]:
    def store(step_ids: range) -> None:
        for step_id in step_ids:
            writer.put(make_step(step_id))
        writer.flush()

    return store


@pytest.fixture
def make_row(make_step: Callable[..., Step]) -> Callable[..., OutboxRow]:
    def make(step_id: int, **other: Any) -> OutboxRow:
        payload = step_payload(make_step(step_id, **other), SESSION, RUNNER, STARTED)
        return OutboxRow(step_id, "influx", SESSION, "step", payload)

    return make


class Server:
    """A server process on one port."""

    def __init__(self, command: list[str], port: int) -> None:
        self._command = command
        self._port = port
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        quiet = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
        self._process = await asyncio.to_thread(subprocess.Popen, self._command, **quiet)
        for _ in range(400):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self._port)) == 0:
                    return
            if self._process.poll() is not None:
                break
            await asyncio.sleep(0.025)
        self.kill()
        pytest.fail(f"{self._command[0]} did not start")

    async def stop(self) -> None:
        """End it in order, as a person or a service manager does."""
        assert self._process is not None
        self._process.terminate()
        await asyncio.to_thread(self._process.wait)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        """Keep the connections open but answer nothing."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGSTOP)


@pytest.fixture
def mosquitto(require_program: Callable[[str], str], free_port: int, tmp_path: Path) -> Iterator[Server]:
    config = tmp_path / "mosquitto.conf"
    config.write_text(
        f"listener {free_port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\nmax_inflight_messages 0\n"
    )
    server = Server([require_program("mosquitto"), "-c", str(config)], free_port)
    yield server
    server.kill()


@pytest.fixture
def victoria(require_program: Callable[[str], str], free_port: int, tmp_path: Path) -> Iterator[Server]:
    command = [require_program("victoria-metrics"), f"-storageDataPath={tmp_path / 'vm'}", "-retentionPeriod=100y"]
    command += [f"-httpListenAddr=127.0.0.1:{free_port}", "-search.latencyOffset=0s"]
    # InfluxDB replaces a point that comes again; VictoriaMetrics has to be told to.
    command += ["-dedup.minScrapeInterval=1ms"]
    server = Server(command, free_port)
    yield server
    server.kill()
