"""A recording folder through the core, exactly as a live session would go through it."""

from __future__ import annotations

import argparse
import heapq
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np

from gait_signal import FEET, Foot, GaitCore, ImuBlock, Step
from gait_signal.params import GRAVITY_MPS2

from .errors import BridgeError, RecordingError
from .recording import PodSamples, Recording, load_recording
from .steps_csv import write_steps_csv

Pods = Literal["feet", "all"]

_BLOCK_S = 0.25
_STAND_TO_RUN_S = 1.0
_CLIPPED_SHARE = 0.995  # of the range: scale errors keep a clipped reading just under it


def analyze_recording(recording: Recording, pods: Pods = "feet") -> list[Step]:
    """All steps of a recording, in the order of their contacts.

    The stand, where there is one, goes first through the same stream and ends 1 s before the run begins.

    Parameters
    ----------
    pods : {"feet", "all"}
        ``all`` also uses thigh pods for a direct knee drive where there are any.

    Raises
    ------
    RecordingError
        The recording has no foot pod.
    """
    feet: list[Foot] = [foot for foot in FEET if f"{foot}_foot" in recording.pods]
    if not feet:
        msg = f"recording {recording.name} has no foot pod"
        raise RecordingError(msg)
    core = GaitCore(feet)
    steps: list[Step] = []
    streams = [_blocks(recording, foot) for foot in feet]
    # In time order, as radio packets would come.
    for _, foot, block in heapq.merge(*streams, key=lambda item: item[:2]):
        steps += [event for event in core.process(foot, block) if isinstance(event, Step)]
    steps += [event for event in core.flush() if isinstance(event, Step)]
    return sorted(steps, key=lambda step: (step.ic_s, step.foot))


def _blocks(recording: Recording, foot: Foot) -> Iterator[tuple[float, Foot, ImuBlock]]:
    name = f"{foot}_foot"
    run = recording.pods[name]
    stand = recording.standing.get(name)
    parts = [run]
    if stand is not None:
        shift_s = run.time_s[0] - _STAND_TO_RUN_S - stand.time_s[-1]
        parts.insert(0, PodSamples(stand.time_s + shift_s, stand.acc_mps2, stand.gyr_radps))
    length = max(1, round(_BLOCK_S * recording.sample_rate_hz))
    for part in parts:
        for start in range(0, len(part.time_s), length):
            block = imu_block(part, slice(start, start + length), recording.acc_range_g, recording.gyr_range_dps)
            yield float(block.time_s[-1]), foot, block


def imu_block(samples: PodSamples, where: slice, acc_range_g: float, gyr_range_dps: float) -> ImuBlock:
    """Part of a pod's samples as the core takes them, with readings at the end of the range marked."""
    acc = samples.acc_mps2[where]
    gyr = samples.gyr_radps[where]
    acc_end = _CLIPPED_SHARE * acc_range_g * GRAVITY_MPS2
    gyr_end = _CLIPPED_SHARE * math.radians(gyr_range_dps)
    return ImuBlock(
        samples.time_s[where],
        acc,
        gyr,
        np.asarray((np.abs(acc) >= acc_end).any(axis=1)),
        np.asarray((np.abs(gyr) >= gyr_end).any(axis=1)),
    )


def main(argv: list[str] | None = None) -> int:
    """``python -m sensor_bridge.analyze RECORDING --out STEPS.csv``: the core alone, for measuring it."""
    parser = argparse.ArgumentParser(prog="sensor_bridge.analyze")
    parser.add_argument("recording", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--pods", choices=("feet", "all"), default="feet")
    arguments = parser.parse_args(argv)
    try:
        steps = analyze_recording(load_recording(arguments.recording), arguments.pods)
        write_steps_csv(arguments.out, steps)
    except BridgeError as error:
        print(f"shoepod: {error}", file=sys.stderr)
        return error.exit_code
    except OSError as error:
        print(f"shoepod: {arguments.out} cannot be written: {error.strerror}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
