"""The sensitivity table: ``python -m tests.validation.sensitivity [FOLDER]``.

What each worsening of the recordings costs, and whether any of them makes the core invent a step. Without a
folder the recordings are looked for in ``$SHOEPOD_VALIDATION/dev``, else in ``../shared/validation/dev``.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from sensor_bridge.errors import BridgeError
from sensor_bridge.recording import load_recording
from sensor_bridge.validation.console import sensitivity_text
from sensor_bridge.validation.sensitivity import sensitivity
from sensor_bridge.validation.truth_files import find_recordings, load_truth

PACK = Path(os.environ.get("SHOEPOD_VALIDATION", Path(__file__).parents[3] / "shared" / "validation"))


def main(arguments: list[str]) -> int:
    folder = Path(arguments[0]) if arguments else PACK / "dev"
    try:
        folders, _ = find_recordings(folder)
        rows = sensitivity([(load_recording(path), load_truth(path)) for path in folders])
    except BridgeError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    print(sensitivity_text(rows))
    for row in rows:
        for where in row.false_at:
            print(f"false: {row.case}: {where}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
