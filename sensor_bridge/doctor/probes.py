"""What the checks ask the computer: each probe answers one question and judges nothing.

A probe may take up to its timeout and may raise; `run_checks` turns both into findings.
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import shutil
import socket
import stat
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from ..home import Home
from ..settings import MqttSettings

PROBE_TIMEOUT_S: Final = 4.0
_TCP_TIMEOUT_S: Final = 0.5
_AUDIO_PROGRAM: Final = """
import json, sys
try:
    import sounddevice
except (ImportError, OSError) as error:
    print(json.dumps({"error": str(error), "library": False}))
    sys.exit()
from sensor_bridge.audio.player_process import outputs
try:
    found = outputs(sounddevice, sys.argv[1])
    print(json.dumps({"outputs": [str(info["name"]) for _, info in found]}))
except Exception as error:
    print(json.dumps({"error": str(error), "library": True}))
"""


@dataclass(frozen=True, slots=True)
class BlueZ:
    """What the Bluetooth service says over D-Bus.

    Attributes
    ----------
    bus : str
        Whether the system bus answers: ``ok``, ``missing`` or ``denied``.
    service : str
        Whether bluetoothd answers on it: ``ok``, ``missing``, ``denied`` or ``failed``.
    powered : mapping
        Adapters by name, and whether each is switched on.
    detail : str
        What the bus said if something failed.
    """

    bus: Literal["ok", "missing", "denied"]
    service: Literal["ok", "missing", "denied", "failed"] = "missing"
    powered: Mapping[str, bool] = field(default_factory=dict)
    detail: str = ""


@dataclass(frozen=True, slots=True)
class RadioSwitch:
    """A switch of the kernel that keeps a radio off (rfkill)."""

    name: str
    soft: bool
    hard: bool


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """Status and body of an HTTP answer."""

    status: int
    body: str


@dataclass(frozen=True, slots=True)
class AudioOutputs:
    """The outputs a cue could use, best first, or why there is none."""

    names: tuple[str, ...] = ()
    error: str = ""
    has_library: bool = True


@dataclass(frozen=True, slots=True)
class FolderState:
    """A data folder: permission bits, and whether this user owns and can write it."""

    mode: int
    is_own: bool
    is_writable: bool


class Probes:
    """Asks this computer; a test gives its own answers.

    Parameters
    ----------
    root : Path
        Where the system's files are looked for.
    """

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root

    def system(self) -> str:
        """Return ``Linux``, ``Darwin`` or ``Windows``."""
        return platform.system()

    def system_version(self) -> str:
        """Return the system's name and version in words."""
        try:
            return platform.freedesktop_os_release()["PRETTY_NAME"]
        except (OSError, KeyError):
            return f"{platform.system()} {platform.release()}".strip()

    def python_version(self) -> tuple[int, int, int]:
        """Return major, minor, micro."""
        return sys.version_info[:3]

    def environment(self) -> Mapping[str, str]:
        """Return the environment variables."""
        return os.environ

    def container(self) -> str | None:
        """Return the kind of container this runs in, if any."""
        for marker, kind in ((".dockerenv", "Docker"), ("run/.containerenv", "Podman")):
            if (self._root / marker).exists():
                return kind
        named = self.environment().get("container")
        if named:
            return named
        groups = _read(self._root / "proc/1/cgroup")
        for word, kind in (("docker", "Docker"), ("kubepods", "Kubernetes"), ("lxc", "LXC")):
            if word in groups:
                return kind
        return None

    def adapters(self) -> list[str]:
        """Return the Bluetooth adapters that the kernel knows."""
        return sorted(path.name for path in (self._root / "sys/class/bluetooth").glob("hci*") if ":" not in path.name)

    def radio_switches(self) -> list[RadioSwitch]:
        """Return the rfkill switches of Bluetooth radios."""
        return [
            RadioSwitch(_read(path / "name") or path.name, _read(path / "soft") == "1", _read(path / "hard") == "1")
            for path in sorted((self._root / "sys/class/rfkill").glob("rfkill*"))
            if _read(path / "type") == "bluetooth"
        ]

    def bluez(self) -> BlueZ:
        """Ask bluetoothd for its adapters over the system bus."""
        return asyncio.run(_ask_bluez())

    def port_answers(self, host: str, port: int) -> bool:
        """Tell whether something listens there."""
        try:
            socket.create_connection((host, port), timeout=_TCP_TIMEOUT_S).close()
        except (OSError, ValueError):  # ValueError: no host can have such a name
            return False
        return True

    def mqtt_login(self, settings: MqttSettings, password: str | None) -> str | None:
        """Log in to the broker; return why it failed, or None."""
        # The MQTT library needs a selector loop, which is not the default on Windows.
        with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
            return runner.run(_log_in(settings, password))

    def http_get(self, url: str, token: str) -> HttpAnswer:
        """Return the answer to a GET, whatever its status.

        Raises
        ------
        OSError
            Nobody answers there.
        """
        request = urllib.request.Request(url)
        if token:
            request.add_header("Authorization", f"Token {token}")
        try:
            with urllib.request.urlopen(request, timeout=PROBE_TIMEOUT_S) as response:
                return HttpAnswer(response.status, response.read(100_000).decode("utf-8", "replace"))
        except urllib.error.HTTPError as error:
            with error:
                return HttpAnswer(error.code, "")

    def audio_outputs(self, wanted: str) -> AudioOutputs:
        """List audio outputs, in a process of its own: audio libraries hang and write to the terminal."""
        command = [sys.executable, "-c", _AUDIO_PROGRAM, wanted]
        try:
            done = subprocess.run(command, capture_output=True, timeout=PROBE_TIMEOUT_S, text=True, check=False)
            said = json.loads(done.stdout.strip().splitlines()[-1])
        except subprocess.TimeoutExpired:
            return AudioOutputs(error="the audio system does not answer")
        except (IndexError, ValueError):
            return AudioOutputs(error="the audio library ended by itself")
        return AudioOutputs(tuple(said.get("outputs", ())), said.get("error", ""), said.get("library", True))

    def free_mb(self, path: Path) -> int:
        """Return the free space where a path is or will be, in megabytes."""
        existing = next(folder for folder in (path, *path.parents) if folder.exists())
        return shutil.disk_usage(existing).free // 1_000_000

    def folder(self, path: Path) -> FolderState | None:
        """Return the state of a folder, or None where there is none."""
        try:
            state = path.stat()
        except FileNotFoundError:
            return None
        is_own = not hasattr(os, "getuid") or state.st_uid == os.getuid()
        return FolderState(stat.S_IMODE(state.st_mode), is_own, os.access(path, os.W_OK | os.X_OK))

    def is_file(self, path: Path) -> bool:
        """Tell whether there is such a file."""
        return path.is_file()

    def is_busy(self, data_dir: Path) -> bool:
        """Tell whether a bridge runs with this data folder."""
        return Home(data_dir, data_dir).is_busy()


