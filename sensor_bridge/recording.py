"""A recording: what a set of pods measured, in memory and as a folder.

The folder holds ``recording.toml``, ``<pod>.csv`` and, where there was a stand, ``<pod>_standing.csv`` for
each pod in ``pods`` (``left_foot right_foot left_thigh right_thigh``), with the columns
``time_s, acc_x_mps2, acc_y_mps2, acc_z_mps2, gyr_x_radps, gyr_y_radps, gyr_z_radps``.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from gait_signal.types import FloatArray

from .errors import RecordingError

POD_NAMES = ("left_foot", "right_foot", "left_thigh", "right_thigh")

COLUMNS = ("time_s", "acc_x_mps2", "acc_y_mps2", "acc_z_mps2", "gyr_x_radps", "gyr_y_radps", "gyr_z_radps")


@dataclass(frozen=True, slots=True)
class PodSamples:
    """Samples of one pod in its sensor frame.

    Attributes
    ----------
    time_s : ndarray, shape (n,)
        Strictly increasing.
    acc_mps2, gyr_radps : ndarray, shape (n, 3)
    """

    time_s: FloatArray
    acc_mps2: FloatArray
    gyr_radps: FloatArray


@dataclass(frozen=True, slots=True)
class Recording:
    """A whole recording.

    Attributes
    ----------
    pods : mapping of pod name to PodSamples
    standing : mapping of pod name to PodSamples
        The quiet stand before the run, on a time axis of its own; a pod may lack it.
    sample_rate_hz, acc_range_g, gyr_range_dps : float
    """

    name: str
    sample_rate_hz: float
    acc_range_g: float
    gyr_range_dps: float
    pods: Mapping[str, PodSamples]
    standing: Mapping[str, PodSamples] = field(default_factory=dict)


_MAX_READING = 1e5


def load_recording(folder: Path) -> Recording:
    """Read a recording folder.

    Only what a wearer could know is read: pods, rate, ranges and samples; never speed, activity or truth.

    Raises
    ------
    RecordingError
        Something is missing or wrong; the sentence names the file and, where there is one, the line.
    """
    toml_path = folder / "recording.toml"
    if not folder.is_dir():
        msg = f"there is no recording folder {folder}"
        raise RecordingError(msg)
    try:
        settings = tomllib.loads(toml_path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        msg = f"{folder} is not a recording: it has no recording.toml"
        raise RecordingError(msg) from None
    except OSError as error:
        msg = f"{toml_path} cannot be read: {error.strerror}"
        raise RecordingError(msg) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        msg = f"{toml_path} is not valid TOML: {error}"
        raise RecordingError(msg) from None
    names = _pod_names(settings, toml_path)
    pods = {name: read_samples(folder / f"{name}.csv") for name in names}
    standing = {name: read_samples(path) for name in names if (path := folder / f"{name}_standing.csv").exists()}
    name = settings.get("name", folder.name)
    return Recording(
        name=name if isinstance(name, str) else folder.name,
        sample_rate_hz=_positive(settings, "sample_rate_hz", toml_path),
        acc_range_g=_positive(settings, "acc_range_g", toml_path),
        gyr_range_dps=_positive(settings, "gyr_range_dps", toml_path),
        pods=pods,
        standing=standing,
    )


def read_samples(path: Path) -> PodSamples:
    """Read one pod's CSV file.

    Raises
    ------
    RecordingError
        Missing, empty or corrupt; the sentence names the file and the line.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        msg = f"{path} is missing"
        raise RecordingError(msg) from None
    except OSError as error:
        msg = f"{path} cannot be read: {error.strerror}"
        raise RecordingError(msg) from None
    except UnicodeDecodeError:
        msg = f"{path} is not a text file"
        raise RecordingError(msg) from None
    lines = text.splitlines()
    if not lines:
        msg = f"{path} is empty"
        raise RecordingError(msg)
    header = tuple(cell.strip() for cell in lines[0].split(","))
    if header != COLUMNS:
        msg = f"{path} line 1 must be the header {','.join(COLUMNS)}"
        raise RecordingError(msg)
    rows: list[list[float]] = []
    last_s = -math.inf
    for number, line in enumerate(lines[1:], start=2):
        if not line.strip():
            continue
        row = _row(line, path, number)
        if row[0] <= last_s:
            msg = f"{path} line {number}: time goes from {last_s} s to {row[0]} s, but must increase"
            raise RecordingError(msg)
        last_s = row[0]
        rows.append(row)
    if not rows:
        msg = f"{path} has a header but no samples"
        raise RecordingError(msg)
    table = np.array(rows, dtype=np.float64)
    return PodSamples(table[:, 0].copy(), table[:, 1:4].copy(), table[:, 4:7].copy())


def _row(line: str, path: Path, number: int) -> list[float]:
    cells = line.split(",")
    if len(cells) != len(COLUMNS):
        msg = f"{path} line {number} has {len(cells)} columns instead of {len(COLUMNS)}"
        raise RecordingError(msg)
    try:
        row = [float(cell) for cell in cells]
    except ValueError:
        column = next(c for c, cell in zip(COLUMNS, cells, strict=True) if not _is_number(cell))
        msg = f"{path} line {number}: {column} is not a number"
        raise RecordingError(msg) from None
    if not all(map(math.isfinite, row)):
        column = next(c for c, value in zip(COLUMNS, row, strict=True) if not math.isfinite(value))
        msg = f"{path} line {number}: {column} is not a finite number"
        raise RecordingError(msg)
    if max(map(abs, row[1:])) > _MAX_READING:
        column = next(c for c, value in zip(COLUMNS[1:], row[1:], strict=True) if abs(value) > _MAX_READING)
        msg = f"{path} line {number}: {column} is beyond what any sensor reads; columns are m/s^2 and rad/s"
        raise RecordingError(msg)
    return row


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _pod_names(settings: Mapping[str, Any], path: Path) -> list[str]:
    names = settings.get("pods")
    if not isinstance(names, list) or not names:
        msg = f"{path} lacks the list `pods` (of {', '.join(POD_NAMES)})"
        raise RecordingError(msg)
    for name in names:
        if name not in POD_NAMES:
            msg = f"{path} names an unknown pod {name!r}; known are {', '.join(POD_NAMES)}"
            raise RecordingError(msg)
    if len(set(names)) != len(names):
        msg = f"{path} names a pod twice in `pods`"
        raise RecordingError(msg)
    return names


def _positive(settings: Mapping[str, Any], key: str, path: Path) -> float:
    value = settings.get(key)
    if value is None:
        msg = f"{path} lacks the key `{key}`"
        raise RecordingError(msg)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0.0 < value < math.inf:
        msg = f"{path}: `{key}` must be a positive number, not {value!r}"
        raise RecordingError(msg)
    return float(value)
