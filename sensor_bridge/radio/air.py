"""The simulated air: Bluetooth LE controllers joined by one link with connection events.

Theory of operation
-------------------
Bumble's virtual controllers exchange link-layer packets in memory, at once and without fail. A bridge that
works on that alone proves little, so this module adds what real links have:

- *Connection events.* Data of a link travels at its anchor points only, every ``interval_s``, and a few
  packets each time. The controller reports packets as completed when they have travelled, so a host that
  sends faster than the link carries sees its queue grow, as on real hardware.
- *Supervision.* A controller that vanishes (killed process, flat battery, out of range) says no goodbye:
  its peers learn of it when the supervision timeout has passed.
- *Establishment.* A central whose connect request nobody took gets "failed to be established".
- *Cancelling.* An abandoned connect request really ends.

Nothing is lost at random: the link layer's acknowledgements see to that on real links as well.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import math
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Final

from bumble import hci, ll
from bumble.controller import Connection, Controller
from bumble.core import PhysicalTransport
from bumble.link import LocalLink
from bumble.transport.common import AsyncPipeSink

# Bumble warns of what is normal here (data for a link that just ended); a program that wants to see it sets up
# logging. Without this, Python's handler of last resort would print it into the live view.
logging.getLogger("bumble").addHandler(logging.NullHandler())

DEFAULT_INTERVAL_S: Final = 0.015
"""What our firmware asks for (7.5 to 15 ms), and near what phones and BlueZ grant."""

DEFAULT_SUPERVISION_S: Final = 0.5
"""Between BlueZ's 0.42 s and Android's 5 s."""

_PACKETS_PER_EVENT: Final = 6
_CONTROLLER_BUFFERS: Final = 12
# 247 bytes of ATT and 4 of L2CAP in one packet: every controller of the last ten years has length extension.
_ACL_BYTES: Final = 251


class AirController(Controller):  # type: ignore[misc]  # bumble is untyped here
    """A Bumble controller with real flow control and a connect request that can be cancelled."""

    le_acl_data_packet_length = _ACL_BYTES
    total_num_le_acl_data_packets = _CONTROLLER_BUFFERS
    link: Any
    pending_le_connection: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._uncompleted: dict[int, int] = {}

    def on_hci_acl_data_packet(self, packet: Any) -> None:
        """Take a packet from the host; it counts as completed only when it has travelled."""
        connection = self.find_le_connection_by_handle(packet.connection_handle)
        if connection is None:
            return  # the link went away while the packet was on its way here
        handle = connection.handle
        self._uncompleted[handle] = self._uncompleted.get(handle, 0) + 1
        connection.assembler.feed_packet(packet)

    def send_hci_packet(self, packet: Any) -> None:
        """Send to the host; Bumble's own formats a debug line for every packet, which costs more than sending."""
        if self.host is not None:
            asyncio.get_running_loop().call_soon(self.host.on_packet, bytes(packet))

    def take_uncompleted(self, handle: int) -> int:
        """Return how many host packets make up the PDU that is handed to the link just now."""
        return self._uncompleted.pop(handle, 0)

    def complete(self, handle: int, packets: int) -> None:
        """Tell the host that ``packets`` have travelled."""
        if packets:
            self.send_hci_packet(
                hci.HCI_Number_Of_Completed_Packets_Event(connection_handles=[handle], num_completed_packets=[packets])
            )

    def on_hci_le_create_connection_cancel_command(self, command: Any) -> Any:
        """End a pending connect request (Core 5.3, vol 4, part E, 7.8.13); Bumble's own leaves it pending."""
        pending = self.pending_le_connection
        if pending is None:
            return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.COMMAND_DISALLOWED_ERROR)
        self.pending_le_connection = None
        asyncio.get_running_loop().call_soon(self.report_connect_failure, pending.peer_address)
        return super().on_hci_le_create_connection_cancel_command(command)

    def on_hci_le_connection_update_command(self, command: Any) -> None:
        """Grant what the peripheral asked for; the interval stays the air's, as computers keep their own."""
        connection = self.find_le_connection_by_handle(command.connection_handle)
        if connection is not None:
            self.link.grant_supervision(connection, command.supervision_timeout * 0.01)
        super().on_hci_le_connection_update_command(command)

    def report_connect_failure(self, peer_address: Any) -> None:
        """Tell the host that its connect request came to nothing."""
        self.send_hci_packet(
            hci.HCI_LE_Connection_Complete_Event(
                status=hci.HCI_ErrorCode.UNKNOWN_CONNECTION_IDENTIFIER_ERROR,
                connection_handle=0,
                role=hci.Role.CENTRAL,
                peer_address_type=peer_address.address_type,
                peer_address=peer_address,
                connection_interval=0,
                peripheral_latency=0,
                supervision_timeout=0,
                central_clock_accuracy=0,
            )
        )


