"""The session clock: monotonic, with one UTC anchor and one zone.

A session counts seconds on the clock that goes on through suspend, from its own beginning. The wall clock
is read once, at that beginning; whatever is done to it afterwards (a step, daylight saving, midnight)
moves no sample. Dates are worked out from the anchor when somebody wants to read one.
"""

from __future__ import annotations

import os
import re
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from pathlib import Path
from typing import Final, Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from .errors import SessionError

_NS_PER_S: Final = 1_000_000_000
# Shorter differences are the scheduler's; a suspend takes longer than this to enter and leave.
_SUSPEND_MIN_NS: Final = _NS_PER_S
_OFFSET: Final = re.compile(r"([+-])(\d\d):(\d\d)")


class TimeSource(Protocol):
    """Where time comes from; injected, so that a test can be its own time."""

    def monotonic_ns(self) -> int:
        """Return a clock that stands still while the computer is suspended."""
        ...

    def boottime_ns(self) -> int:
        """Return a clock that goes on while the computer is suspended."""
        ...

    def utc_now(self) -> datetime:
        """Return the wall clock, aware, in UTC."""
        ...

    def zone_name(self) -> str:
        """Return the local zone: an IANA name, or an offset such as ``+02:00``."""
        ...


class SystemTimeSource:
    """The clocks of the computer we run on."""

    def __init__(self) -> None:
        # Linux: CLOCK_BOOTTIME. macOS: its CLOCK_MONOTONIC_RAW counts sleep, Python's monotonic does not.
        # Windows: monotonic itself counts sleep, so there a suspend shows only as lost links.
        if sys.platform == "darwin":
            self._clock_id: int | None = getattr(time, "CLOCK_MONOTONIC_RAW", None)
        else:
            self._clock_id = getattr(time, "CLOCK_BOOTTIME", None)

    def monotonic_ns(self) -> int:
        """Return the monotonic clock."""
        return time.monotonic_ns()

    def boottime_ns(self) -> int:
        """Return the clock that counts sleep, or the monotonic one where there is none."""
        return time.monotonic_ns() if self._clock_id is None else time.clock_gettime_ns(self._clock_id)

    def utc_now(self) -> datetime:
        """Return the wall clock."""
        return datetime.now(UTC)

    def zone_name(self) -> str:
        """Return the zone of ``TZ``, ``/etc/localtime`` or ``/etc/timezone``, else the present offset."""
        for name in _zone_candidates():
            if name and _is_zone(name):
                return name
        return _offset_name(datetime.now().astimezone().utcoffset() or timedelta(0))


@dataclass(frozen=True, slots=True)
class Anchor:
    """Ties session time to the calendar: session second 0 happened at ``utc``, read in ``zone``.

    Attributes
    ----------
    utc : datetime
        Aware, UTC.
    zone : str
        IANA name, or an offset such as ``+02:00``.
    """

    utc: datetime
    zone: str

    def utc_at(self, session_s: float) -> datetime:
        """Return the UTC date of a session time, to the microsecond."""
        return self.utc + timedelta(seconds=session_s)

    def local_at(self, session_s: float) -> datetime:
        """Return the local date of a session time, with the offset that held in the zone at that moment.

        Raises
        ------
        SessionError
            This computer does not know the zone.
        """
        return self.utc_at(session_s).astimezone(zone_info(self.zone))


@dataclass(frozen=True, slots=True)
class Suspend:
    """The computer slept for ``asleep_s`` somewhere in ``[from_s, to_s)`` of session time."""

    from_s: float
    to_s: float
    asleep_s: float


