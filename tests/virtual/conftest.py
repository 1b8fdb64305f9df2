"""Recordings whose every sample tells where it comes from."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from sensor_bridge.recording import PodSamples, Recording

# One count of the virtual sensor at 16 g: sample k of the run reads k counts on x.
LSB_16G_MPS2 = 20072 * 2.0**-22


def numbered(count: int, *, rate_hz: float = 200.0, first_s: float = 0.0, y: float = 0.0) -> PodSamples:
    """Samples that count on acc x, in LSB at 16 g; ``y`` marks which part they belong to."""
    acc = np.zeros((count, 3))
    acc[:, 0] = np.arange(count) * LSB_16G_MPS2
    acc[:, 1] = y * LSB_16G_MPS2
    return PodSamples(first_s + np.arange(count) / rate_hz, acc, np.zeros((count, 3)))


@pytest.fixture
def make_recording() -> Callable[..., Recording]:
    """Return a maker of recordings; run samples are marked 1 on acc y, stand samples 2."""

    def make(
        *names: str,
        run: int = 2000,
        stand: int = 400,
        rate_hz: float = 200.0,
        first_s: float = 0.0,
        acc_range_g: float = 16.0,
        gyr_range_dps: float = 2000.0,
    ) -> Recording:
        names = names or ("left_foot", "right_foot")
        return Recording(
            name="numbered",
            sample_rate_hz=rate_hz,
            acc_range_g=acc_range_g,
            gyr_range_dps=gyr_range_dps,
            pods={name: numbered(run, rate_hz=rate_hz, first_s=first_s, y=1) for name in names},
            standing={name: numbered(stand, rate_hz=rate_hz, y=2) for name in names} if stand else {},
        )

    return make
