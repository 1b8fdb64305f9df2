"""Servers to be looked at."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[Callable[[list[str], Callable[[], bool]], None]]:
    """Start a program and wait until it answers; it ends with the test."""
    running: list[subprocess.Popen[bytes]] = []

    def start(command: list[str], answers: Callable[[], bool]) -> None:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=tmp_path)
        running.append(process)
        patience = time.monotonic() + 30.0
        while not answers():
            if process.poll() is not None or time.monotonic() > patience:
                pytest.fail(f"{command[0]} does not answer")
            time.sleep(0.05)

    yield start
    for process in running:
        process.terminate()
        process.wait(timeout=20)
