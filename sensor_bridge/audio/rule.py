"""When a landing is to sound: a decision without I/O and without a clock of its own."""

from __future__ import annotations

from collections import Counter
from typing import Literal, TypeAlias

from gait_signal.types import Contact

from ..settings import CueSettings

MAX_LATE_S = 0.25
"""A cue later than this belongs to a contact that is over: a held-up stream must not turn into old sounds."""

Silence: TypeAlias = Literal["off", "muted", "activity", "strike", "uncertain", "late", "refractory"]


class CueRule:
    """Decides, contact by contact, whether the cue sounds.

    Parameters
    ----------
    settings : CueSettings
        Which strikes, how sure, how far apart.

    Attributes
    ----------
    muted : bool
        Switched by the runner; starts off.
    silences : Counter
        Why contacts stayed silent, the first reason counting.
    """

    def __init__(self, settings: CueSettings) -> None:
        self._settings = settings
        self._last_s: float | None = None
        self.muted = False
        self.silences: Counter[Silence] = Counter()

    def toggle_mute(self) -> bool:
        """Switch the mute; return True if it is now muted."""
        self.muted = not self.muted
        return self.muted

    def decide(self, contact: Contact, now_s: float) -> bool:
        """Return True if this contact sounds now.

        Parameters
        ----------
        contact : Contact
            The fast decision about a landing.
        now_s : float
            Session time at which it reached the caller. The refractory time runs between these: it
            keeps two *sounds* apart, whatever the radio did to the contacts.
        """
        silence = self._silence(contact, now_s)
        if silence is not None:
            self.silences[silence] += 1
            return False
        self._last_s = now_s
        return True

    def _silence(self, contact: Contact, now_s: float) -> Silence | None:
        settings = self._settings
        if not settings.enabled:
            return "off"
        if self.muted:
            return "muted"
        if contact.activity not in ("running", "in_place"):
            return "activity"
        if contact.strike is None or contact.strike not in settings.strikes:
            return "strike"
        if contact.strike_confidence is None or not contact.strike_confidence >= settings.min_confidence:
            return "uncertain"
        if not max(now_s, contact.decided_s) - contact.ic_s <= MAX_LATE_S:
            return "late"
        if self._last_s is not None and now_s - self._last_s < settings.refractory_s:
            return "refractory"
        return None
