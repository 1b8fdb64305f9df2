"""Live sessions from pod to store, in virtual time."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import numpy as np
import pytest

from gait_signal.types import FEET
from sensor_bridge.analyze import analyze_recording
from sensor_bridge.clock import Anchor
from sensor_bridge.errors import SessionError
from sensor_bridge.simulator import Simulation
from sensor_bridge.store.archive import ArchiveReader, ArchiveWriter
from sensor_bridge.store.schema import opened, transaction
from sensor_bridge.truth import TrueStep, compare

RUN_S = 38.0


def true_steps(simulation: Simulation, zero_s: float) -> list[TrueStep]:
    return [
        TrueStep(s.foot, s.ic_s + zero_s, s.to_s + zero_s if s.to_s else None, s.strike)
        for s in simulation.truth
        if s.activity == "running"
    ]


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory, heel_then_forefoot: Simulation):
    from sensor_bridge.home import Home
    from tests.integration.conftest import Stage

    folder = tmp_path_factory.mktemp("home")
    stage = Stage(Home(folder, folder / "data"))
    return stage.live(heel_then_forefoot.recording, RUN_S, ppm=heel_then_forefoot.pod_clock_ppm)


def test_live_steps_are_the_simulators(lived, heel_then_forefoot: Simulation) -> None:
    verdict = compare(true_steps(heel_then_forefoot, lived.recording_zero_s), lived.steps)
    assert verdict.true_steps > 60
    assert verdict.missed + verdict.false <= 0.02 * verdict.true_steps
    assert verdict.heel_balanced is not None
    assert verdict.heel_balanced >= 0.95


def test_live_equals_as_live_bit_for_bit(lived) -> None:
    assert lived.replayed() == lived.steps


def test_live_equals_batch_but_for_one_offset(lived, heel_then_forefoot: Simulation) -> None:
    batch = analyze_recording(heel_then_forefoot.recording)
    offsets: dict[str, list[float]] = {}
    angles = []
    for foot in FEET:
        rows = [step for step in batch if step.foot == foot and step.activity == "running"][3:]
        live = {round(step.ic_s, 6): step for step in lived.steps if step.foot == foot}
        for row in rows:
            near = min(live.values(), key=lambda s: abs(s.ic_s - lived.recording_zero_s - row.ic_s))
            offsets.setdefault(foot, []).append(near.ic_s - lived.recording_zero_s - row.ic_s)
            if row.strike_angle_rad is not None and near.strike_angle_rad is not None:
                angles.append(np.degrees(near.strike_angle_rad - row.strike_angle_rad))
    every = np.concatenate(list(offsets.values()))
    constant_s = np.median(every)
    assert np.mean(np.abs(every - constant_s) <= 0.003) >= 0.99
    assert np.mean(np.abs(angles) <= 1.0) >= 0.99
    assert abs(np.median(offsets["left"]) - np.median(offsets["right"])) <= 0.005


def test_contacts_are_stored_with_the_steps_ids(lived) -> None:
    steps = {(step.foot, step.step_id): step for step in lived.steps}
    assert len(lived.record.contacts) > 60
    for contact in lived.record.contacts:
        step = steps[contact.foot, contact.step_id]
        assert (step.decided_s, step.strike) == (contact.decided_s, contact.strike)


@pytest.mark.parametrize(
    ("zone", "start_utc"),
    [
        ("UTC", "2026-05-04T10:00:00"),
        ("Europe/Zurich", "2026-10-25T00:59:45"),
        ("Europe/Zurich", "2026-05-04T21:59:45"),
    ],
    ids=["plain", "daylight saving ends", "midnight"],
)
def test_a_wall_clock_that_steps_moves_no_sample(
    stage, lived, heel_then_forefoot: Simulation, zone: str, start_utc: str
) -> None:
    async def step_the_wall_clock(pods, clock) -> None:
        await asyncio.sleep(15)
        clock.wall_step = timedelta(hours=1)
        await asyncio.sleep(10)
        clock.wall_step = timedelta(hours=-1)

    stage.start_utc = start_utc
    again = stage.live(
        heel_then_forefoot.recording, RUN_S, step_the_wall_clock, zone=zone, ppm=heel_then_forefoot.pod_clock_ppm
    )
    assert [(s.foot, s.step_id) for s in again.steps] == [(s.foot, s.step_id) for s in lived.steps]
    # Two sessions differ by when their clock pings happened to go out, which is random; no more than that.
    moved_s = np.array([a.ic_s - b.ic_s for a, b in zip(again.steps, lived.steps, strict=True)])
    assert np.abs(moved_s).max() < 0.004
    assert not again.record.gaps
    summary = again.record.summary
    last = Anchor(summary.started_utc, summary.zone).local_at(again.steps[-1].ic_s)
    assert last - summary.started_utc == pytest.approx(
        timedelta(seconds=again.steps[-1].ic_s), abs=timedelta(milliseconds=1)
    )


def test_sleep_is_a_marked_gap_and_the_run_goes_on(stage, heel_then_forefoot: Simulation) -> None:
    async def sleep_a_while(pods, clock) -> None:
        await asyncio.sleep(15)
        for serial in pods.pods:
            pods.drop_link(serial)
        clock.sleep(8.0)

    slept = stage.live(heel_then_forefoot.recording, RUN_S, sleep_a_while)
    gaps = [gap for gap in slept.record.gaps if gap.cause == "suspend" and gap.to_s - gap.from_s > 7.0]
    assert len(gaps) == 2
    assert any("slept for 8 s" in notice.text for notice in slept.record.notices)
    after_s = max(gap.to_s for gap in gaps)
    assert sum(step.ic_s > after_s for step in slept.steps) > 10
    assert slept.replayed() == slept.steps


def test_a_dropped_link_and_a_reboot_are_gaps_on_that_side_only(stage, heel_then_forefoot: Simulation) -> None:
    async def trouble(pods, clock) -> None:
        left, right = sorted(pods.pods)
        await asyncio.sleep(14)
        pods.drop_link(left)
        await asyncio.sleep(8)
        await pods.kill(right)
        await asyncio.sleep(2)
        await pods.boot(right)

    troubled = stage.live(heel_then_forefoot.recording, RUN_S, trouble)
    causes = {gap.serial[-1]: gap.cause for gap in troubled.record.gaps}
    assert causes == {"L": "link", "R": "reboot"}
    verdict = compare(true_steps(heel_then_forefoot, troubled.recording_zero_s), troubled.steps)
    assert verdict.false == 0
    lost_s = sum(gap.to_s - gap.from_s for gap in troubled.record.gaps)
    assert verdict.missed <= lost_s * 1.5 + 8
    assert troubled.replayed() == troubled.steps


def test_packets_lost_in_the_air_are_gaps_and_no_false_steps(stage, heel_then_forefoot: Simulation) -> None:
    lossy = stage.live(heel_then_forefoot.recording, RUN_S, loss=0.01)
    assert lossy.record.gaps
    assert all(gap.cause == "radio" for gap in lossy.record.gaps)
    pods = {pod.serial: pod for pod in lossy.record.pods}
    for serial, pod in pods.items():
        assert pod.packets_lost == sum(gap.packets_lost for gap in lossy.record.gaps if gap.serial == serial)
    verdict = compare(true_steps(heel_then_forefoot, lossy.recording_zero_s), lossy.steps)
    assert verdict.false == 0
    assert verdict.missed <= 0.03 * verdict.true_steps


def test_a_session_that_was_cut_goes_on_where_it_was(stage, heel_then_forefoot: Simulation) -> None:
    recording = heel_then_forefoot.recording
    first = stage.live(recording, 22.0)
    archive = first.record.archive
    # As a kill leaves it: no whole end record, a torn tail, state still "running".
    records = list(ArchiveReader(archive))
    with ArchiveWriter(archive.with_suffix(".cut")) as cut:
        for record in records[:-1]:
            cut.append(record.kind, record.pod, record.session_ns, record.payload)
        cut.flush()
    archive.write_bytes(archive.with_suffix(".cut").read_bytes() + bytes(records[-1])[:10])
    archive.with_suffix(".cut").unlink()
    with opened(stage.home.database) as connection, transaction(connection):
        connection.execute("UPDATE sessions SET state = 'running', ended_utc = NULL")
    stage.start_utc = "2026-05-04T10:02:00"
    second = stage.live(recording, RUN_S, resume=True)
    assert second.record.summary.session_id == first.record.summary.session_id
    assert second.record.summary.state == "closed"
    assert {gap.cause for gap in second.record.gaps} >= {"resume"}
    resumed_s = max(gap.to_s for gap in second.record.gaps if gap.cause == "resume")
    assert resumed_s == pytest.approx(120.0, abs=15.0)
    before = [step for step in second.steps if step.ic_s < resumed_s]
    assert [s for s in first.steps if s.finalized_s < 20.0] == [s for s in before if s.finalized_s < 20.0]
    assert sum(step.ic_s > resumed_s for step in second.steps) > 50
    assert second.replayed() == second.steps


def test_only_an_interrupted_session_can_be_resumed(stage, heel_then_forefoot: Simulation) -> None:
    stage.live(heel_then_forefoot.recording, 8.0)
    with pytest.raises(SessionError, match="no interrupted session"):
        stage.live(heel_then_forefoot.recording, 8.0, resume=True)
