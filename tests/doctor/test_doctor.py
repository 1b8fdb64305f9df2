"""Findings on made-up computers, and on this one."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from sensor_bridge.cli.main import main
from sensor_bridge.doctor import Check, Probes, format_checks, run_checks
from sensor_bridge.doctor.probes import AudioOutputs, BlueZ, FolderState, HttpAnswer, RadioSwitch
from sensor_bridge.home import Home
from sensor_bridge.settings import CueSettings, InfluxSettings, MqttSettings, Settings

HOME = Path("/home/someone/shoepod")
CONFIG_FILE = HOME / "shoepod.toml"
SERVERS_ON = Settings(mqtt=MqttSettings(enabled=True, username="me"), influx=InfluxSettings(enabled=True))
BUCKET = HttpAnswer(200, '{"buckets": [{"name": "shoepod"}]}')


class Computer(Probes):
    """A computer on which everything works, but for what a test changes: ``Computer(adapters=[])``."""

    def __init__(self, **answers: Any) -> None:
        super().__init__()
        self.answers: dict[str, Any] = {
            "system": "Linux",
            "system_version": "Testix 1",
            "python_version": (3, 12, 1),
            "environment": {"SHOEPOD_MQTT_PASSWORD": "p", "SHOEPOD_INFLUX_TOKEN": "t"},
            "container": None,
            "adapters": ["hci0"],
            "radio_switches": [RadioSwitch("hci0", soft=False, hard=False)],
            "bluez": BlueZ("ok", "ok", {"hci0": True}),
            "port_answers": True,
            "mqtt_login": None,
            "http_get": BUCKET,
            "audio_outputs": AudioOutputs(("Headphones",)),
            "free_mb": 5000,
            "folder": FolderState(0o700, True, True),
            "is_file": True,
            "is_busy": False,
        }
        assert answers.keys() <= self.answers.keys()
        self.answers |= answers

    def __getattribute__(self, name: str) -> Any:
        answers: Mapping[str, Any] = object.__getattribute__(self, "__dict__").get("answers", {})
        if name in answers:
            answer = answers[name]
            if callable(answer):
                return answer
            return lambda *_: answer
        return object.__getattribute__(self, name)


def found(settings: Settings = SERVERS_ON, **answers: Any) -> dict[str, Check]:
    checks = run_checks(settings, HOME, Computer(**answers), config_file=CONFIG_FILE)
    return {check.name: check for check in checks}


def test_the_made_up_computer_answers_every_question() -> None:
    questions = {name for name in vars(Probes) if not name.startswith("_")}
    assert questions == Computer().answers.keys()


def test_all_is_well() -> None:
    checks = found()
    assert {name for name, check in checks.items() if check.state != "ok"} == {"pod links"}
    assert format_checks(checks.values()).endswith("Everything that a run needs works.")


def test_the_open_link_is_always_told() -> None:
    check = found()["pod links"]
    assert check.state == "warn"
    assert "unpaired, development only" in check.finding


@pytest.mark.parametrize(
    ("answers", "name", "state", "says"),
    [
        ({"python_version": (3, 10, 0)}, "Python", "fail", "3.11"),
        ({"python_version": (3, 15, 0)}, "Python", "warn", "3.13"),
        ({"system": "Plan9"}, "Python", "warn", "Linux, macOS or Windows"),
        ({}, "settings", "ok", f"come from {CONFIG_FILE}"),
        ({"is_file": False}, "settings", "ok", f"no {CONFIG_FILE}: the defaults hold"),
        ({"container": "Docker", "adapters": []}, "container", "warn", "no Bluetooth and no D-Bus"),
        ({"container": "Docker", "bluez": BlueZ("missing")}, "container", "warn", "no Bluetooth and no D-Bus"),
        ({"container": "LXC"}, "container", "warn", "on the host itself"),
        ({"adapters": []}, "Bluetooth adapter", "fail", "There is no Bluetooth adapter"),
        ({"adapters": [], "system": "Darwin"}, "Bluetooth adapter", "skip", "System Settings"),
        ({"radio_switches": [RadioSwitch("hci0", True, False)]}, "rfkill", "fail", "rfkill unblock bluetooth"),
        ({"radio_switches": [RadioSwitch("hci0", True, True)]}, "rfkill", "fail", "hardware switch"),
        ({"radio_switches": []}, "rfkill", "skip", "no radio"),
        ({"bluez": BlueZ("ok", "missing")}, "bluetoothd", "fail", "systemctl enable --now bluetooth"),
        ({"bluez": BlueZ("ok", "failed", detail="no answer")}, "bluetoothd", "fail", "no answer"),
        ({"bluez": BlueZ("ok", "ok", {"hci0": False})}, "bluetoothd", "fail", "bluetoothctl power on"),
        ({"bluez": BlueZ("ok", "ok", {"hci0": False, "hci1": True})}, "bluetoothd", "ok", "answers"),
        ({"bluez": BlueZ("missing")}, "bluetoothd", "fail", "D-Bus below"),
        ({"bluez": BlueZ("missing")}, "D-Bus", "fail", "mount the host's /run/dbus"),
        ({"bluez": BlueZ("denied")}, "D-Bus", "fail", "usermod -aG bluetooth"),
        ({"bluez": BlueZ("ok", "denied")}, "D-Bus", "fail", "usermod -aG bluetooth"),
        ({"bluez": BlueZ("ok", "denied")}, "bluetoothd", "skip", "D-Bus below"),
        ({"port_answers": False}, "broker", "fail", "wait in the outbox"),
        ({"environment": {}}, "broker", "fail", "SHOEPOD_MQTT_PASSWORD"),
        ({"mqtt_login": "not authorised"}, "broker", "fail", "not authorised"),
        ({"port_answers": False}, "database", "fail", "wait in the outbox"),
        ({"http_get": HttpAnswer(401, "")}, "database", "fail", "SHOEPOD_INFLUX_TOKEN"),
        ({"http_get": HttpAnswer(200, '{"buckets": []}')}, "database", "fail", "no bucket 'shoepod'"),
        ({"http_get": HttpAnswer(200, "<html>")}, "database", "fail", "no bucket"),
        ({"http_get": HttpAnswer(404, "")}, "database", "warn", "HTTP 404"),
        ({"audio_outputs": AudioOutputs(error="none found")}, "audio", "warn", "none found"),
        ({"audio_outputs": AudioOutputs(error="gone", has_library=False)}, "audio", "warn", "libportaudio2"),
        ({"free_mb": 100}, "disk space", "warn", "200 MB"),
        ({"free_mb": 3}, "disk space", "fail", "could not be stored"),
        ({"folder": None}, "data folder", "ok", "will be made"),
        ({"folder": FolderState(0o755, True, True)}, "data folder", "warn", f"chmod 700 {HOME}"),
        ({"folder": FolderState(0o755, True, True), "system": "Windows"}, "data folder", "ok", "yours"),
        ({"folder": FolderState(0o700, False, True)}, "data folder", "warn", "another user"),
        ({"folder": FolderState(0o500, True, False)}, "data folder", "fail", "SHOEPOD_HOME"),
        ({"is_busy": True}, "other bridge", "warn", "Stop it"),
    ],
)
def test_what_is_wrong_and_the_fix(answers: dict[str, Any], name: str, state: str, says: str) -> None:
    check = found(**answers)[name]
    assert check.state == state
    assert says in f"{check.finding} {check.fix}"


def test_what_is_switched_off_is_not_a_failure() -> None:
    off = Settings(cue=CueSettings(enabled=False))
    for listening in (True, False):
        checks = found(off, port_answers=listening, audio_outputs=AudioOutputs(error="none"))
        assert {checks[name].state for name in ("broker", "database", "audio")} == {"skip"}
        assert ("though one listens" in checks["broker"].finding) is listening
        assert ("though one listens" in checks["database"].finding) is listening


NO_ADDRESSES = ["nonsense", "file:///etc/passwd", "http://", "http://[::1", "http://[nine]:80", "http://h:notaport"]
NO_ADDRESSES += ["http://h:99999", "http://h:-1", "http://h:0", "http://h/a b", "http://h\x1b[2J", "http://h\n.org"]


@pytest.mark.parametrize("url", NO_ADDRESSES)
def test_an_address_that_is_none_is_not_opened(url: str) -> None:
    settings = replace(SERVERS_ON, influx=InfluxSettings(enabled=True, url=url))
    check = found(settings, http_get=lambda *_: pytest.fail("opened"))["database"]
    assert (check.state, "is no address" in check.finding) == ("fail", True)
    assert "\x1b" not in check.finding


@pytest.mark.parametrize("answers", [{}, {"port_answers": False}, {"mqtt_login": "no"}])
def test_a_host_cannot_steer_the_terminal(answers: dict[str, Any]) -> None:
    check = found(Settings(mqtt=MqttSettings(enabled=True, host="h\x1b[2J")), **answers)["broker"]
    assert "h?[2J" in check.finding
    assert "\x1b" not in check.finding


def test_without_a_settings_file_to_look_for_it_says_so() -> None:
    [check] = [one for one in run_checks(Settings(), HOME, Computer()) if one.name == "settings"]
    assert (check.state, check.finding) == ("ok", "The settings were not looked for in a file.")


def test_the_command_names_the_settings_file_of_this_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SHOEPOD_HOME", str(tmp_path))
    monkeypatch.setattr(
        "sensor_bridge.cli.doctor.run_checks", partial(run_checks, probes=Computer(is_file=Path.is_file))
    )
    for written in (False, True):
        if written:
            (tmp_path / "shoepod.toml").touch()
        main(["doctor"])
        text = " ".join(capsys.readouterr().out.split())
        assert f"{tmp_path / 'shoepod.toml'}" in text
        assert ("the defaults hold" in text) is not written


def test_a_name_that_no_host_can_have_does_not_answer() -> None:
    assert not Probes().port_answers("a" * 70 + ".example", 1)
    assert not Probes().port_answers("a\0b", 1)


def test_a_probe_that_fails_is_a_finding() -> None:
    def broken(*_: Any) -> Any:
        raise RuntimeError("boom\x1b[2J")

    checks = found(bluez=broken, free_mb=broken)
    assert checks["disk space"].state == checks["bluetoothd"].state == "warn"
    assert "boom" in checks["disk space"].finding
    assert "\x1b" not in format_checks(checks.values())
    assert checks["data folder"].state == "ok"


def test_a_probe_that_hangs_is_a_finding() -> None:
    released = threading.Event()
    try:
        checks = run_checks(SERVERS_ON, HOME, Computer(is_busy=lambda *_: released.wait(30)), timeout_s=0.5)
        assert [check.name for check in checks if "No answer within" in check.finding] == ["other bridge"]
    finally:
        released.set()


def test_each_finding_is_a_sentence_and_each_trouble_has_a_fix() -> None:
    worst = found(
        adapters=[],
        bluez=BlueZ("missing"),
        port_answers=False,
        free_mb=0,
        audio_outputs=AudioOutputs(error="none"),
        container="Docker",
    )
    for check in worst.values():
        assert re.fullmatch(r"[^\n]+[.)]", check.finding), check
        assert bool(check.fix) or check.state == "ok"
    text = format_checks(worst.values())
    assert text.endswith("Does not work: Bluetooth adapter, bluetoothd, D-Bus, broker, database, disk space.")
    assert max(map(len, text.splitlines())) <= 100


# ---- the real probes ------------------------------------------------------------------------------


def test_this_computer(tmp_path: Path) -> None:
    """Every real probe answers or says why not; a computer without Bluetooth is told so plainly."""
    checks = {check.name: check for check in run_checks(Settings(), tmp_path / "data", timeout_s=30)}
    assert not [check for check in checks.values() if "The check itself failed" in check.finding]
    assert not [check for check in checks.values() if "No answer" in check.finding]
    assert checks["Python"].state == "ok"
    assert checks["data folder"].state == "ok"
    if not Probes().adapters() and Probes().system() == "Linux":
        assert checks["Bluetooth adapter"].state == "fail"
        assert "There is no Bluetooth adapter" in checks["Bluetooth adapter"].finding


def test_a_running_bridge_and_an_open_folder_are_seen(tmp_path: Path) -> None:
    home = Home(tmp_path, tmp_path / "data")
    with home.lock():
        (tmp_path / "data").chmod(0o755)
        checks = {check.name: check for check in run_checks(Settings(cue=CueSettings(enabled=False)), home.data_dir)}
    assert checks["other bridge"].state == "warn"
    assert "chmod 700" in checks["data folder"].fix
    assert not Probes().is_busy(home.data_dir)


def test_files_of_the_system_are_read(tmp_path: Path) -> None:
    for name, kind, soft, hard in (("rfkill0", "wlan", "1", "1"), ("rfkill1", "bluetooth", "1", "0")):
        switch = tmp_path / "sys/class/rfkill" / name
        switch.mkdir(parents=True)
        for key, value in (("type", kind), ("soft", soft), ("hard", hard), ("name", name + "-radio")):
            (switch / key).write_text(value + "\n")
    for name in ("hci1", "hci0", "hci0:1"):
        (tmp_path / "sys/class/bluetooth" / name).mkdir(parents=True)
    probes = Probes(tmp_path)
    assert probes.radio_switches() == [RadioSwitch("rfkill1-radio", soft=True, hard=False)]
    assert probes.adapters() == ["hci0", "hci1"]


@pytest.mark.parametrize(
    ("file", "text", "kind"),
    [
        (".dockerenv", "", "Docker"),
        ("run/.containerenv", "", "Podman"),
        ("proc/1/cgroup", "0::/system.slice/docker-1234.scope\n", "Docker"),
        ("proc/1/cgroup", "0::/init.scope\n", None),
    ],
)
def test_containers_are_recognised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, text: str, kind: str | None
) -> None:
    monkeypatch.delenv("container", raising=False)
    (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / file).write_text(text)
    assert Probes(tmp_path).container() == kind


def test_a_real_broker_with_a_real_password(
    tmp_path: Path, free_port: int, require_program: Callable[[str], str], start_server: Callable[..., None]
) -> None:
    import subprocess

    passwords = tmp_path / "passwd"
    command = [require_program("mosquitto_passwd"), "-b", "-c", str(passwords), "me", "right"]
    subprocess.run(command, check=True, capture_output=True)
    conf = tmp_path / "mosquitto.conf"
    conf.write_text(f"listener {free_port} 127.0.0.1\nallow_anonymous false\npassword_file {passwords}\nuser root\n")
    probes = Probes()
    start_server([require_program("mosquitto"), "-c", str(conf)], lambda: probes.port_answers("127.0.0.1", free_port))
    settings = MqttSettings(enabled=True, port=free_port, username="me")
    assert probes.mqtt_login(settings, "right") is None
    assert probes.mqtt_login(settings, "wrong")


def test_a_real_database(
    tmp_path: Path, free_port: int, require_program: Callable[[str], str], start_server: Callable[..., None]
) -> None:
    """VictoriaMetrics takes points, but knows no buckets: a warning, not a failure."""
    program = require_program("victoria-metrics")
    address = f"127.0.0.1:{free_port}"
    command = [program, f"-storageDataPath={tmp_path}/vm", f"-httpListenAddr={address}", "-memory.allowedBytes=64MB"]
    start_server(command, lambda: Probes().port_answers("127.0.0.1", free_port))
    settings = Settings(influx=InfluxSettings(enabled=True, url=f"http://{address}"), cue=CueSettings(enabled=False))
    checks = {check.name: check for check in run_checks(settings, tmp_path, timeout_s=30)}
    assert checks["database"].state == "warn"
    assert "does not speak of buckets" in checks["database"].finding
    nobody = replace(settings, influx=InfluxSettings(enabled=True, url="http://127.0.0.1:1"))
    assert {c.name: c for c in run_checks(nobody, tmp_path, timeout_s=30)}["database"].state == "fail"
