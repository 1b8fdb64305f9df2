"""The database's tables, their version, and how a connection to it is opened.

One SQLite file per home. Times ending in ``_s`` are session time; UTC times are ISO 8601 text. All else is SI
and radians, as in `gait_signal.types`, whose field names the columns carry.

While a bridge runs, the file is in WAL mode with ``synchronous=FULL``: a committed transaction survives a
kill and a power cut, and readers never wait. At rest it goes back to one plain file (`settle`), which a tool
that may not write beside it can open. ``secure_delete`` is on for every connection: what is deleted is
overwritten with zeros.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ..errors import SessionError
from ..home import touch_private

_BUSY_PATIENCE_S: Final = 10.0
_APPLICATION_ID: Final = 0x53504F44  # "SPOD"

_VERSION_1: Final = """
CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    runner TEXT NOT NULL,
    started_utc TEXT NOT NULL,
    zone TEXT NOT NULL,
    core_version TEXT NOT NULL,
    settings TEXT NOT NULL,
    sinks TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('running', 'closed', 'interrupted')),
    ended_utc TEXT,
    steps INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE contacts (
    session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    foot TEXT NOT NULL,
    step_id INTEGER NOT NULL,
    activity TEXT NOT NULL,
    ic_s REAL NOT NULL,
    decided_s REAL NOT NULL,
    strike TEXT,
    strike_confidence REAL,
    strike_angle_rad REAL,
    PRIMARY KEY (session_id, foot, step_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE steps (
    session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    foot TEXT NOT NULL,
    step_id INTEGER NOT NULL,
    activity TEXT NOT NULL,
    ic_s REAL NOT NULL,
    to_s REAL,
    contact_time_s REAL,
    flight_time_s REAL,
    swing_time_s REAL,
    stride_time_s REAL,
    cadence_spm REAL,
    strike TEXT,
    strike_confidence REAL,
    decided_s REAL NOT NULL,
    strike_final TEXT,
    strike_angle_rad REAL,
    knee_drive_rad REAL,
    knee_drive_sd_rad REAL,
    knee_drive_method TEXT NOT NULL,
    knee_drive_rel_standing_rad REAL,
    stride_length_m REAL,
    speed_mps REAL,
    ankle_clearance_m REAL,
    contact_to_knee_peak_s REAL,
    gap_touched INTEGER NOT NULL,
    clipped INTEGER NOT NULL,
    calibration TEXT NOT NULL,
    finalized_s REAL NOT NULL,
    PRIMARY KEY (session_id, foot, step_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE calibrations (
    session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    foot TEXT NOT NULL,
    acc_stand_x_mps2 REAL NOT NULL,
    acc_stand_y_mps2 REAL NOT NULL,
    acc_stand_z_mps2 REAL NOT NULL,
    gyr_bias_x_radps REAL NOT NULL,
    gyr_bias_y_radps REAL NOT NULL,
    gyr_bias_z_radps REAL NOT NULL,
    source TEXT NOT NULL,
    duration_s REAL NOT NULL,
    decided_s REAL NOT NULL,
    PRIMARY KEY (session_id, foot, decided_s)
) STRICT, WITHOUT ROWID;

CREATE TABLE activities (
    session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    foot TEXT NOT NULL,
    activity TEXT NOT NULL,
    since_s REAL NOT NULL,
    decided_s REAL NOT NULL,
    PRIMARY KEY (session_id, foot, decided_s, activity)
) STRICT, WITHOUT ROWID;

CREATE TABLE gaps (
    session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    serial TEXT NOT NULL,
    from_s REAL NOT NULL,
    to_s REAL NOT NULL,
    packets_lost INTEGER NOT NULL,
    cause TEXT NOT NULL,
    PRIMARY KEY (session_id, serial, from_s, to_s, cause)
) STRICT, WITHOUT ROWID;

CREATE TABLE pod_states (
    session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    serial TEXT NOT NULL,
    side TEXT NOT NULL,
    role TEXT NOT NULL,
    at_s REAL NOT NULL,
    link TEXT NOT NULL,
    battery_percent INTEGER,
    packets_received INTEGER NOT NULL,
    packets_lost INTEGER NOT NULL,
    packets_late INTEGER NOT NULL,
    packets_duplicate INTEGER NOT NULL,
    clock_error_s REAL,
    PRIMARY KEY (session_id, serial)
) STRICT, WITHOUT ROWID;

CREATE TABLE cues (
    session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    foot TEXT NOT NULL,
    step_id INTEGER NOT NULL,
    at_s REAL NOT NULL,
    latency_s REAL NOT NULL,
    PRIMARY KEY (session_id, foot, step_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE notices (
    session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    at_s REAL NOT NULL,
    level TEXT NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (session_id, at_s, text)
) STRICT, WITHOUT ROWID;

-- What still has to go to a broker or database. A row leaves in the transaction that counts its delivery.
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    sink TEXT NOT NULL,
    session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    payload TEXT NOT NULL,
    created_utc TEXT NOT NULL
) STRICT;
CREATE INDEX outbox_by_sink ON outbox (sink, id);
CREATE INDEX outbox_by_session ON outbox (session_id);

-- Rows that a server refused for what they say; `sync` can offer them again.
CREATE TABLE parked (
    id INTEGER PRIMARY KEY,
    sink TEXT NOT NULL,
    session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    payload TEXT NOT NULL,
    created_utc TEXT NOT NULL,
    reason TEXT NOT NULL
) STRICT;
CREATE INDEX parked_by_session ON parked (session_id);

CREATE TABLE deliveries (
    session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    sink TEXT NOT NULL,
    rows INTEGER NOT NULL,
    PRIMARY KEY (session_id, sink)
) STRICT, WITHOUT ROWID;
"""

_VERSION_2: Final = """
ALTER TABLE steps ADD COLUMN impact_peak_mps2 REAL;
ALTER TABLE steps ADD COLUMN pronation_rad REAL;
ALTER TABLE steps ADD COLUMN pronation_peak_radps REAL;
"""

# Script n brings a database from version n to n + 1. Released scripts never change; add to the end.
MIGRATIONS: Final[tuple[str, ...]] = (_VERSION_1, _VERSION_2)


def connect(path: Path, *, create: bool = False, any_thread: bool = False) -> sqlite3.Connection:
    """Open the database, bringing an older one up to date.

    Parameters
    ----------
    path : Path
    create : bool
        Make it where it is missing, readable by its owner only.
    any_thread : bool
        Let threads share the connection, one after the other.

    Raises
    ------
    SessionError
        It is missing, unreadable, no database of ours, damaged or of a newer version.
    """
    if not create and not path.exists():
        raise SessionError(f"there are no sessions yet: {path} does not exist")
    try:
        if create:
            touch_private(path)
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=rw",
            uri=True,
            timeout=_BUSY_PATIENCE_S,
            isolation_level=None,
            check_same_thread=not any_thread,
        )
    except OSError as error:
        raise SessionError(f"cannot open {path}: {error.strerror}") from error
    except sqlite3.Error as error:
        raise SessionError(f"cannot open {path}: {error}") from error
    try:
        connection.executescript("PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON; PRAGMA synchronous = FULL")
        _migrate(connection, path)
    except sqlite3.Error as error:
        connection.close()
        raise SessionError(f"cannot read {path}: {error}") from error
    except BaseException:
        connection.close()
        raise
    return connection


@contextlib.contextmanager
def opened(path: Path, *, create: bool = False) -> Iterator[sqlite3.Connection]:
    """Open the database for the length of a ``with``; see `connect`.

    Raises
    ------
    SessionError
        As `connect`; also when reading or writing inside the ``with`` fails.
    """
    connection = connect(path, create=create)
    try:
        yield connection
    except sqlite3.Error as error:
        raise SessionError(f"cannot use {path}: {error}") from error
    finally:
        connection.close()


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Commit all of the ``with`` or none of it."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # SQLite itself rolls back after a full disk
            connection.execute("ROLLBACK")
        raise


def use_wal(connection: sqlite3.Connection) -> None:
    """Switch to write-ahead logging; where the file system cannot do it, the plain journal serves."""
    with contextlib.suppress(sqlite3.OperationalError):
        connection.execute("PRAGMA journal_mode = WAL")


def settle(connection: sqlite3.Connection) -> None:
    """Bring everything into the one file and leave WAL mode, unless somebody else has it open."""
    with contextlib.suppress(sqlite3.OperationalError):
        connection.execute("PRAGMA busy_timeout = 500")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("PRAGMA journal_mode = DELETE")


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    newest = len(MIGRATIONS)
    if connection.execute("PRAGMA user_version").fetchone()[0] == newest:
        return
    # Looked at again under the write lock: two commands may start at once. auto_vacuum has to be chosen
    # before the first table.
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    with transaction(connection):
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version > newest:
            raise SessionError(f"{path} was written by a newer shoepod; please update this one")
        if version == 0 and connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
            raise SessionError(f"{path} is a database of another program")
        for script in MIGRATIONS[version:]:
            for statement in _statements(script):
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {newest}")


def _statements(script: str) -> Iterator[str]:
    # executescript would commit first and so break the transaction around the migration.
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
