"""What the tests of the player share."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable

import pytest


@pytest.fixture
def until() -> Callable[[Callable[[], bool]], Awaitable[None]]:
    """Wait for something another process does; fail if it never happens."""

    async def wait(condition: Callable[[], bool], limit_s: float = 10.0) -> None:
        end_s = time.monotonic() + limit_s
        while not condition():
            if time.monotonic() > end_s:
                pytest.fail("it did not happen")
            with contextlib.suppress(TimeoutError):
                await asyncio.sleep(0.02)

    return wait
