"""``kill -9`` of the bridge at random moments: what is in the store afterwards, and what the next start makes of it."""

from __future__ import annotations

import json
import random
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from gait_signal.types import Step
from sensor_bridge.inputs import replay
from sensor_bridge.store.recovery import close_interrupted

from .rig import home_at, replayed, session_s, shoepod, stored, utc_now, virtual_pods

GRACE_S = 1.0


def run(kills: int = 20, seed: int = 1, shortest_s: float = 11.0, longest_s: float = 24.0) -> dict[str, Any]:
    """Kill that many bridges, each in a home of its own, with the same pods; return the figures."""
    rng = random.Random(seed)
    results = []
    with tempfile.TemporaryDirectory(prefix="shoepod-kills-") as name:
        folder = Path(name)
        length_s = kills * (longest_s + 8.0) + 60.0
        with virtual_pods(folder, seed=seed, seconds=length_s) as pods:
            for number in range(kills):
                home = folder / f"home-{number}"
                with shoepod(folder, "run", "--plain", "--radio", pods.radio, home=home) as bridge:
                    bridge.wait_for("streaming")
                    time.sleep(rng.uniform(shortest_s, longest_s))
                    killed = utc_now()
                    bridge.command.send_signal(signal.SIGKILL)
                    bridge.end()
                results.append(_look(home, killed))
    return {
        "kills": kills,
        "opened": sum(r["opened"] for r in results),
        "results_older_than_1_s_missing": sum(r["missing"] for r in results),
        "raw_reanalyses_to_the_same": sum(r["same"] for r in results),
        "equal_after_the_next_start": sum(r["equal_after"] for r in results),
        "steps": sum(r["steps"] for r in results),
        "last_archived_step_before_kill_s_max": round(max(r["behind_s"] for r in results), 2),
    }


def _look(home: Path, killed: Any) -> dict[str, Any]:
    record = stored(home)
    killed_s = session_s(record, killed)
    again = {(e.foot, e.step_id): e for e in replay(record.archive) if isinstance(e, Step)}
    known = [e for e in replay(record.archive, to_the_end=False) if isinstance(e, Step)]
    have = {(step.foot, step.step_id): step for step in record.steps}
    missing = [s for s in known if s.finalized_s < killed_s - GRACE_S and (s.foot, s.step_id) not in have]
    archived_s = max((s.finalized_s for s in known), default=0.0)
    same = all(again.get(key) == step for key, step in have.items())
    close_interrupted(home_at(home), replay)
    after = stored(home)
    return {
        "opened": record.summary.state == "interrupted",
        "missing": len(missing),
        "behind_s": killed_s - archived_s,
        "same": same,
        "equal_after": after.summary.state == "interrupted" and after.steps == replayed(home),
        "steps": len(record.steps),
    }


if __name__ == "__main__":
    print(json.dumps(run(*map(int, sys.argv[1:2])), indent=1))
