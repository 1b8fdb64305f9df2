"""Commands that read the store say what is damaged or unknown, in one sentence, and go on."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from sensor_bridge.cli.main import main
from sensor_bridge.home import Home
from sensor_bridge.settings import RunnerSettings
from sensor_bridge.store import RecordKind, SessionHeader, SessionWriter
from sensor_bridge.store.archive import SMALL_TAIL_BYTES

Record = Callable[..., Path]
ENDS_S = 90.0


@pytest.fixture
def record(home: Home, monkeypatch: pytest.MonkeyPatch) -> Record:
    """Store a session of 100 kB, of one record a second; return its archive."""
    monkeypatch.setenv("SHOEPOD_HOME", str(home.config_dir))

    def run(header: SessionHeader, *, closed: bool = True) -> Path:
        writer = SessionWriter(home, header, lambda notice: None, commit_interval_s=0.01)
        writer.start()
        for second in range(80):
            writer.put_raw(RecordKind.DOWN, 0, second * 10**9, bytes(1250))
        writer.close(ENDS_S, "closed" if closed else "interrupted")
        return home.archive(header.session_id)

    return run


def damaged(archive: Path, share: float) -> None:
    data = bytearray(archive.read_bytes())
    data[int(share * len(data))] ^= 1
    archive.write_bytes(data)


@pytest.fixture
def analyze(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[[], list[str]]:
    """Analyze the last session; return what was said on stderr."""

    def run() -> list[str]:
        assert main(["analyze", "last", "--out", str(tmp_path / "steps.csv")]) == 0
        assert len((tmp_path / "steps.csv").read_text().splitlines()) == 1
        return capsys.readouterr().err.splitlines()

    return run


@pytest.mark.parametrize("closed", [True, False])
def test_a_whole_session_is_analyzed_without_a_word(
    record: Record, header: SessionHeader, analyze: Callable[[], list[str]], closed: bool
) -> None:
    archive = record(header, closed=closed)
    assert analyze() == []
    archive.write_bytes(archive.read_bytes() + b"\xff" * SMALL_TAIL_BYTES)
    assert analyze() == [], "a torn tail is normal"


@pytest.mark.parametrize("closed", [True, False])
def test_damage_inside_a_session_is_said(
    record: Record, header: SessionHeader, analyze: Callable[[], list[str]], closed: bool
) -> None:
    damaged(record(header, closed=closed), 0.1)
    [warning] = analyze()
    assert warning.startswith("shoepod: warning: ")
    assert f"the packets of {header.session_id} are damaged, so the steps end at 0:0" in warning
    assert "0.1 MB" in warning


def test_a_closed_session_without_its_end_is_said(
    record: Record, header: SessionHeader, analyze: Callable[[], list[str]]
) -> None:
    damaged(record(header), 0.9999)
    [warning] = analyze()
    assert f"the last packets of {header.session_id} are missing, so the steps end at 1:19" in warning


def test_a_session_of_an_unknown_zone_or_name_spoils_no_list(
    record: Record, header: SessionHeader, capsys: pytest.CaptureFixture[str]
) -> None:
    hostile = replace(header.settings, runner=RunnerSettings("Eve\x1b[2J"))
    record(replace(header, session_id="a-mars", zone="Mars/Olympus"))
    record(replace(header, session_id="b-offset", zone="+02:00"))
    record(replace(header, session_id="c-hostile", settings=hostile))
    assert main(["sessions"]) == 0
    head, *rows = capsys.readouterr().out.splitlines()
    assert [row[24:41].strip() for row in (head, *rows)] == [
        "started (local)",
        "2026-03-01 07:00Z",
        "2026-03-01 09:00",
        "2026-03-01 08:00",
    ]
    assert [row.split()[-1] for row in rows] == ["Nightjar", "Nightjar", "Eve?[2J"]
    assert len({row.index("closed") for row in rows} | {head.index("state")}) == 1
    assert main(["sessions", "--json"]) == 0
    table = json.loads(capsys.readouterr().out)
    assert [one["zone"] for one in table] == ["Mars/Olympus", "+02:00", "Europe/Vienna"]
    assert table[2]["runner"] == "Eve?[2J"
