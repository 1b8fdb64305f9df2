"""A virtual pod over the air: what ``firmware_protocol/SPEC.md`` asks of firmware, point by point."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
import pytest
from bleak import BleakClient
from bleak.exc import BleakGATTProtocolError, BleakGATTProtocolErrorCode

from firmware_protocol import (
    BATTERY_LEVEL_UUID,
    CONTROL_POINT_UUID,
    FIRMWARE_REVISION_UUID,
    IMU_STREAM_UUID,
    MANUFACTURER_NAME_UUID,
    MODEL_NUMBER_UUID,
    SERIAL_NUMBER_UUID,
    STATUS_UUID,
    ClockPing,
    ClockPong,
    Command,
    GetStatus,
    Identify,
    ImuFlags,
    ImuPacket,
    PodStatus,
    Reply,
    Result,
    Role,
    SetSide,
    Side,
    Start,
    Started,
    StatusFlags,
    Stop,
    decode_reply,
    encode_command,
)
from sensor_bridge.radio.air import Air
from sensor_bridge.radio.simulated import LocalRadio
from sensor_bridge.recording import Recording
from sensor_bridge.virtual.local import LocalCluster
from sensor_bridge.virtual.pod import VirtualPod
from sensor_bridge.virtual.streamer import RADIO_QUEUE_PACKETS

START = Start(200, 16, 2000, 5)


class Bridge:
    """A connected client that writes down everything."""

    def __init__(self, cluster: LocalCluster, client: BleakClient) -> None:
        self.cluster = cluster
        self.client = client
        self.packets: list[ImuPacket] = []
        self.statuses: list[PodStatus] = []
        self.replies: list[Reply] = []
        self.order: list[str] = []
        self._requests = 0

    @property
    def pod(self) -> VirtualPod:
        return next(pod for pod in self.cluster.pods.values() if pod.side is Side.LEFT)

    async def subscribe(self, *, stream: bool = True, status: bool = False) -> None:
        await self.client.start_notify(CONTROL_POINT_UUID, self._on_reply)
        if status:
            await self.client.start_notify(
                STATUS_UUID, lambda _, data: self.statuses.append(PodStatus.from_bytes(data))
            )
        if stream:
            await self.client.start_notify(IMU_STREAM_UUID, self._on_packet)

    def _on_reply(self, _: Any, data: bytearray) -> None:
        self.replies.append(decode_reply(data))
        self.order.append("reply")

    def _on_packet(self, _: Any, data: bytearray) -> None:
        self.packets.append(ImuPacket.from_bytes(data))
        self.order.append("packet")

    async def write(self, data: bytes) -> Reply:
        """Write raw bytes and return the reply."""
        have = len(self.replies)
        await self.client.write_gatt_char(CONTROL_POINT_UUID, data, response=True)
        async with asyncio.timeout(1):  # the reply comes within a second
            while len(self.replies) == have:  # noqa: ASYNC110  virtual time costs nothing
                await asyncio.sleep(0.005)
        return self.replies[-1]

    async def request(self, command: Command) -> Reply:
        self._requests += 1
        reply = await self.write(encode_command(command, self._requests))
        assert reply.request == self._requests
        assert reply.op == command.op
        return reply

    async def body(self, command: Command) -> Any:
        reply = await self.request(command)
        assert reply.result is Result.OK
        return reply.body


Talk = Callable[[Bridge], Awaitable[None]]


@pytest.fixture
def with_pod(virtual_time: Callable[..., Any], make_recording: Callable[..., Recording]) -> Callable[..., None]:
    """Run a talk with a connected left pod, in virtual time."""

    def run(talk: Talk, recording: Recording | None = None, **options: Any) -> None:
        async def main() -> None:
            async with LocalCluster(recording or make_recording("left_foot"), **options) as cluster:
                (pod,) = cluster.pods.values()
                async with cluster.radio.client(pod.identity.address) as client:
                    await talk(Bridge(cluster, client))

        virtual_time(main())

    return run


# ---- information -----------------------------------------------------------------------------------


def test_device_information_equals_the_status(with_pod: Callable[..., None]) -> None:
    async def talk(bridge: Bridge) -> None:
        await bridge.subscribe()
        texts = [
            (await bridge.client.read_gatt_char(uuid)).decode()
            for uuid in (MANUFACTURER_NAME_UUID, MODEL_NUMBER_UUID, FIRMWARE_REVISION_UUID)
        ]
        assert all(texts)
        status = await bridge.body(GetStatus())
        assert (await bridge.client.read_gatt_char(SERIAL_NUMBER_UUID)).decode() == status.serial
        assert (await bridge.client.read_gatt_char(BATTERY_LEVEL_UUID))[0] == status.battery_percent
        assert (status.side, status.role) == (Side.LEFT, Role.FOOT)
        assert status.connections == 1
        assert status.boot_id == bridge.pod.boot_id

    with_pod(talk)


def test_attributes_refuse_what_they_are_not_made_for(with_pod: Callable[..., None]) -> None:
    async def talk(bridge: Bridge) -> None:
        for uuid in (IMU_STREAM_UUID, CONTROL_POINT_UUID, STATUS_UUID):
            with pytest.raises(BleakGATTProtocolError) as refused:
                await bridge.client.read_gatt_char(uuid)
            assert refused.value.code is BleakGATTProtocolErrorCode.READ_NOT_PERMITTED
        for uuid in (IMU_STREAM_UUID, STATUS_UUID, SERIAL_NUMBER_UUID, BATTERY_LEVEL_UUID):
            with pytest.raises(BleakGATTProtocolError) as refused:
                await bridge.client.write_gatt_char(uuid, b"FAKE", response=True)
            assert refused.value.code is BleakGATTProtocolErrorCode.WRITE_NOT_PERMITTED

    with_pod(talk)


# ---- control point ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "op", "request_number", "result"),
    [
        (b"\x77\x0d", 0x77, 13, Result.UNKNOWN_OP),
        (b"\x00\x01", 0x00, 1, Result.UNKNOWN_OP),
        (b"\xff\x02abc", 0x7F, 2, Result.UNKNOWN_OP),
        (b"\x01", 0x01, 0, Result.BAD_LENGTH),
        (b"\x01\x03\x00", 0x01, 3, Result.BAD_LENGTH),
        (b"\x02\x04\x00", 0x02, 4, Result.BAD_LENGTH),
        (b"\x05\x05" + bytes(200), 0x05, 5, Result.BAD_LENGTH),
        (b"\x01\x06\x00\x00\x10\xd0\x07\x05", 0x01, 6, Result.BAD_VALUE),
        (b"\x01\x07\xc8\x00\x10\xd0\x07\x00", 0x01, 7, Result.BAD_VALUE),
        (b"\x01\x08\xc8\x00\x10\xd0\x07\x14", 0x01, 8, Result.BAD_VALUE),
        (b"\x03\x09\x00\x00", 0x03, 9, Result.BAD_VALUE),
        (b"\x03\x0a\x03\x00", 0x03, 10, Result.BAD_VALUE),
        (b"\x03\x0b\x01\x02", 0x03, 11, Result.BAD_VALUE),
    ],
)
def test_wrong_commands_are_answered(
    with_pod: Callable[..., None], data: bytes, op: int, request_number: int, result: Result
) -> None:
    async def talk(bridge: Bridge) -> None:
        await bridge.subscribe()
        assert await bridge.write(data) == Reply(op, request_number, result)
        assert not bridge.pod.streaming

    with_pod(talk)


def test_a_command_without_subscription_or_bytes_is_refused(with_pod: Callable[..., None]) -> None:
    async def talk(bridge: Bridge) -> None:
        with pytest.raises(BleakGATTProtocolError) as refused:
            await bridge.client.write_gatt_char(CONTROL_POINT_UUID, encode_command(START, 1), response=True)
        assert refused.value.code is BleakGATTProtocolErrorCode.CCCD_IMPROPERLY_CONFIGURED
        await bridge.subscribe()
        with pytest.raises(BleakGATTProtocolError) as refused:
            await bridge.client.write_gatt_char(CONTROL_POINT_UUID, b"", response=True)
        assert refused.value.code is BleakGATTProtocolErrorCode.INVALID_ATTRIBUTE_VALUE_LENGTH

    with_pod(talk)


def test_set_side_is_kept_through_power_off(with_pod: Callable[..., None]) -> None:
    async def talk(bridge: Bridge) -> None:
        await bridge.subscribe()
        serial = bridge.pod.identity.serial
        assert (await bridge.request(SetSide(Side.RIGHT, Role.THIGH))).result is Result.OK
        status = await bridge.body(GetStatus())
        assert (status.side, status.role) == (Side.RIGHT, Role.THIGH)
        await bridge.cluster.kill(serial)
        pod = await bridge.cluster.boot(serial)
        assert (pod.side, pod.role) == (Side.RIGHT, Role.THIGH)

    with_pod(talk)


def test_identify_blinks_for_so_long(with_pod: Callable[..., None]) -> None:
    async def talk(bridge: Bridge) -> None:
        await bridge.subscribe()
        clock = bridge.cluster.world.clock
        await bridge.request(Identify(7))
        assert 6.5 < bridge.pod.identify_until_s - clock() <= 7.0
        await bridge.request(Identify(0))
        assert bridge.pod.identify_until_s <= clock()

    with_pod(talk)


def test_clock_ping_tells_the_64_bit_time_of_its_arrival(with_pod: Callable[..., None]) -> None:
    async def talk(bridge: Bridge) -> None:
        await bridge.subscribe()
        loop = asyncio.get_running_loop()
        first = await bridge.body(ClockPing(0xFFFFFFFF))
        sent_s = loop.time()
        await asyncio.sleep(5000)  # longer than 32 bits of microseconds
        second = await bridge.body(ClockPing(1))
        assert isinstance(first, ClockPong)
        assert first.token == 0xFFFFFFFF
        assert second.tick_us > 1 << 32
        elapsed_us = (loop.time() - sent_s) * (1e6 + 150)
        assert second.tick_us - first.tick_us == pytest.approx(elapsed_us, abs=60_000)

    with_pod(talk, ppm={"left_foot": 150.0})


# ---- stream ----------------------------------------------------------------------------------------


def test_start_streams_and_stop_stops(with_pod: Callable[..., None]) -> None:
    async def talk(bridge: Bridge) -> None:
        await bridge.subscribe()
        started = await bridge.body(START)
        assert started == Started(200_000, 16, 2000, 5, 20072, 20497, bridge.pod.boot_id)
        await asyncio.sleep(3)
        assert [packet.sequence for packet in bridge.packets] == list(range(len(bridge.packets)))
        assert 110 <= len(bridge.packets) <= 120
        status = await bridge.body(GetStatus())
        assert status.flags == StatusFlags.STREAMING
        assert (await bridge.request(Stop())).result is Result.OK
        have = len(bridge.packets)
        await asyncio.sleep(1)
        assert len(bridge.packets) == have
        assert (await bridge.request(Stop())).result is Result.OK
        assert (await bridge.body(GetStatus())).flags == StatusFlags.NONE

    with_pod(talk)


def test_a_stream_is_gapless_in_ticks_and_samples(with_pod: Callable[..., None]) -> None:
    async def talk(bridge: Bridge) -> None:
        await bridge.subscribe()
        await bridge.body(START)
        await asyncio.sleep(15)
        ticks = [packet.tick_us for packet in bridge.packets]
        assert set(np.diff(ticks)) == {25_000}
        values = [sample[0] for packet in bridge.packets for sample in packet.samples]
        part = [sample[1] for packet in bridge.packets for sample in packet.samples]
        run = part.index(1)
        assert values[run : run + 2000] == list(range(2000))
        assert values[run - 400 : run] == list(range(400))  # the stand, whole, just before

    with_pod(talk)


def test_the_world_of_both_pods_is_one(
    virtual_time: Callable[..., Any], make_recording: Callable[..., Recording]
) -> None:
    async def main() -> None:
        async with LocalCluster(make_recording(), ppm={"left_foot": 40.0, "right_foot": -80.0}) as cluster:
            streams: dict[str, list[ImuPacket]] = {serial: [] for serial in cluster.pods}
            clients = []
            for serial, pod in cluster.pods.items():
                client = cluster.radio.client(pod.identity.address)
                clients.append(client)
                await client.connect()
                await client.start_notify(CONTROL_POINT_UUID, lambda _, __: None)
                await client.start_notify(
                    IMU_STREAM_UUID,
                    lambda _, data, serial=serial: streams[serial].append(ImuPacket.from_bytes(data)),
                )
                await client.write_gatt_char(CONTROL_POINT_UUID, encode_command(START, 1), response=True)
                await asyncio.sleep(1)
            await asyncio.sleep(10)
            assert cluster.recording_zero_s is not None
            for serial, pod in cluster.pods.items():
                for packet in streams[serial]:
                    for i, sample in enumerate(packet.samples):
                        if sample[1] == 1:  # run sample k is measured at recording time k / 200 s
                            tick_us = packet.tick_us + i * packet.period_us
                            due_s = cluster.recording_zero_s + sample[0] / 200
                            assert tick_us == pytest.approx(pod._ticks.tick_us(due_s), abs=5)
            for client in clients:
                await client.disconnect()

    virtual_time(main())


def test_start_again_begins_a_new_stream_after_its_reply(with_pod: Callable[..., None]) -> None:
    async def talk(bridge: Bridge) -> None:
        await bridge.subscribe()
        await bridge.body(START)
        await asyncio.sleep(1)
        bridge.packets.clear()
        bridge.order.clear()
        started = await bridge.body(Start(200, 16, 2000, 2))
        await asyncio.sleep(1)
        assert started.samples_per_packet == 2
        reply_at = bridge.order.index("reply")
        old, new = bridge.packets[:reply_at], bridge.packets[reply_at:]
        assert {len(packet.samples) for packet in old} <= {5}
        assert [packet.sequence for packet in new] == list(range(len(new)))
        assert {len(packet.samples) for packet in new} == {2}

    with_pod(talk)


def test_the_pod_streams_at_its_own_rate_and_says_so(
    with_pod: Callable[..., None], make_recording: Callable[..., Recording]
) -> None:
    async def talk(bridge: Bridge) -> None:
        await bridge.subscribe()
        started = await bridge.body(START)
        assert started.rate_mhz == 256_000
        assert (started.acc_range_g, started.gyr_range_dps) == (8, 500)
        await asyncio.sleep(2)
        assert {packet.period_us for packet in bridge.packets} <= {3906, 3907}
        assert {(packet.acc_scale, packet.gyr_scale) for packet in bridge.packets} == {(10036, 5124)}

    with_pod(talk, make_recording("left_foot", rate_hz=256.0, acc_range_g=8.0, gyr_range_dps=500.0))


def test_packets_nobody_subscribed_to_are_dropped_and_counted(with_pod: Callable[..., None]) -> None:
    async def talk(bridge: Bridge) -> None:
        await bridge.subscribe(stream=False)
        await bridge.body(START)
        await asyncio.sleep(2)
        status = await bridge.body(GetStatus())
        assert status.packets_sent == 0
        assert 75 <= status.packets_dropped <= 84
        await bridge.client.start_notify(IMU_STREAM_UUID, bridge._on_packet)
        await asyncio.sleep(1)
        assert bridge.packets[0].sequence >= 75  # dropped packets use up their numbers

    with_pod(talk)


def test_lost_packets_use_up_their_numbers(with_pod: Callable[..., None]) -> None:
    async def talk(bridge: Bridge) -> None:
        await bridge.subscribe()
        await bridge.body(START)
        await asyncio.sleep(10)
        status = await bridge.body(GetStatus())
        numbers = [packet.sequence for packet in bridge.packets]
        assert numbers == sorted(set(numbers))
        missing = set(range(numbers[-1] + 1)) - set(numbers)
        assert len(missing) == status.packets_dropped
        assert 0.1 < len(missing) / numbers[-1] < 0.3

    with_pod(talk, loss=0.2, seed=4)


def test_what_the_radio_cannot_carry_overruns_and_says_so(with_pod: Callable[..., None]) -> None:
    async def talk(bridge: Bridge) -> None:
        await bridge.subscribe()
        await bridge.body(START)
        await asyncio.sleep(30)
        status = bridge.pod.status()
        assert status.samples_overrun > 100
        assert status.packets_dropped == 0
        numbers = [packet.sequence for packet in bridge.packets]
        assert numbers == list(range(len(numbers)))  # overrun uses up no number
        marked = {i for i, packet in enumerate(bridge.packets) if packet.flags & ImuFlags.OVERRUN}
        jumps = {
            i
            for i in range(1, len(bridge.packets))
            if bridge.packets[i].tick_us - bridge.packets[i - 1].tick_us > 26_000
        }
        assert marked == jumps != set()
        assert bridge.pod._waiting() <= RADIO_QUEUE_PACKETS

    with_pod(talk, air=Air(interval_s=0.05, packets_per_event=1))


def test_nothing_is_lost_in_a_short_stall_of_the_radio(with_pod: Callable[..., None]) -> None:
    async def talk(bridge: Bridge) -> None:
        await bridge.subscribe()
        await bridge.body(START)
        await asyncio.sleep(2)
        bridge.cluster.air.stall(1.5)
        await asyncio.sleep(1.4)
        have = len(bridge.packets)
        await asyncio.sleep(3)
        assert have < 85 < len(bridge.packets)
        numbers = [packet.sequence for packet in bridge.packets]
        assert numbers == list(range(len(numbers)))
        assert set(np.diff([packet.tick_us for packet in bridge.packets])) == {25_000}

    with_pod(talk)


# ---- status, links, boots --------------------------------------------------------------------------


def test_the_status_comes_once_a_second(with_pod: Callable[..., None]) -> None:
    async def talk(bridge: Bridge) -> None:
        await bridge.subscribe(status=True)
        await bridge.body(START)
        await asyncio.sleep(10)
        ticks = [status.tick_us for status in bridge.statuses]
        assert 9 <= len(ticks) <= 11
        assert np.diff(ticks) == pytest.approx([1e6] * (len(ticks) - 1), abs=1e3)
        assert bridge.statuses[-1].packets_sent > 300

    with_pod(talk)


def test_the_world_goes_on_while_the_link_is_down(with_pod: Callable[..., None]) -> None:
    async def talk(bridge: Bridge) -> None:
        await bridge.subscribe()
        await bridge.body(START)
        await asyncio.sleep(6)
        boot_id, before = bridge.pod.boot_id, bridge.packets[-1]
        bridge.cluster.drop_link(bridge.pod.identity.serial)
        await asyncio.sleep(3)
        assert not bridge.pod.connected
        assert not bridge.pod.streaming
        async with bridge.cluster.radio.client(bridge.pod.identity.address) as client:
            again = Bridge(bridge.cluster, client)
            await again.subscribe()
            started = await again.body(START)
            await asyncio.sleep(1)
        after = again.packets[0]
        assert started.boot_id == boot_id
        assert after.sequence == 0
        assert (after.tick_us - before.tick_us) % 5000 == 0
        assert after.samples[0][0] - before.samples[0][0] == (after.tick_us - before.tick_us) // 5000
        assert after.samples[0][1] == before.samples[0][1] == 1

    with_pod(talk)


def test_a_boot_is_a_new_id_and_ticks_from_zero(with_pod: Callable[..., None]) -> None:
    async def talk(bridge: Bridge) -> None:
        await bridge.subscribe()
        await bridge.body(START)
        await asyncio.sleep(6)
        serial, boot_id = bridge.pod.identity.serial, bridge.pod.boot_id
        place = bridge.packets[-1].samples[0][0]
        await bridge.cluster.kill(serial)
        await asyncio.sleep(3)
        pod = await bridge.cluster.boot(serial)
        assert pod.boot_id != boot_id
        async with bridge.cluster.radio.client(pod.identity.address) as client:
            again = Bridge(bridge.cluster, client)
            await again.subscribe()
            started = await again.body(START)
            await asyncio.sleep(0.5)
        assert started.boot_id == pod.boot_id
        assert again.packets[0].tick_us < 2_000_000
        assert again.packets[0].samples[0][0] - place > 3 * 200  # the run went on meanwhile

    with_pod(talk)


def test_a_pod_whose_bridge_was_killed_is_found_by_the_next_one(
    virtual_time: Callable[..., Any], make_recording: Callable[..., Recording]
) -> None:
    async def main() -> None:
        async with LocalCluster(make_recording("left_foot")) as cluster:
            (pod,) = cluster.pods.values()
            async with LocalRadio(cluster.air) as radio:
                client = radio.client(pod.identity.address)
                await client.connect()
                bridge = Bridge(cluster, client)
                await bridge.subscribe()
                await bridge.body(START)
            assert pod.streaming  # it cannot know yet
            async with LocalRadio(cluster.air) as radio, radio.client(pod.identity.address) as client:
                again = Bridge(cluster, client)
                await again.subscribe()
                assert not pod.streaming
                assert (await again.body(GetStatus())).connections == 2

    virtual_time(main())


def test_advertising_stops_while_connected_and_returns_soon(with_pod: Callable[..., None]) -> None:
    async def talk(bridge: Bridge) -> None:
        async def heard(seconds: float) -> int:
            async with bridge.cluster.radio.scanner() as scanner:
                await asyncio.sleep(seconds)
            return len(scanner.discovered_devices)

        assert await heard(1.0) == 0
        await bridge.client.disconnect()
        assert await heard(0.5) == 1

    with_pod(talk)


def test_a_long_running_pod_has_an_emptier_battery(with_pod: Callable[..., None]) -> None:
    async def talk(bridge: Bridge) -> None:
        await asyncio.sleep(9.5 * 3600)
        status = bridge.pod.status()
        assert status.battery_percent == 5
        assert status.flags & StatusFlags.LOW_BATTERY
        await asyncio.sleep(5 * 3600)
        assert bridge.pod.status().battery_percent == 0

    with_pod(talk)
