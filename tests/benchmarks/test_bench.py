"""The benchmark runs, prints one JSON object and nothing else, and says why a figure is not there."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gait_signal import FEET, Step
from tests.benchmarks import speed
from tests.benchmarks.material import arrivals, engine, packets, runner

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def printed() -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.bench", "--quick"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    )
    results: dict[str, Any] = json.loads(done.stdout)
    return results


def test_every_figure_is_there_or_excused(printed):
    for name in ("core", "vqf", "core_over_vqf", "live_packet", "pods", "start_up_ms", "long_stream", "cue_latency"):
        assert (printed[name] is None) == (name in printed["reasons"]), name
    assert set(printed["live_packet"]) == {"200_hz", "400_hz"}
    assert set(printed["pods"]) == {"1", "2", "8", "32"}
    assert set(printed["start_up_ms"]) == {"help", "run_help", "run_loaded", "analyze_1_s_recording"}


def test_what_it_timed_did_its_work(printed):
    assert printed["core"]["samples"] == 2 * 200 * (6 + 5)
    assert printed["core"]["steps_found"] >= 10
    assert printed["long_stream"]["steps_found"] >= 100
    assert len(printed["long_stream"]["parts"]) == 6


def test_without_vqf_it_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "vqf", None)
    with pytest.raises(speed.Absent, match="not installed"):
        speed.vqf(1.0, 1)


def test_looped_packets_are_one_unbroken_stream():
    recording = runner(8.0)
    session = engine(FEET[:1])
    first, again = packets(recording, "left"), packets(recording, "left", stand=False)
    events = [event for at_s, data in arrivals(first, again, 40.0, 1) for event in session.packet(0, at_s, data)]
    (state,) = session.states(40.0)
    assert (state.packets_lost, state.packets_late, state.packets_duplicate) == (0, 0, 0)
    assert state.packets_received == 40 * 20
    assert sum(isinstance(event, Step) for event in events) >= 30
