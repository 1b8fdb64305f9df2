"""``shoepod run``."""

from __future__ import annotations

import argparse
import asyncio

from ..home import Home
from ..live import LiveOptions, LiveResult, run_live
from ..radio import open_radio
from ..reporting import write_report
from ..settings import Settings
from .common import home_and_settings


def execute(arguments: argparse.Namespace) -> int:
    """Run a session, print its summary and write its report."""
    home, settings = home_and_settings(arguments.config)
    radio = open_radio(arguments.radio, insecure_lan=arguments.insecure_lan)  # refuses a wrong address at once
    options = LiveOptions(arguments.seconds, arguments.resume, arguments.plain)

    async def run(home: Home, settings: Settings) -> LiveResult:
        async with radio as opened:
            return await run_live(home, settings, opened, options)

    with home.lock():
        result = asyncio.run(run(home, settings))
    print(result.summary)
    print(f"Report: {write_report(home, result.session_id)}")
    return 0
