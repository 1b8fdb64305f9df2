"""A simulated session to validate on."""

from __future__ import annotations

from pathlib import Path

import pytest

from sensor_bridge.simulator import Scenario, Segment, simulate, write_recording


@pytest.fixture(scope="session")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one simulated session: a walk, heel strikes, forefoot strikes, some running in place."""
    folder = tmp_path_factory.mktemp("recordings")
    segments = (
        Segment(1.0, "standing"),
        Segment(6.0, "walking", 1.3),
        Segment(12.0, "running", 3.0, strike_angle_deg=16.0),
        Segment(10.0, "running", 3.0, strike_angle_deg=-6.0),
        Segment(8.0, "in_place"),
    )
    write_recording(simulate(Scenario(segments, name="sim"), seed=3), folder / "sim")
    return folder
