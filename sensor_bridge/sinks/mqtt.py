"""Steps, live contacts and the session's state to an MQTT broker.

Topics, each part escaped by `topic_part`::

    <prefix>/<runner>/<session>/<foot>/step      QoS 1, from the outbox: every step, at least once, in order
    <prefix>/<runner>/<session>/<foot>/contact   QoS 0, from memory: landings as they happen, may be lost
    <prefix>/<runner>/status                     QoS 1, retained, with a last will

A step is the JSON of `store.outbox.step_payload`: units are in the names, angles in degrees, unknown values
``null``. Session, foot and step id identify it; a receiver that counts drops what it has seen.

A contact has ``session, runner, foot, step_id, activity, time_ms, ic_s, decided_s, strike,
strike_confidence, strike_angle_deg``.

The status is ``{"state": "running" | "ended" | "lost", "session": ..., "runner": ...}``; the broker itself
says ``lost`` when the bridge disappears.

aiomqtt does not reconnect, and a message that was cut off stays queued in its client: every connection gets
a new client.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import math
import os
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from gait_signal.types import Contact

from ..errors import SinkUnavailable
from ..settings import MqttSettings
from ..store.outbox import OutboxRow, Refused, utc_ms

if TYPE_CHECKING:
    from aiomqtt import Client, Will

# Some five seconds of landings: what is older is of no use to somebody who watches live.
MAX_CONTACTS: Final = 30

_BATCH_ROWS: Final = 20
_KEEPALIVE_S: Final = 10
_RETRY_S: Final = 2.0
_MAX_PART_BYTES: Final = 200

# A broker that comes back knows no subscribers: steps wait until these are likely to be back as well.
GRACE_S: Final = 3.0

# How long a connection that failed gets to close its socket.
_HANG_UP_S: Final = 0.5

_log = logging.getLogger(__name__)
# The library writes about every broken connection to the terminal; here that is told once, as a state.
_library_log = logging.getLogger(f"{__name__}.library")
_library_log.setLevel(logging.CRITICAL)


@dataclass(frozen=True, slots=True)
class LiveSession:
    """The session that status and contacts are about."""

    session_id: str
    runner: str
    started_utc: datetime


class MqttSink:
    """Publishes to one broker.

    Without ``live`` it only delivers outbox rows (``shoepod sync``); with it, `run` also keeps the retained
    status and sends contacts.

    Parameters
    ----------
    settings : MqttSettings
    live : LiveSession, optional
    password : str, optional
        Instead of the environment variable that the settings name.
    grace_s : float
        How long steps wait after a connection that broke is back.
    """

    name = "mqtt"
    batch_rows = _BATCH_ROWS

    def __init__(
        self,
        settings: MqttSettings,
        live: LiveSession | None = None,
        password: str | None = None,
        *,
        grace_s: float = GRACE_S,
    ) -> None:
        self._settings = settings
        self._live = live
        self._password = os.environ.get(settings.password_env) if password is None else password
        self._client: Client | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._connecting = asyncio.Lock()
        self._grace_s = grace_s
        self._steps_from_s = -math.inf  # on the event loop's clock
        self._was_connected = False
        self._contacts: deque[Contact] = deque()
        self._contact_came = asyncio.Event()
        self.contacts_dropped = 0
        """Contacts that the broker never saw: it was away or too slow."""

    @property
    def is_connected(self) -> bool:
        """Whether the broker is there, as far as is known."""
        return self._client is not None

    # ---- steps ------------------------------------------------------------------------------------

    async def send(self, rows: Sequence[OutboxRow]) -> list[Refused]:
        """Publish rows with QoS 1 and wait for the broker's acknowledgement of each.

        Raises
        ------
        SinkUnavailable
            The broker cannot be reached or does not acknowledge in time.
        """
        client = await self._connected()
        await asyncio.sleep(max(0.0, self._steps_from_s - asyncio.get_running_loop().time()))
        sending = [asyncio.ensure_future(self._publish_row(client, row)) for row in rows]
        try:
            await asyncio.gather(*sending)
        except _mqtt_error() as error:
            await self._drop(client)
            raise self._unavailable(error) from error
        finally:
            for task in sending:
                task.cancel()
            await asyncio.gather(*sending, return_exceptions=True)
        return []

    async def _publish_row(self, client: Client, row: OutboxRow) -> None:
        payload = row.payload
        topic = self._topic(payload["runner"], payload["session"], payload["foot"], row.kind)
        await client.publish(topic, _json(payload), qos=1)

    # ---- live -------------------------------------------------------------------------------------

    def offer(self, contact: Contact) -> None:
        """Take a contact for publishing; never blocks. The oldest waiting one gives way."""
        if len(self._contacts) >= MAX_CONTACTS:
            self._contacts.popleft()
            self.contacts_dropped += 1
        self._contacts.append(contact)
        self._contact_came.set()

    async def run(self) -> None:
        """Keep connection and status up and publish contacts, until cancelled."""
        while True:
            try:
                client = await self._connected()
                await self._publish_contacts(client)
            except Exception as error:  # not even a defect here may end a run
                _log.info("the broker's connection failed", exc_info=error)
                self.contacts_dropped += len(self._contacts)
                self._contacts.clear()
                await asyncio.sleep(_RETRY_S)

    async def _publish_contacts(self, client: Client) -> None:
        while self._client is client:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._contact_came.wait(), _RETRY_S)
            self._contact_came.clear()
            while self._contacts and self._live is not None:
                contact = self._contacts.popleft()
                topic = self._topic(self._live.runner, self._live.session_id, contact.foot, "contact")
                try:
                    await client.publish(topic, _json(contact_payload(contact, self._live)), qos=0)
                except _mqtt_error() as error:
                    self.contacts_dropped += 1
                    await self._drop(client)
                    raise self._unavailable(error) from error

    async def close(self) -> None:
        """Say that the session has ended, as far as the broker is there, and disconnect."""
        client = self._client
        if client is None:
            return
        if self._live is not None:
            with contextlib.suppress(_mqtt_error()):
                await client.publish(self._status_topic(), self._status("ended"), qos=1, retain=True)
        await self._drop(client)

    # ---- connection -------------------------------------------------------------------------------

    async def _connected(self) -> Client:
        """Return the client, connecting a new one where there is none.

        Raises
        ------
        SinkUnavailable
        """
        async with self._connecting:
            if self._client is not None:
                return self._client
            client = self._new_client()
            try:
                await client.__aenter__()
                if self._live is not None:
                    await client.publish(self._status_topic(), self._status("running"), qos=1, retain=True)
            except BaseException as error:
                await _hang_up(client)
                if isinstance(error, _mqtt_error() | ValueError):  # paho: ValueError for an impossible host
                    raise self._unavailable(error) from error
                raise
            if self._was_connected:
                self._steps_from_s = asyncio.get_running_loop().time() + self._grace_s
            self._was_connected = True
            self._client = client
            self._watcher = asyncio.create_task(self._watch(client), name="mqtt-watch")
            return client

    def _new_client(self) -> Client:
        from aiomqtt import Client

        settings = self._settings
        client = Client(
            settings.host,
            settings.port,
            username=settings.username or None,
            password=self._password if settings.username else None,
            will=self._will(),
            timeout=settings.timeout_s,
            logger=_library_log,
            keepalive=_KEEPALIVE_S,
        )
        client.pending_calls_threshold = 4 * _BATCH_ROWS
        return client

    async def _watch(self, client: Client) -> None:
        # The only sign that aiomqtt gives of a broken connection while nothing is published.
        try:
            async for _ in client.messages:
                pass
        except _mqtt_error():
            if self._client is client:
                self._client = None
            await _hang_up(client)

    async def _drop(self, client: Client) -> None:
        if self._client is not client:
            return
        self._client = None
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            watcher.cancel()
            await asyncio.gather(watcher, return_exceptions=True)
        await _hang_up(client)

    def _unavailable(self, error: BaseException) -> SinkUnavailable:
        settings = self._settings
        return SinkUnavailable(f"the broker at {settings.host}:{settings.port} takes no messages: {error}")

    # ---- what is said -----------------------------------------------------------------------------

    def _will(self) -> Will | None:
        if self._live is None:
            return None
        from aiomqtt import Will

        return Will(self._status_topic(), self._status("lost"), qos=1, retain=True)

    def _status(self, state: str) -> str:
        live = self._live
        return _json({"state": state, "session": live and live.session_id, "runner": live and live.runner})

    def _status_topic(self) -> str:
        return self._topic(self._live.runner if self._live else "", "status")

    def _topic(self, *parts: str) -> str:
        prefix = [part for part in self._settings.topic_prefix.split("/") if part]
        return "/".join(topic_part(part) for part in (*prefix, *parts))


def topic_part(text: str) -> str:
    """Return text as one level of a topic: no separators, wildcards or control characters.

    They are percent-encoded, as is the percent sign, so different names stay different. ``$`` is encoded
    too, since a topic that begins with it is the broker's own.
    """
    out, size = [], 0
    for char in text:
        is_plain = char.isprintable() and char not in "/+#%$"
        piece = char if is_plain else "".join(f"%{b:02X}" for b in char.encode("utf-8", "surrogatepass"))
        size += len(piece.encode())
        if size > _MAX_PART_BYTES:
            break
        out.append(piece)
    return "".join(out) or "_"


def contact_payload(contact: Contact, live: LiveSession) -> dict[str, Any]:
    """Return what is published of a contact."""
    angle_rad = contact.strike_angle_rad
    return {
        "session": live.session_id,
        "runner": live.runner,
        "foot": contact.foot,
        "step_id": contact.step_id,
        "activity": contact.activity,
        "time_ms": utc_ms(live.started_utc, contact.ic_s),
        "ic_s": contact.ic_s,
        "decided_s": contact.decided_s,
        "strike": contact.strike,
        "strike_confidence": contact.strike_confidence,
        "strike_angle_deg": None if angle_rad is None else math.degrees(angle_rad),
    }


def _json(table: Mapping[str, Any]) -> str:
    # MQTT carries any text but lone surrogates; as \u escapes they are harmless.
    return json.dumps(table, separators=(",", ":"))


async def _hang_up(client: Client) -> None:
    # Without it the socket of a broker that accepts but never answers would stay open for the keepalive time.
    with contextlib.suppress(_mqtt_error(), TimeoutError):
        async with asyncio.timeout(_HANG_UP_S):
            await client.__aexit__(None, None, None)


def _mqtt_error() -> type[Exception]:
    from aiomqtt import MqttError

    return MqttError
