"""Events in, figures out."""

from __future__ import annotations

from dataclasses import replace
from math import radians

import pytest

from gait_signal.types import ActivityChange, Calibrated, Calibration
from sensor_bridge.events import CueMark, Notice, PodGap, PodState
from sensor_bridge.view.model import LiveModel
from sensor_bridge.view.summary import summary_text
from sensor_bridge.wording import elapsed_text, printable, step_label


def test_last_value_mean_of_ten_and_mean_of_all(a_step):
    model = LiveModel()
    for i in range(20):
        model.apply(replace(a_step, contact_time_s=0.2 if i < 10 else 0.3, cadence_spm=None))
    foot = model.feet["left"]
    assert foot.contact_time_s.last == 0.3
    assert foot.contact_time_s.recent_mean == pytest.approx(0.3)
    assert foot.contact_time_s.mean == pytest.approx(0.25)
    assert foot.cadence_spm.mean is None
    assert model.feet["right"].contact_time_s.last is None


def test_an_unknown_value_is_shown_as_unknown_and_does_not_enter_the_mean(a_step):
    model = LiveModel()
    model.apply(a_step)
    model.apply(replace(a_step, knee_drive_rad=None))
    foot = model.feet["left"]
    assert foot.knee_drive_rad.last is None
    assert foot.knee_drive_rad.mean == pytest.approx(radians(33))


def test_shares_count_uncertain_landings_apart(a_step):
    model = LiveModel()
    for confidence, strike in [(0.95, "rearfoot"), (0.95, "rearfoot"), (0.79, "rearfoot"), (0.8, "midfoot")]:
        model.apply(replace(a_step, strike=strike, strike_final=strike, strike_confidence=confidence))
    foot = model.feet["left"]
    assert [foot.share(label) for label in ("rearfoot", "midfoot", "forefoot", "uncertain")] == [
        0.5,
        0.25,
        0.0,
        0.25,
    ]


@pytest.mark.parametrize(
    ("change", "label"),
    [
        ({}, "rearfoot"),
        ({"strike_confidence": 0.799}, "uncertain"),
        ({"strike_confidence": None}, "uncertain"),
        ({"strike_final": "midfoot"}, "uncertain"),
        ({"strike_final": None}, "rearfoot"),
        ({"strike": None, "strike_confidence": None, "strike_final": None}, None),
    ],
)
def test_what_a_landing_is_called(a_step, change, label):
    assert step_label(replace(a_step, **change)) == label


def test_walking_is_counted_and_stays_out_of_the_figures(a_step):
    model = LiveModel()
    model.apply(replace(a_step, activity="walking", strike=None, strike_confidence=None, contact_time_s=0.7))
    foot = model.feet["left"]
    assert (foot.walking_steps, foot.running_steps) == (1, 0)
    assert foot.contact_time_s.mean is None
    assert not foot.labels


def test_two_knee_drive_methods_never_share_a_mean(a_step):
    model = LiveModel()
    model.apply(a_step)
    model.apply(replace(a_step, knee_drive_rad=radians(40), knee_drive_method="thigh-pod"))
    foot = model.feet["left"]
    assert foot.knee_drive_method == "thigh-pod"
    assert foot.knee_drive_rad.mean == pytest.approx(radians(40))


def test_balance_is_the_left_part_of_the_contact_time(a_step):
    model = LiveModel()
    assert model.left_share is None
    model.apply(replace(a_step, contact_time_s=0.26))
    assert model.left_share is None
    model.apply(replace(a_step, foot="right", contact_time_s=0.24))
    assert model.left_share == pytest.approx(0.52)


def test_cue_latency_quantiles():
    model = LiveModel()
    assert model.cue_latency_s(0.5) is None
    for i in range(100):
        model.apply(CueMark("left", i, float(i), 0.001 * i))
    assert model.cue_count == 100
    assert model.cue_latency_s(0.5) == pytest.approx(0.049)
    assert model.cue_latency_s(0.95) == pytest.approx(0.094)
    assert model.cue_latency_s(1.0) == pytest.approx(0.099)


def test_gaps_count_for_the_foot_the_pod_is_on():
    model = LiveModel()
    model.apply(PodState("A", "right", "foot", 1.0, "streaming"))
    model.apply(PodState("B", "right", "thigh", 1.0, "streaming"))
    model.apply(PodGap("A", 2.0, 3.5, 10, "radio"))
    model.apply(PodGap("B", 2.0, 9.5, 10, "radio"))
    model.apply(PodGap("unknown", 2.0, 9.5, 10, "radio"))
    assert (model.feet["right"].gaps, model.feet["right"].gap_s) == (1, 1.5)
    assert model.feet["left"].gaps == 0
    assert model.pod_of("right").serial == "A"


def test_activity_is_told_when_the_feet_agree():
    model = LiveModel()
    assert model.activity == "unknown"
    model.apply(ActivityChange("left", "running", 1.0, 1.2))
    assert model.activity == "running"
    model.apply(ActivityChange("right", "walking", 1.0, 1.2))
    assert model.activity == "unknown"
    model.apply(ActivityChange("right", "running", 2.0, 2.2))
    assert model.activity == "running"


def test_elapsed_never_goes_back_and_knows_every_event(a_step, a_contact):
    model = LiveModel()
    calibrated = Calibrated("left", Calibration((0, 0, 9.8), (0, 0, 0), "standing", 2.0), 6.0)
    seen = []
    for event in (
        a_step,
        a_contact,
        calibrated,
        Notice(20.0, "info", "hello"),
        PodState("A", "left", "foot", 3, "lost"),
    ):
        model.apply(event)
        seen.append(model.elapsed_s)
    assert seen == [10.8, 10.8, 10.8, 20.0, 20.0]
    assert model.feet["left"].calibration == "standing"
    assert model.feet["left"].last_label == "rearfoot"


def test_summary_of_a_full_session(busy):
    model = LiveModel()
    busy(model)
    text = summary_text(model)
    assert text.isascii()
    lines = text.splitlines()
    assert lines[0] == "Session of 0:34: 40 running steps (20 left, 20 right)."
    assert lines[1].startswith("Left: 50 % rearfoot, 25 % midfoot, 25 % forefoot, 0 % uncertain; strike angle 12 deg;")
    assert "contact 240 ms; cadence 171 /min; knee drive (estimate) 33 deg +/-2." in lines[2]
    assert "left 50.0 %, right 50.0 %" in text
    assert "Cue: 40 sounds" in text
    assert "Right pod: 1 data gap, 1.5 s in all." in text


def test_summary_of_nothing_and_of_one_foot(a_step):
    model = LiveModel()
    assert summary_text(model) == "Session of 0:00: no running steps."
    model.apply(a_step)
    text = summary_text(model)
    assert "1 running step (1 left, 0 right)" in text
    assert "Right" not in text
    assert "Balance" not in text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00"), (59.9, "0:59"), (61, "1:01"), (3600, "1:00:00"), (-1, "0:00")]
)
def test_elapsed_text(seconds, text):
    assert elapsed_text(seconds) == text


def test_text_from_outside_cannot_steer_the_terminal():
    assert printable("a\x1b[2Jb\nc\x07") == "a?[2Jb?c?"
    assert len(printable("x" * 500)) == 200
