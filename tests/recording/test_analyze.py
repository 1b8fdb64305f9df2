"""The batch path: the stand goes first, both feet alternate, and no foot is a plain error."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from sensor_bridge.analyze import analyze_recording, imu_block, main
from sensor_bridge.errors import RecordingError
from sensor_bridge.recording import PodSamples, Recording


def rest(seconds: float) -> PodSamples:
    n = round(200 * seconds)
    rng = np.random.default_rng(1)
    return PodSamples(
        np.arange(n) / 200.0,
        np.array([0.0, 0.0, 9.8]) + rng.normal(0.0, 0.01, (n, 3)),
        rng.normal(0.0, 0.002, (n, 3)),
    )


def recording(**pods: PodSamples) -> Recording:
    return Recording("r", 200.0, 16.0, 2000.0, pods, {})


def test_standing_still_has_no_steps():
    assert analyze_recording(recording(left_foot=rest(5.0), right_foot=rest(4.0))) == []


def test_a_recording_without_a_foot_is_refused():
    with pytest.raises(RecordingError, match="no foot pod"):
        analyze_recording(recording(left_thigh=rest(2.0)))


def test_readings_at_the_end_of_the_range_are_marked():
    samples = rest(1.0)
    samples.acc_mps2[10, 0] = -16.0 * 9.80665
    samples.acc_mps2[11, 0] = -15.8 * 9.80665
    samples.gyr_radps[20, 2] = math.radians(2000.0)
    block = imu_block(samples, slice(0, 200), 16.0, 2000.0)
    assert list(np.flatnonzero(block.acc_clipped)) == [10]
    assert list(np.flatnonzero(block.gyr_clipped)) == [20]


def test_the_command_says_what_is_wrong_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main([str(tmp_path / "none"), "--out", str(tmp_path / "x.csv")]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert not (tmp_path / "x.csv").exists()
