from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from gait_signal.types import Step
from sensor_bridge.home import Home
from sensor_bridge.store import Outbox, Refused, SessionHeader, SessionWriter, step_payload, utc_ms

STARTED = datetime(2026, 3, 1, 7, 0, 0, 123456, tzinfo=UTC)


def fill(home: Home, header: SessionHeader, steps: list[Step]) -> Outbox:
    writer = SessionWriter(home, header, lambda notice: None, commit_interval_s=0.01)
    writer.start()
    for step in steps:
        writer.put(step)
    writer.close(1.0)
    return Outbox(home.database)


def test_rows_come_in_order_and_leave_once_acknowledged(
    home: Home, header: SessionHeader, make_step: Callable[..., Step]
) -> None:
    outbox = fill(home, header, [make_step(i) for i in range(1, 11)])
    first = outbox.peek("mqtt", 4)
    assert [row.payload["step_id"] for row in first] == [1, 2, 3, 4]
    assert outbox.peek("mqtt", 4) == first, "looking changes nothing"
    assert outbox.acknowledge(first) == 4
    assert outbox.acknowledge(first) == 0, "a second time counts nothing"
    assert [row.payload["step_id"] for row in outbox.peek("mqtt", 100)] == [5, 6, 7, 8, 9, 10]
    assert outbox.pending_by_sink() == {"influx": 10, "mqtt": 6}
    outbox.close()


def test_refused_rows_are_parked_with_their_reason_and_can_be_retried(
    home: Home, header: SessionHeader, make_step: Callable[..., Step]
) -> None:
    outbox = fill(home, header, [make_step(1), make_step(2)])
    rows = outbox.peek("influx", 10)
    assert outbox.acknowledge(rows, [Refused(rows[1], "400: a field type conflict")]) == 1
    assert (outbox.pending("influx"), outbox.parked("influx")) == (0, 1)
    assert outbox.retry_parked("influx") == 1
    [again] = outbox.peek("influx", 10)
    assert again.payload == rows[1].payload
    assert outbox.parked("influx") == 0
    outbox.close()


def test_the_payload_has_units_degrees_and_no_nan(make_step: Callable[..., Step]) -> None:
    step = make_step(7, strike_angle_rad=0.2, speed_mps=float("nan"), ic_s=10.0004)
    payload = step_payload(step, "s", 'r"<>', STARTED)
    assert json.loads(json.dumps(payload, allow_nan=False)) == payload
    assert round(payload["strike_angle_deg"], 6) == 11.459156
    assert payload["speed_mps"] is None
    assert payload["time_ms"] == 1772348410124
    assert not any(name.endswith("_rad") for name in payload)
    # Every field of a step is told, under its own name or in degrees.
    told = {name.removesuffix("_deg").removesuffix("_dps") for name in payload}
    assert {name.removesuffix("_rad").removesuffix("_radps") for name in Step.__dataclass_fields__} <= told


@given(st.floats(0, 1e6), st.integers(0, 4_000_000_000_000_000))
def test_times_are_within_half_a_millisecond_and_keep_their_order(session_s: float, started_us: int) -> None:
    started = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=started_us)
    assert abs(utc_ms(started, session_s) - (started_us / 1e3 + session_s * 1e3)) <= 0.502
    assert utc_ms(started, session_s + 0.002) > utc_ms(started, session_s)
