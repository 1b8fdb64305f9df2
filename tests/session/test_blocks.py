"""Counts and ticks to SI: scales, ranges, saturation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_protocol import ImuFlags, ImuPacket
from sensor_bridge.blocks import Ranges, block_from, sample_ticks_us

# LSM6DSO at 16 g and 2000 dps.
ACC_SCALE, GYR_SCALE = 20072, 20497
FULL = Ranges(16.0, 2000.0)


def packet(*rows: tuple[int, ...], flags: ImuFlags = ImuFlags.NONE) -> ImuPacket:
    return ImuPacket(0, 0, 5000, flags, ACC_SCALE, GYR_SCALE, rows)  # type: ignore[arg-type]


def block(source: ImuPacket, ranges: Ranges = FULL):
    return block_from(source, np.arange(len(source.samples)) * 0.005, ranges)


def test_one_g_and_one_hundred_degrees_a_second() -> None:
    found = block(packet((0, 0, 2049, 0, -1429, 0)))
    assert found.acc_sensor_mps2[0] == pytest.approx([0, 0, 9.80665], abs=0.003)
    assert np.degrees(found.gyr_sensor_radps[0]) == pytest.approx([0, -100.0, 0], abs=0.1)


@given(st.lists(st.tuples(*[st.integers(-32768, 32767)] * 6), min_size=1, max_size=19))
def test_every_count_is_its_scale_times_itself(rows: list[tuple[int, ...]]) -> None:
    found = block(packet(*rows))
    counts = np.array(rows)
    np.testing.assert_array_equal(found.acc_sensor_mps2, counts[:, :3] * (ACC_SCALE * 2.0**-22))
    np.testing.assert_array_equal(found.gyr_sensor_radps, counts[:, 3:] * (GYR_SCALE * 2.0**-24))


def test_the_rail_is_where_the_range_ends() -> None:
    near, at = 28000, 32760
    found = block(packet((near, 0, 0, 0, 0, 0), (0, at, 0, 0, 0, 0), (0, 0, 0, -29000, 0, 0)))
    assert found.acc_clipped.tolist() == [False, True, False]
    assert found.gyr_clipped.tolist() == [False, False, True]  # 29000 x 70 mdps is past 2000 dps


def test_a_pod_that_saw_saturation_the_counts_do_not_show_marks_its_whole_packet() -> None:
    found = block(packet((1, 0, 0, 0, 0, 0), (2, 0, 0, 0, 0, 0), flags=ImuFlags.ACC_SATURATED))
    assert found.acc_clipped.all()
    assert not found.gyr_clipped.any()


def test_ticks_follow_the_period() -> None:
    assert sample_ticks_us(packet((0,) * 6, (0,) * 6, (0,) * 6), 7) == [7, 5007, 10007]
