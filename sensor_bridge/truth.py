"""Compare steps with the truth of a simulated run (or of a recording folder that has one).

The rules are few and strict: per foot, one to one, nearest first, within ±100 ms; only rows called running
count; the first three true steps of a foot are warm-up, since nobody can call a run from less.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from gait_signal.types import FEET, Activity, Foot, Step, Strike

MATCH_S: Final = 0.100
WARM_UP_STEPS: Final = 3
# A result this close to the ends of the truth is neither right nor wrong.
EDGE_S: Final = 0.3


@dataclass(frozen=True, slots=True)
class TrueStep:
    """What really happened: one contact. ``None`` means not known.

    Attributes
    ----------
    foot : {"left", "right"}
    ic_s, to_s : float
        Initial contact and toe-off.
    strike : str or None
    strike_angle_rad, knee_drive_rad, knee_drive_rel_standing_rad : float or None
        Defined as in `gait_signal.types.Step`.
    ic_sd_s : float or None
        How far ``ic_s`` itself can be trusted, one standard deviation.
    speed_mps : float or None
    activity : str
    """

    foot: Foot
    ic_s: float
    to_s: float | None
    strike: Strike | None
    strike_angle_rad: float | None = None
    knee_drive_rad: float | None = None
    knee_drive_rel_standing_rad: float | None = None
    ic_sd_s: float | None = None
    speed_mps: float | None = None
    activity: Activity = "running"


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
        pairs = match([true.ic_s for true in theirs], [step.ic_s for step in ours], MATCH_S)
        # Between the first true step and the end of the warm-up a row is neither right nor wrong.
        begin_s = theirs[0].ic_s - EDGE_S
        from_s = theirs[min(WARM_UP_STEPS, len(theirs) - 1)].ic_s - EDGE_S
        to_s = theirs[-1].ic_s + EDGE_S  # behind it the runner slows down: no truth
        used = set(pairs.values())
        false += sum(
            j not in used and (step.ic_s < begin_s or from_s <= step.ic_s <= to_s) for j, step in enumerate(ours)
        )
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


def match(true_s: Sequence[float], found_s: Sequence[float], within_s: float) -> dict[int, int]:
    """Pair true with found times, one to one, the nearest pair first.

    Parameters
    ----------
    true_s, found_s : sequence of float
        The found times in rising order.
    within_s : float
        What lies further apart is no pair.

    Returns
    -------
    dict
        Index in ``true_s`` to index in ``found_s``.
    """
    near = sorted(
        (abs(true - found_s[j]), i, j)
        for i, true in enumerate(true_s)
        for j in range(bisect_left(found_s, true - within_s), bisect_right(found_s, true + within_s))
    )
    pairs: dict[int, int] = {}
    used: set[int] = set()
    for _, i, j in near:
        if i not in pairs and j not in used:
            pairs[i] = j
            used.add(j)
    return pairs
