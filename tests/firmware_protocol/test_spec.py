"""SPEC.md says what the code does: identifiers, tables, worked examples."""

from __future__ import annotations

import re
import struct
from pathlib import Path
from typing import Any

import pytest

import firmware_protocol as fp
from firmware_protocol import imu_packet, scales, status

SPEC = (Path(fp.__file__).parent / "SPEC.md").read_text(encoding="utf-8")


def section(number: int) -> str:
    match = re.search(rf"^## {number}\. .*?(?=^## |\Z)", SPEC, re.MULTILINE | re.DOTALL)
    assert match is not None
    return match[0]


def rows(text: str, columns: int) -> list[list[str]]:
    """Return the body rows of all tables with so many columns."""
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"]
    heads = {i - 1 for i, row in enumerate(cells) if all(set(cell) <= {"-"} for cell in row)}
    return [
        row
        for i, row in enumerate(cells)
        if len(row) == columns and i not in heads and not all(set(cell) <= {"-"} and cell for cell in row)
    ]


@pytest.mark.parametrize(
    ("name", "uuid"),
    [
        ("**Pod service**", fp.POD_SERVICE_UUID),
        ("IMU stream", fp.IMU_STREAM_UUID),
        ("Control point", fp.CONTROL_POINT_UUID),
        ("Status", fp.STATUS_UUID),
        ("**Battery**", fp.BATTERY_SERVICE_UUID),
        ("Battery Level", fp.BATTERY_LEVEL_UUID),
        ("**Device Information**", fp.DEVICE_INFORMATION_SERVICE_UUID),
        ("Manufacturer Name", fp.MANUFACTURER_NAME_UUID),
        ("Model Number", fp.MODEL_NUMBER_UUID),
        ("Serial Number", fp.SERIAL_NUMBER_UUID),
        ("Firmware Revision", fp.FIRMWARE_REVISION_UUID),
    ],
)
def test_identifiers(name: str, uuid: str) -> None:
    stated = {row[0]: row[1].strip("`") for row in rows(section(2), 3)}
    assert stated[name] == uuid


def layout_of(text: str) -> tuple[list[tuple[int, int]], str]:
    """Return ``(first, last)`` byte and the struct format of a byte table."""
    codes = {"u8": "B", "u16": "H", "u32": "I", "u64": "Q", "16 bytes": "16s"}
    spans, layout = [], "<"
    for where, kind, *_ in rows(text, 4):
        if kind not in codes:
            continue
        first, _, last = where.partition("-")
        spans.append((int(first), int(last or first)))
        layout += codes[kind]
    return spans, layout


def test_the_byte_table_of_the_packet() -> None:
    spans, layout = layout_of(section(3))
    assert layout == imu_packet._HEADER.format
    assert_gapless(spans, imu_packet.HEADER_BYTES)


def test_the_byte_table_of_the_status() -> None:
    spans, layout = layout_of(section(5))
    assert layout == status._LAYOUT.format
    assert_gapless(spans, status.STATUS_BYTES)


def assert_gapless(spans: list[tuple[int, int]], size: int) -> None:
    assert [first for first, _ in spans] == [0] + [last + 1 for _, last in spans[:-1]]
    assert spans[-1][1] == size - 1


def test_the_tables_of_the_control_point() -> None:
    ops = {int(row[0], 16): row for row in rows(section(4), 4)}
    assert ops.keys() == set(fp.Op)
    codes = {"u8": "B", "u16": "H", "u32": "I", "u64": "Q"}
    for cls in (fp.Start, fp.Stop, fp.SetSide, fp.Identify, fp.ClockPing, fp.GetStatus):
        stated = "".join(codes[kind] for kind in re.findall(r"\b(u8|u16|u32|u64)\b", ops[cls.op][2]))
        assert "<" + stated == cls.layout.format
    for op, body in ((fp.Op.START, fp.Started), (fp.Op.CLOCK_PING, fp.ClockPong)):
        stated = "".join(codes[kind] for kind in re.findall(r"\b(u8|u16|u32|u64)\b", ops[op][3]))
        assert "<" + stated == body.layout.format
    results = {int(row[0]): row[1] for row in rows(section(4), 3)}
    assert results == {int(result): result.name for result in fp.Result}


