"""Steps to a time-series database that has the InfluxDB 2 write interface.

One point per step::

    measurement  step
    tags         session, foot, runner
    timestamp    initial contact, UTC, millisecond precision
    fields       step_id, strike_code, strike_final_code, activity_code        integers
                 gap_touched, clipped                                          booleans
                 strike, strike_final, activity, calibration, knee_drive_method  strings
                 everything else of `store.outbox.step_payload`                floats

Tags and timestamp are a point's key, so a point that is written twice is there once (VictoriaMetrics needs
``-dedup.minScrapeInterval=1ms`` for that). A strike type is a field, never a tag: as a tag it would make a
new series whenever the runner changes it. Values that are not known are left out. The codes serve databases
without string fields: strike 1 rearfoot, 2 midfoot, 3 forefoot; activity 1 running, 2 walking, 3 in place.

The client library's batching writer loses points while a server is down; this uses its plain asynchronous
one, which reports every failure. Rows wait in the outbox instead.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Final

from ..errors import SinkUnavailable
from ..settings import InfluxSettings
from ..store.outbox import OutboxRow, Refused

STRIKE_CODES: Final = {"rearfoot": 1, "midfoot": 2, "forefoot": 3}
ACTIVITY_CODES: Final = {"running": 1, "walking": 2, "in_place": 3}

_MEASUREMENT: Final = "step"
_TAGS: Final = ("session", "foot", "runner")
_NOT_FIELDS: Final = frozenset({*_TAGS, "time_ms"})
_CODES: Final = (
    ("strike_code", "strike", STRIKE_CODES),
    ("strike_final_code", "strike_final", STRIKE_CODES),
    ("activity_code", "activity", ACTIVITY_CODES),
)

# A refusal that these words explain is about a line; any other 4xx is about the set-up (address, token,
# bucket, a proxy in between) and the lines must wait.
_LINE_STATUSES: Final = frozenset({400, 413, 422})
_LINE_WORDS: Final = ("parse", "partial write", "field type", "line protocol", "retention", "unprocessable")
_TOO_LARGE: Final = 413
_MAX_REASON: Final = 300


class InfluxSink:
    """Writes steps; see the module's docstring for their form.

    Parameters
    ----------
    settings : InfluxSettings
    token : str, optional
        Instead of the environment variable that the settings name.
    """

    name = "influx"

    def __init__(self, settings: InfluxSettings, token: str | None = None) -> None:
        self._settings = settings
        self._token = os.environ.get(settings.token_env, "") if token is None else token
        self._client: Any = None

    @property
    def batch_rows(self) -> int:
        """Points per request."""
        return self._settings.batch_lines

    async def send(self, rows: Sequence[OutboxRow]) -> list[Refused]:
        """Write rows. A refused batch is halved until the lines that the server will not have are found.

        Raises
        ------
        SinkUnavailable
            The server does not answer, or refuses for a reason that is not in the lines.
        """
        refused: list[Refused] = []
        batches = [list(rows)]
        while batches:
            batch = batches.pop()
            reason = await self._write(batch)
            if reason is None:
                continue
            if len(batch) == 1:
                refused.append(Refused(batch[0], reason))
            else:
                half = len(batch) // 2
                batches += [batch[half:], batch[:half]]
        return refused

    async def close(self) -> None:
        """Close the connection."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def _write(self, rows: Sequence[OutboxRow]) -> str | None:
        """Write one request; return the server's reason if it refuses a line."""
        # Imported here: half a second that no other command has to pay for.
        from aiohttp import ClientError
        from influxdb_client.client.exceptions import InfluxDBError
        from influxdb_client.client.influxdb_client_async import InfluxDBClientAsync
        from influxdb_client.domain.write_precision import WritePrecision

        settings = self._settings
        if self._client is None:
            self._client = InfluxDBClientAsync(
                url=settings.url,
                token=self._token,
                org=settings.org,
                timeout=round(settings.timeout_s * 1000),
            )
        points = [point_from(row) for row in rows]
        try:
            await self._client.write_api().write(
                bucket=settings.bucket, record=points, write_precision=WritePrecision.MS
            )
        except InfluxDBError as error:
            return self._line_reason(error)
        except TimeoutError as error:
            raise SinkUnavailable(
                f"the database at {settings.url} did not answer in {settings.timeout_s:g} s"
            ) from error
        except (ClientError, OSError, ValueError) as error:
            raise SinkUnavailable(f"the database at {settings.url} cannot be reached: {error}") from error
        return None

    def _line_reason(self, error: Any) -> str:
        """Return why the server refuses a line.

        Raises
        ------
        SinkUnavailable
            It refuses for another reason.
        """
        status = getattr(error, "status", None)
        body = getattr(error, "body", None)
        text = _as_text(body) or str(getattr(error, "message", "") or error)
        settings = self._settings
        is_line = status == _TOO_LARGE or any(word in text.lower() for word in _LINE_WORDS)
        if status in _LINE_STATUSES and is_line:
            return f"{status}: {text[:_MAX_REASON]}"
        if status in (401, 403):
            hint = f"check the token in {settings.token_env}"
        elif status == 404:
            hint = f"check the address, the organisation {settings.org!r} and the bucket {settings.bucket!r}"
        else:
            hint = text[:_MAX_REASON]
        raise SinkUnavailable(f"the database at {settings.url} refuses points ({status}): {hint}") from error


def point_from(row: OutboxRow) -> Any:
    """Return the point of a step row, an ``influxdb_client.Point``; the library does the escaping."""
    from influxdb_client.client.write.point import Point
    from influxdb_client.domain.write_precision import WritePrecision

    payload = row.payload
    point = Point(_MEASUREMENT).time(int(payload["time_ms"]), WritePrecision.MS)
    for name in _TAGS:
        point = point.tag(name, str(payload[name]))
    for name, value in payload.items():
        if name not in _NOT_FIELDS and value is not None:
            point = point.field(name, value)
    for name, of, codes in _CODES:
        code = codes.get(str(payload.get(of)))
        if code is not None:
            point = point.field(name, code)
    return point


def _as_text(body: object) -> str:
    if isinstance(body, bytes):
        body = body.decode("utf-8", "replace")
    return " ".join(str(body).split()) if body else ""
