"""The radio hub: the simulated air over TCP. One connection is one controller, speaking HCI (H4 framing).

Pods and the bridge can then live in processes of their own and be killed one by one. There is no password:
whoever connects is in radio range. So the hub binds a loopback address unless told otherwise.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import socket
from types import TracebackType
from typing import Final, Self

from bumble.core import InvalidPacketError
from bumble.transport.common import PacketParser

from ..errors import RadioUnavailable, UsageError
from .air import Air

_MAX_CONTROLLERS: Final = 32
# A host that stopped reading (suspended, stuck) leaves the air when this much waits for it: some 40 s of two pods.
_SOCKET_BUFFER_BYTES: Final = 1 << 16
_MAX_UNREAD_BYTES: Final = 1 << 18

_log = logging.getLogger(__name__)


def parse_address(text: str) -> tuple[str, int]:
    """Return host and port of ``HOST:PORT`` or ``hub://HOST:PORT``.

    Raises
    ------
    UsageError
        It is neither.
    """
    bare = text.removeprefix("hub://")
    host, colon, port_text = bare.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or not port_text.isdecimal() or not 0 <= int(port_text) <= 65535:
        raise UsageError(f"{text!r} is no radio hub; give it as HOST:PORT, for example 127.0.0.1:9100")
    return host, int(port_text)


def check_loopback(host: str, *, insecure_lan: bool) -> None:
    """Refuse a hub that others could reach.

    Raises
    ------
    UsageError
        The host is not this machine and ``insecure_lan`` was not given.
    """
    try:
        local = ipaddress.ip_address(host).is_loopback
    except ValueError:
        local = host == "localhost"
    if not (local or insecure_lan):
        raise UsageError(
            f"the radio hub has no password, so {host} is refused; use 127.0.0.1, "
            "or --insecure-lan where everyone on the network may listen in and take part"
        )


class _HostSink:
    """HCI packets to a host, as long as it reads them."""

    def __init__(self, transport: asyncio.WriteTransport) -> None:
        self._transport = transport

    def on_packet(self, packet: bytes) -> None:
        if self._transport.is_closing():
            return
        if self._transport.get_write_buffer_size() > _MAX_UNREAD_BYTES:
            _log.info("a host that does not read leaves the air")
            self._transport.abort()
            return
        self._transport.write(packet)


class RadioHub:
    """Serves an `Air` on a TCP port. An async context manager.

    Parameters
    ----------
    host, port : str, int
        Where to listen; port 0 takes a free one.
    air : Air, optional
    insecure_lan : bool
        Allow an address that is not loopback.

    Raises
    ------
    UsageError
        The address is not loopback and ``insecure_lan`` was not given.
    """

    def __init__(self, host: str, port: int, *, air: Air | None = None, insecure_lan: bool = False) -> None:
        check_loopback(host, insecure_lan=insecure_lan)
        self._host = host
        self._port = port
        self._air = air or Air()
        self._server: asyncio.Server | None = None
        self._serving: set[asyncio.Task[None]] = set()

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._port

    @property
    def controllers(self) -> int:
        """How many hosts are connected."""
        return len(self._serving)

    async def __aenter__(self) -> Self:
        """Listen.

        Raises
        ------
        RadioUnavailable
            The address cannot be had.
        """
        try:
            self._server = await asyncio.start_server(self._serve, self._host, self._port)
        except OSError as error:
            reason = error.strerror or str(error)
            raise RadioUnavailable(
                f"the radio hub cannot listen on {self._host}:{self._port} ({reason}); choose another port"
            ) from error
        self._port = int(self._server.sockets[0].getsockname()[1])
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop listening and drop everyone."""
        if self._server is not None:
            self._server.close()
        for task in list(self._serving):
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)
        if self._server is not None:
            await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None or len(self._serving) >= _MAX_CONTROLLERS:
            writer.close()
            return
        self._serving.add(task)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SOCKET_BUFFER_BYTES)
        parser = PacketParser()
        controller = self._air.controller(host_sink=_HostSink(writer.transport))
        parser.set_packet_sink(controller)
        try:
            while data := await reader.read(4096):
                parser.feed_data(data)
        except asyncio.CancelledError:
            pass  # the hub closes; a server task must not end cancelled, or asyncio logs it
        except (ConnectionError, InvalidPacketError) as error:
            _log.info("%s leaves the air: %s", controller.name, error)
        finally:
            self._air.vanish(controller)
            self._serving.discard(task)
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()
