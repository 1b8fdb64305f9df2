"""Radios: the machine's own adapter, and the simulated air with a bleak backend on Bumble."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

from .base import OsRadio, Radio, radio_unavailable

if TYPE_CHECKING:
    from .simulated import HubRadio

__all__ = ["OsRadio", "Radio", "open_radio", "radio_unavailable"]


def open_radio(spec: str | None, *, insecure_lan: bool = False) -> AbstractAsyncContextManager[OsRadio | HubRadio]:
    """Return the radio to use, as an async context manager.

    Parameters
    ----------
    spec : str or None
        ``hub://HOST:PORT``, or None for this machine's adapter.
    insecure_lan : bool
        Allow a hub on another machine.

    Raises
    ------
    UsageError
        ``spec`` is malformed or refused.
    """
    if spec is None:
        return OsRadio()
    from .simulated import HubRadio  # Bumble takes half a second to import

    return HubRadio(spec, insecure_lan=insecure_lan)
