"""What the benchmarks run on: a simulated runner's motion, and the packets two pods would make of it."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from gait_signal import FEET, Foot, ImuBlock
from sensor_bridge.analyze import imu_block
from sensor_bridge.engine import EnginePod, SessionEngine, StreamUp
from sensor_bridge.recording import PodSamples, Recording
from sensor_bridge.simulator import Scenario, simulate
from sensor_bridge.virtual.packetizer import Packetizer, TickClock, scaling_for

SEED = 11
SAMPLES_PER_PACKET = 10
CONNECTION_S = 0.015
BLOCK_S = 0.25
_HEAD = struct.Struct("<II")  # sequence and tick of an IMU packet


def runner(seconds: float, rate_hz: float = 200.0) -> Recording:
    """A run at 3 m/s with the stand before it."""
    return simulate(Scenario.steady(seconds, 3.0), seed=SEED, rate_hz=rate_hz).recording


def whole(recording: Recording, foot: Foot) -> PodSamples:
    """A foot's stand and run in one stream, the stand ending 1 s before the run."""
    run, stand = recording.pods[f"{foot}_foot"], recording.standing[f"{foot}_foot"]
    early_s = stand.time_s - stand.time_s[-1] + run.time_s[0] - 1.0
    return PodSamples(
        np.concatenate([early_s, run.time_s]),
        np.concatenate([stand.acc_mps2, run.acc_mps2]),
        np.concatenate([stand.gyr_radps, run.gyr_radps]),
    )


def blocks(recording: Recording) -> list[tuple[Foot, ImuBlock]]:
    """Blocks of 0.25 s of both feet in turn, as the batch command makes them."""
    length = round(BLOCK_S * recording.sample_rate_hz)
    streams = {foot: whole(recording, foot) for foot in FEET}
    count = max(len(samples.time_s) for samples in streams.values())
    return [
        (
            foot,
            imu_block(samples, slice(start, start + length), recording.acc_range_g, recording.gyr_range_dps),
        )
        for start in range(0, count, length)
        for foot, samples in streams.items()
    ]


@dataclass(frozen=True)
class Packets:
    """What one pod sends: its packets, and when each of them was complete, from 0."""

    data: tuple[bytes, ...]
    ready_s: tuple[float, ...]
    end_s: float
    end_us: int


def packets(recording: Recording, foot: Foot, *, stand: bool = True) -> Packets:
    """Packets of 10 samples of a foot's stream."""
    samples = whole(recording, foot) if stand else recording.pods[f"{foot}_foot"]
    period_s = 1.0 / recording.sample_rate_hz
    # On a grid of its own from 0: a pod samples on, whatever its wearer does.
    time_s = np.arange(len(samples.time_s)) * period_s
    packetizer = Packetizer(period_s, scaling_for(16, 2000, 16, 2000), SAMPLES_PER_PACKET, TickClock(0.0))
    data: list[bytes] = []
    for start in range(0, len(time_s), SAMPLES_PER_PACKET):
        part = slice(start, start + SAMPLES_PER_PACKET)
        packetizer.push(time_s[part], samples.acc_mps2[part], samples.gyr_radps[part])
        while (packet := packetizer.pop()) is not None:
            data.append(packet)
    ready_s = tuple((i + 1) * SAMPLES_PER_PACKET * period_s for i in range(len(data)))
    return Packets(tuple(data), ready_s, ready_s[-1], round(1e6 * ready_s[-1]))


def arrivals(first: Packets, again: Packets, until_s: float, seed: int) -> Iterator[tuple[float, bytes]]:
    """Packets with their arrival times: once ``first``, then ``again`` over and over with counters going on."""
    rng = np.random.default_rng(seed)
    base_s, base_us, number = 0.0, 0, 0
    part = first
    while base_s < until_s:
        for ready_s, data in zip(part.ready_s, part.data, strict=True):
            if base_s + ready_s > until_s:
                return
            changed = bytearray(data)
            tick_us = _HEAD.unpack_from(data)[1] + base_us
            _HEAD.pack_into(changed, 0, number & 0xFFFFFFFF, tick_us & 0xFFFFFFFF)
            yield base_s + ready_s + 0.003 + CONNECTION_S * float(rng.random()), bytes(changed)
            number += 1
        base_s, base_us = base_s + part.end_s, base_us + part.end_us
        part = again


def numbered(pod: int, sent: Iterable[tuple[float, bytes]]) -> Iterator[tuple[float, int, bytes]]:
    """The same with the pod's number, to be merged with others."""
    return ((at_s, pod, data) for at_s, data in sent)


def engine(feet: tuple[Foot, ...] = FEET) -> SessionEngine:
    """An engine whose pods stream from 0 on."""
    made = SessionEngine([EnginePod(f"BENCH-{foot}", foot) for foot in feet])
    for number in range(len(feet)):
        made.up(number, 0.0, StreamUp(boot_id=number + 1, tick_us=0, acc_range_g=16.0, gyr_range_dps=2000.0))
    return made
