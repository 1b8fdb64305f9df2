"""The server stack: loopback only, no password in a file, nobody anonymous; its secrets are private."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiomqtt
import pytest
import yaml

from sensor_bridge.errors import ConfigError
from sensor_bridge.settings import Settings
from sensor_bridge.stack_env import main, make_env


@pytest.fixture
def compose(config_dir: Path) -> dict[str, Any]:
    return yaml.safe_load((config_dir / "compose.yaml").read_text(encoding="utf-8"))


def read_env(path: Path) -> dict[str, str]:
    lines = [line for line in path.read_text(encoding="ascii").splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def test_every_port_is_on_loopback(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        assert service["ports"]
        for port in service["ports"]:
            assert str(port).startswith("127.0.0.1:")
        assert "network_mode" not in service


def test_every_secret_comes_from_the_environment_and_must_be_there(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        for key, value in service["environment"].items():
            if re.search("PASSWORD|TOKEN|SECRET", key):
                assert re.fullmatch(r"\$\{SHOEPOD_\w+:\?.+\}", value), key
    assert compose["services"]["grafana"]["environment"]["GF_AUTH_ANONYMOUS_ENABLED"] == "false"


def test_images_are_pinned_and_mounts_exist(compose: dict[str, Any], config_dir: Path) -> None:
    for service in compose["services"].values():
        assert re.fullmatch(r"[\w/-]+:\d+\.\d+\.\d+", service["image"])
        for mount in service["volumes"]:
            source = mount.split(":")[0]
            assert (config_dir / source).exists() if source.startswith(".") else source in compose["volumes"]


def test_what_compose_asks_for_is_what_is_made(config_dir: Path, tmp_path: Path) -> None:
    asked = set(re.findall(r"\$\{(SHOEPOD_\w+):\?", (config_dir / "compose.yaml").read_text(encoding="utf-8")))
    make_env(tmp_path / ".env")
    made = read_env(tmp_path / ".env")
    assert asked == made.keys()
    assert {Settings().mqtt.password_env, Settings().influx.token_env} <= made.keys()


def test_secrets_are_fresh_private_and_never_overwritten(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        make_env(tmp_path / "a")
        make_env(tmp_path / "b")
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o600
    first, second = read_env(tmp_path / "a"), read_env(tmp_path / "b")
    secrets = [value for env in (first, second) for name, value in env.items() if name != "SHOEPOD_MQTT_USERNAME"]
    assert len(set(secrets)) == len(secrets) == 8
    assert all(re.fullmatch(r"[\w-]{40,}", value) for value in secrets)
    with pytest.raises(ConfigError, match="exists already"):
        make_env(tmp_path / "a")
    assert read_env(tmp_path / "a") == first


def test_the_script_says_what_it_did(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / ".env")]) == 0
    assert str(tmp_path / ".env") in capsys.readouterr().out
    assert main([str(tmp_path / ".env")]) == 2
    assert main([str(tmp_path / "no" / "folder" / ".env")]) == 2
    assert capsys.readouterr().err.count("\n") == 2


def test_the_secrets_are_ignored_by_git(config_dir: Path) -> None:
    if not (config_dir.parent / ".git").exists():
        pytest.skip("this is not a git clone")
    done = subprocess.run(["git", "check-ignore", "config/.env"], cwd=config_dir.parent, capture_output=True)
    assert done.returncode == 0


def test_no_password_stands_in_any_file(config_dir: Path) -> None:
    """Whatever follows a word for a secret is a variable, a file name, or nothing."""
    secret = re.compile(r"(?im)(password|passwd|token|secret)\w*[\"']?\s*[:=]\s*(?P<value>.+)$")
    harmless = re.compile(r"\$\{?SHOEPOD_|\"?(Token )?\$SHOEPOD_|\"SHOEPOD_\w+\"$|$")
    for path in config_dir.rglob("*"):
        if path.is_file() and path.name != ".env":
            for match in secret.finditer(path.read_text(encoding="utf-8")):
                assert harmless.match(match["value"]), f"{path.name}: {match[0]}"


def test_yaml_files_parse(config_dir: Path) -> None:
    files = [*config_dir.rglob("*.yaml")]
    assert len(files) == 3
    for path in files:
        assert isinstance(yaml.safe_load(path.read_text(encoding="utf-8")), dict)


# ---- the broker's configuration on a real broker --------------------------------------------------


def broker_conf(config_dir: Path, tmp_path: Path, port: int) -> Path:
    """Return the shipped configuration with its port and paths moved into the test's folder."""
    text = (config_dir / "mosquitto" / "mosquitto.conf").read_text(encoding="ascii")
    moved = (
        text.replace("listener 1883 ", f"listener {port} ")
        .replace("/etc/mosquitto/shoepod.passwd", str(tmp_path / "passwd"))
        .replace("/var/lib/mosquitto/", f"{tmp_path}/")
    )
    assert moved.count(str(tmp_path)) == 3
    # As root, mosquitto would change to a user that cannot read the test's folder.
    conf = tmp_path / "mosquitto.conf"
    conf.write_text(moved + ("user root\n" if os.geteuid() == 0 else ""), encoding="ascii")
    return conf


def listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def broker_port(
    config_dir: Path,
    tmp_path: Path,
    free_port: int,
    require_program: Callable[[str], str],
    start_server: Callable[..., None],
) -> int:
    """Return the port of a mosquitto with the shipped configuration and one user."""
    command = [require_program("mosquitto_passwd"), "-b", "-c", str(tmp_path / "passwd"), "shoepod", "right"]
    subprocess.run(command, check=True, capture_output=True)
    conf = broker_conf(config_dir, tmp_path, free_port)
    start_server([require_program("mosquitto"), "-c", str(conf)], lambda: listening(free_port))
    return free_port


async def test_the_broker_takes_the_password_and_nobody_else(broker_port: int) -> None:
    def client(**who: str) -> aiomqtt.Client:
        return aiomqtt.Client("127.0.0.1", broker_port, timeout=5, **who)

    async with asyncio.timeout(20), client(username="shoepod", password="right") as mqtt:
        await mqtt.subscribe("shoepod/#", qos=1)
        await mqtt.publish("shoepod/x", b"1", qos=1)
        message = await anext(aiter(mqtt.messages))
        assert message.payload == b"1"
    for who in ({}, {"username": "shoepod", "password": "wrong"}, {"username": "shoepod"}):
        with pytest.raises(aiomqtt.MqttError):
            async with client(**who):
                pass


async def test_the_broker_keeps_what_a_slow_subscriber_misses(broker_port: int) -> None:
    """With mosquitto's default of 1000 queued messages the rest would be dropped."""
    many = 2500
    who = {"username": "shoepod", "password": "right"}

    async def messages(name: str, **options: Any) -> aiomqtt.Client:
        return aiomqtt.Client("127.0.0.1", broker_port, identifier=name, timeout=10, **who, **options)

    # A subscriber with a session of its own that is away while the messages come.
    async with asyncio.timeout(30):
        async with await messages("slow", clean_session=False) as slow:
            await slow.subscribe("shoepod/#", qos=1)
        async with await messages("fast", max_inflight_messages=200, max_queued_outgoing_messages=0) as fast:
            await asyncio.gather(*(fast.publish("shoepod/x", str(n), qos=1) for n in range(many)))
        got: set[int] = set()
        async with await messages("slow", clean_session=False) as slow:
            async for message in slow.messages:
                got.add(int(message.payload))  # type: ignore[arg-type]
                if len(got) == many:
                    break
    assert got == set(range(many))


def test_the_script_runs_as_a_module(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sensor_bridge.stack_env", str(tmp_path / ".env")], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "SHOEPOD_INFLUX_TOKEN" in read_env(tmp_path / ".env")
