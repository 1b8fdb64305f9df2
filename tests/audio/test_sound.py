"""The cue's sound: cap, files, resampling."""

from __future__ import annotations

import struct
import wave

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sensor_bridge.audio.sound import (
    PEAK_CAP,
    RMS_CAP,
    capped,
    loudest_rms,
    make_sound,
    read_wav,
    resample,
    tone,
)
from sensor_bridge.errors import ConfigError


def write_wav(path, frames: bytes, *, width: int, channels: int = 1, rate_hz: int = 8000):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate_hz)
        file.writeframes(frames)
    return path


@pytest.mark.parametrize("rate_hz", [8000, 44100, 48000, 96000])
def test_the_built_in_sound_starts_soft_and_ends_in_silence(rate_hz):
    sound = tone(rate_hz)
    assert np.abs(sound).max() == pytest.approx(PEAK_CAP, rel=1e-6)
    assert 0.05 < len(sound) / rate_hz < 0.3
    first_ms = sound[: rate_hz // 1000]
    assert np.abs(first_ms).max() < 0.3 * PEAK_CAP
    assert abs(sound[0]) < 1e-3
    assert abs(sound[-1]) < 1e-3


@settings(deadline=None)
@given(hnp.arrays(np.float32, st.integers(1, 3000), elements=st.floats(-1, 1, width=32)))
def test_nothing_is_louder_than_the_cap_and_nothing_is_turned_up(sound):
    rate_hz = 8000
    result = capped(sound, rate_hz)
    assert np.abs(result).max() <= PEAK_CAP * 1.00001
    assert loudest_rms(result, rate_hz) <= RMS_CAP * 1.0001
    assert np.all(np.abs(result) <= np.abs(sound) * 1.00001)


def test_loudest_rms_is_that_of_the_loudest_window():
    rate_hz = 1000
    sound = np.zeros(1000, dtype=np.float32)
    sound[400:450] = 0.5
    assert loudest_rms(sound, rate_hz) == pytest.approx(0.5)
    assert loudest_rms(sound[400:425], rate_hz) == pytest.approx(0.5 / np.sqrt(2))


def test_volume_is_linear_and_zero_is_silence():
    full = make_sound("", 1.0, 48000)
    assert np.allclose(make_sound("", 0.3, 48000), 0.3 * full, atol=1e-6)
    assert not make_sound("", 0.0, 48000).any()


@pytest.mark.parametrize(
    ("width", "frames"),
    [
        (1, bytes([0, 128, 192])),
        (2, struct.pack("<3h", -32768, 0, 16384)),
        (3, b"\x00\x00\x80" + b"\x00\x00\x00" + b"\x00\x00\x40"),
        (4, struct.pack("<3i", -(2**31), 0, 2**30)),
    ],
)
def test_every_pcm_width_reads_alike(tmp_path, width, frames):
    samples, rate_hz = read_wav(write_wav(tmp_path / "a.wav", frames, width=width))
    assert samples.tolist() == [-1.0, 0.0, 0.5]
    assert rate_hz == 8000


def test_channels_are_mixed_to_one(tmp_path):
    frames = struct.pack("<4h", 16384, 0, -16384, -16384)
    samples, _ = read_wav(write_wav(tmp_path / "a.wav", frames, width=2, channels=2))
    assert samples.tolist() == [0.25, -0.5]


def test_a_file_is_brought_to_the_rate_of_the_stream(tmp_path):
    t = np.arange(4000) / 8000
    note = (0.3 * np.sin(2 * np.pi * 500 * t) * np.hanning(4000) * 32767).astype("<i2")
    path = write_wav(tmp_path / "a.wav", note.tobytes(), width=2)
    sound = make_sound(str(path), 1.0, 48000)
    seconds = np.arange(len(sound)) / 48000
    at_500_hz = np.abs(np.sum(sound * np.exp(-2j * np.pi * 500 * seconds)))
    at_600_hz = np.abs(np.sum(sound * np.exp(-2j * np.pi * 600 * seconds)))
    assert len(sound) / 48000 == pytest.approx(0.5, abs=0.02)
    assert at_500_hz > 50 * at_600_hz
    assert 0 < loudest_rms(sound, 48000) <= RMS_CAP * 1.0001


def test_resampling_keeps_a_note():
    sound = tone(48000)
    there_and_back = resample(resample(sound, 48000, 44100), 44100, 48000)[: len(sound)]
    assert np.abs(there_and_back - sound).max() < 0.01


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("missing.wav", None),
        ("text.wav", b"this is no sound"),
        ("short.wav", b"RIFF"),
        ("empty.wav", b""),
        ("folder.wav", "folder"),
    ],
)
def test_a_bad_file_is_one_sentence(tmp_path, name, content):
    path = tmp_path / name
    if content == "folder":
        path.mkdir()
    elif content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"^cue\.sound: .*" + name) as caught:
        make_sound(str(path), 0.3, 48000)
    assert "\n" not in str(caught.value)


def test_an_empty_and_an_endless_sound_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="holds no sound"):
        read_wav(write_wav(tmp_path / "a.wav", b"", width=2))
    with pytest.raises(ConfigError, match="longer than 2 s"):
        read_wav(write_wav(tmp_path / "b.wav", bytes(2 * 8000 * 3), width=2))


@given(st.binary(max_size=200), st.integers(0, 60))
def test_any_bytes_give_a_sound_or_a_sentence(tmp_path_factory, data, cut):
    good = write_wav(tmp_path_factory.mktemp("wav") / "a.wav", bytes(range(100)), width=2).read_bytes()
    path = tmp_path_factory.mktemp("wav") / "b.wav"
    path.write_bytes(good[:cut] + data)
    try:
        samples, _ = read_wav(path)
    except ConfigError:
        return
    assert np.all(np.abs(samples) <= 1)
