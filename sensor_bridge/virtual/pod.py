"""A virtual pod: a Bluetooth LE peripheral that implements the whole contract.

It is the executable reference for firmware: what ``firmware_protocol/SPEC.md`` says, this does.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from bumble import att
from bumble.core import UUID, BaseBumbleError
from bumble.device import Device, DeviceConfiguration
from bumble.gatt import Characteristic, Service
from bumble.hci import Address

import firmware_protocol as protocol
from firmware_protocol import PodStatus, Reply, Result, Role, Side, StatusFlags

from .gatt import advertising_data, characteristic
from .packetizer import TickClock, scaling_for, started_reply
from .source import Motion, MotionSource
from .streamer import Streamer
from .world import World

_log = logging.getLogger(__name__)

_MTU: Final = 247
_NOTIFICATION_HEAD_BYTES: Final = 3
_ADVERTISING_INTERVAL_MS: Final = 100
_INTERVAL_MS: Final = (7.5, 15.0)
_SUPERVISION_MS: Final = 2000
_STATUS_EVERY_S: Final = 1.0
# Commands that may wait while a reply is on its way; the bridge sends one at a time.
_COMMANDS_WAITING: Final = 4
_BATTERY_FULL_MV: Final = 4150
_BATTERY_EMPTY_MV: Final = 3300
_BATTERY_LIFE_S: Final = 10 * 3600.0
_CCCD_IMPROPERLY_CONFIGURED: Final = 0xFD
FIRMWARE_REVISION: Final = "virtual-1.0"


@dataclass(frozen=True, slots=True)
class PodIdentity:
    """Who a pod is.

    Attributes
    ----------
    serial : str
        1 to 16 printable ASCII characters.
    name : str
        Advertised; at most 8 characters fit beside the service's UUID.
    side, role : Side, Role
        Where it says it is worn.
    """

    serial: str
    name: str
    side: Side
    role: Role = Role.FOOT

    @property
    def address(self) -> str:
        """A static random Bluetooth address that follows from the serial."""
        digest = hashlib.sha256(self.serial.encode()).digest()
        octets = [digest[0] | 0xC0, *digest[1:6]]
        return ":".join(f"{octet:02X}" for octet in octets)


class VirtualPod:
    """One pod on a controller.

    Parameters
    ----------
    source, sink
        HCI packets from and to the pod's controller.
    identity : PodIdentity
    motion : Motion
        What it measures.
    world : World
    ppm : float
        How fast its crystal runs.
    loss : float
        Share of packets made but never sent; may be set at any time.
    rng : random.Random
        Picks the lost packets and the boot id.
    on_streaming : callable, optional
        Called with the serial and whether the pod streams, at each change.
    on_placed : callable, optional
        Called with serial, side and role when the bridge sets them: to be kept through power-off.
    """

    def __init__(
        self,
        source: Any,
        sink: Any,
        identity: PodIdentity,
        motion: Motion,
        world: World,
        *,
        ppm: float = 0.0,
        loss: float = 0.0,
        rng: random.Random,
        on_streaming: Callable[[str, bool], None] | None = None,
        on_placed: Callable[[str, Side, Role], None] | None = None,
    ) -> None:
        self.identity = identity
        self.loss = loss
        self.boot_id = rng.getrandbits(32)
        self.side, self.role = identity.side, identity.role
        self.identify_until_s = 0.0
        """Machine time until which the pod blinks."""
        self._motion = motion
        self._source = MotionSource(motion, world)
        self._world = world
        self._rng = rng
        self._on_streaming = on_streaming or (lambda serial, streaming: None)
        self._on_placed = on_placed or (lambda serial, side, role: None)
        self._ticks = TickClock(world.clock(), ppm)
        self._streamer: Streamer | None = None
        self._stream_task: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._link_tasks: list[asyncio.Task[None]] = []
        self._commands: asyncio.Queue[tuple[bytes, int]] = asyncio.Queue()
        self._connection: Any = None
        self._connections = 0
        config = DeviceConfiguration(
            name=identity.name,
            address=Address(identity.address),
            advertising_interval_min=_ADVERTISING_INTERVAL_MS,
            advertising_interval_max=_ADVERTISING_INTERVAL_MS,
        )
        self._device = Device.from_config_with_hci(config, source, sink)
        self._device.gatt_server.max_mtu = _MTU
        self._device.advertising_data = advertising_data(identity.name)
        self._device.on("connection", self._on_connection)
        self._add_services()

    # ---- life ------------------------------------------------------------------------------------

    async def power_on(self) -> None:
        """Boot and advertise."""
        await self._device.power_on()
        await self._device.start_advertising()

    async def close(self) -> None:
        """Stop all tasks. The controller is the caller's to take off the air."""
        self._stop_stream()
        tasks = [task for task in self._tasks if not task.done()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    @property
    def connected(self) -> bool:
        """Whether a bridge is connected."""
        return self._connection is not None

    @property
    def streaming(self) -> bool:
        """Whether a stream runs."""
        return self._stream_task is not None

    def status(self) -> PodStatus:
        """Return the pod's status now."""
        now_s = self._world.clock()
        left = max(0.0, 1.0 - (now_s - self._ticks.boot_s) / _BATTERY_LIFE_S)
        streamer = self._streamer
        flags = StatusFlags.STREAMING if self.streaming else StatusFlags.NONE
        if left < 0.1:
            flags |= StatusFlags.LOW_BATTERY
        return PodStatus(
            side=self.side,
            role=self.role,
            flags=flags,
            battery_percent=round(100 * left),
            battery_mv=round(_BATTERY_EMPTY_MV + left * (_BATTERY_FULL_MV - _BATTERY_EMPTY_MV)),
            boot_id=self.boot_id,
            tick_us=self._ticks.tick_us(now_s),
            packets_sent=streamer.packets_sent if streamer else 0,
            packets_dropped=streamer.packets_dropped if streamer else 0,
            samples_overrun=streamer.samples_overrun if streamer else 0,
            connections=self._connections,
            last_error=0,
            serial=self.identity.serial,
        )

    # ---- GATT ------------------------------------------------------------------------------------

    def _add_services(self) -> None:
        can = Characteristic.Properties
        self._stream_char = characteristic(protocol.IMU_STREAM_UUID, can.NOTIFY)
        self._control_char = characteristic(
            protocol.CONTROL_POINT_UUID, can.WRITE | can.INDICATE, write=self._on_control_write
        )
        self._status_char = characteristic(protocol.STATUS_UUID, can.NOTIFY)
        battery = characteristic(
            protocol.BATTERY_LEVEL_UUID,
            can.READ | can.NOTIFY,
            read=lambda _: bytes([self.status().battery_percent]),
        )
        texts = {
            protocol.MANUFACTURER_NAME_UUID: "shoepod",
            protocol.MODEL_NUMBER_UUID: "virtual pod",
            protocol.SERIAL_NUMBER_UUID: self.identity.serial,
            protocol.FIRMWARE_REVISION_UUID: FIRMWARE_REVISION,
        }
        information = [
            characteristic(uuid, can.READ, read=lambda _, text=text: text.encode())  # type: ignore[misc]
            for uuid, text in texts.items()
        ]
        own = [self._stream_char, self._control_char, self._status_char]
        self._device.add_services(
            [
                Service(UUID(protocol.POD_SERVICE_UUID), own),
                Service(UUID(protocol.BATTERY_SERVICE_UUID), [battery]),
                Service(UUID(protocol.DEVICE_INFORMATION_SERVICE_UUID), information),
            ]
        )

    def _on_connection(self, connection: Any) -> None:
        self._connection = connection
        self._connections = min(self._connections + 1, 0xFFFF)
        self._commands = asyncio.Queue(_COMMANDS_WAITING)
        connection.on("disconnection", self._on_disconnection)
        self._link_tasks = [
            self._spawn(self._ask_for_parameters(connection)),
            self._spawn(self._answer(connection, self._commands)),
            self._spawn(self._tell_status(connection)),
        ]

    def _on_disconnection(self, reason: int) -> None:
        """The stream ends with the link: what is measured meanwhile is lost."""
        _log.info("%s: link ended, reason 0x%02x", self.identity.serial, reason)
        self._connection = None
        self._stop_stream()
        for task in self._link_tasks:
            task.cancel()
        self._link_tasks.clear()
        self._spawn(self._device.start_advertising())

    async def _ask_for_parameters(self, connection: Any) -> None:
        """Ask for a short interval: the bridge cannot, on most computers."""
        try:
            await self._device.update_connection_parameters(
                connection, *_INTERVAL_MS, 0, _SUPERVISION_MS, use_l2cap=True
            )
        except BaseBumbleError as error:
            _log.info("%s: connection parameters refused: %s", self.identity.serial, error)

    def _subscribed(self, characteristic: Any, bit: int) -> bool:
        subscriptions = self._device.gatt_server.subscribers.get(self._connection, {})
        return bool(subscriptions.get(characteristic.handle, b"\0")[0] & bit)

    async def _tell_status(self, connection: Any) -> None:
        while True:
            if self._subscribed(self._status_char, 1):
                await self._device.gatt_server.notify_subscriber(connection, self._status_char, bytes(self.status()))
            await asyncio.sleep(_STATUS_EVERY_S)

    # ---- control point -----------------------------------------------------------------------------

    def _on_control_write(self, connection: Any, value: bytes) -> None:
        if not self._subscribed(self._control_char, 2):
            raise att.ATT_Error(_CCCD_IMPROPERLY_CONFIGURED)
        if not value:
            raise att.ATT_Error(att.ATT_INVALID_ATTRIBUTE_LENGTH_ERROR)
        received_us = self._ticks.tick_us(self._world.clock())
        if self._commands.full():
            raise att.ATT_Error(att.ATT_INSUFFICIENT_RESOURCES_ERROR)
        self._commands.put_nowait((bytes(value), received_us))

    async def _answer(self, connection: Any, commands: asyncio.Queue[tuple[bytes, int]]) -> None:
        """Carry out commands one by one; each reply is confirmed before the next command's begins."""
        while True:
            data, received_us = await commands.get()
            reply = self._execute(data, received_us)
            await self._device.gatt_server.indicate_subscriber(connection, self._control_char, bytes(reply))

    def _execute(self, data: bytes, received_us: int) -> Reply:
        op, request = data[0], data[1] if len(data) > 1 else 0
        try:
            request, command = protocol.decode_command(data)
        except protocol.UnknownCode as error:
            result = Result.UNKNOWN_OP if error.field == "opcode" else Result.BAD_VALUE
            return Reply(op, request, result)
        except (protocol.Truncated, protocol.BadLength):
            return Reply(op, request, Result.BAD_LENGTH)
        except protocol.DecodeError:
            return Reply(op, request, Result.BAD_VALUE)
        match command:
            case protocol.Start():
                return self._start(request, command)
            case protocol.Stop():
                self._stop_stream()
            case protocol.SetSide(side=side, role=role):
                self.side, self.role = side, role
                self._on_placed(self.identity.serial, side, role)
            case protocol.Identify(seconds=seconds):
                self.identify_until_s = self._world.clock() + seconds
            case protocol.ClockPing(token=token):
                return Reply(op, request, Result.OK, protocol.ClockPong(token, received_us))
            case protocol.GetStatus():
                return Reply(op, request, Result.OK, self.status())
        return Reply(op, request, Result.OK)

    # ---- stream ------------------------------------------------------------------------------------

    def _start(self, request: int, command: protocol.Start) -> Reply:
        """Begin a new stream at the source's own rate; a running one ends."""
        space = int(self._connection.att_mtu) - _NOTIFICATION_HEAD_BYTES
        most = (space - protocol.imu_packet.HEADER_BYTES) // protocol.imu_packet.SAMPLE_BYTES
        if most < 1:
            return Reply(command.op, request, Result.FAILED)
        self._stop_stream()
        motion = self._motion
        count = min(command.samples_per_packet, most)
        scaling = scaling_for(command.acc_range_g, command.gyr_range_dps, motion.acc_range_g, motion.gyr_range_dps)
        self._streamer = Streamer(
            self._source,
            period_s=motion.period_s,
            scaling=scaling,
            samples_per_packet=count,
            ticks=self._ticks,
            clock=self._world.clock,
            send=self._send,
            waiting=self._waiting,
            loss=lambda: self.loss,
            rng=self._rng,
        )
        self._stream_task = self._spawn(self._streamer.run())
        self._on_streaming(self.identity.serial, True)
        started = started_reply(motion.period_s, scaling, count, self.boot_id)
        return Reply(command.op, request, Result.OK, started)

    def _stop_stream(self) -> None:
        if self._stream_task is not None:
            self._stream_task.cancel()
            self._stream_task = None
            self._on_streaming(self.identity.serial, False)

    def _send(self, packet: bytes) -> bool:
        if self._connection is None or not self._subscribed(self._stream_char, 1):
            return False
        notification = att.ATT_Handle_Value_Notification(
            attribute_handle=self._stream_char.handle, attribute_value=packet
        )
        self._device.gatt_server.send_gatt_pdu(self._connection, bytes(notification))
        return True

    def _waiting(self) -> int:
        if self._connection is None:
            return 0
        queue = self._device.host.get_data_packet_queue(self._connection.handle)
        return int(queue.pending) if queue is not None else 0

    # ---- tasks -------------------------------------------------------------------------------------

    def _spawn(self, work: Any) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.create_task(work, name=f"pod {self.identity.serial}")
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("%s: a task failed", self.identity.serial, exc_info=error)
