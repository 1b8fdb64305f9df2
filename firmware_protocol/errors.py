"""Errors of the wire format.

::

    ProtocolError
    └── DecodeError              any bytes that are not a valid frame
        ├── Truncated            shorter than its layout says
        ├── BadLength            longer than its layout says
        ├── BadValue             a field outside its range
        ├── UnknownCode          an opcode, side, role or result that this version does not know
        ├── UnsupportedVersion   a frame of another wire version
        └── BadCrc               stored data whose checksum does not match
"""

from __future__ import annotations


class ProtocolError(Exception):
    """Base of everything this package raises."""


class DecodeError(ProtocolError):
    """The bytes are not a valid frame.

    Attributes
    ----------
    what : str
        The kind of frame that was expected, e.g. ``"IMU packet"``.
    """

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(f"{what}: {reason}")
        self.what = what
        self.reason = reason


class Truncated(DecodeError):
    """Shorter than its layout says."""

    def __init__(self, what: str, need: int, got: int) -> None:
        super().__init__(what, f"needs {need} bytes, got {got}")
        self.need = need
        self.got = got


class BadLength(DecodeError):
    """Longer than its layout says."""

    def __init__(self, what: str, need: int, got: int) -> None:
        super().__init__(what, f"is {need} bytes by its layout, got {got}")
        self.need = need
        self.got = got


class BadValue(DecodeError):
    """A field is outside its range."""


class UnknownCode(DecodeError):
    """An opcode, side, role or result that this version does not know."""

    def __init__(self, what: str, field: str, code: int) -> None:
        super().__init__(what, f"unknown {field} 0x{code:02x}")
        self.field = field
        self.code = code


class UnsupportedVersion(DecodeError):
    """The frame is of another wire version."""

    def __init__(self, what: str, version: int, supported: int) -> None:
        super().__init__(what, f"wire version {version}, this side speaks {supported}")
        self.version = version
        self.supported = supported


class BadCrc(DecodeError):
    """Stored data whose checksum does not match."""
