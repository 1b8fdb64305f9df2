"""The picture fits the screen, whatever there is to show."""

from __future__ import annotations

import io
from dataclasses import replace
from math import inf, nan

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console

from sensor_bridge.events import Notice, PodState
from sensor_bridge.view.layout import draw
from sensor_bridge.view.model import LiveModel


def picture(model: LiveModel, width: int = 80, now_s: float = 12.0) -> list[str]:
    out = io.StringIO()
    Console(file=out, width=width, height=24, force_terminal=False).print(draw(model, now_s, "shoepod run"))
    return out.getvalue().splitlines()


def test_a_busy_session_fits_80_by_24(busy):
    model = LiveModel()
    busy(model)
    lines = picture(model)
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80
    text = "\n".join(lines)
    for word in (
        "running",
        "REARFOOT   12°  sure 95 %",
        "240 ms",
        "171 /min",
        "33° ±2",
        "Knee drive est.",
        "rear 50  mid 25  fore 25  ? 0",
        "● streaming  loss 0.1 %  bat 88 %",
        "no quiet stand seen",
        "left 50.0 %",
        "Cue  40 sounds, 50 ms after contact (95 %: 59 ms); Bluetooth adds 120-275 ms",
        "database: 80 sent, 3 waiting",
        "Notice 4",
    ):
        assert word in text
    assert "Notice 1" not in text, "the last three"


@pytest.mark.parametrize("width", [80, 81, 100, 132, 250])
def test_nothing_is_cut_on_a_wide_screen(busy, width):
    model = LiveModel()
    busy(model)
    lines = picture(model, width)
    assert max(map(len, lines)) <= width
    assert not [line for line in lines[:12] if "…" in line]


def test_before_anything_happened():
    text = "\n".join(picture(LiveModel()))
    assert text.count("no landing yet") == 2
    assert text.count("no pod") == 2
    assert "waiting" in text


def test_an_unsure_landing_is_called_uncertain(a_contact):
    model = LiveModel()
    model.apply(replace(a_contact, strike_confidence=0.6))
    text = "\n".join(picture(model))
    assert "UNCERTAIN" in text
    assert "REARFOOT" not in text


def test_a_walking_landing_has_no_type(a_contact):
    model = LiveModel()
    model.apply(replace(a_contact, activity="walking", strike=None, strike_confidence=None))
    assert "│ walking" in "\n".join(picture(model))


def test_a_measured_knee_drive_is_not_called_an_estimate(a_step):
    model = LiveModel()
    model.apply(replace(a_step, knee_drive_method="thigh-pod"))
    assert "Knee drive  " in picture(model)[7]
    model.apply(a_step)
    assert "Knee drive est." in picture(model)[7]


def test_mute_is_shown():
    model = LiveModel()
    model.muted = True
    text = "\n".join(picture(model))
    assert "MUTED" in text
    assert "m sound on" in text


numbers = st.one_of(st.none(), st.floats(-10, 10), st.sampled_from([nan, inf, -inf, 1e300]))


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(numbers, numbers, numbers, numbers), max_size=5),
    st.text(max_size=300),
    st.floats(0, 1e6),
    st.one_of(st.none(), st.integers(0, 255)),
)
def test_no_value_breaks_the_picture(a_step, values, text, now_s, battery):
    model = LiveModel()
    for a, b, c, d in values:
        model.apply(
            replace(a_step, contact_time_s=a, cadence_spm=b, knee_drive_rad=c, knee_drive_sd_rad=d, strike_angle_rad=b)
        )
    model.apply(PodState(text, "left", "foot", 1.0, "lost", battery))
    model.apply(Notice(1.0, "warning", text))
    model.set_status([text])
    lines = picture(model, now_s=now_s)
    assert len(lines) <= 24
