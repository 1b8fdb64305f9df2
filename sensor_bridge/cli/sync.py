"""``shoepod sync``."""

from __future__ import annotations

import argparse
import asyncio

from ..errors import UsageError
from ..sinks import enabled_sink_list
from ..sinks import sync as drain_outbox
from .common import home_and_settings


def execute(arguments: argparse.Namespace) -> int:
    """Drain the outbox; 1 if something could not be delivered."""
    home, settings = home_and_settings(arguments.config)
    sinks = enabled_sink_list(settings)
    if not sinks:
        raise UsageError("no broker or database is switched on; set enabled = true under [mqtt] or [influx]")
    if not home.database.exists():
        print("Nothing to send: there are no sessions yet.")
        return 0
    states = asyncio.run(drain_outbox(home.database, sinks))
    for state in states:
        print(state.line())
    return 1 if any(state.pending or state.error for state in states) else 0
