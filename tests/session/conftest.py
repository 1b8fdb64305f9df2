"""Packets made from hand-made motion, as a pod would send them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from firmware_protocol import ACC_SCALE_UNIT_MPS2, GYR_SCALE_UNIT_RADPS, ImuFlags, ImuPacket

ACC_SCALE = 20072
GYR_SCALE = 20497
PERIOD_US = 5000

PacketMaker = Callable[..., list[bytes]]


@pytest.fixture
def make_packets() -> PacketMaker:
    """Return a function that cuts motion (n, 6: m/s^2 and rad/s) into packets, sequence and ticks from 0."""

    def make(motion: np.ndarray, *, per_packet: int = 5, tick0_us: int = 0, flags: int = 0) -> list[bytes]:
        lsb = np.repeat([ACC_SCALE * ACC_SCALE_UNIT_MPS2, GYR_SCALE * GYR_SCALE_UNIT_RADPS], 3)
        rows = np.clip(np.round(motion / lsb), -32768, 32767).astype(int).tolist()
        return [
            bytes(
                ImuPacket(
                    number,
                    (tick0_us + start * PERIOD_US) % 2**32,
                    PERIOD_US,
                    ImuFlags(flags),
                    ACC_SCALE,
                    GYR_SCALE,
                    tuple(tuple(row) for row in rows[start : start + per_packet]),
                )
            )
            for number, start in enumerate(range(0, len(rows), per_packet))
        ]

    return make


@pytest.fixture
def still() -> np.ndarray:
    """Ten seconds of a pod at rest, shape (2000, 6)."""
    motion = np.zeros((2000, 6))
    motion[:, 2] = 9.80665
    return motion
