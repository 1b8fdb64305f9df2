"""``shoepod validate``: blind to the truth, its page, its complaints, and a second scorer."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gait_signal.types import STRIKES, Activity
from sensor_bridge.analyze import analyze_recording
from sensor_bridge.cli.main import main
from sensor_bridge.errors import RecordingError
from sensor_bridge.recording import load_recording
from sensor_bridge.validation.outcome import judge
from sensor_bridge.validation.page import build_page
from sensor_bridge.validation.run import Validation, validate, validation_to_table
from sensor_bridge.validation.summary import Summary
from sensor_bridge.validation.truth_files import load_truth
from tests.validation.by_hand import MADE, Page, found_step, made_of, run_of, truth_of

PACK = Path(os.environ.get("SHOEPOD_VALIDATION", Path(__file__).parents[3] / "shared" / "validation"))


def test_the_core_never_sees_the_truth(recordings: Path, tmp_path: Path):
    def run(folder: Path) -> Summary:
        return validate(folder, made=MADE, command="", version="").pooled()[0]

    truth = (recordings / "sim" / "truth_steps.csv").read_text().splitlines()
    for path in (recordings / "sim").iterdir():
        (tmp_path / path.name).write_text(path.read_text())
    moved = [line.split(",") for line in truth[1:]]
    for cells in moved:
        cells[1] = f"{float(cells[1]) + 0.010:.5f}"
    (tmp_path / "truth_steps.csv").write_text("\n".join([truth[0], *(",".join(cells) for cells in moved)]) + "\n")
    toml = (tmp_path / "recording.toml").read_text().replace('kind = "simulated"', 'kind = "other"\nspeed_mps = 9.0')
    (tmp_path / "recording.toml").write_text(toml)
    before, after = run(recordings).stats["ic"], run(tmp_path).stats["ic"]
    assert before is not None
    assert after is not None
    assert after.n == before.n
    assert after.bias == pytest.approx(before.bias - 10.0, abs=1e-6)
    assert after.sd == pytest.approx(before.sd, abs=1e-6)


def test_a_simulated_session_is_read_whole(recordings: Path):
    truth = load_truth(recordings / "sim")
    assert {step.activity for step in truth.other_steps} == {"walking", "in_place"}
    assert len(truth.steps) > 40
    groups = {o.group for o in judge(truth, analyze_recording(load_recording(recordings / "sim")))}
    assert groups == {"simulated", "simulated, walking", "simulated, in_place"}


def by_hand(**changes: Any) -> Validation:
    true = run_of(24, STRIKES)
    steps = [
        found_step(s, late_s=0.001 * (i % 7 - 3), strike_angle_rad=(s.strike_angle_rad or 0.0) + 0.01 * (i % 3))
        for i, s in enumerate(true)
        if i != 30
    ]
    steps.append(found_step(true[20], late_s=0.3))
    return made_of(judge(truth_of(true, **changes), steps))


def test_the_page_holds_what_a_researcher_looks_for():
    page = Page(build_page(by_hand(notes=("marker speed rule",), qualities=("force 30 N",))))
    assert len(page.ids) == len(set(page.ids))
    assert {"g0-agreement-contact_time", "g0-agreement-strike_angle", "g0-agreement-knee_drive"} <= set(page.ids)
    assert {"g0-ic", "g0-to", "g0-latency", "g0-speed-contact_time", "limits", "rules"} <= set(page.ids)
    for words in (
        "12 July 2026, 18:03 UTC",
        "shoepod 0.1.0, gait core 1",
        "shoepod validate runs",
        "42 true steps in 1 recording: 1 missed, 1 false.",
        "Stated standard deviation of the true contact: 3 ms.",
        "marker speed rule",
        "force 30 N",
        "97.6 % before toe-off",
    ):
        assert words in page.text


def test_the_page_loads_nothing_and_runs_nothing():
    html = build_page(by_hand())
    page = Page(html)
    assert not {tag for tag, _ in page.tags} & {"script", "link", "img", "iframe", "object", "form", "a", "base"}
    assert not re.search(r"url\(|@import|https?:", html)
    assert not [name for _, attrs in page.tags for name in attrs if name.startswith("on") or name in ("src", "href")]
    assert "default-src 'none'" in html


def test_words_from_outside_are_escaped():
    hostile = "<script>alert(1)</script>\"'&<img src=x onerror=alert(2)>\x1b[2J"
    validation = by_hand(name=hostile, kind=hostile, notes=(hostile,), citation=hostile, qualities=(hostile,))
    page = Page(build_page(replace(validation, command=hostile, version=hostile)))
    assert not {tag for tag, _ in page.tags} & {"script", "img"}
    assert "\x1b" not in page.text
    assert "alert(1)" in page.text


@pytest.mark.parametrize("activity", ["running", "walking"])
def test_empty_truths_make_a_page_too(activity: Activity):
    Page(build_page(made_of(judge(truth_of([], activity=activity), []))))


def test_the_command_writes_page_figures_and_a_table(recordings: Path, tmp_path: Path, capsys: Any):
    page, figures = tmp_path / "page.html", tmp_path / "figures.json"
    assert main(["validate", str(recordings), "--out", str(page), "--json", str(figures)]) == 0
    out = capsys.readouterr().out
    assert re.search(r"^all simulated +\d+ +\d+", out, re.MULTILINE)
    assert str(page) in out
    Page(page.read_text(encoding="utf-8"))
    pooled = json.loads(figures.read_text())["pooled"]
    assert pooled["simulated"]["steps"] > 40
    assert set(pooled) == {"simulated", "simulated, walking", "simulated, in_place"}


def _broken(folder: Path, name: str, text: str | None) -> None:
    folder.mkdir(exist_ok=True)
    header = "time_s,acc_x_mps2,acc_y_mps2,acc_z_mps2,gyr_x_radps,gyr_y_radps,gyr_z_radps\n"
    rows = "".join(f"{i / 200:.3f},0,0,9.81,0,0,0\n" for i in range(200))
    files: dict[str, str | None] = {
        "recording.toml": 'pods = ["left_foot"]\nsample_rate_hz = 200.0\nacc_range_g = 16.0\ngyr_range_dps = 2000.0\n',
        "left_foot.csv": header + rows,
        "truth_steps.csv": "foot,ic_s,to_s,strike_class\nleft,0.5,0.7,rearfoot\n",
    }
    files[name] = text if text is None or name != "recording.toml" else (files[name] or "") + text
    for file, content in files.items():
        if content is not None:
            (folder / file).write_text(content)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("truth_steps.csv", None, "holds 1 recording but no truth_steps.csv"),
        ("truth_steps.csv", "foot,to_s\nleft,1\n", "lacks the column ic_s"),
        ("truth_steps.csv", "foot,ic_s\nleft,soon\n", "line 2: ic_s is not a finite number"),
        ("truth_steps.csv", "foot,ic_s\nleft,inf\n", "line 2: ic_s is not a finite number"),
        ("truth_steps.csv", "foot,ic_s\nleft,\n", "line 2: ic_s is empty"),
        ("truth_steps.csv", "foot,ic_s\nmiddle,1\n", "foot must be left or right, not 'middle'"),
        ("truth_steps.csv", "foot,ic_s\nleft,1,2\n", "line 2 has 3 columns instead of 2"),
        ("truth_steps.csv", "foot,ic_s,strike_class\nleft,1,toes\n", "strike_class 'toes' is none of"),
        ("truth_steps.csv", "", "lacks the column foot"),
        ("truth_aggregate.csv", "foot,strides\nleft,4\n", "line 2 lacks from_s, to_s or strides"),
        ("truth_aggregate.csv", "foot\nleft\n", "neither strides nor time_s"),
        ("recording.toml", 'activity = "swimming"\n', "`activity` must be one of"),
        ("recording.toml", "truth_to_s = true\n", "`truth_to_s` must be a number"),
        ("left_foot.csv", None, "left_foot.csv is missing"),
    ],
)
def test_bad_recordings_get_one_sentence(tmp_path: Path, capsys: Any, name: str, text: str | None, said: str):
    _broken(tmp_path / "runs", name, text)
    assert main(["validate", str(tmp_path / "runs"), "--out", str(tmp_path / "page.html")]) == 1
    caught = capsys.readouterr()
    assert said in caught.err
    assert caught.err.startswith("shoepod: ")
    assert caught.err.count("\n") == 1
    assert not (tmp_path / "page.html").exists()


def test_bad_calls_get_one_sentence(tmp_path: Path, capsys: Any):
    assert main(["validate", str(tmp_path / "nowhere")]) == 1
    assert "there is no folder" in capsys.readouterr().err
    assert main(["validate", str(tmp_path)]) == 1
    assert "no recording with a truth_steps.csv" in capsys.readouterr().err
    assert main(["validate", str(tmp_path), "--out", str(tmp_path / "no" / "page.html")]) == 2
    assert "there is no folder" in capsys.readouterr().err


def test_a_folder_that_is_none_is_an_error(tmp_path: Path):
    with pytest.raises(RecordingError, match="cannot be read"):
        load_truth(tmp_path)


def test_the_figures_agree_with_the_blind_scorers(tmp_path: Path):
    if not (PACK / "score_all.py").exists():
        reason = "the validation recordings are not here (set SHOEPOD_VALIDATION to their folder)"
        if os.environ.get("SHOEPOD_REQUIRE_VALIDATION") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    scores = tmp_path / "scores.json"
    command = f"{sys.executable} -m sensor_bridge.analyze {{recording}} --out {{out}}"
    subprocess.run(
        [sys.executable, str(PACK / "score_all.py"), str(PACK / "dev"), command, "--json", str(scores), "--blind"],
        check=True,
        capture_output=True,
        cwd=Path(__file__).parents[2],
        timeout=300,
    )
    theirs = json.loads(scores.read_text())["pooled"]
    validation = validate(PACK / "dev", made=MADE, command="", version="")
    ours = validation_to_table(validation)["pooled"]
    assert set(ours) == set(theirs) - {"all"}
    for name, mine in ours.items():
        other = theirs[name]
        assert mine["steps"] == other["steps"]
        assert 100 * mine["missed"] / mine["steps"] == pytest.approx(other["missed_pct"], abs=0.051)
        assert 100 * mine["false"] / mine["steps"] == pytest.approx(other["false_pct"], abs=0.051)
        assert mine["lock_steps"] == other["lock_steps"]
        pairs = [("ic_ms", "ic_ms"), ("to_ms", "to_ms"), ("contact_time_ms", "gct_ms")]
        pairs += [("strike_angle_deg", "angle_deg"), ("knee_drive_deg", "knee_deg")]
        for key, their_key in pairs:
            a, b = mine[key], other[their_key]
            assert (a is None) == (b is None)
            if a is not None:
                assert a["n"] == b["n"]
                for figure, theirs_named in (("bias", "bias"), ("sd", "sd"), ("rmse", "rmse"), ("mae", "mae")):
                    assert a[figure] == pytest.approx(b[theirs_named], abs=0.011), (name, key, figure)
                assert a["robust_sd"] == pytest.approx(b["madsd"], abs=0.011)
        strike, their_strike = mine["strike"], other["strike"]
        for figure, their_figure in (
            (strike["final"]["accuracy"], "accuracy"),
            (strike["final"]["balanced_accuracy"], "balanced_accuracy"),
            (strike["final"]["heel_balanced_accuracy"], "heel_balanced_accuracy"),
            (strike["final_clear"]["balanced_accuracy"], "balanced_accuracy_clear"),
            (strike["fast"]["heel_balanced_accuracy"], "fast_heel_balanced_accuracy"),
        ):
            expected = their_strike[their_figure]
            assert (figure is None) == (expected is None)
            if figure is not None:
                assert 100 * figure == pytest.approx(expected, abs=0.051)
        latency = other["latency_ms"]
        if latency is not None:
            assert mine["decision"]["p50_ms"] == pytest.approx(latency["p50"], abs=0.06)
            assert mine["decision"]["p95_ms"] == pytest.approx(latency["p95"], abs=0.06)
    page = Page(build_page(validation))
    assert "counting only" in page.text
    assert "PeerJ" in page.text
