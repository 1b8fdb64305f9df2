"""The state behind every view: events in, figures out. No clock, no screen."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil

from gait_signal.types import (
    FEET,
    ActivityChange,
    ActivityState,
    Calibrated,
    CalibrationSource,
    Contact,
    Foot,
    Step,
)

from ..events import CueMark, Notice, PodGap, PodState, SessionEvent
from ..wording import StrikeLabel, contact_label, step_label

RECENT_STEPS = 10
NOTICES_SHOWN = 3
NOTICES_KEPT = 50
LATENCIES_KEPT = 2000


@dataclass(slots=True)
class Figure:
    """One measure of one foot: the last value, the mean of the last ten, the mean of all."""

    last: float | None = None
    recent: deque[float] = field(default_factory=lambda: deque(maxlen=RECENT_STEPS))
    count: int = 0
    total: float = 0.0

    def add(self, value: float | None) -> None:
        """Take in a step's value; an unknown one blanks ``last`` and counts for no mean."""
        self.last = value
        if value is not None:
            self.recent.append(value)
            self.count += 1
            self.total += value

    @property
    def recent_mean(self) -> float | None:
        """Mean of the last ten known values."""
        return sum(self.recent) / len(self.recent) if self.recent else None

    @property
    def mean(self) -> float | None:
        """Mean of all known values."""
        return self.total / self.count if self.count else None


@dataclass(slots=True)
class FootLive:
    """What is known of one foot. Figures are those of running and running in place."""

    running_steps: int = 0
    walking_steps: int = 0
    in_place_steps: int = 0
    activity: ActivityState = "unknown"
    calibration: CalibrationSource | None = None
    last_contact: Contact | None = None
    labels: Counter[StrikeLabel] = field(default_factory=Counter)
    strike_angle_rad: Figure = field(default_factory=Figure)
    contact_time_s: Figure = field(default_factory=Figure)
    cadence_spm: Figure = field(default_factory=Figure)
    knee_drive_rad: Figure = field(default_factory=Figure)
    knee_drive_sd_rad: float | None = None
    knee_drive_method: str = ""
    gaps: int = 0
    gap_s: float = 0.0

    @property
    def last_label(self) -> StrikeLabel | None:
        """Label of the last landing, as the cue saw it."""
        return contact_label(self.last_contact) if self.last_contact is not None else None

    def share(self, label: StrikeLabel) -> float | None:
        """Part of the labelled steps, 0..1; None before the first."""
        total = self.labels.total()
        return self.labels[label] / total if total else None


class LiveModel:
    """Everything a view shows.

    Attributes
    ----------
    feet : dict
        `FootLive` by foot.
    pods : dict
        Latest `PodState` by serial.
    elapsed_s : float
        Session time of the latest event.
    muted : bool
        Kept by the view that has the mute key.
    cue_count : int
    cue_latencies_s : deque of float
        The latest ones.
    notices : deque of Notice
    status_lines : tuple of str
        How the sinks are.
    """

    def __init__(self) -> None:
        self.feet: dict[Foot, FootLive] = {foot: FootLive() for foot in FEET}
        self.pods: dict[str, PodState] = {}
        self.elapsed_s = 0.0
        self.muted = False
        self.cue_count = 0
        self.cue_latencies_s: deque[float] = deque(maxlen=LATENCIES_KEPT)
        self.notices: deque[Notice] = deque(maxlen=NOTICES_KEPT)
        self.status_lines: tuple[str, ...] = ()

    def apply(self, event: SessionEvent) -> None:
        """Take in one event."""
        match event:
            case Contact():
                self._at(event.decided_s)
                self.feet[event.foot].last_contact = event
            case Step():
                self._at(event.finalized_s)
                self._apply_step(self.feet[event.foot], event)
            case PodState():
                self._at(event.at_s)
                self.pods[event.serial] = event
            case PodGap():
                self._at(event.to_s)
                self._apply_gap(event)
            case CueMark():
                self._at(event.at_s)
                self.cue_count += 1
                self.cue_latencies_s.append(event.latency_s)
            case Calibrated():
                self._at(event.decided_s)
                self.feet[event.foot].calibration = event.calibration.source
            case ActivityChange():
                self._at(event.decided_s)
                self.feet[event.foot].activity = event.activity
            case Notice():
                self._at(event.at_s)
                self.notices.append(event)

    def set_status(self, lines: Sequence[str]) -> None:
        """Replace the lines that tell how the sinks are."""
        self.status_lines = tuple(lines)

    def pod_of(self, foot: Foot) -> PodState | None:
        """Return the pod on a foot."""
        return next((p for p in self.pods.values() if p.side == foot and p.role == "foot"), None)

    @property
    def activity(self) -> ActivityState:
        """What the wearer does, if the feet agree or only one knows."""
        states: set[ActivityState] = {foot.activity for foot in self.feet.values()}
        states.discard("unknown")
        return states.pop() if len(states) == 1 else "unknown"

    @property
    def left_share(self) -> float | None:
        """Left part of the contact time over the last ten steps of each foot, 0..1; 0.5 is even."""
        left = self.feet["left"].contact_time_s.recent_mean
        right = self.feet["right"].contact_time_s.recent_mean
        if left is None or right is None or left + right <= 0:
            return None
        return left / (left + right)

    def cue_latency_s(self, quantile: float) -> float | None:
        """Return a quantile (0..1, nearest rank) of the latest cue latencies."""
        if not self.cue_latencies_s:
            return None
        ordered = sorted(self.cue_latencies_s)
        return ordered[max(0, ceil(quantile * len(ordered)) - 1)]

    def _at(self, at_s: float) -> None:
        self.elapsed_s = max(self.elapsed_s, at_s)

    @staticmethod
    def _apply_step(foot: FootLive, step: Step) -> None:
        if step.activity == "walking":
            foot.walking_steps += 1
            return
        if step.activity == "in_place":
            foot.in_place_steps += 1
        else:
            foot.running_steps += 1
        label = step_label(step)
        if label is not None:
            foot.labels[label] += 1
        foot.strike_angle_rad.add(step.strike_angle_rad)
        foot.contact_time_s.add(step.contact_time_s)
        foot.cadence_spm.add(step.cadence_spm)
        if foot.knee_drive_method != step.knee_drive_method and step.knee_drive_rad is not None:
            # Two methods are two measures: never one mean.
            foot.knee_drive_rad = Figure()
            foot.knee_drive_method = step.knee_drive_method
        foot.knee_drive_rad.add(step.knee_drive_rad)
        foot.knee_drive_sd_rad = step.knee_drive_sd_rad

    def _apply_gap(self, gap: PodGap) -> None:
        pod = self.pods.get(gap.serial)
        if pod is not None and pod.role == "foot":
            self.feet[pod.side].gaps += 1
            self.feet[pod.side].gap_s += gap.to_s - gap.from_s
