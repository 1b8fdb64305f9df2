r"""The raw archive: every packet of every pod as received, in one append-only, checksummed file.

Layout, little-endian::

    header   0  8s   magic "SHOEPOD\x1a"
             8  u16  version, 1
            10  u16  0
            12  u32  CRC-32 of bytes 0..11
    record   0  u32  length of the payload, at most 1 MiB
             4  u32  CRC-32 of bytes 0..3 and 8..(18 + length - 1)
             8  u8   kind, see `RecordKind`
             9  u8   pod, its place in META's list; 255 where none is meant
            10  i64  session time of arrival, ns
            18       payload

The file ends at the first record that is cut short or fails its CRC. After a kill or a power cut such a torn
tail is normal; whoever appends again cuts it off first. More than `SMALL_TAIL_BYTES` behind the last whole
record is damage: that is kept in a file beside the archive, ``<archive>.damaged-<n>``, before it is cut off.
The first record is META.
"""

from __future__ import annotations

import enum
import itertools
import json
import os
import shutil
import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final

from ..errors import SessionError
from ..home import PRIVATE_FILE, touch_private

NO_POD: Final = 255
MAX_PAYLOAD_BYTES: Final = 1 << 20
SMALL_TAIL_BYTES: Final = 64 * 1024
"""What a kill or a power cut may leave half written; a longer unreadable rest is damage."""

_MAGIC: Final = b"SHOEPOD\x1a"
_VERSION: Final = 1
_HEADER: Final = struct.Struct("<8sHHI")
_PREFIX: Final = struct.Struct("<II")
_BODY: Final = struct.Struct("<BBq")
_RECORD_BYTES: Final = _PREFIX.size + _BODY.size
# Windows would translate line ends without O_BINARY; elsewhere there is no such flag.
_NEW_FILE: Final = os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0)


class RecordKind(enum.IntEnum):
    """What a record holds; the payload's form stands beside it."""

    META = 1
    """JSON: session, runner, settings, core version, pods, UTC anchor, zone, calibration given."""
    UP = 2
    """JSON: what the pod said when its stream (re)started: rates and ranges, boot id, tick, status."""
    PACKET = 3
    """A stream notification, byte for byte."""
    STATUS = 4
    """A status notification, byte for byte."""
    DOWN = 5
    """JSON: why the link went away."""
    SUSPEND = 6
    """JSON: from when to when the computer slept."""
    RESUME = 7
    """JSON: the new anchor after an interrupted session was taken up again."""
    END = 8
    """JSON: the session was closed in order."""
    PING = 9
    """JSON: a clock ping: session time at which it was sent, the pod's tick at which it got there."""


@dataclass(frozen=True, slots=True)
class Record:
    """One archived record.

    Attributes
    ----------
    kind : RecordKind
    pod : int
        Place in META's list of pods, or `NO_POD`.
    session_ns : int
        Session time at which it arrived.
    payload : bytes
    """

    kind: RecordKind
    pod: int
    session_ns: int
    payload: bytes

    def __bytes__(self) -> bytes:
        """Return the record as it stands in the file.

        Raises
        ------
        ValueError
            A field does not fit its place.
        """
        if len(self.payload) > MAX_PAYLOAD_BYTES:
            raise ValueError(f"a record of {len(self.payload)} bytes is longer than {MAX_PAYLOAD_BYTES}")
        try:
            body = _BODY.pack(self.kind, self.pod, self.session_ns) + self.payload
        except struct.error as error:
            raise ValueError(f"a record field is out of range: {error}") from error
        return _PREFIX.pack(len(self.payload), _checksum(len(self.payload), body)) + body

    def json(self) -> dict[str, Any]:
        """Return the payload of a JSON record.

        Raises
        ------
        SessionError
            The payload is not a JSON object.
        """
        try:
            value = json.loads(self.payload)
        except (ValueError, RecursionError) as error:
            raise SessionError(f"the archive's {self.kind.name} record is not readable JSON") from error
        if not isinstance(value, dict):
            raise SessionError(f"the archive's {self.kind.name} record is not a JSON object")
        return value