@dataclass(slots=True, eq=False)
class _Lane:
    """What waits at one end of one link for its next connection event."""

    sender: AirController
    connection: Connection
    waiting: deque[tuple[bytes, int]] = field(default_factory=deque)
    timer: asyncio.TimerHandle | None = None


class PacedLink(LocalLink):  # type: ignore[misc]  # bumble is untyped here
    """Delivers at connection events. One per `Air`."""

    def __init__(self, interval_s: float, supervision_s: float, packets_per_event: int) -> None:
        super().__init__()
        self.interval_s = interval_s
        self.supervision_s = supervision_s
        self._packets_per_event = packets_per_event
        self._lanes: dict[int, _Lane] = {}
        self._cut: set[int] = set()
        self._granted_supervision_s: dict[frozenset[Any], float] = {}
        self.stalled_until_s = -math.inf

    def send_acl_data(self, sender_controller: Any, destination_address: Any, transport: Any, data: bytes) -> None:
        """Queue data for the next connection event of its link."""
        connection = sender_controller.le_connections.get(destination_address)
        if transport != PhysicalTransport.LE or connection is None:
            return
        lane = self._lanes.get(id(connection))
        if lane is None:
            lane = self._lanes[id(connection)] = _Lane(sender_controller, connection)
        lane.waiting.append((data, sender_controller.take_uncompleted(connection.handle)))
        if lane.timer is None:
            self._schedule(lane)

    def send_ll_control_pdu(self, sender_address: Any, receiver_address: Any, packet: Any) -> None:
        """Deliver a link-layer procedure one interval later, to the link it was meant for."""
        receiver = self.find_le_controller(receiver_address)
        meant = receiver.le_connections.get(sender_address) if receiver else None

        def deliver() -> None:
            # A terminate that arrives after a quick reconnect must not end the new link.
            if receiver is None or meant is None or id(meant) in self._cut:
                return
            if receiver.le_connections.get(sender_address) is meant:
                receiver.on_ll_control_pdu(sender_address, packet)

        asyncio.get_running_loop().call_later(self.interval_s, deliver)

    def send_advertising_pdu(self, sender_controller: Any, packet: Any) -> None:
        """Broadcast, and see to it that a connect request nobody took fails."""
        super().send_advertising_pdu(sender_controller, packet)
        if isinstance(packet, ll.ConnectInd):
            connection = sender_controller.le_connections[packet.advertiser_address]
            self._granted_supervision_s.pop(_ends(connection), None)
            # Whoever takes the request does so in this turn of the loop, which the broadcast began.
            asyncio.get_running_loop().call_soon(self._check_established, sender_controller, connection)

    def grant_supervision(self, connection: Connection, timeout_s: float) -> None:
        """Let a link survive silence for ``timeout_s``."""
        self._granted_supervision_s[_ends(connection)] = timeout_s

    def supervision_of(self, connection: Connection) -> float:
        """Return how long a link survives silence, seconds."""
        return self._granted_supervision_s.get(_ends(connection), self.supervision_s)

    def cut(self, connection: Connection) -> None:
        """Let nothing pass on a link from now on; it ends by its supervision timeout."""
        self._cut.add(id(connection))

    def ended(self, connection: Connection) -> None:
        """Forget a link that was cut."""
        self._cut.discard(id(connection))

    def forget(self, controller: AirController) -> None:
        """Drop what a controller that left still had to send."""
        for key, lane in list(self._lanes.items()):
            if lane.sender is controller:
                if lane.timer is not None:
                    lane.timer.cancel()
                del self._lanes[key]

    def _check_established(self, central: AirController, connection: Connection) -> None:
        peer = self.find_le_controller(connection.peer_address)
        if peer is not None and connection.self_address in peer.le_connections:
            return

        def fail() -> None:
            if central.le_connections.get(connection.peer_address) is connection:
                reason = hci.HCI_ErrorCode.CONNECTION_FAILED_TO_BE_ESTABLISHED_ERROR
                central.on_le_disconnected(connection, reason)

        asyncio.get_running_loop().call_later(self.supervision_s, fail)

    def _schedule(self, lane: _Lane) -> None:
        loop = asyncio.get_running_loop()
        # Every link has an anchor point of its own, the same for both directions.
        ends = bytes(lane.connection.self_address), bytes(lane.connection.peer_address)
        mixed = int.from_bytes(ends[0], "little") ^ int.from_bytes(ends[1], "little")
        phase_s = mixed % 997 / 997 * self.interval_s
        # A timer may fire a hair early: a thousandth of an interval before an anchor counts as on it.
        anchors = math.floor((loop.time() - phase_s) / self.interval_s + 1e-3)
        next_s = phase_s + (anchors + 1) * self.interval_s
        lane.timer = loop.call_at(max(next_s, self.stalled_until_s), self._event, lane)

    def _event(self, lane: _Lane) -> None:
        lane.timer = None
        if asyncio.get_running_loop().time() < self.stalled_until_s:
            self._schedule(lane)
            return
        sender, connection = lane.sender, lane.connection
        if sender.le_connections.get(connection.peer_address) is not connection:
            self._lanes.pop(id(connection), None)
            return
        receiver = self.find_le_controller(connection.peer_address)
        linked = receiver is not None and connection.self_address in receiver.le_connections
        if linked and receiver is not None and id(connection) not in self._cut:
            travelled = 0
            for _ in range(min(self._packets_per_event, len(lane.waiting))):
                data, packets = lane.waiting.popleft()
                travelled += packets
                # The link's own address, not the sender's present one, which changes with active scans.
                receiver.on_link_acl_data(connection.self_address, PhysicalTransport.LE, data)
            sender.complete(connection.handle, travelled)
        if lane.waiting:
            self._schedule(lane)
        else:
            self._lanes.pop(id(connection), None)


