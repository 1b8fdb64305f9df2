"""Time per sample and per packet: the core against VQF, the live engine, its growth with pods.

Processor time of the measuring thread, so that other work on the machine counts as little as it can.
"""

from __future__ import annotations

import heapq
import importlib.metadata
import time
from statistics import median
from typing import Any

import numpy as np

from gait_signal import FEET, Foot, GaitCore, Step

from .material import SAMPLES_PER_PACKET, arrivals, blocks, engine, numbered, packets, runner, whole


class Absent(Exception):
    """Something cannot be measured here; says why."""


def core(seconds: float, repeats: int) -> dict[str, Any]:
    """The whole core, as the batch command runs it: both feet, in blocks of 0.25 s."""
    recording = runner(seconds)
    stream = blocks(recording)
    samples = sum(len(block) for _, block in stream)
    took_ns, steps = [], 0
    for _ in range(repeats + 1):
        begun_ns = time.thread_time_ns()
        one = GaitCore()
        events = [event for foot, block in stream for event in one.process(foot, block)] + one.flush()
        took_ns.append((time.thread_time_ns() - begun_ns) / samples)
        steps = sum(isinstance(event, Step) for event in events)
    return {
        "samples": samples,
        "steps_found": steps,
        "ns_per_sample": round(median(took_ns[1:]), 1),
        "first_run_ns_per_sample": round(took_ns[0], 1),
        "repeats": repeats,
    }


def vqf(seconds: float, repeats: int) -> dict[str, Any]:
    """VQF's C++ batch filters, 6-axis, on the samples `core` takes."""
    try:
        from vqf import VQF, BasicVQF
    except ImportError:
        raise Absent("the package vqf is not installed (pip install 'shoepod[bench]')") from None
    recording = runner(seconds)
    motion = [
        (np.ascontiguousarray(samples.gyr_radps), np.ascontiguousarray(samples.acc_mps2))
        for samples in (whole(recording, foot) for foot in FEET)
    ]
    samples = sum(len(gyr) for gyr, _ in motion)
    found: dict[str, Any] = {"version": importlib.metadata.version("vqf")}
    for name, kind in (("vqf", VQF), ("basic_vqf", BasicVQF)):
        took_ns = []
        for _ in range(repeats + 1):
            filters = [kind(1.0 / recording.sample_rate_hz) for _ in motion]
            begun_ns = time.thread_time_ns()
            for one, (gyr, acc) in zip(filters, motion, strict=True):
                one.updateBatch(gyr, acc)
            took_ns.append((time.thread_time_ns() - begun_ns) / samples)
        found[f"{name}_ns_per_sample"] = round(median(took_ns[1:]), 1)
    return found


def live(seconds: float) -> dict[str, Any]:
    """Cost of a packet of 10 samples in a session with two pods."""
    found = {}
    for rate_hz in (200, 400):
        recording = runner(seconds, float(rate_hz))
        made = [packets(recording, foot) for foot in FEET]
        until_s = made[0].end_s
        streams = [numbered(pod, arrivals(p, p, until_s, pod)) for pod, p in enumerate(made)]
        session = engine()
        took_us = []
        for at_s, pod, data in heapq.merge(*streams):
            begun_ns = time.thread_time_ns()
            session.packet(pod, at_s, data)
            took_us.append((time.thread_time_ns() - begun_ns) / 1000.0)
        p50, p99, most = np.percentile(took_us, [50, 99, 100])
        found[f"{rate_hz}_hz"] = {
            "packets": len(took_us),
            "samples_per_packet": SAMPLES_PER_PACKET,
            "p50_us": round(float(p50), 1),
            "p99_us": round(float(p99), 1),
            "max_us": round(float(most), 1),
        }
    return found


def by_pods(seconds: float, repeats: int) -> dict[str, Any]:
    """Cost per sample with more and more pods at 200 Hz, two to a session, all in one process."""
    recording = runner(seconds)
    made: dict[Foot, Any] = {foot: packets(recording, foot) for foot in FEET}
    found = {}
    for count in (1, 2, 8, 32):
        per_sample_ns = []
        for _ in range(repeats):
            sessions = [engine(FEET[: min(2, count)]) for _ in range((count + 1) // 2)]
            streams = [
                numbered(pod, arrivals(p, p, p.end_s, pod))
                for pod, p in enumerate(made[FEET[i % 2]] for i in range(count))
            ]
            merged = [(at_s, *divmod(pod, 2), data) for at_s, pod, data in heapq.merge(*streams)]
            begun_ns = time.thread_time_ns()
            for at_s, number, pod, data in merged:
                sessions[number].packet(pod, at_s, data)
            per_sample_ns.append((time.thread_time_ns() - begun_ns) / (len(merged) * SAMPLES_PER_PACKET))
        cost_ns = median(per_sample_ns)
        found[str(count)] = {
            "ns_per_sample": round(cost_ns, 1),
            "share_of_one_processor": round(cost_ns * 1e-9 * recording.sample_rate_hz * count, 4),
        }
    return found
