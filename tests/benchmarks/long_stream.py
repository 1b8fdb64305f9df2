"""A long session through the engine, in a process of its own: memory, and cost against the stream's length.

Each tenth of a part is timed by itself (processor time of the thread), and the cheapest tenth stands for the part:
what else the machine does comes and goes, a cost that grows with the stream stays.
"""

from __future__ import annotations

import heapq
import json
import sys
import time
from pathlib import Path
from statistics import mean
from typing import Any

from gait_signal import FEET, Step

from .material import arrivals, engine, numbered, packets, runner

_PARTS = 6
_LOOP_S = 60.0
_SETTLED_S = 15.0
"""Until then the runner stands and starts, which costs less."""


def memory_mb() -> float | None:
    """Resident memory of this process; None where the system does not tell."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return None
    return next((round(int(line.split()[1]) / 1024.0, 1) for line in lines if line.startswith("VmRSS:")), None)


def run(seconds: float) -> dict[str, Any]:
    """Feed two pods' packets for so much session time."""
    recording = runner(min(_LOOP_S, seconds))
    starts = [packets(recording, foot) for foot in FEET]
    loops = [packets(recording, foot, stand=False) for foot in FEET]
    session = engine()
    at_rest_mb = memory_mb()
    streams = [numbered(pod, arrivals(starts[pod], loops[pod], seconds + 0.2, pod)) for pod in range(len(FEET))]
    tenth_s = seconds / (10 * _PARTS)
    parts: list[dict[str, Any]] = []
    means_us: list[float] = []
    took_us: list[float] = []
    steps = tenths = 0
    for at_s, pod, data in heapq.merge(*streams):
        begun_ns = time.thread_time_ns()
        events = session.packet(pod, at_s, data)
        if at_s > _SETTLED_S:
            took_us.append((time.thread_time_ns() - begun_ns) / 1000.0)
        steps += sum(isinstance(event, Step) for event in events)
        if at_s > tenth_s * (tenths + 1):
            tenths += 1
            means_us += [mean(took_us)] if took_us else []
            took_us.clear()
            if tenths % 10 == 0:
                parts.append({"packet_us": round(min(means_us), 1), "memory_mb": memory_mb()})
                means_us.clear()
    return {
        "stream_s": seconds,
        "steps_found": steps,
        "memory_at_rest_mb": at_rest_mb,
        "memory_at_the_end_mb": memory_mb(),
        "parts": parts,
        "cost_last_part_over_first": round(parts[-1]["packet_us"] / parts[0]["packet_us"], 3),
    }


if __name__ == "__main__":
    print(json.dumps(run(float(sys.argv[1]))))
