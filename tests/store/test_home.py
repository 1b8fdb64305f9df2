from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sensor_bridge.errors import HomeBusy, HomeUnusable
from sensor_bridge.home import Home, write_private

HOLDER = """
import sys
from sensor_bridge.home import Home
with Home.locate().lock():
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(home: Home) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the home's lock."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "SHOEPOD_HOME": str(home.config_dir)},
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


@pytest.fixture
def open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_variable_moves_configuration_and_data(tmp_path: Path) -> None:
    home = Home.locate({"SHOEPOD_HOME": str(tmp_path / "x")})
    assert home.config_file == tmp_path / "x" / "shoepod.toml"
    assert home.database.is_relative_to(tmp_path / "x")
    assert home.archive("abc").is_relative_to(tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_without_the_variable_the_platforms_folders_serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "c"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "d"))
    home = Home.locate({})
    if sys.platform == "linux":
        assert home == Home(tmp_path / "c" / "shoepod", tmp_path / "d" / "shoepod")
    assert home.config_file.name == "shoepod.toml"


@pytest.mark.usefixtures("open_umask")
def test_folders_and_files_are_private_whatever_the_umask(tmp_path: Path) -> None:
    home = Home.locate({"SHOEPOD_HOME": str(tmp_path / "new")}).ensure()
    write_private(home.data_dir / "file", b"x")
    assert {mode(p) for p in (home.config_dir, home.data_dir, home.sessions_dir)} == {0o700}
    assert mode(home.data_dir / "file") == 0o600


def test_a_data_folder_that_others_could_read_is_closed(tmp_path: Path) -> None:
    home = Home.locate({"SHOEPOD_HOME": str(tmp_path)})
    home.data_dir.mkdir(mode=0o755)
    assert mode(home.ensure().data_dir) == 0o700


def test_a_file_where_the_folder_should_be_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(HomeUnusable, match="set SHOEPOD_HOME"):
        Home.locate({"SHOEPOD_HOME": str(tmp_path / "taken")}).ensure()


def test_a_failed_write_leaves_the_old_file_and_no_rest(home: Home) -> None:
    path = home.data_dir / "file"
    write_private(path, b"old")
    with pytest.raises(TypeError):
        write_private(path, "not bytes")  # type: ignore[arg-type]
    assert path.read_bytes() == b"old"
    assert [p.name for p in home.data_dir.iterdir() if p.is_file()] == ["file"]


def test_a_second_bridge_is_refused(home: Home, holder: subprocess.Popen[str]) -> None:
    assert home.is_busy()
    with pytest.raises(HomeBusy, match="already running"), home.lock():
        pass
    holder.kill()
    holder.wait()
    assert not home.is_busy()
    with home.lock():
        assert home.is_busy()
    assert not home.is_busy()


def test_a_question_does_not_take_the_home_from_a_bridge(home: Home) -> None:
    with home.lock():
        assert home.is_busy()
        with pytest.raises(HomeBusy), home.lock():
            pass
        assert home.is_busy()
