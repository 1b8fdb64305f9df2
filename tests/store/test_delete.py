from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from gait_signal.types import Contact, Step
from sensor_bridge.errors import SessionError
from sensor_bridge.events import CueMark, Notice, PodGap, PodState
from sensor_bridge.home import Home, write_private
from sensor_bridge.settings import settings_from
from sensor_bridge.store import (
    Outbox,
    RecordKind,
    Refused,
    SessionHeader,
    SessionWriter,
    delete_session,
    list_sessions,
    load_session,
)

STEPS = 400


@pytest.fixture
def record(
    home: Home, make_step: Callable[..., Step], make_contact: Callable[[int], Contact]
) -> Callable[[SessionHeader], None]:
    """Store a session that has something in every table."""

    def run(header: SessionHeader) -> None:
        writer = SessionWriter(home, header, lambda notice: None, commit_interval_s=0.01)
        writer.start()
        for i in range(1, STEPS + 1):
            writer.put_raw(RecordKind.PACKET, 0, i, bytes(80))
            writer.put(make_contact(i))
            writer.put(make_step(i))
        writer.put(PodGap("L-1", 1.0, 2.0, 3, "radio"))
        writer.put(PodState("L-1", "left", "foot", 1.0, "streaming"))
        writer.put(CueMark("left", 1, 1.0, 0.02))
        writer.put(Notice(1.0, "info", f"Hello {header.runner}."))
        writer.close(300.0)
        write_private(home.report(header.session_id), f"<html>{header.runner}</html>".encode())

    return run


def files_that_name(home: Home, runner: str) -> list[str]:
    return [p.name for p in home.data_dir.rglob("*") if p.is_file() and runner.encode() in p.read_bytes()]


def test_nothing_of_a_deleted_session_is_left(
    home: Home, header: SessionHeader, record: Callable[[SessionHeader], None]
) -> None:
    record(header)
    outbox = Outbox(home.database)
    rows = outbox.peek("mqtt", 150)
    outbox.acknowledge(rows, [Refused(rows[0], f"will not have {header.runner}")])
    outbox.close()
    assert sorted(files_that_name(home, header.runner)) == ["packets.shoepod", "report.html", "shoepod.sqlite3"]

    size = home.database.stat().st_size
    summary = delete_session(home, "last")
    assert files_that_name(home, header.runner) == []
    assert list_sessions(home) == []
    assert list(home.sessions_dir.iterdir()) == []
    assert home.database.stat().st_size < size / 2
    assert (summary.results, summary.files) == (2 * STEPS + 4, 2)
    assert summary.unsent == 2 * STEPS - 149
    assert summary.on_servers == {"mqtt": 149}
    text = "\n".join(summary.lines())
    assert "149 steps were already sent to the MQTT broker" in text
    assert "time-series" not in text


def test_other_sessions_stay(
    home: Home,
    header: SessionHeader,
    another: Callable[[str], SessionHeader],
    record: Callable[[SessionHeader], None],
) -> None:
    record(another("first"))
    record(another("second"))
    delete_session(home, "first")
    assert [s.session_id for s in list_sessions(home)] == ["second"]
    kept = load_session(home, "second")
    assert len(kept.steps) == STEPS
    assert kept.pending == {"influx": STEPS, "mqtt": STEPS}
    assert kept.archive.exists()


def test_while_a_bridge_runs_its_session_stays_and_others_can_go(
    home: Home,
    header: SessionHeader,
    another: Callable[[str], SessionHeader],
    record: Callable[[SessionHeader], None],
) -> None:
    record(header)
    live = replace(another("live"), settings=settings_from({"runner": {"name": "Somebody"}}, "test"))
    with home.lock():
        writer = SessionWriter(home, live, lambda notice: None)
        writer.start()
        writer.flush()
        with pytest.raises(SessionError, match="still running"):
            delete_session(home, "live")
        delete_session(home, header.session_id)
        assert files_that_name(home, header.runner) == []
        writer.put(Notice(0.5, "info", "still storing"))
        writer.close(1.0)
    assert len(load_session(home, "live").notices) == 1


def test_an_unknown_session_is_one_sentence(home: Home) -> None:
    with pytest.raises(SessionError, match="no sessions yet"):
        delete_session(home, "nothing")
    assert not home.database.exists()


def test_rows_that_a_drainer_still_holds_do_not_come_back(
    home: Home, header: SessionHeader, record: Callable[[SessionHeader], None]
) -> None:
    record(header)
    outbox = Outbox(home.database)
    rows = outbox.peek("influx", 50)
    delete_session(home, "last")
    assert outbox.acknowledge(rows, [Refused(rows[0], "late")]) == 0
    assert outbox.pending_by_sink() == {}
    assert outbox.parked("influx") == 0
    outbox.close()
