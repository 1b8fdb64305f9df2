"""``shoepod validate``: its figures on truths made by hand, its page, its complaints, and a second scorer."""

from __future__ import annotations

import json
import math
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from math import radians
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gait_signal.types import STRIKES, Activity, Foot, Step, Strike
from sensor_bridge.analyze import analyze_recording
from sensor_bridge.cli.main import main
from sensor_bridge.errors import RecordingError
from sensor_bridge.recording import load_recording
from sensor_bridge.simulator import Scenario, Segment, simulate, write_recording
from sensor_bridge.truth import TrueStep
from sensor_bridge.validation.outcome import Outcome, judge
from sensor_bridge.validation.page import build_page
from sensor_bridge.validation.run import Validation, validate, validation_to_table
from sensor_bridge.validation.sensitivity import CASES, Case, sensitivity
from sensor_bridge.validation.statistics import (
    CONTACT_TIME,
    confidence_bins,
    confidence_gap,
    error_stats,
    errors,
    knee_coverage,
)
from sensor_bridge.validation.summary import Summary, summarize
from sensor_bridge.validation.truth_files import Averages, StrideCount, Truth, load_truth

PACK = Path(os.environ.get("SHOEPOD_VALIDATION", Path(__file__).parents[3] / "shared" / "validation"))
STRIDE_S = 0.7
ANGLES_DEG: dict[Strike, float] = {"rearfoot": 15.0, "midfoot": 3.0, "forefoot": -6.0}
MADE = datetime(2026, 7, 12, 18, 3, tzinfo=UTC)


def true_step(index: int, foot: Foot = "left", strike: Strike = "rearfoot", **changes: Any) -> TrueStep:
    ic_s = 1.0 + STRIDE_S * index + (0.35 if foot == "right" else 0.0)
    values: dict[str, Any] = {
        "foot": foot,
        "ic_s": ic_s,
        "to_s": ic_s + 0.24,
        "strike": strike,
        "strike_angle_rad": radians(ANGLES_DEG[strike]),
        "knee_drive_rad": radians(30.0 + index),
        "knee_drive_rel_standing_rad": None,
        "ic_sd_s": 0.003,
    }
    return TrueStep(**{**values, **changes})


def found_step(true: TrueStep, *, late_s: float = 0.0, **changes: Any) -> Step:
    """A step as the core would have to give it."""
    ic_s = true.ic_s + late_s
    to_s = None if true.to_s is None else true.to_s + late_s
    values: dict[str, Any] = {
        "foot": true.foot,
        "step_id": 1,
        "activity": true.activity,
        "ic_s": ic_s,
        "to_s": to_s,
        "contact_time_s": None if to_s is None else to_s - ic_s,
        "flight_time_s": 0.11,
        "swing_time_s": 0.46,
        "stride_time_s": STRIDE_S,
        "cadence_spm": 120.0 / STRIDE_S,
        "strike": true.strike,
        "strike_confidence": 0.95,
        "decided_s": ic_s + 0.02,
        "strike_final": true.strike,
        "strike_angle_rad": true.strike_angle_rad,
        "knee_drive_rad": true.knee_drive_rad,
        "knee_drive_sd_rad": radians(2.0),
        "knee_drive_method": "shoe-estimate",
        "knee_drive_rel_standing_rad": None,
        "stride_length_m": 2.1,
        "speed_mps": 3.0,
        "ankle_clearance_m": 0.2,
        "contact_to_knee_peak_s": 0.4,
        "gap_touched": False,
        "clipped": False,
        "calibration": "standing",
        "finalized_s": ic_s + 0.8,
    }
    return Step(**{**values, **changes})


def truth_of(steps: Sequence[TrueStep], **changes: Any) -> Truth:
    values: dict[str, Any] = {
        "name": "by-hand",
        "kind": "made",
        "source": "a test",
        "citation": "",
        "activity": "running",
        "timing_scored": True,
        "from_s": 0.0,
        "to_s": 100.0,
        "speed_mps": 3.0,
        "runner": "1.8 m tall",
        "notes": (),
        "qualities": (),
        "steps": tuple(steps),
        "other_steps": (),
        "strides": (),
        "averages": (),
    }
    return Truth(**{**values, **changes})


