"""From samples to packets."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_protocol import ImuFlags, ImuPacket, PodStream, Received
from sensor_bridge.virtual.packetizer import (
    FIFO_SAMPLES,
    STANDARD_GRAVITY_MPS2,
    Packetizer,
    Scaling,
    TickClock,
    scaling_for,
)

SCALING = scaling_for(16, 2000, 16.0, 2000.0)


def packets_of(packetizer: Packetizer) -> list[ImuPacket]:
    packets = []
    while (data := packetizer.pop()) is not None:
        packets.append(ImuPacket.from_bytes(data))
    return packets


def push(packetizer: Packetizer, times_s: list[float], acc: float = 1.0, gyr: float = 0.1) -> None:
    shape = (len(times_s), 3)
    packetizer.push(np.array(times_s), np.full(shape, acc), np.full(shape, gyr))


@pytest.mark.parametrize(
    ("asked", "native", "acc_scale", "acc_range"),
    [((2, 2000), (16, 2000), 2509, 2), ((3, 2000), (16, 2000), 5018, 4), ((64, 2000), (16, 2000), 20072, 16)],
)
def test_the_sensor_takes_the_next_accelerometer_range(
    asked: tuple[int, int], native: tuple[int, int], acc_scale: int, acc_range: int
) -> None:
    scaling = scaling_for(*asked, *native)
    assert (scaling.acc_range_g, scaling.acc_scale) == (acc_range, acc_scale)


@pytest.mark.parametrize(
    ("asked", "gyr_scale", "gyr_range"),
    [(125, 1281, 125), (250, 2562, 250), (500, 5124, 500), (1000, 10249, 1000), (4000, 20497, 2000)],
)
def test_the_sensor_takes_the_next_gyro_range(asked: int, gyr_scale: int, gyr_range: int) -> None:
    scaling = scaling_for(16, asked, 16, 2000)
    assert (scaling.gyr_range_dps, scaling.gyr_scale) == (gyr_range, gyr_scale)


def test_a_pod_cannot_measure_beyond_its_recording() -> None:
    scaling = scaling_for(16, 2000, 8.0, 500.0)
    assert (scaling.acc_range_g, scaling.gyr_range_dps) == (8, 500)
    assert (scaling.acc_scale, scaling.gyr_scale) == (10036, 5124)


def test_the_tick_clock_follows_its_crystal() -> None:
    clock = TickClock(boot_s=100.0, ppm=50.0)
    assert clock.tick_us(100.0) == 0
    assert clock.tick_us(1100.0) == 1_000_050_000
    assert TickClock(0.0, -100.0).tick_us(3600.0) == 3_599_640_000


def test_packets_are_full_numbered_and_timed() -> None:
    packetizer = Packetizer(0.005, SCALING, 5, TickClock(0.0))
    push(packetizer, [10 + k * 0.005 for k in range(23)])
    packets = packets_of(packetizer)
    assert [packet.sequence for packet in packets] == [0, 1, 2, 3]
    assert [packet.tick_us for packet in packets] == [10_000_000 + k * 25_000 for k in range(4)]
    assert {packet.period_us for packet in packets} == {5000}
    assert {len(packet.samples) for packet in packets} == {5}
    assert packetizer.missing == 2


def test_the_period_is_measured_by_the_pods_own_crystal() -> None:
    packetizer = Packetizer(0.005, SCALING, 10, TickClock(0.0, ppm=2000.0))
    push(packetizer, [k * 0.005 for k in range(10)])
    assert packets_of(packetizer)[0].period_us == 5010


def test_values_come_back_within_half_a_count() -> None:
    rng = np.random.default_rng(3)
    acc, gyr = rng.uniform(-150, 150, (200, 3)), rng.uniform(-30, 30, (200, 3))
    packetizer = Packetizer(0.005, SCALING, 10, TickClock(0.0))
    packetizer.push(np.arange(200) / 200, acc, gyr)
    packets = packets_of(packetizer)
    values = np.array([sample for packet in packets for sample in packet.samples], dtype=float)
    packet = packets[0]
    assert np.abs(values[:, :3] * packet.acc_mps2_per_lsb - acc).max() <= 0.5001 * packet.acc_mps2_per_lsb
    assert np.abs(values[:, 3:] * packet.gyr_radps_per_lsb - gyr).max() <= 0.5001 * packet.gyr_radps_per_lsb
    assert all(packet.flags is ImuFlags.NONE for packet in packets)


@pytest.mark.parametrize(
    ("acc", "gyr", "flags"),
    [
        (0.99 * 16 * STANDARD_GRAVITY_MPS2, 0.0, ImuFlags.NONE),
        (16 * STANDARD_GRAVITY_MPS2, 0.0, ImuFlags.ACC_SATURATED),
        (-500.0, 0.0, ImuFlags.ACC_SATURATED),
        (0.0, math.radians(2250), ImuFlags.NONE),
        (0.0, -math.radians(2400), ImuFlags.GYR_SATURATED),
        (1000.0, 1000.0, ImuFlags.ACC_SATURATED | ImuFlags.GYR_SATURATED),
    ],
)
def test_saturation_is_flagged_in_its_packet_only(acc: float, gyr: float, flags: ImuFlags) -> None:
    packetizer = Packetizer(0.005, SCALING, 2, TickClock(0.0))
    push(packetizer, [0.0, 0.005])
    push(packetizer, [0.010], acc, gyr)
    push(packetizer, [0.015, 0.020, 0.025])
    assert [packet.flags for packet in packets_of(packetizer)] == [ImuFlags.NONE, flags, ImuFlags.NONE]


def test_a_full_fifo_loses_the_oldest_and_says_so_once() -> None:
    packetizer = Packetizer(0.005, SCALING, 5, TickClock(0.0))
    push(packetizer, [k * 0.005 for k in range(FIFO_SAMPLES + 30)])
    packets = packets_of(packetizer)
    assert packetizer.samples_overrun == 30
    assert packets[0].flags is ImuFlags.OVERRUN
    assert packets[0].sequence == 0
    assert packets[0].tick_us == 30 * 5000
    assert all(packet.flags is ImuFlags.NONE for packet in packets[1:])


def test_a_break_in_the_recording_ends_a_packet() -> None:
    packetizer = Packetizer(0.005, SCALING, 5, TickClock(0.0))
    times_s = [0.0, 0.005, 0.010, 0.5, 0.505, 0.510, 0.515, 0.520]
    push(packetizer, times_s)
    packets = packets_of(packetizer)
    assert [len(packet.samples) for packet in packets] == [3, 5]
    assert [packet.tick_us for packet in packets] == [0, 500_000]


def test_times_rounded_to_a_tenth_of_a_millisecond_make_full_packets() -> None:
    packetizer = Packetizer(1 / 256, SCALING, 10, TickClock(0.0))
    push(packetizer, [round(k / 256, 4) for k in range(1000)])
    assert {len(packet.samples) for packet in packets_of(packetizer)} == {10}


@given(
    steps_us=st.lists(st.integers(1000, 60_000), min_size=1, max_size=200),
    count=st.integers(1, 19),
    cut=st.integers(1, 50),
)
def test_no_sample_is_lost_doubled_or_mistimed(steps_us: list[int], count: int, cut: int) -> None:
    times_us = np.cumsum(steps_us).tolist()
    packetizer = Packetizer(0.005, SCALING, count, TickClock(0.0))
    stream = PodStream()
    seen: list[float] = []
    for start in range(0, len(times_us), cut):
        push(packetizer, [time_us * 1e-6 for time_us in times_us[start : start + cut]])
        while (data := packetizer.pop()) is not None:
            (event,) = stream.receive(data)
            assert isinstance(event, Received)
            seen += [event.tick_us + k * event.packet.period_us for k in range(len(event.packet.samples))]
    assert len(seen) + len(packetizer) == len(times_us)
    assert len(packetizer) < count + 1
    assert seen == pytest.approx(times_us[: len(seen)], abs=0.1 * 5000 + 1)


def test_the_end_of_a_range_is_never_beyond_16_bits() -> None:
    assert Scaling(16, 2000, 20072, 20497).acc_end_counts == 32767
    assert Scaling(8, 2000, 20072, 20497).acc_end_counts == 16393
