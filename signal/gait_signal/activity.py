"""What the wearer does, judged stride by stride from one foot.

Running has a flight: each foot is down for less than half of its stride. Walking has double support: more
than half. The measured duty factor has an error of its own, so stride time and the speed of the swing
vote too; a stride is told apart by the sum of their log odds, not by any one of them.
"""

from __future__ import annotations

from dataclasses import dataclass

from .types import Activity

_IN_PLACE_MPS = 0.45
_NOWHERE_MPS, _HARDLY_MPS = 0.25, 0.65
_SLOWEST_RUN_MPS = 0.9
_FASTEST_WALK_MPS = 2.0  # a leg of 0.9 m leaves the ground beyond (Froude number 0.5)
_SURE_RUN = 2.0
_SURE_WALK = 1.0
_OWN_RUN = 1.5  # a stride that is known whole needs less
_OWN_WALK = 0.5
_MEMORY = 0.2  # and remembers less


@dataclass(frozen=True, slots=True)
class StrideFeatures:
    """What one stride looks like before its row is written.

    Attributes
    ----------
    stride_s, contact_s : float
        Contact to contact, and contact to toe-off.
    swing_peak_radps : float
        Largest toe-up rate of the swing.
    """

    stride_s: float
    contact_s: float
    swing_peak_radps: float


def run_log_odds(stride: StrideFeatures, speed_mps: float | None) -> float:
    """Log odds of running against walking, each vote bounded.

    Parameters
    ----------
    stride : StrideFeatures
    speed_mps : float or None
        Forward speed of this stride and the ones before, None while unknown.
    """
    duty = stride.contact_s / stride.stride_s
    forward = speed_mps is not None and speed_mps > _IN_PLACE_MPS
    odds = 0.0
    if speed_mps is not None and forward:
        # Nobody runs forward very slowly, though many run on the spot.
        odds += _between((speed_mps - _SLOWEST_RUN_MPS) / 0.08, -3.0, 0.0)
        odds += _between((speed_mps - _FASTEST_WALK_MPS) / 0.15, 0.0, 2.0)
    return (
        odds
        + _between((0.545 - duty) / 0.03, -3.0, 3.0)
        + _between((0.87 - stride.stride_s) / 0.07, -3.0, 1.5)
        # A leg that goes forward with a lazy swing walks; one that swings fast may do either.
        + _between((stride.swing_peak_radps - 4.8) / 0.5, -4.0 if forward else -2.0, 0.5)
    )


def own_activity(
    stride: StrideFeatures, speed_mps: float, incoming_mps: float | None, odds_before: float
) -> Activity | None:
    """What one whole stride was, by its own evidence and little memory; None where that is not clear.

    A landing is in place if the foot came from nowhere or goes nowhere, or hardly moves before and after.

    Parameters
    ----------
    stride : StrideFeatures
    speed_mps : float
        From its closed path.
    incoming_mps : float or None
        The same of the stride that led to it.
    odds_before : float
        Of the strides before it.
    """
    odds = run_log_odds(stride, speed_mps) + _MEMORY * odds_before
    if odds < -_OWN_WALK:
        return "walking"
    if odds < _OWN_RUN:
        return None
    came_mps = speed_mps if incoming_mps is None else incoming_mps
    still = min(came_mps, speed_mps) < _NOWHERE_MPS or 0.5 * (came_mps + speed_mps) < _HARDLY_MPS
    return "in_place" if still else "running"


def is_stride(stride: StrideFeatures) -> bool:
    """Whether this can be a stride of walking or running at all."""
    return 0.4 <= stride.stride_s <= 2.0 and 0.08 <= stride.contact_s < 0.85 * stride.stride_s


def _between(value: float, low: float, high: float) -> float:
    return max(low, min(high, value))


class ActivityJudge:
    """Keeps the odds over strides; a change needs more than one doubtful stride."""

    __slots__ = ("odds", "speed_mps", "strides")

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Nothing known."""
        self.odds = 0.0
        self.strides = 0
        self.speed_mps: float | None = None

    def push(self, stride: StrideFeatures) -> None:
        """Take a stride, known as soon as the contact that ends it."""
        self.odds = _between(0.5 * self.odds + run_log_odds(stride, self.speed_mps), -6.0, 6.0)
        self.strides += 1

    def push_speed(self, speed_mps: float) -> None:
        """Take the speed of the stride that is about to be pushed."""
        before = self.speed_mps
        self.speed_mps = speed_mps if before is None else before + 0.7 * (speed_mps - before)

    def certain(self) -> Activity | None:
        """Activity if there is no real doubt, else None. To take a run for a walk only costs a cue."""
        if self.strides and (self.odds > _SURE_RUN or self.odds < -_SURE_WALK):
            return self.likely()
        return None

    def likely(self) -> Activity:
        """The likelier activity."""
        if self.odds < 0.0:
            return "walking"
        return "in_place" if self.speed_mps is not None and self.speed_mps < _IN_PLACE_MPS else "running"
