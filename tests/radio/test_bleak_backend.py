"""Plain bleak application code, which knows nothing of Bumble, on the simulated radio."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from bleak import BleakClient, BleakScanner
from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakCharacteristicNotFoundError,
    BleakDeviceNotFoundError,
    BleakError,
    BleakGATTProtocolError,
    BleakGATTProtocolErrorCode,
)

from firmware_protocol import (
    BATTERY_LEVEL_UUID,
    CONTROL_POINT_UUID,
    IMU_STREAM_UUID,
    POD_SERVICE_UUID,
    SERIAL_NUMBER_UUID,
    ClockPing,
    ClockPong,
    ImuPacket,
    Result,
    Start,
    decode_reply,
    encode_command,
)
from sensor_bridge.recording import Recording
from sensor_bridge.virtual.local import LocalCluster

_START = encode_command(Start(200, 16, 2000, 5), 1)
_HEART_RATE_UUID = "0000180d-0000-1000-8000-00805f9b34fb"

App = Callable[[LocalCluster], Any]


@pytest.fixture
def run(virtual_time: Callable[..., Any], recording: Recording) -> Callable[[App], None]:
    def run_app(app: App) -> None:
        async def main() -> None:
            async with LocalCluster(recording) as cluster:
                await app(cluster)

        virtual_time(main())

    return run_app


async def found(cluster: LocalCluster, serial: str, **options: Any) -> BleakClient:
    """Scan for the pod with a serial, as an application does, and return a client for it."""
    address = cluster.pods[serial].identity.address
    async with cluster.radio.scanner() as scanner:
        async for device, _ in scanner.advertisement_data():
            if device.address == address:
                return cluster.radio.client(device, **options)
    raise AssertionError("the scan ended")


async def connected(cluster: LocalCluster, serial: str, **options: Any) -> BleakClient:
    client = await found(cluster, serial, **options)
    await client.connect()
    return client


def left(cluster: LocalCluster) -> str:
    return next(serial for serial in cluster.pods if serial.endswith("-L"))


def test_scanning_finds_pods_with_name_service_and_strength(run: Callable[[App], None]) -> None:
    async def app(cluster: LocalCluster) -> None:
        async with cluster.radio.scanner(service_uuids=[POD_SERVICE_UUID]) as scanner:
            await asyncio.sleep(1)
        found = scanner.discovered_devices_and_advertisement_data
        assert sorted(device.name for device, _ in found.values()) == ["POD-L", "POD-R"]
        assert {pod.identity.address for pod in cluster.pods.values()} == set(found)
        for _, data in found.values():
            assert data.service_uuids == [POD_SERVICE_UUID]
            assert data.rssi < 0

    run(app)


def test_a_service_filter_leaves_others_out(run: Callable[[App], None]) -> None:
    async def app(cluster: LocalCluster) -> None:
        async with cluster.radio.scanner(service_uuids=[_HEART_RATE_UUID]) as scanner:
            await asyncio.sleep(1)
        assert scanner.discovered_devices == []

    run(app)


def test_services_reads_and_sizes(run: Callable[[App], None]) -> None:
    async def app(cluster: LocalCluster) -> None:
        serial = left(cluster)
        async with await found(cluster, serial) as client:
            assert client.is_connected
            assert client.mtu_size == 247
            stream = client.services.get_characteristic(IMU_STREAM_UUID)
            assert stream is not None
            assert stream.properties == ["notify"]
            assert stream.max_write_without_response_size == 244
            control = client.services.get_characteristic(CONTROL_POINT_UUID)
            assert control is not None
            assert set(control.properties) == {"write", "indicate"}
            assert (await client.read_gatt_char(SERIAL_NUMBER_UUID)).decode() == serial
            assert list(await client.read_gatt_char(BATTERY_LEVEL_UUID)) == [100]
        assert not client.is_connected

    run(app)


def test_only_the_asked_services_are_resolved(run: Callable[[App], None]) -> None:
    async def app(cluster: LocalCluster) -> None:
        async with await found(cluster, left(cluster), services=["180f"]) as client:
            assert [service.uuid[4:8] for service in client.services] == ["180f"]

    run(app)


def test_notifications_and_indications(run: Callable[[App], None]) -> None:
    async def app(cluster: LocalCluster) -> None:
        packets: list[bytes] = []
        replies: list[bytes] = []
        async with await found(cluster, left(cluster)) as client:
            await client.start_notify(CONTROL_POINT_UUID, lambda _, data: replies.append(bytes(data)))
            await client.start_notify(IMU_STREAM_UUID, lambda _, data: packets.append(bytes(data)))
            await client.write_gatt_char(CONTROL_POINT_UUID, _START, response=True)
            await asyncio.sleep(2)
            assert [decode_reply(data).result for data in replies] == [Result.OK]
            assert [ImuPacket.from_bytes(data).sequence for data in packets] == list(range(len(packets)))
            assert 75 <= len(packets) <= 80
            await client.stop_notify(IMU_STREAM_UUID)
            so_far = len(packets)
            await asyncio.sleep(1)
            assert len(packets) == so_far
            await client.start_notify(IMU_STREAM_UUID, lambda _, data: packets.append(bytes(data)))
            await asyncio.sleep(1)
            assert len(packets) > so_far

    run(app)


def test_write_without_response(run: Callable[[App], None]) -> None:
    async def app(cluster: LocalCluster) -> None:
        replies: list[bytes] = []
        async with await found(cluster, left(cluster)) as client:
            await client.start_notify(CONTROL_POINT_UUID, lambda _, data: replies.append(bytes(data)))
            await client.write_gatt_char(CONTROL_POINT_UUID, encode_command(ClockPing(77), 5), response=False)
            await asyncio.sleep(0.5)
        body = decode_reply(replies[0]).body
        assert isinstance(body, ClockPong)
        assert body.token == 77

    run(app)


def test_a_second_subscription_of_one_characteristic_is_refused(run: Callable[[App], None]) -> None:
    async def app(cluster: LocalCluster) -> None:
        async with await found(cluster, left(cluster)) as client:
            await client.start_notify(IMU_STREAM_UUID, lambda _, __: None)
            with pytest.raises(BleakError, match="already"):
                await client.start_notify(IMU_STREAM_UUID, lambda _, __: None)

    run(app)


def test_att_errors_arrive_as_bleak_errors(run: Callable[[App], None]) -> None:
    async def app(cluster: LocalCluster) -> None:
        async with await found(cluster, left(cluster)) as client:
            with pytest.raises(BleakGATTProtocolError) as refused:
                await client.write_gatt_char(CONTROL_POINT_UUID, _START, response=True)
            assert refused.value.code is BleakGATTProtocolErrorCode.CCCD_IMPROPERLY_CONFIGURED
            with pytest.raises(BleakGATTProtocolError) as unreadable:
                await client.read_gatt_char(IMU_STREAM_UUID)
            assert unreadable.value.code is BleakGATTProtocolErrorCode.READ_NOT_PERMITTED
            with pytest.raises(BleakCharacteristicNotFoundError):
                await client.read_gatt_char("2a37")

    run(app)


def test_a_lost_link_is_told_and_what_was_pending_fails(run: Callable[[App], None]) -> None:
    async def app(cluster: LocalCluster) -> None:
        lost: list[BleakClient] = []
        serial = left(cluster)
        client = await connected(cluster, serial, disconnected_callback=lost.append)
        cluster.drop_link(serial)
        with pytest.raises(BleakError, match="disconnected"):
            await client.read_gatt_char(BATTERY_LEVEL_UUID)
        assert lost == [client]
        assert not client.is_connected
        for request in (client.read_gatt_char, client.start_notify):
            with pytest.raises(BleakError):
                await request(BATTERY_LEVEL_UUID, *([lambda *_: None] * (request == client.start_notify)))
        await client.disconnect()  # does no harm

    run(app)


def test_cancelling_a_request_is_a_cancel_not_an_error(run: Callable[[App], None]) -> None:
    async def app(cluster: LocalCluster) -> None:
        async with await found(cluster, left(cluster)) as client:
            reading = asyncio.create_task(client.read_gatt_char(BATTERY_LEVEL_UUID))
            await asyncio.sleep(0.001)
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reading
            await asyncio.sleep(0.5)
            assert list(await client.read_gatt_char(BATTERY_LEVEL_UUID)) == [100]

    run(app)


def test_an_address_nobody_has_is_not_found(run: Callable[[App], None]) -> None:
    async def app(cluster: LocalCluster) -> None:
        with pytest.raises(BleakDeviceNotFoundError):
            await cluster.radio.client("C0:FF:EE:00:00:00", timeout=2).connect()

    run(app)


def test_a_bare_address_is_looked_for(run: Callable[[App], None]) -> None:
    async def app(cluster: LocalCluster) -> None:
        address = cluster.pods[left(cluster)].identity.address
        async with cluster.radio.client(address, timeout=5) as client:
            assert client.is_connected

    run(app)


def test_connecting_to_a_pod_that_is_off_times_out_and_works_when_it_is_back(run: Callable[[App], None]) -> None:
    async def app(cluster: LocalCluster) -> None:
        serial = left(cluster)
        client = await connected(cluster, serial)
        address = client.address
        await client.disconnect()
        await cluster.kill(serial)
        with pytest.raises(TimeoutError):
            await cluster.radio.client(address, timeout=3).connect()
        async with asyncio.TaskGroup() as group:
            late = cluster.radio.client(address, timeout=20)
            group.create_task(late.connect())
            await asyncio.sleep(5)
            await cluster.boot(serial)
        assert late.is_connected

    run(app)


def test_a_cancelled_connect_leaves_nothing_behind(run: Callable[[App], None]) -> None:
    async def app(cluster: LocalCluster) -> None:
        serial = left(cluster)
        client = await connected(cluster, serial)
        await client.disconnect()
        await asyncio.sleep(0.5)
        for patience_s in (0.0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.4):
            trial = cluster.radio.client(client.address)
            connecting = asyncio.create_task(trial.connect())
            await asyncio.sleep(patience_s)
            connecting.cancel()
            await asyncio.wait([connecting])
            await trial.disconnect()
            await asyncio.sleep(1)
            assert not cluster.pods[serial].connected, patience_s
        async with cluster.radio.client(client.address) as again:
            assert list(await again.read_gatt_char(BATTERY_LEVEL_UUID)) == [100]

    run(app)


def test_two_scans_and_a_connect_at_once(run: Callable[[App], None]) -> None:
    async def app(cluster: LocalCluster) -> None:
        async def scan() -> int:
            async with cluster.radio.scanner(service_uuids=[POD_SERVICE_UUID]) as scanner:
                await asyncio.sleep(1)
            return len(scanner.discovered_devices)

        client = await connected(cluster, left(cluster))
        assert await asyncio.gather(scan(), scan()) == [1, 1]  # who is connected does not advertise
        await client.disconnect()
        await asyncio.sleep(0.5)
        assert await asyncio.gather(scan(), scan()) == [2, 2]

    run(app)


def test_without_a_radio_everything_says_so(virtual_time: Callable[..., Any], recording: Recording) -> None:
    async def main() -> None:
        lost: list[BleakClient] = []
        async with LocalCluster(recording) as cluster:
            client = await connected(cluster, left(cluster), disconnected_callback=lost.append)
        assert lost == [client]
        with pytest.raises(BleakBluetoothNotAvailableError):
            await cluster.radio.scanner().start()
        with pytest.raises(BleakBluetoothNotAvailableError):
            await cluster.radio.client(client.address).connect()

    virtual_time(main())


def test_two_radios_in_one_process_do_not_know_each_other(
    virtual_time: Callable[..., Any], recording: Recording
) -> None:
    async def main() -> None:
        async with LocalCluster(recording, tag="ONE") as one, LocalCluster(recording, tag="TWO") as two:
            for cluster in (one, two):
                async with cluster.radio.scanner() as scanner:
                    await asyncio.sleep(1)
                expected = {pod.identity.address for pod in cluster.pods.values()}
                assert {device.address for device in scanner.discovered_devices} == expected

    virtual_time(main())


def test_the_backend_is_given_by_bleaks_own_argument(run: Callable[[App], None]) -> None:
    async def app(cluster: LocalCluster) -> None:
        assert isinstance(cluster.radio.scanner(), BleakScanner)
        assert cluster.radio.scanner().backend_id == "BumbleScanner"
        assert cluster.radio.client("C0:FF:EE:00:00:00").backend_id == "BumbleClient"

    run(app)
