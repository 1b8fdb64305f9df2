"""Streaming running-gait core: SI numbers in, gait events out. No I/O, no clock."""

from .core import CORE_VERSION, GaitCore
from .params import CoreParams
from .types import (
    FEET,
    STRIKES,
    Activity,
    ActivityChange,
    ActivityState,
    Calibrated,
    Calibration,
    CalibrationSource,
    Contact,
    Foot,
    GaitEvent,
    ImuBlock,
    Mounting,
    MountingKind,
    Step,
    StreamGap,
    Strike,
)

__all__ = [
    "CORE_VERSION",
    "FEET",
    "STRIKES",
    "Activity",
    "ActivityChange",
    "ActivityState",
    "Calibrated",
    "Calibration",
    "CalibrationSource",
    "Contact",
    "CoreParams",
    "Foot",
    "GaitCore",
    "GaitEvent",
    "ImuBlock",
    "Mounting",
    "MountingKind",
    "Step",
    "StreamGap",
    "Strike",
]
