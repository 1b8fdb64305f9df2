"""Every query of the dashboard against a real InfluxDB with the points that the sink writes.

There is no Grafana here: queries are checked with their variables filled in, the picture is not.
"""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from gait_signal.types import STRIKES, Foot, Step
from sensor_bridge.sinks.influx import point_from
from sensor_bridge.store.outbox import OutboxRow, step_payload

SESSION = "20240501-063000-ab12"
BEGAN = datetime(2024, 5, 1, 6, 30, tzinfo=UTC)
STEPS_PER_FOOT = 60


@pytest.fixture(scope="module")
def dashboard() -> dict[str, Any]:
    path = Path(__file__).parents[2] / "config/grafana/dashboards/session.json"
    return json.loads(path.read_text(encoding="utf-8"))


def targets(dashboard: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            yield f"{panel['title']} {target['refId']}", target


def step(foot: Foot, number: int) -> Step:
    ic_s = 0.7 * number + (0.35 if foot == "right" else 0.0)
    return Step(
        foot=foot,
        step_id=number,
        activity="running" if number % 10 else "walking",
        ic_s=ic_s,
        to_s=ic_s + 0.24,
        contact_time_s=0.24,
        flight_time_s=0.11,
        swing_time_s=0.46,
        stride_time_s=0.7,
        cadence_spm=171.4,
        strike=STRIKES[number % 3],
        strike_confidence=0.95,
        decided_s=ic_s + 0.02,
        strike_final=STRIKES[number % 3],
        strike_angle_rad=0.1,
        knee_drive_rad=0.6,
        knee_drive_sd_rad=0.04,
        knee_drive_method="shoe-estimate",
        knee_drive_rel_standing_rad=None,
        stride_length_m=2.1,
        speed_mps=3.0,
        ankle_clearance_m=None,
        contact_to_knee_peak_s=None,
        gap_touched=False,
        clipped=False,
        calibration="standing",
        finalized_s=ic_s + 0.8,
    )


def lines() -> str:
    rows = [
        OutboxRow(i, "influx", SESSION, "step", step_payload(step(foot, number), SESSION, "runner o'one", BEGAN))
        for i, (foot, number) in enumerate((f, n) for f in ("left", "right") for n in range(1, STEPS_PER_FOOT + 1))
    ]
    return "\n".join(point_from(row).to_line_protocol() for row in rows)


class Database:
    def __init__(self, port: int) -> None:
        self._port = port

    def request(self, method: str, path: str, body: str | None = None, **query: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        try:
            connection.request(method, f"{path}?{urlencode(query)}", body)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def answers(self) -> bool:
        try:
            return self.request("GET", "/ping")[0] == 204
        except OSError:
            return False

    def query(self, text: str) -> list[dict[str, Any]]:
        status, body = self.request("POST", "/query", db="shoepod", q=text, epoch="ms")
        answer = json.loads(body)
        assert status == 200, answer
        result = answer["results"][0]
        assert "error" not in result, result
        return result.get("series", [])


def filled(query: str, dashboard: dict[str, Any]) -> str:
    """Return a query as Grafana sends it."""
    values = {"session": SESSION, "runner": "runner o\\'one"}
    names = {variable["name"] for variable in dashboard["templating"]["list"]}
    assert set(re.findall(r"\$\{(\w+)\}", query)) <= names
    text = re.sub(r"\$\{(\w+)\}", lambda match: values[match[1]], query)
    first_ms = int(BEGAN.timestamp() * 1000)
    return text.replace("$timeFilter", f"time >= {first_ms}ms and time <= {first_ms + 3_600_000}ms")


@pytest.fixture
def database(
    tmp_path: Path, free_port: int, require_program: Callable[[str], str], start_server: Callable[..., None]
) -> Database:
    conf = tmp_path / "influxdb.conf"
    conf.write_text(
        f"""reporting-disabled = true
bind-address = "127.0.0.1:0"
[meta]
  dir = "{tmp_path}/meta"
[data]
  dir = "{tmp_path}/data"
  wal-dir = "{tmp_path}/wal"
[http]
  bind-address = "127.0.0.1:{free_port}"
  log-enabled = false
[monitor]
  store-enabled = false
""",
        encoding="ascii",
    )
    database = Database(free_port)
    start_server([require_program("influxd"), "-config", str(conf)], database.answers)
    database.request("POST", "/query", q="CREATE DATABASE shoepod")
    status, said = database.request("POST", "/write", lines(), db="shoepod", precision="ms")
    assert status == 204, said
    return database


def test_every_query_finds_both_feet(dashboard: dict[str, Any], database: Database) -> None:
    checked = 0
    for name, target in targets(dashboard):
        series = database.query(filled(target["query"], dashboard))
        assert {one["tags"]["foot"] for one in series} == {"left", "right"}, name
        for one in series:
            assert one["values"], name
            assert all(None not in row for row in one["values"]), name
        checked += 1
    assert checked >= 15


def test_variables_offer_the_session(dashboard: dict[str, Any], database: Database) -> None:
    runner, session = dashboard["templating"]["list"]
    [found] = database.query(runner["query"])
    assert [value for _, value in found["values"]] == ["runner o'one"]
    [found] = database.query(filled(session["query"], dashboard))
    assert [value for _, value in found["values"]] == [SESSION]


def test_numbers_come_out_right(dashboard: dict[str, Any], database: Database) -> None:
    """54 running steps a foot, 18 of each type; times in milliseconds."""
    found = {name: database.query(filled(target["query"], dashboard)) for name, target in targets(dashboard)}
    assert [one["values"][0][1] for one in found["Running steps A"]] == [54, 54]
    for ref in "ABC":
        assert [one["values"][0][1] for one in found[f"Strike types {ref}"]] == [18, 18]
    assert found["Contact time A"][0]["values"][0][1] == pytest.approx(240.0)
    assert found["Knee drive (estimate) A"][0]["values"][0][1] == pytest.approx(34.377, abs=1e-3)


def test_panels_and_their_source(dashboard: dict[str, Any], config_dir: Path) -> None:
    import yaml

    source = yaml.safe_load((config_dir / "grafana/provisioning/datasources/shoepod.yaml").read_text())
    [datasource] = source["datasources"]
    want = {"type": datasource["type"], "uid": datasource["uid"]}
    assert all(target["datasource"] == want for _, target in targets(dashboard))
    assert all(panel["datasource"] == want for panel in dashboard["panels"])
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
    assert all(target["rawQuery"] for _, target in targets(dashboard))


def test_panels_do_not_overlap(dashboard: dict[str, Any]) -> None:
    cells: set[tuple[int, int]] = set()
    for panel in dashboard["panels"]:
        at = panel["gridPos"]
        area = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not area & cells, panel["title"]
        assert at["x"] + at["w"] <= 24
        cells |= area
