"""Session events to database rows and back.

Every event type has one table whose columns are its fields, so one pair of functions serves them all.
"""

from __future__ import annotations

import dataclasses
import math
import sqlite3
from typing import Any, Final, TypeVar

from gait_signal.types import ActivityChange, Calibrated, Calibration, Contact, Step

from ..events import CueMark, Notice, PodGap, PodState, SessionEvent

EventT = TypeVar("EventT", bound=SessionEvent)

_TABLES: Final[dict[type[Any], str]] = {
    Contact: "contacts",
    Step: "steps",
    Calibrated: "calibrations",
    ActivityChange: "activities",
    PodGap: "gaps",
    PodState: "pod_states",
    CueMark: "cues",
    Notice: "notices",
}
_ORDER: Final[dict[type[Any], str]] = {
    Contact: "ic_s, foot",
    Step: "ic_s, foot",
    Calibrated: "decided_s, foot",
    ActivityChange: "decided_s, foot",
    PodGap: "from_s, serial",
    PodState: "serial",
    CueMark: "at_s, foot",
    Notice: "at_s",
}
_CALIBRATION_COLUMNS: Final = (
    "foot",
    "acc_stand_x_mps2",
    "acc_stand_y_mps2",
    "acc_stand_z_mps2",
    "gyr_bias_x_radps",
    "gyr_bias_y_radps",
    "gyr_bias_z_radps",
    "source",
    "duration_s",
    "decided_s",
)
_BOOLS: Final = frozenset({"gap_touched", "clipped"})


def _columns(kind: type[Any]) -> tuple[str, ...]:
    if kind is Calibrated:
        return _CALIBRATION_COLUMNS
    return tuple(field.name for field in dataclasses.fields(kind))


def _insert_sql(kind: type[Any]) -> str:
    columns = _columns(kind)
    # A row that is there already stays, so that re-analysis only adds what is missing; of a pod's states
    # the latest is kept. (INSERT OR IGNORE would also swallow a value that is missing where it must not be.)
    verb, end = ("INSERT OR REPLACE", "") if kind is PodState else ("INSERT", " ON CONFLICT DO NOTHING")
    marks = ", ".join("?" * (len(columns) + 1))
    return f"{verb} INTO {_TABLES[kind]} (session_id, {', '.join(columns)}) VALUES ({marks}){end}"


_INSERT: Final = {kind: _insert_sql(kind) for kind in _TABLES}


def insert_event(connection: sqlite3.Connection, session_id: str, event: SessionEvent) -> bool:
    """Store an event inside the caller's transaction; False if the store has it already.

    Raises
    ------
    sqlite3.Error
    """
    values = _values(event)
    return connection.execute(_INSERT[type(event)], (session_id, *values)).rowcount == 1


def load_events(connection: sqlite3.Connection, session_id: str, kind: type[EventT]) -> list[EventT]:
    """Return a session's events of one type, in order of time.

    Raises
    ------
    sqlite3.Error
    """
    columns = _columns(kind)
    sql = f"SELECT {', '.join(columns)} FROM {_TABLES[kind]} WHERE session_id = ? ORDER BY {_ORDER[kind]}"
    return [_event(kind, columns, row) for row in connection.execute(sql, (session_id,))]


def _values(event: SessionEvent) -> tuple[Any, ...]:
    if isinstance(event, Calibrated):
        calibration = event.calibration
        return (
            event.foot,
            *calibration.acc_stand_sensor_mps2,
            *calibration.gyr_bias_sensor_radps,
            calibration.source,
            calibration.duration_s,
            event.decided_s,
        )
    return tuple(_plain(getattr(event, name)) for name in _columns(type(event)))


def _plain(value: Any) -> Any:
    # numpy scalars would be stored as blobs; NaN means the same as None: not known.
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    return value.item() if hasattr(value, "item") else value


def _event(kind: type[Any], columns: tuple[str, ...], row: tuple[Any, ...]) -> Any:
    if kind is Calibrated:
        foot, ax, ay, az, gx, gy, gz, source, duration_s, decided_s = row
        return Calibrated(foot, Calibration((ax, ay, az), (gx, gy, gz), source, duration_s), decided_s)
    values = dict(zip(columns, row, strict=True))
    for name in _BOOLS & values.keys():
        values[name] = bool(values[name])
    return kind(**values)
