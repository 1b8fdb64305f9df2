from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import replace

import pytest

from gait_signal.types import Contact, Step
from sensor_bridge.errors import SessionError
from sensor_bridge.events import CueMark, Notice
from sensor_bridge.home import Home
from sensor_bridge.settings import Settings
from sensor_bridge.store import (
    ArchiveReader,
    Outbox,
    RecordKind,
    SessionHeader,
    SessionWriter,
    delete_session,
    list_sessions,
    load_session,
)
from sensor_bridge.store import schema as schema_module
from sensor_bridge.store import writer as writer_module
from sensor_bridge.store.results import ResultStore


def open_writer(home: Home, header: SessionHeader, notices: list[Notice], *, resume: bool = False) -> SessionWriter:
    writer = SessionWriter(home, header, notices.append, resume=resume, commit_interval_s=0.01)
    writer.start()
    return writer


def test_what_is_put_is_stored(
    home: Home,
    header: SessionHeader,
    notices: list[Notice],
    make_step: Callable[..., Step],
    make_contact: Callable[[int], Contact],
) -> None:
    writer = open_writer(home, header, notices)
    cue = CueMark("left", 1, 0.9, 0.02)
    for step_id in range(1, 31):
        writer.put_raw(RecordKind.PACKET, 0, step_id * 700_000_000, bytes([step_id]))
        writer.put(make_contact(step_id))
        writer.put(make_step(step_id))
    writer.put(cue)
    writer.close(30.0)
    record = load_session(home, "last")
    assert record.steps == [make_step(i) for i in range(1, 31)]
    assert record.contacts == [make_contact(i) for i in range(1, 31)]
    assert record.cues == [cue]
    assert record.pending == {"influx": 30, "mqtt": 30}
    records = list(ArchiveReader(record.archive))
    assert records[0].kind is RecordKind.META
    assert SessionHeader.from_meta(records[0].json()) == header
    assert [r.payload for r in records[1:-1]] == [bytes([i]) for i in range(1, 31)]
    assert (records[-1].kind, records[-1].session_ns) == (RecordKind.END, 30_000_000_000)
    assert notices == []


def test_flush_means_readable_by_others(
    home: Home, header: SessionHeader, notices: list[Notice], make_step: Callable[..., Step]
) -> None:
    with home.lock():
        writer = open_writer(home, header, notices)
        writer.put_raw(RecordKind.PACKET, 0, 1, b"raw")
        writer.put(make_step(1))
        writer.flush()
        record = load_session(home, header.session_id)
        assert record.steps == [make_step(1)]
        assert record.summary.state == "running"
        assert record.summary.ended_utc is None
        assert [r.payload for r in ArchiveReader(record.archive)][1:] == [b"raw"]
        assert (writer.stats().steps_stored, writer.stats().backlog) == (1, 0)
        writer.close(1.0)


