"""The session clock: nothing that happens to the wall clock moves a sample."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor_bridge.clock import Anchor, SessionClock, Suspend, SystemTimeSource, zone_info
from sensor_bridge.errors import SessionError


def test_session_time_starts_at_zero_and_counts_seconds(fake_time: Any) -> None:
    clock = SessionClock(fake_time)
    assert clock.now_s() == 0.0
    fake_time.run(12.25)
    reading = clock.reading_ns()
    assert clock.session_ns(reading) == 12_250_000_000
    assert clock.session_s(reading) == 12.25


@pytest.mark.parametrize("step_s", [3600.0, -3600.0, 86_400.0 * 365])
def test_a_step_of_the_wall_clock_moves_nothing(fake_time: Any, step_s: float) -> None:
    clock = SessionClock(fake_time)
    began = fake_time.utc
    fake_time.run(10)
    fake_time.step_wall_clock(step_s)
    fake_time.run(5)
    assert clock.now_s() == 15.0
    assert clock.utc_at(clock.now_s()) == began + timedelta(seconds=15)
    assert clock.check_suspend() is None


def test_a_change_of_the_zone_changes_no_date(fake_time: Any) -> None:
    clock = SessionClock(fake_time)
    fake_time.zone = "America/New_York"
    assert clock.local_at(0.0).utcoffset() == timedelta(hours=2)


def test_the_date_changes_at_local_midnight() -> None:
    anchor = Anchor(datetime(2024, 5, 1, 21, 59, 59, tzinfo=UTC), "Europe/Berlin")
    assert anchor.local_at(0.0).isoformat() == "2024-05-01T23:59:59+02:00"
    assert anchor.local_at(1.0).isoformat() == "2024-05-02T00:00:00+02:00"


@pytest.mark.parametrize(
    ("utc", "before", "after"),
    [
        (datetime(2024, 3, 31, 0, 59, 59, tzinfo=UTC), "01:59:59+01:00", "03:00:00+02:00"),
        (datetime(2024, 10, 27, 0, 59, 59, tzinfo=UTC), "02:59:59+02:00", "02:00:00+01:00"),
    ],
    ids=["to summer time", "to winter time"],
)
def test_daylight_saving_changes_the_hour_and_no_session_time(utc: datetime, before: str, after: str) -> None:
    anchor = Anchor(utc, "Europe/Berlin")
    assert anchor.local_at(0.0).isoformat().endswith(before)
    assert anchor.local_at(1.0).isoformat().endswith(after)
    assert anchor.utc_at(1.0) - anchor.utc_at(0.0) == timedelta(seconds=1)


def test_a_fixed_offset_is_a_zone_too() -> None:
    anchor = Anchor(datetime(2024, 5, 1, tzinfo=UTC), "-03:30")
    assert anchor.local_at(0.0).isoformat() == "2024-04-30T20:30:00-03:30"


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "../../etc/passwd", "+99:00", "a\0b"])
def test_an_unknown_zone_is_one_clear_sentence(name: str) -> None:
    with pytest.raises(SessionError, match=r"time zone .* is not known"):
        zone_info(name)


def test_session_time_counts_a_suspend_and_reports_it_once(fake_time: Any) -> None:
    clock = SessionClock(fake_time)
    fake_time.run(10)
    assert clock.check_suspend() is None
    fake_time.run(0.5)
    fake_time.sleep(600)
    fake_time.run(0.5)
    assert clock.check_suspend() == Suspend(from_s=10.0, to_s=611.0, asleep_s=600.0)
    assert clock.check_suspend() is None
    assert clock.utc_at(clock.now_s()) == fake_time.utc


def test_short_sleeps_add_up(fake_time: Any) -> None:
    clock = SessionClock(fake_time)
    found = []
    for _ in range(3):
        fake_time.sleep(0.6)
        fake_time.run(1)
        found.append(clock.check_suspend())
    assert found[0] is None
    assert found[1] is not None
    assert found[1].asleep_s == pytest.approx(1.2)
    assert found[2] is None


def test_a_busy_computer_is_not_a_suspended_one(fake_time: Any) -> None:
    clock = SessionClock(fake_time)
    fake_time.run(10)
    fake_time.read_delay_ns = 900_000_000
    assert clock.check_suspend() is None


def test_an_interrupted_session_goes_on_by_utc(fake_time: Any) -> None:
    first = SessionClock(fake_time)
    fake_time.run(100)
    # The computer restarts: its monotonic clocks begin anew, the wall clock goes on.
    fake_time.step_wall_clock(45.5)
    fake_time.monotonic = fake_time.boottime = 7_000_000_000
    second = SessionClock.resume(first.anchor, last_session_s=99.0, source=fake_time)
    assert second.now_s() == 145.5
    assert second.anchor == first.anchor
    assert second.utc_at(second.now_s()) == fake_time.utc


def test_a_resumed_session_never_goes_back(fake_time: Any) -> None:
    first = SessionClock(fake_time)
    fake_time.run(100)
    fake_time.step_wall_clock(-3600)
    second = SessionClock.resume(first.anchor, last_session_s=99.75, source=fake_time)
    assert second.now_s() == 99.75
    fake_time.run(1)
    assert second.now_s() == 100.75


@given(st.integers(0, 10**15), st.integers(0, 10**15))
def test_order_of_readings_is_order_of_session_times(a: int, b: int) -> None:
    clock = SessionClock(SystemTimeSource())
    assert (clock.session_ns(a) < clock.session_ns(b)) == (a < b)
    assert (clock.session_s(a) <= clock.session_s(b)) or a > b


def test_the_real_clocks_fit_the_contract() -> None:
    clock = SessionClock()
    first = clock.now_s()
    assert 0.0 <= first <= clock.now_s()
    assert clock.anchor.utc.utcoffset() == timedelta(0)
    assert clock.local_at(0.0) == clock.anchor.utc
    assert clock.check_suspend() is None


@pytest.mark.parametrize(
    ("setting", "expected"),
    [("Asia/Kathmandu", "Asia/Kathmandu"), (":Europe/Lisbon", "Europe/Lisbon"), ("EST5EDT4,M3.2.0,M11.1.0", None)],
)
def test_the_zone_of_the_environment_counts(setting: str, expected: str | None) -> None:
    program = "from sensor_bridge.clock import SystemTimeSource; print(SystemTimeSource().zone_name())"
    done = subprocess.run(
        [sys.executable, "-c", program], env={"TZ": setting, "PATH": ""}, capture_output=True, text=True, check=True
    )
    name = done.stdout.strip()
    assert zone_info(name) is not None
    assert expected is None or name == expected
