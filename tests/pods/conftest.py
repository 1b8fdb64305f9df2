"""A cluster of virtual pods and a listener that writes everything down."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from firmware_protocol import ImuPacket, PodStatus, Started
from sensor_bridge.recording import PodSamples, Recording


def _samples(count: int) -> PodSamples:
    acc = np.zeros((count, 3))
    acc[:, 2] = 9.81
    return PodSamples(np.arange(count) / 200, acc, np.zeros((count, 3)))


@pytest.fixture
def make_recording() -> Callable[..., Recording]:
    def make(*names: str) -> Recording:
        names = names or ("left_foot", "right_foot")
        return Recording(
            "pods", 200.0, 16.0, 2000.0, {n: _samples(2000) for n in names}, {n: _samples(200) for n in names}
        )

    return make


@dataclass
class Diary:
    """A link listener. Entries are ``(what, serial, arrival_ns, detail)``."""

    entries: list[tuple[str, str, int, Any]] = field(default_factory=list)
    fail_on: str = ""

    def on_up(self, serial: str, arrival_ns: int, started: Started, tick_us: int, status: PodStatus) -> None:
        self._write("up", serial, arrival_ns, (started, tick_us, status))

    def on_packet(self, serial: str, arrival_ns: int, data: bytes) -> None:
        self._write("packet", serial, arrival_ns, ImuPacket.from_bytes(data))

    def on_status(self, serial: str, arrival_ns: int, status_bytes: bytes) -> None:
        self._write("status", serial, arrival_ns, PodStatus.from_bytes(status_bytes))

    def on_ping(self, serial: str, arrival_ns: int, sent_ns: int, tick_us: int) -> None:
        self._write("ping", serial, arrival_ns, (sent_ns, tick_us))

    def on_down(self, serial: str, arrival_ns: int, reason: str) -> None:
        self._write("down", serial, arrival_ns, reason)

    def _write(self, what: str, serial: str, arrival_ns: int, detail: Any) -> None:
        self.entries.append((what, serial, arrival_ns, detail))
        if what == self.fail_on:
            raise OSError("no space left on device")

    def of(self, what: str, serial: str) -> list[Any]:
        return [entry[3] for entry in self.entries if entry[:2] == (what, serial)]

    def kinds(self, serial: str) -> list[str]:
        """What happened to a pod, packets in a row told once; statuses and pings not at all."""
        kinds: list[str] = []
        for what, of, *_ in self.entries:
            if of == serial and what not in ("status", "ping") and (not kinds or kinds[-1] != what):
                kinds.append(what)
        return kinds


@pytest.fixture
def diary() -> Diary:
    return Diary()


@pytest.fixture
def now_ns() -> Callable[[], int]:
    """The event loop's clock in nanoseconds."""
    return lambda: round(asyncio.get_running_loop().time() * 1e9)
