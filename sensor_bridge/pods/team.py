"""Which pod is worn where: the ``[pods]`` table first, else what each pod says of itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from bleak.backends.device import BLEDevice

from firmware_protocol import Role, Side
from gait_signal.types import Foot

from ..errors import ConfigError, PodIncompatible, PodLost, PodNotFound
from ..settings import PodSettings
from .find import FoundPod, PodFinder

Place: TypeAlias = tuple[Foot, Literal["foot", "thigh"]]

FEET: Final[tuple[Place, Place]] = (("left", "foot"), ("right", "foot"))

# Once everyone needed is there, others may still show up: a thigh pod, or a second pod of one side.
_GRACE_S: Final = 0.5
_SCAN_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class TeamMember:
    """A pod and its place."""

    serial: str
    side: Foot
    role: Literal["foot", "thigh"]
    device: BLEDevice
    firmware: str
    battery_percent: int


async def find_team(
    finder: PodFinder,
    pods: Mapping[str, PodSettings],
    *,
    timeout_s: float = 15.0,
    need: Collection[Place] = FEET,
    note: Callable[[str], None] = lambda text: None,
) -> list[TeamMember]:
    """Find the runner's pods and say who is worn where.

    Parameters
    ----------
    finder : PodFinder
    pods : mapping of serial to PodSettings
        The ``[pods]`` table. Where it names pods, exactly these are looked for.
    timeout_s : float
        How long to look.
    need : collection of Place
        Without a table: the places that must be filled.
    note : callable
        Gets one sentence for each pod that is left out.

    Returns
    -------
    list of TeamMember
        Feet before thighs, left before right.

    Raises
    ------
    RadioUnavailable
        The radio cannot be used.
    PodNotFound
        A pod did not show up.
    PodIncompatible
        A pod of the team speaks another wire version.
    ConfigError
        Two pods of one place, or a pod of unknown side.
    """
    seen = await _Survey(finder, pods, note).run(timeout_s, need)
    return assign(seen, pods, need=need, note=note)


def assign(
    seen: Sequence[FoundPod],
    pods: Mapping[str, PodSettings],
    *,
    need: Collection[Place] = FEET,
    note: Callable[[str], None] = lambda text: None,
) -> list[TeamMember]:
    """Give each pod its place; see `find_team`."""
    members = _by_table(seen, pods, note) if pods else _by_word(seen)
    _check_places(members, tabled=bool(pods))
    _check_missing(members, seen, pods, need)
    return sorted(members, key=lambda member: (member.role, member.side))


def _by_table(
    seen: Sequence[FoundPod], pods: Mapping[str, PodSettings], note: Callable[[str], None]
) -> list[TeamMember]:
    members = []
    for pod in seen:
        place = pods.get(pod.serial)
        if place is None:
            note(f"pod {pod.serial} is not in your [pods] table and is left alone")
            continue
        members.append(_member(pod, place.side, place.role))
    return members


def _by_word(seen: Sequence[FoundPod]) -> list[TeamMember]:
    members = []
    for pod in seen:
        if pod.status.side is Side.UNKNOWN:
            raise ConfigError(
                f"pod {pod.serial} does not say which side it is worn on; "
                f'add a table [pods.{pod.serial!r}] with side = "left" or "right" to your configuration'
            )
        side: Foot = "left" if pod.status.side is Side.LEFT else "right"
        members.append(_member(pod, side, "thigh" if pod.status.role is Role.THIGH else "foot"))
    return members


def _member(pod: FoundPod, side: Foot, role: Literal["foot", "thigh"]) -> TeamMember:
    return TeamMember(pod.serial, side, role, pod.device, pod.firmware, pod.status.battery_percent)


def _check_places(members: Sequence[TeamMember], *, tabled: bool) -> None:
    taken: dict[Place, str] = {}
    for member in members:
        place: Place = (member.side, member.role)
        if place in taken:
            both = " and ".join(sorted((taken[place], member.serial)))
            fix = "give each a side of its own in" if tabled else "name the ones you wear in"
            raise ConfigError(
                f"{both} are both the {member.side} {member.role} pod; {fix} the [pods] table of your "
                "configuration, or switch the other off"
            )
        taken[place] = member.serial


def _check_missing(
    members: Sequence[TeamMember],
    seen: Sequence[FoundPod],
    pods: Mapping[str, PodSettings],
    need: Collection[Place],
) -> None:
    if pods:
        missing = [
            f"{serial} ({place.side} {place.role})"
            for serial, place in pods.items()
            if serial not in {member.serial for member in members}
        ]
    else:
        places = {(member.side, member.role) for member in members}
        missing = [f"the {side} {role} pod" for side, role in need if (side, role) not in places]
    if not missing:
        return
    present = ", ".join(sorted(pod.serial for pod in seen)) or "no pod at all"
    raise PodNotFound(
        f"{' and '.join(missing)} did not show up (seen: {present}); wake the pods by moving them, "
        "charge them, and see that no other program or phone is connected to them"
    )


class _Survey:
    """Who is around: every pod that advertises is asked once who it is."""

    def __init__(self, finder: PodFinder, pods: Mapping[str, PodSettings], note: Callable[[str], None]) -> None:
        self._finder = finder
        self._pods = pods
        self._note = note
        self._asked: dict[str, FoundPod | None] = {}
        self._failed: dict[str, str] = {}

    @property
    def seen(self) -> list[FoundPod]:
        return [pod for pod in self._asked.values() if pod is not None]

    async def run(self, timeout_s: float, need: Collection[Place]) -> list[FoundPod]:
        """Scan and ask until everyone needed is there, or time is up."""
        loop = asyncio.get_running_loop()
        deadline_s = loop.time() + timeout_s
        for device in await self._finder.left_connected():
            await self._ask(device)
        complete = False
        while (left_s := deadline_s - loop.time()) > 0:
            round_s = min(_GRACE_S if complete else _SCAN_S, left_s)
            found = await self._finder.scan(self._everyone_new if complete else self._someone_new, round_s)
            fresh = [device for address, device in found.items() if address not in self._asked]
            if complete and not fresh:
                break
            for device in fresh:
                await self._ask(device)
            complete = _complete(self.seen, self._pods, need)
        for text in self._failed.values():
            self._note(text)
        return self.seen

    def _someone_new(self, found: Mapping[str, BLEDevice]) -> bool:
        return not self._asked.keys() >= found.keys()

    def _everyone_new(self, found: Mapping[str, BLEDevice]) -> bool:
        """Let the grace run out: only then everyone has been heard."""
        return False

    async def _ask(self, device: BLEDevice) -> None:
        self._failed.pop(device.address, None)
        try:
            self._asked[device.address] = await self._finder.identify(device)
        except PodLost as error:
            self._failed[device.address] = str(error)  # asked again in the next round
        except PodIncompatible as error:
            if not self._pods or self._finder.serial_of(device) in self._pods:
                raise
            self._asked[device.address] = None
            self._note(str(error))


def _complete(seen: Sequence[FoundPod], pods: Mapping[str, PodSettings], need: Collection[Place]) -> bool:
    if pods:
        return {pod.serial for pod in seen} >= pods.keys()
    places = set()
    for pod in seen:
        side = {Side.LEFT: "left", Side.RIGHT: "right"}.get(pod.status.side)
        places.add((side, "thigh" if pod.status.role is Role.THIGH else "foot"))
    return places >= set(need)
