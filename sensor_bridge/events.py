"""What a session produces: gait events plus what happens to pods, cue and store.

Times ending in ``_s`` are session time: seconds on the monotonic session clock since the session began.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from gait_signal.types import ActivityChange, Calibrated, Contact, Foot, Step

LinkState: TypeAlias = Literal["searching", "connected", "streaming", "lost"]
GapCause: TypeAlias = Literal["radio", "link", "overrun", "reboot", "suspend", "resume"]


@dataclass(frozen=True, slots=True)
class PodGap:
    """Samples of a pod are missing in ``[from_s, to_s)``; never silently bridged."""

    serial: str
    from_s: float
    to_s: float
    packets_lost: int
    cause: GapCause


@dataclass(frozen=True, slots=True)
class PodState:
    """The latest known state of one pod."""

    serial: str
    side: Foot
    role: Literal["foot", "thigh"]
    at_s: float
    link: LinkState
    battery_percent: int | None = None
    packets_received: int = 0
    packets_lost: int = 0
    packets_late: int = 0
    packets_duplicate: int = 0
    clock_error_s: float | None = None
    """One standard deviation of this pod's time against session time, where known."""


@dataclass(frozen=True, slots=True)
class CueMark:
    """A cue was sent to the player.

    ``latency_s`` runs from the (fast) initial contact to the moment the command left for the player.
    """

    foot: Foot
    step_id: int
    at_s: float
    latency_s: float


@dataclass(frozen=True, slots=True)
class Notice:
    """One sentence for the runner, said once."""

    at_s: float
    level: Literal["info", "warning"]
    text: str


SessionEvent: TypeAlias = Contact | Step | Calibrated | ActivityChange | PodGap | PodState | CueMark | Notice
