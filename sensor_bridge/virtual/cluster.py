"""Virtual pods as processes around a radio hub: what ``shoepod virtual-pods`` runs.

The hub lives here; each pod is a child process, so it can be killed alone, as a flat battery would.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from firmware_protocol import Role, Side

from ..errors import RadioUnavailable
from ..radio.hub import RadioHub, parse_address
from .cast import Part
from .process import Orders, save_motion
from .source import Motion
from .world import WorldStarter

REBOOT_S: Final = 2.0
"""How long a killed pod stays away where it is to come back."""

_READY_TIMEOUT_S: Final = 30.0
_END_TIMEOUT_S: Final = 3.0


class PodCluster:
    """A hub and its pods. An async context manager.

    Parameters
    ----------
    parts : sequence of Part
        See `sensor_bridge.virtual.cast.parts_of`.
    hub : str
        ``HOST:PORT`` to listen on; port 0 takes a free one.
    insecure_lan : bool
        Allow an address that is not loopback.
    respawn : bool
        A pod that ends comes back after `REBOOT_S`, as after a reboot.
    loss : float
        Share of packets that pods make but do not send.
    seed : int
        Of boot ids and lost packets.
    say : callable
        Gets one line for each thing that happens.

    Attributes
    ----------
    pids : dict of str to int
        Process of each pod that is on, by serial.
    world_start_s : float or None
        When the world started, on the machine's monotonic clock.

    Raises
    ------
    UsageError
        The address is malformed or refused.
    """

    def __init__(
        self,
        parts: Sequence[Part],
        hub: str,
        *,
        insecure_lan: bool = False,
        respawn: bool = False,
        loss: float = 0.0,
        seed: int = 0,
        say: Callable[[str], None] = lambda line: None,
    ) -> None:
        host, port = parse_address(hub)
        self._host = host
        self._hub = RadioHub(host, port, insecure_lan=insecure_lan)
        self._parts = {part.identity.serial: part for part in parts}
        self._respawn = respawn
        self._loss = loss
        self._rng = random.Random(seed)
        self._say = say
        self._children: dict[str, asyncio.subprocess.Process] = {}
        self._keepers: list[asyncio.Task[None]] = []
        self._ready: dict[str, asyncio.Future[None]] = {}
        self._starter = WorldStarter(self._parts, time.monotonic, parts[0].motion.period_s, self._announce)
        self.world_start_s: float | None = None

    @property
    def port(self) -> int:
        """The port the hub listens on."""
        return self._hub.port

    @property
    def pids(self) -> Mapping[str, int]:
        """Process of each pod that is on, by serial."""
        return {serial: child.pid for serial, child in self._children.items()}

    async def __aenter__(self) -> Self:
        """Start the hub and all pods.

        Raises
        ------
        RadioUnavailable
            The hub cannot listen, or a pod does not come up.
        """
        try:
            await self._hub.__aenter__()
            for serial in self._parts:
                self._ready[serial] = asyncio.get_running_loop().create_future()
                self._keepers.append(asyncio.create_task(self._keep(serial), name=f"keep {serial}"))
            async with asyncio.timeout(_READY_TIMEOUT_S):
                await asyncio.gather(*self._ready.values())
        except TimeoutError as error:
            await self._close()
            raise RadioUnavailable("the virtual pods did not come up; is the machine overloaded?") from error
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop everything."""
        await self._close()

    def kill(self, serial: str) -> None:
        """Cut a pod's power."""
        self._children[serial].kill()

    async def _close(self) -> None:
        self._starter.close()
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        await self._hub.__aexit__(None, None, None)

    def _announce(self, start_s: float) -> None:
        self.world_start_s = start_s
        for child in self._children.values():
            self._tell_start(child, start_s)
        self._say("the pods' world starts: a stand, then the run")

    @staticmethod
    def _tell_start(child: asyncio.subprocess.Process, start_s: float) -> None:
        if child.stdin is not None:
            child.stdin.write(json.dumps({"world_start_s": start_s}).encode() + b"\n")

    async def _keep(self, serial: str) -> None:
        """Run a pod; again and again if it is to come back."""
        while True:
            with _motion_file(self._parts[serial].motion) as motion_file:
                code = await self._live(serial, motion_file)
            how = _how_it_ended(code)
            self._say(f"pod {serial} is gone ({how})")
            if not self._ready[serial].done():
                self._ready[serial].set_exception(RadioUnavailable(f"the virtual pod {serial} did not come up ({how})"))
            if not self._respawn:
                return
            await asyncio.sleep(REBOOT_S)

    async def _live(self, serial: str, motion_file: Path) -> int:
        """Run a pod's process to its end; return its exit code."""
        child = await self._spawn(serial, motion_file)
        self._children[serial] = child
        if self.world_start_s is not None:  # it may have been announced while the process started
            self._tell_start(child, self.world_start_s)
        try:
            await self._listen(serial, child)
            return await child.wait()
        finally:
            self._children.pop(serial, None)
            self._starter.streams(serial, streaming=False)
            await _end(child)

    async def _spawn(self, serial: str, motion_file: Path) -> asyncio.subprocess.Process:
        part = self._parts[serial]
        orders = Orders(
            serial=serial,
            name=part.identity.name,
            side=int(part.identity.side),
            role=int(part.identity.role),
            motion=str(motion_file),
            ppm=part.ppm,
            loss=self._loss,
            seed=self._rng.getrandbits(64),
            host=self._host,
            port=self._hub.port,
            world_start_s=self.world_start_s,
        )
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-m",
            "sensor_bridge.virtual.process",
            serial,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        if child.stdin is not None:
            child.stdin.write(orders.to_json().encode() + b"\n")
        return child

    async def _listen(self, serial: str, child: asyncio.subprocess.Process) -> None:
        """Hear what a pod says until it ends."""
        if child.stdout is None:
            return
        async for line in child.stdout:
            try:
                message = json.loads(line)
            except ValueError:
                continue
            if message.get("event") == "ready":
                if not self._ready[serial].done():
                    self._ready[serial].set_result(None)
                side, role = self._parts[serial].identity.side, self._parts[serial].identity.role
                self._say(f"pod {serial} ({side.name.lower()} {role.name.lower()}) is on: pid {child.pid}")
            elif message.get("event") == "streaming":
                self._starter.streams(serial, bool(message.get("on")))
            elif message.get("event") == "placed":
                side, role = Side(message["side"]), Role(message["role"])
                self._parts[serial] = self._parts[serial].placed(side, role)


