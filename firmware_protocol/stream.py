"""The receiving side of a stream: every sequence number accounted for, ticks unwrapped. No clock, no I/O.

Theory of operation
-------------------
Sequence numbers and ticks are 32 bits wide and wrap. Both are carried on as unbounded integers (``index``,
``tick_us``), each new value being the one nearest to the last. A packet is

=========== ==========================================================================================
next        index is one more than the highest seen: pass it on
after a gap index is higher still: what lies between is lost (so far), pass it on
late        index is lower and was counted as lost: found again, but out of order: counted, not passed on
duplicate   index is lower or equal and was seen: counted, not passed on
=========== ==========================================================================================

A boot or a new ``start`` begins a new stream, whose packets count from 0: `restart` is called once the
reply to ``start`` is there, so that packets lost before the first one that came are counted too. Without
`restart` the first packet is taken as it comes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

from .imu_packet import ImuPacket

_WRAP: Final = 1 << 32
_HALF: Final = 1 << 31
# Lost packets that are still recognised when they come late: 100 s at 40 packets a second.
_REMEMBERED_LOSSES: Final = 4096


@dataclass(frozen=True, slots=True)
class Received:
    """A packet in order. ``tick_us`` is the unwrapped pod time of its first sample."""

    packet: ImuPacket
    index: int
    tick_us: int


@dataclass(frozen=True, slots=True)
class Lost:
    """``count`` packets are missing before packet ``before_index``."""

    count: int
    before_index: int


@dataclass(frozen=True, slots=True)
class Late:
    """A packet counted as lost came after all, out of order."""

    packet: ImuPacket
    index: int


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A packet that was seen before."""

    index: int


StreamEvent: TypeAlias = Received | Lost | Late | Duplicate


@dataclass(slots=True)
class StreamCounts:
    """Running totals of one stream."""

    received: int = 0
    lost: int = 0
    late: int = 0
    duplicate: int = 0
    overruns: int = 0


def unwrap(value: int, near: int) -> int:
    """Return the integer congruent to ``value`` modulo 2^32 that is nearest to ``near``."""
    return near + (value - near + _HALF) % _WRAP - _HALF


class PodStream:
    """Accounts for the packets of one pod.

    Attributes
    ----------
    counts : StreamCounts
        Totals over all restarts; ``lost`` goes down again when a late packet turns up.
    """

    def __init__(self) -> None:
        self.counts = StreamCounts()
        # None: joined midway, the first packet says where we are.
        self._highest: int | None = None
        self._tick_us = 0
        self._missing: dict[int, None] = {}

    def restart(self, tick_us: int = 0) -> None:
        """Begin a new stream: the next packet expected is number 0.

        Parameters
        ----------
        tick_us : int
            The pod's 64-bit time, where known: it tells which turn of the 32-bit tick this is.
        """
        self._highest = -1
        self._tick_us = tick_us
        self._missing.clear()

    def receive(self, data: bytes | bytearray | memoryview) -> list[StreamEvent]:
        """Take one notification.

        Raises
        ------
        DecodeError
            The bytes are not a valid packet; the state is unchanged.
        """
        packet = ImuPacket.from_bytes(data)
        highest = self._highest
        if highest is None:
            index = packet.sequence
        else:
            index = unwrap(packet.sequence, highest)
            if index <= highest:
                return [self._behind(packet, index)]
        events: list[StreamEvent] = []
        if highest is not None and index > highest + 1:
            lost = index - highest - 1
            self.counts.lost += lost
            for missing in range(max(highest + 1, index - _REMEMBERED_LOSSES), index):
                self._missing[missing] = None
            while len(self._missing) > _REMEMBERED_LOSSES:
                del self._missing[next(iter(self._missing))]
            events.append(Lost(lost, index))
        self._highest = index
        self._tick_us = unwrap(packet.tick_us, self._tick_us)
        self.counts.received += 1
        if packet.flags & packet.flags.OVERRUN:
            self.counts.overruns += 1
        events.append(Received(packet, index, self._tick_us))
        return events

    def _behind(self, packet: ImuPacket, index: int) -> StreamEvent:
        if index in self._missing:
            del self._missing[index]
            self.counts.lost -= 1
            self.counts.late += 1
            return Late(packet, index)
        self.counts.duplicate += 1
        return Duplicate(index)
