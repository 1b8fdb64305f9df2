"""What can go wrong, as a tree. The command line prints ``str(error)`` and exits with ``exit_code``.

::

    BridgeError                 exit 1
    ├── UsageError              exit 2   a command was called wrongly
    ├── ConfigError             exit 2   a setting is wrong or unknown
    ├── RecordingError                   a recording folder cannot be read
    ├── SessionError                     an unknown, busy or damaged session
    ├── HomeUnusable                     the home folder cannot be read or written
    ├── HomeBusy                         another bridge runs in the same home
    ├── RadioUnavailable                 no adapter, no permission, no hub
    ├── PodNotFound                      a pod did not show up
    ├── PodLost                          a link went away
    ├── PodIncompatible                  a pod speaks another contract
    └── SinkUnavailable                  broker or database cannot be reached

Every message is one sentence that says what to do.
"""

from __future__ import annotations


class BridgeError(Exception):
    """Base of all errors a person may see."""

    exit_code = 1


class UsageError(BridgeError):
    """A command was called wrongly."""

    exit_code = 2


class ConfigError(BridgeError):
    """A setting is wrong or unknown."""

    exit_code = 2


class RecordingError(BridgeError):
    """A recording folder is missing, incomplete or corrupt."""


class SessionError(BridgeError):
    """An unknown, busy or damaged session."""


class HomeUnusable(BridgeError):
    """The folders for configuration and data cannot be read or written."""


class HomeBusy(BridgeError):
    """Another bridge already runs in this home."""


class RadioUnavailable(BridgeError):
    """There is no usable Bluetooth adapter or radio hub."""


class PodNotFound(BridgeError):
    """A pod that should be there did not show up."""


class PodLost(BridgeError):
    """The link to a pod went away."""


class PodIncompatible(BridgeError):
    """A pod speaks another version of the contract, or cannot do what is asked."""


class SinkUnavailable(BridgeError):
    """A broker or database cannot be reached just now."""
