"""The real player process on a real PulseAudio, recorded at the sink's monitor."""

from __future__ import annotations

import asyncio
import struct
import sys
import tempfile
import wave
from pathlib import Path

import numpy as np
import pytest

from sensor_bridge.audio.latency import RATE_HZ, Recorder, Recording, is_intact, null_sink, sink_environment
from sensor_bridge.audio.player import CuePlayer
from sensor_bridge.audio.sound import PEAK_CAP, RMS_CAP, loudest_rms, make_sound
from sensor_bridge.settings import CueSettings


@pytest.fixture
def sound_home(require_program):
    require_program("pulseaudio")
    with tempfile.TemporaryDirectory(prefix="shoepod-") as folder:
        yield Path(folder)


@pytest.fixture
def sink(sound_home, require_program):
    require_program("parec")
    with null_sink(sound_home) as environment:
        yield environment


async def record(sink, settings: CueSettings, pauses_s: list[float]) -> Recording:
    """Trigger once before each pause; return what the sink played."""
    notices: list[str] = []
    player = CuePlayer(settings, lambda level, text: notices.append(text), environment=sink)
    await player.start()
    assert player.state == "ready", notices
    recorder = Recorder(sink)
    await asyncio.to_thread(recorder.wait_started)
    await asyncio.sleep(0.3)
    for pause_s in pauses_s:
        assert player.play()
        await asyncio.sleep(pause_s)
    await asyncio.sleep(0.3)
    recording = await asyncio.to_thread(recorder.stop)
    assert player.counts.taken == len(pauses_s)
    await player.stop()
    assert notices == []
    return recording


async def test_each_trigger_gives_one_intact_sound(sink):
    pauses_s = [0.25, 0.3, 0.35, 0.4] * 3
    recording = await record(sink, CueSettings(volume=1.0), pauses_s)
    sounds = recording.sounds()
    assert len(sounds) == len(pauses_s)
    reference = make_sound("", 1.0, RATE_HZ)
    assert [is_intact(sound, reference) for _, sound in sounds] == [True] * len(pauses_s)


async def test_no_trigger_is_silence(sink):
    recording = await record(sink, CueSettings(volume=1.0), [])
    assert len(recording.samples) > 0.3 * RATE_HZ
    assert not recording.samples.any()


async def test_a_loud_file_at_full_volume_stays_below_the_cap(sink, tmp_path):
    path = tmp_path / "square.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(44100)
        file.writeframes(struct.pack("<h", 32767) * 50 * 100 + struct.pack("<h", -32768) * 50)
    recording = await record(sink, CueSettings(volume=1.0, sound=str(path)), [0.4, 0.4])
    assert len(recording.sounds()) == 2
    assert 0.5 * RMS_CAP < loudest_rms(recording.samples, RATE_HZ) < 1.05 * RMS_CAP
    assert np.abs(recording.samples).max() < 1.05 * PEAK_CAP


async def test_the_cue_goes_and_returns_with_the_sound_server(sound_home, until):
    notices: list[str] = []
    child = [sys.executable, "-P", "-m", "sensor_bridge.audio.player_process", "--retry-s=0.2"]
    player = CuePlayer(
        CueSettings(),
        lambda _, text: notices.append(text),
        command=child,
        environment=sink_environment(sound_home),
    )
    await player.start()
    assert player.state == "no_device"
    assert not player.play()
    with null_sink(sound_home):
        await until(lambda: player.state == "ready")
        assert player.play()
    await until(lambda: player.state == "no_device")
    assert not player.play()
    with null_sink(sound_home):
        await until(lambda: player.state == "ready")
    await player.stop()
    assert player.counts.restarts == 0
    gone, back = "No cue will be heard: no audio output", "The cue can be heard again, on "
    assert len(notices) == 4
    assert all(text.startswith(start) for text, start in zip(notices, [gone, back] * 2, strict=True))
