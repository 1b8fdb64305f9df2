"""The cue as it sounds: a whole run against a PulseAudio null sink, every sound matched to a true contact."""

from __future__ import annotations

import csv
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from sensor_bridge.audio.latency import Recorder, null_sink

from .rig import shoepod, stored, virtual_pods, zero_of

CONFIG = '[cue]\nvolume = 1.0\ndevice = "pulse"\n'


def run(seconds: float = 75.0, seed: int = 5) -> dict[str, Any]:
    """Run once; return the figures."""
    with tempfile.TemporaryDirectory(prefix="shoepod-cue-") as name:
        folder = Path(name)
        pulse = folder / "pulse"
        pulse.mkdir(mode=0o700)
        config = folder / "shoepod.toml"
        config.write_text(CONFIG)
        home = folder / "home"
        with null_sink(pulse) as environment, virtual_pods(folder, seed=seed, seconds=seconds) as pods:
            recorder = Recorder(environment)
            with shoepod(
                folder, "run", "--plain", "--radio", pods.radio, "--seconds", str(seconds + 8), "--config", str(config),
                home=home, environment=environment,
            ) as bridge:  # fmt: skip
                recorder.wait_started()
                bridge.wait_for("streaming")
                code = bridge.end(seconds + 60)
            recording = recorder.stop()
            # Session time 0 on the monotonic clock, from the session's one UTC anchor.
            record = stored(home)
            anchor_s = record.summary.started_utc.timestamp() - (time.time() - time.monotonic())
            zero_s = zero_of(record.steps, pods.recording)
            truth = _truth(pods.recording, zero_s)
        sounds = [at_s - anchor_s for at_s, _ in recording.sounds()]
        return {"exit_code": code, **judge(truth, sounds), "bridge_marks": len(record.cues)}


def judge(truth: list[dict[str, Any]], sounds: list[float]) -> dict[str, Any]:
    """Match sounds with contacts: a sound belongs to the last contact before it, of either foot."""
    contacts = sorted(truth, key=lambda row: row["ic_s"])
    times = np.array([row["ic_s"] for row in contacts])
    heard: dict[int, float] = {}
    strays = 0
    for at_s in sounds:
        number = int(np.searchsorted(times, at_s)) - 1
        if number < 0 or at_s > contacts[number]["to_s"] or number in heard:
            strays += 1
        else:
            heard[number] = at_s
    heel = [i for i, row in enumerate(contacts) if row["activity"] == "running" and row["strike"] == "rearfoot"]
    latency_ms = [1000 * (heard[i] - contacts[i]["ic_s"]) for i in heel if i in heard]
    wrong = [contacts[i] for i in heard if i not in set(heel)]
    return {
        "true_rearfoot_contacts": len(heel),
        "sounded_before_toe_off": sum(i in heard for i in heel),
        "share": round(sum(i in heard for i in heel) / max(1, len(heel)), 4),
        # Nobody can call a run from its first two steps a foot: there the cue is silent by design.
        "share_once_running": round(sum(i in heard for i in heel[4:]) / max(1, len(heel[4:])), 4),
        "sounds": len(sounds),
        "for_mid_or_forefoot": sum(row["activity"] != "walking" for row in wrong),
        "while_walking": sum(row["activity"] == "walking" for row in wrong),
        "outside_any_contact": strays,
        "latency_ms": {
            name: round(float(value), 1)
            for name, value in zip(
                ("p50", "p95", "max"), np.percentile(latency_ms or [np.nan], [50, 95, 100]), strict=True
            )
        },
        "first_contacts_silent": next((n for n, i in enumerate(heel) if i in heard), len(heel)),
    }


def _truth(recording: Path, zero_s: float) -> list[dict[str, Any]]:
    rows = []
    for file_name in ("truth_steps.csv", "truth_steps_other.csv"):
        with (recording / file_name).open(newline="") as file:
            rows += [
                {
                    "foot": row["foot"],
                    "ic_s": float(row["ic_s"]) + zero_s,
                    "to_s": float(row["to_s"] or row["ic_s"]) + zero_s,
                    "strike": row["strike_class"],
                    "activity": row["activity"],
                }
                for row in csv.DictReader(file)
            ]
    return rows


if __name__ == "__main__":
    print(json.dumps(run(*map(float, sys.argv[1:2])), indent=1))
