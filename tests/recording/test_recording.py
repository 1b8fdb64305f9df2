"""A recording folder is read, or refused with one sentence that names the file and the line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sensor_bridge.errors import RecordingError
from sensor_bridge.recording import COLUMNS, load_recording

TOML = """\
name = "one"
sample_rate_hz = 200.0
acc_range_g = 16.0
gyr_range_dps = 2000.0
pods = ["left_foot"]
speed_mps = "never read"

[runner]
height_m = 1.8
"""


def write_samples(path: Path, rows: int = 5) -> None:
    lines = [",".join(COLUMNS)] + [f"{0.005 * k:.3f},0.1,0.2,9.8,0.01,0.02,0.03" for k in range(rows)]
    path.write_text("\n".join(lines) + "\n")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "recording.toml").write_text(TOML)
    write_samples(tmp_path / "left_foot.csv")
    write_samples(tmp_path / "left_foot_standing.csv", 3)
    return tmp_path


def test_a_sound_folder(folder: Path):
    recording = load_recording(folder)
    assert recording.name == "one"
    assert (recording.sample_rate_hz, recording.acc_range_g, recording.gyr_range_dps) == (200.0, 16.0, 2000.0)
    assert list(recording.pods) == list(recording.standing) == ["left_foot"]
    samples = recording.pods["left_foot"]
    np.testing.assert_array_equal(samples.time_s, [0.0, 0.005, 0.01, 0.015, 0.02])
    np.testing.assert_array_equal(samples.acc_mps2[3], [0.1, 0.2, 9.8])
    np.testing.assert_array_equal(samples.gyr_radps[3], [0.01, 0.02, 0.03])


def test_a_stand_is_optional(folder: Path):
    (folder / "left_foot_standing.csv").unlink()
    assert load_recording(folder).standing == {}


def refused(folder: Path) -> str:
    with pytest.raises(RecordingError) as caught:
        load_recording(folder)
    message = str(caught.value)
    assert "\n" not in message
    assert "Traceback" not in message
    return message


def test_a_missing_folder(tmp_path: Path):
    assert "no recording folder" in refused(tmp_path / "nowhere")


def test_a_folder_that_is_no_recording(tmp_path: Path):
    assert "recording.toml" in refused(tmp_path)


@pytest.mark.parametrize("key", ["sample_rate_hz", "acc_range_g", "gyr_range_dps", "pods"])
def test_a_missing_key_is_named(folder: Path, key: str):
    lines = [line for line in TOML.splitlines() if not line.startswith(key)]
    (folder / "recording.toml").write_text("\n".join(lines))
    message = refused(folder)
    assert key in message
    assert "recording.toml" in message


@pytest.mark.parametrize(
    ("old", "new", "part"),
    [
        ("200.0", '"fast"', "sample_rate_hz"),
        ("200.0", "-1", "sample_rate_hz"),
        ("16.0", "nan", "acc_range_g"),
        ("16.0", "true", "acc_range_g"),
        ('["left_foot"]', '["left_hand"]', "left_hand"),
        ('["left_foot"]', '["left_foot", "left_foot"]', "twice"),
        ('["left_foot"]', "[]", "pods"),
        ('["left_foot"]', "[7]", "unknown pod"),
        ("name =", "name", "not valid TOML"),
    ],
)
def test_a_wrong_toml_is_told(folder: Path, old: str, new: str, part: str):
    (folder / "recording.toml").write_text(TOML.replace(old, new, 1))
    assert part in refused(folder)


def test_a_toml_that_is_no_text(folder: Path):
    (folder / "recording.toml").write_bytes(b"\xff\xfe\x00name")
    assert "recording.toml" in refused(folder)


def test_a_missing_pod_file(folder: Path):
    (folder / "left_foot.csv").unlink()
    assert "left_foot.csv is missing" in refused(folder)


@pytest.mark.parametrize(
    ("line", "text", "part"),
    [
        (1, "time,acc", "header"),
        (3, "0.005,nan,0.2,9.8,0.01,0.02,0.03", "line 3: acc_x_mps2 is not a finite number"),
        (3, "0.005,0.1,inf,9.8,0.01,0.02,0.03", "line 3: acc_y_mps2 is not a finite number"),
        (4, "0.010,0.1,0.2,oops,0.01,0.02,0.03", "line 4: acc_z_mps2 is not a number"),
        (4, "0.010,0.1,0.2,9.8,0.01,0.02", "line 4 has 6 columns instead of 7"),
        (4, "0.010,0.1,0.2,9.8,0.01,0.02,0.03,1", "line 4 has 8 columns instead of 7"),
        (5, "0.002,0.1,0.2,9.8,0.01,0.02,0.03", "line 5: time goes from"),
        (5, "0.010,0.1,0.2,9.8,0.01,0.02,0.03", "line 5: time goes from"),
    ],
)
@pytest.mark.parametrize("name", ["left_foot.csv", "left_foot_standing.csv"])
def test_a_corrupt_line_is_named(folder: Path, name: str, line: int, text: str, part: str):
    write_samples(folder / name)
    lines = (folder / name).read_text().splitlines()
    lines[line - 1] = text
    (folder / name).write_text("\n".join(lines))
    message = refused(folder)
    assert part in message
    assert name in message


def test_empty_files(folder: Path):
    (folder / "left_foot.csv").write_text("")
    assert "is empty" in refused(folder)
    (folder / "left_foot.csv").write_text(",".join(COLUMNS) + "\n")
    assert "no samples" in refused(folder)


def test_a_file_that_is_no_text(folder: Path):
    (folder / "left_foot.csv").write_bytes(b"\xff\xfe\x00\x01")
    assert "not a text file" in refused(folder)
