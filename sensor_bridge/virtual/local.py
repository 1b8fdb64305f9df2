"""Virtual pods, air and adapter in one event loop: for the demo and for tests."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

from firmware_protocol import Role, Side

from ..radio.air import Air, HciPort
from ..radio.simulated import LocalRadio
from ..recording import Recording
from .cast import Part, parts_of
from .pod import VirtualPod
from .world import World, WorldStarter


class LocalCluster:
    """Everything between a recording and a radio, in this process. An async context manager.

    Parameters
    ----------
    recording : Recording
    ppm : mapping of pod name to float, optional
        Crystal errors, parts per million.
    tag : str, optional
        Middle of the serials, see `parts_of`.
    seed : int
        Of boot ids and lost packets.
    loss : float
        Share of packets that pods make but do not send.
    air : Air, optional
    clock : callable, optional
        Monotonic seconds; the event loop's clock if not given. It must run at the event loop's rate.

    Attributes
    ----------
    radio : LocalRadio
        For `pods`; usable inside the context.
    pods : dict of str to VirtualPod
        By serial; usable inside the context.
    """

    def __init__(
        self,
        recording: Recording,
        *,
        ppm: Mapping[str, float] | None = None,
        tag: str | None = None,
        seed: int = 0,
        loss: float = 0.0,
        air: Air | None = None,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self._parts = {part.identity.serial: part for part in parts_of(recording, ppm, tag)}
        self._rng = random.Random(seed)
        self._loss = loss
        self.air = air or Air()
        self._clock = clock
        self._ports: dict[str, HciPort] = {}
        self._stack = AsyncExitStack()
        self.radio = LocalRadio(self.air)
        self.pods: dict[str, VirtualPod] = {}

    @property
    def parts(self) -> list[Part]:
        """Who takes part."""
        return list(self._parts.values())

    @property
    def world(self) -> World:
        """The world's clock and start."""
        return self._world

    @property
    def world_start_s(self) -> float | None:
        """When the world started, by the injected clock; None while pods still wait."""
        return self._world.start_s

    @property
    def recording_zero_s(self) -> float | None:
        """The injected clock's reading at recording time 0, None while pods still wait.

        A truth time ``t`` of the recording happens at ``recording_zero_s + t``.
        """
        if self._world.start_s is None:
            return None
        motion = next(iter(self._parts.values())).motion
        return self._world.start_s + motion.stand_s - motion.zero_s

    @property
    def seconds(self) -> float:
        """Length of stand and run."""
        return max(
            part.motion.stand_s + float(part.motion.run.time_s[-1]) - part.motion.zero_s
            for part in self._parts.values()
        )

    async def __aenter__(self) -> Self:
        """Power everything on."""
        self._world = World(self._clock or asyncio.get_running_loop().time)
        period_s = next(iter(self._parts.values())).motion.period_s
        self._starter = WorldStarter(self._parts, self._world.clock, period_s, self._world.announce)
        self._stack.callback(self._starter.close)
        try:
            for serial in self._parts:
                await self.boot(serial)
            await self._stack.enter_async_context(self.radio)
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Power everything off."""
        await self._close()

    async def boot(self, serial: str) -> VirtualPod:
        """Boot a pod that is off: a new boot id, and ticks from 0."""
        part = self._parts[serial]
        port = self.air.attach()
        pod = VirtualPod(
            port.source,
            port.sink,
            part.identity,
            part.motion,
            self._world,
            ppm=part.ppm,
            loss=self._loss,
            rng=random.Random(self._rng.getrandbits(64)),
            on_streaming=self._starter.streams,
            on_placed=self._remember_place,
        )
        self.pods[serial], self._ports[serial] = pod, port
        await pod.power_on()
        return pod

    def _remember_place(self, serial: str, side: Side, role: Role) -> None:
        self._parts[serial] = self._parts[serial].placed(side, role)

    async def kill(self, serial: str) -> None:
        """Cut a pod's power."""
        self.air.vanish(self._ports.pop(serial).controller)
        await self.pods.pop(serial).close()

    def drop_link(self, serial: str) -> None:
        """Take a pod out of range until its link times out."""
        self.air.drop_links(self._ports[serial].controller)

    async def _close(self) -> None:
        for serial in list(self.pods):
            await self.kill(serial)
        await self._stack.aclose()