def test_the_flags() -> None:
    assert "0x01 accelerometer saturated, 0x02 gyro saturated, 0x04 overrun" in section(3)
    assert [int(f) for f in (fp.ImuFlags.ACC_SATURATED, fp.ImuFlags.GYR_SATURATED, fp.ImuFlags.OVERRUN)] == [1, 2, 4]
    assert "0x01 streaming, 0x02 charging, 0x04 low battery" in section(5)
    assert [int(f) for f in (fp.StatusFlags.STREAMING, fp.StatusFlags.CHARGING, fp.StatusFlags.LOW_BATTERY)] == [
        1,
        2,
        4,
    ]


def test_the_scales() -> None:
    table = rows(section(3), 6)
    listed = set()
    for sensor, range_, sensitivity, lsb, scale, error in table:
        size, unit = re.fullmatch(r"±(\d+) (g|dps)", range_).groups()  # type: ignore[union-attr]
        model = next(model for model in scales.SENSORS if model.name == sensor)
        if unit == "g":
            exact, whole = model.acc_mps2_per_lsb[int(size)], scales.acc_scale(model.acc_mps2_per_lsb[int(size)])
            one, back = scales.STANDARD_GRAVITY_MPS2, whole * fp.ACC_SCALE_UNIT_MPS2
        else:
            exact, whole = model.gyr_radps_per_lsb[int(size)], scales.gyr_scale(model.gyr_radps_per_lsb[int(size)])
            one, back = 0.017453292519943295, whole * fp.GYR_SCALE_UNIT_RADPS
        number, per = re.fullmatch(r"([\d.]+) (\S+)", sensitivity).groups()  # type: ignore[union-attr]
        stated = float(number) * one / 1000 if per.startswith("m") else one / float(number)
        assert stated == pytest.approx(exact, rel=1e-12)
        assert float(lsb.split()[0]) == pytest.approx(exact, rel=1e-5)
        assert int(scale) == whole
        assert int(error) == round((back / exact - 1.0) * 1e6)
        listed.add((sensor, range_))
    assert (
        len(listed)
        == len(table)
        == sum(len(model.acc_mps2_per_lsb) + len(model.gyr_radps_per_lsb) for model in scales.SENSORS)
    )


def test_the_worked_examples_are_the_golden_bytes(golden: Any) -> None:
    text = section(7)
    shown = [bytes.fromhex(block) for block in re.findall(r"```\n(.*?)```", text, re.DOTALL)]
    names = re.findall(r"`(\w+)\.hex`", text)
    assert len(names) == 7
    assert b"".join(shown) == b"".join(golden.read(f"{name}.hex") for name in names)
    assert f"{2049 * 20072 * fp.ACC_SCALE_UNIT_MPS2:.4f} m/s^2" in text


def test_the_spec_warns_that_nothing_is_paired() -> None:
    assert "Links are unpaired and unencrypted: for development only" in SPEC


def test_scales_that_do_not_fit_are_refused() -> None:
    assert scales.acc_scale(65535 * 2.0**-22) == 65535
    assert scales.gyr_scale(2.0**-24) == 1
    for lsb in (0.0, -1e-3, 0.0157, float("inf"), float("nan")):
        with pytest.raises(ValueError, match="does not fit"):
            scales.acc_scale(lsb)
    with pytest.raises(ValueError, match="does not fit"):
        scales.gyr_scale(0.0040)


def test_struct_layouts_are_little_endian_without_padding() -> None:
    assert struct.calcsize("<" + imu_packet._HEADER.format.strip("<")) == 16
    assert imu_packet.HEADER_BYTES + 19 * imu_packet.SAMPLE_BYTES == 244
