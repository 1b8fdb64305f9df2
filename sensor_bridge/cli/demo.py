"""``shoepod demo``."""

from __future__ import annotations

import argparse
from dataclasses import replace

from ..demo import run_demo
from ..settings import InfluxSettings, MqttSettings
from .common import home_and_settings


def execute(arguments: argparse.Namespace) -> int:
    """Run the demo; the report's path is the last line."""
    _, settings = home_and_settings(arguments.config)
    if arguments.config is None:  # a simulated runner has no business on the runner's own servers
        settings = replace(settings, mqtt=MqttSettings(), influx=InfluxSettings())
    result = run_demo(
        settings,
        arguments.out,
        seconds=arguments.seconds,
        seed=arguments.seed,
        recording=arguments.recording,
        plain=arguments.plain,
    )
    print(result.summary)
    if result.verdict is not None:
        print(f"Against the simulator's truth (seed {result.seed}): {result.verdict}")
    print(f"Steps:  {result.steps}")
    print(f"Report: {result.report}")
    return 0
