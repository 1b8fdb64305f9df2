"""One running stream of a virtual pod: sample, pack, send, in time with the machine's clock."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Final

from .packetizer import Packetizer, Scaling, TickClock
from .source import MotionSource

# The firmware keeps this many packets for the radio; what it measures beyond waits in the sensor's FIFO.
RADIO_QUEUE_PACKETS: Final = 24
_RADIO_RETRY_S: Final = 0.015
# From a sample's time to its being read from the FIFO.
_READY_S: Final = 0.0005


class Streamer:
    """Streams until its task is cancelled.

    Parameters
    ----------
    source : MotionSource
    packetizer_args
        Scaling, samples per packet and tick clock of the stream.
    clock : callable
        Machine time, seconds.
    send : callable
        Hands a packet to the radio; returns False where nobody is subscribed.
    waiting : callable
        How many packets the radio has not sent yet.
    loss : callable
        Share of packets that are made but never sent, 0 to 1: to try gaps on links that lose nothing.
    rng : random.Random
        Picks them.

    Attributes
    ----------
    packets_sent, packets_dropped : int
        Handed to the radio; made but not handed to it.
    """

    def __init__(
        self,
        source: MotionSource,
        *,
        period_s: float,
        scaling: Scaling,
        samples_per_packet: int,
        ticks: TickClock,
        clock: Callable[[], float],
        send: Callable[[bytes], bool],
        waiting: Callable[[], int],
        loss: Callable[[], float],
        rng: random.Random,
    ) -> None:
        self._source = source
        self._period_s = period_s
        self._clock = clock
        self._send = send
        self._waiting = waiting
        self._loss = loss
        self._rng = rng
        self._packetizer = Packetizer(period_s, scaling, samples_per_packet, ticks)
        self._taken_until_s = self._last_sample_s = clock()
        self.packets_sent = 0
        self.packets_dropped = 0

    @property
    def samples_overrun(self) -> int:
        """Samples lost in the sensor's FIFO."""
        return self._packetizer.samples_overrun

    async def run(self) -> None:
        """Stream for ever."""
        while True:
            pause_s = self._step()
            await asyncio.sleep(pause_s)

    def _step(self) -> float:
        """Do what is due and return how long to sleep."""
        now_s = self._clock()
        time_s, acc_mps2, gyr_radps = self._source.between(self._taken_until_s, now_s)
        self._packetizer.push(time_s, acc_mps2, gyr_radps)
        self._taken_until_s = now_s
        if len(time_s):
            self._last_sample_s = float(time_s[-1])
        while self._waiting() < RADIO_QUEUE_PACKETS:
            packet = self._packetizer.pop()
            if packet is None:
                full_s = self._last_sample_s + max(1, self._packetizer.missing) * self._period_s
                return max(full_s + _READY_S - now_s, _READY_S)
            if self._rng.random() < self._loss() or not self._send(packet):
                self.packets_dropped += 1
            else:
                self.packets_sent += 1
        return _RADIO_RETRY_S
