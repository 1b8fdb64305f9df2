"""The program as processes, killed and cut off: the short form of ``make soak``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from tests.soak import cue, kills, outage


@pytest.fixture(scope="module")
def side_by_side() -> Iterator[ThreadPoolExecutor]:
    """Both scenarios mostly wait; together they take as long as one."""
    with ThreadPoolExecutor(2) as pool:
        yield pool


@pytest.fixture(scope="module")
def killed(side_by_side: ThreadPoolExecutor) -> Future[dict[str, Any]]:
    return side_by_side.submit(kills.run, 2, 1, 11.0, 14.0)


def test_servers_that_go_away_lose_nothing(
    killed: Future[dict[str, Any]], require_program: Callable[[str], str]
) -> None:
    require_program("mosquitto")
    require_program("victoria-metrics")
    result = outage.run(45.0, 14.0)
    assert result["exit_code"] == 0
    assert not result["traceback"]
    assert result["store"] > 60
    assert result["client_equals_store"], result
    assert result["database_equals_store"], result
    assert result["statuses"][-1] == "ended"


def test_a_killed_bridge_leaves_a_session_that_opens(killed: Future[dict[str, Any]]) -> None:
    result = killed.result()
    assert result["opened"] == result["kills"] == 2
    assert result["results_older_than_1_s_missing"] == 0
    assert result["raw_reanalyses_to_the_same"] == 2
    assert result["equal_after_the_next_start"] == 2
    assert result["steps"] > 20
    assert result["last_archived_step_before_kill_s_max"] < 4.0


def test_the_cue_sounds_at_heel_strikes_before_toe_off_and_at_nothing_else(
    require_program: Callable[[str], str],
) -> None:
    require_program("pulseaudio")
    require_program("parec")
    result = cue.run(42.0)
    assert result["exit_code"] == 0
    assert result["true_rearfoot_contacts"] >= 20
    assert result["share_once_running"] >= 0.93, result
    assert result["for_mid_or_forefoot"] == 0
    assert result["while_walking"] == 0
