"""The GATT identifiers, once.

Ours share one random 128-bit base; only the second half of the first group differs.
"""

from __future__ import annotations

from typing import Final


def _ours(short: int) -> str:
    return f"d55d{short:04x}-40d4-48aa-9412-a0072ad72cc9"


def _sig(short: int) -> str:
    return f"0000{short:04x}-0000-1000-8000-00805f9b34fb"


POD_SERVICE_UUID: Final = _ours(0x0001)
IMU_STREAM_UUID: Final = _ours(0x0002)
CONTROL_POINT_UUID: Final = _ours(0x0003)
STATUS_UUID: Final = _ours(0x0004)

BATTERY_SERVICE_UUID: Final = _sig(0x180F)
BATTERY_LEVEL_UUID: Final = _sig(0x2A19)
DEVICE_INFORMATION_SERVICE_UUID: Final = _sig(0x180A)
MANUFACTURER_NAME_UUID: Final = _sig(0x2A29)
MODEL_NUMBER_UUID: Final = _sig(0x2A24)
SERIAL_NUMBER_UUID: Final = _sig(0x2A25)
FIRMWARE_REVISION_UUID: Final = _sig(0x2A26)