def run_of(count: int, strikes: Sequence[Strike] = ("rearfoot",), **changes: Any) -> list[TrueStep]:
    both: tuple[Foot, ...] = ("left", "right")
    return [true_step(i, foot, strikes[i % len(strikes)], **changes) for i in range(count) for foot in both]


def judged(truth: Truth, steps: Sequence[Step]) -> Summary:
    return summarize("x", judge(truth, steps))


# ---- the figures ----------------------------------------------------------------------------------


def test_perfect_steps_have_no_error():
    true = run_of(20, STRIKES)
    of = judged(truth_of(true), [found_step(step) for step in true])
    assert (of.steps, of.missed, of.false, of.lock_steps) == (34, 0, 0, 0), "three steps of each foot are warm-up"
    for key in ("ic", "to", "contact_time", "strike_angle", "knee_drive"):
        stats = of.stats[key]
        assert stats is not None
        assert (stats.n, stats.bias, stats.sd, stats.rmse) == pytest.approx((34, 0.0, 0.0, 0.0), abs=1e-9), key
    assert of.stats["knee_drive_rel_standing"] is None, "the truth does not know it"
    assert of.final.trace() == of.final.sum() == 34
    assert of.decisions.latency_percentile_s(95) == pytest.approx(0.020)
    assert of.decisions.before_toe_off_share == 1.0


def test_a_shift_is_the_bias_and_leaves_the_contact_time():
    true = run_of(20)
    of = judged(truth_of(true), [found_step(step, late_s=0.007) for step in true])
    ic, contact = of.stats["ic"], of.stats["contact_time"]
    assert ic is not None
    assert contact is not None
    assert (ic.bias, ic.sd, ic.mae, ic.p95_abs) == pytest.approx((7.0, 0.0, 7.0, 7.0))
    assert contact.bias == pytest.approx(0.0, abs=1e-9)
    assert contact.skill is None, "the true contact time does not vary"


