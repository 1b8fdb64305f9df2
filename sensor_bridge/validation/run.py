"""From a folder of recordings to judged steps. The core is run before the truth is even read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from gait_signal import CORE_VERSION

from ..analyze import analyze_recording
from ..recording import Recording, load_recording
from .outcome import Outcome, groups, judge
from .sensitivity import SensitivityRow, sensitivity
from .statistics import average_errors, error_stats
from .summary import Summary, summarize, summary_to_table
from .truth_files import Truth, find_recordings, load_truth


@dataclass(frozen=True, slots=True)
class Validation:
    """Everything a validation found out.

    Attributes
    ----------
    folder : str
        As given.
    made : datetime
        Aware.
    command : str
        What to type to make it again.
    version, core_version : str
    outcomes : tuple of Outcome
    without_truth : int
        Recordings passed over.
    sensitivity : tuple of SensitivityRow
        Empty where not asked for.
    """

    folder: str
    made: datetime
    command: str
    version: str
    core_version: str
    outcomes: tuple[Outcome, ...]
    without_truth: int
    sensitivity: tuple[SensitivityRow, ...] = ()

    @property
    def truths(self) -> tuple[Truth, ...]:
        """Every recording's truth, once."""
        return tuple({outcome.truth.name: outcome.truth for outcome in self.outcomes}.values())

    def pooled(self) -> list[Summary]:
        """Figures of every group."""
        return [summarize(name, members) for name, members in groups(self.outcomes).items()]


def validate(
    folder: Path,
    *,
    made: datetime,
    command: str,
    version: str,
    with_sensitivity: bool = False,
    tell: Callable[[str], None] = lambda _: None,
) -> Validation:
    """Run the core over every recording with a truth at or below a folder.

    Parameters
    ----------
    folder : Path
    made, command, version
        Kept with the result.
    with_sensitivity : bool
        Also over worsened copies of them.
    tell : callable
        Told what is being done, for a person who waits.

    Raises
    ------
    RecordingError
        There is none, or one cannot be read.
    """
    folders, without_truth = find_recordings(folder)
    outcomes: list[Outcome] = []
    known: list[tuple[Recording, Truth]] = []
    for path in folders:
        tell(path.name)
        recording = load_recording(path)
        steps = analyze_recording(recording)
        truth = load_truth(path)
        outcomes += judge(truth, steps)
        known.append((recording, truth))
    rows: list[SensitivityRow] = []
    if with_sensitivity:
        tell("worsened copies")
        rows = sensitivity(known)
    return Validation(
        folder=str(folder),
        made=made,
        command=command,
        version=version,
        core_version=CORE_VERSION,
        outcomes=tuple(outcomes),
        without_truth=without_truth,
        sensitivity=tuple(rows),
    )


def validation_to_table(validation: Validation) -> dict[str, Any]:
    """Return all figures as plain values for JSON."""
    return {
        "made": validation.made.isoformat(timespec="seconds"),
        "command": validation.command,
        "version": validation.version,
        "core_version": validation.core_version,
        "recordings": {
            outcome.name: {"group": outcome.group, **summary_to_table(summarize(outcome.name, [outcome]))}
            for outcome in validation.outcomes
        },
        "pooled": {summary.name: summary_to_table(summary) for summary in validation.pooled()},
        "counted": [
            {
                "recording": outcome.name,
                "foot": line.truth.foot,
                "strides_true": line.truth.strides,
                "strides_found": line.found,
            }
            for outcome in validation.outcomes
            for line in outcome.counted
        ],
        "averaged": {outcome.name: _averages(outcome) for outcome in validation.outcomes if outcome.averaged},
        "sensitivity": [
            {
                "case": row.case,
                "group": row.group,
                "heel_balanced_intact": row.heel_balanced_intact,
                "touched": row.touched,
                "touched_marked": row.touched_marked,
                "false_at": list(row.false_at),
                **summary_to_table(row.summary),
            }
            for row in validation.sensitivity
        ],
    }


def _averages(outcome: Outcome) -> dict[str, Any]:
    found: dict[str, Any] = {"moments": len(outcome.averaged)}
    for name, what, factor in (("cadence_spm", "cadence_spm", 1.0), ("contact_time_ms", "contact_time_s", 1000.0)):
        of = error_stats(average_errors([outcome], what), factor)
        found[name] = None if of is None else {"n": of.n, "bias": of.bias, "sd": of.sd, "mae": of.mae}
    return found
