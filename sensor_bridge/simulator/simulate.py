"""From a scenario and a seed to what the pods recorded, with the exact truth."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gait_signal.types import FloatArray, Foot
from sensor_bridge.recording import POD_NAMES, PodSamples, Recording
from sensor_bridge.simulator.leg import Leg
from sensor_bridge.simulator.motion import Motion, build_motion
from sensor_bridge.simulator.placement import standing_thigh_rad
from sensor_bridge.simulator.pod import Clip, segment_signals
from sensor_bridge.simulator.rotation import Attitude
from sensor_bridge.simulator.scenario import Mounting, Scenario
from sensor_bridge.simulator.sensor import PodSensor, SensorModel
from sensor_bridge.simulator.trunk import GRAVITY_MPS2
from sensor_bridge.simulator.truth import TruthStep, true_steps

STANDING_S = 5.0
_INNER_RATE_HZ = 2000.0  # at least
_PIECE_S = 20.0  # bounds the memory, whatever the length
_WARM_UP_S = 0.25  # lets the sensor's filter forget its start
_CLOCK_SD_PPM = 20.0
_CLOCK_MOST_PPM = 60.0
_SWAY_HZ = (0.31, 0.47)


@dataclass(frozen=True, slots=True)
class Simulation:
    """A simulated session.

    Attributes
    ----------
    recording : Recording
        What the pods felt, in their sensor frames, sampled on an ideal clock: ``time_s`` is true time, from 0. A
        stand of 5 s before it, on a time axis of its own.
    truth : tuple of TruthStep
        Every contact, on the same time.
    pod_clock_ppm : mapping of pod name to float
        How much too fast each pod's own clock runs. Nothing in ``recording`` contains it: who plays the recording as a
        pod turns true time into ticks with it.
    scenario : Scenario
    seed : int
    """

    recording: Recording
    truth: tuple[TruthStep, ...]
    pod_clock_ppm: Mapping[str, float]
    scenario: Scenario
    seed: int


def simulate(
    scenario: Scenario,
    *,
    seed: int,
    rate_hz: float = 200.0,
    sensor: SensorModel | None = None,
    pods: Sequence[str] = ("left_foot", "right_foot"),
) -> Simulation:
    """Let the runner run.

    Parameters
    ----------
    scenario : Scenario
    seed : int
        The same scenario, seed and pods give the same result, bit for bit; a pod does not depend on which others there
        are.
    rate_hz : float
        Sample rate, 25 to 1000.
    sensor : SensorModel, optional
    pods : sequence of str
        Any of ``left_foot right_foot left_thigh right_thigh``.

    Returns
    -------
    Simulation

    Raises
    ------
    ValueError
        For an unknown pod or a rate out of range.
    """
    if not (math.isfinite(rate_hz) and 25.0 <= rate_hz <= 1000.0):
        raise ValueError(f"rate_hz must lie between 25 and 1000, not {rate_hz!r}")
    unknown = [pod for pod in pods if pod not in POD_NAMES]
    if unknown or not pods:
        raise ValueError(f"pods must be some of {', '.join(POD_NAMES)}, not {', '.join(unknown) or 'none'}")
    model = sensor or SensorModel()
    motion = build_motion(scenario, np.random.default_rng([seed, 0]))
    run: dict[str, PodSamples] = {}
    stand: dict[str, PodSamples] = {}
    clocks: dict[str, float] = {}
    for pod in pods:
        rng = np.random.default_rng([seed, 1 + POD_NAMES.index(pod)])
        run[pod], stand[pod] = _one_pod(pod, scenario=scenario, motion=motion, model=model, rate_hz=rate_hz, rng=rng)
        drift = _CLOCK_SD_PPM * rng.standard_normal()
        clocks[pod] = float(np.clip(drift, -_CLOCK_MOST_PPM, _CLOCK_MOST_PPM))
    recording = Recording(
        name=scenario.name,
        sample_rate_hz=rate_hz,
        acc_range_g=model.acc_range_g,
        gyr_range_dps=model.gyr_range_dps,
        pods=run,
        standing=stand,
    )
    return Simulation(recording, true_steps(motion, scenario.duration_s), clocks, scenario, seed)


def random_mounting(pod: str, rng: np.random.Generator) -> Mounting:
    """Draw how a pod sits: on laces it points down by 10 to 35 degrees, on a thigh it lies flat."""
    nose_down = rng.uniform(10.0, 35.0) if pod.endswith("foot") else rng.uniform(-8.0, 8.0)
    return Mounting(float(rng.uniform(-12.0, 12.0)), float(nose_down), float(rng.uniform(-8.0, 8.0)))


def _one_pod(
    pod: str,
    *,
    scenario: Scenario,
    motion: Motion,
    model: SensorModel,
    rate_hz: float,
    rng: np.random.Generator,
) -> tuple[PodSamples, PodSamples]:
    side, segment = pod.split("_")
    foot: Foot = "left" if side == "left" else "right"
    leg = motion.legs[foot]
    per_sample = math.ceil(_INNER_RATE_HZ / rate_hz)
    inner_hz = per_sample * rate_hz
    drawn = random_mounting(pod, rng)
    clip = Clip.random(rng)
    built = PodSensor(model, scenario.mountings.get(pod, drawn), rate_hz, inner_hz, rng)
    count = math.ceil(scenario.duration_s * rate_hz - 1e-9)
    pieces = [
        built.read(time_s, filtered)
        for time_s, filtered in _running_pieces(
            leg, segment, clip, built, rate_hz=rate_hz, per_sample=per_sample, count=count
        )
    ]
    run = PodSamples(
        *(np.concatenate([getattr(piece, name) for piece in pieces]) for name in ("time_s", "acc_mps2", "gyr_radps"))
    )
    built.restart()
    return run, built.read(*_standing(leg, segment, built, rate_hz, rng))


def _running_pieces(
    leg: Leg, segment: str, clip: Clip, built: PodSensor, *, rate_hz: float, per_sample: int, count: int
) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Sample times and filtered signals, piece by piece, so that an hour needs no more memory than a minute."""
    inner_s = 1.0 / (rate_hz * per_sample)
    warm_up = round(_WARM_UP_S / inner_s) + built.delay_samples
    # The output of instant i lags by delay_samples: start that much early, so that picks fall on sample times.
    start = built.delay_samples - warm_up
    acc, gyr = segment_signals(leg, segment, clip, start_s=start * inner_s, step_s=inner_s, count=warm_up)
    built.filter(acc, gyr)
    per_piece = max(1, round(_PIECE_S * rate_hz))
    for first in range(0, count, per_piece):
        samples = min(per_piece, count - first)
        inner_first = first * per_sample + built.delay_samples
        acc, gyr = segment_signals(
            leg,
            segment,
            clip,
            start_s=inner_first * inner_s,
            step_s=inner_s,
            count=samples * per_sample,
        )
        filtered = built.filter(acc, gyr)[:, ::per_sample]
        yield (first + np.arange(samples)) / rate_hz, filtered


def _standing(
    leg: Leg, segment: str, built: PodSensor, rate_hz: float, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Quiet standing with its slow sway: gravity alone; sample times and signals, shape (6, n)."""
    time_s = np.arange(round(STANDING_S * rate_hz)) / rate_hz
    sway_deg = 0.05 if segment == "foot" else 0.4
    phase = rng.uniform(0.0, 2.0 * np.pi, 2)
    padded = np.concatenate([[time_s[0] - 1.0 / rate_hz], time_s, [time_s[-1] + 1.0 / rate_hz]])
    pitch, roll = (
        np.radians(sway_deg) * np.sin(2.0 * np.pi * hz * padded + p) for hz, p in zip(_SWAY_HZ, phase, strict=True)
    )
    if segment == "thigh":
        pitch = pitch + standing_thigh_rad(leg.body)
    attitude = Attitude(np.zeros_like(padded), pitch, roll)
    gravity = np.zeros((3, time_s.size))
    gravity[2] = GRAVITY_MPS2
    return time_s, built.filter(attitude.inner().apply_inverse(gravity), attitude.body_rates(1.0 / rate_hz))
