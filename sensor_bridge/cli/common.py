"""What several commands share."""

from __future__ import annotations

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
        return home, load_settings(config)
    if home.config_file.is_file():
        return home, load_settings(home.config_file)
    return home, Settings()
