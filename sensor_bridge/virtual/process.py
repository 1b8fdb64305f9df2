"""A virtual pod in a process of its own: ``python -m sensor_bridge.virtual.process SERIAL``.

Its parent speaks JSON lines on stdin: first the pod's `Orders`, later ``{"world_start_s": ...}``. The pod
answers on stdout: ``{"event": "ready"}``, ``{"event": "streaming", "on": true}``,
``{"event": "placed", "side": 1, "role": 0}``. It ends when its parent or
the radio hub does; killing it is a power cut.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from firmware_protocol import Role, Side

from ..radio.hci_stream import HciStream
from ..recording import PodSamples
from .pod import PodIdentity, VirtualPod
from .source import Motion
from .world import World


@dataclass(frozen=True, slots=True)
class Orders:
    """What a pod process is told at its start.

    Attributes
    ----------
    serial, name, side, role : str or int
        Of its `PodIdentity`.
    motion : str
        File of its `Motion`, which the process deletes once it has read it.
    ppm, loss : float
    seed : int
        Of boot id and lost packets.
    host, port : str, int
        The radio hub.
    world_start_s : float or None
        Known where the pod joins late.
    """

    serial: str
    name: str
    side: int
    role: int
    motion: str
    ppm: float
    loss: float
    seed: int
    host: str
    port: int
    world_start_s: float | None

    @classmethod
    def from_json(cls, line: str) -> Self:
        """Read the parent's first line."""
        return cls(**json.loads(line))

    def to_json(self) -> str:
        """Write it."""
        return json.dumps(asdict(self))

    @property
    def identity(self) -> PodIdentity:
        """Who the pod is."""
        return PodIdentity(self.serial, self.name, Side(self.side), Role(self.role))


def save_motion(motion: Motion, path: Path) -> None:
    """Write a motion for a child process."""
    arrays: dict[str, Any] = {}
    for name, samples in (("run", motion.run), ("stand", motion.stand)):
        if samples is not None:
            arrays |= {
                f"{name}_time_s": samples.time_s,
                f"{name}_acc_mps2": samples.acc_mps2,
                f"{name}_gyr_radps": samples.gyr_radps,
            }
    scalars = [motion.period_s, motion.acc_range_g, motion.gyr_range_dps, motion.stand_s, motion.zero_s]
    with path.open("wb") as file:
        np.savez(file, scalars=np.array(scalars), **arrays)


def load_motion(path: Path) -> Motion:
    """Read what `save_motion` wrote."""
    with np.load(path, allow_pickle=False) as data:

        def samples(name: str) -> PodSamples | None:
            if f"{name}_time_s" not in data:
                return None
            return PodSamples(data[f"{name}_time_s"], data[f"{name}_acc_mps2"], data[f"{name}_gyr_radps"])

        run = samples("run")
        if run is None:
            raise ValueError(f"{path} holds no run")
        period_s, acc_range_g, gyr_range_dps, stand_s, zero_s = (float(value) for value in data["scalars"])
        return Motion(
            period_s=period_s,
            acc_range_g=acc_range_g,
            gyr_range_dps=gyr_range_dps,
            stand_s=stand_s,
            zero_s=zero_s,
            run=run,
            stand=samples("stand"),
        )


def _take_motion(path: Path) -> Motion:
    """Read a motion and delete its file: the parent may be killed before it can."""
    try:
        return load_motion(path)
    finally:
        path.unlink(missing_ok=True)


def _say(**message: Any) -> None:
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.write(json.dumps(message) + "\n")
        sys.stdout.flush()


def _read_lines(on_line: Callable[[str], None], on_end: Callable[[], None]) -> None:
    """Read stdin, below Python's buffers: a thread that waits in those would block the exit."""
    waiting = b""
    while data := os.read(0, 4096):
        *lines, waiting = (waiting + data).split(b"\n")
        for line in lines:
            on_line(line.decode())
    on_end()


async def _main() -> None:
    loop = asyncio.get_running_loop()
    lines: asyncio.Queue[str | None] = asyncio.Queue()
    threading.Thread(
        target=_read_lines,
        args=(
            lambda line: loop.call_soon_threadsafe(lines.put_nowait, line),
            lambda: loop.call_soon_threadsafe(lines.put_nowait, None),
        ),
        daemon=True,
    ).start()
    first = await lines.get()
    if first is None:
        return
    orders = Orders.from_json(first)
    motion = _take_motion(Path(orders.motion))  # before anything that fails once the parent is gone
    world = World(time.monotonic, orders.world_start_s)
    stream = await HciStream.open(orders.host, orders.port)
    pod = VirtualPod(
        stream.source,
        stream,
        orders.identity,
        motion,
        world,
        ppm=orders.ppm,
        loss=orders.loss,
        rng=random.Random(orders.seed),
        on_streaming=lambda _, streaming: _say(event="streaming", on=streaming),
        on_placed=lambda _, side, role: _say(event="placed", side=side, role=role),
    )
    carry = asyncio.create_task(stream.carry())
    follow = asyncio.create_task(_follow(lines, world))
    try:
        await pod.power_on()
        _say(event="ready", boot_id=pod.boot_id)
        await asyncio.wait([carry, follow], return_when=asyncio.FIRST_COMPLETED)
    finally:
        await pod.close()
        for task in (carry, follow):
            task.cancel()
        await stream.close()


async def _follow(lines: asyncio.Queue[str | None], world: World) -> None:
    """Do what the parent says until it is gone."""
    while (line := await lines.get()) is not None:
        world.announce(float(json.loads(line)["world_start_s"]))


if __name__ == "__main__":
    # Ctrl-C in the terminal reaches the whole group; the parent decides, and its end is ours.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        asyncio.run(_main())
    except (OSError, TimeoutError) as error:
        sys.exit(f"virtual pod: the radio hub does not answer: {error or 'timed out'}")