def test_packets_reach_the_disk_before_the_results_derived_from_them(
    home: Home,
    header: SessionHeader,
    notices: list[Notice],
    make_step: Callable[..., Step],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[tuple[int, int]] = []
    add = ResultStore.add

    def spy(self: ResultStore, events: list[Step]) -> None:
        packets = sum(record.kind is RecordKind.PACKET for record in ArchiveReader(home.archive(header.session_id)))
        seen.append((packets, max(step.step_id for step in events)))
        add(self, events)

    monkeypatch.setattr(ResultStore, "add", spy)
    writer = open_writer(home, header, notices)
    for step_id in range(1, 101):
        writer.put_raw(RecordKind.PACKET, 0, step_id, b"raw")
        writer.put(make_step(step_id))
        if step_id % 20 == 0:
            writer.flush()
    writer.close(70.0)
    assert len(seen) >= 5
    assert all(packets >= step_id for packets, step_id in seen)


def test_a_step_put_twice_is_stored_and_sent_once(
    home: Home, header: SessionHeader, notices: list[Notice], make_step: Callable[..., Step]
) -> None:
    writer = open_writer(home, header, notices)
    writer.put(make_step(1))
    writer.flush()
    writer.put(make_step(1))
    writer.put(make_step(2))
    writer.close(2.0)
    record = load_session(home, "last")
    assert [step.step_id for step in record.steps] == [1, 2]
    assert record.pending == {"influx": 2, "mqtt": 2}
    assert writer.stats().steps_stored == 2


def test_with_no_sink_switched_on_the_outbox_stays_empty(
    home: Home, header: SessionHeader, notices: list[Notice], make_step: Callable[..., Step]
) -> None:
    writer = open_writer(home, replace(header, settings=Settings()), notices)
    writer.put(make_step(1))
    writer.close(1.0)
    assert load_session(home, "last").pending == {}


def test_a_session_goes_on_after_a_resume(
    home: Home, header: SessionHeader, notices: list[Notice], make_step: Callable[..., Step]
) -> None:
    writer = open_writer(home, header, notices)
    writer.put(make_step(1))
    writer.close(1.0, "interrupted")
    with home.archive(header.session_id).open("ab") as file:
        file.write(b"torn")
    writer = open_writer(home, header, notices, resume=True)
    writer.put_raw(RecordKind.RESUME, 255, 2, b"{}")
    writer.put(make_step(1))
    writer.put(make_step(2))
    writer.close(90.0)
    record = load_session(home, "last")
    assert [step.step_id for step in record.steps] == [1, 2]
    assert record.summary.state == "closed"
    kinds = [r.kind for r in ArchiveReader(record.archive)]
    assert kinds == [RecordKind.META, RecordKind.RESUME, RecordKind.END]


def test_resuming_a_damaged_session_is_said_and_what_is_cut_off_stays_until_it_is_deleted(
    home: Home, header: SessionHeader, notices: list[Notice]
) -> None:
    writer = open_writer(home, header, notices)
    for k in range(200):
        writer.put_raw(RecordKind.PACKET, 0, k, bytes(1000))
    writer.close(60.0, "interrupted")
    archive = home.archive(header.session_id)
    data = bytearray(archive.read_bytes())
    data[len(data) // 10] ^= 1
    archive.write_bytes(data)
    open_writer(home, header, notices, resume=True).close(90.0)
    aside = archive.with_name("packets.shoepod.damaged-1")
    assert [(notice.level, str(aside) in notice.text) for notice in notices] == [("warning", True)]
    assert 0.89 * len(data) < aside.stat().st_size < 0.91 * len(data)
    assert delete_session(home, header.session_id).files == 2
    assert list(home.sessions_dir.iterdir()) == []


def test_what_cannot_begin_or_resume_is_one_sentence(
    home: Home, header: SessionHeader, notices: list[Notice], another: Callable[[str], SessionHeader]
) -> None:
    open_writer(home, header, notices).close(1.0)
    with pytest.raises(SessionError, match="exists already"):
        open_writer(home, header, notices)
    with pytest.raises(SessionError, match="cannot read the packets"):
        open_writer(home, another("unknown"), notices, resume=True)
    assert [s.session_id for s in list_sessions(home)] == [header.session_id]
    assert load_session(home, "last").summary.state == "closed"


def test_a_value_the_tables_cannot_hold_is_counted_and_harms_nothing_else(
    home: Home, header: SessionHeader, notices: list[Notice], make_step: Callable[..., Step]
) -> None:
    writer = open_writer(home, header, notices)
    writer.put(make_step(1, finalized_s=float("nan")))
    writer.put(make_step(2))
    writer.close(2.0)
    assert [step.step_id for step in load_session(home, "last").steps] == [2]
    assert writer.stats().events_rejected == 1


def test_while_another_program_holds_the_database_results_wait(
    home: Home,
    header: SessionHeader,
    notices: list[Notice],
    make_step: Callable[..., Step],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(schema_module, "_BUSY_PATIENCE_S", 0.01)
    refused = threading.Event()
    add = ResultStore.add

    def spy(self: ResultStore, events: list[Step]) -> None:
        try:
            add(self, events)
        except sqlite3.OperationalError:
            refused.set()
            raise

    monkeypatch.setattr(ResultStore, "add", spy)
    writer = open_writer(home, header, notices)
    holder = sqlite3.connect(home.database, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    writer.put(make_step(1))
    assert refused.wait(10)
    holder.execute("ROLLBACK")
    holder.close()
    writer.put(make_step(2))
    writer.close(2.0)
    assert [step.step_id for step in load_session(home, "last").steps] == [1, 2]
    assert notices == []


def test_little_free_space_is_said_at_the_start(
    home: Home, header: SessionHeader, notices: list[Notice], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Home, "free_bytes", lambda self: 150_000_000)
    open_writer(home, header, notices).close(1.0)
    assert [notice.text[:25] for notice in notices] == ["Only 150 MB are free for "]


def test_a_disk_that_hangs_ends_storing_before_memory_does(
    home: Home, header: SessionHeader, notices: list[Notice], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "MAX_BACKLOG", 100)
    hang, let_go = threading.Event(), threading.Event()

    def stuck(self: ResultStore, events: object) -> None:
        hang.set()
        let_go.wait(10)

    monkeypatch.setattr(ResultStore, "add", stuck)
    writer = open_writer(home, header, notices)
    writer.put(Notice(0.0, "info", "x"))
    assert hang.wait(10)
    for i in range(1000):
        writer.put_raw(RecordKind.PACKET, 0, i, b"")
    assert writer.stats().backlog <= 100
    assert [("does not keep up" in notice.text) for notice in notices] == [True]
    let_go.set()
    writer.close(1.0)


def test_a_defect_in_the_thread_is_said_and_nobody_waits_for_ever(
    home: Home, header: SessionHeader, notices: list[Notice], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: ResultStore, events: object) -> None:
        raise RuntimeError("a defect")

    monkeypatch.setattr(ResultStore, "add", broken)
    writer = open_writer(home, header, notices)
    writer.put(Notice(0.0, "info", "x"))
    writer.flush()
    writer.put(Notice(1.0, "info", "y"))
    writer.flush()
    writer.close(1.0)
    assert len(notices) == 1
    assert "a defect" in notices[0].text
    assert not writer.stats().is_storing
    assert load_session(home, "last").summary.state == "interrupted"


def test_files_are_private_whatever_the_umask(home: Home, header: SessionHeader, notices: list[Notice]) -> None:
    before = os.umask(0)
    try:
        writer = open_writer(home, header, notices)
        writer.put(Notice(0.0, "info", "x"))
        writer.flush()
        while_running = list(home.data_dir.rglob("*"))
        assert any(p.name.endswith("-wal") for p in while_running)
        modes = {(p.is_dir(), p.stat().st_mode & 0o777) for p in while_running}
        writer.close(1.0)
    finally:
        os.umask(before)
    assert modes == {(True, 0o700), (False, 0o600)}
    at_rest = {(p.is_dir(), p.stat().st_mode & 0o777) for p in home.data_dir.rglob("*")}
    assert at_rest == modes


def test_the_outbox_is_read_while_the_session_is_written(
    home: Home, header: SessionHeader, notices: list[Notice], make_step: Callable[..., Step]
) -> None:
    writer = open_writer(home, header, notices)
    outbox = Outbox(home.database)
    got: list[int] = []
    for step_id in range(1, 51):
        writer.put(make_step(step_id))
        if step_id % 10 == 0:
            writer.flush()
            rows = outbox.peek("mqtt", 100)
            got += [row.payload["step_id"] for row in rows]
            assert outbox.acknowledge(rows) == len(rows)
    writer.close(35.0)
    outbox.close()
    assert got == list(range(1, 51))
    record = load_session(home, "last")
    assert (record.delivered, record.pending) == ({"mqtt": 50}, {"influx": 50})
    assert sorted(p.name for p in home.data_dir.glob("shoepod*")) == ["shoepod.sqlite3"]
