"""Makes the sinks that the settings ask for."""

from __future__ import annotations

import importlib

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


def preload(settings: Settings) -> None:
    """Import what the enabled sinks need: half a second that a running session must not be held up for."""
    names = []
    if settings.mqtt.enabled:
        names.append("aiomqtt")
    if settings.influx.enabled:
        names += ["aiohttp", "influxdb_client.client.influxdb_client_async", "influxdb_client.client.write.point"]
    for name in names:
        importlib.import_module(name)
