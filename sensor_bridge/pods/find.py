"""Finding pods: scan for our service, connect, ask who it is.

Addresses say nothing (macOS gives a UUID, pods may rotate theirs), so a pod is known by its serial. What an
address turned out to be is remembered, so that looking for a lost pod does not bother the others.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from bleak import BleakClient
from bleak.backends.device import BLEDevice
from bleak.exc import BleakError

from firmware_protocol import (
    CONTROL_POINT_UUID,
    FIRMWARE_REVISION_UUID,
    POD_SERVICE_UUID,
    SERIAL_NUMBER_UUID,
    PodStatus,
)

from ..errors import PodIncompatible, PodLost
from ..radio.base import Radio, radio_unavailable
from .control import ControlPoint

_log = logging.getLogger(__name__)

CONNECT_TIMEOUT_S: Final = 10.0
"""BlueZ gives up after 20 to 40 s; a pod that advertises is connected within two."""

DISCONNECT_TIMEOUT_S: Final = 5.0
"""A stack that does not even let go must not keep a pod from being looked for again."""

SETTLE_S: Final = 0.1
"""Between disconnect and connect: below 50 ms BlueZ fails with EIO."""

_SCAN_ROUND_S: Final = 2.0
# What a failing Bluetooth stack may raise; anything else is our own fault and must be seen.
RADIO_ERRORS: Final = (BleakError, OSError, TimeoutError, EOFError)


@dataclass(frozen=True, slots=True)
class FoundPod:
    """A pod that was asked who it is."""

    device: BLEDevice
    serial: str
    firmware: str
    status: PodStatus


class PodFinder:
    """Looks for pods on one radio, for everyone who needs one.

    The adapter does one thing at a time: one scan, or one connect (BlueZ answers InProgress otherwise).

    Parameters
    ----------
    radio : Radio
    """

    def __init__(self, radio: Radio) -> None:
        self.radio = radio
        self._adapter = asyncio.Lock()
        self._serials: dict[str, str] = {}

    async def scan(self, enough: Callable[[dict[str, BLEDevice]], bool], timeout_s: float) -> dict[str, BLEDevice]:
        """Return pods that advertise, by address, as soon as ``enough`` says so or after ``timeout_s``.

        Raises
        ------
        RadioUnavailable
            The radio cannot be used.
        """
        found: dict[str, BLEDevice] = {}
        done = asyncio.Event()

        def on_advertisement(device: BLEDevice, _: Any) -> None:
            if device.address not in found:
                found[device.address] = device
                if enough(found):
                    done.set()

        async with self._adapter:
            scanner = self.radio.scanner(detection_callback=on_advertisement, service_uuids=[POD_SERVICE_UUID])
            try:
                await scanner.start()
            except RADIO_ERRORS as error:
                raise radio_unavailable(self.radio, error) from error
            try:
                async with asyncio.timeout(timeout_s):
                    await done.wait()
            except TimeoutError:
                pass
            finally:
                try:
                    await scanner.stop()
                except RADIO_ERRORS as error:
                    _log.info("stopping the scan failed: %s", error)
        return found

    async def left_connected(self) -> list[BLEDevice]:
        """Return pods that a killed program left connected: they do not advertise."""
        try:
            return await self.radio.connected_devices(POD_SERVICE_UUID)
        except RADIO_ERRORS as error:
            _log.info("cannot ask for connected devices: %s", error)
            return []

    @asynccontextmanager
    async def connected(
        self, device: BLEDevice, on_lost: Callable[[], None] | None = None
    ) -> AsyncIterator[BleakClient]:
        """Connect with a new client; disconnect it afterwards, whatever happened.

        A client that lost its link must be disconnected and never used again, or BlueZ delivers every
        notification twice after the reconnect (bleak issue 2002).
        """
        client = self.radio.client(
            device,
            disconnected_callback=(lambda _: on_lost()) if on_lost else None,
            timeout=CONNECT_TIMEOUT_S,
        )
        try:
            async with self._adapter:
                async with asyncio.timeout(CONNECT_TIMEOUT_S):
                    await client.connect()
            yield client
        finally:
            try:
                async with asyncio.timeout(DISCONNECT_TIMEOUT_S):
                    await client.disconnect()
            except RADIO_ERRORS as error:
                _log.info("disconnecting %s failed: %s", device.address, error)
            await asyncio.sleep(SETTLE_S)

    async def identify(self, device: BLEDevice) -> FoundPod:
        """Connect and ask a pod who it is.

        Raises
        ------
        PodLost
            The link did not last.
        PodIncompatible
            It is no pod of this contract; ``serial`` is in the message.
        """
        who = device.name or device.address
        try:
            async with self.connected(device) as client:
                serial = await read_serial(client, who)
                self._serials[device.address] = serial
                firmware = await client.read_gatt_char(FIRMWARE_REVISION_UUID)
                control = ControlPoint(client, serial)
                await control.open()
                status = await control.status()
        except RADIO_ERRORS as error:
            raise PodLost(f"the link to {who} did not last: {error_text(error)}") from error
        return FoundPod(device, serial, bytes(firmware).decode("utf-8", "replace"), status)

    async def locate(self, serial: str) -> BLEDevice | None:
        """Scan for one round and return the pod with this serial, if it advertises.

        Raises
        ------
        RadioUnavailable
            The radio cannot be used.
        """
        loop = asyncio.get_running_loop()
        deadline_s = loop.time() + _SCAN_ROUND_S
        while (left_s := deadline_s - loop.time()) > 0:
            # A new address ends the scan as well: it may be an old friend's.
            found = await self.scan(
                lambda found: any(self._serials.get(address, serial) == serial for address in found), left_s
            )
            for address, device in found.items():
                if self._serials.get(address, serial) == serial and await self._is(device, serial):
                    return device
        return None

    async def _is(self, device: BLEDevice, serial: str) -> bool:
        """Whether a device is the pod with a serial; ask it if its address is new."""
        if device.address not in self._serials:
            try:
                await self.identify(device)
            except (PodLost, PodIncompatible) as error:
                _log.info("%s", error)
                if isinstance(error, PodIncompatible):
                    self._serials.setdefault(device.address, "")  # no use asking again
        return self._serials.get(device.address) == serial

    def serial_of(self, device: BLEDevice) -> str | None:
        """Return the serial of the pod at a device's address, where it was read before."""
        return self._serials.get(device.address)

    def remember(self, device: BLEDevice, serial: str) -> None:
        """Note which pod an address belongs to."""
        self._serials[device.address] = serial


def error_text(error: Exception) -> str:
    """Return what to say of an error of the Bluetooth stack; some have no text."""
    return str(error) or type(error).__name__


async def read_serial(client: BleakClient, who: str) -> str:
    """Return the serial from Device Information, having checked that our service is there.

    Raises
    ------
    PodIncompatible
        The device advertises as a pod and is none.
    """
    if client.services.get_service(POD_SERVICE_UUID) is None or not client.services.get_characteristic(
        CONTROL_POINT_UUID
    ):
        raise PodIncompatible(f"{who} advertises as a pod but has no pod service; restart it, or forget it")
    if not client.services.get_characteristic(SERIAL_NUMBER_UUID):
        raise PodIncompatible(f"{who} has no serial number, so it cannot be told from other pods")
    return bytes(await client.read_gatt_char(SERIAL_NUMBER_UUID)).decode("utf-8", "replace").strip("\0 ")
