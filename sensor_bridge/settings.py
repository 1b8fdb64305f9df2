"""All settings, as frozen dataclasses, and their reader.

``config/shoepod.toml`` is the commented default; a test holds the two together. Unknown keys are errors
that list the valid ones. Secrets never stand in the file: a setting names the environment variable.
"""

from __future__ import annotations

import dataclasses
import math
import tomllib
import types
import typing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from gait_signal.types import Foot, Strike

from .errors import ConfigError


@dataclass(frozen=True, slots=True)
class RunnerSettings:
    """Who runs. The name goes to broker and database: a pseudonym by default."""

    name: str = "runner"


@dataclass(frozen=True, slots=True)
class PodSettings:
    """Where the pod with a given serial is worn."""

    side: Foot
    role: Literal["foot", "thigh"] = "foot"


@dataclass(frozen=True, slots=True)
class StreamSettings:
    """What the pods are asked for."""

    rate_hz: int = 200
    acc_range_g: int = 16
    gyr_range_dps: int = 2000
    samples_per_packet: int = 5


@dataclass(frozen=True, slots=True)
class CalibrationSettings:
    """A stored stand of one pod, used instead of the stand at the start of a session."""

    acc_stand_sensor_mps2: tuple[float, float, float]
    gyr_bias_sensor_radps: tuple[float, float, float] = (0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class CueSettings:
    """The sound at a landing."""

    enabled: bool = True
    strikes: tuple[Strike, ...] = ("rearfoot",)
    min_confidence: float = 0.8
    refractory_s: float = 0.25
    volume: float = 0.3
    sound: str = ""
    device: str = ""


@dataclass(frozen=True, slots=True)
class MqttSettings:
    """The broker. Off unless switched on."""

    enabled: bool = False
    host: str = "127.0.0.1"
    port: int = 1883
    username: str = ""
    password_env: str = "SHOEPOD_MQTT_PASSWORD"
    topic_prefix: str = "shoepod"
    timeout_s: float = 3.0


@dataclass(frozen=True, slots=True)
class InfluxSettings:
    """The time-series database (InfluxDB 2 write interface). Off unless switched on."""

    enabled: bool = False
    url: str = "http://127.0.0.1:8086"
    org: str = "shoepod"
    bucket: str = "shoepod"
    token_env: str = "SHOEPOD_INFLUX_TOKEN"
    timeout_s: float = 5.0
    batch_lines: int = 500


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """The local store."""

    min_free_mb: int = 200


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything a session is run with."""

    runner: RunnerSettings = field(default_factory=RunnerSettings)
    pods: dict[str, PodSettings] = field(default_factory=dict)
    stream: StreamSettings = field(default_factory=StreamSettings)
    calibration: dict[str, CalibrationSettings] = field(default_factory=dict)
    cue: CueSettings = field(default_factory=CueSettings)
    mqtt: MqttSettings = field(default_factory=MqttSettings)
    influx: InfluxSettings = field(default_factory=InfluxSettings)
    store: StoreSettings = field(default_factory=StoreSettings)


# ``[low, high]`` of numbers that have limits; the key is ``table.name``.
_LIMITS: dict[str, tuple[float, float]] = {
    "stream.rate_hz": (50, 500),
    "stream.acc_range_g": (2, 64),
    "stream.gyr_range_dps": (125, 4000),
    "stream.samples_per_packet": (1, 19),
    "cue.min_confidence": (0.0, 1.0),
    "cue.refractory_s": (0.0, 60.0),
    "cue.volume": (0.0, 1.0),
    "mqtt.port": (1, 65535),
    "mqtt.timeout_s": (0.1, 60.0),
    "influx.timeout_s": (0.1, 60.0),
    "influx.batch_lines": (1, 5000),
    "store.min_free_mb": (0, 1_000_000),
}


def load_settings(path: Path) -> Settings:
    """Read a TOML file.

    Raises
    ------
    ConfigError
        The file cannot be read or a setting in it is unknown or wrong; the message names it.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ConfigError(f"cannot read the configuration {path}: {reason}") from error
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not valid TOML: {error}") from error
    return settings_from(table, str(path))


def settings_from(table: dict[str, Any], where: str) -> Settings:
    """Build settings from a parsed table; ``where`` names it in errors."""
    settings = typing.cast("Settings", _build(Settings, table, where, ""))
    _check_pods(settings, where)
    _check_calibration(settings, where)
    return settings


def settings_to_table(settings: Settings) -> dict[str, Any]:
    """Return plain tables that `settings_from` reads back to equal settings."""
    return dataclasses.asdict(settings)


def _check_pods(settings: Settings, where: str) -> None:
    worn: dict[tuple[str, str], str] = {}
    for serial, pod in settings.pods.items():
        place = (pod.side, pod.role)
        if place in worn:
            raise ConfigError(
                f"{where}: [pods] gives both {worn[place]} and {serial} as the {pod.side} {pod.role}; "
                "give each pod a side of its own"
            )
        worn[place] = serial


def _check_calibration(settings: Settings, where: str) -> None:
    for serial, stand in settings.calibration.items():
        gravity_mps2 = math.hypot(*stand.acc_stand_sensor_mps2)
        rate_radps = math.hypot(*stand.gyr_bias_sensor_radps)
        if not (8.0 <= gravity_mps2 <= 12.0 and rate_radps <= 0.2):
            raise ConfigError(
                f"{where}: [calibration.{serial!r}] is no quiet stand ({gravity_mps2:g} m/s^2, {rate_radps:g} rad/s); "
                "it needs about 9.8 m/s^2 and no rotation; delete it to calibrate at the start of each run"
            )


def _build(cls: Any, table: Any, where: str, name: str) -> Any:
    if not isinstance(table, dict):
        raise ConfigError(f"{where}: [{name}] must be a table")
    hints = typing.get_type_hints(cls)
    unknown = [key for key in table if key not in hints]
    if unknown:
        place = f"[{name}]" if name else "the top level"
        raise ConfigError(f"{where}: unknown key {unknown[0]!r} in {place}; valid keys are {', '.join(hints)}")
    values = {key: _convert(hints[key], value, where, f"{name}.{key}" if name else key) for key, value in table.items()}
    missing = [
        f.name
        for f in dataclasses.fields(cls)
        if f.name not in values and f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
    ]
    if missing:
        raise ConfigError(f"{where}: [{name}] lacks {missing[0]!r}")
    return cls(**values)


def _convert(hint: Any, value: Any, where: str, name: str) -> Any:
    origin = typing.get_origin(hint)
    if dataclasses.is_dataclass(hint):
        return _build(hint, value, where, name)
    if origin is dict:
        if not isinstance(value, dict):
            raise ConfigError(f"{where}: [{name}] must be a table")
        inner = typing.get_args(hint)[1]
        return {key: _convert(inner, item, where, f"{name}.{key}") for key, item in value.items()}
    if origin is Literal:
        choices = typing.get_args(hint)
        if value not in choices:
            raise ConfigError(f"{where}: {name} is {value!r}; it must be one of {', '.join(map(repr, choices))}")
        return value
    if origin is tuple:
        return _convert_tuple(typing.get_args(hint), value, where, name)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if not isinstance(value, hint) or (hint is int and isinstance(value, bool)):
        kind = {str: "a text in quotes", int: "a whole number", float: "a number", bool: "true or false"}[hint]
        raise ConfigError(f"{where}: {name} is {value!r}; it must be {kind}")
    if name in _LIMITS:
        low, high = _LIMITS[name]
        if not low <= value <= high:
            raise ConfigError(f"{where}: {name} is {value}; it must lie between {low} and {high}")
    return value


def _convert_tuple(items: tuple[Any, ...], value: Any, where: str, name: str) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise ConfigError(f"{where}: {name} must be a list")
    if items[-1] is types.EllipsisType or items[-1] is ...:
        return tuple(_convert(items[0], item, where, name) for item in value)
    if len(value) != len(items):
        raise ConfigError(f"{where}: {name} must have {len(items)} values")
    return tuple(_convert(hint, item, where, name) for hint, item in zip(items, value, strict=True))
