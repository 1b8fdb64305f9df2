"""What a virtual pod's sensor measures at a given time: a stand, then the run, then the stand again."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from gait_signal.types import FloatArray

from ..errors import RecordingError
from ..recording import PodSamples, Recording
from .world import World

# Recordings give times to a tenth of a millisecond; beyond a quarter of a period it is no rounding.
_GRID_TOLERANCE: Final = 0.25


@dataclass(frozen=True, slots=True)
class Motion:
    """Everything one pod measures, on the time axis of its recording.

    Attributes
    ----------
    period_s : float
        Nominal sample period.
    acc_range_g, gyr_range_dps : float
        The ranges it was measured with.
    stand_s : float
        Length of the stand before the run; the same for all pods of a recording, a multiple of the period.
    zero_s : float
        Recording time of the run's first sample of any pod: where the stand ends.
    run : PodSamples
    stand : PodSamples or None
    """

    period_s: float
    acc_range_g: float
    gyr_range_dps: float
    stand_s: float
    zero_s: float
    run: PodSamples
    stand: PodSamples | None


def motions_of(recording: Recording) -> dict[str, Motion]:
    """Return the motion of each pod of a recording, by pod name.

    Raises
    ------
    RecordingError
        A pod has no samples.
    """
    for name, samples in recording.pods.items():
        if not len(samples.time_s):
            raise RecordingError(f"the recording {recording.name} has no samples of {name}")
    period_s = 1.0 / recording.sample_rate_hz
    longest = max((len(stand.time_s) for stand in recording.standing.values()), default=0)
    zero_s = min(float(samples.time_s[0]) for samples in recording.pods.values())
    return {
        name: Motion(
            period_s=period_s,
            acc_range_g=recording.acc_range_g,
            gyr_range_dps=recording.gyr_range_dps,
            stand_s=longest * period_s,
            zero_s=zero_s,
            run=samples,
            stand=recording.standing.get(name),
        )
        for name, samples in recording.pods.items()
    }


class MotionSource:
    """Samples of one pod by machine time.

    The stand is played in a loop and ends with its last sample just before the run. A pod whose recording
    has no stand holds its first sample before the run and its last one after it: a value that never
    changes is not taken for a quiet foot.

    Parameters
    ----------
    motion : Motion
    world : World
        Gives the start; until it is known the pod stands.
    """

    def __init__(self, motion: Motion, world: World) -> None:
        self._motion = motion
        self._world = world
        period_s = motion.period_s
        run_s = motion.run.time_s - motion.zero_s
        # The run's own phase against the grid of its recording; the stand keeps it.
        self._phase_s = float(run_s[0]) % period_s
        if self._phase_s > (1.0 - _GRID_TOLERANCE) * period_s:
            self._phase_s -= period_s
        self._run_s = run_s

    def between(self, after_s: float, until_s: float) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return what is sampled in ``(after_s, until_s]`` of machine time.

        Returns
        -------
        time_s : ndarray, shape (n,)
            Machine time of each sample.
        acc_mps2, gyr_radps : ndarray, shape (n, 3)
        """
        start_s = self._world.start_s
        if start_s is None:
            return self._standing(after_s, until_s, 0)
        zero_s = start_s + self._motion.stand_s
        first_run_s, last_run_s = zero_s + self._run_s[0], zero_s + self._run_s[-1]
        half_s = 0.5 * self._motion.period_s
        first_index = round((first_run_s - self._phase_s) / self._motion.period_s)
        parts = []
        if after_s < first_run_s - half_s:
            parts.append(self._standing(after_s, min(until_s, first_run_s - half_s), first_index))
        low, high = np.searchsorted(zero_s + self._run_s, [after_s, until_s], side="right")
        if high > low:
            run = self._motion.run
            time_s = zero_s + self._run_s[low:high]
            parts.append((time_s, run.acc_mps2[low:high], run.gyr_radps[low:high]))
        if not parts or until_s > last_run_s + half_s:
            from_s = max(after_s, last_run_s + half_s)
            parts.append(self._standing(from_s, until_s, first_index, after_run=True))
        if len(parts) == 1:
            return parts[0]
        time_parts, acc_parts, gyr_parts = zip(*parts, strict=True)
        return np.concatenate(time_parts), np.concatenate(acc_parts), np.concatenate(gyr_parts)

    def _standing(
        self, after_s: float, until_s: float, first_run_index: int, *, after_run: bool = False
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return the looped stand on the grid, counted so that its end meets the run's first sample."""
        period_s = self._motion.period_s
        low = math.floor((after_s - self._phase_s) / period_s) + 1
        high = math.floor((until_s - self._phase_s) / period_s) + 1
        index = np.arange(low, max(low, high), dtype=np.int64)
        time_s: FloatArray = index.astype(np.float64) * period_s + self._phase_s
        stand = self._motion.stand
        if stand is None or not len(stand.time_s):
            run, held = self._motion.run, -1 if after_run else 0
            shape = (len(index), 3)
            acc: FloatArray = np.broadcast_to(run.acc_mps2[held], shape)
            gyr: FloatArray = np.broadcast_to(run.gyr_radps[held], shape)
            return time_s, acc, gyr
        place = (index - first_run_index) % len(stand.time_s)
        return time_s, stand.acc_mps2[place], stand.gyr_radps[place]
