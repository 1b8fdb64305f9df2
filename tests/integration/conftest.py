"""A whole session in virtual time: virtual pods, simulated air, links, engine, store."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gait_signal.types import Step
from sensor_bridge.home import Home
from sensor_bridge.inputs import replay
from sensor_bridge.live import LiveOptions, run_live
from sensor_bridge.recording import Recording
from sensor_bridge.settings import CueSettings, Settings
from sensor_bridge.simulator import Scenario, Segment, Simulation, simulate
from sensor_bridge.store.database import SessionRecord, load_session
from sensor_bridge.virtual.local import LocalCluster
from tests.virtual_time import LoopTime, VirtualLoop, run_virtually

QUIET = replace(Settings(), cue=CueSettings(enabled=False))
Meanwhile = Callable[[LocalCluster, LoopTime], Awaitable[Any]]


@dataclass
class Lived:
    """What is left of a session."""

    record: SessionRecord
    recording_zero_s: float
    """Session time of recording time 0."""

    @property
    def steps(self) -> list[Step]:
        return self.record.steps

    def replayed(self) -> list[Step]:
        steps = [event for event in replay(self.record.archive) if isinstance(event, Step)]
        return sorted(steps, key=lambda step: (step.ic_s, step.foot))


@dataclass
class Stage:
    """Runs sessions in one home."""

    home: Home
    settings: Settings = field(default_factory=lambda: QUIET)
    start_utc: str = "2026-05-04T10:00:00"

    def live(
        self,
        recording: Recording,
        seconds: float,
        meanwhile: Meanwhile | None = None,
        *,
        resume: bool = False,
        zone: str = "UTC",
        **cluster: Any,
    ) -> Lived:
        async def main() -> float:
            loop = asyncio.get_running_loop()
            assert isinstance(loop, VirtualLoop)
            clock = LoopTime(loop, datetime.fromisoformat(self.start_utc).replace(tzinfo=UTC), zone)
            async with LocalCluster(recording, **cluster) as pods:
                beside = asyncio.ensure_future(meanwhile(pods, clock)) if meanwhile else None
                options = LiveOptions(seconds, resume=resume, plain=True, time_source=clock)
                result = await run_live(self.home, self.settings, pods.radio, options)
                if beside:
                    await beside
                return (pods.recording_zero_s or 0.0) - loop.time() + result.clock.now_s()

        with self.home.lock():
            zero_s = run_virtually(main)
        return Lived(load_session(self.home, "last"), zero_s)


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(Home(tmp_path / "home", tmp_path / "home" / "data"))


@pytest.fixture(scope="session")
def heel_then_forefoot() -> Simulation:
    """Half a minute: a heel striker who turns forefoot."""
    segments = (
        Segment(1.0, "standing"),
        Segment(15.0, "running", speed_mps=3.0, strike_angle_deg=15.0),
        Segment(15.0, "running", speed_mps=3.0, strike_angle_deg=-6.0),
    )
    rng = np.random.default_rng(11)
    return simulate(replace(Scenario.demo(31.0, rng), segments=segments), seed=11)
