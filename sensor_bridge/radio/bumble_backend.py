"""A bleak backend on Bumble: scanner and client classes bound to one simulated adapter.

``BleakScanner(backend=...)`` and ``BleakClient(..., backend=...)`` take them through bleak's public
argument, so application code is the same on real hardware and on the simulated radio.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

from bleak import BleakScanner
from bleak.args import SizedBuffer
from bleak.assigned_numbers import gatt_char_props_to_strs
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient
from bleak.backends.descriptor import BleakGATTDescriptor
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, AdvertisementDataCallback, BaseBleakScanner
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection
from bleak.exc import BleakDeviceNotFoundError, BleakError, BleakGATTProtocolError
from bumble.att import ATT_Error
from bumble.core import AdvertisingData, BaseBumbleError
from bumble.device import Peer

from .adapter import Adapter, address_text, unbroken

_MTU: Final = 247
_DEFAULT_MTU: Final = 23


def backends_for(adapter: Adapter) -> tuple[type[BaseBleakScanner], type[BaseBleakClient]]:
    """Return bleak backend classes that work on ``adapter``."""
    scanner = type("BumbleScanner", (_Scanner,), {"adapter": adapter})
    client = type("BumbleClient", (_Client,), {"adapter": adapter, "scanner_class": scanner})
    return scanner, client


class _Scanner(BaseBleakScanner):
    """See `bleak.backends.scanner.BaseBleakScanner`."""

    adapter: Adapter

    def __init__(
        self,
        detection_callback: AdvertisementDataCallback | None,
        service_uuids: list[str] | None,
        scanning_mode: str,
        **kwargs: Any,
    ) -> None:
        super().__init__(detection_callback, service_uuids)

    async def start(self) -> None:
        self.seen_devices = {}
        with _bleak_errors():
            await self.adapter.add_scan(self._on_advertisement)

    async def stop(self) -> None:
        await self.adapter.remove_scan(self._on_advertisement)

    def _on_advertisement(self, advertisement: Any) -> None:
        data = _advertisement_data(advertisement)
        if not self.is_allowed_uuid(data.service_uuids):
            return
        address = address_text(advertisement.address)
        device = self.create_or_update_device(address, address, data.local_name, advertisement.address, data)
        self.call_detection_callbacks(device, data)


class _Client(BaseBleakClient):
    """See `bleak.backends.client.BaseBleakClient`."""

    adapter: Adapter
    scanner_class: type[_Scanner]

    def __init__(
        self,
        address_or_ble_device: BLEDevice | str,
        *,
        disconnected_callback: Callable[[], None] | None,
        timeout: float,
        services: set[str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(address_or_ble_device, disconnected_callback=disconnected_callback, timeout=timeout)
        self._ended = asyncio.Event()
        device = address_or_ble_device if isinstance(address_or_ble_device, BLEDevice) else None
        self._details: Any = device.details if device else None
        self._name = device.name if device else None
        self._only_services = services
        self._connection: Any = None
        self._peer: Any = None
        self._subscriptions: dict[int, Callable[[bytes], None]] = {}

    @property
    def name(self) -> str:
        return self._name or self.address.replace(":", "-")

    @property
    def mtu_size(self) -> int:
        return int(self._connection.att_mtu) if self._connection else _DEFAULT_MTU

    @property
    def is_connected(self) -> bool:
        return self._connection is not None

    async def connect(self, pair: bool, **kwargs: Any) -> None:
        if self.is_connected:
            raise BleakError("already connected")
        address = self._details or self.adapter.seen.get(self.address) or await self._look_for_address()
        self._connection = await self.adapter.connect(address, self._timeout)
        self._ended.clear()
        self._connection.on("disconnection", self._on_disconnection)
        self._peer = Peer(self._connection)
        try:
            await self._request(self._peer.request_mtu(_MTU))
            await self._request(self._peer.discover_all())
            self.services = self._collect_services()
            if pair:
                await self.pair()
        except BaseException:
            await self.disconnect()
            raise

    async def disconnect(self) -> None:
        if self._connection is None:
            return
        # If the link ends by itself in this very moment, Bumble waits for an event that has passed.
        asking = asyncio.ensure_future(self._request(self._connection.disconnect()))
        ending = asyncio.ensure_future(self._ended.wait())
        try:
            await asyncio.wait([asking, ending], return_when=asyncio.FIRST_COMPLETED)
            if asking.done():
                with suppress(BleakError):  # the link went away by itself meanwhile
                    asking.result()
        finally:
            asking.cancel()
            ending.cancel()

    async def pair(self, *args: Any, **kwargs: Any) -> None:
        self._check_connected()
        await self._request(self._connection.pair())

    async def unpair(self) -> None:
        raise NotImplementedError("the simulated radio keeps no bonds")

    async def read_gatt_char(
        self, characteristic: BleakGATTCharacteristic, *, use_cached: bool = False, **kwargs: Any
    ) -> bytearray:
        self._check_connected()
        return bytearray(await self._request(self._peer.read_value(characteristic.obj)))

    async def read_gatt_descriptor(
        self, descriptor: BleakGATTDescriptor, *, use_cached: bool = False, **kwargs: Any
    ) -> bytearray:
        self._check_connected()
        return bytearray(await self._request(self._peer.read_value(descriptor.obj)))

    async def write_gatt_char(self, characteristic: BleakGATTCharacteristic, data: SizedBuffer, response: bool) -> None:
        self._check_connected()
        await self._request(self._peer.write_value(characteristic.obj, bytes(data), with_response=response))

    async def write_gatt_descriptor(self, descriptor: BleakGATTDescriptor, data: SizedBuffer) -> None:
        self._check_connected()
        await self._request(self._peer.write_value(descriptor.obj, bytes(data), with_response=True))

    async def start_notify(
        self, characteristic: BleakGATTCharacteristic, callback: Callable[[bytearray], None], **kwargs: Any
    ) -> None:
        self._check_connected()
        handle = characteristic.handle
        if handle in self._subscriptions:
            raise BleakError("notifications of this characteristic are already on")
        on_value = self._subscriptions[handle] = lambda value: callback(bytearray(value))
        try:
            await self._request(self._peer.subscribe(characteristic.obj, on_value))
        except BaseException:
            self._subscriptions.pop(handle, None)
            raise

    async def stop_notify(self, characteristic: BleakGATTCharacteristic) -> None:
        self._check_connected()
        on_value = self._subscriptions.pop(characteristic.handle, None)
        if on_value is not None:
            await self._request(self._peer.unsubscribe(characteristic.obj, on_value))

    def _check_connected(self) -> None:
        if not self.is_connected:
            raise BleakError("not connected")

    async def _request(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Await a request of Bumble's; its errors come as bleak's."""
        with _bleak_errors():
            return await unbroken(work)

    async def _look_for_address(self) -> Any:
        """Scan for a bare address, as BlueZ does."""
        device = await BleakScanner.find_device_by_address(
            self.address, timeout=self._timeout, backend=self.scanner_class
        )
        if device is None:
            raise BleakDeviceNotFoundError(self.address, f"device {self.address} was not found")
        return device.details

    def _collect_services(self) -> BleakGATTServiceCollection:
        collection = BleakGATTServiceCollection()
        for service in self._peer.services:
            service_uuid = _uuid_text(service.uuid)
            if self._only_services and service_uuid not in self._only_services:
                continue
            bleak_service = BleakGATTService(service, service.handle, service_uuid)
            collection.add_service(bleak_service)
            for characteristic in service.characteristics:
                bleak_characteristic = BleakGATTCharacteristic(
                    characteristic,
                    characteristic.handle,
                    _uuid_text(characteristic.uuid),
                    list(gatt_char_props_to_strs(int(characteristic.properties))),
                    lambda: self.mtu_size - 3,
                    bleak_service,
                )
                collection.add_characteristic(bleak_characteristic)
                for descriptor in characteristic.descriptors:
                    collection.add_descriptor(
                        BleakGATTDescriptor(
                            descriptor, descriptor.handle, _uuid_text(descriptor.type), bleak_characteristic
                        )
                    )
        return collection

    def _on_disconnection(self, reason: int) -> None:
        if self._connection is None:
            return
        self._connection = self._peer = self.services = None
        self._ended.set()
        self._subscriptions.clear()
        if self._disconnected_callback is not None:
            self._disconnected_callback()


