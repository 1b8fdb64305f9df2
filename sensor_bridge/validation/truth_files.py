"""What only a judge reads of a recording folder: the truth, and what is known about the run and the runner.

``truth_steps.csv`` holds the contacts of the recording's activity, ``truth_steps_other.csv`` (optional) those of
other activities, ``truth_aggregate.csv`` (optional) figures over stretches of time where no contact is known.
"""

from __future__ import annotations

import csv
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

from gait_signal.types import FEET, STRIKES, Activity, Foot, Strike

from ..errors import RecordingError
from ..truth import TrueStep

TRUTH_FILE: Final = "truth_steps.csv"
_OTHER_FILE: Final = "truth_steps_other.csv"
_AGGREGATE_FILE: Final = "truth_aggregate.csv"
_ACTIVITIES: Final = ("running", "walking", "in_place")


@dataclass(frozen=True, slots=True)
class StrideCount:
    """How many strides a foot made in a stretch of time."""

    foot: Foot
    from_s: float
    to_s: float
    strides: int


@dataclass(frozen=True, slots=True)
class Averages:
    """Mean cadence and contact time around one moment, as another instrument gave them."""

    at_s: float
    cadence_spm: float | None
    contact_time_s: float | None


@dataclass(frozen=True, slots=True)
class Truth:
    """The judge's part of one recording.

    Attributes
    ----------
    name, kind, source, citation : str
        As the folder says; ``kind`` tells how the truth was made, and recordings of one kind are pooled.
    activity : str
        What was done in it.
    timing_scored : bool
        False: the contact times are good for counting only.
    from_s, to_s : float
        Where the truth is complete.
    speed_mps : float or None
    runner : str
        Names the runner by what the folder says of the body; recordings with equal words are of one runner.
        Empty where nothing is said.
    notes : tuple of str
        The folder's own words on how the truth was made and how far it goes.
    qualities : tuple of str
        What ``truth_quality`` says of the steps, each once.
    steps, other_steps : tuple of TrueStep
    strides : tuple of StrideCount
    averages : tuple of Averages
    """

    name: str
    kind: str
    source: str
    citation: str
    activity: Activity
    timing_scored: bool
    from_s: float
    to_s: float
    speed_mps: float | None
    runner: str
    notes: tuple[str, ...]
    qualities: tuple[str, ...]
    steps: tuple[TrueStep, ...]
    other_steps: tuple[TrueStep, ...]
    strides: tuple[StrideCount, ...]
    averages: tuple[Averages, ...]


def find_recordings(folder: Path) -> tuple[list[Path], int]:
    """Return the recording folders with a truth at or below a folder, and how many there are without one.

    Raises
    ------
    RecordingError
        There is no such folder, or no recording with a truth in it.
    """
    if not folder.is_dir():
        raise RecordingError(f"there is no folder {folder}; give one that holds recordings with a truth")
    every = sorted(path.parent for path in folder.rglob("recording.toml"))
    known = [path for path in every if (path / TRUTH_FILE).is_file()]
    if not known:
        found = f"{len(every)} recording{'s' if len(every) > 1 else ''} but no" if every else "no recording with a"
        raise RecordingError(f"{folder} holds {found} {TRUTH_FILE}, so there is nothing to compare with")
    return known, len(every) - len(known)


