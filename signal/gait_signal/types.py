"""Values that go into and come out of the gait core.

Everything is SI and radians. Times are seconds on the *stream's* clock: the session clock live, the
recording's ``time_s`` in batch. The core never looks at another clock.

Frames: ``sensor`` as soldered; ``foot`` x to the toes, y left, z up, right-handed; ``world`` z up.
A resting accelerometer reads +g on the up axis. Toe-up is positive pitch (a turn about -y).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

FloatArray: TypeAlias = npt.NDArray[np.float64]
BoolArray: TypeAlias = npt.NDArray[np.bool_]

Foot: TypeAlias = Literal["left", "right"]
Strike: TypeAlias = Literal["rearfoot", "midfoot", "forefoot"]
Activity: TypeAlias = Literal["running", "walking", "in_place"]
ActivityState: TypeAlias = Literal["unknown", "standing", "walking", "running", "in_place"]
MountingKind: TypeAlias = Literal["moved", "swapped", "flipped"]
CalibrationSource: TypeAlias = Literal["standing", "profile", "running"]

FEET: tuple[Foot, Foot] = ("left", "right")
STRIKES: tuple[Strike, ...] = ("rearfoot", "midfoot", "forefoot")


@dataclass(frozen=True, slots=True)
class ImuBlock:
    """A run of consecutive samples of one pod.

    A jump of ``time_s`` larger than 1.5 nominal periods, within a block or between two blocks, is a
    gap: the core sees it and marks what it touched. How a stream is cut into blocks never changes a
    result (the cut law); empty and one-sample blocks are fine.

    Attributes
    ----------
    time_s : ndarray, shape (n,)
        Sample times, strictly increasing, also from block to block.
    acc_sensor_mps2 : ndarray, shape (n, 3)
        Specific force in the sensor frame.
    gyr_sensor_radps : ndarray, shape (n, 3)
        Angular rate in the sensor frame.
    acc_clipped, gyr_clipped : ndarray of bool, shape (n,)
        The sample touched the end of the sensor's range.
    """

    time_s: FloatArray
    acc_sensor_mps2: FloatArray
    gyr_sensor_radps: FloatArray
    acc_clipped: BoolArray
    gyr_clipped: BoolArray

    def __len__(self) -> int:
        return int(self.time_s.shape[0])


@dataclass(frozen=True, slots=True)
class Calibration:
    """What a quiet stand (or, worse, the first strides) says about one pod.

    Attributes
    ----------
    acc_stand_sensor_mps2 : tuple of 3 floats
        Mean specific force while standing: its direction is up, its length shows the acc bias.
    gyr_bias_sensor_radps : tuple of 3 floats
        Mean angular rate at rest.
    source : str
        ``standing`` (this session), ``profile`` (stored earlier) or ``running`` (no stand was seen).
    duration_s : float
        How much rest it was taken from.
    """

    acc_stand_sensor_mps2: tuple[float, float, float]
    gyr_bias_sensor_radps: tuple[float, float, float]
    source: CalibrationSource
    duration_s: float


# ---- events ---------------------------------------------------------------------------------------
# Every event names the time it happened at and the stream time at which it could be known.


@dataclass(frozen=True, slots=True)
class Calibrated:
    """A foot's alignment has been (re)taken."""

    foot: Foot
    calibration: Calibration
    decided_s: float


@dataclass(frozen=True, slots=True)
class ActivityChange:
    """The wearer changed what they do, as seen by one foot."""

    foot: Foot
    activity: ActivityState
    since_s: float
    decided_s: float


@dataclass(frozen=True, slots=True)
class StreamGap:
    """Samples of one foot are missing in ``[from_s, to_s)``; strides it touched are marked."""

    foot: Foot
    from_s: float
    to_s: float


