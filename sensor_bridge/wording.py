"""Words and forms that every surface shares: strike labels, times, safe text."""

from __future__ import annotations

from typing import Literal, TypeAlias

from gait_signal.types import Contact, Step, Strike

StrikeLabel: TypeAlias = Literal["rearfoot", "midfoot", "forefoot", "uncertain"]

STRIKE_LABELS: tuple[StrikeLabel, ...] = ("rearfoot", "midfoot", "forefoot", "uncertain")
UNCERTAIN_BELOW = 0.8
"""A strike type less probable than this is told as "uncertain"."""
AFTER_THE_COMMAND = "the player adds about 20 ms, Bluetooth headphones 120 to 275 ms"
"""What lies between the moment a cue is sent to the player and the ear."""


def strike_label(strike: Strike | None, confidence: float | None) -> StrikeLabel | None:
    """Return what a person is told about a landing; None where no type is given at all."""
    if strike is None:
        return None
    if confidence is None or confidence < UNCERTAIN_BELOW:
        return "uncertain"
    return strike


def contact_label(contact: Contact) -> StrikeLabel | None:
    """Return the label of the fast decision."""
    return strike_label(contact.strike, contact.strike_confidence)


def step_label(step: Step) -> StrikeLabel | None:
    """Return the label of a finished step; where the second look disagrees with the first, "uncertain"."""
    label = strike_label(step.strike, step.strike_confidence)
    if label is not None and step.strike_final not in (None, step.strike):
        return "uncertain"
    return label


def elapsed_text(seconds: float) -> str:
    """Return ``m:ss``, or ``h:mm:ss`` from one hour on."""
    whole = max(0, int(seconds))
    hours, rest = divmod(whole, 3600)
    minutes, second = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{second:02}" if hours else f"{minutes}:{second:02}"


def printable(text: str, limit: int = 200) -> str:
    """Return text that cannot steer a terminal: control characters become "?", long text is cut."""
    clean = "".join(c if c.isprintable() else "?" for c in text)
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"
