"""From what a sensor measures to IMU packets: pod ticks, counts, FIFO, flags and sequence numbers. No I/O."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from firmware_protocol import ACC_SCALE_UNIT_MPS2, GYR_SCALE_UNIT_RADPS, ImuFlags, ImuPacket, Started
from firmware_protocol.imu_packet import SampleCounts
from gait_signal.types import FloatArray

STANDARD_GRAVITY_MPS2: Final = 9.80665
_INT16_END: Final = 32767

# The virtual pod measures like an LSM6DSO (data sheet, table 2): 0.061 mg/LSB at 2 g, 4.375 mdps/LSB at 125 dps,
# and in proportion at the higher ranges.
ACC_RANGES_G: Final = (2, 4, 8, 16)
GYR_RANGES_DPS: Final = (125, 250, 500, 1000, 2000)
_ACC_MPS2_PER_LSB_PER_G: Final = 0.061e-3 / 2 * STANDARD_GRAVITY_MPS2
_GYR_RADPS_PER_LSB_PER_DPS: Final = math.radians(4.375e-3) / 125

# LSM6DSO: 3 kB of FIFO hold 438 words, that is 219 pairs; with its compression twice as many.
FIFO_SAMPLES: Final = 438
# A packet's samples are even to within a tenth of a period; recordings that round their times stay within it.
_JITTER: Final = 0.1
# The saturation flag is set this close to the end: gain trim moves the rail.
_RAIL: Final = 0.998


@dataclass(frozen=True, slots=True)
class TickClock:
    """A pod's clock: microseconds since boot, by a crystal that is ``ppm`` fast.

    Attributes
    ----------
    boot_s : float
        Machine time of the boot.
    ppm : float
    """

    boot_s: float
    ppm: float = 0.0

    def tick_us(self, time_s: float) -> int:
        """Return the pod's time at a machine time."""
        return round((time_s - self.boot_s) * (1e6 + self.ppm))


@dataclass(frozen=True, slots=True)
class Scaling:
    """Measuring ranges and what one count means.

    Attributes
    ----------
    acc_range_g, gyr_range_dps : int
    acc_scale, gyr_scale : int
        LSB sizes in the units of the IMU packet.
    """

    acc_range_g: int
    gyr_range_dps: int
    acc_scale: int
    gyr_scale: int

    @property
    def acc_end_counts(self) -> int:
        """Where the accelerometer clips."""
        end = self.acc_range_g * STANDARD_GRAVITY_MPS2 / (self.acc_scale * ACC_SCALE_UNIT_MPS2)
        return min(_INT16_END, math.floor(end))

    @property
    def gyr_end_counts(self) -> int:
        """Where the gyro clips: with some reserve above its nominal range, as this sensor does."""
        return _INT16_END


def scaling_for(acc_range_g: float, gyr_range_dps: float, native_acc_g: float, native_gyr_dps: float) -> Scaling:
    """Return what the pod does when asked for these ranges.

    Parameters
    ----------
    acc_range_g, gyr_range_dps : float
        Asked for: the sensor takes the next range that covers it, or its largest.
    native_acc_g, native_gyr_dps : float
        Ranges of the recording that feeds the pod; it cannot measure beyond them.
    """
    acc_g = math.ceil(min(_covering(ACC_RANGES_G, acc_range_g), native_acc_g))
    gyr_dps = math.ceil(min(_covering(GYR_RANGES_DPS, gyr_range_dps), native_gyr_dps))
    return Scaling(
        acc_range_g=acc_g,
        gyr_range_dps=gyr_dps,
        acc_scale=round(acc_g * _ACC_MPS2_PER_LSB_PER_G / ACC_SCALE_UNIT_MPS2),
        gyr_scale=round(gyr_dps * _GYR_RADPS_PER_LSB_PER_DPS / GYR_SCALE_UNIT_RADPS),
    )


def _covering(ranges: tuple[int, ...], asked: float) -> int:
    return next((value for value in ranges if value >= asked), ranges[-1])


