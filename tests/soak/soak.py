"""The full-length bars, as JSON: ``make soak``."""

from __future__ import annotations

import json
import sys
import time

from . import cue, kills, outage


def main() -> int:
    results = {}
    for name, run in (("cue", cue.run), ("outage", outage.run), ("kills", kills.run)):
        begun_s = time.monotonic()
        print(f"{name} ...", file=sys.stderr, flush=True)
        results[name] = {**run(), "took_s": round(time.monotonic() - begun_s, 1)}
    print(json.dumps(results, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
