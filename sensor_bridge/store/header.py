"""What is known of a session before its first packet: the same facts go to the archive and the database."""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from gait_signal.types import Calibration, Foot

from ..errors import SessionError
from ..settings import Settings, settings_from, settings_to_table

# No vowels, nothing that is misread for something else.
_ID_LETTERS = "bcdfghjkmnpqrstvwxz23456789"


@dataclass(frozen=True, slots=True)
class PodMeta:
    """A pod of the session; its place in the list is its number in the archive."""

    serial: str
    side: Foot
    role: Literal["foot", "thigh"] = "foot"


@dataclass(frozen=True, slots=True)
class SessionHeader:
    """A session's facts.

    Attributes
    ----------
    started_utc : datetime
        The one UTC anchor: session time 0. Aware, in UTC.
    zone : str
        Where the runner's clock stood: an IANA name or an offset.
    pods : tuple of PodMeta
    calibration : mapping of serial to Calibration
        Stored stands that the session began with.
    """

    session_id: str
    started_utc: datetime
    zone: str
    core_version: str
    settings: Settings
    pods: tuple[PodMeta, ...]
    calibration: Mapping[str, Calibration] = field(default_factory=dict)

    @property
    def runner(self) -> str:
        """The runner's name as the settings give it."""
        return self.settings.runner.name

    def to_meta(self) -> dict[str, Any]:
        """Return the archive's META table, which `from_meta` reads back to an equal header."""
        return {
            "session": self.session_id,
            "started_utc": self.started_utc.isoformat(),
            "zone": self.zone,
            "core_version": self.core_version,
            "settings": settings_to_table(self.settings),
            "pods": [dataclasses.asdict(pod) for pod in self.pods],
            "calibration": {serial: dataclasses.asdict(c) for serial, c in self.calibration.items()},
        }

    @classmethod
    def from_meta(cls, meta: Mapping[str, Any]) -> SessionHeader:
        """Read a META table.

        Raises
        ------
        SessionError
            Something in it is missing or of the wrong form.
        ConfigError
            Its settings are none that this version knows.
        """
        try:
            return cls(
                session_id=str(meta["session"]),
                started_utc=datetime.fromisoformat(meta["started_utc"]).astimezone(UTC),
                zone=str(meta["zone"]),
                core_version=str(meta["core_version"]),
                settings=settings_from(meta["settings"], "the session's settings"),
                pods=tuple(PodMeta(pod["serial"], pod["side"], pod["role"]) for pod in meta["pods"]),
                calibration={serial: _calibration(c) for serial, c in meta["calibration"].items()},
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise SessionError(f"the archive's META record is not complete: {error!r}") from error


def new_session_id(started_utc: datetime) -> str:
    """Return a name for a session: its UTC start and four random letters; sorts by time, safe in file names."""
    letters = "".join(secrets.choice(_ID_LETTERS) for _ in range(4))
    return f"{started_utc.astimezone(UTC):%Y%m%d-%H%M%S}-{letters}"


def enabled_sinks(settings: Settings) -> tuple[str, ...]:
    """Return the names of the sinks that are switched on."""
    switches = {"mqtt": settings.mqtt.enabled, "influx": settings.influx.enabled}
    return tuple(name for name, is_on in switches.items() if is_on)


def _calibration(table: Mapping[str, Any]) -> Calibration:
    ax, ay, az = (float(x) for x in table["acc_stand_sensor_mps2"])
    gx, gy, gz = (float(x) for x in table["gyr_bias_sensor_radps"])
    return Calibration((ax, ay, az), (gx, gy, gz), table["source"], float(table["duration_s"]))
