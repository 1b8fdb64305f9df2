"""How long from a trigger to the sound: measured on a private PulseAudio with a null sink (Linux).

``python -m sensor_bridge.audio.latency [triggers]`` prints one JSON object. The null sink has no hardware
delay; a wired headphone adds a few milliseconds, a Bluetooth one 120 to 275 ms.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..settings import CueSettings
from .player import CuePlayer
from .sound import make_sound

RATE_HZ = 48000
START_TIMEOUT_S = 5.0
ONSET = 0.01
"""Part of full scale above which the recording counts as sound."""
APART_S = 0.05
"""Silence that separates two sounds."""


@contextlib.contextmanager
def null_sink(home: Path) -> Iterator[dict[str, str]]:
    """Run a PulseAudio of our own with one null sink; yields the environment that leads to it.

    Parameters
    ----------
    home : Path
        An empty folder with a short path (a socket is made in it).

    Raises
    ------
    RuntimeError
        PulseAudio is not installed or did not come up.
    """
    program = shutil.which("pulseaudio")
    if program is None:
        raise RuntimeError("pulseaudio is not installed")
    home.chmod(0o700)
    socket = home / "pulse.socket"
    environment = sink_environment(home)
    server = subprocess.Popen(
        [
            program,
            "-n",
            "--daemonize=no",
            "--exit-idle-time=-1",
            "--disallow-exit",
            f"--load=module-native-protocol-unix socket={socket} auth-anonymous=1",
            f"--load=module-null-sink sink_name=null0 rate={RATE_HZ} format=s16le channels=2",
        ],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline_s = time.monotonic() + START_TIMEOUT_S
        while not socket.exists():
            if server.poll() is not None or time.monotonic() > deadline_s:
                raise RuntimeError("pulseaudio did not come up")
            time.sleep(0.02)
        yield environment
    finally:
        server.kill()
        server.wait()
        socket.unlink(missing_ok=True)


def sink_environment(home: Path) -> dict[str, str]:
    """Return the environment in which programs find the sound server of `null_sink` in that folder."""
    places = {"HOME": str(home), "XDG_RUNTIME_DIR": str(home)}
    return {**os.environ, **places, "PULSE_SERVER": f"unix:{home / 'pulse.socket'}"}


@dataclass(frozen=True, slots=True)
class Recording:
    """What came out of the sink.

    Attributes
    ----------
    samples : ndarray of float64, shape (n,)
        Left channel, parts of full scale, at 48 kHz.
    chunk_ends : ndarray of int, shape (m,)
        Index after the last sample of each chunk that arrived.
    chunk_arrived_s : ndarray of float64, shape (m,)
        Monotonic time of its arrival.
    """

    samples: npt.NDArray[np.float64]
    chunk_ends: npt.NDArray[np.int64]
    chunk_arrived_s: npt.NDArray[np.float64]

    def time_s(self, index: int) -> float:
        """Return the monotonic time of a sample: the least delayed chunk within a second of it tells."""
        zero_s = self.chunk_arrived_s - self.chunk_ends / RATE_HZ
        return float(zero_s[np.abs(self.chunk_ends - index) < RATE_HZ].min()) + index / RATE_HZ

    def sounds(self) -> list[tuple[float, npt.NDArray[np.float64]]]:
        """Return each sound: (monotonic time of its onset, its samples)."""
        loud = np.flatnonzero(np.abs(self.samples) > ONSET)
        if len(loud) == 0:
            return []
        cuts = np.flatnonzero(np.diff(loud) > APART_S * RATE_HZ) + 1
        return [(self.time_s(part[0]), self.samples[part[0] : part[-1] + 1]) for part in np.split(loud, cuts)]


class Recorder:
    """Records the null sink's monitor by ``parec``, noting when each chunk arrives."""

    def __init__(self, environment: dict[str, str]) -> None:
        command = ["parec", "-d", "null0.monitor", "--format=s16le", f"--rate={RATE_HZ}", "--channels=1"]
        self._process = subprocess.Popen(
            [*command, "--latency-msec=5"],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._chunks: list[tuple[float, bytes]] = []
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        stream = self._process.stdout
        while stream is not None and (data := os.read(stream.fileno(), 65536)):
            self._chunks.append((time.monotonic(), data))
            self._started.set()

    def wait_started(self) -> None:
        """Return when sound data flows.

        Raises
        ------
        RuntimeError
            Nothing came within the time-out.
        """
        if not self._started.wait(START_TIMEOUT_S):
            raise RuntimeError("parec recorded nothing")

    def stop(self) -> Recording:
        """End the recording and return it."""
        self._process.terminate()
        self._thread.join()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        samples = np.frombuffer(b"".join(data for _, data in self._chunks), dtype="<i2")
        ends = np.cumsum([len(data) // 2 for _, data in self._chunks])
        arrived_s = np.array([at_s for at_s, _ in self._chunks])
        return Recording(samples.astype(np.float64) / 32768.0, ends, arrived_s)


async def measure(triggers: int = 40, apart_s: float = 0.3) -> dict[str, Any]:
    """Trigger the real player process and time what it plays.

    Parameters
    ----------
    triggers : int
    apart_s : float
        Between two triggers; longer than the sound.

    Returns
    -------
    dict
        ``triggers``, ``heard``, ``intact`` (counts) and ``latency_ms`` with p50, p95 and max.
    """
    settings = CueSettings(volume=1.0)
    sent_s: list[float] = []
    with (
        tempfile.TemporaryDirectory(prefix="shoepod-audio-") as folder,
        null_sink(Path(folder)) as environment,
    ):
        player = CuePlayer(settings, _say, environment=environment)
        try:
            await player.start()
            recorder = Recorder(environment)
            await asyncio.to_thread(recorder.wait_started)
            await asyncio.sleep(0.3)
            for _ in range(triggers):
                sent_s.append(time.monotonic())
                player.play()
                await asyncio.sleep(apart_s)
            recording = await asyncio.to_thread(recorder.stop)
        finally:
            await player.stop()
    sounds = recording.sounds()
    reference = make_sound("", settings.volume, RATE_HZ)
    sent = np.array(sent_s)
    # Each sound belongs to the trigger next to it: triggers lie further apart than any latency.
    latencies_ms = [1000 * float(min(at_s - sent, key=abs)) for at_s, _ in sounds]
    quantiles = np.percentile(latencies_ms, [50, 95, 100]) if latencies_ms else [None] * 3
    return {
        "triggers": triggers,
        "heard": len(sounds),
        "intact": sum(is_intact(sound, reference) for _, sound in sounds),
        "latency_ms": {
            name: None if q is None else round(float(q), 1)
            for name, q in zip(("p50", "p95", "max"), quantiles, strict=True)
        },
    }


def _say(level: str, text: str) -> None:
    print(f"{level}: {text}", file=sys.stderr)


def is_intact(sound: npt.NDArray[np.float64], reference: npt.NDArray[Any]) -> bool:
    """Return True if a recorded sound has the reference's length and shape (to 2 % of its energy).

    Parameters
    ----------
    sound : ndarray, shape (n,)
    reference : ndarray, shape (m,)
        At the same rate and volume.
    """
    loud = np.flatnonzero(np.abs(reference) > ONSET)
    expected = reference[loud[0] : loud[-1] + 1].astype(np.float64)
    if abs(len(sound) - len(expected)) > 0.002 * RATE_HZ:
        return False
    # Resampling may move it by a part of a sample; compare at the best of a few shifts.
    room = 48
    padded = np.concatenate((np.zeros(room), sound, np.zeros(room + len(expected))))
    errors = [float(np.sum((padded[shift : shift + len(expected)] - expected) ** 2)) for shift in range(2 * room)]
    return min(errors) < 0.02 * float(np.sum(expected**2))


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measure(*map(int, sys.argv[1:2])))))
