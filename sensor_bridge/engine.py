"""The session engine: what pods sent, in the order it arrived, to what it means.

No I/O, no clock, no randomness: equal inputs give equal outputs, bit for bit. Live, ``--resume``, recovery
after a crash and ``analyze SESSION --as-live`` all go through here; every input is also in the archive.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from firmware_protocol import (
    BATTERY_UNKNOWN,
    DecodeError,
    Duplicate,
    Late,
    Lost,
    PodStatus,
    PodStream,
    Received,
)
from firmware_protocol.imu_packet import ImuFlags
from gait_signal import GaitCore
from gait_signal.types import Calibration, Foot, GaitEvent, StreamGap

from .blocks import Ranges, block_from, sample_ticks_us
from .events import GapCause, Notice, PodGap, PodState, SessionEvent
from .pod_clock import PodClock

# A packet that decodes wrongly is archived and counted; the runner hears of it once per this many.
_NOTICE_EVERY_BAD_PACKETS = 1000
# A pod whose clock stands this far off when it comes back has stopped counting for a while (deep sleep):
# its clock is placed anew, since making good that much would distort every interval for minutes.
_CLOCK_BREAK_S = 0.5


@dataclass(frozen=True, slots=True)
class EnginePod:
    """A pod of the session. Its place in the list is its number in the archive."""

    serial: str
    side: Foot
    role: Literal["foot", "thigh"] = "foot"


@dataclass(frozen=True, slots=True)
class StreamUp:
    """What a pod said when its stream (re)started."""

    boot_id: int
    tick_us: int
    acc_range_g: float
    gyr_range_dps: float


class _Lane:
    """One pod's way from bytes to blocks."""

    def __init__(self, pod: EnginePod) -> None:
        self.pod = pod
        self.stream = PodStream()
        self.clock = PodClock()
        self.state = PodState(pod.serial, pod.side, pod.role, 0.0, "searching")
        self.ranges = Ranges(16.0, 2000.0)
        self.boot_id: int | None = None
        self.end_s: float | None = None
        """Session time just after the last sample."""
        self.pending: GapCause | None = None
        """Why the next sample does not follow the last."""
        self.lost_packets = 0
        self.bad_packets = 0


