"""Truths and steps made by hand, and a reader of pages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from html.parser import HTMLParser
from math import radians
from typing import Any

from gait_signal.types import Foot, Step, Strike
from sensor_bridge.truth import TrueStep
from sensor_bridge.validation.outcome import Outcome, judge
from sensor_bridge.validation.run import Validation
from sensor_bridge.validation.summary import Summary, summarize
from sensor_bridge.validation.truth_files import Truth

STRIDE_S = 0.7
ANGLES_DEG: dict[Strike, float] = {"rearfoot": 15.0, "midfoot": 3.0, "forefoot": -6.0}
MADE = datetime(2026, 7, 12, 18, 3, tzinfo=UTC)


def true_step(index: int, foot: Foot = "left", strike: Strike = "rearfoot", **changes: Any) -> TrueStep:
    ic_s = 1.0 + STRIDE_S * index + (0.35 if foot == "right" else 0.0)
    values: dict[str, Any] = {
        "foot": foot,
        "ic_s": ic_s,
        "to_s": ic_s + 0.24,
        "strike": strike,
        "strike_angle_rad": radians(ANGLES_DEG[strike]),
        "knee_drive_rad": radians(30.0 + index),
        "knee_drive_rel_standing_rad": None,
        "ic_sd_s": 0.003,
    }
    return TrueStep(**{**values, **changes})


def found_step(true: TrueStep, *, late_s: float = 0.0, **changes: Any) -> Step:
    """A step as the core would have to give it."""
    ic_s = true.ic_s + late_s
    to_s = None if true.to_s is None else true.to_s + late_s
    values: dict[str, Any] = {
        "foot": true.foot,
        "step_id": 1,
        "activity": true.activity,
        "ic_s": ic_s,
        "to_s": to_s,
        "contact_time_s": None if to_s is None else to_s - ic_s,
        "flight_time_s": 0.11,
        "swing_time_s": 0.46,
        "stride_time_s": STRIDE_S,
        "cadence_spm": 120.0 / STRIDE_S,
        "strike": true.strike,
        "strike_confidence": 0.95,
        "decided_s": ic_s + 0.02,
        "strike_final": true.strike,
        "strike_angle_rad": true.strike_angle_rad,
        "knee_drive_rad": true.knee_drive_rad,
        "knee_drive_sd_rad": radians(2.0),
        "knee_drive_method": "shoe-estimate",
        "knee_drive_rel_standing_rad": None,
        "stride_length_m": 2.1,
        "speed_mps": 3.0,
        "ankle_clearance_m": 0.2,
        "contact_to_knee_peak_s": 0.4,
        "gap_touched": False,
        "clipped": False,
        "calibration": "standing",
        "finalized_s": ic_s + 0.8,
    }
    return Step(**{**values, **changes})


def truth_of(steps: Sequence[TrueStep], **changes: Any) -> Truth:
    values: dict[str, Any] = {
        "name": "by-hand",
        "kind": "made",
        "source": "a test",
        "citation": "",
        "activity": "running",
        "timing_scored": True,
        "from_s": 0.0,
        "to_s": 100.0,
        "speed_mps": 3.0,
        "runner": "1.8 m tall",
        "notes": (),
        "qualities": (),
        "steps": tuple(steps),
        "other_steps": (),
        "strides": (),
        "averages": (),
    }
    return Truth(**{**values, **changes})


def run_of(count: int, strikes: Sequence[Strike] = ("rearfoot",), **changes: Any) -> list[TrueStep]:
    both: tuple[Foot, ...] = ("left", "right")
    return [true_step(i, foot, strikes[i % len(strikes)], **changes) for i in range(count) for foot in both]


def judged(truth: Truth, steps: Sequence[Step]) -> Summary:
    return summarize("x", judge(truth, steps))


def made_of(outcomes: Sequence[Outcome], **changes: Any) -> Validation:
    values: dict[str, Any] = {
        "folder": "runs",
        "made": MADE,
        "command": "shoepod validate runs",
        "version": "0.1.0",
        "core_version": "1",
        "outcomes": tuple(outcomes),
        "without_truth": 0,
    }
    return Validation(**{**values, **changes})


class Page(HTMLParser):
    """Checks that tags nest and collects what a test asks for."""

    VOID = frozenset({"meta", "br", "hr", "link"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    @property
    def ids(self) -> list[str]:
        return [attrs["id"] for _, attrs in self.tags if attrs.get("id")]  # type: ignore[misc]
