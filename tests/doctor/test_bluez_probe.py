"""The D-Bus probe against a real bus of its own, with and without something that looks like bluetoothd."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from dbus_fast.aio import MessageBus
from dbus_fast.constants import PropertyAccess
from dbus_fast.service import ServiceInterface, dbus_property

from sensor_bridge.doctor import Probes
from sensor_bridge.doctor.probes import BlueZ

BUS_CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path={socket}</listen>
  <policy context="default">
    <allow user="*"/>
    <allow own="*"/>
    <allow send_destination="*"/>
    <allow receive_sender="*"/>
    {rule}
  </policy>
</busconfig>
"""


class Adapter(ServiceInterface):
    def __init__(self, powered: bool) -> None:
        super().__init__("org.bluez.Adapter1")
        self._powered = powered

    @dbus_property(access=PropertyAccess.READ)
    def Powered(self) -> "b":  # type: ignore[name-defined]  # noqa: F821, UP037
        return self._powered


@pytest.fixture
def start_bus(
    tmp_path: Path, require_program: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str], str]]:
    """Start a bus with one more rule, make it the system bus and return its address."""
    running: list[subprocess.Popen[str]] = []

    def start(rule: str = "") -> str:
        config = tmp_path / "bus.conf"
        config.write_text(BUS_CONFIG.format(socket=tmp_path / "bus", rule=rule), encoding="ascii")
        command = [require_program("dbus-daemon"), f"--config-file={config}", "--nofork", "--print-address"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        running.append(process)
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", address)
        return address

    yield start
    for process in running:
        process.terminate()
        process.wait(timeout=10)
        if process.stdout is not None:
            process.stdout.close()


@asynccontextmanager
async def bluetoothd(address: str, **powered: bool) -> AsyncIterator[None]:
    async with asyncio.timeout(10):
        bus = await MessageBus(bus_address=address).connect()
    for name, on in powered.items():
        bus.export(f"/org/bluez/{name}", Adapter(on))
    await bus.request_name("org.bluez")
    try:
        yield
    finally:
        bus.disconnect()
        await bus.wait_for_disconnect()


async def probe() -> BlueZ:
    return await asyncio.to_thread(Probes().bluez)


async def test_adapters_and_their_power_are_told(start_bus: Callable[[str], str]) -> None:
    address = start_bus("")
    async with bluetoothd(address, hci0=True, hci1=False):
        assert await probe() == BlueZ("ok", "ok", {"hci0": True, "hci1": False})


async def test_a_bus_without_bluetoothd(start_bus: Callable[[str], str]) -> None:
    start_bus("")
    found = await probe()
    assert (found.bus, found.service) == ("ok", "missing")


async def test_a_user_who_may_not(start_bus: Callable[[str], str]) -> None:
    address = start_bus('<deny send_destination="org.bluez"/>')
    async with bluetoothd(address, hci0=True):
        found = await probe()
    assert (found.bus, found.service) == ("ok", "denied")


async def test_no_bus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={tmp_path}/none")
    assert (await probe()).bus == "missing"
