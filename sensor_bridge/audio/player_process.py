"""The cue player's own process: an open stream, a preloaded sound, and one byte on stdin per cue.

Run as ``python -m sensor_bridge.audio.player_process``. It is a process of its own because threads that
compute in the bridge would delay the audio callback (one interpreter lock) and tear the sound.

stdin
    Every byte asks for one sound. End of file: leave.
stdout
    JSON lines: ``{"state": "ready", "device": ..., "latency_s": ...}``, ``{"state": "no_device",
    "reason": ...}`` and, after every read of n bytes, ``{"taken": n}``.

A device that is missing or goes away is looked for again until the parent closes stdin.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

from ..errors import ConfigError
from .mixer import MAX_WAIT_S, Mixer
from .sound import make_sound

LATENCY_S = 0.02
"""Asked of the stream. "low" (9 ms) tore one sound in fifteen on a machine busy with other work, this none."""
PRIORITY = -10
CHECK_S = 0.5
"""How often the stream is looked at; one that rendered nothing since then is opened anew."""
RETRY_S = 5.0
"""Pause between two looks for a device."""
LEAVE_S = 2.0
"""An audio library that hangs while closing may not keep the process alive longer than this."""


class NoDevice(Exception):
    """No output could be opened; the text says why, in one sentence."""


def main(argv: list[str] | None = None) -> int:
    """Play until stdin ends."""
    parser = argparse.ArgumentParser(prog="player_process")
    parser.add_argument("--sound", default="")
    parser.add_argument("--volume", type=float, default=0.3)
    parser.add_argument("--device", default="")
    parser.add_argument("--retry-s", type=float, default=RETRY_S)
    options = parser.parse_args(argv)
    # Ctrl-C reaches every process of the terminal; when to stop is the parent's decision.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(AttributeError, OSError):  # not every system, not every user
        os.setpriority(os.PRIO_PROCESS, 0, PRIORITY)
    player = Player(options.sound, options.volume, options.device, options.retry_s)
    threading.Thread(target=player.read_triggers, daemon=True).start()
    return player.run()


class Player:
    """Keeps a stream open and turns triggers into sound."""

    def __init__(self, sound: str, volume: float, device: str, retry_s: float) -> None:
        self._sound = sound
        self._volume = volume
        self._device = device
        self._retry_s = retry_s
        self._mixer: Mixer | None = None
        self._missed_at_s = float("-inf")
        self._closed = threading.Event()
        self._out_lock = threading.Lock()

    def read_triggers(self) -> None:
        """Hand every byte of stdin to the mixer, if there is one just now; runs in its own thread."""
        while data := os.read(0, 4096):
            mixer = self._mixer
            if mixer is not None:
                mixer.trigger()
            else:
                self._missed_at_s = time.monotonic()
            self._say({"taken": len(data)})
        self._closed.set()
        time.sleep(LEAVE_S)
        os._exit(0)

    def run(self) -> int:
        """Open, watch and re-open the stream until stdin ends."""
        try:
            import sounddevice
        except (ImportError, OSError):
            self._say(
                {
                    "state": "no_device",
                    "reason": "the PortAudio library is missing; install libportaudio2",
                }
            )
            self._closed.wait()
            return 0
        told: str | None = None
        while not self._closed.is_set():
            try:
                with self._open(sounddevice) as stream:
                    told = None
                    self._watch(stream)
            except NoDevice as error:
                if str(error) != told:
                    told = str(error)
                    self._say({"state": "no_device", "reason": told})
                self._closed.wait(self._retry_s)
            except ConfigError as error:
                self._say({"state": "failed", "reason": str(error)})
                return 1
            # PortAudio lists devices once; only a new start sees what was plugged in.
            sounddevice._terminate()
            sounddevice._initialize()
        return 0

    @contextlib.contextmanager
    def _open(self, sounddevice: Any) -> Iterator[Any]:
        stream, mixer, name = self._first_that_opens(sounddevice)
        try:
            self._mixer = mixer
            if time.monotonic() - self._missed_at_s < MAX_WAIT_S:
                mixer.trigger()  # it came while the stream was being opened anew
            self._say({"state": "ready", "device": name, "latency_s": float(stream.latency)})
            yield stream
        finally:
            self._mixer = None
            with contextlib.suppress(sounddevice.PortAudioError):
                stream.close()

    def _first_that_opens(self, sounddevice: Any) -> tuple[Any, Mixer, str]:
        reason = ""
        for index, info in outputs(sounddevice, self._device):
            rate_hz = float(info["default_samplerate"])
            mixer = Mixer(make_sound(self._sound, self._volume, rate_hz))

            def callback(out: Any, _frames: int, _time: Any, _status: Any, mixer: Mixer = mixer) -> None:
                # An underrun only inserts silence before this block: every trigger is still begun.
                mixer.render(out)

            try:
                stream = sounddevice.OutputStream(
                    device=index,
                    samplerate=rate_hz,
                    channels=min(2, info["max_output_channels"]),
                    dtype="float32",
                    latency=LATENCY_S,
                    callback=callback,
                )
                stream.start()
            except (sounddevice.PortAudioError, ValueError) as error:
                reason = f" ({info['name']}: {error.args[0] if error.args else error})"
                continue
            return stream, mixer, str(info["name"])
        raise NoDevice(f"no audio output could be opened{reason}")

    def _watch(self, stream: Any) -> None:
        mixer = self._mixer
        seen = -1
        while not self._closed.wait(CHECK_S):
            if mixer is None or not stream.active or mixer.blocks == seen:
                return
            seen = mixer.blocks

    def _say(self, message: dict[str, Any]) -> None:
        with self._out_lock, contextlib.suppress(OSError):
            sys.stdout.write(json.dumps(message) + "\n")
            sys.stdout.flush()


def outputs(sounddevice: Any, wanted: str) -> list[tuple[int, Any]]:
    """Return the outputs worth trying, best first: (index, PortAudio's description).

    Parameters
    ----------
    sounddevice : module
    wanted : str
        Part of a device name, upper or lower case; "" for the default output, then sound servers, then
        whatever else there is.

    Raises
    ------
    NoDevice
        There is no output, or none of that name.
    """
    try:
        devices = list(sounddevice.query_devices())
        default = sounddevice.default.device[1]
    except sounddevice.PortAudioError as error:
        raise NoDevice(f"no audio output could be listed ({error})") from error
    found = [(i, info) for i, info in enumerate(devices) if info["max_output_channels"] > 0]
    if not found:
        raise NoDevice("no audio output was found")
    if wanted:
        named = [(i, info) for i, info in found if wanted.lower() in str(info["name"]).lower()]
        if not named:
            names = ", ".join(str(info["name"]) for _, info in found)
            raise NoDevice(f"no audio output is named like {wanted!r}; there are {names}")
        return named
    servers = ("default", "pipewire", "pulse")

    def rank(item: tuple[int, Any]) -> tuple[bool, bool]:
        return (item[0] != default, str(item[1]["name"]) not in servers)

    return sorted(found, key=rank)


if __name__ == "__main__":
    sys.exit(main())