@contextmanager
def _bleak_errors() -> Iterator[None]:
    """Turn Bumble's errors into bleak's."""
    try:
        yield
    except ATT_Error as error:
        raise BleakGATTProtocolError(error.error_code) from error
    except BaseBumbleError as error:
        raise BleakError(str(error) or type(error).__name__) from error
    except asyncio.CancelledError as error:
        # Bumble cancels pending requests when a link goes; that is not our own task's cancel.
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        raise BleakError("disconnected") from error


def _uuid_text(bumble_uuid: Any) -> str:
    return str(uuid.UUID(bytes=bumble_uuid.to_bytes(force_128=True)[::-1]))


def _uuid_16_text(data: bytes) -> str:
    return f"0000{data[1]:02x}{data[0]:02x}-0000-1000-8000-00805f9b34fb"


def _advertisement_data(advertisement: Any) -> AdvertisementData:
    kinds = AdvertisingData.Type
    name: str | None = None
    tx_power: int | None = None
    services: list[str] = []
    service_data: dict[str, bytes] = {}
    manufacturer: dict[int, bytes] = {}
    for kind, data in advertisement.data.ad_structures:
        if kind in (kinds.COMPLETE_LOCAL_NAME, kinds.SHORTENED_LOCAL_NAME):
            name = data.decode(errors="replace")
        elif kind in (
            kinds.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS,
            kinds.INCOMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS,
        ):
            services += [str(uuid.UUID(bytes=data[i : i + 16][::-1])) for i in range(0, len(data) - 15, 16)]
        elif kind in (
            kinds.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS,
            kinds.INCOMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS,
        ):
            services += [_uuid_16_text(data[i : i + 2]) for i in range(0, len(data) - 1, 2)]
        elif kind == kinds.MANUFACTURER_SPECIFIC_DATA and len(data) >= 2:
            manufacturer[int.from_bytes(data[:2], "little")] = bytes(data[2:])
        elif kind == kinds.SERVICE_DATA_16_BIT_UUID and len(data) >= 2:
            service_data[_uuid_16_text(data)] = bytes(data[2:])
        elif kind == kinds.TX_POWER_LEVEL and data:
            tx_power = int.from_bytes(data[:1], "little", signed=True)
    return AdvertisementData(
        local_name=name,
        manufacturer_data=manufacturer,
        service_data=service_data,
        # Bumble joins advertisement and scan response, which may repeat each other.
        service_uuids=list(dict.fromkeys(services)),
        tx_power=tx_power,
        rssi=int(advertisement.rssi),
        platform_data=(advertisement,),
    )
