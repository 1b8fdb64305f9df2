"""What the drainer asks of a broker or database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ..store.outbox import OutboxRow, Refused


class Sink(Protocol):
    """A place that results are delivered to.

    Delivery is at least once: `send` may be given a row again that got through before a connection broke.
    Rows carry what identifies them, so a second delivery changes nothing.
    """

    @property
    def name(self) -> str:
        """The name that outbox rows for it carry."""
        ...

    @property
    def batch_rows(self) -> int:
        """How many rows `send` wants at once at most."""
        ...

    async def send(self, rows: Sequence[OutboxRow]) -> list[Refused]:
        """Deliver rows and return once the server has acknowledged them.

        Returns
        -------
        list of Refused
            Rows that the server will never take; all others were taken.

        Raises
        ------
        SinkUnavailable
            The server cannot take rows now; any of them may or may not have got through.
        """
        ...

    async def close(self) -> None:
        """Let go of the connection; never raises for a server that is gone."""
        ...