class Packetizer:
    """The sensor's FIFO and the packets made from it, for one stream.

    Parameters
    ----------
    period_s : float
        Nominal sample period.
    scaling : Scaling
    samples_per_packet : int
    ticks : TickClock

    Attributes
    ----------
    samples_overrun : int
        Samples lost because the FIFO was full.
    """

    def __init__(self, period_s: float, scaling: Scaling, samples_per_packet: int, ticks: TickClock) -> None:
        self._period_us = max(1, round(period_s * (1e6 + ticks.ppm)))
        self._scaling = scaling
        self._count = samples_per_packet
        self._ticks = ticks
        self._fifo: deque[tuple[int, SampleCounts, ImuFlags]] = deque()
        self._sequence = 0
        self._overrun = False
        self.samples_overrun = 0

    def __len__(self) -> int:
        return len(self._fifo)

    @property
    def missing(self) -> int:
        """How many more samples the next packet waits for."""
        return max(0, self._count - len(self._fifo))

    def push(self, time_s: FloatArray, acc_mps2: FloatArray, gyr_radps: FloatArray) -> None:
        """Measure.

        Parameters
        ----------
        time_s : ndarray, shape (n,)
            Machine times.
        acc_mps2, gyr_radps : ndarray, shape (n, 3)
            True values; they are rounded to counts and clipped.
        """
        scaling = self._scaling
        acc, acc_clipped = _counts(acc_mps2, scaling.acc_scale * ACC_SCALE_UNIT_MPS2, scaling.acc_end_counts)
        gyr, gyr_clipped = _counts(gyr_radps, scaling.gyr_scale * GYR_SCALE_UNIT_RADPS, scaling.gyr_end_counts)
        rows = np.concatenate([acc, gyr], axis=1).tolist()
        for at_s, row, acc_bad, gyr_bad in zip(time_s.tolist(), rows, acc_clipped, gyr_clipped, strict=True):
            flags = ImuFlags.NONE
            if acc_bad:
                flags |= ImuFlags.ACC_SATURATED
            if gyr_bad:
                flags |= ImuFlags.GYR_SATURATED
            self._fifo.append((self._ticks.tick_us(at_s), tuple(row), flags))
        while len(self._fifo) > FIFO_SAMPLES:
            self._fifo.popleft()
            self.samples_overrun += 1
            self._overrun = True

    def pop(self) -> bytes | None:
        """Return the next packet, or None while it is not full.

        A packet's samples are evenly spaced, so one that would span a break in the recording ends before it.
        """
        items = [self._fifo[i] for i in range(min(self._count, len(self._fifo)))]
        whole = self._even_run([item[0] for item in items])
        if whole == len(items) < self._count:
            return None
        ticks = [item[0] for item in items[:whole]]
        flags = ImuFlags.OVERRUN if self._overrun else ImuFlags.NONE
        for item in items[:whole]:
            flags |= item[2]
        packet = ImuPacket(
            sequence=self._sequence & 0xFFFFFFFF,
            tick_us=ticks[0] & 0xFFFFFFFF,
            period_us=_spacing_us(ticks, self._period_us),
            flags=flags,
            acc_scale=self._scaling.acc_scale,
            gyr_scale=self._scaling.gyr_scale,
            samples=tuple(item[1] for item in items[:whole]),
        )
        for _ in range(whole):
            self._fifo.popleft()
        self._sequence += 1
        self._overrun = False
        return bytes(packet)

    def _even_run(self, ticks: list[int]) -> int:
        """Return how many of these samples, from the first, are evenly spaced."""
        count = len(ticks)
        for index, (one, other) in enumerate(pairwise(ticks), start=1):
            if not 0.5 * self._period_us < other - one < 1.5 * self._period_us:
                count = index
                break
        while count > 1:
            spacing_us = _spacing_us(ticks[:count], self._period_us)
            strays = max(abs(tick - ticks[0] - i * spacing_us) for i, tick in enumerate(ticks[:count]))
            if strays <= _JITTER * self._period_us:
                break
            count //= 2
        return count


def started_reply(period_s: float, scaling: Scaling, samples_per_packet: int, boot_id: int) -> Started:
    """Return what the pod says it streams."""
    return Started(
        rate_mhz=round(1e3 / period_s),
        acc_range_g=scaling.acc_range_g,
        gyr_range_dps=scaling.gyr_range_dps,
        samples_per_packet=samples_per_packet,
        acc_scale=scaling.acc_scale,
        gyr_scale=scaling.gyr_scale,
        boot_id=boot_id,
    )


def _spacing_us(ticks: list[int], nominal_us: int) -> int:
    if len(ticks) < 2:
        return nominal_us
    return round((ticks[-1] - ticks[0]) / (len(ticks) - 1))


def _counts(values: FloatArray, per_lsb: float, end: int) -> tuple[npt.NDArray[np.int64], list[bool]]:
    raw = np.rint(values / per_lsb)
    clipped = np.any(np.abs(raw) >= _RAIL * end, axis=1)
    return np.clip(raw, -end, end).astype(np.int64), [bool(value) for value in clipped]
