"""The report's numbers."""

from __future__ import annotations

from math import radians

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor_bridge.events import PodGap, PodState
from sensor_bridge.report.chart import fitted_scale, merged, round_step, time_ticks, value_ticks
from sensor_bridge.report.figures import spread, summarize
from sensor_bridge.report.sentences import lead, meaning, tiles
from sensor_bridge.report.series import DOTS_LIMIT, pieces, running_median


def test_walking_is_counted_and_enters_nothing_else(session):
    data = session()
    figures = summarize(data)
    assert figures.walking == 16
    assert figures.running == len(data.steps) - 16
    assert figures.feet["left"].contact_time_s.mean == pytest.approx(0.245, abs=0.002)
    assert figures.labels.total() == figures.running
    assert figures.labels["uncertain"] == sum(
        s.strike_confidence is not None and s.strike_confidence < 0.8 for s in data.steps
    )


def test_a_run_that_changes_shows_in_its_thirds(session):
    figures = summarize(session())
    shares = [third["rearfoot"] / third.total() for third in figures.thirds]
    assert shares[0] > 0.6 > 0.1 > shares[2]
    assert sum(third.total() for third in figures.thirds) == figures.labels.total()
    assert "fell from" in lead(figures)
    assert summarize(session(strides=40)).thirds == ()


def test_balance_and_cue_latency(session, step):
    data = session(steps=[step("left", 1, 1.0, contact_time_s=0.26), step("right", 1, 1.4, contact_time_s=0.24)])
    figures = summarize(data)
    assert figures.left_share == pytest.approx(0.52)
    assert figures.cue_latency_s.median == pytest.approx(0.04)
    assert "52.0 : 48.0" in tiles(data, figures)
    assert "left stays longer" in tiles(data, figures)


def test_missing_data_is_counted_once_and_for_the_foot_pod_only(session):
    gaps = [
        PodGap("SIM-L", 10.0, 14.0, 1, "radio"),
        PodGap("SIM-L", 12.0, 15.0, 1, "link"),
        PodGap("SIM-L", 12.5, 13.0, 1, "link"),
        PodGap("THIGH", 1.0, 90.0, 1, "link"),
        PodGap("nobody", 1.0, 90.0, 1, "link"),
    ]
    data = session()
    pods = [*data.pods, PodState("THIGH", "right", "thigh", 1.0, "lost")]
    assert summarize(session(gaps=gaps, pods=pods)).gap_s == {"left": 5.0, "right": 0.0}


def test_two_knee_drive_methods_are_never_mixed(session, step):
    steps = [step("left", i, i * 0.7, knee_drive_rad=radians(30)) for i in range(1, 6)]
    steps += [step("left", i, i * 0.7, knee_drive_rad=radians(50), knee_drive_method="thigh-pod") for i in range(6, 9)]
    data = session(steps=steps)
    figures = summarize(data)
    assert figures.knee_methods == ("shoe-estimate", "thigh-pod")
    assert figures.feet["left"].knee_drive_rad.mean == pytest.approx(radians(30))
    assert "The figures are those of shoe-estimate." in meaning(data, figures)


def test_running_in_place_has_no_strike_type_but_counts(session, step):
    steps = [step("left", i, i * 0.7, activity="in_place", strike=None, strike_final=None) for i in range(1, 9)]
    figures = summarize(session(steps=steps))
    assert (figures.in_place, figures.running, figures.labels.total()) == (8, 0, 0)
    assert lead(figures) == "8 steps; no strike type is known."
    assert figures.feet["left"].contact_time_s.count == 8


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (["rearfoot"] * 10, "<b>All</b> of"),
        (["midfoot"] * 10, "<b>None</b> of"),
        (["rearfoot"] * 3 + ["midfoot"] * 7, "<b>30 in 100</b>"),
    ],
)
def test_the_lead_says_how_many_landed_heel_first(session, step, labels, said):
    steps = [step("left", i, i * 0.7, strike=s, strike_final=s) for i, s in enumerate(labels)]
    assert said in lead(summarize(session(steps=steps)))


@given(st.lists(st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True)), max_size=40))
def test_a_spread_is_ordered_and_knows_only_what_is_plausible(values):
    known = [v for v in values if v is not None and abs(v) < 1e6]
    result = spread([*known, None, float("nan"), float("inf")])
    if not known:
        assert result is None
        return
    assert result.count == len(known)
    assert result.p10 <= result.p25 <= result.median <= result.p75 <= result.p90


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=50), st.floats(0.1, 100))
def test_a_scale_holds_the_values_and_has_ticks(values, least_span):
    scale = fitted_scale(np.array(values), least_span, (values[0],))
    assert scale.high - scale.low >= least_span * (1 - 1e-9)
    assert scale.low <= values[0] <= scale.high
    ticks = value_ticks(scale)
    assert 2 <= len(ticks) <= 12
    assert all(scale.low - 1e-6 * abs(scale.low) <= t <= scale.high + 1e-6 * abs(scale.high) for t in ticks)


@given(st.floats(1.0, 5e6))
def test_time_ticks_are_few_and_inside(end_s):
    ticks = time_ticks(end_s)
    assert ticks[0] == 0
    assert len(ticks) <= 7
    assert ticks[-1] <= end_s


@given(st.floats(1e-6, 1e9))
def test_round_steps_are_round_and_not_too_small(about):
    step = round_step(about)
    assert 0.99 * about <= step <= 5.1 * about


def test_merged_spans():
    assert merged([(5, 6), (0, 2), (1, 3), (3.4, 4)], 0.5) == [(0, 4), (5, 6)]
    assert merged([], 1.0) == []


def test_a_running_median_ignores_a_lone_step():
    values = np.full(30, 240.0)
    values[12] = 900.0
    assert running_median(values).tolist() == [240.0] * 30


def test_a_line_breaks_at_pauses_and_gaps_and_nowhere_else():
    time_s = np.concatenate((np.arange(0, 20, 0.7), np.arange(40, 60, 0.7)))
    values = np.ones(len(time_s))
    assert [len(p.time_s) for p in pieces(time_s, values, [], 60.0)] == [29, 29]
    at_gap = pieces(time_s, values, [(10.0, 11.0), (50.0, 50.1)], 60.0)
    assert [len(p.time_s) for p in at_gap] == [16, 13, 29]
    assert at_gap[0].time_s[-1] < 11.0 <= at_gap[1].time_s[0]


def test_many_steps_become_bins_that_keep_the_median_and_the_spread():
    count = DOTS_LIMIT + 500
    time_s = np.arange(count) * 0.7
    values = np.tile([230.0, 240.0, 250.0], count)[:count]
    found = pieces(time_s, values, [], float(time_s[-1]))
    assert len(found) == 1
    assert 250 <= len(found[0].time_s) <= 302
    assert np.median(found[0].middle) == 240.0
    assert np.all(found[0].low[:-1] < found[0].middle[:-1]), "the last bin may hold a single step"
    assert np.all(found[0].high[:-1] > found[0].middle[:-1])
