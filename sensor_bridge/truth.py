"""Compare steps with the truth of a simulated run (or of a recording folder that has one).

The rules are few and strict: per foot, one to one, nearest first, within ±100 ms; only rows called running
count; the first three true steps of a foot are warm-up, since nobody can call a run from less.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from gait_signal.types import FEET, Foot, Step, Strike

MATCH_S: Final = 0.100
WARM_UP_STEPS: Final = 3
# A result this close to the ends of the truth is neither right nor wrong.
EDGE_S: Final = 0.3


@dataclass(frozen=True, slots=True)
class TrueStep:
    """What really happened: one running contact."""

    foot: Foot
    ic_s: float
    to_s: float | None
    strike: Strike | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a result compares.

    ``heel_balanced`` is the mean of the recalls of rearfoot and not-rearfoot contacts, None where only one
    of the two occurs.
    """

    true_steps: int
    missed: int
    false: int
    heel_balanced: float | None
    ic_bias_s: float | None

    def __str__(self) -> str:
        heel = "" if self.heel_balanced is None else f", heel or not {100 * self.heel_balanced:.1f} % right (balanced)"
        return f"{self.true_steps} true running steps, {self.missed} missed, {self.false} false{heel}"


def compare(truth: Sequence[TrueStep], steps: Iterable[Step]) -> Verdict:
    """Match results with the truth, both in the same time.

    Parameters
    ----------
    truth : sequence of TrueStep
        Running steps.
    steps : iterable of Step
        Any activity; only running rows count.
    """
    rows = [step for step in steps if step.activity == "running"]
    counted = missed = false = 0
    hits: dict[bool, int] = {True: 0, False: 0}
    seen: dict[bool, int] = {True: 0, False: 0}
    offsets: list[float] = []
    for foot in FEET:
        ours = sorted((step for step in rows if step.foot == foot), key=lambda step: step.ic_s)
        theirs = sorted((step for step in truth if step.foot == foot), key=lambda step: step.ic_s)
        if not theirs:
            continue
        pairs = _match(theirs, ours)
        from_s = theirs[min(WARM_UP_STEPS, len(theirs) - 1)].ic_s - EDGE_S
        to_s = theirs[-1].ic_s + EDGE_S
        used = set(pairs.values())
        false += sum(j not in used and from_s <= step.ic_s <= to_s for j, step in enumerate(ours))
        for i, true in enumerate(theirs[WARM_UP_STEPS:], WARM_UP_STEPS):
            counted += 1
            found = ours[pairs[i]] if i in pairs else None
            missed += found is None
            if found is not None:
                offsets.append(found.ic_s - true.ic_s)
            if true.strike is not None:
                heel = true.strike == "rearfoot"
                said = found.strike_final if found is not None else None
                seen[heel] += 1
                hits[heel] += said is not None and (said == "rearfoot") == heel
    heel_balanced = (hits[True] / seen[True] + hits[False] / seen[False]) / 2 if all(seen.values()) else None
    bias_s = sum(offsets) / len(offsets) if offsets else None
    return Verdict(counted, missed, false, heel_balanced, bias_s)


def _match(theirs: Sequence[TrueStep], ours: Sequence[Step]) -> dict[int, int]:
    near = sorted(
        (abs(true.ic_s - step.ic_s), i, j)
        for i, true in enumerate(theirs)
        for j, step in enumerate(ours)
        if abs(true.ic_s - step.ic_s) <= MATCH_S
    )
    pairs: dict[int, int] = {}
    used: set[int] = set()
    for _, i, j in near:
        if i not in pairs and j not in used:
            pairs[i] = j
            used.add(j)
    return pairs
