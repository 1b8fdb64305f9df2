"""``shoepod analyze``."""

from __future__ import annotations

import argparse
from pathlib import Path

from gait_signal.types import Step

from ..analyze import analyze_recording
from ..errors import RecordingError, UsageError
from ..home import Home
from ..inputs import replay
from ..recording import load_recording
from ..steps_csv import write_steps_csv
from ..store.database import resolve_session


def execute(arguments: argparse.Namespace) -> int:
    """Write the steps of a recording folder, or of a stored session's packets."""
    steps = _steps(arguments)
    write_steps_csv(arguments.out, steps)
    print(f"{len(steps)} steps written to {arguments.out}")
    return 0


def _steps(arguments: argparse.Namespace) -> list[Step]:
    folder = Path(arguments.source)
    if folder.is_dir():
        if arguments.as_live:
            raise UsageError("--as-live is for sessions: a recording folder has no arrival times")
        return analyze_recording(load_recording(folder), arguments.pods)
    home = Home.locate()
    if "/" in arguments.source or "\\" in arguments.source or not home.database.exists():
        raise RecordingError(f"there is no recording folder {arguments.source}; check the path")
    # A session's packets stand in the order of arrival: the one order there is.
    archive = home.archive(resolve_session(home, arguments.source))
    steps = [event for event in replay(archive) if isinstance(event, Step)]
    return sorted(steps, key=lambda step: (step.ic_s, step.foot))
