"""``shoepod delete``."""

from __future__ import annotations

import argparse

from ..home import Home
from ..store.delete import delete_session


def execute(arguments: argparse.Namespace) -> int:
    """Delete a session and say what remains elsewhere."""
    print("\n".join(delete_session(Home.locate(), arguments.session).lines()))
    return 0
