"""Attributes and advertisement of a virtual pod, in Bumble's terms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bumble import att
from bumble.core import UUID, AdvertisingData
from bumble.gatt import Characteristic, CharacteristicValue

from firmware_protocol import POD_SERVICE_UUID


def _refuse_read(connection: Any) -> bytes:
    raise att.ATT_Error(att.ATT_READ_NOT_PERMITTED_ERROR)


def _refuse_write(connection: Any, value: bytes) -> None:
    raise att.ATT_Error(att.ATT_WRITE_NOT_PERMITTED_ERROR)


def characteristic(
    uuid: str,
    properties: Any,
    *,
    read: Callable[[Any], bytes] = _refuse_read,
    write: Callable[[Any, bytes], None] = _refuse_write,
) -> Any:
    """Return a characteristic that refuses what it is not made for; Bumble checks no permissions itself."""
    permissions = Characteristic.READABLE | Characteristic.WRITEABLE
    return Characteristic(UUID(uuid), properties, permissions, CharacteristicValue(read=read, write=write))


def advertising_data(name: str) -> bytes:
    """Return flags, the pod service and a name of at most 8 characters: what fits into 31 octets."""
    kinds = AdvertisingData.Type
    flags = AdvertisingData.LE_GENERAL_DISCOVERABLE_MODE_FLAG | AdvertisingData.BR_EDR_NOT_SUPPORTED_FLAG
    return bytes(
        AdvertisingData(
            [
                (kinds.FLAGS, bytes([flags])),
                (kinds.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS, bytes(UUID(POD_SERVICE_UUID))),
                (kinds.COMPLETE_LOCAL_NAME, name.encode()[:8]),
            ]
        )
    )