async def _ask_bluez() -> BlueZ:
    # dbus-fast comes with bleak on Linux only; nothing else gets here.
    from dbus_fast import BusType, Message, MessageType
    from dbus_fast.aio import MessageBus
    from dbus_fast.errors import AuthError

    try:
        async with asyncio.timeout(PROBE_TIMEOUT_S):
            bus = await MessageBus(bus_type=BusType.SYSTEM).connect()
    except (PermissionError, AuthError) as error:
        return BlueZ("denied", detail=str(error))
    except (OSError, TimeoutError) as error:
        return BlueZ("missing", detail=str(error))
    try:
        async with asyncio.timeout(PROBE_TIMEOUT_S):
            reply = await bus.call(
                Message(
                    destination="org.bluez",
                    path="/",
                    interface="org.freedesktop.DBus.ObjectManager",
                    member="GetManagedObjects",
                )
            )
    except TimeoutError:
        return BlueZ("ok", "failed", detail="bluetoothd does not answer")
    finally:
        bus.disconnect()
    if reply is None or reply.message_type is MessageType.ERROR:
        name = (reply.error_name if reply is not None else None) or ""
        detail = f"{name} {' '.join(map(str, reply.body)) if reply is not None else ''}".strip()
        if name.endswith("AccessDenied"):
            return BlueZ("ok", "denied", detail=detail)
        if name.endswith(("ServiceUnknown", "NameHasNoOwner", "UnitNotFound")) or "Spawn" in name:
            return BlueZ("ok", "missing", detail=detail)
        return BlueZ("ok", "failed", detail=detail)
    powered = {
        path.rpartition("/")[2]: bool(interfaces["org.bluez.Adapter1"]["Powered"].value)
        for path, interfaces in reply.body[0].items()
        if "org.bluez.Adapter1" in interfaces
    }
    return BlueZ("ok", "ok", powered)


async def _log_in(settings: MqttSettings, password: str | None) -> str | None:
    import aiomqtt

    try:
        async with (
            asyncio.timeout(PROBE_TIMEOUT_S),
            aiomqtt.Client(
                settings.host,
                settings.port,
                username=settings.username or None,
                password=password if settings.username else None,
                timeout=PROBE_TIMEOUT_S,
            ),
        ):
            return None
    except (aiomqtt.MqttError, OSError, TimeoutError) as error:
        return str(error) or "no answer"


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
