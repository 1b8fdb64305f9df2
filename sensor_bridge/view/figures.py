"""Figures as text, in the units people use. Degrees begin here. Unknown is "-"."""

from __future__ import annotations

from math import degrees, isfinite

from .model import FootLive

UNKNOWN = "-"


def milliseconds(value_s: float | None) -> str:
    """Return ``243 ms``."""
    return UNKNOWN if value_s is None or not isfinite(value_s) else f"{1000 * value_s:.0f} ms"


def per_minute(value_spm: float | None) -> str:
    """Return ``171 /min``."""
    return UNKNOWN if value_spm is None or not isfinite(value_spm) else f"{value_spm:.0f} /min"


def angle(value_rad: float | None, digits: int = 0) -> str:
    """Return ``12°``."""
    if value_rad is None or not isfinite(value_rad):
        return UNKNOWN
    # Adding zero turns "-0" into "0".
    return f"{round(degrees(value_rad), digits) + 0.0:.{digits}f}°"


def percent(share: float | None, digits: int = 0) -> str:
    """Return ``62 %``."""
    return UNKNOWN if share is None or not isfinite(share) else f"{100 * share:.{digits}f} %"


def knee_drive(foot: FootLive, value_rad: float | None) -> str:
    """Return a knee drive; one estimated from the shoe never stands without its uncertainty."""
    text = angle(value_rad)
    sd_rad = foot.knee_drive_sd_rad
    if text == UNKNOWN or sd_rad is None or not isfinite(sd_rad):
        return text
    return f"{text} ±{degrees(sd_rad):.0f}"


def knee_drive_label(method: str) -> str:
    """Return the name of the measure for a method of the gait core."""
    return "Knee drive" if method == "thigh-pod" else "Knee drive (estimate)"


def ascii_text(text: str) -> str:
    """Return the text for a reader that may know ASCII only."""
    return text.replace("°", " deg").replace("±", "+/-").encode("ascii", "replace").decode("ascii")
