"""What the core says about feet whose contacts are known by construction."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from gait_signal import ActivityChange, Calibrated, Contact, GaitCore, ImuBlock, Step, StreamGap


def analyse(data, foot="left", **kwargs):
    core = GaitCore([foot], **kwargs)
    return [*core.process(foot, data.block()), *core.flush()]


def steps_of(events):
    return sorted((e for e in events if isinstance(e, Step)), key=lambda s: s.ic_s)


def contact_errors_ms(data, steps):
    return [1000.0 * (s.ic_s - data.ic_s[np.argmin(np.abs(data.ic_s - s.ic_s))]) for s in steps]


@pytest.mark.parametrize(
    ("strike_deg", "expected"), [(18.0, "rearfoot"), (14.0, "rearfoot"), (3.0, "midfoot"), (-8.0, "forefoot")]
)
@pytest.mark.parametrize("rate_hz", [104.0, 200.0, 400.0])
def test_running_steps_and_their_strike(foot_of, gaits, strike_deg, expected, rate_hz):
    data = foot_of(replace(gaits["run"], strike_deg=strike_deg), end_stand_s=2.0, rate_hz=rate_hz)
    steps = steps_of(analyse(data))
    assert len(steps) == len(data.ic_s)
    assert {s.activity for s in steps} == {"running"}
    assert np.abs(contact_errors_ms(data, steps)).max() < 15.0
    settled = steps[2:-1]
    assert {s.strike for s in settled} == {expected}
    assert {s.strike_final for s in settled} == {expected}
    for s in settled:
        assert math.degrees(s.strike_angle_rad) == pytest.approx(strike_deg, abs=2.5)
        assert s.calibration == "standing"
        assert not s.gap_touched
        assert not s.clipped
        assert s.flight_time_s is None  # one foot knows no flight
        if s.stride_time_s is not None:
            assert s.stride_time_s == pytest.approx(0.74, abs=0.01)
            assert s.cadence_spm == pytest.approx(120.0 / 0.74, rel=0.02)
            assert s.swing_time_s == pytest.approx(s.stride_time_s - s.contact_time_s)


def test_stride_length_and_speed(foot_of, gaits):
    data = foot_of(gaits["run"], end_stand_s=2.0)
    measured = [s for s in steps_of(analyse(data)) if s.stride_length_m is not None]
    assert len(measured) >= 9
    for s in measured:
        assert s.stride_length_m == pytest.approx(2.8 * 0.74, rel=0.03)
        assert s.speed_mps == pytest.approx(2.8, rel=0.03)


def test_walking_strides_are_walking(foot_of, gaits):
    data = foot_of(gaits["walk"], end_stand_s=2.0)
    events = analyse(data)
    steps = steps_of(events)
    assert len(steps) == len(data.ic_s)
    assert {s.activity for s in steps} == {"walking"}
    assert all(s.strike is None and s.strike_final is None and s.strike_confidence is None for s in steps)
    assert all(c.strike is None for c in events if isinstance(c, Contact))


def test_running_in_place_goes_nowhere(foot_of, gaits):
    data = foot_of(gaits["in_place"], end_stand_s=2.0)
    steps = steps_of(analyse(data))
    assert len(steps) == len(data.ic_s)
    assert {s.activity for s in steps} == {"in_place"}
    assert max(s.stride_length_m for s in steps if s.stride_length_m is not None) < 0.15


def test_walk_run_walk_is_told_apart_within_three_strides(foot_of, gaits):
    data = foot_of(gaits["walk"], gaits["run"], gaits["walk"], end_stand_s=2.0)
    steps = steps_of(analyse(data))
    assert len(steps) == len(data.ic_s)
    kinds = [s.activity for s in steps]
    assert kinds[:9] == ["walking"] * 9
    assert kinds[14:22] == ["running"] * 8
    assert kinds[-8:] == ["walking"] * 8
    assert kinds.count("in_place") == 0


def test_standing_gives_no_step(foot_of, gaits):
    still = foot_of(replace(gaits["run"], strides=1), stand_s=20.0)
    stop = int(np.searchsorted(still.time_s, 19.5))
    core = GaitCore(["left"])
    events = core.process("left", still.block(0, stop)) + core.flush()
    assert not [e for e in events if isinstance(e, Step | Contact)]
    assert [e.activity for e in events if isinstance(e, ActivityChange)] == ["standing", "unknown"]


def test_a_pod_shaken_in_a_bag_is_neither_a_stand_nor_a_step():
    rng = np.random.default_rng(3)
    n = 4000
    time_s = np.arange(n) / 200.0
    slow = lambda size: np.cumsum(rng.normal(0.0, size, (n, 3)), axis=0)  # noqa: E731
    gyr = rng.normal(0.0, 0.6, (n, 3)) + 0.3 * np.sin(slow(0.05))
    acc = np.array([0.0, 0.0, 9.8]) + rng.normal(0.0, 1.5, (n, 3))
    no = np.zeros(n, dtype=bool)
    core = GaitCore(["left"])
    events = core.process("left", ImuBlock(time_s, acc, gyr, no, no)) + core.flush()
    assert not [e for e in events if isinstance(e, Calibrated | Contact | Step)]


def test_contacts_come_only_when_certain_and_in_time(foot_of, gaits):
    data = foot_of(gaits["run"], end_stand_s=2.0)
    events = analyse(data)
    contacts = [e for e in events if isinstance(e, Contact)]
    rows = {s.step_id: s for s in steps_of(events)}
    assert contacts[0].ic_s == pytest.approx(data.ic_s[1], abs=0.02)  # the second landing
    for c in contacts:
        assert 0.0 < c.decided_s - c.ic_s < 0.035
        row = rows[c.step_id]
        assert (row.strike, row.strike_confidence, row.decided_s) == (c.strike, c.strike_confidence, c.decided_s)
        assert row.finalized_s > row.decided_s
    early = [s for s in rows.values() if s.step_id < contacts[0].step_id]
    assert early
    assert all(s.decided_s >= contacts[0].decided_s for s in early)


def test_a_short_gap_is_bridged_and_marked(foot_of, gaits):
    data = foot_of(gaits["run"], end_stand_s=2.0)
    hole_s = data.ic_s[5] + 0.45  # in the swing
    steps = steps_of(analyse(data.without(hole_s, hole_s + 0.05)))
    assert len(steps) == len(data.ic_s)
    assert [i for i, s in enumerate(steps) if s.gap_touched] == [5]
    assert np.abs(contact_errors_ms(data, steps)).max() < 15.0
    assert math.degrees(steps[7].strike_angle_rad) == pytest.approx(15.0, abs=3.0)


def test_a_long_gap_restarts_cleanly(foot_of, gaits):
    data = foot_of(replace(gaits["run"], strides=20), end_stand_s=2.0)
    events = analyse(data.without(8.0, 9.5))
    gaps = [e for e in events if isinstance(e, StreamGap)]
    assert [(round(g.from_s, 2), round(g.to_s, 2)) for g in gaps] == [(8.0, 9.5)]
    assert len([e for e in events if isinstance(e, Calibrated)]) <= 2  # that of the stand, told and refined
    steps = steps_of(events)
    assert not [s for s in steps if 8.0 < s.ic_s < 9.5]
    assert all(s.stride_time_s is None or s.stride_time_s < 0.8 for s in steps)
    after = [s for s in steps if s.ic_s > 11.0]
    assert len(after) >= 7
    assert {s.strike for s in after} == {"rearfoot"}
    assert np.abs(contact_errors_ms(data, steps)).max() < 15.0


def test_clipping_is_marked_on_its_step_only(foot_of, gaits):
    data = foot_of(gaits["run"], end_stand_s=2.0)
    clipped = np.abs(data.time_s - (data.ic_s[4] + 0.03)) < 0.006
    steps = steps_of(analyse(replace(data, clipped=clipped)))
    assert [i for i, s in enumerate(steps) if s.clipped] == [4]


def test_without_a_stand_the_first_strides_must_do(foot_of, gaits):
    data = foot_of(replace(gaits["run"], strides=20))
    moving = data.time_s > 3.2
    events = analyse(
        replace(
            data, time_s=data.time_s[moving], acc=data.acc[moving], gyr=data.gyr[moving], clipped=data.clipped[moving]
        )
    )
    told = [e for e in events if isinstance(e, Calibrated)]
    assert [e.calibration.source for e in told] == ["running"]
    steps = steps_of(events)
    assert len(steps) >= 18
    assert {s.calibration for s in steps} == {"running"}
    assert {s.strike for s in steps[3:]} == {"rearfoot"}


def test_a_given_calibration_is_used_from_the_first_sample(foot_of, gaits):
    data = foot_of(gaits["run"], end_stand_s=2.0)
    found = [e.calibration for e in analyse(data) if isinstance(e, Calibrated)][-1]
    profile = replace(found, source="profile")
    moving = data.time_s > 3.2
    moving_data = replace(
        data, time_s=data.time_s[moving], acc=data.acc[moving], gyr=data.gyr[moving], clipped=data.clipped[moving]
    )
    events = analyse(moving_data, calibrations={"left": profile})
    assert not [e for e in events if isinstance(e, Calibrated)]
    steps = steps_of(events)
    assert {s.calibration for s in steps} == {"profile"}
    assert {s.strike for s in steps[3:]} == {"rearfoot"}


def test_a_stand_is_measured_in_the_sensor_frame(foot_of, gaits):
    data = foot_of(gaits["run"], stand_s=5.0)
    told = [e for e in analyse(data) if isinstance(e, Calibrated)]
    assert told[0].decided_s < 2.0
    calibration = told[-1].calibration
    assert calibration.source == "standing"
    assert calibration.duration_s > 4.0
    still = data.time_s < 4.5
    assert calibration.acc_stand_sensor_mps2 == pytest.approx(data.acc[still].mean(axis=0), abs=0.01)
    assert calibration.gyr_bias_sensor_radps == pytest.approx((0.01, -0.008, 0.005), abs=0.001)


def test_a_pod_lying_on_a_table_is_forgotten_for_the_later_stand(foot_of, gaits):
    data = foot_of(gaits["run"], stand_s=5.0, end_stand_s=1.0)
    table = data.time_s < 2.0
    acc = data.acc.copy()
    acc[table] = acc[table] @ np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]])
    steps = steps_of(analyse(replace(data, acc=acc)))
    assert len(steps) == len(data.ic_s)
    assert {s.strike for s in steps[2:]} == {"rearfoot"}


def test_flight_time_joins_both_feet(pair):
    core = GaitCore()
    events = []
    for k in range(0, len(pair["right"].time_s), 50):
        for foot in ("left", "right"):
            events += core.process(foot, pair[foot].block(k, k + 50))
    events += core.flush()
    rows = steps_of(events)
    flights = [s.flight_time_s for s in rows if s.flight_time_s is not None]
    assert len(flights) >= 18
    # Half a stride less the contact, by the core's own toe-off.
    for s in rows[2:-2]:
        if s.flight_time_s is not None:
            assert s.flight_time_s == pytest.approx(0.37 - s.contact_time_s, abs=0.015)
