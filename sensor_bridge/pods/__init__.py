"""Pods over Bluetooth LE: find them, say who is worn where, keep them streaming."""

from __future__ import annotations

from .find import FoundPod, PodFinder
from .link import LinkListener, LinkState, PodLink
from .team import FEET, Place, TeamMember, assign, find_team

__all__ = [
    "FEET",
    "FoundPod",
    "LinkListener",
    "LinkState",
    "Place",
    "PodFinder",
    "PodLink",
    "TeamMember",
    "assign",
    "find_team",
]
