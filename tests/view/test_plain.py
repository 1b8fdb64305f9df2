"""Plain lines: what is told, how often, and what happens when nobody reads."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import threading
from dataclasses import replace

from sensor_bridge.events import Notice, PodGap, PodState
from sensor_bridge.view import output
from sensor_bridge.view.choose import can_draw, open_view
from sensor_bridge.view.plain import PlainView


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


async def told(view: PlainView, stream: io.StringIO) -> list[str]:
    """Return the lines written so far (``run`` ends at once, but writes what waits)."""
    stop = asyncio.Event()
    stop.set()
    await view.run(stop, lambda: True)
    return stream.getvalue().splitlines()


async def test_a_session_in_lines(busy):
    out, clock = io.StringIO(), Clock()
    view = PlainView(clock, out)
    busy(view)
    clock.now_s = 35.0
    view.tell_figures()
    lines = await told(view, out)
    assert all(line.isascii() for line in lines)
    assert lines[0] == "   0:01  left foot pod SIM-left: streaming, battery 88 %"
    assert "   0:03  left foot calibrated from running" in lines
    assert "   0:04  running" in lines
    assert sum(line.endswith("  running") for line in lines) == 1, "not once per foot"
    assert "   0:21  pod SIM-left: 1.5 s of data missing (link)" in lines
    assert lines[-3].startswith(
        "   0:35  left 20 steps rearfoot 50 % contact 240 ms cadence 171 /min knee est. 33 deg | right 20 steps"
    )
    assert lines[-3].endswith("| cue 40x 50 ms")
    assert lines[-2:] == ["   0:35  MQTT: 80 sent, 0 waiting", "   0:35  database: 80 sent, 3 waiting"]
    assert len([line for line in lines if "Notice" in line]) == 5


async def test_steps_and_short_gaps_get_no_line_of_their_own(a_step, a_contact):
    out = io.StringIO()
    view = PlainView(Clock(), out)
    view.apply(a_step)
    view.apply(a_contact)
    view.apply(PodGap("A", 1.0, 1.1, 4, "radio"))
    view.apply(PodState("A", "left", "foot", 1.0, "streaming", packets_lost=4))
    view.apply(PodState("A", "left", "foot", 2.0, "streaming", packets_lost=8))
    assert await told(view, out) == ["   0:01  left foot pod A: streaming"]


async def test_figures_are_told_only_when_there_are_new_steps(a_step):
    out = io.StringIO()
    view = PlainView(Clock(), out)
    view.tell_figures()
    view.apply(a_step)
    view.tell_figures()
    view.tell_figures()
    view.apply(replace(a_step, step_id=2))
    view.tell_figures()
    assert len(await told(view, out)) == 2


async def test_status_lines_are_told_when_they_change_but_not_all_the_time():
    out, clock = io.StringIO(), Clock()
    view = PlainView(clock, out)
    for second in range(61):
        clock.now_s = float(second)
        view.set_status([f"{second} sent"])
        view.tell_figures()
    assert await told(view, out) == ["   0:00  0 sent", "   0:30  30 sent", "   1:00  60 sent"]


async def test_text_from_outside_stays_on_its_line():
    out = io.StringIO()
    view = PlainView(Clock(), out)
    view.apply(Notice(1.0, "info", "ü\x1b[31m\nnext"))
    assert await told(view, out) == ["   0:01  info: ??[31m?next"]


async def test_a_reader_that_leaves_does_not_end_the_session():
    read, write = os.pipe()
    os.close(read)
    stream = os.fdopen(write, "w")
    view = PlainView(Clock(), stream)
    view.apply(Notice(1.0, "info", "hello"))
    stop = asyncio.Event()
    stop.set()
    await view.run(stop, lambda: True)
    assert view._lines.broken
    view.apply(Notice(2.0, "info", "still there"))
    with contextlib.suppress(BrokenPipeError):
        stream.close()


async def test_a_reader_that_does_not_read_holds_nothing_up(monkeypatch):
    """The pipe is full: lines are dropped, oldest first, and the end does not wait for ever."""
    monkeypatch.setattr(output, "CLOSE_TIMEOUT_S", 0.05)
    held = threading.Event()

    class Stuck(io.StringIO):
        def write(self, text: str) -> int:
            held.wait(10)
            return super().write(text)

    out = Stuck()
    view = PlainView(Clock(), out)
    stop = asyncio.Event()
    running = asyncio.create_task(view.run(stop, lambda: True))
    for i in range(2000):
        view.apply(Notice(float(i), "info", f"line {i}"))
    stop.set()
    await running
    assert view._lines.dropped >= 2000 - 501
    held.set()


def test_without_a_terminal_the_view_is_plain(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    assert isinstance(open_view(lambda: 0.0, stream=io.StringIO()), PlainView)

    class Screen(io.StringIO):
        encoding = "utf-8"

        def isatty(self) -> bool:
            return True

    assert can_draw(Screen())
    monkeypatch.setenv("TERM", "dumb")
    assert not can_draw(Screen())
    monkeypatch.setenv("TERM", "xterm")
    Screen.encoding = "ascii"
    assert not can_draw(Screen())
