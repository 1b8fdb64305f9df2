from __future__ import annotations

from dataclasses import replace

import pytest

from gait_signal.types import Calibration
from sensor_bridge.errors import BridgeError
from sensor_bridge.store import Record, RecordKind, SessionHeader, enabled_sinks, json_payload


def test_a_header_survives_the_archive(header: SessionHeader) -> None:
    full = replace(header, calibration={"L-1": Calibration((0.1, 0.2, 9.8), (0.01, 0.0, -0.02), "profile", 4.0)})
    record = Record(RecordKind.META, 255, 0, json_payload(full.to_meta()))
    assert SessionHeader.from_meta(record.json()) == full


@pytest.mark.parametrize("key", ["session", "started_utc", "zone", "core_version", "settings", "pods", "calibration"])
@pytest.mark.parametrize("bad", [None, 3, ["x"], {"x": 1}, "x"])
def test_a_broken_header_is_one_sentence(header: SessionHeader, key: str, bad: object) -> None:
    meta = {**header.to_meta(), key: bad}
    if key in ("session", "zone", "core_version"):  # any text serves
        del meta[key]
    with pytest.raises(BridgeError) as caught:
        SessionHeader.from_meta(meta)
    assert "\n" not in str(caught.value)


def test_sinks_are_those_switched_on(header: SessionHeader) -> None:
    assert enabled_sinks(header.settings) == ("mqtt", "influx")
