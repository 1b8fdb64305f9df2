"""``shoepod validate``."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from datetime import datetime
from importlib.metadata import version

from ..errors import UsageError
from ..validation.console import sensitivity_text, validation_text
from ..validation.page import build_page
from ..validation.run import validate, validation_to_table


def execute(arguments: argparse.Namespace) -> int:
    """Compare the core with recordings that have a truth; print a table, write the page and the figures."""
    for path in filter(None, (arguments.out, arguments.json)):
        # Said before the work, not after it.
        if not path.absolute().parent.is_dir():
            raise UsageError(f"there is no folder {path.parent} to write {path.name} to; make it first")
    result = validate(
        arguments.folder,
        made=datetime.now().astimezone(),
        command=_command(arguments),
        version=version("shoepod"),
        with_sensitivity=arguments.sensitivity,
        tell=_tell if sys.stderr.isatty() else lambda _: None,
    )
    print(validation_text(result))
    if result.sensitivity:
        print(f"\n{sensitivity_text(result.sensitivity)}")
    arguments.out.write_text(build_page(result), encoding="utf-8")
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(validation_to_table(result), indent=1) + "\n", encoding="utf-8")
    print(f"\nPage: {arguments.out}")
    return 0


def _command(arguments: argparse.Namespace) -> str:
    words = ["shoepod", "validate", str(arguments.folder), *(["--sensitivity"] if arguments.sensitivity else [])]
    return shlex.join(words)


def _tell(what: str) -> None:
    print(f"{what} …", file=sys.stderr)
