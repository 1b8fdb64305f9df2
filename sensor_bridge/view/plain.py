"""The live view as plain lines, for a log or a pipe. ASCII only: nobody knows what reads it."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TextIO

from gait_signal.types import FEET, ActivityChange, ActivityState, Calibrated, Foot

from ..events import LinkState, Notice, PodGap, PodState, SessionEvent
from ..wording import elapsed_text, printable
from .figures import angle, ascii_text, milliseconds, per_minute, percent
from .model import LiveModel
from .output import OutputThread
from .summary import summary_text

SUMMARY_EVERY_S = 5.0
STATUS_EVERY_S = 30.0
TOLD_GAP_S = 0.5
"""Shorter gaps are only counted."""
LINES_WAITING = 500


class PlainView:
    """Tells a session in lines: what changes at once, the figures every five seconds.

    Parameters
    ----------
    now_s : callable
        Session time now.
    stream : text file, optional
        Default ``sys.stdout``.
    """

    def __init__(self, now_s: Callable[[], float], stream: TextIO | None = None) -> None:
        self._now_s = now_s
        self._stream = stream or sys.stdout
        self._lines: OutputThread[str] = OutputThread(self._open_stream, limit=LINES_WAITING)
        self._links: dict[str, LinkState] = {}
        self._activity: ActivityState = "unknown"
        self._told_steps = 0
        self._told_status: tuple[str, ...] = ()
        self._status_at_s = -STATUS_EVERY_S
        self.model = LiveModel()

    def apply(self, event: SessionEvent) -> None:
        """Take in one event; what is worth a line gets one."""
        self.model.apply(event)
        match event:
            case Notice():
                self._tell(event.at_s, f"{event.level}: {event.text}")
            case PodState() if self._links.get(event.serial) != event.link:
                self._links[event.serial] = event.link
                battery = "" if event.battery_percent is None else f", battery {event.battery_percent} %"
                self._tell(event.at_s, f"{event.side} {event.role} pod {event.serial}: {event.link}{battery}")
            case PodGap() if event.to_s - event.from_s >= TOLD_GAP_S:
                length_s = event.to_s - event.from_s
                self._tell(event.to_s, f"pod {event.serial}: {length_s:.1f} s of data missing ({event.cause})")
            case Calibrated():
                how = event.calibration.source
                self._tell(event.decided_s, f"{event.foot} foot calibrated from {how}")
            case ActivityChange() if self.model.activity not in (self._activity, "unknown"):
                self._activity = self.model.activity
                self._tell(event.decided_s, self._activity.replace("_", " "))

    def set_status(self, lines: Sequence[str]) -> None:
        """Replace the lines that tell how the sinks are; they are told when they change."""
        self.model.set_status(lines)

    def summary(self) -> str:
        """Return the text to print when the session has ended."""
        return summary_text(self.model)

    async def run(self, stop: asyncio.Event, on_mute: Callable[[], bool]) -> None:
        """Write until ``stop`` is set; there are no keys here."""
        self._lines.start()
        try:
            while not stop.is_set():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), SUMMARY_EVERY_S)
                self.tell_figures()
        finally:
            await self._lines.close()

    def tell_figures(self) -> None:
        """Write the figures if there are new steps, and the sinks' lines if they changed."""
        now_s = self._now_s()
        feet = self.model.feet
        steps = sum(foot.running_steps + foot.in_place_steps for foot in feet.values())
        if steps != self._told_steps:
            self._told_steps = steps
            self._tell(now_s, " | ".join(self._foot_text(foot) for foot in FEET) + self._cue_text())
        if self.model.status_lines != self._told_status and now_s - self._status_at_s >= STATUS_EVERY_S:
            self._told_status = self.model.status_lines
            self._status_at_s = now_s
            for line in self._told_status:
                self._tell(now_s, line)

    def _foot_text(self, name: Foot) -> str:
        foot = self.model.feet[name]
        return (
            f"{name} {foot.running_steps + foot.in_place_steps} steps"
            f" rearfoot {percent(foot.share('rearfoot'))}"
            f" contact {milliseconds(foot.contact_time_s.recent_mean)}"
            f" cadence {per_minute(foot.cadence_spm.recent_mean)}"
            f" knee est. {angle(foot.knee_drive_rad.recent_mean)}"
        )

    def _cue_text(self) -> str:
        if not self.model.cue_count:
            return ""
        return f" | cue {self.model.cue_count}x {milliseconds(self.model.cue_latency_s(0.5))}"

    def _tell(self, at_s: float, text: str) -> None:
        self._lines.put(ascii_text(f"{elapsed_text(at_s):>7}  {printable(text)}"))

    @contextlib.contextmanager
    def _open_stream(self) -> Iterator[Callable[[str], None]]:
        def write(line: str) -> None:
            self._stream.write(line + "\n")
            self._stream.flush()

        yield write
