"""What goes into the session engine, as it stands in the archive. Live and replay both pass through `feed`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, cast

from gait_signal.types import Calibration

from .clock import seconds
from .engine import EnginePod, SessionEngine, StreamUp
from .errors import SessionError
from .events import SessionEvent
from .settings import Settings, settings_from
from .store.archive import ArchiveReader, Record, RecordKind, json_payload

_DAMAGED: Final = "the session's packet archive is damaged: {}"


def feed(engine: SessionEngine, record: Record) -> list[SessionEvent]:
    """Give one archived input to the engine and return what follows from it.

    Raises
    ------
    SessionError
        The record is whole but makes no sense.
    """
    arrival_s = seconds(record.session_ns)
    match record.kind:
        case RecordKind.PACKET:
            return engine.packet(record.pod, arrival_s, record.payload)
        case RecordKind.STATUS:
            return engine.status(record.pod, arrival_s, record.payload)
        case RecordKind.UP:
            return engine.up(record.pod, arrival_s, decode_up(record))
        case RecordKind.DOWN:
            return engine.down(record.pod, arrival_s)
        case RecordKind.SUSPEND:
            return engine.suspended()
        case RecordKind.RESUME:
            return engine.resumed()
        case RecordKind.END:
            return engine.finish(arrival_s)
        case RecordKind.META:
            return []


def encode_up(up: StreamUp, more: Mapping[str, Any]) -> bytes:
    """Return the payload of an UP record; ``more`` is kept for the reader, the engine does not use it."""
    own = {name: getattr(up, name) for name in StreamUp.__dataclass_fields__}
    return json_payload({**more, **own})


def decode_up(record: Record) -> StreamUp:
    """Return what a pod said when its stream started.

    Raises
    ------
    SessionError
        A field is missing or of the wrong kind.
    """
    table = record.json()
    try:
        return StreamUp(
            boot_id=int(table["boot_id"]),
            tick_us=int(table["tick_us"]),
            acc_range_g=float(table["acc_range_g"]),
            gyr_range_dps=float(table["gyr_range_dps"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise SessionError(_DAMAGED.format(f"a stream start lacks {error}")) from error


def meta_table(
    session_id: str,
    settings_table: Mapping[str, Any],
    core_version: str,
    pods: Sequence[EnginePod],
    anchor: Mapping[str, Any],
    source: str,
) -> dict[str, Any]:
    """Return the META table of a new session."""
    return {
        "session": session_id,
        "core_version": core_version,
        "pods": [{"serial": pod.serial, "side": pod.side, "role": pod.role} for pod in pods],
        "anchor": dict(anchor),
        "source": source,
        "settings": dict(settings_table),
    }


def engine_from_meta(meta: Mapping[str, Any]) -> SessionEngine:
    """Build the engine that a session was run with.

    Raises
    ------
    SessionError
        META lacks something.
    """
    try:
        pods = [EnginePod(str(pod["serial"]), pod["side"], pod["role"]) for pod in meta["pods"]]
        settings = settings_from(dict(meta["settings"]), "the session's archive")
    except (KeyError, TypeError, ValueError) as error:
        raise SessionError(_DAMAGED.format(f"META lacks {error}")) from error
    return SessionEngine(pods, stored_calibrations(settings))


def stored_calibrations(settings: Settings) -> dict[str, Calibration]:
    """Return the profile's calibrations by serial."""
    return {
        serial: Calibration(
            cast("tuple[float, float, float]", tuple(stand.acc_stand_sensor_mps2)),
            cast("tuple[float, float, float]", tuple(stand.gyr_bias_sensor_radps)),
            "profile",
            0.0,
        )
        for serial, stand in settings.calibration.items()
    }


def replay(path: Path) -> Iterator[SessionEvent]:
    """Run a session's archive through a fresh engine, in the order of arrival.

    A session that was cut short is ended at its last record, as `close_interrupted` does.

    Raises
    ------
    SessionError
        The archive cannot be read.
    """
    reader = ArchiveReader(path)
    engine = engine_from_meta(reader.meta())
    last_ns, ended = 0, False
    for record in reader:
        last_ns, ended = record.session_ns, record.kind is RecordKind.END
        yield from feed(engine, record)
    if not ended:
        yield from engine.finish(seconds(last_ns))
