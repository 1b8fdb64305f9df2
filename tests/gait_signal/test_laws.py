"""The laws of a streaming processor: cuts, copies, resets, prefixes and interleaving change nothing."""

from __future__ import annotations

import copy
import random
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gait_signal import Calibrated, Contact, Foot, GaitCore, GaitEvent, ImuBlock, Step, StreamGap


def whole(data, foot: Foot = "left") -> list[GaitEvent]:
    core = GaitCore([foot])
    return [*core.process(foot, data.block()), *core.flush()]


@pytest.fixture(scope="module")
def mixed(foot_of, gaits):
    """Standing, walking, running and a short and a long gap, at a rate that needs the grid."""
    data = foot_of(gaits["walk"], gaits["run"], end_stand_s=2.0, rate_hz=208.0)
    return data.without(9.0, 9.04).without(21.0, 22.0)


@pytest.fixture(scope="module")
def slow_pod(foot_of, gaits):
    return foot_of(gaits["run"], end_stand_s=1.0, rate_hz=104.0)


@given(st.lists(st.integers(0, 6000), max_size=12))
@settings(max_examples=12, deadline=None)
def test_cuts_change_nothing(mixed, borders):
    expected = whole(mixed)
    core = GaitCore(["left"])
    events: list[GaitEvent] = []
    for block in mixed.cut([min(b, len(mixed.time_s)) for b in borders]):
        events += core.process("left", block)
    assert events + core.flush() == expected


def test_one_sample_blocks_change_nothing(slow_pod):
    core = GaitCore(["left"])
    events: list[GaitEvent] = []
    for block in slow_pod.cut(list(range(len(slow_pod.time_s)))):
        events += core.process("left", block)
    events += core.flush()
    assert events == whole(slow_pod)
    assert sum(isinstance(e, Step) for e in events) >= 10


@given(st.integers(1, 4500))
@settings(max_examples=10, deadline=None)
def test_a_copy_goes_on_identically(mixed, border):
    core = GaitCore(["left"])
    before = core.process("left", mixed.block(0, border))
    copied = copy.deepcopy(core)
    rest = mixed.block(border)
    expected = core.process("left", rest) + core.flush()
    assert copied.process("left", rest) + copied.flush() == expected
    assert before + expected == whole(mixed)


def test_reset_equals_new(mixed):
    core = GaitCore(["left"])
    core.process("left", mixed.block(0, 2500))
    core.reset()
    assert core.process("left", mixed.block()) + core.flush() == whole(mixed)


@given(st.data())
@settings(max_examples=12, deadline=None)
def test_a_prefix_up_to_the_decision_gives_the_same_decision(mixed, data):
    contacts = [e for e in whole(mixed) if isinstance(e, Contact)]
    contact = data.draw(st.sampled_from(contacts))
    stop = int(np.searchsorted(mixed.time_s, contact.decided_s, side="right"))
    core = GaitCore(["left"])
    assert contact in core.process("left", mixed.block(0, stop))


@given(st.data())
@settings(max_examples=8, deadline=None)
def test_a_prefix_up_to_finalisation_gives_the_same_row(mixed, data):
    rows = [e for e in whole(mixed) if isinstance(e, Step)]
    row = data.draw(st.sampled_from(rows[:-1]))
    stop = int(np.searchsorted(mixed.time_s, row.finalized_s, side="right"))
    core = GaitCore(["left"])
    known = core.process("left", mixed.block(0, stop))
    if row not in known:
        # A row closed by a gap is known when the first sample after the gap is seen.
        assert any(isinstance(e, StreamGap) and e.from_s <= row.finalized_s for e in whole(mixed))
        known += core.process("left", mixed.block(stop, stop + 1))
    assert row in known


def run_pair(pair, order: Sequence[tuple[Foot, ImuBlock]]) -> list[GaitEvent]:
    core = GaitCore()
    events: list[GaitEvent] = []
    for foot, block in order:
        events += core.process(foot, block)
    return events + core.flush()


def by_foot(events: list[GaitEvent]) -> dict[str, list[GaitEvent]]:
    return {foot: [e for e in events if e.foot == foot] for foot in ("left", "right")}


@given(st.integers(0, 2**32), st.floats(0.05, 1.9))
@settings(max_examples=10, deadline=None)
def test_rows_do_not_depend_on_how_the_feet_alternate(pair, seed, skew_s):
    packets = [
        (data.time_s[k], foot, data.block(k, k + 20))
        for foot, data in pair.items()
        for k in range(0, len(data.time_s), 20)
    ]
    in_order = sorted(packets, key=lambda p: p[:2])
    rng = random.Random(seed)
    shift = {foot: rng.uniform(0.0, skew_s) for foot in pair}
    shuffled = sorted(packets, key=lambda p: (p[0] + shift[p[1]], p[1]))
    steady = by_foot(run_pair(pair, [p[1:] for p in in_order]))
    skewed = by_foot(run_pair(pair, [p[1:] for p in shuffled]))
    for foot in steady:
        key = lambda e: (type(e).__name__, getattr(e, "step_id", 0), getattr(e, "decided_s", 0.0))  # noqa: E731
        assert sorted(skewed[foot], key=key) == sorted(steady[foot], key=key)
    assert sum(e.flight_time_s is not None for e in steady["left"] if isinstance(e, Step)) >= 9


def test_restart_keeps_calibration_and_step_count(foot_of, gaits):
    data = foot_of(gaits["run"])
    core = GaitCore(["left"])
    first = core.process("left", data.block())
    first += core.restart("left")
    # The clock starts anew, mid-run: no stand is needed again.
    moving = data.time_s > 3.5
    again = ImuBlock(
        data.time_s[moving] - 3.5, data.acc[moving], data.gyr[moving], data.clipped[moving], data.clipped[moving]
    )
    second = core.process("left", again) + core.flush()
    assert not [e for e in second if isinstance(e, Calibrated)]
    ids = [e.step_id for e in first + second if isinstance(e, Step)]
    assert len(ids) == len(set(ids)) >= 20
    assert ids == sorted(ids)


def test_advance_lets_one_foot_go_on_alone(pair):
    core = GaitCore()
    left = pair["left"]
    stop = int(np.searchsorted(left.time_s, 6.0))
    held = [e for e in core.process("left", left.block(0, stop)) if isinstance(e, Step)]
    freed = [e for e in core.advance("right", 6.0) if isinstance(e, Step)]
    assert freed
    assert all(e.finalized_s > 4.0 for e in freed)
    assert all(e.flight_time_s is None for e in held + freed)


def test_misuse_is_a_value_error(slow_pod):
    core = GaitCore(["left"])
    with pytest.raises(ValueError, match="no 'right' foot"):
        core.process("right", slow_pod.block())
    core.process("left", slow_pod.block(0, 100))
    with pytest.raises(ValueError, match="increase"):
        core.process("left", slow_pod.block(50, 150))
    bad = slow_pod.block(100, 200)
    acc = bad.acc_sensor_mps2.copy()
    acc[3, 1] = np.nan
    with pytest.raises(ValueError, match="finite"):
        core.process("left", ImuBlock(bad.time_s, acc, bad.gyr_sensor_radps, bad.acc_clipped, bad.gyr_clipped))
    with pytest.raises(ValueError, match="lengths"):
        core.process("left", ImuBlock(bad.time_s, acc[:5], bad.gyr_sensor_radps, bad.acc_clipped, bad.gyr_clipped))
    with pytest.raises(ValueError, match="feet must be"):
        GaitCore(["left", "left"])
    # Refused blocks leave no trace.
    assert core.process("left", slow_pod.block(100)) + core.flush() != []
