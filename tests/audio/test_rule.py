"""When a landing is to sound."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gait_signal.types import Contact
from sensor_bridge.audio.rule import MAX_LATE_S, CueRule
from sensor_bridge.settings import CueSettings

HEEL = Contact(
    foot="left",
    step_id=1,
    activity="running",
    ic_s=10.0,
    decided_s=10.02,
    strike="rearfoot",
    strike_confidence=0.97,
    strike_angle_rad=0.3,
)


def at(contact: Contact, ic_s: float) -> Contact:
    return replace(contact, ic_s=ic_s, decided_s=ic_s + 0.02)


def test_a_confident_rearfoot_contact_sounds():
    assert CueRule(CueSettings()).decide(HEEL, 10.04)


def test_in_place_sounds_too():
    assert CueRule(CueSettings()).decide(replace(HEEL, activity="in_place"), 10.04)


@pytest.mark.parametrize(
    ("contact", "now_s", "reason"),
    [
        (replace(HEEL, strike="midfoot"), 10.04, "strike"),
        (replace(HEEL, strike="forefoot"), 10.04, "strike"),
        (replace(HEEL, strike=None, strike_confidence=None), 10.04, "strike"),
        (replace(HEEL, strike_confidence=0.799), 10.04, "uncertain"),
        (replace(HEEL, strike_confidence=None), 10.04, "uncertain"),
        (replace(HEEL, strike_confidence=float("nan")), 10.04, "uncertain"),
        (replace(HEEL, activity="walking"), 10.04, "activity"),
        (HEEL, 10.0 + MAX_LATE_S + 0.001, "late"),
        (replace(HEEL, decided_s=10.3), 10.04, "late"),
        (HEEL, float("nan"), "late"),
    ],
)
def test_what_stays_silent_and_why(contact, now_s, reason):
    rule = CueRule(CueSettings())
    assert not rule.decide(contact, now_s)
    assert dict(rule.silences) == {reason: 1}


def test_the_strikes_that_sound_are_a_setting():
    rule = CueRule(CueSettings(strikes=("forefoot",)))
    assert not rule.decide(HEEL, 10.04)
    assert rule.decide(replace(HEEL, strike="forefoot"), 10.04)


def test_switched_off_and_muted():
    assert not CueRule(CueSettings(enabled=False)).decide(HEEL, 10.04)
    rule = CueRule(CueSettings())
    assert rule.toggle_mute() is True
    assert not rule.decide(HEEL, 10.04)
    assert rule.toggle_mute() is False
    assert rule.decide(at(HEEL, 11.0), 11.04)


def test_a_silent_contact_does_not_start_the_refractory_time():
    rule = CueRule(CueSettings(refractory_s=0.25))
    assert not rule.decide(replace(HEEL, strike="midfoot"), 10.04)
    assert rule.decide(at(HEEL, 10.1), 10.14)


def test_both_feet_sound_at_a_fast_cadence():
    rule = CueRule(CueSettings())
    feet = [at(replace(HEEL, foot=foot), 10 + 0.3 * i) for i, foot in enumerate(["left", "right"] * 5)]
    assert all(rule.decide(contact, contact.decided_s) for contact in feet)


def test_a_held_up_radio_gives_no_stream_of_old_sounds():
    """Two seconds of contacts that arrive at once: at most the newest one may still sound."""
    rule = CueRule(CueSettings())
    contacts = [at(HEEL, 10 + 0.35 * i) for i in range(6)]
    assert sum(rule.decide(contact, contacts[-1].decided_s) for contact in contacts) == 1


@given(
    st.lists(st.tuples(st.floats(0, 0.5), st.floats(0, 0.4)), max_size=60),
    st.floats(0.0, 1.0),
)
def test_sounds_are_never_closer_than_the_refractory_time_and_never_late(steps, refractory_s):
    rule = CueRule(CueSettings(refractory_s=refractory_s))
    ic_s = now_s = 0.0
    sounded: list[float] = []
    for after_s, delay_s in steps:
        ic_s += after_s
        now_s = max(now_s, ic_s + delay_s)
        if rule.decide(at(HEEL, ic_s), now_s):
            sounded.append(now_s)
            assert now_s - ic_s <= MAX_LATE_S
    assert all(b - a >= refractory_s for a, b in pairwise(sounded))
