"""The full-length bars, as JSON: ``make soak``."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

from . import cue, kills, outage

BARS: dict[str, Callable[[dict[str, Any]], bool]] = {
    "cue": lambda r: r["share"] >= 0.95 and r["for_mid_or_forefoot"] == 0 and r["while_walking"] == 0,
    "outage": lambda r: r["client_equals_store"] and r["database_equals_store"] and not r["traceback"],
    "kills": lambda r: (
        r["opened"] == r["raw_reanalyses_to_the_same"] == r["equal_after_the_next_start"] == r["kills"]
        and r["results_older_than_1_s_missing"] == 0
    ),
}


def main() -> int:
    results: dict[str, dict[str, Any]] = {}
    for name, run in (("cue", cue.run), ("outage", outage.run), ("kills", kills.run)):
        begun_s = time.monotonic()
        print(f"{name} ...", file=sys.stderr, flush=True)
        figures = run()
        results[name] = {"holds": BARS[name](figures), **figures, "took_s": round(time.monotonic() - begun_s, 1)}
    print(json.dumps(results, indent=1))
    return 0 if all(result["holds"] for result in results.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
