"""Which virtual pods a recording makes: a serial, a place and a motion each."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from firmware_protocol import Role, Side

from ..recording import Recording
from .pod import PodIdentity
from .source import Motion, motions_of

_PLACES: Final = {
    "left_foot": (Side.LEFT, Role.FOOT, "L"),
    "right_foot": (Side.RIGHT, Role.FOOT, "R"),
    "left_thigh": (Side.LEFT, Role.THIGH, "LT"),
    "right_thigh": (Side.RIGHT, Role.THIGH, "RT"),
}
SIMULATED_TAG: Final = "SIM"


@dataclass(frozen=True, slots=True)
class Part:
    """One pod's part.

    Attributes
    ----------
    identity : PodIdentity
    motion : Motion
    ppm : float
        How fast its crystal runs.
    """

    identity: PodIdentity
    motion: Motion
    ppm: float = 0.0

    def placed(self, side: Side, role: Role) -> Part:
        """Return the part of the same pod, worn elsewhere."""
        return replace(self, identity=replace(self.identity, side=side, role=role))


def recording_tag(recording: Recording) -> str:
    """Return six characters that stand for a recording in the serials of its pods."""
    return hashlib.sha256(recording.name.encode()).hexdigest()[:6].upper()


def parts_of(recording: Recording, ppm: Mapping[str, float] | None = None, tag: str | None = None) -> list[Part]:
    """Return the parts of a recording.

    Parameters
    ----------
    recording : Recording
    ppm : mapping of pod name to float, optional
        Crystal errors.
    tag : str, optional
        Middle of the serials; follows from the recording's name otherwise. The same recording always
        gives the same serials, so that a ``[pods]`` table stays valid.

    Raises
    ------
    RecordingError
        A pod has no samples.
    """
    tag = tag or recording_tag(recording)
    parts = []
    for name, motion in motions_of(recording).items():
        side, role, letters = _PLACES[name]
        identity = PodIdentity(f"SPV-{tag}-{letters}", f"POD-{letters}", side, role)
        parts.append(Part(identity, motion, (ppm or {}).get(name, 0.0)))
    return parts
