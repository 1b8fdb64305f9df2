"""``shoepod virtual-pods``."""

from __future__ import annotations

import argparse
import asyncio
import secrets

from ..radio.hub import check_loopback, parse_address
from ..recording import load_recording
from ..virtual.cast import SIMULATED_TAG, Part, parts_of
from ..virtual.cluster import PodCluster, serve


def execute(arguments: argparse.Namespace) -> int:
    """Run virtual pods and their radio until stopped."""
    host, _ = parse_address(arguments.hub)
    check_loopback(host, insecure_lan=arguments.insecure_lan)
    parts, seed = _parts(arguments)
    cluster = PodCluster(
        parts,
        arguments.hub,
        insecure_lan=arguments.insecure_lan,
        respawn=arguments.respawn,
        seed=seed,
        say=_say,
    )
    try:
        asyncio.run(serve(cluster, _say))
    except KeyboardInterrupt:  # the ordinary end
        _say("stopped")
    return 0


def _parts(arguments: argparse.Namespace) -> tuple[list[Part], int]:
    if arguments.recording is not None:
        return parts_of(load_recording(arguments.recording)), 0
    import numpy as np

    from ..simulator import Scenario, simulate, write_recording

    seed = secrets.randbelow(1_000_000) if arguments.seed is None else arguments.seed
    simulation = simulate(Scenario.demo(arguments.seconds, np.random.default_rng(seed)), seed=seed)
    _say(f"simulated runner, seed {seed}, {arguments.seconds:g} s")
    if arguments.save is not None:
        write_recording(simulation, arguments.save)
        _say(f"recording and truth written to {arguments.save}")
    return parts_of(simulation.recording, simulation.pod_clock_ppm, SIMULATED_TAG), seed


def _say(line: str) -> None:
    print(line, flush=True)
