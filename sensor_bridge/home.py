"""Where configuration and data live, who may read them, and the lock that keeps a home to one bridge.

``SHOEPOD_HOME`` moves both; without it they go to the platform's usual folders::

    SHOEPOD_HOME/            platform default             what
    shoepod.toml             <user config>/shoepod.toml   settings
    data/                    <user data>/                 0700
    data/shoepod.sqlite3     ...                          0600, sessions, results, outbox
    data/bridge.lock         ...                          held while a bridge runs
    data/sessions/<id>/      ...                          0700, one session's raw packets and report

A run is health data, so nobody but its owner can read it: our own folders are 0700 and files 0600,
whatever the umask. A folder that ``SHOEPOD_HOME`` names and that exists already keeps its mode.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from .errors import HomeBusy, HomeUnusable

HOME_VARIABLE = "SHOEPOD_HOME"
PRIVATE_FOLDER = 0o700
PRIVATE_FILE = 0o600

# A command that only asks whether a bridge runs holds the lock for a moment; a starting bridge outwaits it.
_LOCK_PATIENCE_S = 0.3


@dataclass(frozen=True, slots=True)
class Home:
    """The folders of one installation.

    Attributes
    ----------
    config_dir, data_dir : Path
        They need not exist yet; `ensure` makes them.
    """

    config_dir: Path
    data_dir: Path

    @classmethod
    def locate(cls, environ: Mapping[str, str] | None = None) -> Home:
        """Return the home that the environment asks for; touches nothing."""
        named = (os.environ if environ is None else environ).get(HOME_VARIABLE, "")
        if named:
            try:
                root = Path(named).expanduser().absolute()
            except RuntimeError as error:
                raise HomeUnusable(f"{HOME_VARIABLE} is {named!r}, and there is no such user; name a folder") from error
            return cls(root, root / "data")
        import platformdirs

        return cls(
            platformdirs.user_config_path("shoepod", appauthor=False),
            platformdirs.user_data_path("shoepod", appauthor=False),
        )

    @property
    def config_file(self) -> Path:
        """The settings file, which may be missing."""
        return self.config_dir / "shoepod.toml"

    @property
    def database(self) -> Path:
        """The session store."""
        return self.data_dir / "shoepod.sqlite3"

    @property
    def sessions_dir(self) -> Path:
        """The folder with one folder per session."""
        return self.data_dir / "sessions"

    def session_dir(self, session_id: str) -> Path:
        """Return the folder of one session: all of its files, so that deleting it deletes them."""
        return self.sessions_dir / session_id

    def archive(self, session_id: str) -> Path:
        """Return the file with a session's raw packets."""
        return self.session_dir(session_id) / "packets.shoepod"

    def report(self, session_id: str) -> Path:
        """Return where a session's report goes unless told otherwise."""
        return self.session_dir(session_id) / "report.html"

    def ensure(self) -> Home:
        """Make the folders, private to their owner.

        Raises
        ------
        HomeUnusable
            A folder cannot be made, written or closed to others.
        """
        try:
            self.config_dir.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
            for folder in (self.data_dir, self.sessions_dir):
                folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
                _tighten(folder, PRIVATE_FOLDER)
        except OSError as error:
            raise HomeUnusable(
                f"cannot use {error.filename or self.data_dir} for data ({error.strerror}); "
                f"set {HOME_VARIABLE} to a folder of your own"
            ) from error
        if not os.access(self.data_dir, os.W_OK | os.X_OK):
            raise HomeUnusable(f"cannot write to {self.data_dir}; set {HOME_VARIABLE} to a folder of your own")
        return self

    def free_bytes(self) -> int:
        """Return the space left for data.

        Raises
        ------
        HomeUnusable
            The folder is not there.
        """
        try:
            return shutil.disk_usage(self.data_dir).free
        except OSError as error:
            raise HomeUnusable(f"cannot look at {self.data_dir}: {error.strerror}") from error

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the home for one bridge; a killed process lets go of it by itself.

        Raises
        ------
        HomeBusy
            Another bridge holds it.
        HomeUnusable
            The folders cannot be used.
        """
        self.ensure()
        lock = self._file_lock(_LOCK_PATIENCE_S)
        try:
            lock.acquire()
        except Timeout as error:
            raise HomeBusy(
                f"another shoepod is already running in {self.data_dir}; stop it first, "
                f"or give this one a {HOME_VARIABLE} of its own"
            ) from error
        except OSError as error:
            raise HomeUnusable(f"cannot lock {self.data_dir}: {error.strerror}") from error
        try:
            yield
        finally:
            lock.release()

    def is_busy(self) -> bool:
        """Tell whether a bridge holds the lock just now."""
        if not self._lock_path.exists():
            return False
        lock = self._file_lock(0.0)
        try:
            lock.acquire()
        except (Timeout, OSError):
            return True
        lock.release()
        return False

    @property
    def _lock_path(self) -> Path:
        return self.data_dir / "bridge.lock"

    def _file_lock(self, timeout_s: float) -> FileLock:
        return FileLock(self._lock_path, timeout=timeout_s, mode=PRIVATE_FILE, thread_local=False, poll_interval=0.02)


def touch_private(path: Path) -> None:
    """Make an empty file that only its owner can read, or close an existing one to others.

    Raises
    ------
    OSError
    """
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, PRIVATE_FILE))
    _tighten(path, PRIVATE_FILE)


def write_private(path: Path, data: bytes) -> None:
    """Write a whole file, readable by its owner only, so that readers see the old one or the new one.

    Raises
    ------
    OSError
    """
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # mkstemp makes it 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _tighten(path: Path, mode: int) -> None:
    if path.stat().st_mode & 0o777 & ~mode:
        path.chmod(mode)
