"""A stand and, with no gap at all, a run that was recorded from mid-stride on.

That is what virtual pods send when they replay a recording, and what a pod does that slips and is put back:
the attitude jumps without any angular rate. The core has to notice that its attitude is wrong (the stride-mean
force says so) and take the right one at once, not over ten strides; and never stay silent for good.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from gait_signal import FEET, GaitCore, Step
from sensor_bridge.analyze import analyze_recording, imu_block
from sensor_bridge.recording import PodSamples, Recording, load_recording

ROOT = Path(os.environ.get("SHOEPOD_VALIDATION", Path(__file__).parents[3] / "shared" / "validation"))
NAMES = ("rbds001_2p5", "rbds002_2p5", "rbds002_4p5", "rbds0041_2p5", "pyshoe_jog_1127111218")


def without_gap(recording: Recording) -> list[Step]:
    steps: list[Step] = []
    for foot in FEET:
        name = f"{foot}_foot"
        if name not in recording.pods:
            continue
        run, stand = recording.pods[name], recording.standing[name]
        core = GaitCore([foot])
        shift_s = run.time_s[0] - 1.0 / recording.sample_rate_hz - stand.time_s[-1]
        for part in (PodSamples(stand.time_s + shift_s, stand.acc_mps2, stand.gyr_radps), run):
            block = imu_block(part, slice(None), recording.acc_range_g, recording.gyr_range_dps)
            steps += [event for event in core.process(foot, block) if isinstance(event, Step)]
        steps += [event for event in core.flush() if isinstance(event, Step)]
    return steps


@pytest.mark.parametrize("name", NAMES)
def test_from_the_fourth_stride_on_a_seam_changes_nothing(name: str) -> None:
    folder = ROOT / "dev" / name
    if not folder.is_dir():
        if os.environ.get("SHOEPOD_REQUIRE_VALIDATION") == "1":
            pytest.fail(f"{folder} is not there, and SHOEPOD_REQUIRE_VALIDATION=1 asks for it")
        pytest.skip(f"no validation recordings in {ROOT}")
    recording = load_recording(folder)
    seamed = without_gap(recording)
    time_ok, angle_ok = [], []
    for foot in FEET:
        whole = [s for s in analyze_recording(recording) if s.foot == foot and s.activity == "running"][3:]
        ours = [s for s in seamed if s.foot == foot]
        for step in whole:
            near = min(ours, key=lambda s: abs(s.ic_s - step.ic_s), default=None)
            time_ok.append(near is not None and abs(near.ic_s - step.ic_s) <= 0.003)
            if near is not None and near.strike_angle_rad is not None and step.strike_angle_rad is not None:
                angle_ok.append(abs(np.rad2deg(near.strike_angle_rad - step.strike_angle_rad)) <= 1.0)
    assert np.mean(time_ok) >= 0.99
    assert np.mean(angle_ok) >= 0.99
