"""Mixes triggered sounds into the stream's blocks. Driven by the audio callback; holds no device."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from .sound import PEAK_CAP, Samples

MAX_WAIT_S = 0.25
"""A trigger that the stream could not begin within this time is not played late."""


class Mixer:
    """Starts a sound at each trigger and renders what is sounding.

    One thread triggers, one renders; each writes only its own counters, so no trigger can be lost
    between them and neither ever waits for a lock. Triggers that meet in one block sound once.

    Parameters
    ----------
    sound : ndarray, shape (n,)
        Mono samples at the stream's rate, already at their volume.
    now : callable
        Monotonic seconds.
    """

    def __init__(self, sound: Samples, now: Callable[[], float] = time.monotonic) -> None:
        self._sound = sound
        self._now = now
        self._positions: list[int] = []
        self._asked_at_s = -1.0
        self.asked = 0
        """Triggers so far."""
        self.begun = 0
        """Triggers that were taken up."""
        self.too_late = 0
        """Triggers taken up, but not played: the stream had stalled."""
        self.blocks = 0
        """Blocks rendered so far: a watchdog sees whether the stream is alive."""

    def trigger(self) -> None:
        """Ask for one sound from the next block on."""
        self._asked_at_s = self._now()
        self.asked += 1

    def render(self, out: Samples) -> None:
        """Fill a block.

        Parameters
        ----------
        out : ndarray of float32, shape (frames, channels)
        """
        asked = self.asked
        if asked != self.begun:
            if self._now() - self._asked_at_s <= MAX_WAIT_S:
                self._positions.append(0)
            else:
                self.too_late += asked - self.begun
            self.begun = asked
        out.fill(0.0)
        for index, position in enumerate(self._positions):
            piece = self._sound[position : position + len(out)]
            out[: len(piece)] += piece[:, np.newaxis]
            self._positions[index] = position + len(piece)
        if len(self._positions) > 1:
            # Overlapping sounds could add up above the cap.
            np.clip(out, -PEAK_CAP, PEAK_CAP, out=out)
        self._positions = [position for position in self._positions if position < len(self._sound)]
        self.blocks += 1
