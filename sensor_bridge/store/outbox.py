"""The outbox: rows that still have to reach a broker or database, kept until it has acknowledged them."""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from gait_signal.types import Step

from ..errors import SessionError
from .schema import connect, settle, transaction


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """Something a sink has to deliver.

    Attributes
    ----------
    id : int
        Rows are delivered in this order.
    kind : str
        ``step``.
    payload : mapping
        See `step_payload`.
    """

    id: int
    sink: str
    session_id: str
    kind: str
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that a server will never take, and its reason."""

    row: OutboxRow
    reason: str


def step_payload(step: Step, session_id: str, runner: str, started_utc: datetime) -> dict[str, Any]:
    """Return what servers are told of a step: units in the names, angles in degrees, None where unknown.

    ``time_ms`` is the initial contact in UTC milliseconds since 1970. Session, foot, step id and ``time_ms``
    identify the step for ever, so a second delivery changes nothing.
    """
    return {
        "session": session_id,
        "runner": runner,
        "foot": step.foot,
        "step_id": int(step.step_id),
        "time_ms": utc_ms(started_utc, step.ic_s),
        "activity": step.activity,
        "ic_s": _number(step.ic_s),
        "to_s": _number(step.to_s),
        "contact_time_s": _number(step.contact_time_s),
        "flight_time_s": _number(step.flight_time_s),
        "swing_time_s": _number(step.swing_time_s),
        "stride_time_s": _number(step.stride_time_s),
        "cadence_spm": _number(step.cadence_spm),
        "strike": step.strike,
        "strike_confidence": _number(step.strike_confidence),
        "decided_s": _number(step.decided_s),
        "strike_final": step.strike_final,
        "strike_angle_deg": _degrees(step.strike_angle_rad),
        "knee_drive_deg": _degrees(step.knee_drive_rad),
        "knee_drive_sd_deg": _degrees(step.knee_drive_sd_rad),
        "knee_drive_method": step.knee_drive_method or None,
        "knee_drive_rel_standing_deg": _degrees(step.knee_drive_rel_standing_rad),
        "stride_length_m": _number(step.stride_length_m),
        "speed_mps": _number(step.speed_mps),
        "ankle_clearance_m": _number(step.ankle_clearance_m),
        "contact_to_knee_peak_s": _number(step.contact_to_knee_peak_s),
        "gap_touched": bool(step.gap_touched),
        "clipped": bool(step.clipped),
        "calibration": step.calibration,
        "finalized_s": _number(step.finalized_s),
        "impact_peak_mps2": _number(step.impact_peak_mps2),
        "pronation_deg": _degrees(step.pronation_rad),
        "pronation_peak_dps": _degrees(step.pronation_peak_radps),
    }


def utc_ms(started_utc: datetime, session_s: float) -> int:
    """Return a session time as UTC milliseconds since 1970, rounded half up."""
    since_1970 = started_utc - datetime(1970, 1, 1, tzinfo=UTC)
    microseconds = since_1970 // timedelta(microseconds=1) + round(session_s * 1e6)
    return (microseconds + 500) // 1000


def enqueue_step(
    connection: sqlite3.Connection, sinks: Sequence[str], payload: Mapping[str, Any], created_utc: datetime
) -> None:
    """Add a step for each of these sinks, inside the transaction that stores the step itself.

    Raises
    ------
    sqlite3.Error
    """
    text = json.dumps(payload, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    connection.executemany(
        "INSERT INTO outbox (sink, session_id, kind, payload, created_utc) VALUES (?, ?, 'step', ?, ?)",
        [(sink, payload["session"], text, created_utc.isoformat()) for sink in sinks],
    )


class Outbox:
    """The outbox of one home, for one drainer at a time; its methods block on the disk, not on a network.

    Raises
    ------
    SessionError
        The database is missing or unusable; so for every method.
    """

    def __init__(self, database: Path) -> None:
        self._path = database
        self._connection = connect(database, any_thread=True)

    def peek(self, sink: str, limit: int) -> list[OutboxRow]:
        """Return the oldest rows of a sink."""
        rows = self._query(
            "SELECT id, sink, session_id, kind, payload FROM outbox WHERE sink = ? ORDER BY id LIMIT ?",
            (sink, limit),
        )
        return [OutboxRow(i, name, session, kind, json.loads(text)) for i, name, session, kind, text in rows]

    def pending(self, sink: str) -> int:
        """Return how many rows a sink has not acknowledged."""
        return int(self._query("SELECT count(*) FROM outbox WHERE sink = ?", (sink,))[0][0])

    def pending_by_sink(self) -> dict[str, int]:
        """Return how many rows wait, for each sink that has any."""
        return dict(self._query("SELECT sink, count(*) FROM outbox GROUP BY sink ORDER BY sink", ()))

    def acknowledge(self, rows: Sequence[OutboxRow], refused: Sequence[Refused] = ()) -> int:
        """Take delivered rows out and park refused ones; return how many were delivered.

        A row that is gone already, because its session was deleted or a second drainer was quicker, is
        not counted.
        """
        reasons = {item.row.id: item.reason for item in refused}
        delivered = 0
        try:
            with transaction(self._connection):
                for row in rows:
                    reason = reasons.get(row.id)
                    if reason is not None:
                        self._connection.execute(
                            "INSERT OR IGNORE INTO parked SELECT *, ? FROM outbox WHERE id = ?",
                            (reason, row.id),
                        )
                    gone = self._connection.execute("DELETE FROM outbox WHERE id = ?", (row.id,)).rowcount
                    if gone and reason is None:
                        delivered += 1
                        self._connection.execute(
                            "INSERT INTO deliveries VALUES (?, ?, 1) "
                            "ON CONFLICT (session_id, sink) DO UPDATE SET rows = rows + 1",
                            (row.session_id, row.sink),
                        )
        except sqlite3.Error as error:
            raise SessionError(f"cannot use {self._path}: {error}") from error
        return delivered

    def parked(self, sink: str) -> int:
        """Return how many rows a sink's server has refused."""
        return int(self._query("SELECT count(*) FROM parked WHERE sink = ?", (sink,))[0][0])

    def parked_by_sink(self) -> dict[str, int]:
        """Return how many rows were refused, for each sink that has any."""
        return dict(self._query("SELECT sink, count(*) FROM parked GROUP BY sink ORDER BY sink", ()))

    def retry_parked(self, sink: str) -> int:
        """Put refused rows back in the queue, once the server has been put right; return how many."""
        try:
            with transaction(self._connection):
                count = self._connection.execute(
                    "INSERT INTO outbox (sink, session_id, kind, payload, created_utc) "
                    "SELECT sink, session_id, kind, payload, created_utc FROM parked WHERE sink = ?",
                    (sink,),
                ).rowcount
                self._connection.execute("DELETE FROM parked WHERE sink = ?", (sink,))
        except sqlite3.Error as error:
            raise SessionError(f"cannot use {self._path}: {error}") from error
        return count

    def close(self) -> None:
        """Close the database, leaving it as one plain file if nobody else has it open."""
        settle(self._connection)
        self._connection.close()

    def _query(self, sql: str, values: tuple[Any, ...]) -> list[Any]:
        try:
            return self._connection.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise SessionError(f"cannot use {self._path}: {error}") from error


def _number(value: float | None) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None


def _degrees(value: float | None) -> float | None:
    return None if value is None else _number(math.degrees(value))
