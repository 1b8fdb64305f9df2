"""Which view fits where the output goes."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TextIO

from .base import View


def open_view(now_s: Callable[[], float], title: str = "shoepod", *, stream: TextIO | None = None) -> View:
    """Return the terminal view on a terminal that can draw, plain lines elsewhere.

    Parameters
    ----------
    now_s : callable
        Session time now.
    title : str
        What runs here.
    stream : text file, optional
        Default ``sys.stdout``.
    """
    out = stream or sys.stdout
    if can_draw(out):
        from rich.console import Console  # only where it is needed: imports cost start-up time

        from .terminal import TerminalView

        return TerminalView(now_s, title, console=Console(file=out))
    from .plain import PlainView

    return PlainView(now_s, out)


def can_draw(stream: TextIO) -> bool:
    """Return True for a terminal that moves its cursor and knows the characters of the picture."""
    encoding = (getattr(stream, "encoding", None) or "").lower().replace("-", "")
    return stream.isatty() and os.environ.get("TERM", "") != "dumb" and encoding.startswith("utf")