def _ends(connection: Connection) -> frozenset[Any]:
    return frozenset((connection.self_address, connection.peer_address))


@dataclass(frozen=True, slots=True)
class HciPort:
    """A controller as its host sees it: where packets come from and where they go."""

    source: Any
    sink: Any
    controller: AirController


class Air:
    """Controllers within reach of each other.

    Parameters
    ----------
    interval_s : float
        Connection interval of every link.
    supervision_s : float
        How long a link survives without a sign of life, unless the peripheral asks for another time.
    packets_per_event : int
        How many packets fit into one connection event.
    """

    def __init__(
        self,
        *,
        interval_s: float = DEFAULT_INTERVAL_S,
        supervision_s: float = DEFAULT_SUPERVISION_S,
        packets_per_event: int = _PACKETS_PER_EVENT,
    ) -> None:
        if interval_s <= 0 or packets_per_event < 1:
            raise ValueError("a link needs connection events, and room for a packet in each")
        self._link = PacedLink(interval_s, supervision_s, packets_per_event)
        self._names = itertools.count()

    def controller(self, host_source: Any = None, host_sink: Any = None) -> AirController:
        """Add a controller, wired to a host by packet source and sink."""
        return AirController(f"C{next(self._names)}", host_source=host_source, host_sink=host_sink, link=self._link)

    def attach(self) -> HciPort:
        """Add a controller for a host in this process."""
        controller = self.controller()
        return HciPort(controller, AsyncPipeSink(controller), controller)

    def vanish(self, controller: AirController) -> None:
        """Take a controller off the air without a goodbye, as a power cut does."""
        if controller not in self._link.controllers:
            return
        controller.host = None
        controller.le_legacy_advertiser.stop()
        for advertising_set in controller.advertising_sets.values():
            advertising_set.stop()
        self._link.forget(controller)
        self._link.remove_controller(controller)
        for connection in list(controller.le_connections.values()):
            self._time_out_later(connection.peer_address, connection.self_address)

    def drop_links(self, controller: AirController) -> None:
        """Cut every link of a controller that stays on, as walking out of range does: both ends time out."""
        for connection in list(controller.le_connections.values()):
            self._time_out_later(connection.peer_address, connection.self_address)
            self._time_out_later(connection.self_address, connection.peer_address)

    def stall(self, seconds: float) -> None:
        """Carry no data for some time, as in heavy interference; no link ends, and a burst follows."""
        self._link.stalled_until_s = asyncio.get_running_loop().time() + seconds

    def _time_out_later(self, at_address: Any, peer_address: Any) -> None:
        """Let the controller at ``at_address`` lose the link it now has with ``peer_address``, later."""
        controller = self._link.find_le_controller(at_address)
        connection = controller.le_connections.get(peer_address) if controller else None
        if controller is None or connection is None:
            return

        self._link.cut(connection)

        def time_out() -> None:
            self._link.ended(connection)
            if controller.le_connections.get(peer_address) is connection:
                controller.on_le_disconnected(connection, hci.HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR)

        asyncio.get_running_loop().call_later(self._link.supervision_of(connection), time_out)
