from __future__ import annotations

import csv
import tomllib
from pathlib import Path

import numpy as np
import pytest

from sensor_bridge.recording import load_recording
from sensor_bridge.simulator import Scenario, Simulation, simulate, write_recording


@pytest.fixture(scope="module")
def short() -> Simulation:
    return simulate(
        Scenario.demo(15.0, np.random.default_rng(2)), seed=2, pods=("left_foot", "right_foot", "left_thigh")
    )


def test_a_written_session_reads_back_as_it_was(short: Simulation, tmp_path: Path) -> None:
    read = load_recording(write_recording(short, tmp_path / "session"))
    assert set(read.pods) == set(short.recording.pods)
    assert set(read.standing) == set(short.recording.standing)
    assert read.sample_rate_hz == 200.0
    for pod, samples in short.recording.pods.items():
        assert read.pods[pod].time_s == pytest.approx(samples.time_s, abs=1e-6)
        # Six figures: closer than half a count.
        assert read.pods[pod].acc_mps2 == pytest.approx(samples.acc_mps2, abs=1e-3)
        assert read.pods[pod].gyr_radps == pytest.approx(samples.gyr_radps, abs=1e-4)


def test_truth_lies_beside_it_by_activity(short: Simulation, tmp_path: Path) -> None:
    folder = write_recording(short, tmp_path / "session")
    rows = {}
    for name in ("truth_steps.csv", "truth_steps_other.csv"):
        with (folder / name).open(newline="") as file:
            rows[name] = list(csv.DictReader(file))
    running = [step for step in short.truth if step.activity == "running"]
    assert [float(row["ic_s"]) for row in rows["truth_steps.csv"]] == pytest.approx(
        [step.ic_s for step in running], abs=1e-5
    )
    assert [row["strike_class"] for row in rows["truth_steps.csv"]] == [step.strike for step in running]
    assert {row["activity"] for row in rows["truth_steps.csv"]} == {"running"}
    assert {row["activity"] for row in rows["truth_steps_other.csv"]} <= {"walking", "in_place"}
    assert len(rows["truth_steps.csv"]) + len(rows["truth_steps_other.csv"]) == len(short.truth)


def test_its_description_is_valid(short: Simulation, tmp_path: Path) -> None:
    described = tomllib.loads((write_recording(short, tmp_path / "s") / "recording.toml").read_text())
    assert described["kind"] == "simulated"
    assert described["pods"] == ["left_foot", "right_foot", "left_thigh"]
    assert described["truth_to_s"] == pytest.approx(15.0)
    assert described["pod_clock_ppm"] == pytest.approx(dict(short.pod_clock_ppm), abs=1e-3)
    assert described["runner"]["height_m"] == pytest.approx(short.scenario.body.height_m, abs=1e-3)
