"""Makes the secrets of the server stack: ``python -m sensor_bridge.stack_env [FILE]``.

``config/compose.yaml`` reads them from ``config/.env``, and ``shoepod`` reads two of them from its
environment. Each installation has its own; an existing file is never touched.
"""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path
from typing import Final

from .errors import BridgeError, ConfigError

DEFAULT_PATH: Final = Path("config/.env")
_PRIVATE: Final = 0o600
_SECRET_BYTES: Final = 32


def make_env(path: Path) -> None:
    """Write a new file with fresh secrets, mode 600.

    Raises
    ------
    ConfigError
        The file exists already or cannot be written.
    """
    try:
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, _PRIVATE)
    except FileExistsError as error:
        raise ConfigError(f"{path} exists already; delete it first if you want new secrets") from error
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror}; run this from the project's folder") from error
    with os.fdopen(handle, "w", encoding="ascii") as file:
        os.chmod(path, _PRIVATE)  # noqa: PTH101 - whatever the umask
        file.write(_text())


def main(arguments: list[str] | None = None) -> int:
    """Make the file that the command line names."""
    given = sys.argv[1:] if arguments is None else arguments
    path = Path(given[0]) if given else DEFAULT_PATH
    try:
        make_env(path)
    except BridgeError as error:
        print(f"stack_env: {error}", file=sys.stderr)
        return error.exit_code
    print(f"Wrote {path}. For shoepod: set -a; . {path}; set +a; and enable [mqtt] (username shoepod) and [influx].")
    return 0


def _text() -> str:
    names = ("MQTT_PASSWORD", "INFLUX_PASSWORD", "INFLUX_TOKEN", "GRAFANA_PASSWORD")
    return "\n".join(
        [
            "# Secrets of this installation. Keep them here; this file is not for the repository.",
            "SHOEPOD_MQTT_USERNAME=shoepod",
            *(f"SHOEPOD_{name}={secrets.token_urlsafe(_SECRET_BYTES)}" for name in names),
            "",
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
