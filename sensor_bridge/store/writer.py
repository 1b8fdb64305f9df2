"""The store thread: takes packets and results from the session without ever making it wait.

Every quarter of a second it writes the packets that have come, then commits the results that came with them:
the archive always holds what a stored result was derived from, and after a kill at most the last quarter
second of results is missing, which re-analysis of the archive brings back.

A disk that is full or broken ends storing with one notice. The session itself goes on; what is stored stays
readable.
"""

from __future__ import annotations

import contextlib
import errno
import json
import sqlite3
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, TypeAlias

from ..errors import BridgeError, SessionError
from ..events import Notice, SessionEvent
from ..home import PRIVATE_FOLDER, Home
from ..settings import settings_to_table
from .archive import NO_POD, ArchiveWriter, RecordKind, json_payload
from .database import SessionState
from .header import SessionHeader, enabled_sinks
from .results import ResultStore
from .schema import connect, settle, transaction, use_wal

COMMIT_INTERVAL_S: Final = 0.25

# Half an hour of two pods at full rate. A disk that hangs for longer ends storing, so memory stays bounded.
MAX_BACKLOG: Final = 200_000

# How often the last results are offered to a database that another program holds, ten seconds each.
_CLOSING_TURNS: Final = 3

_DISK_ERRNOS: Final = frozenset({errno.ENOSPC, errno.EFBIG, errno.EDQUOT, errno.EIO, errno.EROFS})
_DISK_CODES: Final = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY})
_BUSY_CODES: Final = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})

_Raw: TypeAlias = tuple[RecordKind, int, int, bytes]


@dataclass(frozen=True, slots=True)
class WriterStats:
    """How storing goes.

    Attributes
    ----------
    is_storing : bool
        False once the disk was full or broken.
    backlog : int
        Packets and results not written yet.
    archive_bytes : int
    steps_stored : int
        By this writer, not by an earlier part of a resumed session.
    events_rejected : int
        Results with a value that the tables cannot hold.
    """

    is_storing: bool
    backlog: int
    archive_bytes: int
    steps_stored: int
    events_rejected: int


