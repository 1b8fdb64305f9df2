"""Shared fixtures."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from tests.virtual_time import run_virtually


@pytest.fixture
def virtual_time() -> Callable[[Coroutine[Any, Any, Any]], Any]:
    """Return a function that runs a coroutine in virtual time, to its end."""

    return lambda main: run_virtually(lambda: main)


@pytest.fixture
def require_program() -> Callable[[str], str]:
    """Return the path of an installed program; skip without it, fail where servers are required."""

    def require(name: str) -> str:
        path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
        if path is None:
            reason = f"{name} is not installed"
            if os.environ.get("SHOEPOD_REQUIRE_SERVERS") == "1":
                pytest.fail(f"{reason}, and SHOEPOD_REQUIRE_SERVERS=1 asks for it")
            pytest.skip(reason)
        return path

    return require


@pytest.fixture
def free_port() -> int:
    """Return a loopback TCP port that was free a moment ago."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