def test_known_errors_give_known_figures():
    true = run_of(5)
    late = [0.0, 0.0, 0.0, 0.002, 0.006]  # the first three are warm-up
    steps = [found_step(step, to_s=(step.to_s or 0.0) + late[i // 2]) for i, step in enumerate(true)]
    stats = error_stats(errors(judge(truth_of(true), steps), CONTACT_TIME), 1000.0)
    assert stats is not None
    assert (stats.n, stats.bias, stats.mae) == pytest.approx((4, 4.0, 4.0))
    assert stats.sd == pytest.approx(math.sqrt(16 / 3))
    assert stats.rmse == pytest.approx(math.sqrt((4 + 36) / 2))
    assert stats.limits == pytest.approx((4 - 1.96 * stats.sd, 4 + 1.96 * stats.sd))


def test_missing_steps_are_missed_and_wrong_answers():
    true = run_of(20, ("rearfoot", "midfoot"))
    gone = {10, 11, 20}
    of = judged(truth_of(true), [found_step(step) for i, step in enumerate(true) if i not in gone])
    assert (of.missed, of.false) == (3, 0)
    assert of.final[:, 3].sum() == 3
    assert of.decisions.before_toe_off == of.decisions.with_toe_off - 3
    assert of.stats["ic"] is not None
    assert of.stats["ic"].n == of.steps - 3


def test_doubled_steps_are_false_but_cost_nothing_else():
    true = run_of(20)
    steps = [found_step(step) for step in true]
    twice = [found_step(step, late_s=0.05) for step in true[20:24]]
    of = judged(truth_of(true), [*twice, *steps])
    assert (of.missed, of.false, of.false_running) == (0, 4, 4)
    assert of.stats["ic"] is not None
    assert of.stats["ic"].bias == pytest.approx(0.0, abs=1e-9), "the nearest pair comes first"


def test_what_is_never_false():
    true = run_of(20, to_s=None)
    steps = [found_step(step) for step in true]
    warm_up = found_step(true[0], late_s=0.3)
    edge = found_step(true[-1], late_s=0.4)
    walking = found_step(true[20], late_s=0.3, activity="walking")
    truth = truth_of(true, to_s=true[-1].ic_s + 0.45)
    assert judged(truth, [*steps, warm_up, edge, walking]).false == 0
    assert judged(truth, [*steps, found_step(true[20], late_s=0.3)]).false == 1


def test_unsure_contacts_are_neither_asked_for_nor_forbidden():
    true = run_of(20)
    unsure = {20, 21, 22}
    true = [replace(step, ic_sd_s=0.060) if i in unsure else step for i, step in enumerate(true)]
    without = judged(truth_of(true), [found_step(step) for i, step in enumerate(true) if i not in unsure])
    with_them = judged(truth_of(true), [found_step(step) for step in true])
    assert (without.steps, without.missed, without.false) == (31, 0, 0)
    assert (with_them.steps, with_them.missed, with_them.false) == (31, 0, 0)


def test_in_a_walk_nothing_may_run_and_times_only_count():
    true = run_of(20, activity="walking", ic_sd_s=0.060)
    truth = truth_of(true, activity="walking", timing_scored=False)
    late = [found_step(step, late_s=0.15) for step in true]
    of = judged(truth, late)
    assert (of.steps, of.missed, of.false) == (34, 0, 0)
    assert of.stats["ic"] is None
    of = judged(truth, [*late[:-3], *(replace(step, activity="running") for step in late[-3:])])
    assert (of.missed, of.false, of.false_running) == (3, 3, 3)


def test_lock_counts_until_three_in_a_row():
    true = run_of(20)
    steps = [found_step(step) for i, step in enumerate(true) if i not in (0, 4, 5)]
    assert judged(truth_of(true), steps).lock_steps == 3, "left: none, found, none, then for good"


def test_other_activities_of_a_recording_are_judged_apart():
    run, jog = run_of(20), [replace(s, ic_s=s.ic_s + 30, to_s=s.to_s + 30, activity="in_place") for s in run_of(10)]  # type: ignore[operator]
    truth = truth_of(run, other_steps=tuple(jog))
    outcomes = judge(truth, [found_step(step) for step in (*run, *jog[:-2])])
    assert [(o.group, len(o.matched), len(o.missed)) for o in outcomes] == [("made", 34, 0), ("made, in_place", 14, 2)]
    assert outcomes[0].false == ()


def test_strides_and_averages_of_other_instruments():
    true = run_of(30, activity="walking")
    line, second = StrideCount("left", 0.0, 60.0, 31), Averages(10.0, 170.0, 0.230)
    truth = truth_of([], activity="walking", strides=(line,), averages=(second,))
    (outcome,) = judge(truth, [found_step(step) for step in true])
    assert outcome.counted[0].found == 30
    assert outcome.averaged[0].cadence_spm == pytest.approx(120.0 / STRIDE_S)
    assert outcome.averaged[0].contact_time_s == pytest.approx(0.24)


def test_balanced_figures_need_two_types():
    true = run_of(20)
    table = validation_to_table(made_of(judge(truth_of(true), [found_step(step) for step in true])))
    final = table["pooled"]["made"]["strike"]["final"]
    assert (final["accuracy"], final["balanced_accuracy"], final["heel_balanced_accuracy"]) == (1.0, None, None)


def test_heel_balance_and_the_borders():
    true = run_of(23, ("rearfoot", "midfoot"))
    near = [replace(s, strike_angle_rad=radians(7.0)) if s.strike == "midfoot" else s for s in true]
    steps = [found_step(s, strike_final="rearfoot") for s in near]  # always "rearfoot"
    of = validation_to_table(made_of(judge(truth_of(near), steps)))["pooled"]["made"]["strike"]
    assert of["final"]["accuracy"] == 0.5
    assert of["final"]["heel_balanced_accuracy"] == 0.5
    assert of["fast"]["heel_balanced_accuracy"] == 1.0, "the fast answers were right"
    assert of["final_clear"]["confusion"]["midfoot"] == dict.fromkeys((*STRIKES, "none"), 0)


def test_stated_confidence_and_stated_sd_are_checked():
    true = run_of(23, ("rearfoot", "midfoot"))
    steps = [
        found_step(
            s,
            strike="rearfoot",
            strike_confidence=0.75,
            knee_drive_rad=(s.knee_drive_rad or 0.0) + radians(3.0 if s.foot == "left" else 1.0),
        )
        for s in true
    ]
    outcomes = judge(truth_of(true), steps)
    (only,) = confidence_bins(outcomes)
    assert (only.n, only.stated, only.right) == pytest.approx((40, 0.75, 0.5))
    assert confidence_gap([only]) == pytest.approx(0.25)
    covered = knee_coverage(outcomes)
    assert covered is not None
    assert (covered.n, covered.within_one, covered.within_two) == (40, 0.5, 1.0)


@given(
    late_s=st.floats(-0.09, 0.09),
    shift_s=st.floats(-50.0, 50.0),
    gone=st.sets(st.integers(0, 39)),
    shuffled=st.randoms(use_true_random=False),
)
def test_every_true_step_is_found_or_missed_whenever_it_was(late_s, shift_s, gone, shuffled):
    true = [replace(s, ic_s=s.ic_s + shift_s, to_s=(s.to_s or 0.0) + shift_s) for s in run_of(20)]
    steps = [found_step(step, late_s=late_s) for i, step in enumerate(true) if i not in gone]
    shuffled.shuffle(steps)
    of = judged(truth_of(true, from_s=-100.0), steps)
    assert of.steps == 34
    assert of.missed == len([i for i in gone if i >= 6])
    assert of.false == 0
    if of.stats["ic"] is not None:
        assert of.stats["ic"].bias == pytest.approx(1000 * late_s, abs=1e-6)


# ---- the recordings -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one simulated session: a walk, heel strikes, forefoot strikes, some running in place."""
    folder = tmp_path_factory.mktemp("recordings")
    segments = (
        Segment(1.0, "standing"),
        Segment(6.0, "walking", 1.3),
        Segment(12.0, "running", 3.0, strike_angle_deg=16.0),
        Segment(10.0, "running", 3.0, strike_angle_deg=-6.0),
        Segment(8.0, "in_place"),
    )
    write_recording(simulate(Scenario(segments, name="sim"), seed=3), folder / "sim")
    return folder


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


CASE = {case.name: case for case in CASES}


def test_cases_change_what_they_say(recordings: Path):
    whole = load_recording(recordings / "sim")
    foot = whole.pods["left_foot"]

    def changed(name: str) -> Any:
        return CASE[name].variants[0](whole)

    slow, fast = changed("100 Hz").pods["left_foot"], changed("400 Hz").pods["left_foot"]
    assert len(fast.time_s) == pytest.approx(2 * len(foot.time_s), abs=2)
    assert len(slow.time_s) == pytest.approx(len(foot.time_s) / 2, abs=2)
    # What both rates can hold stays as it was.
    assert np.allclose(np.interp(slow.time_s, fast.time_s, fast.gyr_radps[:, 1]), slow.gyr_radps[:, 1], atol=3.0)
    assert changed("200 Hz") is whole
    small = changed("±8 g")
    assert small.acc_range_g == 8.0
    assert np.abs(small.pods["left_foot"].acc_mps2).max() <= 8.0 * 9.80665
    assert np.degrees(np.abs(changed("±500 °/s").pods["left_foot"].gyr_radps)).max() <= 500.0 + 1e-9
    assert changed("no standing").standing == {}
    clock = changed("pod clock +3 %").pods["left_foot"]
    assert np.allclose(clock.time_s, 1.03 * foot.time_s)


def test_packets_are_lost_whole_and_about_as_often_as_told(recordings: Path):
    whole = load_recording(recordings / "sim").pods["left_foot"]
    for variant in CASE["5 % of packets lost"].variants:
        left = variant(load_recording(recordings / "sim")).pods["left_foot"]
        lost = np.flatnonzero(~np.isin(whole.time_s, left.time_s))
        packets = np.unique(lost // 10)
        assert len(lost) == sum(min(10, len(whole.time_s) - 10 * p) for p in packets)
        assert 0.02 < len(lost) / len(whole.time_s) < 0.09


@pytest.mark.parametrize(("name", "angle_deg"), [("yaw +15°", 15.0), ("yaw −15°", -15.0)])
def test_yaw_turns_about_the_vertical_alone(recordings: Path, name: str, angle_deg: float):
    whole = load_recording(recordings / "sim")
    up = whole.standing["left_foot"].acc_mps2.mean(axis=0)
    turned = CASE[name].variants[0](whole)
    assert np.allclose(turned.standing["left_foot"].acc_mps2.mean(axis=0), up)
    before, after = whole.pods["left_foot"].gyr_radps, turned.pods["left_foot"].gyr_radps
    up /= np.linalg.norm(up)
    assert np.allclose(after @ up, before @ up)
    flat_before, flat_after = before - np.outer(before @ up, up), after - np.outer(after @ up, up)
    sine = np.einsum("ij,j->i", np.cross(flat_before, flat_after), up)
    cosine = np.einsum("ij,ij->i", flat_before, flat_after)
    assert np.degrees(np.arctan2(sine.sum(), cosine.sum())) == pytest.approx(-angle_deg)


def test_loss_tells_intact_and_touched_steps_apart(recordings: Path):
    whole = load_recording(recordings / "sim")
    true = [step for step in load_truth(recordings / "sim").steps if step.foot == "left"]
    truth = truth_of(true, to_s=60.0)
    steps = [found_step(step, gap_touched=i % 2 == 0) for i, step in enumerate(true)]
    gone = [true[4], true[5], true[6]]

    def lose(recording: Any) -> Any:
        foot = recording.pods["left_foot"]
        near = np.any([np.abs(foot.time_s - step.ic_s - 0.05) < 0.02 for step in gone], axis=0)
        left = replace(foot, time_s=foot.time_s[~near], acc_mps2=foot.acc_mps2[~near], gyr_radps=foot.gyr_radps[~near])
        return replace(recording, pods={**recording.pods, "left_foot": left})

    # What lacks data is typed wrongly, all else rightly.
    worse = [
        replace(step, strike_final="midfoot" if step.strike == "rearfoot" else "rearfoot") if 4 <= i <= 6 else step
        for i, step in enumerate(steps)
    ]
    (row,) = sensitivity([(whole, truth)], [Case("loss", (lose,), loses_data=True)], lambda _: worse)
    assert (row.touched, row.touched_marked) == (3, 2)
    assert row.heel_balanced_intact == 1.0
    assert row.heel_balanced is not None
    assert row.heel_balanced < 1.0
    (plain,) = sensitivity([(whole, truth)], [Case("loss", (lose,))], lambda _: worse)
    assert (plain.touched, plain.heel_balanced_intact) == (0, None)


def test_results_of_a_fast_clock_are_put_right(recordings: Path):
    whole = load_recording(recordings / "sim")
    true = run_of(20)
    fast = [found_step(replace(s, ic_s=1.03 * s.ic_s, to_s=1.03 * (s.to_s or 0.0))) for s in true]
    (row,) = sensitivity([(whole, truth_of(true))], [CASE["pod clock +3 %"]], lambda _: fast)
    for key in ("ic", "to", "contact_time"):
        stats = row.summary.stats[key]
        assert stats is not None
        assert (stats.bias, stats.sd) == pytest.approx((0.0, 0.0), abs=1e-9)


# ---- the page -------------------------------------------------------------------------------------


class Page(HTMLParser):
    """Checks that tags nest and collects what a test asks for."""

    VOID = frozenset({"meta", "br", "hr", "link"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    @property
    def ids(self) -> list[str]:
        return [attrs["id"] for _, attrs in self.tags if attrs.get("id")]  # type: ignore[misc]


def made_of(outcomes: Sequence[Outcome], **changes: Any) -> Validation:
    values: dict[str, Any] = {
        "folder": "runs",
        "made": MADE,
        "command": "shoepod validate runs",
        "version": "0.1.0",
        "core_version": "1",
        "outcomes": tuple(outcomes),
        "without_truth": 0,
    }
    return Validation(**{**values, **changes})


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


# ---- the command ----------------------------------------------------------------------------------


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


# ---- the second scorer ----------------------------------------------------------------------------


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
