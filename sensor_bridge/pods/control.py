"""The control point as seen from the bridge: one command at a time, each answered by an indication."""

from __future__ import annotations

import asyncio
from typing import Final

from bleak import BleakClient
from bleak.backends.characteristic import BleakGATTCharacteristic

from firmware_protocol import (
    CONTROL_POINT_UUID,
    ClockPing,
    ClockPong,
    Command,
    DecodeError,
    GetStatus,
    PodStatus,
    Reply,
    Result,
    Start,
    Started,
    Stop,
    UnsupportedVersion,
    decode_reply,
    encode_command,
)

from ..errors import PodIncompatible, PodLost
from ..settings import StreamSettings

# A reply takes a few connection events; on a link that has to repeat itself, a second or two.
_REPLY_TIMEOUT_S: Final = 5.0


class ControlPoint:
    """Sends commands over a connected client.

    Parameters
    ----------
    client : BleakClient
        Connected.
    who : str
        What to call the pod in errors.
    """

    def __init__(self, client: BleakClient, who: str) -> None:
        self._client = client
        self._who = who
        self._requests = 0
        self._waiting: dict[int, asyncio.Future[Reply]] = {}
        self._busy = asyncio.Lock()

    async def open(self) -> None:
        """Subscribe to the replies."""
        await self._client.start_notify(CONTROL_POINT_UUID, self._on_reply)

    async def request(self, command: Command) -> Reply:
        """Send a command and return its reply, whose result is OK.

        Raises
        ------
        PodLost
            No reply came.
        PodIncompatible
            The reply is none, or the pod refuses.
        """
        async with self._busy:
            self._requests = (self._requests + 1) % 256
            request = self._requests
            future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
            self._waiting[request] = future
            try:
                async with asyncio.timeout(_REPLY_TIMEOUT_S):
                    await self._client.write_gatt_char(
                        CONTROL_POINT_UUID, encode_command(command, request), response=True
                    )
                    reply = await future
            except TimeoutError as error:
                raise PodLost(
                    f"pod {self._who} did not answer {type(command).__name__} within {_REPLY_TIMEOUT_S:g} s"
                ) from error
            finally:
                del self._waiting[request]
        if reply.result is not Result.OK:
            raise PodIncompatible(
                f"pod {self._who} refuses {type(command).__name__}: {reply.result.name.replace('_', ' ').lower()}"
            )
        return reply

    async def status(self) -> PodStatus:
        """Ask for the pod's status."""
        body = (await self.request(GetStatus())).body
        if not isinstance(body, PodStatus):
            raise PodIncompatible(f"pod {self._who} answered a status request without a status")
        return body

    async def tick_us(self) -> int:
        """Ask for the pod's 64-bit time."""
        body = (await self.request(ClockPing(self._requests))).body
        if not isinstance(body, ClockPong):
            raise PodIncompatible(f"pod {self._who} answered a clock ping without its clock")
        return body.tick_us

    async def start(self, stream: StreamSettings) -> Started:
        """Ask for a stream."""
        command = Start(stream.rate_hz, stream.acc_range_g, stream.gyr_range_dps, stream.samples_per_packet)
        body = (await self.request(command)).body
        if not isinstance(body, Started):
            raise PodIncompatible(f"pod {self._who} answered a start without saying what it streams")
        return body

    async def stop(self) -> None:
        """End the stream."""
        await self.request(Stop())

    def _on_reply(self, characteristic: BleakGATTCharacteristic, data: bytearray) -> None:
        try:
            reply = decode_reply(bytes(data))
        except DecodeError as error:
            failure = incompatible(self._who, error)
            for future in self._waiting.values():  # the only one there can be
                if not future.done():
                    future.set_exception(failure)
            return
        waiting = self._waiting.get(reply.request)
        if waiting is not None and not waiting.done():
            waiting.set_result(reply)


def incompatible(who: str, error: DecodeError) -> PodIncompatible:
    """Return the error for bytes of a pod that cannot be read."""
    if isinstance(error, UnsupportedVersion):
        return PodIncompatible(
            f"pod {who} speaks wire version {error.version} and this program version {error.supported}; "
            "update the older of the two"
        )
    return PodIncompatible(f"pod {who} sent something this program cannot read ({error})")
