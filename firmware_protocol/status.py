"""The pod's status: notified once a second, and the reply to the status command.

===== ==== ================== =====================================================================
bytes type field              meaning
===== ==== ================== =====================================================================
0     u8   version            wire version
1     u8   side               0 unknown, 1 left, 2 right
2     u8   role               0 foot, 1 thigh
3     u8   flags              see :class:`StatusFlags`; unknown bits are kept and ignored
4     u8   battery_percent    0-100, 255 unknown
5     u8   reserved           0
6-7   u16  battery_mv         0 unknown
8-11  u32  boot_id            random, new at each boot: ticks and sequences of two boots never mix
12-19 u64  tick_us            pod time, microseconds since boot, never wraps
20-23 u32  packets_sent       since ``start``
24-27 u32  packets_dropped    since ``start``: made but never handed to the radio
28-31 u32  samples_overrun    since ``start``: lost in the sensor's FIFO
32-33 u16  connections        since boot
34-35 u16  last_error         pod specific, 0 none
36-51 16s  serial             ASCII, padded with zeros
===== ==== ================== =====================================================================
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import Final

from .errors import BadLength, BadValue, Truncated, UnknownCode, UnsupportedVersion
from .imu_packet import WIRE_VERSION

_LAYOUT: Final = struct.Struct("<BBBBBBHIQIIIHH16s")
STATUS_BYTES: Final = _LAYOUT.size
BATTERY_UNKNOWN: Final = 255
MAX_SERIAL_CHARS: Final = 16
_WHAT: Final = "pod status"


class Side(IntEnum):
    """Which leg a pod is worn on."""

    UNKNOWN = 0
    LEFT = 1
    RIGHT = 2


class Role(IntEnum):
    """Where on the leg a pod is worn."""

    FOOT = 0
    THIGH = 1


class StatusFlags(IntFlag):
    """State bits of a pod."""

    NONE = 0
    STREAMING = 0x01
    CHARGING = 0x02
    LOW_BATTERY = 0x04


@dataclass(frozen=True, slots=True)
class PodStatus:
    """What a pod says about itself. Field meanings and ranges: the table above."""

    side: Side
    role: Role
    flags: StatusFlags
    battery_percent: int
    battery_mv: int
    boot_id: int
    tick_us: int
    packets_sent: int
    packets_dropped: int
    samples_overrun: int
    connections: int
    last_error: int
    serial: str

    def __bytes__(self) -> bytes:
        """Encode.

        Raises
        ------
        ValueError
            A field does not fit its layout.
        """
        serial = check_serial(self.serial)
        if not (self.battery_percent <= 100 or self.battery_percent == BATTERY_UNKNOWN):
            raise ValueError("battery_percent is 0 to 100, or 255 for unknown")
        try:
            return _LAYOUT.pack(
                WIRE_VERSION,
                self.side,
                self.role,
                self.flags,
                self.battery_percent,
                0,
                self.battery_mv,
                self.boot_id,
                self.tick_us,
                self.packets_sent,
                self.packets_dropped,
                self.samples_overrun,
                self.connections,
                self.last_error,
                serial,
            )
        except struct.error as error:
            raise ValueError(f"a field does not fit the pod status: {error}") from error

    @classmethod
    def from_bytes(cls, data: bytes | bytearray | memoryview) -> PodStatus:
        """Decode.

        Raises
        ------
        DecodeError
            The bytes are not a valid status of this wire version.
        """
        size = len(data)
        if size < 1:
            raise Truncated(_WHAT, STATUS_BYTES, size)
        if data[0] != WIRE_VERSION:
            raise UnsupportedVersion(_WHAT, data[0], WIRE_VERSION)
        if size < STATUS_BYTES:
            raise Truncated(_WHAT, STATUS_BYTES, size)
        if size > STATUS_BYTES:
            raise BadLength(_WHAT, STATUS_BYTES, size)
        (
            _,
            side,
            role,
            flags,
            percent,
            _,
            millivolt,
            boot_id,
            tick_us,
            sent,
            dropped,
            overrun,
            connections,
            error,
            raw,
        ) = _LAYOUT.unpack(data)
        if percent > 100 and percent != BATTERY_UNKNOWN:
            raise BadValue(_WHAT, f"battery {percent} %")
        text = raw.rstrip(b"\0")
        if not text or any(byte < 0x21 or byte > 0x7E for byte in text):
            raise BadValue(_WHAT, "the serial is not printable ASCII")
        return cls(
            side_from(side, _WHAT),
            role_from(role, _WHAT),
            StatusFlags(flags),
            percent,
            millivolt,
            boot_id,
            tick_us,
            sent,
            dropped,
            overrun,
            connections,
            error,
            text.decode("ascii"),
        )


def check_serial(serial: str) -> bytes:
    """Return a serial as wire bytes.

    Raises
    ------
    ValueError
        It is not 1 to 16 printable ASCII characters without blanks.
    """
    if not 1 <= len(serial) <= MAX_SERIAL_CHARS or any(not "!" <= char <= "~" for char in serial):
        raise ValueError("a serial is 1 to 16 printable ASCII characters without blanks")
    return serial.encode("ascii")


def side_from(code: int, what: str) -> Side:
    """Return the side for a wire code, or raise `UnknownCode`."""
    try:
        return Side(code)
    except ValueError:
        raise UnknownCode(what, "side", code) from None


def role_from(code: int, what: str) -> Role:
    """Return the role for a wire code, or raise `UnknownCode`."""
    try:
        return Role(code)
    except ValueError:
        raise UnknownCode(what, "role", code) from None
