"""A real inertial sensor: mounting, filter, bias, noise, clipping and whole counts."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.signal import butter, sosfilt, sosfilt_zi

from gait_signal.types import FloatArray
from sensor_bridge.recording import PodSamples
from sensor_bridge.simulator.rotation import Attitude
from sensor_bridge.simulator.scenario import Mounting
from sensor_bridge.simulator.trunk import GRAVITY_MPS2

_COUNTS = 32767
_FILTER_ORDER = 4


@dataclass(frozen=True, slots=True)
class SensorModel:
    """What a sensor does to a signal. Defaults: ST LSM6DSO data sheet, typical values.

    Attributes
    ----------
    acc_range_g, gyr_range_dps : float
        Infinite: never clips.
    acc_lsb_g, gyr_lsb_dps : float or None
        One count; None: not quantised.
    acc_noise_ug_rthz, gyr_noise_mdps_rthz : float
        White noise density.
    acc_bias_mg, gyr_bias_dps : float
        Standard deviation of the constant bias of an axis.
    scale_error : float
        Standard deviation of an axis' relative error of scale.
    bandwidth_share : float or None
        Cut-off of the low-pass before sampling as a share of the sample rate; None: no filter.
    """

    acc_range_g: float = 16.0
    gyr_range_dps: float = 2000.0
    acc_lsb_g: float | None = 0.000488
    gyr_lsb_dps: float | None = 0.070
    acc_noise_ug_rthz: float = 110.0
    gyr_noise_mdps_rthz: float = 3.8
    acc_bias_mg: float = 15.0
    gyr_bias_dps: float = 0.3
    scale_error: float = 0.004
    bandwidth_share: float | None = 0.4

    @classmethod
    def for_ranges(cls, acc_range_g: float, gyr_range_dps: float) -> SensorModel:
        """Return the same sensor at other ranges, with the counts that go with them."""
        return cls(acc_range_g, gyr_range_dps, 30.5e-6 * acc_range_g, 35e-6 * gyr_range_dps)

    @classmethod
    def ideal(cls) -> SensorModel:
        """Return a sensor that only samples."""
        return cls(math.inf, math.inf, None, None, 0.0, 0.0, 0.0, 0.0, 0.0, None)


class PodSensor:
    """One built pod: its own bias, scale and mounting, over a stream in pieces.

    Parameters
    ----------
    model : SensorModel
    mounting : Mounting
    rate_hz, inner_rate_hz : float
        Of the samples, and of the signals it is given.
    rng : numpy.random.Generator
    """

    def __init__(
        self,
        model: SensorModel,
        mounting: Mounting,
        rate_hz: float,
        inner_rate_hz: float,
        rng: np.random.Generator,
    ) -> None:
        self._model = model
        self._mount = Attitude(
            np.radians(np.array([mounting.yaw_deg])),
            -np.radians(np.array([mounting.nose_down_deg])),
            np.radians(np.array([mounting.roll_deg])),
        )
        self._rng = rng
        self._acc_bias = model.acc_bias_mg * 1e-3 * GRAVITY_MPS2 * _bounded(rng)
        self._gyr_bias = np.radians(model.gyr_bias_dps) * _bounded(rng)
        self._acc_scale = 1.0 + model.scale_error * _bounded(rng)
        self._gyr_scale = 1.0 + model.scale_error * _bounded(rng)
        cut_hz = rate_hz / 2.0 if model.bandwidth_share is None else model.bandwidth_share * rate_hz
        self._noise_bandwidth_hz = cut_hz
        self._sos = None
        self.delay_samples = 0
        if model.bandwidth_share is not None:
            self._sos = butter(_FILTER_ORDER, cut_hz, output="sos", fs=inner_rate_hz)
            # Slope of the phase at 0: sum of 2 sin of the pole angles, over the cut-off.
            poles = (2 * np.arange(_FILTER_ORDER) + 1) * np.pi / (2 * _FILTER_ORDER)
            delay_s = float(np.sin(poles).sum()) / (2.0 * np.pi * cut_hz)
            self.delay_samples = round(delay_s * inner_rate_hz)
        self._memory: FloatArray | None = None

    def restart(self) -> None:
        """Forget the filter's past."""
        self._memory = None

    def filter(self, acc_mps2: FloatArray, gyr_radps: FloatArray) -> FloatArray:
        """Turn the next signals of the segment into the sensor's frame and low-pass them; shape (6, n).

        The filter is causal, as in a sensor; its delay at low frequency, ``delay_samples``, is the caller's to take
        off the sample times, as a pod's firmware does.
        """
        signals = np.concatenate([self._mount.apply_inverse(acc_mps2), self._mount.apply_inverse(gyr_radps)], axis=0)
        if self._sos is None:
            return signals
        if self._memory is None:
            self._memory = sosfilt_zi(self._sos)[:, None, :] * signals[None, :, :1]
        filtered, self._memory = sosfilt(self._sos, signals, axis=1, zi=self._memory)
        result: FloatArray = filtered
        return result

    def read(self, time_s: FloatArray, filtered: FloatArray) -> PodSamples:
        """Turn filtered signals, shape (6, n), into samples: bias, scale, noise, range, whole counts."""
        model, n = self._model, filtered.shape[1]
        root_hz = math.sqrt(self._noise_bandwidth_hz)
        acc_noise = model.acc_noise_ug_rthz * 1e-6 * GRAVITY_MPS2 * root_hz
        gyr_noise = np.radians(model.gyr_noise_mdps_rthz * 1e-3) * root_hz
        noise = self._rng.standard_normal((6, n)) if acc_noise or gyr_noise else np.zeros((6, n))
        acc = filtered[:3] * self._acc_scale + self._acc_bias + acc_noise * noise[:3]
        gyr = filtered[3:] * self._gyr_scale + self._gyr_bias + gyr_noise * noise[3:]
        acc_lsb = None if model.acc_lsb_g is None else model.acc_lsb_g * GRAVITY_MPS2
        gyr_lsb = None if model.gyr_lsb_dps is None else math.radians(model.gyr_lsb_dps)
        return PodSamples(
            time_s=time_s,
            acc_mps2=_digitise(acc, model.acc_range_g * GRAVITY_MPS2, acc_lsb).T.copy(),
            gyr_radps=_digitise(gyr, math.radians(model.gyr_range_dps), gyr_lsb).T.copy(),
        )


def _digitise(signal: FloatArray, reach: float, lsb: float | None) -> FloatArray:
    if lsb is None:
        return np.clip(signal, -reach, reach)
    most = min(_COUNTS, math.floor(reach / lsb))
    counts: FloatArray = np.clip(np.round(signal / lsb), -most, most)
    return counts * lsb


def _bounded(rng: np.random.Generator) -> FloatArray:
    """Return three normal numbers within two standard deviations, shape (3, 1)."""
    return np.clip(rng.standard_normal((3, 1)), -2.0, 2.0)
