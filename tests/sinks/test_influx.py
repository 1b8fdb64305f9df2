"""The time-series sink: its lines, its reading of refusals, and a real server."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from sensor_bridge.errors import SinkUnavailable
from sensor_bridge.home import Home
from sensor_bridge.settings import Settings
from sensor_bridge.sinks import Drainer, InfluxSink
from sensor_bridge.sinks.influx import point_from
from sensor_bridge.store import OutboxRow, load_session


def test_the_line_is_escaped_and_leaves_out_what_is_not_known(make_row: Callable[..., OutboxRow]) -> None:
    row = make_row(1, strike_angle_rad=None, cadence_spm=170.0, speed_mps=float("nan"))
    assert point_from(row).to_line_protocol() == (
        r"step,foot=left,runner=a/b+c\ #1\,\ x\=y\ é,session=20260301-070000-test "
        'activity="running",activity_code=1i,cadence_spm=170,calibration="standing",clipped=true,'
        "contact_time_s=0.25,decided_s=0.37,finalized_s=1.0499999999999998,gap_touched=false,ic_s=0.35,"
        'step_id=1i,strike="rearfoot",strike_code=1i,strike_confidence=0.9,strike_final="midfoot",'
        "strike_final_code=2i 1772348400350"
    )


@pytest.mark.parametrize("runner", ["", 'a"b', "back\\", "tab\tnew\nline", "#comment", "é\u0301🏃"])
def test_no_name_breaks_out_of_its_line(make_row: Callable[..., OutboxRow], runner: str) -> None:
    row = make_row(1)
    row = replace(row, payload={**row.payload, "runner": runner})
    line = point_from(row).to_line_protocol()
    assert "\n" not in line
    assert line.endswith(" 1772348400350")
    assert line.startswith("step,foot=left,")


class FakeServer:
    """Answers writes as a test decides; remembers the lines that it took."""

    def __init__(self, answer: Callable[[list[str]], tuple[int, str]]) -> None:
        self.answer = answer
        self.lines: list[str] = []
        self.paths: list[str] = []
        self.tokens: list[str] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                first, *rest = head.decode().split("\r\n")
                fields = {k.lower(): v for k, _, v in (line.partition(": ") for line in rest)}
                self.paths.append(first.split()[1])
                self.tokens.append(fields.get("authorization", ""))
                lines = (await reader.readexactly(int(fields["content-length"]))).decode().split("\n")
                status, body = self.answer(lines)
                if status == 204:
                    self.lines += lines
                if status == 0:  # say nothing for longer than anybody waits
                    await asyncio.sleep(3600)
                reply = f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n\r\n{body}"
                writer.write(reply.encode())
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()


@asynccontextmanager
async def serving(
    settings: Settings, answer: Callable[[list[str]], tuple[int, str]], **other: Any
) -> AsyncIterator[tuple[FakeServer, InfluxSink]]:
    fake = FakeServer(answer)
    tasks: set[asyncio.Task[None]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        await fake.serve(reader, writer)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    sink = InfluxSink(replace(settings.influx, url=url, **other), token="secret")
    try:
        yield fake, sink
    finally:
        await sink.close()
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def step_ids(lines: list[str]) -> list[int]:
    return [int(line.partition("step_id=")[2].partition("i")[0]) for line in lines]


async def test_a_batch_is_one_request_in_milliseconds_with_the_token(
    settings: Settings, make_row: Callable[..., OutboxRow]
) -> None:
    async with serving(settings, lambda lines: (204, "")) as (fake, sink):
        assert await sink.send([make_row(i) for i in range(1, 51)]) == []
    assert step_ids(fake.lines) == list(range(1, 51))
    assert fake.paths == ["/api/v2/write?org=shoepod&bucket=shoepod&precision=ms"]
    assert fake.tokens == ["Token secret"]


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, '{"code":"invalid","message":"unable to parse \'step\': bad timestamp"}'),
        (422, '{"code":"unprocessable entity","message":"partial write: field type conflict: dropped=1"}'),
        (400, '{"error":"partial write of line protocol occurred"}'),
        (413, "Request Entity Too Large"),
    ],
)
async def test_only_the_lines_that_the_server_will_not_have_are_refused(
    settings: Settings, make_row: Callable[..., OutboxRow], status: int, body: str
) -> None:
    bad = {7, 8, 31}

    def answer(lines: list[str]) -> tuple[int, str]:
        return (status, body) if bad & set(step_ids(lines)) else (204, "")

    async with serving(settings, answer) as (fake, sink):
        refused = await sink.send([make_row(i) for i in range(1, 41)])
    assert {item.row.id for item in refused} == bad
    assert all(str(status) in item.reason for item in refused)
    assert sorted(step_ids(fake.lines)) == [i for i in range(1, 41) if i not in bad]


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (401, '{"code":"unauthorized","message":"unauthorized access"}', "check the token in SHOEPOD_INFLUX_TOKEN"),
        (403, "", "check the token"),
        (404, '{"code":"not found","message":"bucket \\"shoepod\\" not found"}', "the bucket 'shoepod'"),
        (400, "<html>The plain HTTP request was sent to HTTPS port</html>", "plain HTTP request"),
        (429, "slow down", "slow down"),
        (500, "<html>\n<body>oops</body>\n</html>", "oops"),
        (503, "", "503"),
    ],
)
async def test_any_other_refusal_lets_the_rows_wait(
    settings: Settings, make_row: Callable[..., OutboxRow], status: int, body: str, words: str
) -> None:
    async with serving(settings, lambda lines: (status, body)) as (_, sink):
        with pytest.raises(SinkUnavailable, match=words) as caught:
            await sink.send([make_row(1)])
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)


async def test_a_server_that_does_not_answer_is_given_up(
    settings: Settings, make_row: Callable[..., OutboxRow]
) -> None:
    async with serving(settings, lambda lines: (0, ""), timeout_s=0.2) as (_, sink):
        with pytest.raises(SinkUnavailable, match=r"did not answer in 0\.2 s"):
            await sink.send([make_row(1)])


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "no url", "", "http://", "ftp://127.0.0.1"])
async def test_an_address_where_nobody_is_is_one_sentence(
    settings: Settings, make_row: Callable[..., OutboxRow], url: str
) -> None:
    sink = InfluxSink(replace(settings.influx, url=url), token="")
    with pytest.raises(SinkUnavailable) as caught:
        await sink.send([make_row(1)])
    assert "\n" not in str(caught.value)
    await sink.close()


def points_in(url: str) -> list[tuple[str, int, int]]:
    """Return foot, step id and time of every point, duplicates and all, from a VictoriaMetrics."""
    urllib.request.urlopen(f"{url}/internal/force_flush", timeout=10).read()
    found = []
    with urllib.request.urlopen(f"{url}/api/v1/export?match[]=step_step_id", timeout=10) as reply:
        for line in reply:
            series = json.loads(line)
            assert set(series["metric"]) - {"db"} == {"__name__", "foot", "runner", "session"}
            pairs = zip(series["values"], series["timestamps"], strict=True)
            found += [(series["metric"]["foot"], int(value), time_ms) for value, time_ms in pairs]
    return sorted(found)


async def test_every_step_is_counted_once_though_the_database_is_stopped_midway(
    victoria: Any, settings: Settings, home: Home, store_steps: Callable[[range], None]
) -> None:
    await victoria.start()
    drainer = Drainer(home.database, InfluxSink(settings.influx, token="x"))
    await asyncio.to_thread(store_steps, range(1, 701))
    assert (await drainer.drain()).pending == 0
    await victoria.stop()
    await asyncio.to_thread(store_steps, range(701, 801))
    state = await drainer.drain()
    assert state.pending == 100
    assert "cannot be reached" in state.error
    await victoria.start()
    await asyncio.to_thread(store_steps, range(801, 901))
    assert (await drainer.drain()).pending == 0
    await drainer.close()
    record = load_session(home, "last")
    expected = sorted((s.foot, s.step_id, 1772348400000 + round(s.ic_s * 1000)) for s in record.steps)
    assert await asyncio.to_thread(points_in, settings.influx.url) == expected
    assert record.delivered["influx"] == 900


async def test_a_second_delivery_changes_nothing(
    victoria: Any, settings: Settings, make_row: Callable[..., OutboxRow]
) -> None:
    await victoria.start()
    sink = InfluxSink(settings.influx, token="x")
    rows = [make_row(i) for i in range(1, 21)]
    for _ in range(3):
        assert await sink.send(rows) == []
    await sink.close()
    points = await asyncio.to_thread(points_in, settings.influx.url)
    assert sorted(step_id for _, step_id, _ in points) == list(range(1, 21))
