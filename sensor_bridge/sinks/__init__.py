"""Delivery of results to an MQTT broker and a time-series database, out of the store's outbox."""

from .base import Sink
from .drain import Drainer, DrainState, sync
from .factory import enabled_sink_list, influx_sink, mqtt_sink, preload
from .influx import InfluxSink
from .mqtt import LiveSession, MqttSink

__all__ = [
    "DrainState",
    "Drainer",
    "InfluxSink",
    "LiveSession",
    "MqttSink",
    "Sink",
    "enabled_sink_list",
    "influx_sink",
    "mqtt_sink",
    "preload",
    "sync",
]
