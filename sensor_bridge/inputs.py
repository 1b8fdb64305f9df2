"""What goes into the session engine, as it stands in the archive. Live and replay both pass through `feed`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from gait_signal.types import Calibration

from .clock import seconds
from .engine import EnginePod, SessionEngine, StreamUp
from .errors import SessionError
from .events import SessionEvent
from .settings import Settings
from .store.archive import ArchiveReader, Record, RecordKind, json_payload
from .store.header import SessionHeader

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
        case RecordKind.PING:
            return engine.ping(record.pod, *decode_ping(record))
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


def encode_ping(sent_ns: int, tick_us: int) -> bytes:
    """Return the payload of a PING record; ``sent_ns`` is session time."""
    return json_payload({"sent_ns": sent_ns, "tick_us": tick_us})


def decode_ping(record: Record) -> tuple[float, int]:
    """Return when a ping was sent (session seconds) and the pod's tick when it arrived.

    Raises
    ------
    SessionError
        A field is missing or of the wrong kind.
    """
    table = record.json()
    try:
        return seconds(int(table["sent_ns"])), int(table["tick_us"])
    except (KeyError, TypeError, ValueError) as error:
        raise SessionError(_DAMAGED.format(f"a clock ping lacks {error}")) from error


def engine_for(header: SessionHeader) -> SessionEngine:
    """Return the engine that a session is run with."""
    pods = [EnginePod(pod.serial, pod.side, pod.role) for pod in header.pods]
    return SessionEngine(pods, header.calibration)


def stored_calibrations(settings: Settings) -> dict[str, Calibration]:
    """Return the profile's calibrations by serial."""
    return {
        serial: Calibration(stand.acc_stand_sensor_mps2, stand.gyr_bias_sensor_radps, "profile", 0.0)
        for serial, stand in settings.calibration.items()
    }


def replay(path: Path, *, to_the_end: bool = True) -> Iterator[SessionEvent]:
    """Run a session's archive through a fresh engine, in the order of arrival.

    A session that was cut short is ended at its last record, as `close_interrupted` does; with
    ``to_the_end`` false, only what was known when it was cut short comes out.

    Raises
    ------
    SessionError
        The archive cannot be read.
    """
    reader = ArchiveReader(path)
    engine = engine_for(SessionHeader.from_meta(reader.meta()))
    last_ns, ended = 0, False
    for record in reader:
        last_ns, ended = record.session_ns, record.kind is RecordKind.END
        yield from feed(engine, record)
    if to_the_end and not ended:
        yield from engine.finish(seconds(last_ns))
