"""Deleting a session: everything of it that is on this computer, and a plain word on what is not."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..errors import SessionError
from ..home import Home
from .database import load_session, rows_by_sink
from .schema import opened, settle, transaction

_SERVERS = {"mqtt": "the MQTT broker and whoever listened to it", "influx": "the time-series database"}


@dataclass(frozen=True, slots=True)
class DeleteSummary:
    """What was deleted here and what remains elsewhere.

    Attributes
    ----------
    results : int
        Steps, contacts, gaps and all other rows.
    files : int
        Raw packets and reports.
    file_bytes : int
    unsent : int
        Outbox rows that no server has seen and none will.
    on_servers : mapping of sink name to int
        Rows that a server has taken; they remain there.
    """

    session_id: str
    results: int
    files: int
    file_bytes: int
    unsent: int
    on_servers: Mapping[str, int]

    def lines(self) -> list[str]:
        """Return it in sentences."""
        lines = [
            f"Deleted {self.session_id}: {self.results} results, {self.files} files "
            f"({self.file_bytes / 1e6:.1f} MB), {self.unsent} rows not sent yet."
        ]
        lines += [
            f"{rows} steps were already sent to {_SERVERS.get(sink, sink)}; delete them there "
            f"(session = {self.session_id})."
            for sink, rows in self.on_servers.items()
        ]
        lines.append("Reports and CSV files that were saved elsewhere are not touched.")
        return lines


def delete_session(home: Home, name: str) -> DeleteSummary:
    """Delete a session's rows, packets, reports and outbox entries; ``name`` as in `load_session`.

    Deleted content is overwritten in the database, which gives the space back.

    Raises
    ------
    SessionError
        There is no such session, it is still running, or something of it cannot be deleted.
    """
    record = load_session(home, name)
    session_id = record.summary.session_id
    if record.summary.state == "running":
        raise SessionError(f"the session {session_id} is still running; stop it first")
    # Files first: if anything fails, the session is still listed and can be deleted again.
    files, file_bytes = _delete_folder(home.session_dir(session_id))
    with opened(home.database) as connection:
        with transaction(connection):
            unsent = sum(rows_by_sink(connection, "outbox", session_id).values())
            unsent += sum(rows_by_sink(connection, "parked", session_id).values())
            connection.execute("DELETE FROM sessions WHERE id = ?", (session_id,))
        _give_space_back(connection)
    results = sum(
        len(rows)
        for rows in (
            record.contacts,
            record.steps,
            record.calibrations,
            record.activities,
            record.gaps,
            record.pods,
            record.cues,
            record.notices,
        )
    )
    return DeleteSummary(session_id, results, files, file_bytes, unsent, record.delivered)


def _delete_folder(folder: Path) -> tuple[int, int]:
    if not folder.exists():
        return 0, 0
    sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
    try:
        shutil.rmtree(folder)
    except OSError as error:
        raise SessionError(f"cannot delete {error.filename or folder}: {error.strerror}") from error
    return len(sizes), sum(sizes)


def _give_space_back(connection: sqlite3.Connection) -> None:
    # A running bridge may hold the database; then the zeroed pages are used again later.
    with contextlib.suppress(sqlite3.OperationalError):
        # execute() would free one page only: sqlite3 steps a statement without columns once.
        connection.executescript("PRAGMA incremental_vacuum")
        # Old page images stay in the write-ahead log until it is emptied.
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    settle(connection)
