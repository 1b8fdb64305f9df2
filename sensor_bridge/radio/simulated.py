"""Radios on the simulated air: in this process, or on a hub over TCP."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from types import TracebackType
from typing import Any, Final, Self

from bleak import BleakClient, BleakScanner
from bleak.backends.device import BLEDevice
from bumble.core import BaseBumbleError

from ..errors import RadioUnavailable
from .adapter import Adapter
from .air import Air, HciPort
from .bumble_backend import backends_for
from .hci_stream import HciStream
from .hub import check_loopback, parse_address

_log = logging.getLogger(__name__)

# A hub that was restarted is back within a second or two; there is no use in asking more often than this.
_FIRST_WAIT_S: Final = 0.25
_LONGEST_WAIT_S: Final = 4.0
_ATTACH_ERRORS: Final = (OSError, TimeoutError, BaseBumbleError)


class _SimulatedRadio:
    """What both simulated radios share: bleak objects on one Bumble adapter."""

    def __init__(self) -> None:
        self._adapter = Adapter()
        self._scanner_class, self._client_class = backends_for(self._adapter)

    def scanner(self, **options: Any) -> BleakScanner:
        """Return a new scanner."""
        return BleakScanner(backend=self._scanner_class, **options)

    def client(self, device: BLEDevice | str, **options: Any) -> BleakClient:
        """Return a new client."""
        return BleakClient(device, backend=self._client_class, **options)

    async def connected_devices(self, service_uuid: str) -> list[BLEDevice]:
        """Return nothing: a simulated adapter's links die with its program."""
        return []


class LocalRadio(_SimulatedRadio):
    """An adapter on an `Air` in this process. An async context manager."""

    name = "the simulated radio"

    def __init__(self, air: Air) -> None:
        super().__init__()
        self._air = air
        self._port: HciPort | None = None

    async def __aenter__(self) -> Self:
        """Power on."""
        self._port = self._air.attach()
        await self._adapter.attach(self._port.source, self._port.sink)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Power off."""
        self._adapter.detach()
        if self._port is not None:
            self._air.vanish(self._port.controller)


class HubRadio(_SimulatedRadio):
    """An adapter on a radio hub. An async context manager.

    When the hub goes, its links are reported lost; the radio attaches again as soon as the hub is back.

    Parameters
    ----------
    spec : str
        ``hub://HOST:PORT``.
    insecure_lan : bool
        Allow a hub on another machine.

    Raises
    ------
    UsageError
        ``spec`` is malformed, or the hub is not on this machine and ``insecure_lan`` was not given.
    """

    def __init__(self, spec: str, *, insecure_lan: bool = False) -> None:
        super().__init__()
        self._host, self._port = parse_address(spec)
        check_loopback(self._host, insecure_lan=insecure_lan)
        self._stream: HciStream | None = None
        self._feed: asyncio.Task[None] | None = None
        self._keeper: asyncio.Task[None] | None = None

    @property
    def name(self) -> str:
        """What to call it in messages."""
        return f"the radio hub {self._host}:{self._port}"

    @property
    def attached(self) -> bool:
        """Whether the hub is there just now."""
        return self._adapter.powered

    async def __aenter__(self) -> Self:
        """Attach to the hub.

        Raises
        ------
        RadioUnavailable
            Nobody answers there.
        """
        try:
            await self._attach()
        except _ATTACH_ERRORS as error:
            raise RadioUnavailable(
                f"{self.name} does not answer; start it with 'shoepod virtual-pods --hub "
                f"{self._host}:{self._port}' in another terminal"
            ) from error
        self._keeper = asyncio.create_task(self._keep_attached(), name="hub radio")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the hub."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait([self._keeper])
        await self._leave()

    async def _attach(self) -> None:
        """Connect and power on."""
        stream = self._stream = await HciStream.open(self._host, self._port)
        self._feed = asyncio.create_task(stream.carry(), name="hub feed")
        try:
            await self._adapter.attach(stream.source, stream)
        except BaseException:
            await self._leave()
            raise

    async def _leave(self) -> None:
        self._adapter.detach()
        feed, self._feed = self._feed, None
        if feed is not None:
            feed.cancel()
            await asyncio.wait([feed])
        stream, self._stream = self._stream, None
        if stream is not None:
            await stream.close()

    async def _keep_attached(self) -> None:
        """Attach again whenever the hub was gone."""
        while True:
            if self._feed is not None:
                await asyncio.wait([self._feed])
                _log.info("%s is gone", self.name)
                await self._leave()
            wait_s = _FIRST_WAIT_S
            while self._feed is None:
                await asyncio.sleep(wait_s)
                wait_s = min(2 * wait_s, _LONGEST_WAIT_S)
                with contextlib.suppress(*_ATTACH_ERRORS):
                    await self._attach()
                    _log.info("%s is back", self.name)
