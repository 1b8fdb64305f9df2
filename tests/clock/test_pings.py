"""Clock pings: what coarse beats between packets and connection events hide, they show."""

from __future__ import annotations

import math
import random

import pytest

from sensor_bridge.pod_clock import PodClock

INTERVAL_S = 0.015
PACKET_S = 0.025


class Air:
    """One pod on a link with connection events: when its packets arrive, when its pings get there."""

    def __init__(self, seed: int, ppm: float) -> None:
        self.rng = random.Random(seed)
        self.phase_s = self.rng.uniform(0.0, INTERVAL_S)
        self.offset_s = self.rng.uniform(0.0, 4000.0)
        self.packet_phase_s = self.rng.uniform(0.0, PACKET_S)
        self.ppm = ppm

    def next_event(self, at_s: float) -> float:
        return self.phase_s + math.ceil((at_s - self.phase_s) / INTERVAL_S) * INTERVAL_S

    def tick_us(self, true_s: float) -> int:
        return round((true_s * (1.0 + self.ppm * 1e-6) + self.offset_s) * 1e6)

    def listen(self, seconds: float, *, pings: bool) -> PodClock:
        """Return a pod clock that has heard so many seconds of this."""
        clock = PodClock()
        sending_s = -1.0
        due = []
        while pings and sending_s < seconds:
            sending_s += self.rng.uniform(0.02, 0.05) if sending_s < 0 else self.rng.uniform(1.5, 2.5)
            due.append(sending_s)
        for number in range(round(seconds / PACKET_S)):
            end_s = self.packet_phase_s + (number + 1) * PACKET_S
            while due and due[0] < end_s:
                sent_s = due.pop(0)
                clock.ping(self.tick_us(self.next_event(sent_s + 1e-4)), sent_s)
            clock.update(self.tick_us(end_s), self.next_event(end_s + 5e-4) + 5e-4)
            self.last_s = end_s
        return clock

    def error_s(self, clock: PodClock) -> float:
        return clock.to_session_s(self.tick_us(self.last_s)) - self.last_s


@pytest.mark.parametrize("seconds", [12.0, 40.0, 180.0])
def test_left_and_right_agree_within_three_milliseconds(seconds: float) -> None:
    worst_s = 0.0
    for seed in range(40):
        pods = [Air(2 * seed, 40.0), Air(2 * seed + 1, -60.0)]
        errors = [pod.error_s(pod.listen(seconds, pings=True)) for pod in pods]
        worst_s = max(worst_s, abs(errors[0] - errors[1]))
    assert worst_s <= 0.003


def test_without_pings_they_do_not() -> None:
    """What the pings are for; if this fails they are not needed any more."""
    differences_s = []
    for seed in range(40):
        pods = [Air(2 * seed, 40.0), Air(2 * seed + 1, -60.0)]
        errors = [pod.error_s(pod.listen(12.0, pings=False)) for pod in pods]
        differences_s.append(abs(errors[0] - errors[1]))
    assert max(differences_s) > 0.003


def test_a_mapped_time_is_never_before_a_ping_nor_after_an_arrival() -> None:
    for seed in range(20):
        pod = Air(seed, 0.0)
        clock = pod.listen(30.0, pings=True)
        assert -0.002 <= pod.error_s(clock) <= INTERVAL_S


def test_restart_forgets_the_pings_too() -> None:
    pod = Air(1, 0.0)
    used = pod.listen(5.0, pings=True)
    used.restart()
    fresh = PodClock()
    for clock in (used, fresh):
        clock.update(1000, 7.0)
    assert used.to_session_s(1000) == fresh.to_session_s(1000)
