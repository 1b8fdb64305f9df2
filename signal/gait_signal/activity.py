"""What the wearer does, judged stride by stride from one foot.

Running has a flight: each foot is down for less than half of its stride. Walking has double support: more
than half. The measured duty factor has an error of its own, so stride time and the speed of the swing
vote too; a stride is told apart by the sum of their log odds, not by any one of them.
"""

from __future__ import annotations

from dataclasses import dataclass

from .types import Activity


@dataclass(frozen=True, slots=True)
class StrideFeatures:
    """What one stride looks like before its row is written.

    Attributes
    ----------
    stride_s, contact_s : float
        Contact to contact, and contact to toe-off.
    swing_peak_radps, push_peak_radps : float
        Largest toe-up rate of the swing, and toe-down rate of the push-off before it.
    jerk_peak_mps3 : float
        Of the landing that ends the stride.
    """

    stride_s: float
    contact_s: float
    swing_peak_radps: float
    push_peak_radps: float
    jerk_peak_mps3: float


def run_log_odds(stride: StrideFeatures) -> float:
    """Log odds of running against walking, each vote bounded."""
    duty = stride.contact_s / stride.stride_s
    return _bounded((0.53 - duty) / 0.03, 3.0) + _bounded((0.88 - stride.stride_s) / 0.05, 3.0)


def is_stride(stride: StrideFeatures) -> bool:
    """Whether this can be a stride of walking or running at all."""
    return 0.4 <= stride.stride_s <= 2.0 and 0.08 <= stride.contact_s < 0.85 * stride.stride_s


def _bounded(value: float, limit: float) -> float:
    return max(-limit, min(limit, value))


class ActivityJudge:
    """Keeps the odds over strides; a change needs more than one doubtful stride."""

    __slots__ = ("odds", "slow", "strides")

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Nothing known."""
        self.odds = 0.0
        self.strides = 0
        self.slow = 0.0  # evidence of going nowhere

    def push(self, stride: StrideFeatures) -> None:
        """Take a stride, known as soon as the contact that ends it."""
        self.odds = _bounded(0.5 * self.odds + run_log_odds(stride), 6.0)
        self.strides += 1

    def push_speed(self, speed_mps: float) -> None:
        """Take a stride's speed, known later than its contact."""
        self.slow = _bounded(0.5 * self.slow + _bounded((0.6 - speed_mps) / 0.15, 2.0), 3.0)

    def certain(self) -> Activity | None:
        """Activity if there is no real doubt, else None."""
        if self.strides == 0 or abs(self.odds) < 2.0:
            return None
        return self.likely()

    def likely(self) -> Activity:
        """The likelier activity."""
        if self.odds < 0.0:
            return "walking"
        return "in_place" if self.slow > 1.5 else "running"