def load_truth(folder: Path) -> Truth:
    """Read the judge's part of a recording folder.

    Raises
    ------
    RecordingError
        A file is missing or wrong; the sentence names it and, where there is one, the line.
    """
    path = folder / "recording.toml"
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RecordingError(f"{path} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecordingError(f"{path} is not valid TOML: {error}") from None
    activity = _text(table, "activity") or "running"
    if activity not in _ACTIVITIES:
        raise RecordingError(f"{path}: `activity` must be one of {', '.join(_ACTIVITIES)}, not {activity!r}")
    steps, qualities = _read_steps(folder / TRUTH_FILE, cast("Activity", activity))
    other, _ = _read_steps(folder / _OTHER_FILE, "walking") if (folder / _OTHER_FILE).is_file() else ((), ())
    strides, averages = _read_aggregate(folder / _AGGREGATE_FILE)
    to_s = _number(table, "truth_to_s", path)
    return Truth(
        name=_text(table, "name") or folder.name,
        kind=_text(table, "kind") or "unnamed",
        source=_text(table, "source"),
        citation=_text(table, "citation"),
        activity=cast("Activity", activity),
        timing_scored=table.get("ic_timing_scored", True) is not False,
        from_s=_number(table, "truth_from_s", path) or 0.0,
        to_s=math.inf if to_s is None else to_s,
        speed_mps=_number(table, "speed_mps", path),
        runner=_runner(table),
        notes=tuple(note for note in table.get("notes", ()) if isinstance(note, str)),
        qualities=qualities,
        steps=steps,
        other_steps=tuple(step for step in other if step.activity != activity),
        strides=strides,
        averages=averages,
    )


def _read_steps(path: Path, activity: Activity) -> tuple[tuple[TrueStep, ...], tuple[str, ...]]:
    steps: list[TrueStep] = []
    qualities: dict[str, None] = {}
    for number, row in _rows(path, ("foot", "ic_s")):
        ic_s = _cell(row, "ic_s", path, number)
        if ic_s is None:
            raise RecordingError(f"{path} line {number}: ic_s is empty")
        did = row.get("activity") or activity
        if did not in _ACTIVITIES:
            raise RecordingError(f"{path} line {number}: activity {did!r} is none of {', '.join(_ACTIVITIES)}")
        ic_sd_ms = _cell(row, "ic_sd_ms", path, number)
        steps.append(
            TrueStep(
                foot=_foot(row, path, number),
                ic_s=ic_s,
                to_s=_cell(row, "to_s", path, number),
                strike=_strike(row, path, number),
                strike_angle_rad=_radians(_cell(row, "strike_angle_deg", path, number)),
                knee_drive_rad=_radians(_cell(row, "knee_drive_deg", path, number)),
                knee_drive_rel_standing_rad=_radians(_cell(row, "knee_drive_rel_standing_deg", path, number)),
                ic_sd_s=None if ic_sd_ms is None else ic_sd_ms / 1000.0,
                speed_mps=_cell(row, "speed_mps", path, number),
                activity=cast("Activity", did),
            )
        )
        if quality := row.get("truth_quality"):
            qualities[quality] = None
    return tuple(sorted(steps, key=lambda step: step.ic_s)), tuple(qualities)


def _read_aggregate(path: Path) -> tuple[tuple[StrideCount, ...], tuple[Averages, ...]]:
    if not path.is_file():
        return (), ()
    strides: list[StrideCount] = []
    averages: list[Averages] = []
    for number, row in _rows(path, ()):
        if "strides" in row:
            from_s, to_s, count = (_cell(row, name, path, number) for name in ("from_s", "to_s", "strides"))
            if from_s is None or to_s is None or count is None:
                raise RecordingError(f"{path} line {number} lacks from_s, to_s or strides")
            strides.append(StrideCount(_foot(row, path, number), from_s, to_s, round(count)))
            continue
        at_s = _cell(row, "time_s", path, number)
        if at_s is None:
            raise RecordingError(f"{path} line {number} has neither strides nor time_s")
        gct_ms = _cell(row, "gct_ms", path, number)
        averages.append(
            Averages(at_s, _cell(row, "cadence_spm", path, number), None if gct_ms is None else gct_ms / 1000.0)
        )
    return tuple(strides), tuple(averages)


def _rows(path: Path, needed: tuple[str, ...]) -> list[tuple[int, dict[str, str]]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.reader(file)
            header = [cell.strip() for cell in next(reader, [])]
            lines = [(reader.line_num, [cell.strip() for cell in line]) for line in reader if any(line)]
    except OSError as error:
        raise RecordingError(f"{path} cannot be read: {error.strerror}") from None
    except (UnicodeDecodeError, csv.Error):
        raise RecordingError(f"{path} is not a text table") from None
    for column in needed:
        if column not in header:
            raise RecordingError(f"{path} lacks the column {column}")
    for number, cells in lines:
        if len(cells) != len(header):
            raise RecordingError(f"{path} line {number} has {len(cells)} columns instead of {len(header)}")
    return [(number, dict(zip(header, cells, strict=True))) for number, cells in lines]


def _cell(row: Mapping[str, str], column: str, path: Path, number: int) -> float | None:
    text = row.get(column, "")
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise RecordingError(f"{path} line {number}: {column} is not a finite number")
    return value


def _foot(row: Mapping[str, str], path: Path, number: int) -> Foot:
    foot = row.get("foot", "").lower()
    if foot not in FEET:
        raise RecordingError(f"{path} line {number}: foot must be left or right, not {foot!r}")
    return foot


def _strike(row: Mapping[str, str], path: Path, number: int) -> Strike | None:
    strike = row.get("strike_class", "").lower()
    if strike and strike not in STRIKES:
        raise RecordingError(f"{path} line {number}: strike_class {strike!r} is none of {', '.join(STRIKES)}")
    return strike or None


def _radians(value_deg: float | None) -> float | None:
    return None if value_deg is None else math.radians(value_deg)


def _text(table: Mapping[str, Any], key: str) -> str:
    value = table.get(key, "")
    return value if isinstance(value, str) else ""


def _number(table: Mapping[str, Any], key: str, path: Path) -> float | None:
    value = table.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise RecordingError(f"{path}: `{key}` must be a number, not {value!r}")
    return float(value)


def _runner(table: Mapping[str, Any]) -> str:
    """Name a runner by the body: folders carry no names."""
    body = table.get("runner")
    if not isinstance(body, Mapping) or not body:
        return ""
    said = {"height_m": "m tall", "mass_kg": "kg", "thigh_length_m": "m thigh", "shank_length_m": "m shank"}
    return ", ".join(f"{body[key]:g} {unit}" for key, unit in said.items() if isinstance(body.get(key), int | float))