class SessionEngine:
    """Joins decoding, clocks and the gait core.

    Parameters
    ----------
    pods : sequence of EnginePod
    calibrations : mapping of serial to Calibration
        Stored stands, used instead of the stand at the start of the session.
    """

    def __init__(self, pods: Sequence[EnginePod], calibrations: Mapping[str, Calibration] | None = None) -> None:
        self._lanes = [_Lane(pod) for pod in pods]
        known = calibrations or {}
        feet = [pod for pod in pods if pod.role == "foot"]
        self._core = GaitCore(
            tuple(pod.side for pod in feet),
            calibrations={pod.side: known[pod.serial] for pod in feet if pod.serial in known},
        )

    def up(self, pod: int, arrival_s: float, up: StreamUp) -> list[SessionEvent]:
        """Take note that a pod's stream starts, for the first time or again."""
        lane = self._lanes[pod]
        lane.ranges = Ranges(up.acc_range_g, up.gyr_range_dps)
        lane.stream.restart(up.tick_us)
        events: list[SessionEvent] = []
        if lane.boot_id is not None and lane.boot_id != up.boot_id:
            lane.clock.restart()
            lane.pending = "reboot"
        elif lane.clock.error_s is not None and abs(lane.clock.to_session_s(up.tick_us) - arrival_s) > _CLOCK_BREAK_S:
            lane.clock.restart()
        lane.boot_id = up.boot_id
        self._set_state(lane, arrival_s, link="streaming")
        return events

    def packet(self, pod: int, arrival_s: float, data: bytes) -> list[SessionEvent]:
        """Take one stream notification as it came."""
        lane = self._lanes[pod]
        try:
            stream_events = lane.stream.receive(data)
        except DecodeError as error:
            lane.bad_packets += 1
            if lane.bad_packets % _NOTICE_EVERY_BAD_PACKETS == 1:
                return [Notice(arrival_s, "warning", f"Pod {lane.pod.serial} sent a packet that is none: {error}.")]
            return []
        events: list[SessionEvent] = []
        for item in stream_events:
            match item:
                case Lost(count=count):
                    lane.lost_packets += count
                    lane.pending = lane.pending or "radio"
                case Received():
                    events += self._received(lane, arrival_s, item)
                case Late() | Duplicate():
                    pass
        return events

    def status(self, pod: int, arrival_s: float, data: bytes) -> list[SessionEvent]:
        """Take one status notification as it came."""
        lane = self._lanes[pod]
        try:
            status = PodStatus.from_bytes(data)
        except DecodeError:
            return []
        percent = None if status.battery_percent == BATTERY_UNKNOWN else status.battery_percent
        self._set_state(lane, arrival_s, battery_percent=percent)
        return []

    def ping(self, pod: int, sent_s: float, tick_us: int) -> list[SessionEvent]:
        """Take note that a pod read its clock, ``tick_us``, no earlier than ``sent_s``."""
        self._lanes[pod].clock.ping(tick_us, sent_s)
        return []

    def down(self, pod: int, arrival_s: float) -> list[SessionEvent]:
        """Take note that a pod's link is gone."""
        lane = self._lanes[pod]
        if lane.pending is None:
            lane.pending = "link"
        self._set_state(lane, arrival_s, link="lost")
        return []

    def suspended(self) -> list[SessionEvent]:
        """Take note that the computer slept: what the pods sent meanwhile is missing."""
        for lane in self._lanes:
            lane.pending = "suspend"
        return []

    def resumed(self) -> list[SessionEvent]:
        """Take note that an interrupted session goes on: what was pending ends as `finish` would end it."""
        events = _gait(self._core.flush())
        for lane in self._lanes:
            lane.pending = "resume"
            # Session time went on by the wall clock meanwhile: close, but not close enough.
            lane.clock.restart()
            if lane.pod.role == "foot":
                events += _gait(self._core.restart(lane.pod.side))
        return events

    def finish(self, at_s: float) -> list[SessionEvent]:
        """End the session: pending steps come out with what is known, open gaps are closed."""
        events = _gait(self._core.flush())
        for lane in self._lanes:
            if lane.end_s is None:
                lane.pending = "link"  # it never sent anything
            if lane.pending is not None and at_s > (lane.end_s or 0.0):
                events.append(self._gap(lane, at_s))
        return events

    def states(self, at_s: float) -> list[PodState]:
        """Return the present state of every pod."""
        for lane in self._lanes:
            self._set_state(lane, at_s)
        return [lane.state for lane in self._lanes]

    def _received(self, lane: _Lane, arrival_s: float, item: Received) -> list[SessionEvent]:
        packet = item.packet
        ticks = sample_ticks_us(packet, item.tick_us)
        # The packet can't have left before its last sample had been taken.
        lane.clock.update(ticks[-1] + packet.period_us, arrival_s)
        time_s = np.array([lane.clock.to_session_s(tick) for tick in ticks])
        period_s = packet.period_us * 1e-6
        events: list[SessionEvent] = []
        if packet.flags & ImuFlags.OVERRUN and lane.pending is None:
            lane.pending = "overrun"
        block = block_from(packet, time_s, lane.ranges)
        if lane.end_s is not None:
            fresh = int(np.searchsorted(time_s, lane.end_s - 0.5 * period_s))
            if fresh:  # a rebooted pod's clock may be placed a little too early at first
                time_s = time_s[fresh:]
                block = replace(
                    block,
                    time_s=time_s,
                    acc_sensor_mps2=block.acc_sensor_mps2[fresh:],
                    gyr_sensor_radps=block.gyr_sensor_radps[fresh:],
                    acc_clipped=block.acc_clipped[fresh:],
                    gyr_clipped=block.gyr_clipped[fresh:],
                )
            if len(block) and lane.pending is not None:
                if lane.pending == "reboot" and lane.pod.role == "foot":
                    events += _gait(self._core.restart(lane.pod.side))
                if time_s[0] - lane.end_s > 0.5 * period_s:
                    events.append(self._gap(lane, float(time_s[0])))
        if not len(block):  # all of it overlaps what is known; why it did not follow is told with the next
            return events
        lane.pending = None
        lane.lost_packets = 0
        lane.end_s = float(time_s[-1]) + period_s
        if lane.pod.role == "foot":
            events += _gait(self._core.process(lane.pod.side, block))
            events += [Notice(seen.decided_s, "warning", seen.text) for seen in self._core.mountings()]
        return events

    def _gap(self, lane: _Lane, to_s: float) -> PodGap:
        gap = PodGap(lane.pod.serial, lane.end_s or 0.0, to_s, lane.lost_packets, lane.pending or "radio")
        lane.lost_packets = 0
        return gap

    def _set_state(
        self,
        lane: _Lane,
        at_s: float,
        *,
        link: Literal["streaming", "lost"] | None = None,
        battery_percent: int | None = None,
    ) -> None:
        counts = lane.stream.counts
        lane.state = replace(
            lane.state,
            at_s=at_s,
            link=link or lane.state.link,
            battery_percent=battery_percent if battery_percent is not None else lane.state.battery_percent,
            packets_received=counts.received,
            packets_lost=counts.lost,
            packets_late=counts.late,
            packets_duplicate=counts.duplicate,
            clock_error_s=lane.clock.error_s if counts.received else None,
        )


def _gait(events: Sequence[GaitEvent]) -> list[SessionEvent]:
    """Pass on what the session keeps; stream gaps are told per pod, with their cause, as `PodGap`."""
    return [event for event in events if not isinstance(event, StreamGap)]
