"""The demo: virtual pods, simulated radio, bridge, store, report and, for a simulated runner, the verdict.

Everything is real but the air and the runner: the same links, engine, store and report as in a run. It has a
home of its own inside its output folder, so it never mixes with the runner's sessions.
"""

from __future__ import annotations

import asyncio
import contextlib
import csv
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from firmware_protocol import Role, Side
from gait_signal.types import Foot

from .errors import BridgeError, HomeUnusable
from .home import PRIVATE_FOLDER, Home, touch_private
from .live import LiveOptions, LiveResult, run_live
from .pods.team import Place
from .recording import load_recording
from .reporting import write_report
from .settings import Settings
from .simulator import Scenario, Simulation, simulate
from .steps_csv import write_steps_csv
from .store.database import load_session
from .truth import TrueStep, Verdict, compare
from .virtual.cast import SIMULATED_TAG, Part
from .virtual.local import LocalCluster

DEFAULT_SECONDS: Final = 75.0
# Until both pods stream and their world starts; and what the last step needs to be finished.
_START_S: Final = 3.0
_TAIL_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class DemoResult:
    """What the demo leaves.

    Attributes
    ----------
    verdict : Verdict or None
        Against the simulator's truth; None when a recording was replayed.
    """

    session_id: str
    seed: int | None
    report: Path
    steps: Path
    verdict: Verdict | None
    summary: str


def run_demo(
    settings: Settings,
    out: Path | None,
    *,
    seconds: float | None = None,
    seed: int | None = None,
    recording: Path | None = None,
    plain: bool = False,
) -> DemoResult:
    """Run the demo.

    Parameters
    ----------
    settings : Settings
        ``[pods]`` is not used: these pods say themselves where they are worn.
    out : Path, optional
        Default: a folder ``demo`` in the home.
    seconds : float, optional
        Length of the run, after the pods have stood. Default: `DEFAULT_SECONDS`, or the whole recording.
    seed : int, optional
        Default: a new one.
    recording : Path, optional
        Replayed instead of a simulated runner.

    Raises
    ------
    BridgeError
    """
    out = (out or Home.locate().ensure().data_dir / "demo").absolute()
    home = Home(out / "home", out / "home" / "data")
    settings = replace(settings, pods={}, calibration={})
    if recording is not None:
        simulation, seed = None, None
        source = load_recording(recording)
        title = origin = f"replay of {source.name}"
        ppm: dict[str, float] = {}
    else:
        seed = secrets.randbelow(1_000_000) if seed is None else seed
        seconds = DEFAULT_SECONDS if seconds is None else seconds
        simulation = simulate(Scenario.demo(seconds, np.random.default_rng(seed)), seed=seed)
        source, ppm = simulation.recording, dict(simulation.pod_clock_ppm)
        title, origin = f"demo, seed {seed}", f"simulated runner, seed {seed}"
    remark = f"{origin[:1].upper()}{origin[1:]}, not a live run."
    with _out_folder(out), home.lock():
        cluster = LocalCluster(source, ppm=ppm, seed=seed or 0, tag=SIMULATED_TAG if simulation else None)
        stand_s = _START_S + max(part.motion.stand_s for part in cluster.parts)
        options = LiveOptions(
            min(cluster.seconds + _START_S, stand_s + (seconds or cluster.seconds)) + _TAIL_S,
            plain=plain,
            title=title,
            remark=remark,
            need=[_place(part) for part in cluster.parts],
        )
        result, zero_s = asyncio.run(_run(home, settings, cluster, options))
        record = load_session(home, result.session_id)
        steps = out / "steps.csv"
        for name in ("steps.csv", *(("truth_steps.csv", "recording.toml") if simulation else ())):
            touch_private(out / name)  # a recording is health data
        write_steps_csv(steps, record.steps)
        report = write_report(home, result.session_id, out / "report.html", origin)
        verdict = None
        if simulation is not None and zero_s is not None:
            # A demo that was stopped early is judged by what it saw of the run.
            end_s = result.ended_s - _TAIL_S
            verdict = compare([t for t in _truth(simulation, zero_s) if t.ic_s < end_s], record.steps)
            _write_truth(out, simulation, zero_s)
    return DemoResult(result.session_id, seed, report, steps, verdict, result.summary)


async def _run(
    home: Home, settings: Settings, cluster: LocalCluster, options: LiveOptions
) -> tuple[LiveResult, float | None]:
    loop = asyncio.get_running_loop()
    async with cluster:
        result = await run_live(home, settings, cluster.radio, options)
        if cluster.recording_zero_s is None:
            return result, None
        # Both clocks run at the same rate; one reading of each ties them together.
        return result, cluster.recording_zero_s - loop.time() + result.clock.now_s()


def _place(part: Part) -> Place:
    identity = part.identity
    side: Foot = "left" if identity.side is Side.LEFT else "right"
    return side, "thigh" if identity.role is Role.THIGH else "foot"


def _truth(simulation: Simulation, zero_s: float) -> list[TrueStep]:
    return [
        TrueStep(step.foot, step.ic_s + zero_s, None if step.to_s is None else step.to_s + zero_s, step.strike)
        for step in simulation.truth
        if step.activity == "running"
    ]


def _write_truth(out: Path, simulation: Simulation, zero_s: float) -> None:
    """Write the truth in session time, so that steps.csv can be judged by others too."""
    names = ("foot", "ic_s", "to_s", "strike_angle_deg", "strike_class", "knee_drive_deg", "activity")
    with (out / "truth_steps.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        for step in simulation.truth:
            if step.activity != "running":
                continue
            writer.writerow(
                (
                    step.foot,
                    f"{step.ic_s + zero_s:.5f}",
                    "" if step.to_s is None else f"{step.to_s + zero_s:.5f}",
                    f"{step.strike_angle_deg:.3f}",
                    step.strike,
                    "" if step.knee_drive_deg is None else f"{step.knee_drive_deg:.3f}",
                    step.activity,
                )
            )
    running = [step.ic_s + zero_s for step in simulation.truth if step.activity == "running"] or [zero_s]
    text = (
        f'name = "demo_seed_{simulation.seed}"\nkind = "simulated"\n'
        f"truth_from_s = {min(running):.3f}\ntruth_to_s = {max(running) + 0.5:.3f}\n"
    )
    (out / "recording.toml").write_text(text, encoding="utf-8")


@contextlib.contextmanager
def _out_folder(out: Path) -> Iterator[None]:
    try:
        out.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
    except OSError as error:
        raise HomeUnusable(f"cannot make the folder {out} ({error.strerror}); choose another with --out") from error
    try:
        yield
    except OSError as error:
        raise BridgeError(f"cannot write to {error.filename or out}: {error.strerror}") from error