def json_payload(table: Mapping[str, Any]) -> bytes:
    """Return the payload of a JSON record."""
    return json.dumps(table, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


class ArchiveReader:
    """Iterates over an archive's records, up to the first damaged one.

    Attributes
    ----------
    end_bytes : int
        Where the last whole record read so far ends.
    left_over_bytes : int
        Length of what cannot be read behind it; known once iteration has ended.
    has_end : bool
        Whether the last whole record is END; known once iteration has ended.

    Raises
    ------
    SessionError
        The file is missing or unreadable, is no archive, or is one of a newer version.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.end_bytes = 0
        self.left_over_bytes = 0
        self.has_end = False
        with self._open() as file:
            self._check_header(file)

    def __iter__(self) -> Iterator[Record]:
        with self._open() as file:
            self._check_header(file)
            while (record := _read_record(file)) is not None:
                self.end_bytes += _RECORD_BYTES + len(record.payload)
                self.has_end = record.kind is RecordKind.END
                yield record
            self.left_over_bytes = max(0, os.fstat(file.fileno()).st_size - self.end_bytes)

    def meta(self) -> dict[str, Any]:
        """Return the session's META table.

        Raises
        ------
        SessionError
            The first record is not a readable META.
        """
        first = next(iter(self), None)
        if first is None or first.kind is not RecordKind.META:
            raise SessionError(f"{self._path} holds no session: its first record is damaged")
        return first.json()

    def _open(self) -> BinaryIO:
        try:
            return self._path.open("rb")
        except OSError as error:
            raise SessionError(f"cannot read the packets in {self._path}: {error.strerror}") from error

    def _check_header(self, file: BinaryIO) -> None:
        data = file.read(_HEADER.size)
        if len(data) < _HEADER.size:
            raise SessionError(f"{self._path} is cut off before its first record")
        magic, version, _, crc = _HEADER.unpack(data)
        if magic != _MAGIC:
            raise SessionError(f"{self._path} is not an archive of pod packets")
        if crc != zlib.crc32(data[:-4]):
            raise SessionError(f"{self._path} has a damaged header")
        if version != _VERSION:
            raise SessionError(f"{self._path} has archive version {version}; this shoepod reads version {_VERSION}")
        self.end_bytes = _HEADER.size


class ArchiveWriter:
    """Appends records.

    Records gather in memory until `flush`. A flush that fails takes its partial records off the file again,
    so that what is stored stays whole.

    Parameters
    ----------
    path : Path
    resume : bool
        Go on with an existing archive, after cutting off what cannot be read; otherwise the file must be new.

    Attributes
    ----------
    cut_bytes : int
        How much was cut off.
    kept_aside : Path or None
        Where it is kept, if it was more than a torn tail of at most `SMALL_TAIL_BYTES`.

    Raises
    ------
    SessionError
        The file exists already, or cannot be resumed.
    OSError
        It cannot be made or written.
    """

    def __init__(self, path: Path, *, resume: bool = False) -> None:
        self._waiting = bytearray()
        self._synced = 0
        self.cut_bytes = 0
        self.kept_aside: Path | None = None
        if resume:
            reader = ArchiveReader(path)
            for _ in reader:
                pass
            self._end = reader.end_bytes
            self.cut_bytes = reader.left_over_bytes
            if self.cut_bytes > SMALL_TAIL_BYTES:
                self.kept_aside = _keep_aside(path, self._end)
            self._file = path.open("r+b", buffering=0)
            self._file.truncate(self._end)
            self._file.seek(self._end)
            return
        if path.exists():
            raise SessionError(f"{path} exists already; a session is never overwritten")
        touch_private(path)
        self._file = path.open("r+b", buffering=0)
        self._end = 0
        head = _HEADER.pack(_MAGIC, _VERSION, 0, 0)[:-4]
        self._waiting += head + zlib.crc32(head).to_bytes(4, "little")

    @property
    def size_bytes(self) -> int:
        """How much has been written."""
        return self._end

    def append(self, kind: RecordKind, pod: int, session_ns: int, payload: bytes) -> None:
        """Add a record to those that the next `flush` writes.

        Raises
        ------
        ValueError
            The payload is longer than `MAX_PAYLOAD_BYTES`, or a number does not fit.
        """
        self._waiting += bytes(Record(kind, pod, session_ns, payload))

    def flush(self) -> None:
        """Write what has gathered.

        Raises
        ------
        OSError
            Nothing of what had gathered is in the file; it is dropped.
        """
        data, self._waiting = bytes(self._waiting), bytearray()
        try:
            view = memoryview(data)
            while view:
                view = view[self._file.write(view) or 0 :]
        except OSError:
            self._file.truncate(self._end)
            self._file.seek(self._end)
            raise
        self._end += len(data)

    def sync(self) -> None:
        """Wait until the disk has all that was flushed.

        Raises
        ------
        OSError
        """
        if self._synced < self._end:
            os.fsync(self._file.fileno())
            self._synced = self._end

    def close(self) -> None:
        """Close the file; what has gathered since the last `flush` is dropped."""
        self._file.close()

    def __enter__(self) -> ArchiveWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def _keep_aside(path: Path, from_bytes: int) -> Path:
    """Copy an archive's rest to a file of its own beside it, safe on the disk; return that file.

    Raises
    ------
    OSError
        There is no such copy.
    """
    names = (path.with_name(f"{path.name}.damaged-{n}") for n in itertools.count(1))
    aside = next(name for name in names if not name.exists())
    try:
        with path.open("rb") as source, os.fdopen(os.open(aside, _NEW_FILE, PRIVATE_FILE), "wb") as copy:
            source.seek(from_bytes)
            shutil.copyfileobj(source, copy)
            copy.flush()
            os.fsync(copy.fileno())
    except OSError:
        aside.unlink(missing_ok=True)
        raise
    return aside


def _checksum(length: int, body: bytes) -> int:
    return zlib.crc32(body, zlib.crc32(length.to_bytes(4, "little")))


def _read_record(file: BinaryIO) -> Record | None:
    prefix = file.read(_PREFIX.size)
    if len(prefix) < _PREFIX.size:
        return None
    length, crc = _PREFIX.unpack(prefix)
    if length > MAX_PAYLOAD_BYTES:
        return None
    body = file.read(_BODY.size + length)
    if len(body) < _BODY.size + length or crc != _checksum(length, body):
        return None
    kind, pod, session_ns = _BODY.unpack_from(body)
    try:
        return Record(RecordKind(kind), pod, session_ns, body[_BODY.size :])
    except ValueError:  # a kind that this version does not know: nothing behind it can be trusted
        return None
