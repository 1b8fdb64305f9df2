"""``shoepod report``."""

from __future__ import annotations

import argparse

from ..home import Home
from ..reporting import write_report


def execute(arguments: argparse.Namespace) -> int:
    """Write the report and print its path."""
    print(write_report(Home.locate(), arguments.session, arguments.out))
    return 0
