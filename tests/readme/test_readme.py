"""Every command in the README is run, or, where that takes a system of its own, checked against what runs it."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from sensor_bridge.cli.main import build_parser
from tests.soak.rig import shoepod, virtual_pods

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
LINES = [line for block in BLOCKS for line in block.splitlines() if line.strip()]
INLINE = sorted(set(re.findall(r"`(shoepod [^`]+|make [^`]+)`", README)))
# Nothing works on a machine without Bluetooth, or with a server switched off: the command says so.
MAY_FAIL = ("shoepod doctor", "shoepod sync")


def test_there_are_commands() -> None:
    assert len(LINES) > 12
    assert all(line.startswith(("shoepod ", "make ")) for line in LINES)


def test_make_knows_the_targets() -> None:
    targets = sorted({line.split()[1] for line in LINES + INLINE if line.startswith("make ")})
    assert {"demo", "test", "check", "bench", "soak"} <= set(targets)
    # The tests run inside `make test`; what a target would do is printed, not done.
    done = subprocess.run(["make", "-n", *targets], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_ci_runs_the_targets_that_the_tests_cannot() -> None:
    script = (ROOT / ".ci" / "run").read_text()
    for target in ("make check", "make test", "make demo", "make package"):
        assert target in script
    assert "pip install" in (ROOT / "Makefile").read_text()


@pytest.mark.parametrize("line", [line for line in INLINE if line.startswith("shoepod ")])
def test_commands_in_the_text_are_real(line: str) -> None:
    words = shlex.split(line)[1:]
    if len(words) == 1 and words[0] in ("analyze", "report", "run"):
        assert words[0] in build_parser().format_help()
        return
    build_parser().parse_args(words)


def test_every_command_of_the_blocks_works_in_order(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "shoepod.toml").write_text("[mqtt]\nenabled = true\nport = 9\ntimeout_s = 0.5\n")
    paths = {"PYTHONPATH": f"{ROOT}:{ROOT / 'signal'}"}
    with virtual_pods(tmp_path, seed=4, seconds=200.0) as pods:
        for line in LINES:
            words = shlex.split(line)[1:]
            if line.startswith("make "):
                continue
            if words[0] == "virtual-pods":  # as in another terminal; what it writes is there once it listens
                own = [re.sub(r":\d+$", ":0", word) for word in words]
                with shoepod(tmp_path, *own, cwd=tmp_path, environment=paths) as process:
                    process.wait_for("radio hub on port")
                continue
            if words[0] == "run":  # without a radio of the machine, the hub's
                words = [word for word in words if not word.startswith("hub://")]
                words = [word for word in words if word != "--radio"] + ["--radio", pods.radio]
            done = subprocess.run(
                [sys.executable, "-m", "sensor_bridge", *words],
                cwd=tmp_path,
                env={**os.environ, "SHOEPOD_HOME": str(home), **paths},
                capture_output=True,
                text=True,
                timeout=120,
            )
            assert "Traceback" not in done.stderr, f"{line}: {done.stderr}"
            assert done.returncode in ((0, 1) if line in MAY_FAIL else (0,)), f"{line}: {done.stderr}{done.stdout}"
            assert done.stdout.strip(), line
    for name in ("steps.csv", "simulated.csv", "last.csv"):
        assert (tmp_path / name).read_text().startswith("foot,activity,ic_s,")
    assert "<svg" in next(home.glob("data/sessions/*/report.html")).read_text()
    assert "<svg" in (tmp_path / "validation.html").read_text()
