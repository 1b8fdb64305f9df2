"""``shoepod sync`` says what was not delivered, and why, until all is."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from sensor_bridge.cli import sync as sync_command
from sensor_bridge.cli.main import main
from sensor_bridge.home import Home
from sensor_bridge.store import OutboxRow, Refused

Sync = Callable[..., tuple[int, list[str]]]


class Server:
    """A broker that refuses the step ids it is told to."""

    name = "mqtt"
    batch_rows = 10

    def __init__(self) -> None:
        self.refuses: set[int] = set()
        self.got: list[int] = []

    async def send(self, rows: Sequence[OutboxRow]) -> list[Refused]:
        self.got += [row.payload["step_id"] for row in rows]
        return [Refused(row, "bad") for row in rows if row.payload["step_id"] in self.refuses]

    async def close(self) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    server = Server()
    monkeypatch.setattr(sync_command, "enabled_sink_list", lambda settings: [server])
    return server


@pytest.fixture
def sync(home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Sync:
    monkeypatch.setenv("SHOEPOD_HOME", str(home.config_dir))

    def run(*options: str) -> tuple[int, list[str]]:
        code = main(["sync", *options])
        said = capsys.readouterr()
        return code, (said.out + said.err).splitlines()

    return run


def test_refused_rows_are_told_until_the_server_takes_them(
    store_steps: Callable[[range], None], server: Server, sync: Sync
) -> None:
    store_steps(range(1, 6))
    refused = "mqtt: 2 refused by the server and kept; see why, then: shoepod sync --retry-refused"
    off = "influx: 5 waiting, but it is switched off; set enabled = true under [influx] to send them"
    server.refuses = {2, 3}
    assert sync() == (1, ["mqtt: 3 sent, 2 refused", off, refused])
    assert sync() == (1, ["mqtt: 0 sent", off, refused]), "not offered again unless asked for"
    assert server.got == [1, 2, 3, 4, 5]
    server.refuses = {3}
    assert sync("--retry-refused") == (1, ["mqtt: 1 sent, 1 refused", off, refused.replace("2 refused", "1 refused")])
    server.refuses = set()
    assert sync("--retry-refused") == (1, ["mqtt: 1 sent", off])
    assert server.got == [1, 2, 3, 4, 5, 2, 3, 3]
    server.name = "influx"
    assert sync() == (0, ["influx: 5 sent"])


def test_with_everything_switched_off_what_waits_is_told(store_steps: Callable[[range], None], sync: Sync) -> None:
    code, said = sync()
    assert (code, len(said)) == (2, 1)
    assert "waiting" not in said[0]
    store_steps(range(1, 4))
    code, said = sync()
    assert (code, len(said)) == (2, 1)
    assert "mqtt: 3 waiting, but it is switched off" in said[0]
