"""What is said when the machine's own adapter cannot be used."""

from __future__ import annotations

import sys

import pytest
from bleak.exc import BleakBluetoothNotAvailableError, BleakBluetoothNotAvailableReason, BleakError

from firmware_protocol import POD_SERVICE_UUID
from sensor_bridge.errors import RadioUnavailable
from sensor_bridge.pods import PodFinder
from sensor_bridge.radio import OsRadio, open_radio, radio_unavailable


@pytest.mark.skipif(sys.platform != "linux", reason="D-Bus is Linux only")
async def test_without_d_bus_it_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent/bus")
    async with open_radio(None) as radio:
        finder = PodFinder(radio)
        with pytest.raises(RadioUnavailable, match=r"D-Bus or bluetoothd does not answer; 'shoepod doctor'"):
            await finder.scan(lambda _: True, 1.0)
        assert await finder.left_connected() == []


@pytest.mark.parametrize("reason", BleakBluetoothNotAvailableReason)
def test_every_reason_has_a_sentence(reason: BleakBluetoothNotAvailableReason) -> None:
    error = radio_unavailable(OsRadio(), BleakBluetoothNotAvailableError("bleak says so", reason))
    text = str(error)
    assert text.startswith("this machine's Bluetooth adapter cannot be used")
    assert "\n" not in text
    assert ("bleak says so" in text) == ("UNKNOWN" in reason.name)


@pytest.mark.parametrize("error", [BleakError("odd"), OSError(5, "Input/output error"), TimeoutError()])
def test_other_errors_name_the_doctor(error: Exception) -> None:
    text = str(radio_unavailable(OsRadio(), error))
    assert "shoepod doctor" in text
    assert (str(error) or "TimeoutError") in text


def test_bleaks_own_objects_are_made() -> None:
    scanner = OsRadio().scanner(service_uuids=[POD_SERVICE_UUID])
    client = OsRadio().client("C0:FF:EE:00:00:00", timeout=1)
    assert "Bumble" not in str(scanner.backend_id)
    assert client.address == "C0:FF:EE:00:00:00"
