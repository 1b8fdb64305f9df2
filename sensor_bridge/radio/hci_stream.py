"""A host's end of the radio hub: HCI packets over a TCP connection."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final, Self

from bumble.transport.common import StreamPacketSource

_CONNECT_TIMEOUT_S: Final = 5.0


class HciStream:
    """One connection to a hub.

    Attributes
    ----------
    source : StreamPacketSource
        Packets from the controller, as Bumble wants them.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.source = StreamPacketSource()
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, host: str, port: int) -> Self:
        """Connect.

        Raises
        ------
        OSError, TimeoutError
            Nobody answers there.
        """
        async with asyncio.timeout(_CONNECT_TIMEOUT_S):
            reader, writer = await asyncio.open_connection(host, port)
        return cls(reader, writer)

    async def carry(self) -> None:
        """Hand what the hub sends to the host, until the connection ends."""
        with contextlib.suppress(ConnectionError):
            while data := await self._reader.read(4096):
                self.source.data_received(data)

    def on_packet(self, packet: bytes) -> None:
        """Send a packet to the controller; Bumble's name for a sink's method."""
        if not self._writer.is_closing():
            self._writer.write(packet)

    async def close(self) -> None:
        """Disconnect."""
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()
