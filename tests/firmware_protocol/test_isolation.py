"""The package needs nothing but the standard library, and does nothing but compute."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import firmware_protocol

PROGRAM = """
import sys
sys.path.insert(0, {root!r})
before = set(sys.modules)
import firmware_protocol, firmware_protocol.scales
tops = {{name.partition(".")[0] for name in set(sys.modules) - before}}
print(*sorted(tops - set(sys.stdlib_module_names) - {{"firmware_protocol"}}))
print(*sorted(tops & {{"asyncio", "socket", "subprocess", "threading", "time", "logging"}}))
"""


def test_imports_the_standard_library_only() -> None:
    """In an interpreter that cannot see any installed package."""
    root = str(Path(firmware_protocol.__file__).parent.parent)
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", PROGRAM.format(root=root)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    foreign, active = done.stdout.split("\n")[:2]
    assert foreign == ""
    assert active == ""
