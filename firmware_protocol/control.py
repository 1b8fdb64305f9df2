"""The control point: commands written by the bridge, replies indicated by the pod.

A command is ``op u8, request u8, body``; its reply is ``op | 0x80 u8, request u8, result u8, body``. The
request number is chosen by the bridge and returned as it came, so that replies and commands pair up. A
reply with a result other than OK has no body.

==== ============ ======================================= ===========================================
op   command      body                                    body of the reply
==== ============ ======================================= ===========================================
0x01 start        rate_hz u16, acc_range_g u8,            rate_mhz u32 (millihertz), acc_range_g u8,
                  gyr_range_dps u16, samples_per_packet   gyr_range_dps u16, samples_per_packet u8,
                  u8                                      acc_scale u16, gyr_scale u16, boot_id u32:
                                                          what the pod really does
0x02 stop         -                                       -
0x03 set side     side u8 (1 left, 2 right), role u8      -
0x04 identify     seconds u8 (0 stops)                    -
0x05 clock ping   token u32                               token u32, tick_us u64 at reception
0x06 status       -                                       a whole pod status
==== ============ ======================================= ===========================================
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, fields
from enum import IntEnum
from typing import ClassVar, Final, TypeAlias

from .errors import BadLength, BadValue, Truncated, UnknownCode
from .imu_packet import MAX_SAMPLES
from .status import PodStatus, Role, Side, role_from, side_from

_WHAT_COMMAND: Final = "control command"
_WHAT_REPLY: Final = "control reply"
_REPLY_BIT: Final = 0x80
_HEAD: Final = struct.Struct("<BB")
_REPLY_HEAD: Final = struct.Struct("<BBB")


class Op(IntEnum):
    """Opcodes of the control point."""

    START = 0x01
    STOP = 0x02
    SET_SIDE = 0x03
    IDENTIFY = 0x04
    CLOCK_PING = 0x05
    STATUS = 0x06


class Result(IntEnum):
    """How a command ended."""

    OK = 0
    UNKNOWN_OP = 1
    BAD_LENGTH = 2
    BAD_VALUE = 3
    BUSY = 4
    FAILED = 5


@dataclass(frozen=True, slots=True)
class Start:
    """Start streaming. The pod takes the nearest rate it has and says which in its reply."""

    rate_hz: int
    acc_range_g: int
    gyr_range_dps: int
    samples_per_packet: int
    op: ClassVar[Op] = Op.START
    layout: ClassVar[struct.Struct] = struct.Struct("<HBHB")


@dataclass(frozen=True, slots=True)
class Stop:
    """Stop streaming."""

    op: ClassVar[Op] = Op.STOP
    layout: ClassVar[struct.Struct] = struct.Struct("<")


@dataclass(frozen=True, slots=True)
class SetSide:
    """Store where the pod is worn."""

    side: Side
    role: Role
    op: ClassVar[Op] = Op.SET_SIDE
    layout: ClassVar[struct.Struct] = struct.Struct("<BB")


@dataclass(frozen=True, slots=True)
class Identify:
    """Blink for some seconds; 0 stops."""

    seconds: int
    op: ClassVar[Op] = Op.IDENTIFY
    layout: ClassVar[struct.Struct] = struct.Struct("<B")


@dataclass(frozen=True, slots=True)
class ClockPing:
    """Ask for the pod's 64-bit time."""

    token: int
    op: ClassVar[Op] = Op.CLOCK_PING
    layout: ClassVar[struct.Struct] = struct.Struct("<I")


@dataclass(frozen=True, slots=True)
class GetStatus:
    """Ask for a status now."""

    op: ClassVar[Op] = Op.STATUS
    layout: ClassVar[struct.Struct] = struct.Struct("<")


Command: TypeAlias = Start | Stop | SetSide | Identify | ClockPing | GetStatus


@dataclass(frozen=True, slots=True)
class Started:
    """What the pod really streams.

    ``rate_mhz`` is in millihertz; scales are in the units of the IMU packet.
    """

    rate_mhz: int
    acc_range_g: int
    gyr_range_dps: int
    samples_per_packet: int
    acc_scale: int
    gyr_scale: int
    boot_id: int
    layout: ClassVar[struct.Struct] = struct.Struct("<IBHBHHI")


@dataclass(frozen=True, slots=True)
class ClockPong:
    """The pod's time when the ping arrived."""

    token: int
    tick_us: int
    layout: ClassVar[struct.Struct] = struct.Struct("<IQ")


ReplyBody: TypeAlias = Started | ClockPong | PodStatus | None


@dataclass(frozen=True, slots=True)
class Reply:
    """A pod's answer.

    ``op`` is a number, since a pod also answers opcodes it does not know; of one above 127, which no
    command has, the reply carries the low seven bits.
    """

    op: int
    request: int
    result: Result
    body: ReplyBody = None

    def __bytes__(self) -> bytes:
        """Encode.

        Raises
        ------
        ValueError
            A field does not fit its layout or is out of its range, or the body is not that of the opcode.
        """
        _check_encodable(self.body)
        expected = _BODY_OF.get(self.op) if self.result is Result.OK else None
        if (type(self.body) if self.body is not None else None) is not expected:
            raise ValueError(f"opcode 0x{self.op:02x} with result {self.result.name} has another body")
        try:
            head = _REPLY_HEAD.pack(self.op | _REPLY_BIT, self.request, self.result)
            return head + _pack_body(self.body)
        except struct.error as error:
            raise ValueError(f"a field does not fit the control reply: {error}") from error


