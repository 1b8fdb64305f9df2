"""Puts a session's results into the database, each step together with what servers shall be told of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from gait_signal.types import Step

from ..events import SessionEvent
from .outbox import enqueue_step, step_payload
from .rows import insert_event
from .schema import transaction


@dataclass(slots=True)
class ResultStore:
    """Adds events of one session.

    Attributes
    ----------
    sinks : sequence of str
        Names of the sinks that every new step goes to.
    steps_added : int
        Steps that were not in the store before.
    rejected : int
        Events with a value that the tables cannot hold; a defect of whoever made them.
    """

    connection: sqlite3.Connection
    session_id: str
    runner: str
    started_utc: datetime
    sinks: Sequence[str]
    steps_added: int = 0
    rejected: int = 0

    def add(self, events: Iterable[SessionEvent]) -> None:
        """Store events in one transaction. What is stored already is left as it is and not sent again.

        Raises
        ------
        sqlite3.Error
            None of them was stored.
        """
        added = rejected = 0
        with transaction(self.connection):
            for event in events:
                try:
                    is_new = insert_event(self.connection, self.session_id, event)
                except sqlite3.IntegrityError:
                    rejected += 1
                    continue
                if is_new and isinstance(event, Step):
                    added += 1
                    self._enqueue(event)
            if added:  # counted here, for a list of sessions that need not walk through all steps
                self.connection.execute("UPDATE sessions SET steps = steps + ? WHERE id = ?", (added, self.session_id))
        self.steps_added += added
        self.rejected += rejected

    def _enqueue(self, step: Step) -> None:
        payload = step_payload(step, self.session_id, self.runner, self.started_utc)
        known_utc = self.started_utc + timedelta(seconds=step.finalized_s)
        enqueue_step(self.connection, self.sinks, payload, known_utc)
