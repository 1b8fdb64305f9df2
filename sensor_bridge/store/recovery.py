"""Closing sessions whose bridge died: what the archive holds beyond the database is brought in.

A bridge that was killed leaves its session in state ``running``. The next one holds the lock, so such a
session can only be a dead one. Its archive is complete up to a quarter of a second before the kill; feeding
it through the engine once more gives all results, and those that are not stored yet are added, together with
their outbox rows. Afterwards the store equals ``analyze --as-live``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeAlias

from ..errors import SessionError
from ..events import Notice, SessionEvent
from ..home import Home
from .archive import ArchiveReader
from .results import ResultStore
from .schema import opened, settle, transaction

Reanalyze: TypeAlias = Callable[[Path], Iterable[SessionEvent]]
"""Feeds an archive through the session engine and gives all its events."""


@dataclass(frozen=True, slots=True)
class Recovered:
    """What was done with one interrupted session.

    Attributes
    ----------
    steps_added : int
        Steps that the archive held and the database lacked.
    torn_bytes : int
        Length of the record that the kill cut short.
    problem : str
        Why the archive could not be re-analysed; empty if it could.
    """

    session_id: str
    steps_added: int
    torn_bytes: int
    problem: str


def close_interrupted(home: Home, reanalyze: Reanalyze | None = None) -> list[Recovered]:
    """Close every session whose bridge died. The caller holds the home's lock.

    A damaged archive does not stop it: the session is closed with what the database has, and a notice in the
    session says so.

    Raises
    ------
    SessionError
        The database cannot be used.
    """
    if not home.database.exists():
        return []
    with opened(home.database) as connection:
        rows = connection.execute(
            "SELECT id, runner, started_utc, sinks FROM sessions WHERE state = 'running' ORDER BY started_utc"
        ).fetchall()
        done = []
        for session_id, runner, started_utc, sinks in rows:
            anchor = datetime.fromisoformat(started_utc)
            results = ResultStore(connection, session_id, runner, anchor, json.loads(sinks))
            done.append(_close(results, home.archive(session_id), reanalyze))
        if rows:
            settle(connection)
    return done


def _close(results: ResultStore, archive: Path, reanalyze: Reanalyze | None) -> Recovered:
    events: list[SessionEvent] = []
    problem, torn_bytes, end_s = "", 0, 0.0
    try:
        reader = ArchiveReader(archive)
        for record in reader:
            end_s = max(end_s, record.session_ns * 1e-9)
        torn_bytes = reader.left_over_bytes
        if reanalyze is not None:
            events = list(reanalyze(archive))
    except Exception as error:  # one session that cannot be read must not keep the bridge from starting
        problem = str(error) if isinstance(error, SessionError) else repr(error)
        text = f"The last moments before the interruption could not be brought back: {problem}"
        events = [Notice(end_s, "warning", text)]
    results.add(events)
    with transaction(results.connection):
        results.connection.execute(
            "UPDATE sessions SET state = 'interrupted', ended_utc = ? WHERE id = ?",
            ((results.started_utc + timedelta(seconds=end_s)).isoformat(), results.session_id),
        )
    return Recovered(results.session_id, results.steps_added, torn_bytes, problem)
