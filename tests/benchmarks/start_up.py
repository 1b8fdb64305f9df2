"""How long commands take from the shell to the prompt."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from sensor_bridge.simulator import Scenario, simulate, write_recording


def run(repeats: int) -> dict[str, Any]:
    """Median wall time of whole processes, milliseconds."""
    with tempfile.TemporaryDirectory(prefix="shoepod-bench-") as name:
        folder = Path(name)
        recording = write_recording(simulate(Scenario.steady(1.0, 3.0), seed=1), folder / "recording")
        environment = {**os.environ, "SHOEPOD_HOME": str(folder / "home")}
        commands = {
            "help": [*_shoepod(), "--help"],
            "run_help": [*_shoepod(), "run", "--help"],
            # All that `run` loads before it touches the radio.
            "run_loaded": [sys.executable, "-c", "import sensor_bridge.cli.run"],
            "analyze_1_s_recording": [*_shoepod(), "analyze", str(recording), "--out", str(folder / "steps.csv")],
        }
        return {name: _median_ms(command, environment, repeats) for name, command in commands.items()}


def _shoepod() -> list[str]:
    script = Path(sys.executable).parent / "shoepod"
    return [str(script)] if script.exists() else [sys.executable, "-m", "sensor_bridge"]


def _median_ms(command: list[str], environment: dict[str, str], repeats: int) -> float:
    took_ms = []
    for _ in range(repeats + 1):
        begun_ns = time.perf_counter_ns()
        subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL, timeout=60)
        took_ms.append((time.perf_counter_ns() - begun_ns) / 1e6)
    return round(median(took_ms[1:]), 1)  # the first one fills the disk cache
