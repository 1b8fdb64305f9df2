"""Bytes on air, locked both ways against frames that no encoder wrote."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import firmware_protocol as fp
from firmware_protocol import ImuFlags, ImuPacket, PodStatus, Reply, Result, Role, Side, StatusFlags

STATUS = PodStatus(
    side=Side.LEFT,
    role=Role.FOOT,
    flags=StatusFlags.STREAMING,
    battery_percent=87,
    battery_mv=3987,
    boot_id=0x1A2B3C4D,
    tick_us=5_000_000_000,
    packets_sent=200_000,
    packets_dropped=3,
    samples_overrun=0,
    connections=2,
    last_error=0,
    serial="SP-0001-L",
)

FRAMES: dict[str, ImuPacket | PodStatus] = {
    "imu_one_sample": ImuPacket(
        1, 1_000_000, 5000, ImuFlags.GYR_SATURATED, 20072, 20497, ((0, -1, 2049, 100, -100, 32767),)
    ),
    "imu_extremes": ImuPacket(
        2**32 - 1,
        2**32 - 1,
        65535,
        ImuFlags.ACC_SATURATED | ImuFlags.GYR_SATURATED | ImuFlags.OVERRUN | ImuFlags(0x80),
        1,
        65535,
        ((-32768, 32767, -32768, 32767, -32768, 32767), (0, 0, 0, 0, 0, 0)),
    ),
    "imu_full": ImuPacket(
        10,
        2**31,
        4808,
        ImuFlags.NONE,
        20072,
        20497,
        tuple((n, -n, 256 * n, n, n, n) for n in range(1, 20)),
    ),
    "status": STATUS,
    "status_sparse": PodStatus(
        side=Side.UNKNOWN,
        role=Role.THIGH,
        flags=StatusFlags.CHARGING | StatusFlags.LOW_BATTERY | StatusFlags(0x40),
        battery_percent=fp.BATTERY_UNKNOWN,
        battery_mv=0,
        boot_id=0,
        tick_us=2**64 - 1,
        packets_sent=0,
        packets_dropped=2**32 - 1,
        samples_overrun=1,
        connections=65535,
        last_error=12345,
        serial="ABCDEFGHIJKLMNO~",
    ),
}

COMMANDS: dict[str, tuple[int, fp.Command]] = {
    "start": (7, fp.Start(200, 16, 2000, 5)),
    "stop": (8, fp.Stop()),
    "set_side": (9, fp.SetSide(Side.RIGHT, Role.THIGH)),
    "identify": (10, fp.Identify(30)),
    "clock_ping": (11, fp.ClockPing(0x12345678)),
    "get_status": (255, fp.GetStatus()),
}

REPLIES: dict[str, Reply] = {
    "start_reply": Reply(fp.Op.START, 7, Result.OK, fp.Started(208_000, 16, 2000, 5, 20072, 20497, 0x1A2B3C4D)),
    "stop_reply": Reply(fp.Op.STOP, 8, Result.OK),
    "set_side_reply": Reply(fp.Op.SET_SIDE, 9, Result.OK),
    "identify_reply": Reply(fp.Op.IDENTIFY, 10, Result.OK),
    "clock_ping_reply": Reply(fp.Op.CLOCK_PING, 11, Result.OK, fp.ClockPong(0x12345678, 5_000_000_000)),
    "status_reply": Reply(fp.Op.STATUS, 255, Result.OK, STATUS),
    "unknown_op_reply": Reply(0x77, 13, Result.UNKNOWN_OP),
    "busy_reply": Reply(fp.Op.START, 14, Result.BUSY),
}

DECODERS: dict[str, Any] = {
    "imu": ImuPacket.from_bytes,
    "status": PodStatus.from_bytes,
    "command": fp.decode_command,
    "reply": fp.decode_reply,
}
BAD = sorted((Path(__file__).parent / "golden" / "bad").glob("*.hex"))


@pytest.mark.parametrize("name", FRAMES)
def test_frames(golden: Any, name: str) -> None:
    data, value = golden.read(f"{name}.hex"), FRAMES[name]
    assert bytes(value) == data
    assert type(value).from_bytes(data) == value
    assert type(value).from_bytes(bytearray(data)) == value
    assert type(value).from_bytes(memoryview(data)) == value


@pytest.mark.parametrize("name", COMMANDS)
def test_commands(golden: Any, name: str) -> None:
    data, (request, command) = golden.read(f"{name}.hex"), COMMANDS[name]
    assert fp.encode_command(command, request) == data
    assert fp.decode_command(data) == (request, command)


@pytest.mark.parametrize("name", REPLIES)
def test_replies(golden: Any, name: str) -> None:
    data, reply = golden.read(f"{name}.hex"), REPLIES[name]
    assert bytes(reply) == data
    assert fp.decode_reply(data) == reply


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_bad_frames(golden: Any, path: Path) -> None:
    head = re.match(r"# decoder: (\w+)  error: (\w+)", path.read_text(encoding="ascii"))
    assert head is not None
    with pytest.raises(fp.DecodeError) as caught:
        DECODERS[head[1]](golden.read(path))
    assert type(caught.value).__name__ == head[2]
    assert "\n" not in str(caught.value)


def test_every_golden_file_is_used(golden: Any) -> None:
    assert set(golden.good()) == FRAMES.keys() | COMMANDS.keys() | REPLIES.keys()


def test_the_full_packet_has_the_size_of_the_largest_notification(golden: Any) -> None:
    assert len(golden.read("imu_full.hex")) == 247 - 3


def test_an_opcode_above_127_is_answered_by_its_low_seven_bits() -> None:
    data = bytes(Reply(0x85, 3, Result.UNKNOWN_OP))
    assert data == bytes([0x85, 3, Result.UNKNOWN_OP])
    assert fp.decode_reply(data) == Reply(0x05, 3, Result.UNKNOWN_OP)


def test_reserved_byte_of_the_status_is_ignored(golden: Any) -> None:
    data = bytearray(golden.read("status.hex"))
    data[5] = 0xAA
    assert PodStatus.from_bytes(data) == STATUS
