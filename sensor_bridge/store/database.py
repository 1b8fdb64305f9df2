"""What the store holds, read back: the list of sessions and one session as typed values."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

from gait_signal.types import ActivityChange, Calibrated, Contact, Step

from ..errors import SessionError
from ..events import CueMark, Notice, PodGap, PodState
from ..home import Home
from .rows import load_events
from .schema import opened

SessionState: TypeAlias = Literal["running", "closed", "interrupted"]

LAST: Final = "last"
"""Stands for the session that was started last wherever a session is named."""


@dataclass(frozen=True, slots=True)
class SessionSummary:
    """A line of the session list.

    Attributes
    ----------
    started_utc, ended_utc : datetime
        The end is None while it runs and for a session whose end nobody has written yet.
    state : str
        ``interrupted`` also when it says ``running`` but no bridge holds the home.
    """

    session_id: str
    runner: str
    started_utc: datetime
    zone: str
    core_version: str
    state: SessionState
    ended_utc: datetime | None
    steps: int


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """One session with all its results, each list in order of time.

    Attributes
    ----------
    settings : dict
        Tables that `sensor_bridge.settings.settings_from` reads.
    archive : Path
        The raw packets; the file may be missing.
    delivered, pending, parked : dict of sink name to int
        Rows that a server has taken, that wait, and that it refused.
    """

    summary: SessionSummary
    settings: dict[str, Any]
    archive: Path
    contacts: list[Contact]
    steps: list[Step]
    calibrations: list[Calibrated]
    activities: list[ActivityChange]
    gaps: list[PodGap]
    pods: list[PodState]
    cues: list[CueMark]
    notices: list[Notice]
    delivered: dict[str, int]
    pending: dict[str, int]
    parked: dict[str, int]


_SUMMARY_SQL: Final = "SELECT id, runner, started_utc, zone, core_version, state, ended_utc, steps FROM sessions"


def list_sessions(home: Home) -> list[SessionSummary]:
    """Return all sessions, the oldest first; none if nothing was ever stored.

    Raises
    ------
    SessionError
        The database cannot be read.
    """
    if not home.database.exists():
        return []
    is_busy = home.is_busy()
    with opened(home.database) as connection:
        rows = connection.execute(f"{_SUMMARY_SQL} ORDER BY started_utc, id").fetchall()
    return [_summary(row, is_busy=is_busy) for row in rows]


def resolve_session(home: Home, name: str) -> str:
    """Return the id that a person means by an id, the beginning of only one id, or ``last``.

    Raises
    ------
    SessionError
        There is no such session, or more than one.
    """
    with opened(home.database) as connection:
        return _resolve(connection, name)


def load_session(home: Home, name: str) -> SessionRecord:
    """Return one session; ``name`` as in `resolve_session`.

    Raises
    ------
    SessionError
        There is no such session, more than one, or the database cannot be read.
    """
    is_busy = home.is_busy() if home.database.exists() else False
    with opened(home.database) as connection:
        connection.execute("BEGIN")  # one snapshot, though a bridge may be writing
        session_id = _resolve(connection, name)
        row = connection.execute(f"{_SUMMARY_SQL} WHERE id = ?", (session_id,)).fetchone()
        settings = connection.execute("SELECT settings FROM sessions WHERE id = ?", (session_id,)).fetchone()
        return SessionRecord(
            summary=_summary(row, is_busy=is_busy),
            settings=json.loads(settings[0]),
            archive=home.archive(session_id),
            contacts=load_events(connection, session_id, Contact),
            steps=load_events(connection, session_id, Step),
            calibrations=load_events(connection, session_id, Calibrated),
            activities=load_events(connection, session_id, ActivityChange),
            gaps=load_events(connection, session_id, PodGap),
            pods=load_events(connection, session_id, PodState),
            cues=load_events(connection, session_id, CueMark),
            notices=load_events(connection, session_id, Notice),
            delivered=_counts(connection, "SELECT sink, rows FROM deliveries WHERE session_id = ?", session_id),
            pending=rows_by_sink(connection, "outbox", session_id),
            parked=rows_by_sink(connection, "parked", session_id),
        )


def rows_by_sink(connection: sqlite3.Connection, table: Literal["outbox", "parked"], session_id: str) -> dict[str, int]:
    """Return how many rows of a session wait, or are parked, for each sink that has any.

    Raises
    ------
    sqlite3.Error
    """
    return _counts(connection, f"SELECT sink, count(*) FROM {table} WHERE session_id = ? GROUP BY sink", session_id)


def _counts(connection: sqlite3.Connection, sql: str, session_id: str) -> dict[str, int]:
    return dict(sorted(connection.execute(sql, (session_id,))))


def _resolve(connection: sqlite3.Connection, name: str) -> str:
    if name == LAST:
        row = connection.execute("SELECT id FROM sessions ORDER BY started_utc DESC, id DESC LIMIT 1").fetchone()
        if row is None:
            raise SessionError("there are no sessions yet; shoepod run records one")
        return str(row[0])
    ids = [str(row[0]) for row in connection.execute("SELECT id FROM sessions ORDER BY id")]
    if name in ids:
        return name
    matches = [i for i in ids if name and i.startswith(name)]
    if len(matches) > 1:
        raise SessionError(
            f"{name!r} is the beginning of {len(matches)} sessions ({matches[0]} to {matches[-1]}); "
            "give more of the name"
        )
    if not matches:
        raise SessionError(f"there is no session {name!r}; shoepod sessions lists them")
    return matches[0]


def _summary(row: tuple[Any, ...], *, is_busy: bool) -> SessionSummary:
    session_id, runner, started_utc, zone, core_version, state, ended_utc, steps = row
    if state == "running" and not is_busy:
        state = "interrupted"
    return SessionSummary(
        session_id,
        runner,
        datetime.fromisoformat(started_utc),
        zone,
        core_version,
        state,
        None if ended_utc is None else datetime.fromisoformat(ended_utc),
        steps,
    )
