"""The program in processes of its own, as a user runs it: virtual pods around a hub, a bridge, real servers."""

from __future__ import annotations

import contextlib
import csv
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from gait_signal.types import Step
from sensor_bridge.home import Home
from sensor_bridge.inputs import replay
from sensor_bridge.store.database import SessionRecord, load_session
from sensor_bridge.truth import TrueStep

PATIENCE_S = 60.0


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def home_at(folder: Path) -> Home:
    return Home(folder, folder / "data")


@dataclass
class Process:
    """A ``shoepod`` command whose lines can be waited for."""

    command: subprocess.Popen[str]
    log: Path
    lines: list[str] = field(default_factory=list)

    def text(self) -> str:
        return self.log.read_text()

    def wait_for(self, pattern: str, patience_s: float = PATIENCE_S) -> str:
        """Return the text up to and with the first match of a pattern."""
        end_s = time.monotonic() + patience_s
        while not (match := re.search(pattern, self.text())):
            if self.command.poll() is not None or time.monotonic() > end_s:
                raise RuntimeError(f"no {pattern!r} in what was said:\n{self.text()}")
            time.sleep(0.05)
        return match.group(0)

    def end(self, patience_s: float = PATIENCE_S) -> int:
        return self.command.wait(patience_s)


@contextlib.contextmanager
def shoepod(
    folder: Path,
    *arguments: str,
    home: Path | None = None,
    environment: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Iterator[Process]:
    """Run ``shoepod`` with these arguments; it is terminated at the end, if it still runs."""
    log = folder / f"{arguments[0]}-{time.monotonic_ns()}.log"
    env = {**os.environ, **(environment or {}), "PYTHONUNBUFFERED": "1"}
    if home is not None:
        env["SHOEPOD_HOME"] = str(home)
    with log.open("w") as out:
        command = subprocess.Popen(
            [sys.executable, "-m", "sensor_bridge", *arguments],
            stdout=out,
            stderr=subprocess.STDOUT,
            env=env,
            cwd=cwd,
            text=True,
        )
        try:
            yield Process(command, log)
        finally:
            if command.poll() is None:
                command.send_signal(signal.SIGTERM)
                try:
                    command.wait(10)
                except subprocess.TimeoutExpired:
                    command.kill()
                    command.wait()


@dataclass
class Pods:
    """Virtual pods of a simulated runner."""

    process: Process
    port: int
    recording: Path

    @property
    def radio(self) -> str:
        return f"hub://127.0.0.1:{self.port}"


@contextlib.contextmanager
def virtual_pods(folder: Path, *, seed: int, seconds: float, respawn: bool = False) -> Iterator[Pods]:
    port = free_port()
    recording = folder / f"truth-{seed}"
    options = ["--hub", f"127.0.0.1:{port}", "--seed", str(seed), "--seconds", str(seconds), "--save", str(recording)]
    with shoepod(folder, "virtual-pods", *options, *(["--respawn"] if respawn else [])) as process:
        process.wait_for("radio hub on port")
        yield Pods(process, port, recording)


def stored(home: Path) -> SessionRecord:
    return load_session(home_at(home), "last")


def replayed(home: Path) -> list[Step]:
    steps = [event for event in replay(stored(home).archive) if isinstance(event, Step)]
    return sorted(steps, key=lambda step: (step.ic_s, step.foot))


def session_s(record: SessionRecord, at: datetime) -> float:
    return (at - record.summary.started_utc).total_seconds()


def utc_now() -> datetime:
    return datetime.now(UTC)


def true_steps(recording: Path, zero_s: float) -> list[TrueStep]:
    """Return the running steps of a saved simulation, moved to session time."""
    with (recording / "truth_steps.csv").open(newline="") as file:
        return [
            TrueStep(
                row["foot"],  # type: ignore[arg-type]
                float(row["ic_s"]) + zero_s,
                float(row["to_s"]) + zero_s if row["to_s"] else None,
                row["strike_class"] or None,  # type: ignore[arg-type]
            )
            for row in csv.DictReader(file)
        ]


def zero_of(steps: list[Step], recording: Path) -> float:
    """Return the session time of recording time 0: the constant that brings most contacts onto true ones."""
    truth = sorted(step.ic_s for step in true_steps(recording, 0.0))
    ours = sorted(step.ic_s for step in steps if step.activity == "running")
    if not ours or not truth:
        raise RuntimeError("there is nothing to align")
    best: tuple[int, float, float] = (-1, 0.0, 0.0)
    for anchor in truth:
        zero_s = ours[len(ours) // 2] - anchor
        offsets = _offsets(ours, truth, zero_s)
        if offsets and (len(offsets), -sum(map(abs, offsets))) > (best[0], -best[2]):
            best = (len(offsets), zero_s + sorted(offsets)[len(offsets) // 2], sum(map(abs, offsets)))
    return best[1]


def _offsets(ours: list[float], truth: list[float], zero_s: float) -> list[float]:
    import bisect

    found = []
    for ic_s in ours:
        at = bisect.bisect(truth, ic_s - zero_s)
        near = min(truth[max(0, at - 1) : at + 1], key=lambda t: abs(t - ic_s + zero_s), default=None)
        if near is not None and abs(ic_s - zero_s - near) < 0.05:
            found.append(ic_s - zero_s - near)
    return found


def program(name: str) -> str:
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if path is None:
        raise RuntimeError(f"{name} is not installed")
    return path


def rate_hz(recording: Path) -> float:
    return float(tomllib.loads((recording / "recording.toml").read_text())["sample_rate_hz"])
