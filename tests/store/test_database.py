from __future__ import annotations

import dataclasses
import sqlite3
import types
import typing
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gait_signal.types import ActivityChange, Calibrated, Contact, Step
from sensor_bridge.errors import SessionError
from sensor_bridge.events import CueMark, Notice, PodGap, PodState
from sensor_bridge.home import Home
from sensor_bridge.store import (
    SessionHeader,
    SessionWriter,
    list_sessions,
    load_session,
    new_session_id,
    resolve_session,
)
from sensor_bridge.store import schema as schema_module
from sensor_bridge.store.rows import insert_event, load_events
from sensor_bridge.store.schema import connect, opened, transaction

KINDS = (Contact, Step, Calibrated, ActivityChange, PodGap, PodState, CueMark, Notice)


def values_for(hint: Any) -> st.SearchStrategy[Any]:
    """Return values of a field; floats are finite, since NaN is stored as None."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if hint is float:
        return st.floats(allow_nan=False, allow_infinity=False)
    if hint is int:
        return st.integers(0, 2**62)
    if hint is str:
        return st.text(max_size=20)
    if hint is bool or hint is type(None):
        return st.sampled_from([True, False] if hint is bool else [None])
    if dataclasses.is_dataclass(hint):
        return events(hint)
    if origin is typing.Literal:
        return st.sampled_from(args)
    if origin is tuple:
        return st.tuples(*map(values_for, args))
    assert origin in (typing.Union, types.UnionType), hint
    return st.one_of(*map(values_for, args))


def events(kind: Any) -> st.SearchStrategy[Any]:
    hints = typing.get_type_hints(kind)
    return st.builds(kind, **{name: values_for(hint) for name, hint in hints.items()})


def open_memory() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    for script in schema_module.MIGRATIONS:
        connection.executescript(script)
    connection.execute("INSERT INTO sessions VALUES ('s', 'r', '', '', '', '{}', '[]', 'running', NULL, 0)")
    return connection


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_every_event_comes_back_as_it_was(kind: Any, data: st.DataObject) -> None:
    event = data.draw(events(kind))
    connection = open_memory()
    try:
        assert insert_event(connection, "s", event)
        assert load_events(connection, "s", kind) == [event]
        insert_event(connection, "s", event)
        assert load_events(connection, "s", kind) == [event]
    finally:
        connection.close()


def test_a_step_is_stored_once_and_its_first_form_stays(make_step: Callable[..., Step]) -> None:
    connection = open_memory()
    assert insert_event(connection, "s", make_step(1))
    assert not insert_event(connection, "s", make_step(1, strike="forefoot"))
    assert insert_event(connection, "s", make_step(1, foot="right"))
    assert [step.strike for step in load_events(connection, "s", Step)] == ["rearfoot", "rearfoot"]
    connection.close()


def test_of_pod_states_the_latest_is_kept() -> None:
    connection = open_memory()
    early, late = (PodState("L-1", "left", "foot", at_s, "streaming") for at_s in (1.0, 2.0))
    insert_event(connection, "s", early)
    insert_event(connection, "s", late)
    assert load_events(connection, "s", PodState) == [late]
    connection.close()


def test_numpy_values_and_nan_are_stored_plainly(make_step: Callable[..., Step]) -> None:
    connection = open_memory()
    step = make_step(np.int64(1), ic_s=np.float64(0.5), to_s=float("nan"), clipped=np.True_, gap_touched=np.False_)
    insert_event(connection, "s", step)
    assert load_events(connection, "s", Step) == [make_step(1, ic_s=0.5, to_s=None, clipped=True)]
    connection.close()


def test_a_value_that_must_not_be_missing_is_refused_aloud(make_step: Callable[..., Step]) -> None:
    connection = open_memory()
    with pytest.raises(sqlite3.IntegrityError):
        insert_event(connection, "s", make_step(1, ic_s=float("nan")))
    connection.close()


# ---- sessions ---------------------------------------------------------------------------------------


def store(home: Home, header: SessionHeader) -> None:
    writer = SessionWriter(home, header, lambda notice: None, commit_interval_s=0.01)
    writer.start()
    writer.close(60.0)


def test_without_a_database_there_are_no_sessions(home: Home) -> None:
    assert list_sessions(home) == []
    with pytest.raises(SessionError, match="no sessions yet"):
        load_session(home, "last")
    assert not home.database.exists()


def test_sessions_are_found_by_id_beginning_and_last(
    home: Home, another: Callable[[str], SessionHeader], header: SessionHeader
) -> None:
    store(home, another("20260301-aa"))
    store(home, replace(header, session_id="20260302-ab", started_utc=datetime(2026, 3, 2, tzinfo=UTC)))
    assert [s.session_id for s in list_sessions(home)] == ["20260301-aa", "20260302-ab"]
    assert resolve_session(home, "last") == "20260302-ab"
    assert resolve_session(home, "20260301") == "20260301-aa"
    assert resolve_session(home, "20260301-aa") == "20260301-aa"
    with pytest.raises(SessionError, match="beginning of 2 sessions"):
        resolve_session(home, "202603")
    for unknown in ("", "x", "%", "20260301-aaa"):
        with pytest.raises(SessionError, match="no session"):
            resolve_session(home, unknown)


def test_a_session_comes_back_with_its_facts(home: Home, header: SessionHeader) -> None:
    store(home, header)
    record = load_session(home, "last")
    assert record.summary.runner == header.runner
    assert record.summary.started_utc == header.started_utc
    assert record.summary.ended_utc == datetime(2026, 3, 1, 7, 1, 0, 123456, tzinfo=UTC)
    assert record.summary.zone == header.zone
    assert record.summary.state == "closed"
    assert record.settings["mqtt"]["enabled"] is True
    assert record.archive.exists()


def test_ids_sort_by_time_and_differ() -> None:
    start = datetime(2026, 3, 1, 7, 0, 0, tzinfo=UTC)
    assert new_session_id(start).startswith("20260301-070000-")
    assert len({new_session_id(start) for _ in range(50)}) > 40


# ---- the file ---------------------------------------------------------------------------------------


def test_at_rest_the_database_is_one_plain_file(home: Home, header: SessionHeader) -> None:
    store(home, header)
    read_only = sqlite3.connect(f"{home.database.as_uri()}?mode=ro", uri=True)
    assert read_only.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    read_only.close()
    assert [path.name for path in home.data_dir.glob("shoepod.sqlite3*")] == ["shoepod.sqlite3"]


def test_a_file_that_is_no_database_is_one_sentence(home: Home) -> None:
    home.database.write_bytes(b"not a database, " * 100)
    with pytest.raises(SessionError, match="file is not a database"):
        list_sessions(home)


def test_another_programs_database_is_left_alone(home: Home) -> None:
    with sqlite3.connect(home.database) as theirs:
        theirs.execute("CREATE TABLE mail (x)")
    theirs.close()
    before = home.database.read_bytes()
    with pytest.raises(SessionError, match="another program"):
        list_sessions(home)
    assert home.database.read_bytes() == before


def test_a_newer_database_asks_for_an_update(home: Home) -> None:
    connect(home.database, create=True).close()
    with sqlite3.connect(home.database) as newer:
        newer.execute("PRAGMA user_version = 99")
    newer.close()
    with pytest.raises(SessionError, match="newer shoepod"):
        list_sessions(home)


def test_an_older_database_is_brought_up_to_date(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(home.database, create=True) as connection, transaction(connection):
        connection.execute("INSERT INTO sessions VALUES ('s', 'r', '', '', '', '{}', '[]', 'closed', NULL, 0)")
    migrations = (*schema_module.MIGRATIONS, "ALTER TABLE sessions ADD COLUMN shoes TEXT;\n")
    monkeypatch.setattr(schema_module, "MIGRATIONS", migrations)
    with opened(home.database) as connection:
        assert connection.execute("SELECT id, shoes FROM sessions").fetchall() == [("s", None)]
        assert connection.execute("PRAGMA user_version").fetchone() == (len(migrations),)


def test_a_migration_that_fails_changes_nothing(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    connect(home.database, create=True).close()
    bad = "CREATE TABLE extra (x);\nCREATE TABLE extra (x);\n"
    monkeypatch.setattr(schema_module, "MIGRATIONS", (*schema_module.MIGRATIONS, bad))
    with pytest.raises(SessionError, match="already exists"):
        connect(home.database)
    monkeypatch.undo()
    with opened(home.database) as connection:
        assert connection.execute("SELECT name FROM sqlite_schema WHERE name = 'extra'").fetchall() == []


def test_the_folder_may_have_any_name(tmp_path: Path, header: SessionHeader) -> None:
    home = Home.locate({"SHOEPOD_HOME": str(tmp_path / "a b?c#d%20é")}).ensure()
    store(home, header)
    assert len(list_sessions(home)) == 1
