"""The session store: raw archive, SQLite database, outbox, recovery and deletion."""

from .archive import NO_POD, ArchiveReader, ArchiveWriter, Record, RecordKind, json_payload
from .database import (
    LAST,
    SessionRecord,
    SessionState,
    SessionSummary,
    list_sessions,
    load_session,
    resolve_session,
)
from .delete import DeleteSummary, delete_session
from .header import PodMeta, SessionHeader, enabled_sinks, new_session_id
from .outbox import Outbox, OutboxRow, Refused, step_payload, utc_ms
from .recovery import Recovered, close_interrupted
from .writer import SessionWriter, WriterStats

__all__ = [
    "LAST",
    "NO_POD",
    "ArchiveReader",
    "ArchiveWriter",
    "DeleteSummary",
    "Outbox",
    "OutboxRow",
    "PodMeta",
    "Record",
    "RecordKind",
    "Recovered",
    "Refused",
    "SessionHeader",
    "SessionRecord",
    "SessionState",
    "SessionSummary",
    "SessionWriter",
    "WriterStats",
    "close_interrupted",
    "delete_session",
    "enabled_sinks",
    "json_payload",
    "list_sessions",
    "load_session",
    "new_session_id",
    "resolve_session",
    "step_payload",
    "utc_ms",
]
