"""The hub over real TCP on a free loopback port."""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import pytest
from bleak.backends.device import BLEDevice

from firmware_protocol import BATTERY_LEVEL_UUID, POD_SERVICE_UUID
from sensor_bridge.errors import BridgeError, RadioUnavailable, UsageError
from sensor_bridge.radio import OsRadio, open_radio
from sensor_bridge.radio.hci_stream import HciStream
from sensor_bridge.radio.hub import RadioHub, check_loopback, parse_address
from sensor_bridge.radio.simulated import HubRadio
from sensor_bridge.recording import Recording
from sensor_bridge.virtual.cast import parts_of
from sensor_bridge.virtual.pod import VirtualPod
from sensor_bridge.virtual.world import World

# Only a hung test ever waits this long.
PATIENCE_S = 20.0


@asynccontextmanager
async def pod_on(hub: RadioHub, recording: Recording) -> AsyncIterator[VirtualPod]:
    """A virtual pod that reaches the hub over TCP."""
    part = parts_of(recording)[0]
    stream = await HciStream.open("127.0.0.1", hub.port)
    carry = asyncio.create_task(stream.carry())
    world = World(asyncio.get_running_loop().time)
    pod = VirtualPod(stream.source, stream, part.identity, part.motion, world, rng=random.Random(1))
    try:
        await pod.power_on()
        yield pod
    finally:
        await pod.close()
        await stream.close()
        await carry


async def until(condition: Callable[[], bool]) -> None:
    """Wait until a callable says yes."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110  there is no event to wait for
            await asyncio.sleep(0.01)


async def any_pod(radio: HubRadio | OsRadio) -> BLEDevice:
    async with asyncio.timeout(PATIENCE_S), radio.scanner(service_uuids=[POD_SERVICE_UUID]) as scanner:
        async for device, _ in scanner.advertisement_data():
            return device
    raise AssertionError("the scan ended")


async def test_bleak_reaches_a_pod_through_the_hub(recording: Recording) -> None:
    async with (
        RadioHub("127.0.0.1", 0) as hub,
        pod_on(hub, recording) as pod,
        open_radio(f"hub://127.0.0.1:{hub.port}") as radio,
    ):
        device = await any_pod(radio)
        assert device.address == pod.identity.address
        async with asyncio.timeout(PATIENCE_S), radio.client(device) as client:
            assert list(await client.read_gatt_char(BATTERY_LEVEL_UUID)) == [100]


async def test_the_radio_comes_back_with_the_hub(recording: Recording) -> None:
    lost = asyncio.Event()
    async with AsyncExitStack() as stack:
        async with RadioHub("127.0.0.1", 0) as hub, pod_on(hub, recording):
            port = hub.port
            radio = await stack.enter_async_context(HubRadio(f"hub://127.0.0.1:{port}"))
            client = radio.client(await any_pod(radio), disconnected_callback=lambda _: lost.set())
            await client.connect()
        await until(lambda: not radio.attached)
        assert lost.is_set()
        assert not client.is_connected
        async with RadioHub("127.0.0.1", port) as hub, pod_on(hub, recording):
            await until(lambda: radio.attached)
            async with asyncio.timeout(PATIENCE_S), radio.client(await any_pod(radio)) as again:
                assert again.is_connected


async def test_a_scan_that_ran_when_the_hub_went_goes_on_when_it_is_back(recording: Recording) -> None:
    heard = asyncio.Event()
    async with AsyncExitStack() as stack:
        async with RadioHub("127.0.0.1", 0) as hub:
            port = hub.port
            radio = await stack.enter_async_context(HubRadio(f"hub://127.0.0.1:{port}"))
            scanner = radio.scanner(detection_callback=lambda _, __: heard.set(), service_uuids=[POD_SERVICE_UUID])
            await scanner.start()
        await until(lambda: not radio.attached)
        async with RadioHub("127.0.0.1", port) as hub, pod_on(hub, recording), asyncio.timeout(PATIENCE_S):
            await heard.wait()
            await scanner.stop()


async def test_nobody_at_the_address_is_one_sentence(free_port: int) -> None:
    with pytest.raises(RadioUnavailable, match="does not answer; start it with 'shoepod virtual-pods"):
        async with open_radio(f"hub://127.0.0.1:{free_port}"):
            pass


async def test_a_port_in_use_is_one_sentence() -> None:
    async with RadioHub("127.0.0.1", 0) as hub:
        with pytest.raises(RadioUnavailable, match="choose another port"):
            async with RadioHub("127.0.0.1", hub.port):
                pass


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::", "example.org", "2001:db8::1"])
def test_other_machines_are_refused_unless_told_otherwise(host: str) -> None:
    with pytest.raises(UsageError, match="--insecure-lan"):
        RadioHub(host, 9100)
    with pytest.raises(UsageError, match="--insecure-lan"):
        open_radio(f"hub://{f'[{host}]' if ':' in host else host}:9100")
    check_loopback(host, insecure_lan=True)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_loopback_is_fine(host: str) -> None:
    check_loopback(host, insecure_lan=False)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("127.0.0.1:9100", ("127.0.0.1", 9100)),
        ("hub://localhost:1", ("localhost", 1)),
        ("hub://[::1]:65535", ("::1", 65535)),
    ],
)
def test_addresses(text: str, expected: tuple[str, int]) -> None:
    assert parse_address(text) == expected


@pytest.mark.parametrize("text", ["", "9100", ":9100", "hub://", "localhost", "localhost:x", "a:65536", "a:-1", "a:"])
def test_wrong_addresses_are_one_sentence(text: str) -> None:
    with pytest.raises(UsageError, match="HOST:PORT") as error:
        parse_address(text)
    assert error.value.exit_code == 2


def test_without_a_hub_it_is_the_machines_own_adapter() -> None:
    assert isinstance(open_radio(None), OsRadio)


async def test_rubbish_instead_of_packets_ends_that_connection_only() -> None:
    async with RadioHub("127.0.0.1", 0) as hub:
        reader, writer = await asyncio.open_connection("127.0.0.1", hub.port)
        writer.write(b"GET / HTTP/1.1\r\n\r\n" * 50)
        async with asyncio.timeout(PATIENCE_S):
            assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()
        async with open_radio(f"hub://127.0.0.1:{hub.port}"):
            assert hub.controllers == 1


async def test_a_host_that_does_not_read_is_thrown_out() -> None:
    loop = asyncio.get_running_loop()
    async with RadioHub("127.0.0.1", 0) as hub:
        with socket.socket() as host:
            host.setblocking(False)
            host.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            await loop.sock_connect(host, ("127.0.0.1", hub.port))
            await until(lambda: hub.controllers == 1)
            read_supported_commands = b"\x01\x02\x10\x00"  # answered with 71 bytes that nobody reads
            with suppress(ConnectionError):
                for _ in range(200):
                    async with asyncio.timeout(PATIENCE_S):
                        await loop.sock_sendall(host, read_supported_commands * 100)
            await until(lambda: hub.controllers == 0)


def test_the_error_classes_have_exit_codes() -> None:
    assert issubclass(RadioUnavailable, BridgeError)
    assert RadioUnavailable("x").exit_code == 1