class SessionClock:
    """Session time of one session.

    Raw readings (`reading_ns`) are what arrivals are stamped with; `session_ns` turns them into session
    time. Integers are kept to the end, so that a replay from stored nanoseconds is bit-identical.

    Parameters
    ----------
    source : TimeSource

    Attributes
    ----------
    anchor : Anchor
        Taken once, at the beginning of the session.
    """

    def __init__(self, source: TimeSource | None = None) -> None:
        self._source: TimeSource = source if source is not None else SystemTimeSource()
        self.anchor = Anchor(self._source.utc_now().astimezone(UTC), self._source.zone_name())
        self._begin(0)

    @classmethod
    def resume(cls, anchor: Anchor, last_session_s: float, source: TimeSource | None = None) -> SessionClock:
        """Go on with an interrupted session.

        Session time continues by the UTC time that has passed since the anchor. Only here is the wall
        clock trusted across a time without a monotonic one; if it was set back meanwhile, session time
        goes on from where the session stopped, never before it.

        Parameters
        ----------
        anchor : Anchor
            The one the session began with; it stays.
        last_session_s : float
            The last session time that was stored.
        source : TimeSource, optional
        """
        clock = cls.__new__(cls)
        clock._source = source if source is not None else SystemTimeSource()
        clock.anchor = anchor
        passed_us = (clock._source.utc_now() - anchor.utc) // timedelta(microseconds=1)
        clock._begin(max(passed_us * 1000, round(last_session_s * _NS_PER_S)))
        return clock

    def _begin(self, session_ns: int) -> None:
        self._zero_ns = self._source.boottime_ns() - session_ns
        self._checked_ns, self._ahead_ns = self._read_ahead()

    def reading_ns(self) -> int:
        """Return the raw clock; cheap, never goes back."""
        return self._source.boottime_ns()

    def session_ns(self, reading_ns: int) -> int:
        """Return the session time of a raw reading, in nanoseconds."""
        return reading_ns - self._zero_ns

    def session_s(self, reading_ns: int) -> float:
        """Return the session time of a raw reading, in seconds."""
        return seconds(reading_ns - self._zero_ns)

    def now_s(self) -> float:
        """Return the session time of this moment, in seconds."""
        return self.session_s(self.reading_ns())

    def utc_at(self, session_s: float) -> datetime:
        """Return the UTC date of a session time; see `Anchor.utc_at`."""
        return self.anchor.utc_at(session_s)

    def local_at(self, session_s: float) -> datetime:
        """Return the local date of a session time; see `Anchor.local_at`."""
        return self.anchor.local_at(session_s)

    def check_suspend(self) -> Suspend | None:
        """Return the suspend since the last call, if there was one; call it about once a second."""
        before_ns = self._checked_ns
        now_ns, ahead_ns = self._read_ahead()
        asleep_ns = ahead_ns - self._ahead_ns
        self._checked_ns = now_ns
        if asleep_ns <= _SUSPEND_MIN_NS:
            return None
        self._ahead_ns = ahead_ns
        return Suspend(self.session_s(before_ns), self.session_s(now_ns), seconds(asleep_ns))

    def _read_ahead(self) -> tuple[int, int]:
        """Return a boottime reading and how far it is ahead of the monotonic clock.

        The two cannot be read at one instant. Being held up between them must not look like a suspend,
        so of several attempts the tightest one counts.
        """
        best: tuple[int, int, int] | None = None
        for _ in range(3):
            first_ns = self._source.monotonic_ns()
            boot_ns = self._source.boottime_ns()
            width_ns = self._source.monotonic_ns() - first_ns
            if best is None or width_ns < best[0]:
                best = (width_ns, boot_ns, boot_ns - first_ns)
        return (best or (0, 0, 0))[1:]


def seconds(ns: int) -> float:
    """Return nanoseconds as seconds; the one place where session time becomes a float."""
    return ns / _NS_PER_S


def zone_info(name: str) -> tzinfo:
    """Return the zone of an IANA name or of an offset such as ``+02:00``.

    Raises
    ------
    SessionError
        This computer does not know the zone.
    """
    match = _OFFSET.fullmatch(name)
    if match:
        sign, hours, minutes = match.groups()
        offset = timedelta(hours=int(hours), minutes=int(minutes))
        if offset < timedelta(hours=24):
            return timezone(-offset if sign == "-" else offset)
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise SessionError(
            f"the time zone {name!r} is not known on this computer; install its zone database (tzdata)"
        ) from error


def _is_zone(name: str) -> bool:
    try:
        zone_info(name)
    except SessionError:
        return False
    return True


def _zone_candidates() -> list[str]:
    names = [os.environ.get("TZ", "").removeprefix(":")]
    local = Path("/etc/localtime")
    try:
        if local.is_symlink():
            names.append(str(local.resolve()).partition("zoneinfo/")[2])
        names.append(Path("/etc/timezone").read_text(encoding="ascii").strip())
    except (OSError, UnicodeDecodeError):
        pass
    return names


def _offset_name(offset: timedelta) -> str:
    minutes = round(offset.total_seconds() / 60)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
