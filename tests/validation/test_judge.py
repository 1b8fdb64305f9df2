"""The figures of ``shoepod validate`` on truths made by hand."""

from __future__ import annotations

import math
from dataclasses import replace
from math import radians

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gait_signal.types import STRIKES
from sensor_bridge.validation.outcome import judge
from sensor_bridge.validation.run import validation_to_table
from sensor_bridge.validation.statistics import (
    CONTACT_TIME,
    confidence_bins,
    confidence_gap,
    error_stats,
    errors,
    knee_coverage,
)
from sensor_bridge.validation.summary import summarize
from sensor_bridge.validation.truth_files import Averages, StrideCount
from tests.validation.by_hand import STRIDE_S, found_step, judged, made_of, run_of, truth_of


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
    in_place = summarize("in place", outcomes[1:])
    assert (in_place.final.sum(), in_place.decisions.with_toe_off) == (0, 0), "a type is asked for in running only"


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
