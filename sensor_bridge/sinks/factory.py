"""Makes the sinks that the settings ask for."""

from __future__ import annotations

from ..settings import Settings
from .base import Sink
from .influx import InfluxSink
from .mqtt import LiveSession, MqttSink


def mqtt_sink(settings: Settings, live: LiveSession | None = None) -> MqttSink | None:
    """Return the broker's sink, or None where it is switched off."""
    return MqttSink(settings.mqtt, live) if settings.mqtt.enabled else None


def influx_sink(settings: Settings) -> InfluxSink | None:
    """Return the database's sink, or None where it is switched off."""
    return InfluxSink(settings.influx) if settings.influx.enabled else None


def enabled_sink_list(settings: Settings, live: LiveSession | None = None) -> list[Sink]:
    """Return all sinks that are switched on."""
    sinks: list[Sink | None] = [mqtt_sink(settings, live), influx_sink(settings)]
    return [sink for sink in sinks if sink is not None]
