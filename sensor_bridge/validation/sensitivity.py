"""The same recordings, worsened on purpose: what the core loses, and whether it invents steps."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import numpy as np
from scipy.signal import resample_poly

from gait_signal.params import GRAVITY_MPS2
from gait_signal.types import FEET, FloatArray, Foot, Step

from ..analyze import analyze_recording
from ..recording import PodSamples, Recording
from .outcome import Matched, Outcome, judge
from .statistics import accuracy, confusion, final_strike, heel_balanced_accuracy
from .summary import Summary, summarize
from .truth_files import Truth

PACKET_SAMPLES: Final = 10
LOSS_SEEDS: Final = (1, 2, 3)
"""Loss is a matter of luck: several draws are pooled."""
INTACT_S: Final = 0.10
"""Data around a contact is intact if no sample this near to it is missing."""


@dataclass(frozen=True, slots=True)
class Case:
    """One way to worsen a recording.

    Attributes
    ----------
    name : str
    variants : tuple of callable
        Recording to recording; their outcomes are pooled.
    clock_factor : float
        How much too fast the pods' clocks run. The times of the results are divided by it, since the truth's
        are not in pod time.
    loses_data : bool
        Whether what stays intact is told apart.
    """

    name: str
    variants: tuple[Callable[[Recording], Recording], ...]
    clock_factor: float = 1.0
    loses_data: bool = False


@dataclass(frozen=True, slots=True)
class SensitivityRow:
    """What a case did to one group of recordings.

    Attributes
    ----------
    case, group : str
    summary : Summary
        Over all variants.
    heel_balanced, heel_balanced_intact : float or None
        Of the final strike type; the second over steps with intact data around the contact, for cases that lose data.
    touched, touched_marked : int
        Found steps with missing data around their contact, and those of them the core marks.
    false_at : tuple of str
        Where each false step is.
    """

    case: str
    group: str
    summary: Summary
    heel_balanced: float | None
    heel_balanced_intact: float | None
    touched: int
    touched_marked: int
    false_at: tuple[str, ...]

    @property
    def right(self) -> float | None:
        """Share of right strike types."""
        return accuracy(self.summary.final)


def resampled(recording: Recording, rate_hz: float) -> Recording:
    """Return the recording at another rate, band-limited below half of the lower one.

    Readings are held within the ranges: a resampled peak can't pass the end of the sensor's scale.
    """
    up, down = _ratio(rate_hz / recording.sample_rate_hz)
    if up == down:
        return recording

    def convert(time_s: FloatArray, motion: FloatArray) -> tuple[FloatArray, FloatArray]:
        # Zero-phase: a sensor's own filter delays, and its delay is taken out of the time stamps.
        values = resample_poly(motion, up, down, axis=0, padtype="line")
        at_s = time_s[0] + np.arange(len(values)) / rate_hz
        keep = at_s < time_s[-1] + 0.5 / recording.sample_rate_hz
        return at_s[keep], values[keep]

    def pieces(_: str, samples: PodSamples) -> PodSamples:
        motion = np.concatenate([samples.acc_mps2, samples.gyr_radps], axis=1)
        gaps = np.flatnonzero(np.diff(samples.time_s) > 1.5 / recording.sample_rate_hz) + 1
        done = [convert(*piece) for piece in zip(np.split(samples.time_s, gaps), np.split(motion, gaps), strict=True)]
        values = np.concatenate([value for _, value in done])
        return PodSamples(np.concatenate([at_s for at_s, _ in done]), values[:, :3], values[:, 3:])

    changed = _each(recording, pieces)
    return _clipped(replace(changed, sample_rate_hz=rate_hz), recording.acc_range_g, recording.gyr_range_dps)


def clipped(recording: Recording, *, acc_range_g: float | None = None, gyr_range_dps: float | None = None) -> Recording:
    """Return the recording as sensors of smaller ranges would have made it."""
    return _clipped(
        recording,
        min(recording.acc_range_g, acc_range_g or recording.acc_range_g),
        min(recording.gyr_range_dps, gyr_range_dps or recording.gyr_range_dps),
    )


def lossy(recording: Recording, share: float, seed: int) -> Recording:
    """Return the recording without a share of its packets, each pod by its own luck, the stand included."""

    def lose(name: str, samples: PodSamples) -> PodSamples:
        rng = np.random.default_rng([seed, zlib.crc32(f"{recording.name} {name}".encode())])
        packets = -(-len(samples.time_s) // PACKET_SAMPLES)
        kept = np.repeat(rng.random(packets) >= share, PACKET_SAMPLES)[: len(samples.time_s)]
        kept[:PACKET_SAMPLES] = True  # something has to arrive
        return PodSamples(samples.time_s[kept], samples.acc_mps2[kept], samples.gyr_radps[kept])

    return _each(recording, lose)


def yawed(recording: Recording, angle_rad: float) -> Recording:
    """Return the recording with every pod turned about the vertical of its stand, to the left if positive."""

    def turn(name: str, samples: PodSamples) -> PodSamples:
        stand = recording.standing.get(name.removesuffix("_standing"))
        up = np.array([0.0, 0.0, 1.0]) if stand is None else stand.acc_mps2.mean(axis=0)
        # A pod turned to the left sees everything turned to the right.
        turned = _turn_about(up / np.linalg.norm(up), -angle_rad)
        return PodSamples(samples.time_s, samples.acc_mps2 @ turned.T, samples.gyr_radps @ turned.T)

    return _each(recording, turn)


def without_standing(recording: Recording) -> Recording:
    """Return the recording without its stand."""
    return replace(recording, standing={})


def with_clock(recording: Recording, factor: float) -> Recording:
    """Return the recording as pods stamp it whose clocks run ``factor`` times too fast."""
    return _each(
        recording,
        lambda _, samples: PodSamples(samples.time_s * factor, samples.acc_mps2, samples.gyr_radps),
    )


def in_true_time(step: Step, factor: float) -> Step:
    """Return a step whose times, by a clock that runs ``factor`` times too fast, are put right."""
    durations = (
        "to_s",
        "contact_time_s",
        "flight_time_s",
        "swing_time_s",
        "stride_time_s",
        "contact_to_knee_peak_s",
    )
    changed = {name: value / factor for name in durations if (value := getattr(step, name)) is not None}
    return replace(
        step,
        ic_s=step.ic_s / factor,
        decided_s=step.decided_s / factor,
        finalized_s=step.finalized_s / factor,
        cadence_spm=None if step.cadence_spm is None else step.cadence_spm * factor,
        **changed,
    )


CASES: Final = (
    Case("as recorded", (lambda recording: recording,)),
    Case("100 Hz", (partial(resampled, rate_hz=100.0),)),
    Case("200 Hz", (partial(resampled, rate_hz=200.0),)),
    Case("400 Hz", (partial(resampled, rate_hz=400.0),)),
    Case("±8 g", (partial(clipped, acc_range_g=8.0),)),
    Case("±500 °/s", (partial(clipped, gyr_range_dps=500.0),)),
    Case(
        "1 % of packets lost",
        tuple(partial(lossy, share=0.01, seed=seed) for seed in LOSS_SEEDS),
        loses_data=True,
    ),
    Case(
        "5 % of packets lost",
        tuple(partial(lossy, share=0.05, seed=seed) for seed in LOSS_SEEDS),
        loses_data=True,
    ),
    Case("yaw +15°", (partial(yawed, angle_rad=float(np.radians(15.0))),)),
    Case("yaw −15°", (partial(yawed, angle_rad=float(np.radians(-15.0))),)),
    Case("no standing", (without_standing,)),
    Case("pod clock +3 %", (partial(with_clock, factor=1.03),), clock_factor=1.03),
)


def sensitivity(
    recordings: Iterable[tuple[Recording, Truth]],
    cases: Sequence[Case] = CASES,
    analyze: Callable[[Recording], list[Step]] = analyze_recording,
) -> list[SensitivityRow]:
    """Judge every case on every recording and pool by group.

    Returns
    -------
    list of SensitivityRow
        Group by group, in the order of the cases.
    """
    known = list(recordings)
    rows: dict[str, list[SensitivityRow]] = {}
    for case in cases:
        judged: list[_Judged] = []
        for recording, truth in known:
            for variant in case.variants:
                worse = variant(recording)
                steps = [in_true_time(step, case.clock_factor) for step in analyze(worse)]
                missing_s = _missing_s(recording, worse) if case.loses_data else {}
                judged += [_Judged(outcome, missing_s) for outcome in judge(truth, steps)]
        for group in dict.fromkeys(one.outcome.group for one in judged):
            members = [one for one in judged if one.outcome.group == group]
            rows.setdefault(group, []).append(_row(case, group, members))
    return [row for of_group in rows.values() for row in of_group]


@dataclass(frozen=True, slots=True)
class _Judged:
    """An outcome, and the times of the samples each foot lacks."""

    outcome: Outcome
    missing_s: Mapping[Foot, FloatArray]

    def intact(self, pair: Matched) -> bool:
        gone_s = self.missing_s.get(pair.true.foot)
        return gone_s is None or not bool((np.abs(gone_s - pair.true.ic_s) <= INTACT_S).any())


def _row(case: Case, group: str, judged: Sequence[_Judged]) -> SensitivityRow:
    summary = summarize(group, [one.outcome for one in judged])
    intact = confusion([one.outcome.only(one.intact) for one in judged], final_strike)
    touched = [
        pair.step for one in judged for pair in one.outcome.matched if pair.step is not None and not one.intact(pair)
    ]
    return SensitivityRow(
        case=case.name,
        group=group,
        summary=summary,
        heel_balanced=heel_balanced_accuracy(summary.final),
        heel_balanced_intact=heel_balanced_accuracy(intact) if case.loses_data else None,
        touched=len(touched),
        touched_marked=sum(step.gap_touched for step in touched),
        false_at=tuple(
            f"{one.outcome.name}, {step.foot}, {step.ic_s:.3f} s, {step.activity}"
            for one in judged
            for step in one.outcome.false
        ),
    )


def _missing_s(before: Recording, after: Recording) -> dict[Foot, FloatArray]:
    return {
        foot: np.setdiff1d(before.pods[name].time_s, after.pods[name].time_s)
        for foot in FEET
        if (name := f"{foot}_foot") in before.pods
    }


def _each(recording: Recording, change: Callable[[str, PodSamples], PodSamples]) -> Recording:
    return replace(
        recording,
        pods={name: change(name, samples) for name, samples in recording.pods.items()},
        standing={name: change(f"{name}_standing", samples) for name, samples in recording.standing.items()},
    )


def _clipped(recording: Recording, acc_range_g: float, gyr_range_dps: float) -> Recording:
    acc_end, gyr_end = acc_range_g * GRAVITY_MPS2, float(np.radians(gyr_range_dps))
    held = _each(
        recording,
        lambda _, samples: PodSamples(
            samples.time_s,
            np.clip(samples.acc_mps2, -acc_end, acc_end),
            np.clip(samples.gyr_radps, -gyr_end, gyr_end),
        ),
    )
    return replace(held, acc_range_g=acc_range_g, gyr_range_dps=gyr_range_dps)


def _ratio(factor: float) -> tuple[int, int]:
    for down in range(1, 1001):
        if abs(factor * down - round(factor * down)) < 1e-6 and round(factor * down) >= 1:
            return round(factor * down), down
    raise ValueError(f"no simple ratio is {factor!r}")


def _turn_about(axis: FloatArray, angle_rad: float) -> FloatArray:
    """Rodrigues' rotation matrix about a unit axis, shape (3, 3)."""
    x, y, z = axis
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    turned: FloatArray = np.eye(3) + np.sin(angle_rad) * cross + (1.0 - np.cos(angle_rad)) * (cross @ cross)
    return turned
