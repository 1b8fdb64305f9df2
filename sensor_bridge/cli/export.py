"""``shoepod export``."""

from __future__ import annotations

import argparse

from ..home import Home
from ..steps_csv import write_steps_csv
from ..store.database import load_session


def execute(arguments: argparse.Namespace) -> int:
    """Write a session's steps as STEPS.csv."""
    record = load_session(Home.locate(), arguments.session)
    write_steps_csv(arguments.csv, record.steps)
    print(f"{len(record.steps)} steps of {record.summary.session_id} written to {arguments.csv}")
    return 0
