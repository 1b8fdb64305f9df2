"""What a report is made from. The store fills it; nothing here reads a file or a clock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Literal, TypeAlias

from gait_signal.types import Calibrated, Foot, Step

from ..clock import zone_info
from ..errors import SessionError
from ..events import CueMark, Notice, PodGap, PodState

SessionState: TypeAlias = Literal["running", "closed", "interrupted"]


@dataclass(frozen=True, slots=True)
class ReportData:
    """One session, ready to be told.

    Attributes
    ----------
    session_id, runner : str
        As stored; the report escapes them.
    started_utc : datetime
        When session time was zero. A naive value is taken as UTC.
    zone : str
        The zone the session was run in: an IANA name, or an offset such as ``+02:00``. An unknown one is told
        in UTC.
    steps : sequence of Step
        All activities and both feet, in any order.
    gaps, cues, pods, calibrations, notices
        As the session produced them; ``pods`` holds the latest state of each pod.
    core_version : str
        Version of the gait core that made the steps.
    settings_summary : sequence of (name, value)
        Settings worth telling, see `summarize_settings`.
    duration_s : float or None
        Length of the session, if known; never taken as shorter than what happened in it.
    state : str
        ``interrupted``: the bridge stopped before it could close the session.
    source : str
        Where the data came from if not from a runner's pods ("simulated runner, seed 7"); shown.
    """

    session_id: str
    runner: str
    started_utc: datetime
    zone: str
    steps: Sequence[Step]
    gaps: Sequence[PodGap] = ()
    cues: Sequence[CueMark] = ()
    pods: Sequence[PodState] = ()
    calibrations: Sequence[Calibrated] = ()
    notices: Sequence[Notice] = ()
    core_version: str = ""
    settings_summary: Sequence[tuple[str, str]] = field(default_factory=tuple)
    duration_s: float | None = None
    state: SessionState = "closed"
    source: str = ""

    @property
    def end_s(self) -> float:
        """Session time at which the time axis ends."""
        return max(1.0, self.duration_s or 0.0, max(self._times(), default=0.0))

    def _times(self) -> Iterator[float]:
        yield from (step.to_s or step.ic_s for step in self.steps)
        yield from (gap.to_s for gap in self.gaps)
        yield from (cue.at_s for cue in self.cues)
        yield from (pod.at_s for pod in self.pods)

    def side_of(self, serial: str) -> Foot | None:
        """Return the side a pod was worn on, if it was ever known."""
        return next((pod.side for pod in self.pods if pod.serial == serial), None)

    def local_time(self, at_s: float) -> datetime:
        """Return the wall-clock time, in the session's zone, of a session time."""
        started = self.started_utc
        if started.tzinfo is None:
            started = started.replace(tzinfo=UTC)
        return (started.astimezone(UTC) + timedelta(seconds=at_s)).astimezone(known_zone(self.zone) or UTC)


def known_zone(name: str) -> tzinfo | None:
    """Return the zone of an IANA name or of an offset such as ``+02:00``, or None where it is not known here."""
    try:
        return zone_info(name)
    except SessionError:
        return None


def summarize_settings(table: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Pick from a stored settings table what helps to read a report.

    Parameters
    ----------
    table : mapping
        As `sensor_bridge.settings.settings_to_table` returns it; unknown or missing keys are passed over.
    """
    rows: list[tuple[str, str]] = []
    stream = _table(table, "stream")
    if stream:
        rows.append(
            (
                "Stream asked for",
                f"{stream.get('rate_hz', '?')} Hz, ±{stream.get('acc_range_g', '?')} g, "
                f"±{stream.get('gyr_range_dps', '?')} °/s, "
                f"{stream.get('samples_per_packet', '?')} samples a packet",
            )
        )
    cue = _table(table, "cue")
    if cue and not cue.get("enabled", True):
        rows.append(("Cue", "off"))
    elif cue:
        strikes = cue.get("strikes", ())
        named = ", ".join(str(strike) for strike in strikes) if isinstance(strikes, list | tuple) else "?"
        rows.append(
            (
                "Cue",
                f"on {named or 'no strike'}, from confidence {cue.get('min_confidence', '?')}, "
                f"at least {cue.get('refractory_s', '?')} s apart, volume {cue.get('volume', '?')}",
            )
        )
    return tuple(rows)


def _table(table: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = table.get(name)
    return value if isinstance(value, Mapping) else {}
