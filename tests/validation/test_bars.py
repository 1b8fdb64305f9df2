"""The core against recordings with a truth, by a scorer that it never sees.

The recordings are no part of the project. They are looked for in ``$SHOEPOD_VALIDATION``, else in
``../shared/validation`` beside the repository.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def scores(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Result of the blind scorer over all recordings."""
    pack = Path(os.environ.get("SHOEPOD_VALIDATION", ROOT.parent / "shared" / "validation"))
    if not (pack / "score_all.py").exists():
        reason = "the validation recordings are not here (set SHOEPOD_VALIDATION to their folder)"
        if os.environ.get("SHOEPOD_REQUIRE_VALIDATION") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    out = tmp_path_factory.mktemp("validation") / "scores.json"
    command = f"{sys.executable} -m sensor_bridge.analyze {{recording}} --out {{out}}"
    subprocess.run(
        [sys.executable, str(pack / "score_all.py"), str(pack / "dev"), command, "--json", str(out), "--blind"],
        check=True,
        capture_output=True,
        cwd=ROOT,
        timeout=300,
    )
    scored: dict[str, Any] = json.loads(out.read_text())
    return scored


@pytest.fixture(scope="session")
def virtual(scores: dict[str, Any]) -> dict[str, Any]:
    return scores["pooled"]["virtual-from-mocap"]


@pytest.fixture(scope="session")
def jogs(scores: dict[str, Any]) -> dict[str, Any]:
    return scores["pooled"]["measured"]


def test_virtual_steps_are_found(virtual):
    assert virtual["steps"] >= 290
    assert virtual["missed_pct"] + virtual["false_pct"] <= 1.0
    assert virtual["lock_steps"] <= 3


def test_virtual_contact_times(virtual):
    assert abs(virtual["ic_ms"]["bias"]) <= 3.0
    assert virtual["ic_ms"]["sd"] <= 3.0
    assert abs(virtual["to_ms"]["bias"]) <= 4.0
    assert virtual["to_ms"]["sd"] <= 6.0
    assert abs(virtual["gct_ms"]["bias"]) <= 4.0
    assert virtual["gct_ms"]["sd"] <= 7.0


def test_virtual_strike(virtual):
    assert virtual["angle_deg"]["rmse"] <= 1.6
    strike = virtual["strike"]
    assert strike["heel_balanced_accuracy"] >= 98.0
    assert strike["balanced_accuracy_clear"] >= 95.0
    assert abs(strike["fast_accuracy"] - strike["accuracy"]) <= 2.0


def test_virtual_decisions_are_in_time(virtual):
    assert virtual["latency_ms"]["p95"] <= 25.0
    assert virtual["decided_before_toe_off_pct"] >= 99.0
    assert virtual["decided_before_contact"] == 0


def test_virtual_knee_drive_beats_speed_alone(virtual):
    assert virtual["knee_deg"]["mae"] <= 2.0


def test_real_jogs(jogs):
    assert jogs["steps"] == 85
    assert round(jogs["missed_pct"] * 0.85) <= 4
    assert round(jogs["false_pct"] * 0.85) <= 4
    assert jogs["ic_ms"]["madsd"] <= 12.0


def test_walking_is_walking(scores):
    walks = scores["pooled"]["measured, walking"]
    assert round(walks["missed_pct"] * 0.45) <= 3
    assert walks["false_pct"] == 0.0
    for name, found in scores["recordings"].items():
        for counts in (found["aggregate"] or {}).values():
            assert counts["strides_found"] == pytest.approx(counts["strides_true"], abs=2), name