@dataclass(frozen=True, slots=True)
class Contact:
    """The fast decision about a landing, made while the foot is still down. The cue hangs on it.

    Emitted only while the activity is certain; ``step_id`` is that of the :class:`Step` that follows.

    Attributes
    ----------
    ic_s : float
        Initial contact, as known at ``decided_s``.
    strike : str or None
        Most probable class; None where a type is not given (walking).
    strike_confidence : float or None
        Its probability, 0..1. Below 0.8 a person is told "uncertain".
    """

    foot: Foot
    step_id: int
    activity: Activity
    ic_s: float
    decided_s: float
    strike: Strike | None
    strike_confidence: float | None
    strike_angle_rad: float | None


@dataclass(frozen=True, slots=True)
class Step:
    """One landing and the swing that follows it, as it goes into the record. Emitted once, never changed.

    ``None`` means not known. ``strike``, ``strike_confidence`` and ``decided_s`` repeat the fast
    decision; ``strike_final`` and all else are known at ``finalized_s``.

    Attributes
    ----------
    step_id : int
        Counts a foot's contacts from 1 within a session; may skip numbers (rejected candidates).
    ic_s, to_s : float
        Refined initial contact and toe-off.
    flight_time_s : float or None
        From this toe-off to the other foot's next initial contact (running only).
    swing_time_s, stride_time_s : float or None
        To the same foot's next initial contact.
    cadence_spm : float or None
        120 / stride time.
    strike_angle_rad : float or None
        Sagittal foot pitch at contact relative to quiet standing, toe-up positive.
    knee_drive_rad, knee_drive_sd_rad : float or None
        Peak sagittal thigh angle from the vertical in the swing after this contact, forward positive.
    knee_drive_method : str
        ``shoe-estimate``, ``thigh-pod`` or "" where there is no value.
    knee_drive_rel_standing_rad : float or None
        From a thigh pod, relative to its standing angle; never mixed with ``knee_drive_rad``.
    gap_touched, clipped : bool
        Samples were missing / the accelerometer or gyro hit its range between this contact and the next.
    calibration : str
        What the angle rests on: ``standing``, ``profile`` or ``running``.
    impact_peak_mps2 : float or None
        Largest specific force at the pod from 10 ms before contact to 50 ms after; None if any of it was clipped or
        lost. It depends on shoe, pod and sample rate: compare it with nothing but the same runner's.
    pronation_rad, pronation_peak_radps : float or None
        Inward roll of the shoe from contact to its most inward by mid-stance, and its fastest rate. A pod turned
        10 deg on the shoe adds or takes a sixth of the strike angle.
    """

    foot: Foot
    step_id: int
    activity: Activity
    ic_s: float
    to_s: float | None
    contact_time_s: float | None
    flight_time_s: float | None
    swing_time_s: float | None
    stride_time_s: float | None
    cadence_spm: float | None
    strike: Strike | None
    strike_confidence: float | None
    decided_s: float
    strike_final: Strike | None
    strike_angle_rad: float | None
    knee_drive_rad: float | None
    knee_drive_sd_rad: float | None
    knee_drive_method: str
    knee_drive_rel_standing_rad: float | None
    stride_length_m: float | None
    speed_mps: float | None
    ankle_clearance_m: float | None
    contact_to_knee_peak_s: float | None
    gap_touched: bool
    clipped: bool
    calibration: CalibrationSource
    finalized_s: float
    impact_peak_mps2: float | None = None
    pronation_rad: float | None = None
    pronation_peak_radps: float | None = None


@dataclass(frozen=True, slots=True)
class Mounting:
    """A pod does not sit as the calibration or its side says; told once.

    Attributes
    ----------
    kind : str
        ``moved`` since the calibration, ``swapped`` (on the other foot) or ``flipped`` (back to front; steps are
        found all the same).
    text : str
        One sentence for the runner.
    """

    foot: Foot
    kind: MountingKind
    decided_s: float
    text: str


GaitEvent: TypeAlias = Calibrated | ActivityChange | StreamGap | Contact | Step
