from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from gait_signal.types import Step
from sensor_bridge.errors import SessionError
from sensor_bridge.events import Notice, SessionEvent
from sensor_bridge.home import Home
from sensor_bridge.store import (
    RecordKind,
    SessionHeader,
    SessionWriter,
    close_interrupted,
    list_sessions,
    load_session,
)
from sensor_bridge.store.schema import opened


def leave_running(home: Home, header: SessionHeader, steps: list[Step]) -> None:
    """Leave a session behind as a killed bridge does."""
    writer = SessionWriter(home, header, lambda notice: None, commit_interval_s=0.01)
    writer.start()
    for step in steps:
        writer.put_raw(RecordKind.PACKET, 0, round(step.finalized_s * 1e9), b"")
        writer.put(step)
    writer.close(0.0, "running")


def test_a_dead_session_is_closed_at_its_last_packet(
    home: Home, header: SessionHeader, make_step: Callable[..., Step]
) -> None:
    leave_running(home, header, [make_step(1)])
    [done] = close_interrupted(home)
    assert (done.session_id, done.steps_added, done.problem) == (header.session_id, 0, "")
    summary = list_sessions(home)[0]
    assert summary.state == "interrupted"
    assert summary.ended_utc is not None
    assert (summary.ended_utc - header.started_utc).total_seconds() == pytest.approx(1.45)


def test_missing_results_are_added_and_sent_once(
    home: Home, header: SessionHeader, make_step: Callable[..., Step]
) -> None:
    leave_running(home, header, [make_step(1), make_step(2)])
    all_events: list[SessionEvent] = [make_step(1), Notice(1.0, "info", "x"), make_step(2), make_step(3)]
    [done] = close_interrupted(home, lambda archive: all_events)
    assert done.steps_added == 1
    record = load_session(home, "last")
    assert record.steps == [make_step(1), make_step(2), make_step(3)]
    assert record.pending == {"influx": 3, "mqtt": 3}
    assert record.notices == [Notice(1.0, "info", "x")]


def failing(archive: Path) -> Iterable[SessionEvent]:
    raise SessionError("the packets make no sense")


def defective(archive: Path) -> Iterable[SessionEvent]:
    yield Notice(0.0, "info", "half")
    raise ZeroDivisionError


@pytest.mark.parametrize("reanalyze", [failing, defective])
def test_an_archive_that_cannot_be_analysed_does_not_stop_the_next_start(
    home: Home,
    header: SessionHeader,
    make_step: Callable[..., Step],
    reanalyze: Callable[[Path], Iterable[SessionEvent]],
) -> None:
    leave_running(home, header, [make_step(1)])
    [done] = close_interrupted(home, reanalyze)
    assert done.problem
    record = load_session(home, "last")
    assert record.summary.state == "interrupted"
    assert record.steps == [make_step(1)]
    assert [notice.level for notice in record.notices] == ["warning"]
    assert close_interrupted(home, reanalyze) == []


@pytest.mark.parametrize("content", [None, b"", b"SHOEPOD", b"other" * 10])
def test_a_kill_before_the_first_packet_is_closed_too(home: Home, header: SessionHeader, content: bytes | None) -> None:
    leave_running(home, header, [])
    archive = home.archive(header.session_id)
    archive.unlink()
    if content is not None:
        archive.write_bytes(content)
    [done] = close_interrupted(home, lambda path: [])
    assert done.problem
    assert list_sessions(home)[0].state == "interrupted"


def test_closed_sessions_are_left_alone(
    home: Home, header: SessionHeader, another: Callable[[str], SessionHeader]
) -> None:
    writer = SessionWriter(home, header, lambda notice: None)
    writer.start()
    writer.close(1.0)
    leave_running(home, another("dead"), [])
    assert [done.session_id for done in close_interrupted(home)] == ["dead"]
    states = {s.session_id: s.state for s in list_sessions(home)}
    assert states == {header.session_id: "closed", "dead": "interrupted"}
    with opened(home.database) as connection:
        assert connection.execute("SELECT count(*) FROM sessions WHERE state = 'running'").fetchone() == (0,)


def test_without_a_database_there_is_nothing_to_close(home: Home) -> None:
    assert close_interrupted(home) == []
    assert not home.database.exists()
