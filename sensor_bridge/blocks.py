"""The one adapter from counts and ticks to SI blocks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from firmware_protocol import ImuFlags, ImuPacket
from gait_signal.types import BoolArray, FloatArray, ImuBlock

STANDARD_GRAVITY_MPS2: Final = 9.80665
_INT16_END: Final = 32767
# A reading within 0.2 % of the range's end counts as clipped: gain trim moves the rail that far.
_RAIL: Final = 0.998


@dataclass(frozen=True, slots=True)
class Ranges:
    """The measuring ranges a pod streams with."""

    acc_range_g: float
    gyr_range_dps: float


def sample_ticks_us(packet: ImuPacket, tick_us: int) -> list[int]:
    """Return the unwrapped tick of every sample of a packet whose first one is ``tick_us``."""
    return [tick_us + i * packet.period_us for i in range(len(packet.samples))]


def block_from(packet: ImuPacket, time_s: FloatArray, ranges: Ranges) -> ImuBlock:
    """Turn a packet into SI units.

    Parameters
    ----------
    packet : ImuPacket
    time_s : ndarray, shape (n,)
        Session time of each sample.
    ranges : Ranges
        Where values clip.

    Returns
    -------
    ImuBlock
        Sensor frame, m/s^2 and rad/s. Where the pod flags saturation but no value stands at the rail
        (the sensor filtered it away), the whole packet is marked.
    """
    values: FloatArray = np.array(packet.samples, dtype=np.float64)
    acc_end = min(_INT16_END, ranges.acc_range_g * STANDARD_GRAVITY_MPS2 / packet.acc_mps2_per_lsb)
    gyr_end = min(_INT16_END, np.deg2rad(ranges.gyr_range_dps) / packet.gyr_radps_per_lsb)
    size = np.abs(values)
    acc_clipped: BoolArray = np.any(size[:, :3] >= acc_end * _RAIL, axis=1)
    gyr_clipped: BoolArray = np.any(size[:, 3:] >= gyr_end * _RAIL, axis=1)
    if packet.flags & ImuFlags.ACC_SATURATED and not acc_clipped.any():
        acc_clipped[:] = True
    if packet.flags & ImuFlags.GYR_SATURATED and not gyr_clipped.any():
        gyr_clipped[:] = True
    return ImuBlock(
        time_s=time_s,
        acc_sensor_mps2=values[:, :3] * packet.acc_mps2_per_lsb,
        gyr_sensor_radps=values[:, 3:] * packet.gyr_radps_per_lsb,
        acc_clipped=acc_clipped,
        gyr_clipped=gyr_clipped,
    )
