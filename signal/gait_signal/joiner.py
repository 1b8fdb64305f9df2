"""Both feet into one record: flight time needs the other foot's next contact.

A row known at stream time F waits until the other foot's stream has reached F too, and then uses only
contacts that were known by F. So the result cannot depend on whose block came first. A foot that falls
silent holds the other up for ``lag_s`` of stream time at most.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from .types import Foot, Step

_FLIGHT_MAX_S = 0.5
_OVERLAP_MAX_S = 0.1  # a refined contact may fall a little before a refined toe-off


@dataclass(frozen=True, slots=True)
class Landed:
    """A refined contact of one foot, for the other foot's flight time."""

    ic_s: float
    known_s: float


class Joiner:
    """See the module text."""

    def __init__(self, feet: Sequence[Foot], lag_s: float) -> None:
        self._feet = tuple(feet)
        self._lag_s = lag_s
        self._landed: dict[Foot, list[Landed]] = {foot: [] for foot in feet}
        self._waiting: dict[Foot, list[Step]] = {foot: [] for foot in feet}
        self._reached_s: dict[Foot, float] = dict.fromkeys(feet, -1e300)

    def reach(self, foot: Foot, time_s: float) -> None:
        """The stream of ``foot`` has been worked up to ``time_s``."""
        self._reached_s[foot] = max(self._reached_s[foot], time_s)

    def land(self, foot: Foot, landed: Landed) -> None:
        """Take a refined contact."""
        self._landed[foot].append(landed)
        del self._landed[foot][:-64]

    def add(self, step: Step) -> None:
        """Take a row without its flight time."""
        self._waiting[step.foot].append(step)

    def ready(self, everything: bool = False) -> list[Step]:
        """Rows that can be completed now, in the order of their finalisation."""
        out: list[Step] = []
        for foot in self._feet:
            other = self._other(foot)
            waiting = self._waiting[foot]
            while waiting:
                step = waiting[0]
                if other is not None and not everything and self._reached_s[other] < step.finalized_s:
                    if self._reached_s[foot] < step.finalized_s + self._lag_s:
                        break
                    other = None
                out.append(self._complete(waiting.pop(0), other))
                other = self._other(foot)
        out.sort(key=lambda s: (s.finalized_s, s.foot, s.step_id))
        return out

    def _other(self, foot: Foot) -> Foot | None:
        return next((f for f in self._feet if f != foot), None)

    def _complete(self, step: Step, other: Foot | None) -> Step:
        if other is None or step.to_s is None or step.activity == "walking":
            return step
        low, high = step.to_s - _OVERLAP_MAX_S, step.to_s + _FLIGHT_MAX_S
        known = [x.ic_s for x in self._landed[other] if x.known_s <= step.finalized_s and low <= x.ic_s <= high]
        return replace(step, flight_time_s=min(known) - step.to_s) if known else step
