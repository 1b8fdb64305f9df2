"""``shoepod virtual-pods``."""

from __future__ import annotations

import argparse

from ..virtual.cluster import run_cluster


def execute(arguments: argparse.Namespace) -> int:
    """Run virtual pods until stopped."""
    return run_cluster(
        hub=arguments.hub,
        recording=arguments.recording,
        seconds=arguments.seconds,
        seed=arguments.seed,
        respawn=arguments.respawn,
        insecure_lan=arguments.insecure_lan,
    )
