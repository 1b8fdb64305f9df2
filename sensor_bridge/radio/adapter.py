"""A Bluetooth adapter that is a Bumble host: what stands under the bleak backend in `bumble_backend`.

The adapter outlives its controller: when the radio goes (the hub's connection breaks), links are reported
lost and requests fail; when it is attached again, scanning and connecting work as before.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, Final, TypeAlias

from bleak.exc import BleakBluetoothNotAvailableError, BleakBluetoothNotAvailableReason, BleakError
from bumble import hci
from bumble.core import BaseBumbleError
from bumble.device import Device

AdvertisementListener: TypeAlias = Callable[[Any], None]

# A static random address: the two top bits are set.
_ADDRESS: Final = "F0:F1:F2:F3:F4:F5"
_POWER_ON_TIMEOUT_S: Final = 5.0


class Adapter:
    """The one adapter of a simulated machine, shared by its scanners and clients."""

    def __init__(self) -> None:
        self._device: Any = None
        self._listeners: list[AdvertisementListener] = []
        self._connecting = asyncio.Lock()
        self._switching = asyncio.Lock()
        self.seen: dict[str, Any] = {}
        """Bumble addresses of what was ever heard, by address text."""

    @property
    def powered(self) -> bool:
        """Whether there is a radio just now."""
        return self._device is not None

    @property
    def device(self) -> Any:
        """The Bumble device.

        Raises
        ------
        BleakBluetoothNotAvailableError
            There is no radio just now.
        """
        if self._device is None:
            raise BleakBluetoothNotAvailableError(
                "the simulated radio is gone", BleakBluetoothNotAvailableReason.UNKNOWN
            )
        return self._device

    async def attach(self, source: Any, sink: Any) -> None:
        """Power on over an HCI source and sink."""
        device = Device.with_hci("shoepod", hci.Address(_ADDRESS), source, sink)
        async with asyncio.timeout(_POWER_ON_TIMEOUT_S):
            await device.power_on()
        device.on("advertisement", self._on_advertisement)
        async with self._switching:
            self._device = device
            if self._listeners:
                await device.start_scanning(active=True)

    def detach(self) -> None:
        """Take note that the radio is gone: every link is lost, at once."""
        device, self._device = self._device, None
        if device is None:
            return
        device.remove_listener("advertisement", self._on_advertisement)
        pending = device.host.pending_response
        if pending is not None and not pending.done():
            pending.set_exception(BaseBumbleError("the radio is gone"))
        device.host.emit("flush")

    async def add_scan(self, listener: AdvertisementListener) -> None:
        """Begin to hear advertisements; the radio scans while anyone listens."""
        async with self._switching:
            device = self.device
            if not self._listeners:
                await device.start_scanning(active=True)
            self._listeners.append(listener)

    async def remove_scan(self, listener: AdvertisementListener) -> None:
        """Stop hearing advertisements. Never fails: without a radio there is nothing to stop."""
        async with self._switching:
            if listener not in self._listeners:
                return
            self._listeners.remove(listener)
            if not self._listeners and self._device is not None:
                with contextlib.suppress(BaseBumbleError):
                    await self._device.stop_scanning()

    async def connect(self, address: Any, timeout_s: float) -> Any:
        """Return a Bumble connection. One connect request at a time, as on real controllers.

        Raises
        ------
        TimeoutError
            Nobody answered in time.
        BleakError
            The radio refused or went away.
        """
        async with self._connecting:
            device = self.device
            try:
                async with asyncio.timeout(timeout_s):
                    return await device.connect(address, timeout=None)
            except BaseBumbleError as error:
                raise BleakError(f"cannot connect: {error}") from error
            except (TimeoutError, asyncio.CancelledError):
                await self._abandon_connect(device, address)
                task = asyncio.current_task()
                if device is not self._device and not (task and task.cancelling()):
                    raise BleakError("the simulated radio went away while connecting") from None
                raise

    async def _abandon_connect(self, device: Any, address: Any) -> None:
        """Leave neither a pending connect request nor a link that nobody owns."""
        if device is not self._device:
            return
        with contextlib.suppress(BaseBumbleError, TimeoutError):
            await device.send_sync_command(hci.HCI_LE_Create_Connection_Cancel_Command())
        for connection in list(device.connections.values()):
            if connection.peer_address == address and not getattr(connection, "owned", False):
                with contextlib.suppress(BaseBumbleError):
                    await connection.disconnect()

    def _on_advertisement(self, advertisement: Any) -> None:
        self.seen[address_text(advertisement.address)] = advertisement.address
        for listener in list(self._listeners):
            listener(advertisement)


def address_text(address: Any) -> str:
    """Return a Bumble address as bleak writes it: without its type."""
    return str(address).split("/", maxsplit=1)[0]
