"""A time source that does what it is told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

NS = 1_000_000_000


@dataclass
class FakeTime:
    """Three clocks that move together until one of them is touched."""

    utc: datetime = datetime(2024, 5, 1, 6, 30, tzinfo=UTC)
    zone: str = "Europe/Berlin"
    monotonic: int = 5_000 * NS
    boottime: int = 9_000 * NS
    read_delay_ns: int = 0
    """How long each reading of a clock takes."""

    def monotonic_ns(self) -> int:
        self._pass(self.read_delay_ns)
        return self.monotonic

    def boottime_ns(self) -> int:
        self._pass(self.read_delay_ns)
        return self.boottime

    def utc_now(self) -> datetime:
        return self.utc

    def zone_name(self) -> str:
        return self.zone

    def run(self, seconds: float) -> None:
        self._pass(round(seconds * NS))

    def sleep(self, seconds: float) -> None:
        self.boottime += round(seconds * NS)
        self.utc += timedelta(seconds=seconds)

    def step_wall_clock(self, seconds: float) -> None:
        self.utc += timedelta(seconds=seconds)

    def _pass(self, ns: int) -> None:
        self.monotonic += ns
        self.boottime += ns
        self.utc += timedelta(microseconds=ns // 1000)


@pytest.fixture
def fake_time() -> FakeTime:
    return FakeTime()
