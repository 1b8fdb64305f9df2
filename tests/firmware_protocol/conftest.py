"""Golden frames: hex text with comments, written by hand from the SPEC."""

from __future__ import annotations

from pathlib import Path

import pytest

GOLDEN = Path(__file__).parent / "golden"


class GoldenFrames:
    folder = GOLDEN

    def read(self, path: Path | str) -> bytes:
        text = (GOLDEN / path if isinstance(path, str) else path).read_text(encoding="ascii")
        return bytes.fromhex("".join(line.partition("#")[0] for line in text.splitlines()))

    def good(self) -> dict[str, bytes]:
        return {path.stem: self.read(path) for path in sorted(GOLDEN.glob("*.hex"))}


@pytest.fixture(scope="session")
def golden() -> GoldenFrames:
    return GoldenFrames()
