"""What several commands share."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ..errors import ConfigError
from ..home import Home
from ..settings import Settings, load_settings


def home_and_settings(config: Path | None) -> tuple[Home, Settings]:
    """Return the home and the settings of ``--config``, of the home's file, or the defaults.

    Raises
    ------
    ConfigError
        The named file is missing, or a setting is wrong.
    """
    home = Home.locate()
    if config is not None:
        if not config.is_file():
            raise ConfigError(f"there is no configuration file {config}; check the path after --config")
        return home, _load(config)
    if home.config_file.is_file():
        return home, _load(home.config_file)
    return home, Settings()


def _load(path: Path) -> Settings:
    """Read a file; a sound file named in it is looked for beside it."""
    settings = load_settings(path)
    if not settings.cue.sound:
        return settings
    try:
        sound = path.absolute().parent / Path(settings.cue.sound).expanduser()
    except RuntimeError as error:
        raise ConfigError(f"{path}: cue.sound is {settings.cue.sound!r}, and there is no such user") from error
    return replace(settings, cue=replace(settings.cue, sound=str(sound)))