_COMMANDS: Final[dict[int, type[Command]]] = {
    cls.op: cls for cls in (Start, Stop, SetSide, Identify, ClockPing, GetStatus)
}
_BODY_OF: Final[dict[int, type[Started | ClockPong | PodStatus]]] = {
    Op.START: Started,
    Op.CLOCK_PING: ClockPong,
    Op.STATUS: PodStatus,
}


def _values(frame: Command | Started | ClockPong) -> tuple[int, ...]:
    return tuple(getattr(frame, field.name) for field in fields(frame))


def _fault(frame: Command | ReplyBody) -> str | None:
    """Tell what is out of range in a frame whose fields fit their layout."""
    match frame:
        case SetSide(side=Side.UNKNOWN):
            return "a pod is worn left or right"
        case Start(rate_hz=0) | Started(rate_mhz=0):
            return "the rate must not be 0"
        case Start(acc_range_g=0) | Start(gyr_range_dps=0) | Started(acc_range_g=0) | Started(gyr_range_dps=0):
            return "the ranges must not be 0"
        case Started(acc_scale=0) | Started(gyr_scale=0):
            return "the scales must not be 0"
        case Start(samples_per_packet=count) | Started(samples_per_packet=count) if not 1 <= count <= MAX_SAMPLES:
            return f"{count} samples per packet, must be 1 to {MAX_SAMPLES}"
        case _:
            return None


def _check_encodable(frame: Command | ReplyBody) -> None:
    fault = _fault(frame)
    if fault is not None:
        raise ValueError(fault)


def _check_decoded(what: str, frame: Command | ReplyBody) -> None:
    fault = _fault(frame)
    if fault is not None:
        raise BadValue(what, fault)


def _pack_body(body: ReplyBody) -> bytes:
    if body is None:
        return b""
    if isinstance(body, PodStatus):
        return bytes(body)
    return body.layout.pack(*_values(body))


def encode_command(command: Command, request: int) -> bytes:
    """Return the bytes to write to the control point.

    Parameters
    ----------
    command : Command
    request : int
        0 .. 255, returned in the reply.

    Raises
    ------
    ValueError
        A field does not fit its layout or is out of its range.
    """
    _check_encodable(command)
    try:
        return _HEAD.pack(command.op, request) + command.layout.pack(*_values(command))
    except struct.error as error:
        raise ValueError(f"a field does not fit the control command: {error}") from error


def decode_command(data: bytes | bytearray | memoryview) -> tuple[int, Command]:
    """Return ``(request, command)`` from what was written to the control point.

    Raises
    ------
    DecodeError
        `UnknownCode` for an opcode that is not known, `Truncated`, `BadLength` or `BadValue`.
    """
    if len(data) < _HEAD.size:
        raise Truncated(_WHAT_COMMAND, _HEAD.size, len(data))
    op, request = _HEAD.unpack_from(data)
    cls = _COMMANDS.get(op)
    if cls is None:
        raise UnknownCode(_WHAT_COMMAND, "opcode", op)
    _check_size(_WHAT_COMMAND, len(data), _HEAD.size + cls.layout.size)
    values = cls.layout.unpack_from(data, _HEAD.size)
    command: Command
    if cls is SetSide:
        command = SetSide(side_from(values[0], _WHAT_COMMAND), role_from(values[1], _WHAT_COMMAND))
    else:
        command = cls(*values)
    _check_decoded(_WHAT_COMMAND, command)
    return request, command


def decode_reply(data: bytes | bytearray | memoryview) -> Reply:
    """Return a pod's answer.

    Raises
    ------
    DecodeError
        The bytes are not a valid reply.
    """
    if len(data) < _REPLY_HEAD.size:
        raise Truncated(_WHAT_REPLY, _REPLY_HEAD.size, len(data))
    code, request, result_code = _REPLY_HEAD.unpack_from(data)
    if not code & _REPLY_BIT:
        raise UnknownCode(_WHAT_REPLY, "reply opcode", code)
    try:
        result = Result(result_code)
    except ValueError:
        raise UnknownCode(_WHAT_REPLY, "result", result_code) from None
    op = code & ~_REPLY_BIT
    body_class = _BODY_OF.get(op) if result is Result.OK else None
    if body_class is None:
        _check_size(_WHAT_REPLY, len(data), _REPLY_HEAD.size)
        return Reply(op, request, result)
    if body_class is PodStatus:
        return Reply(op, request, result, PodStatus.from_bytes(data[_REPLY_HEAD.size :]))
    layout: struct.Struct = body_class.layout  # type: ignore[union-attr]
    _check_size(_WHAT_REPLY, len(data), _REPLY_HEAD.size + layout.size)
    body = body_class(*layout.unpack_from(data, _REPLY_HEAD.size))
    _check_decoded(_WHAT_REPLY, body)
    return Reply(op, request, result, body)


def _check_size(what: str, got: int, need: int) -> None:
    if got < need:
        raise Truncated(what, need, got)
    if got > need:
        raise BadLength(what, need, got)
