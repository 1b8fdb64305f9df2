"""A finding, and what a check may look at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from ..settings import Settings
from .probes import Probes

State: TypeAlias = Literal["ok", "warn", "fail", "skip"]


@dataclass(frozen=True, slots=True)
class Check:
    """One finding.

    Attributes
    ----------
    name : str
        What was looked at.
    state : str
        ``ok``; ``warn``: a run works, but read this; ``fail``: a run with real pods, or what was switched
        on, does not work; ``skip``: not asked for, or not answerable here.
    finding : str
        One sentence.
    fix : str
        One sentence that says what to do; empty only for ``ok``.
    """

    name: str
    state: State
    finding: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Context:
    """What a check may look at: the settings and their file, if one is looked for, the data folder, the computer."""

    settings: Settings
    home_path: Path
    probes: Probes
    config_file: Path | None = None


CheckFunction: TypeAlias = Callable[[str, Context], Check]
"""Takes the check's name; may raise and may hang."""
