from __future__ import annotations

import numpy as np
import pytest

from sensor_bridge.simulator import Scenario, Segment, SensorModel, Simulation, simulate
from sensor_bridge.simulator.motion import Motion, build_motion


@pytest.fixture(scope="session")
def quiet_sensor() -> SensorModel:
    """As built, but with no noise: what is left is the filter, the range and the counts."""
    return SensorModel(
        acc_noise_ug_rthz=0.0, gyr_noise_mdps_rthz=0.0, acc_bias_mg=0.0, gyr_bias_dps=0.0, scale_error=0.0
    )


@pytest.fixture(scope="session")
def mixed() -> Scenario:
    """Every activity and every change between them."""
    return Scenario(
        (
            Segment(3.0, "standing"),
            Segment(6.0, "walking", 1.3),
            Segment(6.0, "running", 3.0),
            Segment(4.0, "standing"),
            Segment(6.0, "running", 4.0, strike_angle_deg=-5.0),
            Segment(6.0, "in_place"),
            Segment(6.0, "running", 2.6),
            Segment(6.0, "walking"),
            Segment(5.0, "standing"),
        )
    )


@pytest.fixture(scope="session")
def mixed_motion(mixed: Scenario) -> Motion:
    return build_motion(mixed, np.random.default_rng(4))


@pytest.fixture(scope="session")
def demo() -> Simulation:
    return simulate(Scenario.demo(60.0, np.random.default_rng(11)), seed=11)
