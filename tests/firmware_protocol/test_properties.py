"""Any value comes back as it went; any bytes give a value or a DecodeError."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import firmware_protocol as fp
from firmware_protocol import DecodeError, ImuFlags, ImuPacket, PodStatus, Reply, Result, Role, Side, StatusFlags

U8, U16 = st.integers(0, 0xFF), st.integers(0, 0xFFFF)
U32, U64 = st.integers(0, 2**32 - 1), st.integers(0, 2**64 - 1)
I16 = st.integers(-(2**15), 2**15 - 1)
POSITIVE_U16 = st.integers(1, 0xFFFF)

SERIALS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=16)
PACKETS = st.builds(
    ImuPacket,
    sequence=U32,
    tick_us=U32,
    period_us=POSITIVE_U16,
    flags=U8.map(ImuFlags),
    acc_scale=POSITIVE_U16,
    gyr_scale=POSITIVE_U16,
    samples=st.lists(st.tuples(I16, I16, I16, I16, I16, I16), min_size=1, max_size=19).map(tuple),
)
STATUSES = st.builds(
    PodStatus,
    side=st.sampled_from(Side),
    role=st.sampled_from(Role),
    flags=U8.map(StatusFlags),
    battery_percent=st.integers(0, 100) | st.just(fp.BATTERY_UNKNOWN),
    battery_mv=U16,
    boot_id=U32,
    tick_us=U64,
    packets_sent=U32,
    packets_dropped=U32,
    samples_overrun=U32,
    connections=U16,
    last_error=U16,
    serial=SERIALS,
)
COUNTS = st.integers(1, 19)
COMMANDS = st.one_of(
    st.builds(fp.Start, POSITIVE_U16, st.integers(1, 255), POSITIVE_U16, COUNTS),
    st.just(fp.Stop()),
    st.builds(fp.SetSide, st.sampled_from([Side.LEFT, Side.RIGHT]), st.sampled_from(Role)),
    st.builds(fp.Identify, U8),
    st.builds(fp.ClockPing, U32),
    st.just(fp.GetStatus()),
)
STARTED = st.builds(
    fp.Started,
    st.integers(1, 2**32 - 1),
    st.integers(1, 255),
    POSITIVE_U16,
    COUNTS,
    POSITIVE_U16,
    POSITIVE_U16,
    U32,
)
REPLIES = st.one_of(
    st.builds(Reply, st.just(int(fp.Op.START)), U8, st.just(Result.OK), STARTED),
    st.builds(Reply, st.just(int(fp.Op.CLOCK_PING)), U8, st.just(Result.OK), st.builds(fp.ClockPong, U32, U64)),
    st.builds(Reply, st.just(int(fp.Op.STATUS)), U8, st.just(Result.OK), STATUSES),
    st.builds(Reply, st.sampled_from([2, 3, 4, 0x30]), U8, st.just(Result.OK)),
    st.builds(Reply, st.integers(0, 127), U8, st.sampled_from([r for r in Result if r is not Result.OK])),
)

DECODERS: dict[str, Callable[[bytes], Any]] = {
    "packet": ImuPacket.from_bytes,
    "status": PodStatus.from_bytes,
    "command": fp.decode_command,
    "reply": fp.decode_reply,
    "stream": lambda data: fp.PodStream().receive(data),
}


def attempt(decode: Callable[[bytes], Any], data: bytes) -> Any:
    """Return the value, or the one error that is allowed."""
    try:
        return decode(data)
    except DecodeError as error:
        return error


@given(PACKETS)
def test_packets_round_trip(packet: ImuPacket) -> None:
    assert ImuPacket.from_bytes(bytes(packet)) == packet


@given(STATUSES)
def test_statuses_round_trip(status: PodStatus) -> None:
    assert PodStatus.from_bytes(bytes(status)) == status


@given(COMMANDS, U8)
def test_commands_round_trip(command: fp.Command, request: int) -> None:
    assert fp.decode_command(fp.encode_command(command, request)) == (request, command)


@given(REPLIES)
def test_replies_round_trip(reply: Reply) -> None:
    assert fp.decode_reply(bytes(reply)) == reply


@pytest.mark.parametrize("name", DECODERS)
@given(data=st.binary(max_size=300))
@example(data=b"\x21" * 28)
@example(data=b"\x86\x00\x00" + b"\x01" * 52)
def test_any_bytes_give_a_value_or_a_decode_error(name: str, data: bytes) -> None:
    found = attempt(DECODERS[name], data)
    assert not isinstance(found, DecodeError) or str(found).startswith(found.what)


@given(st.binary(min_size=28, max_size=300))
def test_what_decodes_encodes_to_the_same_packet(data: bytes) -> None:
    shaped = bytearray(data)
    shaped[10] = 0x20 | min((len(shaped) - 16) // 12, 19)
    shaped = shaped[: 16 + 12 * (shaped[10] & 0x1F)]
    found = attempt(ImuPacket.from_bytes, bytes(shaped))
    if isinstance(found, DecodeError):
        assert found.reason == "period and scales must not be 0"
    else:
        assert bytes(found) == shaped


MUTATIONS = 20_000


def mutate(data: bytes, rng: random.Random) -> bytes:
    mutated = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        kind = rng.randrange(5)
        at = rng.randrange(len(mutated) + 1)
        if kind == 0 and at < len(mutated):
            mutated[at] ^= 1 << rng.randrange(8)
        elif kind == 1 and at < len(mutated):
            mutated[at] = rng.choice((0, 1, 0x7F, 0x80, 0xFF))
        elif kind == 2:
            del mutated[at:]
        elif kind == 3:
            mutated[at:at] = rng.randbytes(rng.randint(1, 12))
        else:
            del mutated[at : at + rng.randint(1, 12)]
    return bytes(mutated)


def test_mutated_golden_frames(golden: Any) -> None:
    """A fuzzer's worth of near misses, the same ones every time; what survives must encode again."""
    rng, frames = random.Random(20240501), list(golden.good().values())
    survived = refused = 0
    for _ in range(MUTATIONS):
        data = mutate(rng.choice(frames), rng)
        for name, decode in DECODERS.items():
            value = attempt(decode, data)
            if isinstance(value, DecodeError):
                refused += 1
                continue
            survived += 1
            if name == "packet":
                assert bytes(value) == data
            elif name == "command":
                assert fp.encode_command(value[1], value[0]) == data
            elif name == "reply":
                assert fp.decode_reply(bytes(value)) == value
    assert survived > MUTATIONS // 10, "the fuzzer must also reach what lies behind the first checks"
    assert refused > MUTATIONS


