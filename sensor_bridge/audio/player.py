"""The bridge's side of the cue player: starts the player process, sends one byte a cue, says how it is."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from ..settings import CueSettings
from ..wording import printable
from .sound import make_sound

PlayerState: TypeAlias = Literal["off", "starting", "ready", "no_device", "died", "stopped"]
NoticeCallback: TypeAlias = Callable[[Literal["info", "warning"], str], None]

READY_TIMEOUT_S = 5.0
"""A session does not wait longer for the sound; it may still come up later."""
STOP_TIMEOUT_S = 1.5
MAX_RESTARTS = 3
RESTART_PAUSE_S = 0.5
MAX_UNTAKEN = 2
"""With this many triggers not yet taken by the child it hangs: more would only sound late."""
HANG_S = 2.0
"""A child that hangs for this long is ended, and so started again."""


@dataclass(slots=True)
class PlayerCounts:
    """What became of the triggers.

    Attributes
    ----------
    sent, taken : int
        Sent to the child; read by it.
    dropped : int
        Asked for while the child could not play (not ready, hanging, pipe full).
    restarts : int
        Times the child was started again.
    """

    sent: int = 0
    taken: int = 0
    dropped: int = 0
    restarts: int = 0


class CuePlayer:
    """Plays the cue through a child process that holds an open audio stream.

    Parameters
    ----------
    settings : CueSettings
        ``enabled``, ``sound``, ``volume`` and ``device`` are used here; when to play is `CueRule`'s.
    on_notice : callable
        Gets (level, sentence) when the runner should know something; called from the event loop.
    command : sequence of str, optional
        What to run instead of the player process.
    environment : mapping, optional
        Environment of the child, if not the bridge's own.
    restart_pause_s : float
        Pause before the first restart; it grows with each.
    """

    def __init__(
        self,
        settings: CueSettings,
        on_notice: NoticeCallback,
        *,
        command: Sequence[str] | None = None,
        environment: Mapping[str, str] | None = None,
        restart_pause_s: float = RESTART_PAUSE_S,
    ) -> None:
        self._settings = settings
        self._on_notice = on_notice
        self._command = list(command) if command is not None else _command(settings)
        self._environment = environment
        self._restart_pause_s = restart_pause_s
        self._process: asyncio.subprocess.Process | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._answered = asyncio.Event()
        self._said: set[str] = set()
        self._sent_at_s = 0.0
        self._failed = False
        self.state: PlayerState = "off"
        self.device = ""
        self.stream_latency_s: float | None = None
        self.counts = PlayerCounts()

    async def start(self) -> None:
        """Start the child and wait, for a short while, until it is ready or has found no device.

        Raises
        ------
        ConfigError
            The sound file cannot be used.
        """
        if not self._settings.enabled or self._keeper is not None:
            return
        if self._settings.sound:
            await asyncio.to_thread(make_sound, self._settings.sound, self._settings.volume, 48000.0)
        self.state = "starting"
        self._answered.clear()
        self._keeper = asyncio.create_task(self._keep(), name="cue player")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._answered.wait(), READY_TIMEOUT_S)

    def play(self) -> bool:
        """Ask for one sound, at once and without waiting.

        Returns
        -------
        bool
            False if the child cannot play now; the cue is then dropped and counted.
        """
        pipe = self._process.stdin if self._process is not None else None
        if self.state == "ready" and pipe is not None and not pipe.is_closing():
            waiting = self.counts.sent - self.counts.taken
            if waiting < MAX_UNTAKEN and pipe.transport.get_write_buffer_size() == 0:
                pipe.write(b"p")
                self.counts.sent += 1
                self._sent_at_s = asyncio.get_running_loop().time()
                return True
            if asyncio.get_running_loop().time() - self._sent_at_s > HANG_S:
                self._kill()
        self.counts.dropped += 1
        return False

    async def stop(self) -> None:
        """End the child: ask, then insist. Does nothing if it is not running."""
        keeper, self._keeper = self._keeper, None
        if keeper is None:
            return
        keeper.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await keeper
        self.state = "stopped"

    async def _keep(self) -> None:
        """Run the child, and run it again when it dies, a few times."""
        while True:
            try:
                await self._run_child()
            except OSError as error:
                self._died_for_good(f"the cue player cannot be started ({error.strerror or error})")
                return
            if self._failed:
                return
            self.state = "died"
            self._answered.set()
            if self.counts.restarts >= MAX_RESTARTS:
                self._died_for_good("the cue player keeps stopping")
                return
            self.counts.restarts += 1
            self._say("warning", "The cue player stopped unexpectedly and is started again.")
            await asyncio.sleep(self._restart_pause_s * self.counts.restarts)
            self.state = "starting"

    async def _run_child(self) -> None:
        process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # audio libraries print there what the runner cannot use
            env=self._environment,
            **_own_group(),
        )
        self._process = process
        self.counts.taken = self.counts.sent  # what an earlier child took with it is nobody's any more
        try:
            if process.stdout is not None:
                async for line in process.stdout:
                    self._hear(line)
            await process.wait()
        finally:
            self._process = None
            await _end(process)

    def _hear(self, line: bytes) -> None:
        try:
            message: Any = json.loads(line)
        except ValueError:
            return
        if not isinstance(message, dict):
            return
        if isinstance(message.get("taken"), int):
            self.counts.taken += message["taken"]
        state = message.get("state")
        if state == "ready":
            self.state = "ready"
            self.device = printable(str(message.get("device", "")), 80)
            self.stream_latency_s = message.get("latency_s")
            if "no_device" in self._said:
                self._said.discard("no_device")
                self._on_notice("info", f"The cue can be heard again, on {self.device}.")
        elif state in ("no_device", "failed"):
            self.state = "no_device"
            self._failed = state == "failed"
            if "no_device" not in self._said:
                self._said.add("no_device")
                reason = printable(str(message.get("reason", "no audio output was found")))
                self._on_notice("warning", f"No cue will be heard: {reason}.")
        if state is not None:
            self._answered.set()

    def _kill(self) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    def _died_for_good(self, why: str) -> None:
        self.state = "died"
        self._answered.set()
        self._say("warning", f"No cue will be heard: {why}.")

    def _say(self, level: Literal["info", "warning"], text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            self._on_notice(level, text)


def _command(settings: CueSettings) -> list[str]:
    # -P: a file in the current folder that is named like a library must not be imported.
    options = [f"--volume={settings.volume}", f"--sound={settings.sound}", f"--device={settings.device}"]
    return [sys.executable, "-P", "-m", "sensor_bridge.audio.player_process", *options]


def _own_group() -> dict[str, Any]:
    """Keep the terminal's Ctrl-C away from the child."""
    if os.name == "nt":
        return {"creationflags": getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)}
    return {"start_new_session": True}


async def _end(process: asyncio.subprocess.Process) -> None:
    """Close the child's stdin, which it leaves at; kill it if it does not. Safe when it is gone."""
    if process.stdin is not None:
        process.stdin.close()
    try:
        await asyncio.wait_for(asyncio.shield(process.wait()), STOP_TIMEOUT_S)
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
