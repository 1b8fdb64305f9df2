"""Figures from judged steps. SI and radians; errors are result minus truth."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from gait_signal.params import CoreParams
from gait_signal.types import STRIKES, FloatArray, Step, Strike

from ..truth import TrueStep
from .outcome import Outcome

NONE: Final = len(STRIKES)
"""Column of a confusion matrix that counts steps without an answer, missed ones too."""
CLEAR_RAD: Final = float(np.radians(1.5))
"""A true angle nearer than this to a border of the strike types is not clear: the truth itself cannot tell."""
EARLY_S: Final = 0.02
"""A decision this long before the true contact was made before it."""
CONFIDENCE_EDGES: Final = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0)
NORMAL_COVERAGE: Final = (0.683, 0.954)
"""Share of errors within one and two standard deviations, if these are true."""
_PARAMS: Final = CoreParams()
BORDERS_RAD: Final = (_PARAMS.rearfoot_above_rad, _PARAMS.forefoot_below_rad)

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Quantity:
    """Something both the truth and the core say about a step.

    Attributes
    ----------
    key, title, unit : str
        The unit is the one it is shown in.
    factor : float
        From SI to that unit.
    of_truth, of_step : callable
        The value in SI, None where not known.
    timing : bool
        Not asked where the truth only counts.
    """

    key: str
    title: str
    unit: str
    factor: float
    of_truth: Callable[[TrueStep], float | None]
    of_step: Callable[[Step], float | None]
    timing: bool


def _true_contact_time_s(true: TrueStep) -> float | None:
    return None if true.to_s is None else true.to_s - true.ic_s


def _contact_time_s(step: Step) -> float | None:
    return None if step.to_s is None else step.to_s - step.ic_s


_DEG: Final = float(np.degrees(1.0))
IC: Final = Quantity("ic", "Initial contact", "ms", 1000.0, lambda t: t.ic_s, lambda s: s.ic_s, True)
TO: Final = Quantity("to", "Toe-off", "ms", 1000.0, lambda t: t.to_s, lambda s: s.to_s, True)
CONTACT_TIME: Final = Quantity(
    "contact_time", "Contact time", "ms", 1000.0, _true_contact_time_s, _contact_time_s, True
)
STRIKE_ANGLE: Final = Quantity(
    "strike_angle", "Foot strike angle", "°", _DEG, lambda t: t.strike_angle_rad, lambda s: s.strike_angle_rad, False
)
KNEE_DRIVE: Final = Quantity(
    "knee_drive", "Knee drive", "°", _DEG, lambda t: t.knee_drive_rad, lambda s: s.knee_drive_rad, False
)
KNEE_DRIVE_REL: Final = Quantity(
    "knee_drive_rel_standing",
    "Knee drive against standing",
    "°",
    _DEG,
    lambda t: t.knee_drive_rel_standing_rad,
    lambda s: s.knee_drive_rel_standing_rad,
    False,
)
QUANTITIES: Final = (IC, TO, CONTACT_TIME, STRIKE_ANGLE, KNEE_DRIVE, KNEE_DRIVE_REL)


@dataclass(frozen=True, slots=True)
class Errors:
    """Both values of every step where both are known.

    Attributes
    ----------
    true, found : ndarray, shape (n,)
    missing : int
        Found steps whose value the truth knows and the core does not.
    """

    true: FloatArray
    found: FloatArray
    missing: int

    @property
    def error(self) -> FloatArray:
        """Result minus truth, shape (n,)."""
        return self.found - self.true


def errors(outcomes: Iterable[Outcome], quantity: Quantity) -> Errors:
    """Collect the errors of one quantity over the found steps."""
    true: list[float] = []
    found: list[float] = []
    missing = 0
    for outcome in outcomes:
        if quantity.timing and not outcome.timing_scored:
            continue
        for pair in outcome.matched:
            reference = quantity.of_truth(pair.true)
            if pair.step is None or reference is None:
                continue
            value = quantity.of_step(pair.step)
            if value is None:
                missing += 1
            else:
                true.append(reference)
                found.append(value)
    return Errors(np.array(true, dtype=np.float64), np.array(found, dtype=np.float64), missing)


@dataclass(frozen=True, slots=True)
class ErrorStats:
    """How errors are spread, in the unit of the errors.

    Attributes
    ----------
    n : int
    bias, sd : float
        Mean and standard deviation (n - 1; 0 for one error).
    robust_sd : float
        1.4826 times the median distance from the median.
    p95_abs, mae, rmse : float
    skill : float or None
        1 - MSE / variance of the truth: 1 is perfect, 0 no better than always saying the mean; None where the
        truth does not vary.
    """

    n: int
    bias: float
    sd: float
    robust_sd: float
    p95_abs: float
    mae: float
    rmse: float
    skill: float | None

    @property
    def limits(self) -> tuple[float, float]:
        """The 95 % limits of agreement of Bland & Altman 1986, doi:10.1016/S0140-6736(86)90837-8."""
        return self.bias - 1.96 * self.sd, self.bias + 1.96 * self.sd


def error_stats(of: Errors, factor: float = 1.0) -> ErrorStats | None:
    """Return the spread of errors times ``factor``; None without any."""
    error = of.error * factor
    if len(error) == 0:
        return None
    variance = float(np.var(of.true * factor))
    mse = float(np.mean(error**2))
    return ErrorStats(
        n=len(error),
        bias=float(np.mean(error)),
        sd=float(np.std(error, ddof=1)) if len(error) > 1 else 0.0,
        robust_sd=float(1.4826 * np.median(np.abs(error - np.median(error)))),
        p95_abs=float(np.percentile(np.abs(error), 95)),
        mae=float(np.mean(np.abs(error))),
        rmse=float(np.sqrt(mse)),
        skill=1.0 - mse / variance if variance > 1e-9 else None,
    )


def fast_strike(step: Step) -> Strike | None:
    """Return the type as decided while the foot was down."""
    return step.strike


def final_strike(step: Step) -> Strike | None:
    """Return the type as it went into the record."""
    return step.strike_final or step.strike


def is_clear(true: TrueStep) -> bool:
    """Tell whether a true strike angle is known and not next to a border."""
    angle = true.strike_angle_rad
    return angle is not None and all(abs(angle - border) > CLEAR_RAD for border in BORDERS_RAD)


def confusion(outcomes: Iterable[Outcome], strike: Callable[[Step], Strike | None], *, clear: bool = False) -> Counts:
    """Count answers by true strike type.

    Returns
    -------
    ndarray of int, shape (3, 4)
        Rows: true `STRIKES`. Columns: said `STRIKES`, then none at all.
    """
    counts = np.zeros((len(STRIKES), len(STRIKES) + 1), dtype=np.int64)
    for pair in (pair for outcome in outcomes for pair in outcome.matched):
        if pair.true.strike is None or (clear and not is_clear(pair.true)):
            continue
        said = None if pair.step is None else strike(pair.step)
        counts[STRIKES.index(pair.true.strike), NONE if said is None else STRIKES.index(said)] += 1
    return counts


def accuracy(counts: Counts) -> float | None:
    """Return the share of right answers among all labelled steps."""
    total = int(counts.sum())
    return float(np.trace(counts[:, :NONE])) / total if total else None


def balanced_accuracy(counts: Counts) -> float | None:
    """Return the mean recall of the types that occur; None below two: a constant answer would be right."""
    return _mean_recall([(float(counts[i, i]), float(counts[i].sum())) for i in range(len(STRIKES))])


def heel_balanced_accuracy(counts: Counts) -> float | None:
    """Return the mean recall of heel and not heel; None where only one of them occurs."""
    others = counts[1:]
    return _mean_recall(
        [(float(counts[0, 0]), float(counts[0].sum())), (float(others[:, 1:NONE].sum()), float(others.sum()))]
    )


def _mean_recall(parts: Sequence[tuple[float, float]]) -> float | None:
    recalls = [hits / total for hits, total in parts if total]
    return float(np.mean(recalls)) if len(recalls) > 1 else None


@dataclass(frozen=True, slots=True)
class Decisions:
    """When the fast decision fell.

    Attributes
    ----------
    latency_s : ndarray, shape (n,)
        From the true contact.
    with_toe_off, before_toe_off : int
        Scored steps with a known toe-off, and those of them with a strike type by then.
    before_contact : int
        Decided more than 20 ms before the true contact.
    """

    latency_s: FloatArray
    with_toe_off: int
    before_toe_off: int
    before_contact: int

    def latency_percentile_s(self, percent: float) -> float | None:
        """Return a percentile of the latency."""
        return float(np.percentile(self.latency_s, percent)) if len(self.latency_s) else None

    @property
    def before_toe_off_share(self) -> float | None:
        """Share of decisions made while the foot was still down."""
        return self.before_toe_off / self.with_toe_off if self.with_toe_off else None


def decisions(outcomes: Iterable[Outcome]) -> Decisions:
    """Collect when the fast decisions fell."""
    latency: list[float] = []
    with_toe_off = before = 0
    for outcome in outcomes:
        for true, step in ((pair.true, pair.step) for pair in outcome.matched):
            if true.to_s is not None and outcome.activity == "running":
                with_toe_off += 1
                before += step is not None and step.strike is not None and step.decided_s <= true.to_s
            if step is not None and outcome.timing_scored:
                latency.append(step.decided_s - true.ic_s)
    latency_s = np.array(latency, dtype=np.float64)
    return Decisions(latency_s, with_toe_off, before, int(np.count_nonzero(latency_s < -EARLY_S)))


@dataclass(frozen=True, slots=True)
class ConfidenceBin:
    """Fast answers with a stated probability between ``low`` and ``high``."""

    low: float
    high: float
    n: int
    stated: float
    right: float


def confidence_bins(outcomes: Iterable[Outcome]) -> list[ConfidenceBin]:
    """Compare the probability stated with the share of right answers, in bins that hold any."""
    pairs = [
        (pair.step.strike_confidence, pair.step.strike == pair.true.strike)
        for outcome in outcomes
        for pair in outcome.matched
        if pair.step is not None and pair.step.strike_confidence is not None and pair.true.strike is not None
    ]
    stated = np.array([confidence for confidence, _ in pairs], dtype=np.float64)
    right = np.array([hit for _, hit in pairs], dtype=np.float64)
    bins: list[ConfidenceBin] = []
    for low, high in pairwise(CONFIDENCE_EDGES):
        inside = (stated >= low) & ((stated < high) | (high == CONFIDENCE_EDGES[-1]))
        if n := int(np.count_nonzero(inside)):
            bins.append(ConfidenceBin(low, high, n, float(stated[inside].mean()), float(right[inside].mean())))
    return bins


def confidence_gap(bins: Sequence[ConfidenceBin]) -> float | None:
    """Return the mean distance between stated probability and share of right answers, weighted by count."""
    total = sum(b.n for b in bins)
    return sum(b.n * abs(b.stated - b.right) for b in bins) / total if total else None


@dataclass(frozen=True, slots=True)
class Coverage:
    """Share of knee-drive errors within one and two of the standard deviations stated with them."""

    n: int
    stated_sd_rad: float
    within_one: float
    within_two: float


def knee_coverage(outcomes: Iterable[Outcome]) -> Coverage | None:
    """Compare the knee drive's stated uncertainty with its errors; None where nothing is known."""
    scaled: list[float] = []
    stated: list[float] = []
    for pair in (pair for outcome in outcomes for pair in outcome.matched):
        step, true_rad = pair.step, pair.true.knee_drive_rad
        if step is None or true_rad is None or step.knee_drive_rad is None or not step.knee_drive_sd_rad:
            continue
        scaled.append(abs(step.knee_drive_rad - true_rad) / step.knee_drive_sd_rad)
        stated.append(step.knee_drive_sd_rad)
    if not scaled:
        return None
    ratio = np.array(scaled)
    return Coverage(len(ratio), float(np.median(stated)), float(np.mean(ratio <= 1.0)), float(np.mean(ratio <= 2.0)))


def average_errors(outcomes: Iterable[Outcome], what: str) -> Errors:
    """Collect the errors of averages over time; ``what`` is ``cadence_spm`` or ``contact_time_s``."""
    pairs = [
        (getattr(line.truth, what), getattr(line, what))
        for outcome in outcomes
        for line in outcome.averaged
        if getattr(line.truth, what) is not None
    ]
    known = [(true, found) for true, found in pairs if found is not None]
    both = np.array(known, dtype=np.float64).reshape(-1, 2)
    return Errors(both[:, 0], both[:, 1], len(pairs) - len(known))
