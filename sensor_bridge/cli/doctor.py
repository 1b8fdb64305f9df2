"""``shoepod doctor``."""

from __future__ import annotations

import argparse

from ..doctor import format_checks, run_checks
from .common import home_and_settings


def execute(arguments: argparse.Namespace) -> int:
    """Print the checks; 1 if something that a run needs does not work."""
    home, settings = home_and_settings(arguments.config)
    checks = run_checks(settings, home.data_dir, config_file=arguments.config or home.config_file)
    print(format_checks(checks))
    return 1 if any(check.state == "fail" for check in checks) else 0
