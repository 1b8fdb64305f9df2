"""A recording: what a set of pods measured, in memory and as a folder.

The folder holds ``recording.toml``, ``<pod>.csv`` and, where there was a stand, ``<pod>_standing.csv`` for
each pod in ``pods`` (``left_foot right_foot left_thigh right_thigh``), with the columns
``time_s, acc_x_mps2, acc_y_mps2, acc_z_mps2, gyr_x_radps, gyr_y_radps, gyr_z_radps``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gait_signal.types import FloatArray

POD_NAMES = ("left_foot", "right_foot", "left_thigh", "right_thigh")


@dataclass(frozen=True, slots=True)
class PodSamples:
    """Samples of one pod in its sensor frame.

    Attributes
    ----------
    time_s : ndarray, shape (n,)
        Strictly increasing.
    acc_mps2, gyr_radps : ndarray, shape (n, 3)
    """

    time_s: FloatArray
    acc_mps2: FloatArray
    gyr_radps: FloatArray


@dataclass(frozen=True, slots=True)
class Recording:
    """A whole recording.

    Attributes
    ----------
    pods : mapping of pod name to PodSamples
    standing : mapping of pod name to PodSamples
        The quiet stand before the run, on a time axis of its own; a pod may lack it.
    sample_rate_hz, acc_range_g, gyr_range_dps : float
    """

    name: str
    sample_rate_hz: float
    acc_range_g: float
    gyr_range_dps: float
    pods: Mapping[str, PodSamples]
    standing: Mapping[str, PodSamples] = field(default_factory=dict)
