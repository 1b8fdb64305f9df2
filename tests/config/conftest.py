"""The configuration folder and the servers it configures."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def config_dir() -> Path:
    return Path(__file__).parents[2] / "config"


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[Callable[[list[str], Callable[[], bool]], None]]:
    """Start a program and wait until it answers; it ends with the test."""
    running: list[subprocess.Popen[bytes]] = []

    def start(command: list[str], answers: Callable[[], bool]) -> None:
        log = (tmp_path / f"server{len(running)}.log").open("wb")
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, cwd=tmp_path)
        running.append(process)
        log.close()
        patience = time.monotonic() + 30.0
        while not answers():
            said = Path(log.name).read_text(errors="replace")[-2000:]
            if process.poll() is not None:
                pytest.fail(f"{command[0]} ended by itself: {said}")
            if time.monotonic() > patience:
                pytest.fail(f"{command[0]} does not answer: {said}")
            time.sleep(0.05)

    yield start
    for process in running:
        process.terminate()
    for process in running:
        process.wait(timeout=20)
