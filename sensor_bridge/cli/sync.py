"""``shoepod sync``."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Collection
from pathlib import Path

from ..errors import UsageError
from ..sinks import enabled_sink_list
from ..sinks import sync as drain_outbox
from ..store.outbox import Outbox
from .common import home_and_settings


def execute(arguments: argparse.Namespace) -> int:
    """Drain the outbox; 1 if something could not be delivered, now or before."""
    home, settings = home_and_settings(arguments.config)
    sinks = enabled_sink_list(settings)
    has_store = home.database.exists()
    if not sinks:
        waiting = _left(home.database, ()) if has_store else []
        raise UsageError(
            "; ".join(
                ["no broker or database is switched on; set enabled = true under [mqtt] or [influx]", *waiting],
            )
        )
    if not has_store:
        print("Nothing to send: there are no sessions yet.")
        return 0
    states = asyncio.run(drain_outbox(home.database, sinks, retry_parked=arguments.retry_refused))
    for state in states:
        print(state.line())
    left = _left(home.database, [sink.name for sink in sinks])
    for line in left:
        print(line)
    return 1 if left or any(state.pending or state.error for state in states) else 0


def _left(database: Path, switched_on: Collection[str]) -> list[str]:
    """Return what the drained sinks' lines do not tell: rows refused, and rows of sinks that are switched off."""
    box = Outbox(database)
    try:
        pending, parked = box.pending_by_sink(), box.parked_by_sink()
    finally:
        box.close()
    lines = [
        f"{sink}: {rows} waiting, but it is switched off; set enabled = true under [{sink}] to send them"
        for sink, rows in pending.items()
        if sink not in switched_on
    ]
    lines += [
        f"{sink}: {rows} refused by the server and kept; see why, then: shoepod sync --retry-refused"
        for sink, rows in parked.items()
    ]
    return lines
