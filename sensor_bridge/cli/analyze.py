"""``shoepod analyze``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from gait_signal.types import Step

from ..analyze import analyze_recording
from ..clock import seconds
from ..errors import RecordingError, UsageError
from ..home import Home
from ..inputs import replay
from ..recording import load_recording
from ..steps_csv import write_steps_csv
from ..store.archive import SMALL_TAIL_BYTES, ArchiveReader
from ..store.database import list_sessions, resolve_session
from ..wording import elapsed_text


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
        raise RecordingError(f"there is neither a recording folder nor a session {arguments.source}; check the name")
    # A session's packets stand in the order of arrival: the one order there is.
    session_id = resolve_session(home, arguments.source)
    steps = [event for event in replay(home.archive(session_id)) if isinstance(event, Step)]
    if damage := _damage(home, session_id):
        print(f"shoepod: {damage}", file=sys.stderr)
    return sorted(steps, key=lambda step: (step.ic_s, step.foot))


def _damage(home: Home, session_id: str) -> str:
    """Return, in one sentence, what of a session's packets is lost; nothing where all are there.

    The torn tail that a kill leaves is not worth a word.
    """
    reader = ArchiveReader(home.archive(session_id))
    last_ns = 0
    for record in reader:
        last_ns = record.session_ns
    until = elapsed_text(seconds(last_ns))
    if reader.left_over_bytes > SMALL_TAIL_BYTES:
        return (
            f"warning: the packets of {session_id} are damaged, so the steps end at {until}; "
            f"the {reader.left_over_bytes / 1e6:.1f} MB behind that cannot be read"
        )
    is_closed = any(one.session_id == session_id and one.state == "closed" for one in list_sessions(home))
    if is_closed and not reader.has_end:
        return f"warning: the last packets of {session_id} are missing, so the steps end at {until}"
    return ""
