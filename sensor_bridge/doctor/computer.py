"""The program and its computer: Python, settings file, container, sound, disk, data folder."""

from __future__ import annotations

from typing import Final

from ..wording import printable
from .check import Check, Context

_OLDEST_PYTHON: Final = (3, 11)
_NEWEST_PYTHON: Final = (3, 13)
_NEXT_TO_NOTHING_MB: Final = 20


def python(name: str, at: Context) -> Check:
    """Compare Python and the system with those that were tried."""
    version = at.probes.python_version()
    text = f"Python {'.'.join(map(str, version))} on {at.probes.system_version()}."
    if version[:2] < _OLDEST_PYTHON:
        return Check(name, "fail", text, "Install Python 3.11, 3.12 or 3.13.")
    if version[:2] > _NEWEST_PYTHON:
        return Check(name, "warn", text, "Use Python 3.11, 3.12 or 3.13: shoepod was not tried with a newer one.")
    if at.probes.system() not in ("Linux", "Darwin", "Windows"):
        return Check(name, "warn", text, "Use Linux, macOS or Windows for pods: bleak knows no other system.")
    return Check(name, "ok", text)


def settings_file(name: str, at: Context) -> Check:
    """Say where the settings are looked for."""
    if at.config_file is None:
        return Check(name, "ok", "The settings were not looked for in a file.")
    file = printable(str(at.config_file))
    if not at.probes.is_file(at.config_file):
        return Check(name, "ok", f"There is no {file}: the defaults hold.", "To change something, write it there.")
    return Check(name, "ok", f"They come from {file}.")


def container(name: str, at: Context) -> Check:
    """Ask whether Bluetooth can reach in here."""
    kind = at.probes.container()
    if kind is None:
        return Check(name, "ok", "Not inside a container.")
    if at.probes.adapters() and at.probes.bluez().bus == "ok":
        return Check(
            name,
            "warn",
            f"Inside a {kind} container that has an adapter and the system bus.",
            "If connecting fails, run shoepod on the host itself: Bluetooth in containers is fragile.",
        )
    return Check(
        name,
        "warn",
        f"Inside a {kind} container: no Bluetooth and no D-Bus reach in here.",
        "Run shoepod on the host, or give the container the host's network and /run/dbus; "
        "shoepod demo works here as it is.",
    )


def audio(name: str, at: Context) -> Check:
    """Look for an output that a cue can sound on."""
    cue = at.settings.cue
    if not cue.enabled:
        return Check(name, "skip", "The cue is switched off.", "To hear it, set enabled = true in [cue].")
    outputs = at.probes.audio_outputs(cue.device)
    if not outputs.has_library:
        return Check(
            name, "warn", f"No sound library: {printable(outputs.error)}.", "Run: sudo apt install libportaudio2"
        )
    if not outputs.names:
        return Check(
            name,
            "warn",
            f"No sound: {printable(outputs.error).rstrip('.')}.",
            "Connect headphones or correct device in [cue]; everything but the cue works without.",
        )
    return Check(name, "ok", f"The cue plays on {printable(outputs.names[0])}.")


def disk(name: str, at: Context) -> Check:
    """Look for room for a run."""
    free_mb, want_mb = at.probes.free_mb(at.home_path), at.settings.store.min_free_mb
    found = f"{free_mb} MB are free for {at.home_path}."
    if free_mb < _NEXT_TO_NOTHING_MB:
        return Check(name, "fail", found, "Make room: a run could not be stored.")
    if free_mb < want_mb:
        return Check(name, "warn", found, f"Make room: you asked for {want_mb} MB in [store].")
    return Check(name, "ok", found)


def permissions(name: str, at: Context) -> Check:
    """Ask whether the data folder is writable, and private."""
    path = at.home_path
    folder = at.probes.folder(path)
    if folder is None:
        return Check(name, "ok", f"{path} will be made by the first run, for you alone.")
    if not folder.is_writable:
        return Check(
            name, "fail", f"{path} cannot be written.", "Give yourself the folder, or set SHOEPOD_HOME to another one."
        )
    if at.probes.system() != "Windows" and folder.mode & 0o077:
        return Check(name, "warn", f"Others can look into {path} (mode {folder.mode:04o}).", f"Run: chmod 700 {path}")
    if not folder.is_own:
        return Check(name, "warn", f"{path} belongs to another user.", "Run shoepod as the user who owns it.")
    return Check(name, "ok", f"{path} is yours alone.")


def other_bridge(name: str, at: Context) -> Check:
    """Ask whether the data folder is in use."""
    if at.probes.is_busy(at.home_path):
        return Check(
            name,
            "warn",
            f"A bridge runs already with {at.home_path}.",
            "Stop it before you start another run, or give that one a SHOEPOD_HOME of its own.",
        )
    return Check(name, "ok", "No other bridge runs.")
