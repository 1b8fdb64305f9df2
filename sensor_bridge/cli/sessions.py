"""``shoepod sessions``."""

from __future__ import annotations

import argparse
import json

from ..clock import Anchor
from ..errors import SessionError
from ..home import Home
from ..store.database import SessionSummary, list_sessions
from ..wording import printable


def execute(arguments: argparse.Namespace) -> int:
    """List the sessions, the oldest first."""
    found = list_sessions(Home.locate())
    if arguments.json:
        print(json.dumps([_table(session) for session in found], indent=1))
        return 0
    if not found:
        print("No sessions yet. 'shoepod run' records one; 'shoepod demo' shows what it will look like.")
        return 0
    print(f"{'session':22}  {'started (local)':17}  {'length':>8}  {'steps':>6}  {'state':11}  runner")
    for session in found:
        length_s = (session.ended_utc - session.started_utc).total_seconds() if session.ended_utc else None
        length = "-" if length_s is None else f"{int(length_s // 60)}:{int(length_s % 60):02d}"
        print(
            f"{session.session_id:22}  {_started(session):17}  {length:>8}  {session.steps:>6}  "
            f"{session.state:11}  {printable(session.runner)}"
        )
    return 0


def _started(session: SessionSummary) -> str:
    """Return the local time of the start; in UTC, marked Z, where this computer does not know the zone."""
    try:
        return f"{Anchor(session.started_utc, session.zone).local_at(0.0):%Y-%m-%d %H:%M}"
    except SessionError:
        return f"{session.started_utc:%Y-%m-%d %H:%MZ}"


def _table(session: SessionSummary) -> dict[str, object]:
    return {
        "session": session.session_id,
        "runner": printable(session.runner),
        "started_utc": session.started_utc.isoformat(),
        "ended_utc": session.ended_utc.isoformat() if session.ended_utc else None,
        "zone": session.zone,
        "state": session.state,
        "steps": session.steps,
        "core_version": session.core_version,
    }
