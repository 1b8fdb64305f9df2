"""The link to one pod: connect, stream, notice losses, reconnect, until stopped.

Theory of operation
-------------------
::

    locate --> connect --> subscribe --> status, clock ping, start --> up --> packets ...
      ^                                                                         |
      +---- back off <---- disconnect <---- lost, silent, refused, failed <-----+

A lost link is dropped whole: the old client is disconnected and a new one made (see `PodFinder.connected`).
Notifications that come before the reply to `start` are kept and delivered after `on_up`, so a listener
always learns what a stream is before its first packet.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import random
from collections.abc import Callable
from enum import Enum
from typing import Any, Final, Protocol

from bleak.backends.device import BLEDevice

from firmware_protocol import IMU_STREAM_UUID, STATUS_UUID, PodStatus, Started

from ..errors import BridgeError, PodIncompatible, PodLost, RadioUnavailable
from ..settings import StreamSettings
from .control import ControlPoint
from .find import RADIO_ERRORS, PodFinder, error_text, read_serial

_log = logging.getLogger(__name__)

SILENCE_S: Final = 3.0
"""A link without a packet for this long is dead, whatever the Bluetooth stack says (Windows, stuck BlueZ)."""

FIRST_BACK_OFF_S: Final = 0.2
"""Right after a loss the pod is most often back at once: it walked behind the body."""

LONGEST_BACK_OFF_S: Final = 8.0
"""Scanning takes air time from the other pod, so a pod that stays away is looked for ever less often."""

BACK_OFF_JITTER: Final = 0.25
"""Two links that broke together shall not keep asking together."""

FIRST_PINGS: Final = 30
FIRST_PING_S: Final = 0.02
PING_S: Final = 2.0
"""Mean pause between clock pings, first and later. Random, so that they meet every phase of the interval."""

_STOP_TIMEOUT_S: Final = 1.0
_MOST_KEPT_EARLY: Final = 1000


class LinkState(Enum):
    """What a link is doing."""

    SEARCHING = "searching"
    CONNECTED = "connected"
    STREAMING = "streaming"
    LOST = "lost"


class LinkListener(Protocol):
    """Is told everything, by plain calls that must not block."""

    def on_up(self, serial: str, arrival_ns: int, started: Started, tick_us: int, status: PodStatus) -> None:
        """A stream (re)starts; called before its first packet.

        ``tick_us`` is the pod's 64-bit time a few connection events before ``arrival_ns``.
        """

    def on_packet(self, serial: str, arrival_ns: int, data: bytes) -> None:
        """A stream notification, as received."""

    def on_status(self, serial: str, arrival_ns: int, status_bytes: bytes) -> None:
        """A status notification, as received."""

    def on_ping(self, serial: str, arrival_ns: int, sent_ns: int, tick_us: int) -> None:
        """A clock ping was answered: the pod read ``tick_us`` no earlier than ``sent_ns``."""

    def on_down(self, serial: str, arrival_ns: int, reason: str) -> None:
        """The stream ended; called once for each `on_up`, also when the link is stopped."""


class PodLink:
    """Keeps one pod streaming.

    Parameters
    ----------
    finder : PodFinder
        Shared by all links of a radio.
    serial : str
    device : BLEDevice or None
        Where the pod was last seen; None looks for it first.
    stream : StreamSettings
        What to ask the pod for.
    listener : LinkListener
    now_ns : callable
        Monotonic clock that stamps arrivals.
    rng : random.Random, optional
        Jitter of the back-off.

    Attributes
    ----------
    state : LinkState
    trouble : str
        Why the last attempt ended, "" if none did.
    """

    def __init__(
        self,
        finder: PodFinder,
        serial: str,
        device: BLEDevice | None,
        *,
        stream: StreamSettings,
        listener: LinkListener,
        now_ns: Callable[[], int],
        rng: random.Random | None = None,
    ) -> None:
        self.serial = serial
        self.state = LinkState.SEARCHING
        self.trouble = ""
        self._finder = finder
        self._device = device
        self._stream = stream
        self._listener = listener
        self._now_ns = now_ns
        self._rng = rng or random.Random()
        if device is not None:
            finder.remember(device, serial)

    async def run(self) -> None:
        """Keep the pod streaming until cancelled; then stop it and disconnect.

        Raises
        ------
        Exception
            Whatever a listener raised: that is a fault of this program and ends the link.
        """
        failures = 0
        while True:
            connection = _Connection(self)
            try:
                device, self._device = self._device, None
                device = device or await self._finder.locate(self.serial)
                if device is None:
                    raise PodLost(f"pod {self.serial} does not advertise")
                await connection.serve(device)
            except (*RADIO_ERRORS, BridgeError) as error:
                self.trouble = error_text(error)
                _log.info("%s: %s", self.serial, self.trouble)
                if isinstance(error, RadioUnavailable | PodIncompatible):
                    failures += 2  # neither goes away in a moment
            finally:
                connection.down(self.trouble)
            if connection.fault is not None:
                raise connection.fault
            failures = 0 if connection.was_up else failures + 1
            await asyncio.sleep(self._back_off_s(failures))

    def _back_off_s(self, failures: int) -> float:
        """Return how long to wait: twice as long after every failure in a row, with some jitter."""
        wait_s = min(FIRST_BACK_OFF_S * 2.0 ** min(failures, 16), LONGEST_BACK_OFF_S)
        return wait_s * (1.0 + BACK_OFF_JITTER * (2.0 * self._rng.random() - 1.0))


class _Connection:
    """One life of a link, from connect to loss."""

    def __init__(self, link: PodLink) -> None:
        self.was_up = False
        self._link = link
        self.fault: Exception | None = None
        self._up = False
        self._early: list[tuple[Callable[[str, int, bytes], None], bytes, bool]] = []
        self._last_packet_s = 0.0
        self._ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def serve(self, device: BLEDevice) -> None:
        """Connect, start the stream and return when the link is lost."""
        link = self._link
        loop = asyncio.get_running_loop()
        async with link._finder.connected(device, lambda: self._end("the link was lost")) as client:
            link.state = LinkState.CONNECTED
            serial = await read_serial(client, device.name or device.address)
            link._finder.remember(device, serial)
            if serial != link.serial:
                raise PodLost(f"{device.address} is now pod {serial}, not {link.serial}")
            control = ControlPoint(client, link.serial)
            await control.open()
            await client.start_notify(IMU_STREAM_UUID, self._on_stream)
            await client.start_notify(STATUS_UUID, self._on_status)
            status = await control.status()
            tick_us = await control.tick_us()
            started = await control.start(link._stream)
            self._last_packet_s = loop.time()
            self._go_up(started, tick_us, status)
            pinging = asyncio.create_task(self._ping(control), name=f"ping {link.serial}")
            try:
                link.trouble = await self._watch()
            except asyncio.CancelledError:
                link.trouble = "stopped"
                pinging.cancel()
                await self._stop(control)
                raise
            finally:
                pinging.cancel()
                await asyncio.gather(pinging, return_exceptions=True)

    def down(self, reason: str) -> None:
        """Tell the listener that the stream ended, if it was up."""
        self._ended.cancel()
        self._link.state = LinkState.LOST if self.was_up else LinkState.SEARCHING
        if self._up:
            self._up = False
            self._tell(self._link._listener.on_down, reason)

    async def _watch(self) -> str:
        """Return why the link is over: lost, or silent for too long."""
        loop = asyncio.get_running_loop()
        while True:
            left_s = self._last_packet_s + SILENCE_S - loop.time()
            if left_s <= 0:
                return f"no packet for {SILENCE_S:g} s"
            await asyncio.wait([self._ended], timeout=left_s)
            if self._ended.done():
                return self._ended.result()

    async def _ping(self, control: ControlPoint) -> None:
        """Ask for the pod's clock at random moments, often at first: see `sensor_bridge.pod_clock`."""
        link = self._link
        for number in itertools.count():
            pause_s = PING_S if number >= FIRST_PINGS else FIRST_PING_S
            await asyncio.sleep(pause_s * 2.0 * link._rng.random())
            sent_ns = link._now_ns()
            try:
                tick_us = await control.tick_us()
            except (*RADIO_ERRORS, BridgeError) as error:  # whether the link still lives is for `_watch` to say
                _log.info("%s: a clock ping failed: %s", link.serial, error)
                await asyncio.sleep(PING_S)
                continue
            self._tell(link._listener.on_ping, sent_ns, tick_us)

    async def _stop(self, control: ControlPoint) -> None:
        """End the stream politely, if the link still answers."""
        try:
            async with asyncio.timeout(_STOP_TIMEOUT_S):
                await control.stop()
        except (*RADIO_ERRORS, BridgeError) as error:
            _log.info("%s: cannot stop the stream: %s", self._link.serial, error)

    def _go_up(self, started: Started, tick_us: int, status: PodStatus) -> None:
        link = self._link
        self._up = self.was_up = True
        link.state = LinkState.STREAMING
        self._tell(link._listener.on_up, started, tick_us, status)
        early, self._early = self._early, []
        # A stream begins with sequence 0. What came before that is the rest of an older one.
        begins = [i for i, (_, data, is_packet) in enumerate(early) if is_packet and data[:4] == bytes(4)]
        begin = begins[-1] if begins else len(early)
        for i, (deliver, data, is_packet) in enumerate(early):
            if i >= begin or not is_packet:
                self._tell(deliver, data)

    def _end(self, reason: str) -> None:
        if not self._ended.done():
            self._ended.set_result(reason)

    def _on_stream(self, _: Any, data: bytearray) -> None:
        self._last_packet_s = asyncio.get_running_loop().time()
        self._deliver(self._link._listener.on_packet, bytes(data), is_packet=True)

    def _on_status(self, _: Any, data: bytearray) -> None:
        self._deliver(self._link._listener.on_status, bytes(data), is_packet=False)

    def _deliver(self, deliver: Callable[[str, int, bytes], None], data: bytes, *, is_packet: bool) -> None:
        if self._up:
            self._tell(deliver, data)
        elif not self.was_up and len(self._early) < _MOST_KEPT_EARLY:
            self._early.append((deliver, data, is_packet))

    def _tell(self, call: Callable[..., None], *what: Any) -> None:
        """Call the listener; what it raises would vanish in the Bluetooth stack, so keep it for `PodLink.run`."""
        try:
            call(self._link.serial, self._link._now_ns(), *what)
        except Exception as error:
            self.fault = self.fault or error
            self._end("a listener failed")
