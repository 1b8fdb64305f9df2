"""What a session asks of a view."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from ..events import SessionEvent


class View(Protocol):
    """Shows a session while it runs. No method waits for the screen."""

    def apply(self, event: SessionEvent) -> None:
        """Take in one event."""

    def set_status(self, lines: Sequence[str]) -> None:
        """Replace the lines that tell how the sinks are."""

    async def run(self, stop: asyncio.Event, on_mute: Callable[[], bool]) -> None:
        """Show until ``stop`` is set; the person may set it, too.

        Parameters
        ----------
        stop : asyncio.Event
        on_mute : callable
            Switches the cue's mute and returns True if it is now muted.
        """

    def summary(self) -> str:
        """Return the text to print when the session has ended."""
        ...
