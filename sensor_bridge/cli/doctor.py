"""``shoepod doctor``."""

from __future__ import annotations

import argparse

from ..doctor import Check, format_checks, run_checks
from ..errors import ConfigError
from ..home import Home
from ..settings import Settings
from .common import home_and_settings


def execute(arguments: argparse.Namespace) -> int:
    """Print the checks; 1 if something that a run needs does not work."""
    home, trouble = Home.locate(), ""
    try:
        home, settings = home_and_settings(arguments.config)
    except ConfigError as error:  # just then a check-up is wanted
        settings, trouble = Settings(), str(error)
    checks = run_checks(settings, home.data_dir, config_file=arguments.config or home.config_file)
    if trouble:
        checks = [check for check in checks if check.name != "settings"]
        fix = "Correct it; until then nothing but this check-up runs."
        checks.insert(0, Check("settings", "fail", f"{trouble}.", fix))
    print(format_checks(checks))
    return 1 if any(check.state == "fail" for check in checks) else 0
