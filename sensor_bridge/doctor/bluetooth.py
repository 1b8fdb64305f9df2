"""What stands between the program and pods: adapter, switches, service, permission, and the open link."""

from __future__ import annotations

from collections.abc import Sequence

from firmware_protocol import WIRE_VERSION

from ..wording import printable
from .check import Check, Context
from .probes import BlueZ


def _not_linux(name: str, at: Context) -> Check | None:
    system = at.probes.system()
    if system == "Linux":
        return None
    asked = {
        "Darwin": "If a run finds no pods, allow Bluetooth for your terminal in System Settings, Privacy & Security.",
        "Windows": "If a run finds no pods, switch Bluetooth on in Settings, Bluetooth & devices.",
    }
    return Check(name, "skip", "Only looked at on Linux.", asked.get(system, "Try shoepod run."))


def adapter(name: str, at: Context) -> Check:
    """Look for a Bluetooth adapter."""
    if (other := _not_linux(name, at)) is not None:
        return other
    adapters = at.probes.adapters()
    if not adapters:
        return Check(
            name,
            "fail",
            "There is no Bluetooth adapter.",
            "Plug in a Bluetooth LE adapter, or switch the built-in one on in the firmware setup; "
            "shoepod demo needs none.",
        )
    return Check(name, "ok", f"{_listed(adapters)}.")


def rfkill(name: str, at: Context) -> Check:
    """Look for blocked Bluetooth radios."""
    if (other := _not_linux(name, at)) is not None:
        return other
    switches = at.probes.radio_switches()
    if hard := [switch.name for switch in switches if switch.hard]:
        return Check(
            name,
            "fail",
            f"{_listed(hard)} is off by a hardware switch.",
            "Use the computer's switch or key for radios.",
        )
    if soft := [switch.name for switch in switches if switch.soft]:
        return Check(name, "fail", f"{_listed(soft)} is blocked.", "Run: rfkill unblock bluetooth")
    if not switches:
        return Check(name, "skip", "There is no radio to block.", "See the adapter above.")
    return Check(name, "ok", "No Bluetooth radio is blocked.")


def bluetoothd(name: str, at: Context) -> Check:
    """Ask whether the Bluetooth service runs, with an adapter that is on."""
    if (other := _not_linux(name, at)) is not None:
        return other
    bluez = at.probes.bluez()
    if bluez.bus != "ok":
        return Check(name, "fail", "Cannot ask for it: there is no D-Bus.", "See D-Bus below.")
    if bluez.service == "denied":
        return Check(name, "skip", "Cannot ask for it.", "See D-Bus below.")
    if bluez.service != "ok":
        return Check(
            name,
            "fail",
            f"The Bluetooth service does not run{_because(bluez)}.",
            "Install bluez, then run: sudo systemctl enable --now bluetooth",
        )
    off = [adapter for adapter, powered in bluez.powered.items() if not powered]
    if off and len(off) == len(bluez.powered):
        return Check(name, "fail", f"It runs, but {_listed(off)} is switched off.", "Run: bluetoothctl power on")
    return Check(name, "ok", "The Bluetooth service answers.")


def dbus(name: str, at: Context) -> Check:
    """Ask whether this user may speak with the Bluetooth service."""
    if (other := _not_linux(name, at)) is not None:
        return other
    bluez = at.probes.bluez()
    if bluez.bus == "missing":
        return Check(
            name,
            "fail",
            "The system bus is not there.",
            "Run: sudo systemctl start dbus; inside a container, mount the host's /run/dbus.",
        )
    if bluez.bus == "denied" or bluez.service == "denied":
        return Check(
            name,
            "fail",
            f"This user may not speak with the Bluetooth service{_because(bluez)}.",
            "Run: sudo usermod -aG bluetooth $USER, then log in again.",
        )
    return Check(name, "ok", "This user may speak with services on the system bus.")


def pod_links(name: str, at: Context) -> Check:
    """Say what the wire version means for who may listen."""
    return Check(
        name,
        "warn",
        f"Pods speak wire version {WIRE_VERSION}: unpaired, development only. Anyone in radio range can read "
        "a stream and command a pod.",
        "Use them where that does no harm; pairing comes with a later wire version.",
    )


def _listed(names: Sequence[str]) -> str:
    return printable(", ".join(names))


def _because(bluez: BlueZ) -> str:
    return f" ({printable(bluez.detail)})" if bluez.detail else ""
