"""Radios as `pods` sees them, and the one of the operating system."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Any, Protocol, Self

from bleak import BleakAdapter, BleakClient, BleakScanner
from bleak.backends.device import BLEDevice
from bleak.exc import BleakBluetoothNotAvailableError, BleakBluetoothNotAvailableReason

from ..errors import RadioUnavailable


class Radio(Protocol):
    """Makes bleak scanners and clients."""

    @property
    def name(self) -> str:
        """What to call it in messages."""
        ...

    def scanner(self, **options: Any) -> BleakScanner:
        """Return a new scanner; ``options`` are bleak's."""
        ...

    def client(self, device: BLEDevice | str, **options: Any) -> BleakClient:
        """Return a new client for one connection; ``options`` are bleak's."""
        ...

    async def connected_devices(self, service_uuid: str) -> list[BLEDevice]:
        """Return devices that are connected to this machine already, and so no longer advertise."""
        ...


class OsRadio:
    """The Bluetooth adapter of this machine."""

    name = "this machine's Bluetooth adapter"

    def scanner(self, **options: Any) -> BleakScanner:
        """Return a new scanner."""
        return BleakScanner(**options)

    def client(self, device: BLEDevice | str, **options: Any) -> BleakClient:
        """Return a new client."""
        return BleakClient(device, **options)

    async def connected_devices(self, service_uuid: str) -> list[BLEDevice]:
        """Return devices that an earlier, killed program left connected (BlueZ, macOS, Windows)."""
        try:
            adapter = await BleakAdapter.get()
            return await adapter.get_connected_devices([service_uuid])
        except NotImplementedError:
            return []

    async def __aenter__(self) -> Self:
        """Do nothing: the operating system owns the adapter."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Do nothing."""


_FIXES = {
    BleakBluetoothNotAvailableReason.NO_BLUETOOTH: "this machine has no Bluetooth adapter; plug one in",
    BleakBluetoothNotAvailableReason.NO_BLE_CENTRAL_ROLE: (
        "this Bluetooth adapter cannot do Bluetooth LE; use another one"
    ),
    BleakBluetoothNotAvailableReason.POWERED_OFF: "Bluetooth is off; switch it on",
    BleakBluetoothNotAvailableReason.DENIED_BY_USER: (
        "this program may not use Bluetooth; allow it in the system's privacy settings"
    ),
    BleakBluetoothNotAvailableReason.DENIED_BY_SYSTEM: "the system's policy forbids Bluetooth to this program",
}


def radio_unavailable(radio: Radio, error: Exception) -> RadioUnavailable:
    """Return the error that says why a radio cannot be used and what to do about it."""
    if isinstance(error, BleakBluetoothNotAvailableError) and error.reason in _FIXES:
        return RadioUnavailable(f"{radio.name} cannot be used: {_FIXES[error.reason]}")
    hint = "'shoepod doctor' says what is missing"
    if sys.platform == "linux" and isinstance(error, FileNotFoundError | ConnectionError | PermissionError):
        hint = "the system's D-Bus or bluetoothd does not answer; 'shoepod doctor' says what is missing"
    reason = str(error.args[0]) if isinstance(error, BleakBluetoothNotAvailableError) else str(error)
    return RadioUnavailable(f"{radio.name} cannot be used ({reason or type(error).__name__}); {hint}")