async def serve(cluster: PodCluster, say: Callable[[str], None]) -> None:
    """Run a cluster until SIGTERM or cancellation."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    with contextlib.suppress(NotImplementedError):  # Windows has no signal handlers in the loop
        loop.add_signal_handler(signal.SIGTERM, stopped.set)
    try:
        async with cluster:
            say(f"radio hub on port {cluster.port}; Ctrl-C ends it")
            await stopped.wait()
    finally:
        with contextlib.suppress(NotImplementedError):
            loop.remove_signal_handler(signal.SIGTERM)


@contextlib.contextmanager
def _motion_file(motion: Motion) -> Iterator[Path]:
    """Write a motion for one start of a pod, which deletes the file once it has read it.

    So nothing stays behind if this process is killed; a pod that did not get that far is cleaned up after here.
    """
    handle, name = tempfile.mkstemp(prefix="shoepod-pod-", suffix=".npz")
    os.close(handle)
    path = Path(name)
    try:
        save_motion(motion, path)
        yield path
    finally:
        path.unlink(missing_ok=True)


async def _end(child: asyncio.subprocess.Process) -> None:
    """Let a child end by closing its stdin; kill it if it does not."""
    if child.stdin is not None:
        child.stdin.close()
    try:
        async with asyncio.timeout(_END_TIMEOUT_S):
            await child.wait()
    except TimeoutError:
        child.kill()
        await child.wait()


def _how_it_ended(code: int) -> str:
    if code < 0:
        try:
            return f"killed by {signal.Signals(-code).name}"
        except ValueError:
            return f"killed by signal {-code}"
    return f"exit code {code}"
