"""A bridge's store in a process of its own, to be killed or starved of disk.

    writer_child.py kill       stores steps for ever; prints the number of each that is stored
    writer_child.py archive N  long packets until N bytes a file may not be exceeded; then prints what was said
    writer_child.py database N the same with many results and short packets
    writer_child.py start N    the same, the limit being there from the start

Every packet holds the number of the step that comes of it.
"""

from __future__ import annotations

import itertools
import resource
import sys
from datetime import UTC, datetime
from typing import Any

from gait_signal.types import Step
from sensor_bridge.events import Notice
from sensor_bridge.home import Home
from sensor_bridge.settings import settings_from
from sensor_bridge.store import PodMeta, RecordKind, SessionHeader, SessionWriter


def step_of(number: int) -> Step:
    at_s = 0.35 * number
    values: dict[str, Any] = dict.fromkeys(Step.__dataclass_fields__)
    values.update(foot="left", step_id=number, activity="running", ic_s=at_s, decided_s=at_s + 0.02)
    values.update(strike="rearfoot", strike_confidence=0.9, knee_drive_method="", calibration="standing")
    values.update(gap_touched=False, clipped=False, finalized_s=at_s + 0.7)
    return Step(**values)


def limit_files(size: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))  # Python ignores the signal: EFBIG comes


def main() -> None:
    mode = sys.argv[1]
    settings = settings_from({"mqtt": {"enabled": True}, "store": {"min_free_mb": 0}}, "test")
    started_utc = datetime(2026, 3, 1, 7, tzinfo=UTC)
    header = SessionHeader("child", started_utc, "UTC", "0.1", settings, (PodMeta("L-1", "left"),))
    notices: list[Notice] = []
    if mode == "start":
        limit_files(int(sys.argv[2]))
    with Home.locate().lock():
        writer = SessionWriter(Home.locate(), header, notices.append, commit_interval_s=0.01)
        writer.start()
        if mode == "kill":
            for number in itertools.count(1):
                writer.put_raw(RecordKind.PACKET, 0, number * 350_000_000, number.to_bytes(4, "little") * 20)
                writer.put(step_of(number))
                if number % 7 == 0:
                    writer.flush()
                    print(number, flush=True)
        limit_files(int(sys.argv[2]))
        for number in range(1, 3001):
            size = 2000 if mode == "archive" else 1
            writer.put_raw(RecordKind.PACKET, 0, number * 350_000_000, number.to_bytes(4, "little") * size)
            writer.put(step_of(number))
            if number % 20 == 0:
                writer.flush()
        writer.close(3000 * 0.35)
    for notice in notices:
        print(notice.text)


if __name__ == "__main__":
    main()
