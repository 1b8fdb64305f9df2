"""The core's steps set against the truth of one recording.

The rules:

- Steps are paired per foot, one to one, the nearest pair first, within ±100 ms; within ±200 ms where the truth
  only counts.
- In a recording of running only running rows count. In one of walking, walking rows are paired and every running
  row is false.
- The first three true steps of a foot are warm-up: nobody can call a run from less. How many steps passed until
  three in a row were found is told apart.
- A true contact that is itself unsure by more than 30 ms is neither asked for nor forbidden.
- Rows within 0.15 s of the ends of the truth, or in the warm-up, are never false.
- A strike type, and a decision before toe-off, are asked for in running only. A missed step is a wrong answer there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from gait_signal.types import FEET, Activity, Step

from ..truth import MATCH_S, WARM_UP_STEPS, TrueStep, match
from .truth_files import Averages, StrideCount, Truth

COUNT_MATCH_S: Final = 0.200
EDGE_S: Final = 0.15
UNSURE_SD_S: Final = 0.030
_UNSURE_REACH_S: Final = 0.25
_LOCKED_STEPS: Final = 3
_AVERAGE_REACH_S: Final = 3.0
_AVERAGE_STRIDES: Final = 3
_STRIDE_S: Final = (0.4, 1.2)


@dataclass(frozen=True, slots=True)
class Matched:
    """One true step and what the core made of it; ``step`` is None where it was missed."""

    true: TrueStep
    step: Step | None


@dataclass(frozen=True, slots=True)
class Counted:
    """Strides of a foot in a stretch of time, by the truth and by the core."""

    truth: StrideCount
    found: int


@dataclass(frozen=True, slots=True)
class Averaged:
    """Averages around one moment, by another instrument and by the core."""

    truth: Averages
    cadence_spm: float | None
    contact_time_s: float | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """One activity of one recording, judged.

    Attributes
    ----------
    truth : Truth
    activity : str
        Whose steps were asked for.
    matched : tuple of Matched
        Every scored true step.
    false : tuple of Step
        Steps that never were.
    lock_steps : int or None
        True steps of a foot until three in a row were found, the worse foot; None without contact truth.
    counted, averaged
        The comparisons where no single contact is known.
    """

    truth: Truth
    activity: Activity
    matched: tuple[Matched, ...]
    false: tuple[Step, ...]
    lock_steps: int | None
    counted: tuple[Counted, ...] = ()
    averaged: tuple[Averaged, ...] = ()

    @property
    def name(self) -> str:
        """What to call it in a table."""
        return self.truth.name if self.activity == self.truth.activity else f"{self.truth.name}, {self.activity}"

    @property
    def group(self) -> str:
        """What it is pooled with."""
        return self.truth.kind if self.activity == "running" else f"{self.truth.kind}, {self.activity}"

    @property
    def timing_scored(self) -> bool:
        """Whether the true contact times are good for more than counting."""
        return self.truth.timing_scored

    @property
    def missed(self) -> tuple[TrueStep, ...]:
        """The scored true steps the core did not find."""
        return tuple(pair.true for pair in self.matched if pair.step is None)

    def only(self, keep: Callable[[Matched], bool]) -> Outcome:
        """Return the same with some of the true steps."""
        return replace(self, matched=tuple(pair for pair in self.matched if keep(pair)))


def judge(truth: Truth, steps: Sequence[Step]) -> list[Outcome]:
    """Set the steps of a recording against its truth.

    Parameters
    ----------
    truth : Truth
    steps : sequence of Step
        All activities and feet, in the truth's time.

    Returns
    -------
    list of Outcome
        The recording's own activity first, then the others its truth knows of.
    """
    outcomes = [_judge_one(truth, truth.activity, truth.steps, steps)]
    outcomes[0] = replace(
        outcomes[0],
        counted=tuple(_count(line, truth.activity, steps) for line in truth.strides),
        averaged=tuple(_average(line, truth.activity, steps) for line in truth.averages),
    )
    others: dict[Activity, list[TrueStep]] = {}
    for step in truth.other_steps:
        others.setdefault(step.activity, []).append(step)
    return outcomes + [_judge_one(truth, activity, of_it, steps) for activity, of_it in others.items()]


def groups(outcomes: Iterable[Outcome]) -> Mapping[str, list[Outcome]]:
    """Return the outcomes by what is pooled: one kind of truth, one activity."""
    pools: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        pools.setdefault(outcome.group, []).append(outcome)
    return pools


def _judge_one(truth: Truth, activity: Activity, theirs: Sequence[TrueStep], steps: Sequence[Step]) -> Outcome:
    # Where walking is the whole recording, nothing in it may be called running.
    alone = activity == truth.activity != "running"
    false = [step for step in steps if alone and step.activity == "running"]
    matched: list[Matched] = []
    locks: list[int] = []
    for foot in FEET:
        asked = [step for step in theirs if step.foot == foot]
        unsure_s = [step.ic_s for step in asked if truth.timing_scored and (step.ic_sd_s or 0.0) > UNSURE_SD_S]
        sure = [step for step in asked if step.ic_s not in unsure_s]
        if activity != "running":
            sure = [replace(step, strike=None) for step in sure]
        ours = sorted((s for s in steps if s.foot == foot and s.activity == activity), key=lambda s: s.ic_s)
        if not sure:
            continue
        within_s = MATCH_S if truth.timing_scored else COUNT_MATCH_S
        pairs = match([step.ic_s for step in sure], [step.ic_s for step in ours], within_s)
        locks.append(_lock(len(sure), pairs))
        if len(sure) <= WARM_UP_STEPS:
            continue
        matched += [
            Matched(true, ours[pairs[i]] if i in pairs else None)
            for i, true in enumerate(sure[WARM_UP_STEPS:], WARM_UP_STEPS)
        ]
        warm_s = (sure[WARM_UP_STEPS - 1].ic_s + sure[WARM_UP_STEPS].ic_s) / 2.0
        from_s, to_s = max(warm_s, truth.from_s + EDGE_S), truth.to_s - EDGE_S
        used = set(pairs.values())
        false += [
            step
            for j, step in enumerate(ours)
            if j not in used
            and from_s <= step.ic_s <= to_s
            and not any(abs(step.ic_s - at_s) <= _UNSURE_REACH_S for at_s in unsure_s)
        ]
    return Outcome(truth, activity, tuple(matched), tuple(false), max(locks, default=None))


def _lock(count: int, pairs: Mapping[int, int]) -> int:
    for first in range(count - _LOCKED_STEPS + 1):
        if all(first + i in pairs for i in range(_LOCKED_STEPS)):
            return first
    return count


def _count(line: StrideCount, activity: Activity, steps: Sequence[Step]) -> Counted:
    found = sum(
        step.foot == line.foot and step.activity == activity and line.from_s <= step.ic_s <= line.to_s for step in steps
    )
    return Counted(line, found)


def _average(line: Averages, activity: Activity, steps: Sequence[Step]) -> Averaged:
    near = [s for s in steps if s.activity == activity and abs(s.ic_s - line.at_s) <= _AVERAGE_REACH_S]
    strides = np.concatenate([np.diff(sorted(s.ic_s for s in near if s.foot == foot)) for foot in FEET])
    strides = strides[(strides > _STRIDE_S[0]) & (strides < _STRIDE_S[1])]
    contacts = [s.to_s - s.ic_s for s in near if s.to_s is not None]
    return Averaged(
        line,
        120.0 / float(strides.mean()) if len(strides) >= _AVERAGE_STRIDES else None,
        float(np.mean(contacts)) if len(contacts) >= _AVERAGE_STRIDES else None,
    )
