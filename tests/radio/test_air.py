"""The simulated air, seen through two bare Bumble hosts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from bumble.core import UUID
from bumble.core import TimeoutError as LinkTimeout
from bumble.device import Device, Peer
from bumble.gatt import Characteristic, Service
from bumble.hci import Address, HCI_LE_Create_Connection_Cancel_Command

from sensor_bridge.radio.air import Air

_SERVICE = UUID("6e400001-b5a3-f393-e0a9-e50e24dcca9e")
_VALUE = UUID("6e400002-b5a3-f393-e0a9-e50e24dcca9e")
_POD, _BRIDGE = "C0:00:00:00:00:01", "F0:00:00:00:00:02"


class Pair:
    """A peripheral with one notifying characteristic, and a central."""

    def __init__(self, air: Air) -> None:
        self.air = air
        self.pod_port, self.bridge_port = air.attach(), air.attach()
        self.pod = Device.with_hci("pod", Address(_POD), self.pod_port.source, self.pod_port.sink)
        self.bridge = Device.with_hci("bridge", Address(_BRIDGE), self.bridge_port.source, self.bridge_port.sink)
        self.value = Characteristic(_VALUE, Characteristic.Properties.NOTIFY, 0, b"")
        self.pod.add_services([Service(_SERVICE, [self.value])])
        self.reasons: dict[str, int] = {}

    async def connect(self) -> Any:
        await self.pod.power_on()
        await self.bridge.power_on()
        await self.pod.start_advertising(advertising_interval_min=20, advertising_interval_max=20)
        self.pod.on("connection", lambda link: link.on("disconnection", lambda r: self.reasons.update(pod=r)))
        connection = await self.bridge.connect(Address(_POD))
        connection.on("disconnection", lambda reason: self.reasons.update(bridge=reason))
        return connection

    async def subscribe(self, connection: Any) -> list[tuple[float, bytes]]:
        peer = Peer(connection)
        await peer.request_mtu(247)
        await peer.discover_all()
        received: list[tuple[float, bytes]] = []
        loop = asyncio.get_running_loop()
        await peer.get_characteristics_by_uuid(_VALUE)[0].subscribe(
            lambda value: received.append((loop.time(), bytes(value)))
        )
        return received


def test_data_travels_at_connection_events_in_order(virtual_time: Callable[..., Any]) -> None:
    async def main() -> None:
        interval_s = 0.03
        pair = Pair(Air(interval_s=interval_s))
        received = await pair.subscribe(await pair.connect())
        for number in range(50):
            await pair.pod.notify_subscribers(pair.value, bytes([number]))
            await asyncio.sleep(0.007)
        await asyncio.sleep(1)
        assert [value[0] for _, value in received] == list(range(50))
        times = sorted({at for at, _ in received})
        gaps = [later - earlier for earlier, later in pairwise(times)]
        assert gaps == pytest.approx([interval_s] * len(gaps), abs=1e-6)

    virtual_time(main())


def test_a_link_carries_no_more_than_its_events_allow(virtual_time: Callable[..., Any]) -> None:
    async def main() -> None:
        pair = Pair(Air(interval_s=0.01, packets_per_event=2))
        connection = await pair.connect()
        received = await pair.subscribe(connection)
        for number in range(100):
            await pair.pod.notify_subscribers(pair.value, bytes([number]))
        queue = pair.pod.host.get_data_packet_queue(next(iter(pair.pod.connections)))
        assert queue.pending >= 100  # nothing counts as sent before it has travelled
        await asyncio.sleep(0.1)
        assert 15 <= len(received) <= 22
        await asyncio.sleep(1)
        assert [value[0] for _, value in received] == list(range(100))
        assert queue.pending == 0

    virtual_time(main())


def test_a_vanished_pod_is_noticed_after_the_supervision_timeout(virtual_time: Callable[..., Any]) -> None:
    async def main() -> None:
        pair = Pair(Air(supervision_s=0.7))
        await pair.connect()
        pair.air.vanish(pair.pod_port.controller)
        await asyncio.sleep(0.6)
        assert pair.reasons == {}
        await asyncio.sleep(0.2)
        assert pair.reasons == {"bridge": 0x08}

    virtual_time(main())


def test_a_peripheral_may_ask_for_a_longer_supervision_timeout(virtual_time: Callable[..., Any]) -> None:
    async def main() -> None:
        pair = Pair(Air(supervision_s=0.5))
        await pair.connect()
        link = next(iter(pair.pod.connections.values()))
        await pair.pod.update_connection_parameters(link, 7.5, 15, 0, 2000, use_l2cap=True)
        await asyncio.sleep(0.1)
        pair.air.vanish(pair.pod_port.controller)
        await asyncio.sleep(1.9)
        assert pair.reasons == {}
        await asyncio.sleep(0.2)
        assert pair.reasons == {"bridge": 0x08}

    virtual_time(main())


def test_out_of_range_both_ends_time_out_and_nothing_passes(virtual_time: Callable[..., Any]) -> None:
    async def main() -> None:
        pair = Pair(Air(supervision_s=0.5))
        received = await pair.subscribe(await pair.connect())
        pair.air.drop_links(pair.pod_port.controller)
        await pair.pod.notify_subscribers(pair.value, b"lost")
        await asyncio.sleep(1)
        assert pair.reasons == {"pod": 0x08, "bridge": 0x08}
        assert received == []

    virtual_time(main())


def test_a_connect_request_can_be_cancelled_and_tried_again(virtual_time: Callable[..., Any]) -> None:
    async def main() -> None:
        pair = Pair(Air())
        await pair.bridge.power_on()
        with pytest.raises(LinkTimeout):
            await pair.bridge.connect(Address(_POD), timeout=1)
        connection = await pair.connect()
        assert connection.peer_address == Address(_POD)
        with pytest.raises(Exception, match="DISALLOWED"):
            await pair.bridge.send_sync_command(HCI_LE_Create_Connection_Cancel_Command())

    virtual_time(main())


def test_a_pod_that_vanishes_while_being_connected_fails_the_connect(virtual_time: Callable[..., Any]) -> None:
    async def main() -> None:
        air = Air(supervision_s=0.5)
        pair = Pair(air)
        await pair.pod.power_on()
        await pair.bridge.power_on()
        await pair.pod.start_advertising(advertising_interval_min=20, advertising_interval_max=20)
        send = pair.bridge_port.controller.create_le_connection

        def vanish_and_send(peer: Any) -> None:
            air.vanish(pair.pod_port.controller)
            send(peer)

        pair.bridge_port.controller.create_le_connection = vanish_and_send
        connection = await pair.bridge.connect(Address(_POD))
        connection.on("disconnection", lambda reason: pair.reasons.update(bridge=reason))
        await asyncio.sleep(1)
        assert pair.reasons == {"bridge": 0x3E}

    virtual_time(main())
