"""A Bluetooth adapter that is a Bumble host: what stands under the bleak backend in `bumble_backend`.

The adapter outlives its controller: when the radio goes (the hub's connection breaks), links are reported
lost and requests fail; when it is attached again, scanning and connecting work as before.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeAlias, TypeVar

from bleak.exc import BleakBluetoothNotAvailableError, BleakBluetoothNotAvailableReason, BleakError
from bumble import hci
from bumble.core import BaseBumbleError
from bumble.device import Device

AdvertisementListener: TypeAlias = Callable[[Any], None]
_T = TypeVar("_T")

# A static random address: the two top bits are set.
_ADDRESS: Final = "F0:F1:F2:F3:F4:F5"
_POWER_ON_TIMEOUT_S: Final = 5.0


async def unbroken(work: Coroutine[Any, Any, _T]) -> _T:
    """Await something of Bumble's so that cancelling the caller does not cancel it.

    Bumble pairs commands with responses by order: one that was cancelled half-way would give its response
    to the next.
    """
    task = asyncio.ensure_future(work)
    task.add_done_callback(lambda done: done.cancelled() or done.exception())  # told to nobody is fine
    return await asyncio.shield(task)


class Adapter:
    """The one adapter of a simulated machine, shared by its scanners and clients."""

    def __init__(self) -> None:
        self._device: Any = None
        self._listeners: list[AdvertisementListener] = []
        self._switching = asyncio.Lock()
        self._scanning = False
        self._connecting = asyncio.Lock()
        self._abandoned: asyncio.Task[None] | None = None
        self.seen: dict[str, Any] = {}
        """Bumble addresses of what was ever heard, by address text."""

    @property
    def powered(self) -> bool:
        """Whether there is a radio just now."""
        return self._device is not None

    async def attach(self, source: Any, sink: Any) -> None:
        """Power on over an HCI source and sink."""
        device = Device.with_hci("shoepod", hci.Address(_ADDRESS), source, sink)
        async with asyncio.timeout(_POWER_ON_TIMEOUT_S):
            await device.power_on()
        device.on("advertisement", self._on_advertisement)
        self._device = device
        self._scanning = False
        await self._switch_scan()

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
        """Begin to hear advertisements; the radio scans while anyone listens.

        Raises
        ------
        BleakBluetoothNotAvailableError
            There is no radio just now.
        """
        if self._device is None:
            raise radio_gone()
        self._listeners.append(listener)
        try:
            await unbroken(self._switch_scan())
        except BaseException:
            self._listeners.remove(listener)
            raise

    async def remove_scan(self, listener: AdvertisementListener) -> None:
        """Stop hearing advertisements. Never fails: without a radio there is nothing to stop."""
        if listener in self._listeners:
            self._listeners.remove(listener)
            with contextlib.suppress(BaseBumbleError):
                await unbroken(self._switch_scan())

    async def _switch_scan(self) -> None:
        """Let the radio scan if anyone listens."""
        async with self._switching:
            wanted = bool(self._listeners)
            if self._device is None or self._scanning == wanted:
                return
            if wanted:
                await self._device.start_scanning(active=True)
            else:
                await self._device.stop_scanning()
            self._scanning = wanted

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
            if self._abandoned is not None:
                await asyncio.wait([self._abandoned])
            if self._device is None:
                raise radio_gone()
            device = self._device
            attempt = asyncio.create_task(device.connect(address, timeout=None))
            try:
                await asyncio.wait([attempt], timeout=timeout_s)
            finally:
                if not attempt.done():
                    self._abandoned = asyncio.create_task(_abandon(device, attempt))
            if not attempt.done():
                raise TimeoutError(f"{address_text(address)} did not answer within {timeout_s:g} s")
            if attempt.cancelled():  # Bumble cancels what is pending when the radio goes
                raise radio_gone()
            try:
                return attempt.result()
            except BaseBumbleError as error:
                raise BleakError(f"cannot connect to {address_text(address)}: {error}") from error

    def _on_advertisement(self, advertisement: Any) -> None:
        self.seen[address_text(advertisement.address)] = advertisement.address
        for listener in list(self._listeners):
            listener(advertisement)


async def _abandon(device: Any, attempt: asyncio.Task[Any]) -> None:
    """Withdraw a connect request; a link that came about all the same is closed: nobody owns it."""
    with contextlib.suppress(BaseBumbleError):
        await device.send_sync_command(hci.HCI_LE_Create_Connection_Cancel_Command())
    await asyncio.wait([attempt])
    if not attempt.cancelled() and attempt.exception() is None:
        with contextlib.suppress(BaseBumbleError):
            await attempt.result().disconnect()


def radio_gone() -> BleakBluetoothNotAvailableError:
    """Return the error for a radio that is not there."""
    return BleakBluetoothNotAvailableError("the simulated radio is gone", BleakBluetoothNotAvailableReason.UNKNOWN)


def address_text(address: Any) -> str:
    """Return a Bumble address as bleak writes it: without its type."""
    return str(address).split("/", maxsplit=1)[0]
