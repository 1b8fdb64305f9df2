"""The live view on a real pseudo-terminal: drawing, keys, and the terminal as it was afterwards."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time

import pytest

if sys.platform == "win32":
    pytest.skip("pseudo-terminals are a POSIX matter", allow_module_level=True)

import fcntl
import pty
import struct
import termios

PROGRAM = """
import asyncio, os, signal, sys
os.login_tty(int(sys.argv[1]))
from sensor_bridge.view.choose import open_view
from sensor_bridge.events import Notice

async def main():
    view = open_view(lambda: 83.0, "shoepod test")
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, stop.set)
    muted = False
    def on_mute():
        nonlocal muted
        muted = not muted
        return muted
    view.apply(Notice(1.0, "info", "hello runner"))
    if sys.argv[2] == "fail":
        async def fail():
            await asyncio.sleep(0.3)
            raise RuntimeError("as planned")
        async with asyncio.TaskGroup() as group:
            group.create_task(view.run(stop, on_mute))
            group.create_task(fail())
    await view.run(stop, on_mute)
    print(view.summary(), "muted" if muted else "loud", flush=True)

asyncio.run(main())
"""


class Terminal:
    """A terminal of 80 x 24 with the view in it."""

    def __init__(self, how: str = "normal") -> None:
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.before = termios.tcgetattr(slave)
        self.slave = slave
        self.program = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(slave), how],
            pass_fds=[slave],
            start_new_session=True,
            env={**os.environ, "TERM": "xterm-256color", "PYTHONIOENCODING": "utf-8"},
        )
        self.text = ""

    def wait_for(self, text: str) -> None:
        end_s = time.monotonic() + 15
        while text not in self.text:
            ready, _, _ = select.select([self.master], [], [], max(0.0, end_s - time.monotonic()))
            if not ready:
                pytest.fail(f"{text!r} did not appear in {self.text[-2000:]!r}")
            self.text += os.read(self.master, 65536).decode("utf-8", "replace")

    def press(self, keys: str) -> None:
        self.text = ""
        os.write(self.master, keys.encode())

    def close(self) -> int:
        """Return the exit code; the output is read meanwhile, or the program could not end."""
        while self.program.poll() is None:
            if select.select([self.master], [], [], 0.05)[0]:
                self.text += os.read(self.master, 65536).decode("utf-8", "replace")
        return self.program.returncode

    def is_restored(self) -> bool:
        return termios.tcgetattr(self.slave) == self.before

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        self.program.kill()
        self.program.wait()
        os.close(self.master)
        os.close(self.slave)


def test_it_draws_and_keys_mute_and_stop():
    with Terminal() as terminal:
        terminal.wait_for("hello runner")
        assert "shoepod test" in terminal.text
        assert "1:23" in terminal.text
        assert "\x1b[?1049h" in terminal.text, "on the alternate screen"
        assert not terminal.is_restored(), "single keys are read"
        terminal.press("m")
        terminal.wait_for("MUTED")
        terminal.press("xm\x1b")
        terminal.wait_for("none so far")
        terminal.press("m")
        terminal.wait_for("MUTED")
        terminal.press("q")
        terminal.wait_for("no running steps. muted")
        assert "\x1b[?1049l" in terminal.text, "back on the normal screen"
        assert "\x1b[?25h" in terminal.text, "with a cursor"
        assert terminal.close() == 0
        assert terminal.is_restored()


def test_ctrl_c_still_interrupts():
    with Terminal() as terminal:
        terminal.wait_for("hello runner")
        terminal.press("\x03")
        terminal.wait_for("no running steps. loud")
        assert terminal.close() == 0
        assert terminal.is_restored()


def test_a_failing_session_leaves_the_terminal_as_it_was():
    with Terminal("fail") as terminal:
        terminal.wait_for("as planned")
        assert terminal.close() == 1
        assert "\x1b[?1049l" in terminal.text
        assert terminal.is_restored()
