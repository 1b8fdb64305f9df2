"""The numbers of a report: what of each foot, how spread, how even. Steps in, figures out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from gait_signal.types import FEET, Foot, Step

from ..wording import StrikeLabel, step_label
from .data import ReportData

THIRDS_FROM_STEPS = 90
"""With fewer labelled steps a third is too few to speak of a trend."""

ABSURD = 1e6
"""No measure of a step is anywhere near this in any unit shown; such a value is taken as not known."""

Measure = Callable[[Step], float | None]


@dataclass(frozen=True, slots=True)
class Spread:
    """How a measure's known values lie; all in the measure's unit."""

    count: int
    mean: float
    sd: float
    p10: float
    p25: float
    median: float
    p75: float
    p90: float


@dataclass(frozen=True, slots=True)
class FootFigures:
    """One foot's steps of running and running in place, and their spreads (None: no value known)."""

    steps: tuple[Step, ...]
    labels: Counter[StrikeLabel]
    strike_angle_rad: Spread | None
    contact_time_s: Spread | None
    flight_time_s: Spread | None
    cadence_spm: Spread | None
    knee_drive_rad: Spread | None


@dataclass(frozen=True, slots=True)
class Figures:
    """What the report tells in numbers.

    Attributes
    ----------
    feet : dict
        `FootFigures` by foot.
    labels : Counter
        Strike labels of both feet.
    thirds : tuple of Counter
        The same for the first, middle and last third of the labelled steps; empty if they are few.
    running, in_place, walking : int
        Steps by activity.
    left_share : float or None
        Left part of the sum of both feet's mean contact times, 0..1.
    knee_methods : tuple of str
        Methods that gave a knee drive; ``knee_drive_rad`` is that of the first.
    knee_drive_sd_rad : float or None
        Median of the knee drive's own uncertainty.
    speed_mps : Spread or None
    gap_s : dict
        Missing data by foot.
    cue_latency_s : Spread or None
    gap_touched, clipped : int
        Steps next to missing data; steps at which the sensor reached the end of its range.
    calibrations : Counter
        What the angles rest on, by step.
    """

    feet: dict[Foot, FootFigures]
    labels: Counter[StrikeLabel]
    thirds: tuple[Counter[StrikeLabel], ...]
    running: int
    in_place: int
    walking: int
    left_share: float | None
    knee_methods: tuple[str, ...]
    knee_drive_sd_rad: float | None
    speed_mps: Spread | None
    gap_s: dict[Foot, float]
    cue_latency_s: Spread | None
    gap_touched: int
    clipped: int
    calibrations: Counter[str] = field(default_factory=Counter)


def summarize(data: ReportData) -> Figures:
    """Compute a session's figures; walking steps are counted and enter nothing else."""
    ordered = sorted(data.steps, key=lambda step: step.ic_s)
    active = [step for step in ordered if step.activity != "walking"]
    methods = Counter(step.knee_drive_method for step in active if step.knee_drive_rad is not None)
    knee_methods = tuple(method for method, _ in methods.most_common())
    main_method = knee_methods[0] if knee_methods else ""
    feet: dict[Foot, FootFigures] = {foot: _foot(active, foot, main_method) for foot in FEET}
    labelled: list[StrikeLabel] = [label for step in active if (label := step_label(step)) is not None]
    knee_sd = spread(s.knee_drive_sd_rad for s in active if s.knee_drive_method == main_method)
    return Figures(
        feet=feet,
        labels=Counter[StrikeLabel](labelled),
        thirds=_thirds(labelled),
        running=sum(step.activity == "running" for step in active),
        in_place=sum(step.activity == "in_place" for step in active),
        walking=len(ordered) - len(active),
        left_share=_left_share(feet),
        knee_methods=knee_methods,
        knee_drive_sd_rad=knee_sd.median if knee_sd else None,
        speed_mps=spread(step.speed_mps for step in active if step.activity == "running"),
        gap_s=_gap_s(data),
        cue_latency_s=spread(cue.latency_s for cue in data.cues),
        gap_touched=sum(step.gap_touched for step in active),
        clipped=sum(step.clipped for step in active),
        calibrations=Counter(str(step.calibration) for step in active),
    )


def spread(values: Iterable[float | None]) -> Spread | None:
    """Return how the known values lie; None if there are none."""
    known = np.array([value for value in values if value is not None], dtype=np.float64)
    known = known[np.abs(known) < ABSURD]  # false for NaN, too
    if len(known) == 0:
        return None
    p10, p25, median, p75, p90 = (float(p) for p in np.percentile(known, [10, 25, 50, 75, 90]))
    sd = float(np.std(known, ddof=1)) if len(known) > 1 else 0.0
    return Spread(len(known), float(np.mean(known)), sd, p10, p25, median, p75, p90)


def known_points(steps: Sequence[Step], measure: Measure) -> tuple[np.ndarray, np.ndarray]:
    """Return the steps' contact times and values where the value is known: two arrays of shape (n,)."""
    pairs = [(s.ic_s, value) for s in steps if (value := measure(s)) is not None and abs(value) < ABSURD]
    points = np.array(pairs, dtype=np.float64).reshape(-1, 2)
    return points[:, 0], points[:, 1]


def _foot(active: Sequence[Step], foot: Foot, knee_method: str) -> FootFigures:
    steps = tuple(step for step in active if step.foot == foot)
    return FootFigures(
        steps=steps,
        labels=Counter(label for step in steps if (label := step_label(step)) is not None),
        strike_angle_rad=spread(step.strike_angle_rad for step in steps),
        contact_time_s=spread(step.contact_time_s for step in steps),
        flight_time_s=spread(step.flight_time_s for step in steps),
        cadence_spm=spread(step.cadence_spm for step in steps),
        knee_drive_rad=spread(s.knee_drive_rad for s in steps if s.knee_drive_method == knee_method),
    )


def _thirds(labelled: Sequence[StrikeLabel]) -> tuple[Counter[StrikeLabel], ...]:
    if len(labelled) < THIRDS_FROM_STEPS:
        return ()
    cuts = [0, len(labelled) // 3, 2 * len(labelled) // 3, len(labelled)]
    return tuple(Counter(labelled[a:b]) for a, b in pairwise(cuts))


def _left_share(feet: dict[Foot, FootFigures]) -> float | None:
    left, right = feet["left"].contact_time_s, feet["right"].contact_time_s
    if left is None or right is None or left.mean + right.mean <= 0:
        return None
    return left.mean / (left.mean + right.mean)


def _gap_s(data: ReportData) -> dict[Foot, float]:
    missing: dict[Foot, float] = dict.fromkeys(FEET, 0.0)
    for foot in FEET:
        end_s = 0.0
        for gap in sorted(foot_gaps(data, foot)):
            start_s = max(gap[0], end_s)  # overlapping reports of one gap count once
            missing[foot] += max(0.0, gap[1] - start_s)
            end_s = max(end_s, gap[1])
    return missing


def foot_gaps(data: ReportData, foot: Foot) -> list[tuple[float, float]]:
    """Return ``[from_s, to_s)`` of the data missing from a foot's own pod."""
    serials = {pod.serial for pod in data.pods if pod.side == foot and pod.role == "foot"}
    return [(gap.from_s, gap.to_s) for gap in data.gaps if gap.serial in serials]
