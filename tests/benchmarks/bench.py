"""Speed and latency as one JSON object: ``make bench``, or ``python -m tests.benchmarks.bench [--quick]``.

Medians over repeated runs on a simulated runner. What cannot be measured here is null, and ``reasons`` says why.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from gait_signal import CORE_VERSION

from . import speed, start_up
from .speed import Absent

ROOT = Path(__file__).parents[2]


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="seconds instead of minutes: shows that it works")
    quick = parser.parse_args(arguments).quick
    seconds, repeats, stream_s = (6.0, 1, 120.0) if quick else (60.0, 7, 3600.0)
    parts: dict[str, Callable[[], Any]] = {
        "core": lambda: speed.core(seconds, repeats),
        "vqf": lambda: speed.vqf(seconds, repeats),
        "live_packet": lambda: speed.live(seconds),
        "pods": lambda: speed.by_pods(seconds / 6.0 + 4.0, min(repeats, 3)),
        "start_up_ms": lambda: start_up.run(repeats),
        "long_stream": lambda: long_stream(stream_s),
        "cue_latency": lambda: cue_latency(5 if quick else 40),
    }
    results: dict[str, Any] = {"machine": machine(), "core_version": CORE_VERSION, "quick": quick}
    reasons: dict[str, str] = {}
    for name, measure in parts.items():
        print(f"{name} ...", file=sys.stderr, flush=True)
        try:
            results[name] = measure()
        except Absent as absent:
            results[name], reasons[name] = None, str(absent)
    core, vqf = results["core"], results["vqf"]
    results["core_over_vqf"] = vqf and round(core["ns_per_sample"] / vqf["vqf_ns_per_sample"], 3)
    if vqf is None:
        reasons["core_over_vqf"] = reasons["vqf"]
    results["reasons"] = reasons
    print(json.dumps(results, indent=1))
    return 0


def machine() -> dict[str, Any]:
    """What it ran on, and how busy that was."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return {
        "system": platform.system(),
        "architecture": platform.machine(),
        "processors": os.cpu_count(),
        "load_1_min": load and round(load, 2),
        "python": platform.python_version(),
        "numpy": version("numpy"),
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


def long_stream(seconds: float) -> Any:
    """In a process of its own, so that nothing else counts as its memory."""
    command = [sys.executable, "-m", "tests.benchmarks.long_stream", str(seconds)]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True, timeout=600)
    return json.loads(done.stdout)


def cue_latency(triggers: int) -> Any:
    """From the command to the sound at a sink of our own."""
    for program in ("pulseaudio", "parec"):
        if shutil.which(program) is None:
            raise Absent(f"{program} is not installed")
    from sensor_bridge.audio.latency import measure

    try:
        return asyncio.run(measure(triggers))
    except RuntimeError as error:
        raise Absent(str(error)) from None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
