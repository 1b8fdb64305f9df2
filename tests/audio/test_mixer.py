"""Triggers become sounds, whatever the blocks are."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sensor_bridge.audio.mixer import MAX_WAIT_S, Mixer
from sensor_bridge.audio.sound import PEAK_CAP

SOUND = np.linspace(0.4, 0.1, 50, dtype=np.float32)


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def render(mixer: Mixer, frames: int) -> np.ndarray:
    out = np.full((frames, 2), 9.0, dtype=np.float32)
    mixer.render(out)
    assert np.array_equal(out[:, 0], out[:, 1])
    return out[:, 0]


@given(st.lists(st.integers(1, 40), min_size=5, max_size=40), st.integers(0, 4))
def test_a_sound_is_the_same_however_it_is_cut_into_blocks(frames, before):
    mixer = Mixer(SOUND, Clock())
    parts = [render(mixer, n) for n in frames[:before]]
    mixer.trigger()
    parts += [render(mixer, n) for n in [*frames[before:], 60]]
    played = np.concatenate(parts)
    expected = np.zeros_like(played)
    start = sum(frames[:before])
    expected[start : start + 50] = SOUND
    assert np.array_equal(played, expected)


def test_no_trigger_no_sound():
    mixer = Mixer(SOUND, Clock())
    assert not render(mixer, 1000).any()
    assert mixer.blocks == 1


def test_triggers_in_one_block_sound_once_and_are_all_counted():
    mixer = Mixer(SOUND, Clock())
    mixer.trigger()
    mixer.trigger()
    assert np.array_equal(render(mixer, 50), SOUND)
    assert mixer.begun == 2
    assert not render(mixer, 50).any()


def test_overlapping_sounds_stay_below_the_cap():
    mixer = Mixer(SOUND, Clock())
    mixer.trigger()
    render(mixer, 5)
    mixer.trigger()
    assert render(mixer, 45).max() == np.float32(PEAK_CAP)


def test_a_trigger_the_stream_sat_on_is_not_played_late():
    clock = Clock()
    mixer = Mixer(SOUND, clock)
    mixer.trigger()
    clock.now_s += MAX_WAIT_S + 0.01
    assert not render(mixer, 100).any()
    assert mixer.too_late == 1
    mixer.trigger()
    assert render(mixer, 100).any()
