"""All figures of a recording, or of several pooled, in one value; and that value as plain JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gait_signal.types import STRIKES

from .outcome import Outcome
from .statistics import (
    QUANTITIES,
    ConfidenceBin,
    Counts,
    Coverage,
    Decisions,
    ErrorStats,
    accuracy,
    balanced_accuracy,
    confidence_bins,
    confidence_gap,
    confusion,
    decisions,
    error_stats,
    errors,
    fast_strike,
    final_strike,
    heel_balanced_accuracy,
    knee_coverage,
)


@dataclass(frozen=True, slots=True)
class Summary:
    """Figures over some outcomes.

    Attributes
    ----------
    name : str
    steps, missed, false, false_running : int
        Scored true steps, those not found, found ones that never were, and those of them called running.
    lock_steps : int or None
        The worst of all.
    stats : mapping of quantity key to ErrorStats or None
        In the unit the quantity is shown in.
    missing : mapping of quantity key to int
        Found steps without a value.
    final, fast, final_clear, fast_clear : ndarray, shape (3, 4)
        Confusions of the strike type, see `statistics.confusion`.
    decisions : Decisions
    confidence : tuple of ConfidenceBin
    knee_coverage : Coverage or None
    """

    name: str
    steps: int
    missed: int
    false: int
    false_running: int
    lock_steps: int | None
    stats: Mapping[str, ErrorStats | None]
    missing: Mapping[str, int]
    final: Counts
    fast: Counts
    final_clear: Counts
    fast_clear: Counts
    decisions: Decisions
    confidence: tuple[ConfidenceBin, ...]
    knee_coverage: Coverage | None


def summarize(name: str, outcomes: Sequence[Outcome]) -> Summary:
    """Return the figures over some outcomes, which should be of one group."""
    collected = {quantity.key: (quantity, errors(outcomes, quantity)) for quantity in QUANTITIES}
    return Summary(
        name=name,
        steps=sum(len(outcome.matched) for outcome in outcomes),
        missed=sum(len(outcome.missed) for outcome in outcomes),
        false=sum(len(outcome.false) for outcome in outcomes),
        false_running=sum(step.activity == "running" for outcome in outcomes for step in outcome.false),
        lock_steps=max((o.lock_steps for o in outcomes if o.lock_steps is not None), default=None),
        stats={key: error_stats(of, quantity.factor) for key, (quantity, of) in collected.items()},
        missing={key: of.missing for key, (_, of) in collected.items()},
        final=confusion(outcomes, final_strike),
        fast=confusion(outcomes, fast_strike),
        final_clear=confusion(outcomes, final_strike, clear=True),
        fast_clear=confusion(outcomes, fast_strike, clear=True),
        decisions=decisions(outcomes),
        confidence=tuple(confidence_bins(outcomes)),
        knee_coverage=knee_coverage(outcomes),
    )


def summary_to_table(summary: Summary) -> dict[str, Any]:
    """Return a summary as plain values for JSON; shares are of 1, units stand in the names."""
    units = {"ms": "ms", "°": "deg"}
    stats: dict[str, Any] = {}
    for quantity in QUANTITIES:
        of = summary.stats[quantity.key]
        stats[f"{quantity.key}_{units[quantity.unit]}"] = (
            None
            if of is None
            else {
                "n": of.n,
                "bias": of.bias,
                "sd": of.sd,
                "robust_sd": of.robust_sd,
                "p95_abs": of.p95_abs,
                "mae": of.mae,
                "rmse": of.rmse,
                "limits_of_agreement": list(of.limits),
                "skill": of.skill,
                "missing": summary.missing[quantity.key],
            }
        )
    fell = summary.decisions
    p50_s, p95_s = fell.latency_percentile_s(50), fell.latency_percentile_s(95)
    covered = summary.knee_coverage
    return {
        "steps": summary.steps,
        "missed": summary.missed,
        "false": summary.false,
        "false_running": summary.false_running,
        "lock_steps": summary.lock_steps,
        **stats,
        "strike": {
            name: _confusion_table(counts)
            for name, counts in (
                ("final", summary.final),
                ("fast", summary.fast),
                ("final_clear", summary.final_clear),
                ("fast_clear", summary.fast_clear),
            )
        },
        "decision": {
            "n": len(fell.latency_s),
            "p50_ms": None if p50_s is None else 1000.0 * p50_s,
            "p95_ms": None if p95_s is None else 1000.0 * p95_s,
            "before_toe_off": fell.before_toe_off_share,
            "before_contact": fell.before_contact,
        },
        "confidence": {
            "mean_gap": confidence_gap(summary.confidence),
            "bins": [{"n": b.n, "stated": b.stated, "right": b.right} for b in summary.confidence],
        },
        "knee_drive_sd": None
        if covered is None
        else {"n": covered.n, "within_one": covered.within_one, "within_two": covered.within_two},
    }


def _confusion_table(counts: Counts) -> dict[str, Any]:
    columns = (*STRIKES, "none")
    return {
        "accuracy": accuracy(counts),
        "balanced_accuracy": balanced_accuracy(counts),
        "heel_balanced_accuracy": heel_balanced_accuracy(counts),
        "confusion": {
            true: {said: int(counts[i, j]) for j, said in enumerate(columns)} for i, true in enumerate(STRIKES)
        },
    }