@pytest.mark.parametrize(
    "make",
    [
        lambda: bytes(ImuPacket(0, 0, 5000, ImuFlags.NONE, 1, 1, ())),
        lambda: bytes(ImuPacket(0, 0, 5000, ImuFlags.NONE, 1, 1, ((0,) * 6,) * 20)),
        lambda: bytes(ImuPacket(0, 0, 0, ImuFlags.NONE, 1, 1, ((0,) * 6,))),  # type: ignore[arg-type]
        lambda: bytes(ImuPacket(0, 0, 1, ImuFlags.NONE, 0, 1, ((0,) * 6,))),  # type: ignore[arg-type]
        lambda: bytes(ImuPacket(2**32, 0, 1, ImuFlags.NONE, 1, 1, ((0,) * 6,))),  # type: ignore[arg-type]
        lambda: bytes(ImuPacket(0, 0, 1, ImuFlags.NONE, 1, 1, ((0, 0, 0, 0, 0, 40000),))),
        lambda: fp.encode_command(fp.Stop(), 256),
        lambda: fp.encode_command(fp.Start(200, 16, 2000, 20), 1),
        lambda: fp.encode_command(fp.Start(0, 16, 2000, 5), 1),
        lambda: fp.encode_command(fp.Start(200, 0, 2000, 5), 1),
        lambda: fp.encode_command(fp.Start(200, 16, 70000, 5), 1),
        lambda: fp.encode_command(fp.SetSide(Side.UNKNOWN, Role.FOOT), 1),
        lambda: fp.encode_command(fp.Identify(300), 1),
        lambda: bytes(Reply(fp.Op.START, 1, Result.OK)),
        lambda: bytes(Reply(fp.Op.STOP, 1, Result.OK, fp.ClockPong(1, 1))),
        lambda: bytes(Reply(fp.Op.START, 1, Result.OK, fp.Started(0, 16, 2000, 5, 1, 1, 0))),
        lambda: bytes(Reply(fp.Op.START, 1, Result.BUSY, fp.Started(200_000, 16, 2000, 5, 1, 1, 0))),
    ],
)
def test_what_no_one_could_decode_is_not_encoded(make: Callable[[], bytes]) -> None:
    with pytest.raises(ValueError, match=r"\w+ \w+"):
        make()


@pytest.mark.parametrize("serial", ["", "A" * 17, "with blank", "umlaut-ä", "nul\0", "tab\t"])
def test_serials_that_cannot_travel_are_refused(golden: Any, serial: str) -> None:
    import dataclasses

    status = PodStatus.from_bytes(golden.read("status.hex"))
    with pytest.raises(ValueError, match="printable ASCII"):
        bytes(dataclasses.replace(status, serial=serial))
