"""The live view in a terminal."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TextIO

from rich.console import Console, RenderableType
from rich.live import Live

from ..events import SessionEvent
from .keys import single_keys
from .layout import draw
from .model import LiveModel
from .output import OutputThread
from .summary import summary_text

REFRESH_S = 0.2


class TerminalView:
    """Draws the session five times a second; ``m`` mutes the cue, ``q`` stops.

    Parameters
    ----------
    now_s : callable
        Session time now.
    title : str
        What runs here.
    console : rich.console.Console, optional
    keyboard : text file, optional
        Where keys come from; default ``sys.stdin``.
    """

    def __init__(
        self,
        now_s: Callable[[], float],
        title: str = "shoepod",
        *,
        console: Console | None = None,
        keyboard: TextIO | None = None,
    ) -> None:
        self._now_s = now_s
        self._title = title
        self._console = console or Console()
        self._keyboard = keyboard or sys.stdin
        self.model = LiveModel()

    def apply(self, event: SessionEvent) -> None:
        """Take in one event."""
        self.model.apply(event)

    def set_status(self, lines: Sequence[str]) -> None:
        """Replace the lines that tell how the sinks are."""
        self.model.set_status(lines)

    def summary(self) -> str:
        """Return the text to print when the session has ended."""
        return summary_text(self.model)

    async def run(self, stop: asyncio.Event, on_mute: Callable[[], bool]) -> None:
        """Draw until ``stop`` is set, by whomever; leaves the terminal as it was."""

        def on_key(key: str) -> None:
            if key in "mM":
                self.model.muted = on_mute()
            elif key in "qQ":
                stop.set()

        # Only the newest picture matters: a slow terminal skips some.
        screen: OutputThread[RenderableType] = OutputThread(self._open_screen, limit=1)
        with single_keys(self._keyboard, on_key):
            screen.start()
            try:
                while not stop.is_set():
                    screen.put(draw(self.model, self._now_s(), self._title))
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(stop.wait(), REFRESH_S)
            finally:
                await screen.close()

    @contextlib.contextmanager
    def _open_screen(self) -> Iterator[Callable[[RenderableType], None]]:
        with Live(console=self._console, screen=True, auto_refresh=False) as live:
            yield lambda picture: live.update(picture, refresh=True)
