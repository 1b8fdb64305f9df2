"""A small recording and the cluster of virtual pods that plays it."""

from __future__ import annotations

import numpy as np
import pytest

from sensor_bridge.recording import PodSamples, Recording


def _samples(seconds: float, rng: np.random.Generator) -> PodSamples:
    count = round(seconds * 200)
    acc = rng.normal((0.0, 0.0, 9.81), 0.05, (count, 3))
    return PodSamples(np.arange(count) / 200, acc, rng.normal(0.0, 0.01, (count, 3)))


@pytest.fixture
def recording() -> Recording:
    rng = np.random.default_rng(1)
    names = ("left_foot", "right_foot")
    return Recording(
        name="radio test",
        sample_rate_hz=200.0,
        acc_range_g=16.0,
        gyr_range_dps=2000.0,
        pods={name: _samples(10.0, rng) for name in names},
        standing={name: _samples(1.0, rng) for name in names},
    )
