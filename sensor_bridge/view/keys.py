"""Single keys from the terminal, without a line feed and without blocking; the terminal is always restored."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from typing import TextIO


@contextlib.contextmanager
def single_keys(stream: TextIO, on_key: Callable[[str], None]) -> Iterator[None]:
    """Call ``on_key`` in the running event loop for each key pressed; do nothing without a terminal.

    Ctrl-C stays the interrupt it is.

    Parameters
    ----------
    stream : text file
        Usually ``sys.stdin``.
    on_key : callable
        Gets one character.
    """
    if sys.platform == "win32":
        yield from _windows_keys(on_key)
    else:
        yield from _posix_keys(stream, on_key)


def _posix_keys(stream: TextIO, on_key: Callable[[str], None]) -> Iterator[None]:
    import termios
    import tty

    loop = asyncio.get_running_loop()
    try:
        fd = stream.fileno()
        # A job in the background that touches the terminal would be stopped by the system.
        if not os.isatty(fd) or os.tcgetpgrp(fd) != os.getpgrp():
            yield
            return
        before = termios.tcgetattr(fd)
    except (OSError, ValueError, termios.error):
        yield
        return

    def read() -> None:
        try:
            data = os.read(fd, 64)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            loop.remove_reader(fd)
        for key in data.decode("ascii", "ignore"):
            on_key(key)

    try:
        tty.setcbreak(fd, termios.TCSADRAIN)
        changed = termios.tcgetattr(fd)
        changed[0] &= ~termios.IXON  # Ctrl-S would stop the screen, and who knows Ctrl-Q?
        termios.tcsetattr(fd, termios.TCSADRAIN, changed)
        loop.add_reader(fd, read)
        yield
    finally:
        loop.remove_reader(fd)
        with contextlib.suppress(termios.error, OSError):
            termios.tcsetattr(fd, termios.TCSADRAIN, before)


def _windows_keys(on_key: Callable[[str], None]) -> Iterator[None]:
    if sys.platform != "win32":
        return
    import msvcrt

    loop = asyncio.get_running_loop()
    timers: list[asyncio.TimerHandle] = []

    def poll() -> None:
        while msvcrt.kbhit():
            on_key(msvcrt.getwch())
        timers[:] = [loop.call_later(0.1, poll)]

    poll()
    try:
        yield
    finally:
        timers[0].cancel()
