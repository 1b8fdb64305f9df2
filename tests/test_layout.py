"""Where things may stand, so that the standard library stays reachable and modules stay readable."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = {
    "firmware_protocol": ROOT / "firmware_protocol",
    "gait_signal": ROOT / "signal" / "gait_signal",
    "sensor_bridge": ROOT / "sensor_bridge",
}
MAX_LINES = 450


def test_signal_holds_no_module_of_its_own() -> None:
    """A package or module there would shadow the standard library's and break asyncio."""
    assert not list((ROOT / "signal").glob("*.py"))
    assert not (ROOT / "tests" / "signal").exists()


def test_signal_is_the_standard_librarys_from_the_root() -> None:
    program = "import signal, asyncio; print(signal.__file__); asyncio.run(asyncio.sleep(0))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()) == Path(sysconfig.get_path("stdlib"), "signal.py")


@pytest.mark.parametrize("name", PACKAGES)
def test_packages_say_that_they_are_typed(name: str) -> None:
    assert (PACKAGES[name] / "py.typed").is_file()


@pytest.mark.parametrize("name", PACKAGES)
def test_modules_stay_short(name: str) -> None:
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in PACKAGES[name].rglob("*.py")}
    assert lengths
    too_long = {str(path.relative_to(ROOT)): length for path, length in lengths.items() if length > MAX_LINES}
    assert not too_long


def test_tests_have_no_packages() -> None:
    """Import mode importlib: an __init__ would give test modules names that clash."""
    assert not list((ROOT / "tests").rglob("__init__.py"))


@pytest.mark.parametrize("package", ["firmware_protocol", "gait_signal"])
def test_the_cores_import_neither_each_other_nor_the_application(package: str) -> None:
    others = sorted({*PACKAGES} - {package})
    program = (
        "import importlib, pkgutil, sys\n"
        f"package = importlib.import_module({package!r})\n"
        "for info in pkgutil.walk_packages(package.__path__, package.__name__ + '.'):\n"
        "    importlib.import_module(info.name)\n"
        f"print(*sorted(set({others!r}) & sys.modules.keys()))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={"PYTHONPATH": f"{ROOT}:{ROOT / 'signal'}"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == ""
