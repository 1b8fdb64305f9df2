"""From a sensor's data sheet to the integer scales of the IMU packet.

The packet carries what one LSB is worth, in units of 2^-22 m/s^2 and 2^-24 rad/s. Rounding to a whole
number of units costs at most 0.02 % here, far below the sensitivity tolerance of the sensors (about 1 %).
``SPEC.md`` lists the resulting numbers; a test holds the two together.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from .imu_packet import ACC_SCALE_UNIT_MPS2, GYR_SCALE_UNIT_RADPS

STANDARD_GRAVITY_MPS2: Final = 9.80665
MAX_SCALE: Final = 0xFFFF


@dataclass(frozen=True, slots=True)
class SensorModel:
    """Typical sensitivities of a sensor, by range.

    Attributes
    ----------
    name : str
    acc_mps2_per_lsb : mapping of range in g to m/s^2 per LSB
    gyr_radps_per_lsb : mapping of range in deg/s to rad/s per LSB
    """

    name: str
    acc_mps2_per_lsb: Mapping[int, float]
    gyr_radps_per_lsb: Mapping[int, float]


def acc_scale(mps2_per_lsb: float) -> int:
    """Return the packet's ``acc_scale`` for an LSB in m/s^2.

    Raises
    ------
    ValueError
        The LSB does not fit: 2.4e-7 to 0.0156 m/s^2 do.
    """
    return _whole(mps2_per_lsb / ACC_SCALE_UNIT_MPS2, "accelerometer")


def gyr_scale(radps_per_lsb: float) -> int:
    """Return the packet's ``gyr_scale`` for an LSB in rad/s.

    Raises
    ------
    ValueError
        The LSB does not fit: 6.0e-8 to 0.0039 rad/s do.
    """
    return _whole(radps_per_lsb / GYR_SCALE_UNIT_RADPS, "gyro")


def _whole(units: float, what: str) -> int:
    if not 0.5 < units < MAX_SCALE + 0.5:
        raise ValueError(f"this {what} LSB does not fit the packet's 16-bit scale")
    return round(units)


def _by_range(values: Mapping[int, float], unit: float) -> Mapping[int, float]:
    return MappingProxyType({range_: value * unit for range_, value in values.items()})


def _full_scale(ranges: tuple[int, ...], unit: float) -> Mapping[int, float]:
    return MappingProxyType({range_: range_ / 32768.0 * unit for range_ in ranges})


_MILLI_G: Final = STANDARD_GRAVITY_MPS2 / 1000.0
_MILLI_DPS: Final = math.radians(1.0) / 1000.0
_ACC_RANGES: Final = (2, 4, 8, 16)
_GYR_RANGES: Final = (125, 250, 500, 1000, 2000)

# STMicroelectronics DS12140, mechanical characteristics: mg/LSB and mdps/LSB.
LSM6DSO: Final = SensorModel(
    "LSM6DSO",
    _by_range({2: 0.061, 4: 0.122, 8: 0.244, 16: 0.488}, _MILLI_G),
    _by_range({125: 4.375, 250: 8.75, 500: 17.5, 1000: 35.0, 2000: 70.0}, _MILLI_DPS),
)
# Bosch Sensortec BST-BMI270-DS000: 16384 ... 2048 LSB/g, 262.144 ... 16.384 LSB/dps.
BMI270: Final = SensorModel(
    "BMI270",
    _full_scale(_ACC_RANGES, STANDARD_GRAVITY_MPS2),
    _full_scale(_GYR_RANGES, math.radians(1.0)),
)
# TDK InvenSense DS-000347 prints 16.4, 32.8, 65.5, 131, 262 LSB/dps: 32768 / range, rounded.
ICM_42688: Final = SensorModel(
    "ICM-42688-P",
    _full_scale(_ACC_RANGES, STANDARD_GRAVITY_MPS2),
    _full_scale(_GYR_RANGES, math.radians(1.0)),
)

SENSORS: Final = (LSM6DSO, BMI270, ICM_42688)
