"""Who is worn where."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from bleak.backends.device import BLEDevice
from hypothesis import given
from hypothesis import strategies as st

import firmware_protocol
from firmware_protocol import PodStatus, Role, Side, StatusFlags
from sensor_bridge.errors import ConfigError, PodIncompatible, PodNotFound, RadioUnavailable
from sensor_bridge.pods import FoundPod, PodFinder, assign, find_team
from sensor_bridge.recording import Recording
from sensor_bridge.settings import PodSettings
from sensor_bridge.virtual.cast import parts_of
from sensor_bridge.virtual.local import LocalCluster
from sensor_bridge.virtual.pod import VirtualPod


def pod(serial: str, side: Side, role: Role = Role.FOOT) -> FoundPod:
    status = PodStatus(side, role, StatusFlags.NONE, 80, 3900, 1, 2, 0, 0, 0, 1, 0, serial)
    return FoundPod(BLEDevice(f"C0:{serial}", serial, None), serial, "1.0", status)


LEFT, RIGHT = pod("A", Side.LEFT), pod("B", Side.RIGHT)
THIGH = pod("C", Side.LEFT, Role.THIGH)


def places(members: list[Any]) -> list[tuple[str, str, str]]:
    return [(member.serial, member.side, member.role) for member in members]


# ---- the rule --------------------------------------------------------------------------------------


def test_without_a_table_a_pods_own_word_counts() -> None:
    assert places(assign([THIGH, RIGHT, LEFT], {})) == [
        ("A", "left", "foot"),
        ("B", "right", "foot"),
        ("C", "left", "thigh"),
    ]


def test_the_table_wins_over_a_pods_own_word() -> None:
    table = {"A": PodSettings("right"), "B": PodSettings("left"), "C": PodSettings("right", "thigh")}
    assert places(assign([LEFT, RIGHT, THIGH], table)) == [
        ("B", "left", "foot"),
        ("A", "right", "foot"),
        ("C", "right", "thigh"),
    ]


def test_a_stranger_is_left_alone_with_a_note() -> None:
    notes: list[str] = []
    table = {"A": PodSettings("left"), "B": PodSettings("right")}
    assert len(assign([LEFT, THIGH, RIGHT], table, note=notes.append)) == 2
    assert notes == ["pod C is not in your [pods] table and is left alone"]


def test_a_table_of_one_pod_is_a_team_of_one() -> None:
    assert places(assign([LEFT, RIGHT], {"B": PodSettings("right")})) == [("B", "right", "foot")]


def test_two_pods_of_one_side_need_a_table() -> None:
    with pytest.raises(ConfigError, match=r"A and D are both the left foot pod; .*\[pods\]"):
        assign([pod("D", Side.LEFT), LEFT, RIGHT], {})


def test_an_unknown_side_says_what_to_write() -> None:
    with pytest.raises(ConfigError, match=r"pod E .* \[pods.'E'\] with side = \"left\" or \"right\""):
        assign([LEFT, RIGHT, pod("E", Side.UNKNOWN)], {})
    assert places(assign([pod("E", Side.UNKNOWN)], {"E": PodSettings("left")})) == [("E", "left", "foot")]


def test_who_is_missing_and_who_was_seen_is_named() -> None:
    with pytest.raises(PodNotFound, match=r"the right foot pod did not show up \(seen: A, C\)"):
        assign([LEFT, THIGH], {})
    with pytest.raises(PodNotFound, match=r"left foot pod and the right foot pod .* no pod at all"):
        assign([], {})
    with pytest.raises(PodNotFound, match=r"Z \(left thigh\) did not show up"):
        assign([LEFT, RIGHT], {"A": PodSettings("left"), "Z": PodSettings("left", "thigh")})


def test_a_caller_may_need_less() -> None:
    assert places(assign([RIGHT], {}, need=[("right", "foot")])) == [("B", "right", "foot")]


@given(
    sides=st.lists(st.tuples(st.sampled_from(Side), st.sampled_from(Role)), max_size=6),
    table=st.dictionaries(
        st.sampled_from("012345Z"),
        st.builds(PodSettings, st.sampled_from(["left", "right"]), st.sampled_from(["foot", "thigh"])),
        max_size=4,
    ),
)
def test_a_team_never_has_two_of_one_place_or_strangers(
    sides: list[tuple[Side, Role]], table: dict[str, PodSettings]
) -> None:
    seen = [pod(str(i), side, role) for i, (side, role) in enumerate(sides)]
    try:
        team = assign(seen, table)
    except (ConfigError, PodNotFound):
        return
    worn = [(member.side, member.role) for member in team]
    assert len(set(worn)) == len(worn)
    if table:
        assert {m.serial: (m.side, m.role) for m in team} == {s: (p.side, p.role) for s, p in table.items()}
    else:
        assert {("left", "foot"), ("right", "foot")} <= set(worn)


# ---- over the air ----------------------------------------------------------------------------------


def test_both_feet_are_found(virtual_time: Callable[..., Any], make_recording: Callable[..., Recording]) -> None:
    async def main() -> None:
        async with LocalCluster(make_recording()) as cluster:
            started_s = asyncio.get_running_loop().time()
            team = await find_team(PodFinder(cluster.radio), {})
            assert asyncio.get_running_loop().time() - started_s < 5
            assert [(member.side, member.role) for member in team] == [("left", "foot"), ("right", "foot")]
            assert [member.serial for member in team] == list(cluster.pods)
            assert all(member.battery_percent == 100 and member.firmware for member in team)
            await asyncio.sleep(0.5)
            assert not any(pod.connected for pod in cluster.pods.values())

    virtual_time(main())


def test_thigh_pods_join_without_being_needed(
    virtual_time: Callable[..., Any], make_recording: Callable[..., Recording]
) -> None:
    async def main() -> None:
        names = ("left_foot", "left_thigh", "right_foot", "right_thigh")
        async with LocalCluster(make_recording(*names)) as cluster:
            team = await find_team(PodFinder(cluster.radio), {})
            assert [(member.side, member.role) for member in team] == [
                ("left", "foot"),
                ("right", "foot"),
                ("left", "thigh"),
                ("right", "thigh"),
            ]

    virtual_time(main())


def test_a_pod_that_wakes_late_is_waited_for(
    virtual_time: Callable[..., Any], make_recording: Callable[..., Recording]
) -> None:
    async def main() -> None:
        async with LocalCluster(make_recording()) as cluster:
            late = list(cluster.pods)[1]
            await cluster.kill(late)
            finding = asyncio.create_task(find_team(PodFinder(cluster.radio), {}))
            await asyncio.sleep(6)
            assert not finding.done()
            await cluster.boot(late)
            assert late in [member.serial for member in await finding]

    virtual_time(main())


def test_a_missing_pod_is_reported_in_time(
    virtual_time: Callable[..., Any], make_recording: Callable[..., Recording]
) -> None:
    async def main() -> None:
        async with LocalCluster(make_recording("right_foot")) as cluster:
            (serial,) = cluster.pods
            begun_s = asyncio.get_running_loop().time()
            with pytest.raises(PodNotFound, match=f"the left foot pod did not show up .seen: {serial}"):
                await find_team(PodFinder(cluster.radio), {}, timeout_s=8)
            assert asyncio.get_running_loop().time() - begun_s < 10

    virtual_time(main())


def test_a_link_lost_while_asking_is_tried_again(
    virtual_time: Callable[..., Any], make_recording: Callable[..., Recording]
) -> None:
    async def main() -> None:
        async with LocalCluster(make_recording()) as cluster:
            first = next(iter(cluster.pods))
            finding = asyncio.create_task(find_team(PodFinder(cluster.radio), {}, timeout_s=30))
            while not cluster.pods[first].connected:  # noqa: ASYNC110  virtual time costs nothing
                await asyncio.sleep(0.01)
            cluster.drop_link(first)
            assert len(await finding) == 2

    virtual_time(main())


def test_a_pod_of_another_version_is_named(
    virtual_time: Callable[..., Any], make_recording: Callable[..., Recording], monkeypatch: pytest.MonkeyPatch
) -> None:
    original = VirtualPod._execute

    class Future:
        """A reply whose status is of wire version 2."""

        def __init__(self, reply: Any) -> None:
            self.data = bytearray(bytes(reply))
            if reply.op == firmware_protocol.Op.STATUS:
                self.data[3] = 2

        def __bytes__(self) -> bytes:
            return bytes(self.data)

    monkeypatch.setattr(VirtualPod, "_execute", lambda self, *args: Future(original(self, *args)))

    async def main() -> None:
        async with LocalCluster(make_recording()) as cluster:
            finder = PodFinder(cluster.radio)
            with pytest.raises(PodIncompatible, match=r"pod SPV-\S+ speaks wire version 2 .* update"):
                await find_team(finder, {}, timeout_s=5)
            notes: list[str] = []  # a stranger's old pod is no reason to stop
            with pytest.raises(PodNotFound, match="MINE"):
                await find_team(finder, {"MINE": PodSettings("left")}, timeout_s=5, note=notes.append)
            assert len(notes) == 2
            mine = next(iter(cluster.pods))
            with pytest.raises(PodIncompatible):
                await find_team(finder, {mine: PodSettings("left")}, timeout_s=5)

    virtual_time(main())


def test_an_unknown_address_is_asked_who_it_is(
    virtual_time: Callable[..., Any], make_recording: Callable[..., Recording]
) -> None:
    """As on macOS, or with a pod that rotates its address."""

    async def main() -> None:
        async with LocalCluster(make_recording()) as cluster:
            finder = PodFinder(cluster.radio)
            left, right = cluster.pods
            device = await finder.locate(right)
            assert device is not None
            assert device.address == cluster.pods[right].identity.address
            assert finder.serial_of(device) == right
            assert await finder.locate("NOBODY") is None
            await cluster.kill(left)
            assert await finder.locate(left) is None

    virtual_time(main())


def test_two_searches_at_once_take_turns(
    virtual_time: Callable[..., Any], make_recording: Callable[..., Recording]
) -> None:
    async def main() -> None:
        async with LocalCluster(make_recording()) as cluster:
            finder = PodFinder(cluster.radio)
            left, right = cluster.pods
            devices = await asyncio.gather(finder.locate(left), finder.locate(right), finder.locate("NOBODY"))
            assert [finder.serial_of(device) for device in devices if device] == [left, right]

    virtual_time(main())


def test_a_dead_radio_is_one_sentence(
    virtual_time: Callable[..., Any], make_recording: Callable[..., Recording]
) -> None:
    async def main() -> None:
        async with LocalCluster(make_recording()) as cluster:
            finder = PodFinder(cluster.radio)
        with pytest.raises(RadioUnavailable, match="the simulated radio cannot be used"):
            await find_team(finder, {})

    virtual_time(main())


def test_a_liar_is_left_alone(virtual_time: Callable[..., Any], make_recording: Callable[..., Recording]) -> None:
    """Something that advertises our service and has another serial at a known address is not our pod."""

    async def main() -> None:
        recording = make_recording()
        async with LocalCluster(recording) as cluster:
            finder = PodFinder(cluster.radio)
            left, right = cluster.pods
            device = await finder.locate(left)
            assert device is not None
            await cluster.kill(left)
            part = parts_of(recording)[0]
            impostor = replace(part.identity, serial="SOMEONE-ELSE")
            port = cluster.air.attach()
            other = VirtualPod(
                port.source,
                port.sink,
                replace(impostor),
                part.motion,
                cluster.world,
                rng=random.Random(1),
            )
            await other.power_on()
            found = await finder.locate("SOMEONE-ELSE")
            assert found is not None
            assert finder.serial_of(found) == "SOMEONE-ELSE"
            assert await finder.locate(left) is None
            assert await finder.locate(right) is not None
            await other.close()

    virtual_time(main())
