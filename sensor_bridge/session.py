"""One live session: what the links deliver goes to archive and engine, what the engine says goes to everybody.

The order for each packet is fixed: it is stamped, handed to the store thread (an append to a queue), fed to
the engine, and a contact goes to the cue before anyone else hears of it. Nothing here waits.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Literal, Protocol

from firmware_protocol import PodStatus, Started
from gait_signal.types import Contact

from .audio.rule import CueRule
from .clock import SessionClock
from .engine import SessionEngine, StreamUp
from .events import CueMark, Notice, SessionEvent
from .inputs import encode_ping, encode_up, feed
from .store.archive import NO_POD, Record, RecordKind, json_payload
from .store.writer import SessionWriter

_log = logging.getLogger(__name__)


class Player(Protocol):
    """What the session needs of the cue player."""

    def play(self) -> bool:
        """Ask for one sound; False if it cannot be played now."""
        ...


class Session:
    """Joins clock, engine, store and cue; implements the links' listener.

    Parameters
    ----------
    serials : sequence of str
        The pods' serials, in the order of the archive's pod numbers.
    listeners : sequence of callables
        Each gets every event, after the store; they must return at once.
    """

    def __init__(
        self,
        clock: SessionClock,
        engine: SessionEngine,
        serials: Sequence[str],
        writer: SessionWriter,
        *,
        cue: CueRule,
        player: Player,
        listeners: Sequence[Callable[[SessionEvent], None]] = (),
    ) -> None:
        self._clock = clock
        self._engine = engine
        self._number = {serial: i for i, serial in enumerate(serials)}
        self._writer = writer
        self._cue = cue
        self._player = player
        self._listeners = list(listeners)
        self._is_over = False

    def on_up(self, serial: str, arrival_ns: int, started: Started, tick_us: int, status: PodStatus) -> None:
        """Take note that a stream (re)starts."""
        up = StreamUp(started.boot_id, tick_us, float(started.acc_range_g), float(started.gyr_range_dps))
        more = {"started": asdict(started), "status": bytes(status).hex()}
        self._input(RecordKind.UP, serial, arrival_ns, encode_up(up, more))
        self._input(RecordKind.STATUS, serial, arrival_ns, bytes(status))

    def on_packet(self, serial: str, arrival_ns: int, data: bytes) -> None:
        """Take a stream notification."""
        self._input(RecordKind.PACKET, serial, arrival_ns, data)

    def on_status(self, serial: str, arrival_ns: int, status_bytes: bytes) -> None:
        """Take a status notification."""
        self._input(RecordKind.STATUS, serial, arrival_ns, status_bytes)

    def on_ping(self, serial: str, arrival_ns: int, sent_ns: int, tick_us: int) -> None:
        """Take note of a clock ping."""
        payload = encode_ping(self._clock.session_ns(sent_ns), tick_us)
        self._input(RecordKind.PING, serial, arrival_ns, payload)

    def on_down(self, serial: str, arrival_ns: int, reason: str) -> None:
        """Take note that a link is gone."""
        self._input(RecordKind.DOWN, serial, arrival_ns, json_payload({"reason": reason}))

    def on_resume(self) -> None:
        """Take note that an interrupted session goes on now."""
        payload = json_payload({"utc": self._clock.utc_at(self._clock.now_s()).isoformat()})
        self._input(RecordKind.RESUME, None, self._clock.reading_ns(), payload)

    def every_second(self) -> None:
        """Look for a suspend and tell the pods' states."""
        suspend = self._clock.check_suspend()
        if suspend is not None:
            payload = json_payload({"from_s": suspend.from_s, "to_s": suspend.to_s})
            self._input(RecordKind.SUSPEND, None, self._clock.reading_ns(), payload)
            self.say("warning", f"This computer slept for {suspend.asleep_s:.0f} s; that time is missing.")
        for state in self._engine.states(self._clock.now_s()):
            self.publish(state)

    def say(self, level: Literal["info", "warning"], text: str) -> None:
        """Tell the runner something."""
        self.publish(Notice(self._clock.now_s(), level, text))

    def publish(self, event: SessionEvent) -> None:
        """Hand an event to the store and to every listener."""
        self._writer.put(event)
        for listener in list(self._listeners):
            try:
                listener(event)
            except Exception:  # a view or a sink that fails is dropped; the run goes on
                self._listeners.remove(listener)
                _log.exception("a listener failed")
                self.say("warning", "A part of the display or delivery failed and is left out from now on.")

    def finish(self) -> float:
        """End the session: what is pending comes out. Return the session time of the end."""
        end_ns = self._clock.session_ns(self._clock.reading_ns())
        record = Record(RecordKind.END, NO_POD, end_ns, b"")
        for event in feed(self._engine, record):
            self.publish(event)
        self.every_second()
        self._is_over = True
        return end_ns * 1e-9

    def _input(self, kind: RecordKind, serial: str | None, reading_ns: int, payload: bytes) -> None:
        if self._is_over:  # a link may deliver its last packets after the end
            return
        pod = NO_POD if serial is None else self._number[serial]
        record = Record(kind, pod, self._clock.session_ns(reading_ns), payload)
        self._writer.put_raw(record.kind, record.pod, record.session_ns, record.payload)
        events = feed(self._engine, record)
        for event in events:
            if isinstance(event, Contact):
                self._sound(event)
        for event in events:
            self.publish(event)

    def _sound(self, contact: Contact) -> None:
        now_s = self._clock.now_s()
        if self._cue.decide(contact, now_s) and self._player.play():
            self.publish(CueMark(contact.foot, contact.step_id, now_s, now_s - contact.ic_s))
