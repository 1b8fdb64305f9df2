from __future__ import annotations

import errno
import struct
import tempfile
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor_bridge.errors import SessionError
from sensor_bridge.store import NO_POD, ArchiveReader, ArchiveWriter, Record, RecordKind, json_payload
from sensor_bridge.store.archive import MAX_PAYLOAD_BYTES, SMALL_TAIL_BYTES

RECORDS = st.lists(
    st.builds(
        Record,
        st.sampled_from(RecordKind),
        st.integers(0, 255),
        st.integers(-(2**63), 2**63 - 1),
        st.binary(max_size=300),
    ),
    max_size=12,
)

# Written by hand from the layout in the module's docstring.
GOLDEN_HEADER = b"SHOEPOD\x1a" + b"\x01\x00" + b"\x00\x00"
GOLDEN_PACKET = b"\x03\x00\x00\x00" + b"\x03" + b"\x01" + b"\x00\xca\x9a\x3b\x00\x00\x00\x00" + b"abc"


def golden() -> bytes:
    length, body = GOLDEN_PACKET[:4], GOLDEN_PACKET[4:]
    crc = struct.pack("<I", zlib.crc32(GOLDEN_PACKET))
    return GOLDEN_HEADER + struct.pack("<I", zlib.crc32(GOLDEN_HEADER)) + length + crc + body


def write(path: Path, records: list[Record]) -> bytes:
    with ArchiveWriter(path) as archive:
        for record in records:
            archive.append(record.kind, record.pod, record.session_ns, record.payload)
        archive.flush()
    return path.read_bytes()


def read(data: bytes) -> tuple[list[Record], int]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x"
        path.write_bytes(data)
        reader = ArchiveReader(path)
        return list(reader), reader.left_over_bytes


def test_the_bytes_are_those_of_the_layout(tmp_path: Path) -> None:
    assert write(tmp_path / "a", [Record(RecordKind.PACKET, 1, 1_000_000_000, b"abc")]) == golden()


@given(RECORDS)
def test_what_is_written_is_read(records: list[Record]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        assert read(write(Path(folder) / "a", records)) == (records, 0)


@given(RECORDS, st.data())
def test_a_cut_leaves_the_whole_records_and_says_what_is_left_over(records: list[Record], data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        full = write(Path(folder) / "a", records)
    cut = data.draw(st.integers(16, len(full)))
    got, left_over = read(full[:cut])
    assert got == records[: len(got)]
    whole = 16 + sum(len(bytes(record)) for record in got)
    assert left_over == cut - whole
    assert len(got) == len(records) or whole + len(bytes(records[len(got)])) > cut


@given(RECORDS.filter(bool), st.data())
def test_a_flipped_bit_ends_the_file_before_its_record(records: list[Record], data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        full = bytearray(write(Path(folder) / "a", records))
    at = data.draw(st.integers(16, len(full) - 1))
    full[at] ^= 1 << data.draw(st.integers(0, 7))
    ends = [16]
    for record in records:
        ends.append(ends[-1] + len(bytes(record)))
    hit = next(i for i, end in enumerate(ends[1:]) if at < end)
    got, left_over = read(bytes(full))
    assert got == records[:hit]
    assert left_over == len(full) - ends[hit]


@given(st.binary(max_size=400), st.booleans())
def test_any_bytes_give_records_or_a_session_error(noise: bytes, has_header: bool) -> None:
    try:
        records, _ = read((golden() if has_header else b"") + noise)
    except SessionError:
        assert not has_header
    else:
        assert records[0] == Record(RecordKind.PACKET, 1, 1_000_000_000, b"abc")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "cut off"),
        (golden()[:15], "cut off"),
        (b"PK\x03\x04" + bytes(40), "not an archive"),
        (golden()[:13] + b"\0\0\0" + golden()[16:], "damaged header"),
        (b"SHOEPOD\x1a\x02\0\0\0" + struct.pack("<I", zlib.crc32(b"SHOEPOD\x1a\x02\0\0\0")), "version 2"),
    ],
)
def test_a_file_that_is_none_is_one_sentence(data: bytes, words: str) -> None:
    with pytest.raises(SessionError, match=words):
        read(data)


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(SessionError, match="No such file"):
        ArchiveReader(tmp_path / "none")


def test_a_length_that_claims_gigabytes_reads_nothing() -> None:
    records, left_over = read(golden() + b"\xff\xff\xff\xff" + bytes(40))
    assert (len(records), left_over) == (1, 44)


