"""Runs the checks side by side and prints what they found.

A check that hangs or fails is itself a finding: nothing here raises.
"""

from __future__ import annotations

import textwrap
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from ..settings import Settings
from ..wording import printable
from . import bluetooth, computer, servers
from .check import Check, CheckFunction, Context, State
from .probes import Probes

CHECK_TIMEOUT_S: Final = 10.0
_WIDTH: Final = 100
_SIGNS: Final[dict[State, str]] = {"ok": "ok", "warn": "warn", "fail": "FAIL", "skip": "-"}

_CHECKS: Final[dict[str, CheckFunction]] = {
    "Python": computer.python,
    "settings": computer.settings_file,
    "container": computer.container,
    "Bluetooth adapter": bluetooth.adapter,
    "rfkill": bluetooth.rfkill,
    "bluetoothd": bluetooth.bluetoothd,
    "D-Bus": bluetooth.dbus,
    "pod links": bluetooth.pod_links,
    "broker": servers.broker,
    "database": servers.database,
    "audio": computer.audio,
    "disk space": computer.disk,
    "data folder": computer.permissions,
    "other bridge": computer.other_bridge,
}


def run_checks(
    settings: Settings,
    home_path: Path,
    probes: Probes | None = None,
    timeout_s: float = CHECK_TIMEOUT_S,
    *,
    config_file: Path | None = None,
) -> list[Check]:
    """Run all checks.

    Parameters
    ----------
    settings : Settings
    home_path : Path
        The data folder; it need not exist.
    probes : Probes, optional
        This computer's by default.
    timeout_s : float
        For all checks together.
    config_file : Path, optional
        Where the settings are looked for; it need not exist.

    Returns
    -------
    list of Check
        In the order in which things depend on each other.
    """
    context = Context(settings, home_path, probes if probes is not None else Probes(), config_file)
    found: dict[str, Check] = {}

    def run(name: str, check: CheckFunction) -> None:
        try:
            found[name] = check(name, context)
        except Exception as error:
            found[name] = Check(
                name,
                "warn",
                f"The check itself failed ({type(error).__name__}: {printable(str(error))}).",
                "Report this to the makers of shoepod; the run may work all the same.",
            )

    # Daemons: a check that hangs in the system must not keep the program from ending.
    threads = [
        threading.Thread(target=run, args=item, name=f"doctor {item[0]}", daemon=True) for item in _CHECKS.items()
    ]
    for thread in threads:
        thread.start()
    until_s = time.monotonic() + timeout_s
    for thread in threads:
        thread.join(max(0.0, until_s - time.monotonic()))
    return [found.get(name) or _too_late(name, timeout_s) for name in _CHECKS]


def _too_late(name: str, timeout_s: float) -> Check:
    return Check(
        name,
        "fail",
        f"No answer within {timeout_s:g} s.",
        "Restart the service behind it, or the computer, and try again.",
    )


def format_checks(checks: Iterable[Check]) -> str:
    """Return the findings as plain lines, each fix below its finding."""
    rows = list(checks)
    width = max((len(check.name) for check in rows), default=0)
    lines: list[str] = []
    for check in rows:
        head = f"{_SIGNS[check.state]:<5}{check.name:<{width}}  "
        blank = " " * len(head)
        lines += _wrapped(check.finding, head, blank)
        if check.fix:
            lines += _wrapped(check.fix, f"{blank}-> ", f"{blank}   ")
    failed = [check.name for check in rows if check.state == "fail"]
    lines += ["", f"Does not work: {', '.join(failed)}." if failed else "Everything that a run needs works."]
    return "\n".join(lines)


def _wrapped(text: str, first: str, others: str) -> list[str]:
    # Commands and paths must survive being copied.
    return textwrap.wrap(
        text, _WIDTH, initial_indent=first, subsequent_indent=others, break_on_hyphens=False, break_long_words=False
    )
