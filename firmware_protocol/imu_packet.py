"""The IMU packet: what a pod notifies on the stream characteristic.

===== ==== ============= ==========================================================================
bytes type field         meaning
===== ==== ============= ==========================================================================
0-3   u32  sequence      counts packets since ``start``, wraps at 2^32
4-7   u32  tick_us       pod time of the first sample, microseconds, wraps at 2^32 (71.6 min)
8-9   u16  period_us     time from one sample to the next, microseconds
10    u8   version|count wire version in bits 7-5, number of samples (1-19) in bits 4-0
11    u8   flags         see :class:`ImuFlags`; unknown bits are kept and ignored
12-13 u16  acc_scale     2^-22 m/s^2 per LSB
14-15 u16  gyr_scale     2^-24 rad/s per LSB
16-   i16  samples       acc x y z, gyr x y z per sample, sensor frame
===== ==== ============= ==========================================================================

All numbers are little-endian. 19 samples make 244 bytes, the payload of a 247-byte ATT MTU.
The stream relies on the link layer's 24-bit CRC; what is stored carries a CRC-32.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntFlag
from typing import Final

from .errors import BadLength, BadValue, Truncated, UnsupportedVersion

WIRE_VERSION: Final = 1
MAX_SAMPLES: Final = 19
ACC_SCALE_UNIT_MPS2: Final = 2.0**-22
GYR_SCALE_UNIT_RADPS: Final = 2.0**-24

_HEADER: Final = struct.Struct("<IIHBBHH")
_SAMPLE: Final = struct.Struct("<6h")
HEADER_BYTES: Final = _HEADER.size
SAMPLE_BYTES: Final = _SAMPLE.size
_WHAT: Final = "IMU packet"

SampleCounts = tuple[int, int, int, int, int, int]


class ImuFlags(IntFlag):
    """What happened while the samples of a packet were taken."""

    NONE = 0
    ACC_SATURATED = 0x01
    """At least one accelerometer value in this packet hit the end of its range."""
    GYR_SATURATED = 0x02
    """At least one gyro value in this packet hit the end of its range."""
    OVERRUN = 0x04
    """Samples were lost on the pod just before this packet (sensor FIFO overflow)."""


@dataclass(frozen=True, slots=True)
class ImuPacket:
    """One stream notification.

    Attributes
    ----------
    sequence : int
        0 .. 2^32-1.
    tick_us : int
        Pod time of the first sample, 0 .. 2^32-1 microseconds.
    period_us : int
        1 .. 65535.
    flags : ImuFlags
    acc_scale : int
        LSB size in units of 2^-22 m/s^2, 1 .. 65535.
    gyr_scale : int
        LSB size in units of 2^-24 rad/s, 1 .. 65535.
    samples : tuple of 6-tuples of int
        acc x y z, gyr x y z in counts, oldest first; 1 .. 19 of them.
    """

    sequence: int
    tick_us: int
    period_us: int
    flags: ImuFlags
    acc_scale: int
    gyr_scale: int
    samples: tuple[SampleCounts, ...]

    @property
    def acc_mps2_per_lsb(self) -> float:
        """Accelerometer LSB in m/s^2 (exact)."""
        return self.acc_scale * ACC_SCALE_UNIT_MPS2

    @property
    def gyr_radps_per_lsb(self) -> float:
        """Gyro LSB in rad/s (exact)."""
        return self.gyr_scale * GYR_SCALE_UNIT_RADPS

    def __bytes__(self) -> bytes:
        """Encode.

        Raises
        ------
        ValueError
            A field does not fit its layout.
        """
        count = len(self.samples)
        if not 1 <= count <= MAX_SAMPLES:
            raise ValueError(f"an IMU packet holds 1 to {MAX_SAMPLES} samples, got {count}")
        if not (self.period_us and self.acc_scale and self.gyr_scale):
            raise ValueError("period_us, acc_scale and gyr_scale must not be 0")
        try:
            head = _HEADER.pack(
                self.sequence,
                self.tick_us,
                self.period_us,
                WIRE_VERSION << 5 | count,
                int(self.flags),
                self.acc_scale,
                self.gyr_scale,
            )
            return head + b"".join(_SAMPLE.pack(*sample) for sample in self.samples)
        except struct.error as error:
            raise ValueError(f"a field does not fit the IMU packet: {error}") from error

    @classmethod
    def from_bytes(cls, data: bytes | bytearray | memoryview) -> ImuPacket:
        """Decode.

        Raises
        ------
        DecodeError
            The bytes are not a valid packet of this wire version.
        """
        size = len(data)
        if size < HEADER_BYTES:
            raise Truncated(_WHAT, HEADER_BYTES + SAMPLE_BYTES, size)
        sequence, tick_us, period_us, version_count, flags, acc_scale, gyr_scale = _HEADER.unpack_from(data)
        version, count = version_count >> 5, version_count & 0x1F
        if version != WIRE_VERSION:
            raise UnsupportedVersion(_WHAT, version, WIRE_VERSION)
        if not 1 <= count <= MAX_SAMPLES:
            raise BadValue(_WHAT, f"holds 1 to {MAX_SAMPLES} samples, says {count}")
        need = HEADER_BYTES + count * SAMPLE_BYTES
        if size < need:
            raise Truncated(_WHAT, need, size)
        if size > need:
            raise BadLength(_WHAT, need, size)
        if not (period_us and acc_scale and gyr_scale):
            raise BadValue(_WHAT, "period and scales must not be 0")
        samples = tuple(_SAMPLE.iter_unpack(bytes(data[HEADER_BYTES:])))
        return cls(sequence, tick_us, period_us, ImuFlags(flags), acc_scale, gyr_scale, samples)