class SessionWriter:
    """Stores one session, from a thread of its own.

    Call `put_raw` with a packet before `put` with what came of it. Both return at once and never raise.

    Parameters
    ----------
    home : Home
        Locked by the caller.
    header : SessionHeader
    on_notice : callable
        Called with what the runner should know, usually from the store thread.
    resume : bool
        Go on with this session instead of beginning it.
    commit_interval_s : float
    """

    def __init__(
        self,
        home: Home,
        header: SessionHeader,
        on_notice: Callable[[Notice], None],
        *,
        resume: bool = False,
        commit_interval_s: float = COMMIT_INTERVAL_S,
    ) -> None:
        self._home = home
        self._header = header
        self._on_notice = on_notice
        self._resume = resume
        self._commit_interval_s = commit_interval_s
        self._queue: deque[_Raw | SessionEvent | threading.Event] = deque()
        self._wake = threading.Event()
        self._is_closing = False
        self._close_as: tuple[SessionState, float] = ("closed", 0.0)
        self._stop_lock = threading.Lock()
        self._is_storing = False
        self._last_s = 0.0
        # Owned by the thread once it runs.
        self._archive: ArchiveWriter | None = None
        self._results: ResultStore | None = None
        self._uncommitted: list[SessionEvent] = []
        self._flushing: list[threading.Event] = []
        self._thread = threading.Thread(target=self._run, name="shoepod-store", daemon=True)

    def start(self) -> None:
        """Begin or resume the session and start the thread.

        A full or broken disk is a notice here too: the session then runs without being stored.

        Raises
        ------
        SessionError
            The session exists already, cannot be resumed, or the database is not ours.
        HomeUnusable
            The folders cannot be used.
        """
        self._home.ensure()
        self._is_storing = True
        self._check_free_space()
        try:
            self._open()
        except (OSError, sqlite3.Error, BridgeError) as error:
            self._release()
            if is_disk_failure(error):
                self._stop_storing(error)
            elif isinstance(error, BridgeError):
                raise
            else:
                raise SessionError(f"cannot store the session in {self._home.data_dir}: {error}") from error
        self._thread.start()

    def put_raw(self, kind: RecordKind, pod: int, session_ns: int, payload: bytes) -> None:
        """Hand over an archive record."""
        self._last_s = session_ns * 1e-9
        self._put((kind, pod, session_ns, payload))

    def put(self, event: SessionEvent) -> None:
        """Hand over a result."""
        self._put(event)

    def flush(self) -> None:
        """Wait until all that was handed over is stored or, after a disk failure, given up."""
        done = threading.Event()
        self._queue.append(done)
        self._wake.set()
        while not done.wait(1.0) and self._thread.is_alive():
            pass

    def close(self, at_s: float, state: SessionState = "closed") -> None:
        """End the session at this session time, store all that was handed over, and end the thread."""
        if state == "closed":
            self.put_raw(RecordKind.END, NO_POD, round(at_s * 1e9), json_payload({"state": state}))
        self._close_as = (state, at_s)
        self._is_closing = True
        self._wake.set()
        self._thread.join()

    def stats(self) -> WriterStats:
        """Return how storing goes; cheap, for a view."""
        archive, results = self._archive, self._results
        return WriterStats(
            self._is_storing,
            len(self._queue),
            archive.size_bytes if archive else 0,
            results.steps_added if results else 0,
            results.rejected if results else 0,
        )

    # ---- the caller's side ------------------------------------------------------------------------

    def _put(self, item: _Raw | SessionEvent) -> None:
        if not self._is_storing:
            return
        if len(self._queue) >= MAX_BACKLOG:
            self._stop_storing(OSError(errno.EIO, "the disk does not keep up"))
            return
        self._queue.append(item)

    def _check_free_space(self) -> None:
        free_mb = self._home.free_bytes() // 1_000_000
        if free_mb < self._header.settings.store.min_free_mb:
            text = f"Only {free_mb} MB are free for data in {self._home.data_dir}: make room before a long run."
            self._on_notice(Notice(self._last_s, "warning", text))

    def _open(self) -> None:
        header = self._header
        path = self._home.archive(header.session_id)
        if self._resume:
            self._archive = ArchiveWriter(path, resume=True)
            if self._archive.kept_aside is not None:
                text = (
                    f"The packets recorded so far are damaged: {self._archive.cut_bytes / 1e6:.1f} MB at their end "
                    f"cannot be read and are kept in {self._archive.kept_aside}; the session goes on before them."
                )
                self._on_notice(Notice(self._last_s, "warning", text))
        connection = connect(self._home.database, create=True, any_thread=True)
        self._results = ResultStore(
            connection, header.session_id, header.runner, header.started_utc, enabled_sinks(header.settings)
        )
        use_wal(connection)
        with transaction(connection):
            self._begin_row(connection)
        if self._archive is None:
            # After the row: a session without packets can be listed and deleted, packets without a row would
            # stay unseen.
            path.parent.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
            self._archive = ArchiveWriter(path)
            self._archive.append(RecordKind.META, NO_POD, 0, json_payload(header.to_meta()))
            self._archive.flush()
            self._archive.sync()

    def _begin_row(self, connection: sqlite3.Connection) -> None:
        header = self._header
        if self._resume:
            changed = connection.execute(
                "UPDATE sessions SET state = 'running', ended_utc = NULL WHERE id = ?", (header.session_id,)
            ).rowcount
            if not changed:
                raise SessionError(f"there is no session {header.session_id} to resume")
            return
        try:
            connection.execute(
                "INSERT INTO sessions VALUES (?, ?, ?, ?, ?, ?, ?, 'running', NULL, 0)",
                (
                    header.session_id,
                    header.runner,
                    header.started_utc.isoformat(),
                    header.zone,
                    header.core_version,
                    json.dumps(settings_to_table(header.settings), ensure_ascii=False),
                    json.dumps(enabled_sinks(header.settings)),
                ),
            )
        except sqlite3.IntegrityError as error:
            raise SessionError(f"the session {header.session_id} exists already") from error

    # ---- the thread -------------------------------------------------------------------------------

    def _run(self) -> None:
        turns_left = _CLOSING_TURNS
        while turns_left:
            self._wake.wait(self._commit_interval_s)
            self._wake.clear()
            is_last = self._is_closing  # read before the queue is: what was put before close() is stored
            try:
                self._write_batch()
                if is_last and self._is_storing and not self._uncommitted:
                    self._write_end()
            except Exception as error:  # whatever it is, the runner has to know that storing has ended
                self._stop_storing(error)
            if not self._is_storing:
                self._discard()
            if not self._uncommitted:
                for done in self._flushing:
                    done.set()
                self._flushing.clear()
            if is_last:
                turns_left = turns_left - 1 if self._uncommitted else 0
        self._release()

    def _write_batch(self) -> None:
        archive, results = self._archive, self._results
        if archive is None or results is None or not self._is_storing:
            return
        for _ in range(len(self._queue)):
            self._sort_in(self._queue.popleft(), archive)
        archive.flush()
        if not self._uncommitted:
            return
        archive.sync()
        try:
            results.add(self._uncommitted)
        except sqlite3.Error as error:
            if _primary_code(error) in _BUSY_CODES:
                return  # another program has held the database for long; the results wait for the next turn
            raise
        self._uncommitted.clear()

    def _sort_in(self, item: _Raw | SessionEvent | threading.Event, archive: ArchiveWriter) -> None:
        if isinstance(item, threading.Event):
            self._flushing.append(item)
        elif isinstance(item, tuple):
            archive.append(*item)
        else:
            self._uncommitted.append(item)

    def _write_end(self) -> None:
        archive, results = self._archive, self._results
        if archive is None or results is None:
            return
        archive.sync()
        state, at_s = self._close_as
        ended_utc = self._header.started_utc + timedelta(seconds=at_s)
        with transaction(results.connection):
            results.connection.execute(
                "UPDATE sessions SET state = ?, ended_utc = ? WHERE id = ?",
                (state, ended_utc.isoformat(), self._header.session_id),
            )

    def _discard(self) -> None:
        self._uncommitted.clear()
        while self._queue:
            item = self._queue.popleft()
            if isinstance(item, threading.Event):
                self._flushing.append(item)

    def _stop_storing(self, error: BaseException) -> None:
        with self._stop_lock:
            if not self._is_storing:
                return
            self._is_storing = False
        text = f"Storing has stopped, the run goes on: {_reason(error)}. What is stored so far stays readable."
        self._on_notice(Notice(self._last_s, "warning", text))

    def _release(self) -> None:
        if self._archive is not None:
            self._archive.close()
        if self._results is not None:
            with contextlib.suppress(sqlite3.Error):
                settle(self._results.connection)
                self._results.connection.close()


def is_disk_failure(error: BaseException) -> bool:
    """Tell whether an error, or what caused it, is a full, broken or read-only disk."""
    if isinstance(error, OSError):
        return error.errno in _DISK_ERRNOS
    if isinstance(error, sqlite3.Error):
        return _primary_code(error) in _DISK_CODES
    return error.__cause__ is not None and is_disk_failure(error.__cause__)


def _primary_code(error: sqlite3.Error) -> int:
    return int(getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF


def _reason(error: BaseException) -> str:
    if isinstance(error, OSError):
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return "the disk is full"
        return error.strerror or str(error)
    if isinstance(error, sqlite3.Error) and _primary_code(error) == sqlite3.SQLITE_FULL:
        return "the disk is full"
    return str(error) or type(error).__name__
