"""A simulated session as a recording folder, with the truth beside it."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable
from pathlib import Path

from sensor_bridge.recording import PodSamples
from sensor_bridge.simulator.simulate import Simulation
from sensor_bridge.simulator.truth import TruthStep

_SAMPLE_HEADER = (
    "time_s",
    "acc_x_mps2",
    "acc_y_mps2",
    "acc_z_mps2",
    "gyr_x_radps",
    "gyr_y_radps",
    "gyr_z_radps",
)
_TRUTH_HEADER = (
    "foot",
    "ic_s",
    "to_s",
    "strike_angle_deg",
    "strike_label_authors",
    "strike_class",
    "knee_drive_deg",
    "knee_flexion_peak_deg",
    "knee_drive_rel_standing_deg",
    "ic_sd_ms",
    "truth_quality",
    "stride_length_m",
    "speed_mps",
    "ankle_clearance_m",
    "contact_to_knee_peak_s",
    "activity",
)


def write_recording(simulation: Simulation, folder: str | Path) -> Path:
    """Write a recording folder.

    ``recording.toml``, the pods' CSV files, ``truth_steps.csv`` (running steps) and, if there are any,
    ``truth_steps_other.csv`` (walking and in place).

    Returns
    -------
    Path
        The folder.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    recording = simulation.recording
    for kind, samples_of in (("", recording.pods), ("_standing", recording.standing)):
        for pod, samples in samples_of.items():
            _write_samples(folder / f"{pod}{kind}.csv", samples)
    running = [step for step in simulation.truth if step.activity == "running"]
    other = [step for step in simulation.truth if step.activity != "running"]
    _write_truth(folder / "truth_steps.csv", running)
    if other:
        _write_truth(folder / "truth_steps_other.csv", other)
    (folder / "recording.toml").write_text(_toml(simulation), encoding="utf-8")
    return folder


def _write_samples(path: Path, samples: PodSamples) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        file.write(",".join(_SAMPLE_HEADER) + "\n")
        for t, acc, gyr in zip(
            samples.time_s.tolist(), samples.acc_mps2.tolist(), samples.gyr_radps.tolist(), strict=True
        ):
            file.write(f"{t:.6f}," + ",".join(f"{value:.6g}" for value in (*acc, *gyr)) + "\n")


def _write_truth(path: Path, steps: Iterable[TruthStep]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_TRUTH_HEADER)
        for step in steps:
            writer.writerow(
                (
                    step.foot,
                    f"{step.ic_s:.5f}",
                    f"{step.to_s:.5f}",
                    f"{step.strike_angle_deg:.3f}",
                    "",
                    step.strike,
                    f"{step.knee_drive_deg:.3f}",
                    f"{step.knee_flexion_peak_deg:.3f}",
                    f"{step.knee_drive_rel_standing_deg:.3f}",
                    "0.00",
                    "exact by construction",
                    f"{step.stride_length_m:.5f}",
                    f"{step.speed_mps:.5f}",
                    f"{step.ankle_clearance_m:.5f}",
                    f"{step.contact_to_knee_peak_s:.5f}",
                    step.activity,
                )
            )


def _toml(simulation: Simulation) -> str:
    recording, body = simulation.recording, simulation.scenario.body
    pods = ", ".join(f'"{pod}"' for pod in recording.pods)
    drift = "\n".join(f"{pod} = {ppm:.3f}" for pod, ppm in simulation.pod_clock_ppm.items())
    return f"""\
name = {_quoted(recording.name)}
source = "simulated runner"
kind = "simulated"
seed = {simulation.seed}
sample_rate_hz = {_number(recording.sample_rate_hz)}
acc_range_g = {_number(recording.acc_range_g)}
gyr_range_dps = {_number(recording.gyr_range_dps)}
pods = [{pods}]
activity = "running"
truth_from_s = 0.0
truth_to_s = {_number(simulation.scenario.duration_s)}
nominal_axes = "x to toes, y left, z up out of the dorsum, before the random mounting turn"
notes = ["sampled on an ideal clock; pod_clock_ppm is for playing it as pods with clocks of their own"]

[runner]
height_m = {_number(round(body.height_m, 3))}
thigh_length_m = {_number(round(body.thigh_length_m, 3))}
shank_length_m = {_number(round(body.shank_length_m, 3))}

[pod_clock_ppm]
{drift}
"""


def _number(value: float) -> str:
    return "inf" if math.isinf(value) else repr(float(value))


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
