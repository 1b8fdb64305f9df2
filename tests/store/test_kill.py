"""The store after a kill and with a full disk, each in a real process."""

from __future__ import annotations

import importlib.util
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gait_signal.types import Step
from sensor_bridge.home import Home
from sensor_bridge.store import (
    ArchiveReader,
    Outbox,
    RecordKind,
    close_interrupted,
    list_sessions,
    load_session,
)

CHILD = Path(__file__).with_name("writer_child.py")
ROOT = Path(__file__).parents[2]


def start_child(home: Home, *arguments: str) -> subprocess.Popen[str]:
    environ = {**os.environ, "SHOEPOD_HOME": str(home.config_dir), "PYTHONPATH": f"{ROOT}:{ROOT / 'signal'}"}
    return subprocess.Popen(
        [sys.executable, str(CHILD), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environ,
    )


def step_of(number: int) -> Step:
    spec = importlib.util.spec_from_file_location("writer_child", CHILD)
    assert spec is not None
    assert spec.loader is not None
    child: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(child)
    return child.step_of(number)


def numbers_in(archive: Path) -> list[int]:
    return [
        int.from_bytes(record.payload[:4], "little")
        for record in ArchiveReader(archive)
        if record.kind is RecordKind.PACKET
    ]


def reanalyze(archive: Path) -> Iterator[Step]:
    """Stand in for the engine: every packet gives the step whose number it holds."""
    return map(step_of, numbers_in(archive))


@pytest.mark.parametrize("seed", range(6))
def test_a_kill_loses_nothing_that_was_stored(home: Home, seed: int) -> None:
    lines = random.Random(seed).randrange(2, 60)
    with start_child(home, "kill") as child:
        assert child.stdout is not None
        told = [int(child.stdout.readline()) for _ in range(lines)]
        child.kill()
        told += [int(line) for line in child.stdout.read().split("\n")[:-1]]

    assert [s.state for s in list_sessions(home)] == ["interrupted"]
    record = load_session(home, "last")
    stored = [step.step_id for step in record.steps]
    packets = numbers_in(record.archive)
    assert stored[: told[-1]] == list(range(1, told[-1] + 1))
    assert packets == list(range(1, len(packets) + 1))
    assert stored == packets[: len(stored)], "a stored result has its packet"
    assert record.summary.steps == len(stored)
    assert record.pending == {"mqtt": len(stored)}

    [recovered] = close_interrupted(home, reanalyze)
    assert recovered.problem == ""
    assert recovered.steps_added == len(packets) - len(stored)
    record = load_session(home, "last")
    assert [step.step_id for step in record.steps] == packets
    assert record.summary.steps == len(packets)
    assert record.summary.state == "interrupted"
    assert record.summary.ended_utc is not None
    outbox = Outbox(home.database)
    assert [row.payload["step_id"] for row in outbox.peek("mqtt", 10_000)] == packets
    outbox.close()
    assert close_interrupted(home, reanalyze) == []


@pytest.mark.parametrize(("mode", "limit"), [("archive", 400_000), ("database", 400_000)])
def test_a_full_disk_is_said_once_and_what_is_stored_stays_readable(home: Home, mode: str, limit: int) -> None:
    with start_child(home, mode, str(limit)) as child:
        out, errors = child.communicate(timeout=60)
    assert (child.returncode, errors) == (0, "")
    [sentence] = out.splitlines()
    assert sentence.startswith("Storing has stopped, the run goes on: ")

    record = load_session(home, "last")
    assert record.summary.state == "interrupted"
    assert 0 < len(record.steps) < 3000
    reader = ArchiveReader(record.archive)
    packets = sum(r.kind is RecordKind.PACKET for r in reader)
    assert reader.left_over_bytes == 0
    assert packets >= len(record.steps)
    assert record.steps == [step_of(i) for i in range(1, len(record.steps) + 1)]
    [recovered] = close_interrupted(home, reanalyze)
    assert recovered.steps_added == packets - len(record.steps)
    assert len(load_session(home, "last").steps) == packets


def test_a_disk_that_is_full_from_the_start_is_a_notice(home: Home) -> None:
    with start_child(home, "start", "1") as child:
        out, errors = child.communicate(timeout=60)
    assert (child.returncode, errors) == (0, "")
    assert len(out.splitlines()) == 1