def test_resuming_cuts_the_torn_tail_and_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "a"
    whole = write(path, [Record(RecordKind.META, NO_POD, 0, b"{}"), Record(RecordKind.PACKET, 0, 1, b"p")])
    path.write_bytes(whole + bytes(Record(RecordKind.PACKET, 0, 2, b"torn"))[:-1])
    with ArchiveWriter(path, resume=True) as archive:
        assert archive.cut_bytes == 21
        archive.append(RecordKind.RESUME, NO_POD, 3, b"{}")
        archive.flush()
        archive.sync()
    reader = ArchiveReader(path)
    assert [record.kind for record in reader] == [RecordKind.META, RecordKind.PACKET, RecordKind.RESUME]
    assert reader.left_over_bytes == 0


def long_run(path: Path) -> tuple[bytes, int]:
    """Write 200 kB of packets; return them and where the second record begins."""
    meta = Record(RecordKind.META, NO_POD, 0, b"{}")
    full = write(path, [meta, *(Record(RecordKind.PACKET, 0, k, bytes(1000)) for k in range(200))])
    return full, 16 + len(bytes(meta))


def test_resuming_a_damaged_archive_keeps_what_it_cuts_off(tmp_path: Path) -> None:
    path = tmp_path / "a"
    full, second = long_run(path)
    for n in (1, 2):
        damaged = bytearray(full)
        damaged[second + 30] ^= n
        path.write_bytes(damaged)
        with ArchiveWriter(path, resume=True) as archive:
            assert (archive.cut_bytes, archive.size_bytes) == (len(full) - second, second)
            assert archive.kept_aside == tmp_path / f"a.damaged-{n}"
            assert archive.kept_aside.read_bytes() == damaged[second:]
            assert archive.kept_aside.stat().st_mode & 0o777 == 0o600
        assert path.read_bytes() == full[:second]
    assert (tmp_path / "a.damaged-1").read_bytes() != (tmp_path / "a.damaged-2").read_bytes()


@pytest.mark.parametrize("more", [0, 1])
def test_only_more_than_a_torn_tail_is_kept(tmp_path: Path, more: int) -> None:
    path = tmp_path / "a"
    write(path, [])
    path.write_bytes(path.read_bytes() + bytes([255]) * (SMALL_TAIL_BYTES + more))
    with ArchiveWriter(path, resume=True) as archive:
        assert archive.cut_bytes == SMALL_TAIL_BYTES + more
        assert (archive.kept_aside is not None) is bool(more)
    assert len(list(tmp_path.iterdir())) == 1 + more


def test_what_cannot_be_kept_is_not_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full_disk(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    path = tmp_path / "a"
    full, second = long_run(path)
    damaged = full[:second] + b"\xff" + full[second + 1 :]
    path.write_bytes(damaged)
    monkeypatch.setattr("shutil.copyfileobj", full_disk)
    with pytest.raises(OSError, match="No space left"):
        ArchiveWriter(path, resume=True)
    assert path.read_bytes() == damaged
    assert list(tmp_path.iterdir()) == [path]


def test_a_reader_knows_whether_the_session_was_closed(tmp_path: Path) -> None:
    end = Record(RecordKind.END, NO_POD, 2, b"{}")
    packet = Record(RecordKind.PACKET, 0, 1, b"p")
    for records, has_end in (([packet, end], True), ([packet], False), ([end, packet], False), ([], False)):
        write(tmp_path / "a", records)
        reader = ArchiveReader(tmp_path / "a")
        assert list(reader) == records
        assert reader.has_end is has_end
        (tmp_path / "a").unlink()


def test_an_archive_is_never_overwritten(tmp_path: Path) -> None:
    write(tmp_path / "a", [])
    with pytest.raises(SessionError, match="exists already"):
        ArchiveWriter(tmp_path / "a")


def test_a_record_that_does_not_fit_is_refused_before_it_is_written(tmp_path: Path) -> None:
    with ArchiveWriter(tmp_path / "a") as archive:
        for bad in ((0, 0, bytes(MAX_PAYLOAD_BYTES + 1)), (256, 0, b""), (0, 2**63, b"")):
            with pytest.raises(ValueError, match="record"):
                archive.append(RecordKind.PACKET, *bad)
        archive.flush()
    assert list(ArchiveReader(tmp_path / "a")) == []


@pytest.mark.parametrize("payload", [b"", b"[1]", b"{", b"\xff", b"[" * 100_000])
def test_json_that_is_none_is_a_session_error(payload: bytes) -> None:
    with pytest.raises(SessionError, match="JSON"):
        Record(RecordKind.DOWN, 0, 0, payload).json()


def test_meta_is_the_first_record_or_an_error(tmp_path: Path) -> None:
    meta = {"session": "é"}
    write(tmp_path / "a", [Record(RecordKind.META, NO_POD, 0, json_payload(meta))])
    assert ArchiveReader(tmp_path / "a").meta() == meta
    write(tmp_path / "b", [Record(RecordKind.PACKET, 0, 0, b"")])
    with pytest.raises(SessionError, match="holds no session"):
        ArchiveReader(tmp_path / "b").meta()
