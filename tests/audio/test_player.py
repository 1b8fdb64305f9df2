"""The bridge's side of the player, against children that misbehave in the ways children do."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from types import SimpleNamespace

import pytest

from sensor_bridge.audio.player import MAX_RESTARTS, MAX_UNTAKEN, CuePlayer
from sensor_bridge.audio.player_process import NoDevice, outputs
from sensor_bridge.errors import ConfigError
from sensor_bridge.settings import CueSettings

READY = 'print(\'{"state": "ready", "device": "d", "latency_s": 0.01}\', flush=True);'
GOOD = "import os, sys;" + READY + "[print('{\"taken\": 1}', flush=True) for _ in iter(lambda: os.read(0, 1), b'')]"
DEAF = "import time;" + READY + "time.sleep(60)"


def player(code: str, notices: list[tuple[str, str]]) -> CuePlayer:
    return CuePlayer(
        CueSettings(),
        lambda level, text: notices.append((level, text)),
        command=[sys.executable, "-c", code],
        restart_pause_s=0.01,
    )


async def test_a_ready_child_gets_one_byte_a_cue(until):
    notices: list[tuple[str, str]] = []
    cue = player(GOOD, notices)
    assert not cue.play(), "not started yet"
    await cue.start()
    assert (cue.state, cue.device, cue.stream_latency_s) == ("ready", "d", 0.01)
    for _ in range(20):
        assert cue.play()
        await until(lambda: cue.counts.taken == cue.counts.sent)
    await cue.stop()
    assert cue.state == "stopped"
    assert not cue.play()
    assert (cue.counts.sent, cue.counts.taken, cue.counts.dropped) == (20, 20, 2)
    assert notices == []


async def test_no_device_is_one_plain_notice_and_no_error():
    notices: list[tuple[str, str]] = []
    line = 'print(\'{"state": "no_device", "reason": "no audio output was found"}\', flush=True);'
    cue = player(line + line + "input()", notices)
    await cue.start()
    assert cue.state == "no_device"
    assert not cue.play()
    await cue.stop()
    assert notices == [("warning", "No cue will be heard: no audio output was found.")]


async def test_a_dying_child_is_said_once_and_restarted_a_few_times(until):
    notices: list[tuple[str, str]] = []
    cue = player("import sys;" + READY + "sys.exit(3)", notices)
    await cue.start()
    await until(lambda: len(notices) == 2)
    assert cue.state == "died"
    assert cue.counts.restarts == MAX_RESTARTS
    assert not cue.play()
    await cue.stop()
    assert [level for level, _ in notices] == ["warning", "warning"]
    assert "started again" in notices[0][1]
    assert "keeps stopping" in notices[1][1]


async def test_a_killed_child_comes_back_and_plays(until):
    notices: list[tuple[str, str]] = []
    cue = player(GOOD, notices)
    await cue.start()
    assert cue.play()
    await until(lambda: cue.counts.taken == 1)
    os.kill(cue._process.pid, signal.SIGKILL)
    await until(lambda: cue.counts.restarts == 1 and cue.state == "ready")
    assert cue.play()
    await until(lambda: cue.counts.taken == 2)
    await cue.stop()
    assert len(notices) == 1


async def test_a_child_that_does_not_listen_never_blocks_and_never_piles_up_cues(monkeypatch):
    monkeypatch.setattr("sensor_bridge.audio.player.STOP_TIMEOUT_S", 0.1)
    cue = player(DEAF, [])
    await cue.start()
    assert [cue.play() for _ in range(100)] == [True] * MAX_UNTAKEN + [False] * (100 - MAX_UNTAKEN)
    assert cue.counts.dropped == 100 - MAX_UNTAKEN
    process = cue._process
    await cue.stop()
    assert process.returncode == -signal.SIGKILL


async def test_a_child_that_hangs_is_replaced(monkeypatch, until):
    monkeypatch.setattr("sensor_bridge.audio.player.HANG_S", 0.0)
    cue = player(DEAF, [])
    await cue.start()
    cue.play()
    cue.play()
    cue.play()
    await until(lambda: cue.counts.restarts == 1 and cue.state == "ready")
    monkeypatch.setattr("sensor_bridge.audio.player.STOP_TIMEOUT_S", 0.1)
    assert cue.play(), "what the first child did not take is forgotten"
    await cue.stop()


async def test_a_program_that_does_not_exist_is_a_notice():
    notices: list[tuple[str, str]] = []
    cue = CuePlayer(CueSettings(), lambda level, text: notices.append((level, text)), command=["/no/such"])
    await cue.start()
    assert cue.state == "died"
    await cue.stop()
    assert len(notices) == 1
    assert "cannot be started" in notices[0][1]


async def test_nonsense_from_a_child_is_passed_over():
    cue = player("print('x'); print('[1]'); print('{\"taken\": \"a\"}');" + READY + "input()", [])
    await cue.start()
    assert cue.state == "ready"
    await cue.stop()


async def test_switched_off_starts_nothing():
    cue = CuePlayer(CueSettings(enabled=False), lambda level, text: None, command=["/no/such"])
    await cue.start()
    assert cue.state == "off"
    await cue.stop()


async def test_a_bad_sound_file_is_a_configuration_error(tmp_path):
    cue = CuePlayer(CueSettings(sound=str(tmp_path / "none.wav")), lambda level, text: None)
    with pytest.raises(ConfigError, match=r"none\.wav"):
        await cue.start()
    assert cue.state == "off"


def test_the_child_ignores_ctrl_c_and_leaves_at_the_end_of_its_input():
    command = [sys.executable, "-P", "-m", "sensor_bridge.audio.player_process"]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert b'"state"' in child.stdout.readline()
        child.send_signal(signal.SIGINT)
        child.stdin.write(b"p")
        child.stdin.flush()
        assert b"taken" in child.stdout.readline()
        child.stdin.close()
        assert child.wait(10) == 0
    finally:
        child.kill()
        child.wait()
        child.stdout.close()


class FakeSounddevice:
    """As much of sounddevice as choosing a device looks at."""

    class PortAudioError(Exception):
        pass

    def __init__(self, *names: str) -> None:
        self.names = names
        self.default = SimpleNamespace(device=(-1, 2))

    def query_devices(self):
        return [{"name": name, "max_output_channels": 0 if name == "microphone" else 2} for name in self.names]


def test_the_default_output_comes_first_then_sound_servers():
    chosen = outputs(FakeSounddevice("microphone", "hw", "speakers", "pulse"), "")
    assert [info["name"] for _, info in chosen] == ["speakers", "pulse", "hw"]


def test_a_device_is_chosen_by_a_part_of_its_name():
    assert outputs(FakeSounddevice("microphone", "USB Headset", "x"), "headset")[0][0] == 1


def test_a_wrong_device_name_tells_the_right_ones():
    with pytest.raises(NoDevice, match=r"named like 'sofa'; there are hw, pulse"):
        outputs(FakeSounddevice("hw", "pulse", "microphone"), "sofa")


def test_only_inputs_is_no_device():
    with pytest.raises(NoDevice, match="no audio output was found"):
        outputs(FakeSounddevice("microphone"), "")
