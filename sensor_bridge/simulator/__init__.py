"""A simulated runner: legs that obey the ground, pods that feel them, and the exact truth about every step."""

from sensor_bridge.simulator.body import Body
from sensor_bridge.simulator.files import write_recording
from sensor_bridge.simulator.scenario import Asymmetry, Mounting, Scenario, Segment, Variability
from sensor_bridge.simulator.sensor import SensorModel
from sensor_bridge.simulator.simulate import Simulation, simulate
from sensor_bridge.simulator.truth import TruthStep

__all__ = [
    "Asymmetry",
    "Body",
    "Mounting",
    "Scenario",
    "Segment",
    "SensorModel",
    "Simulation",
    "TruthStep",
    "Variability",
    "simulate",
    "write_recording",
]
