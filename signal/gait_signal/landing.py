"""The landing machine of one foot: which sample is a contact, a decision, a mid-stance, a toe-off.

Theory of operation
-------------------
A foot that runs or walks goes through, in this order::

    SWING    toe-up rate peaks, then falls below a third of the peak
    SEARCH   the contact-point jerk passes its first peak         -> initial contact, fast
    SETTLE   20 ms later the ground must have pushed; angle read  -> DECIDED
    REFINE   60 ms later the first strong jerk peak is taken      -> REFINED
    STANCE   calmest instant, until toe-down rate says push-off   -> STOOD
    PUSH     toe-down rate peaks, the vertical push falls off     -> LEFT

Contact-point jerk: the shoe does not touch under the pod. Acceleration is moved to the touching point,
``J = d(az)/dt - r d2(w)/dt2``, with r the arm to the heel as far as the toes are up.

LOST says that a whole stance passed whose push-off could not be believed by the foot's pitch: the level is wrong.

Thresholds follow running levels of the wearer's own swings, push-offs and landings; each level moves by a
bounded step, so that one odd stride cannot blind the machine.
"""

from __future__ import annotations

from .motion import MASK, Motion
from .params import CoreParams

NOTHING, DECIDED, REFINED, STOOD, LEFT, LOST = range(6)
SWING, SEARCH, SETTLE, REFINE, STANCE, PUSH = range(6)

_ARM_FROM_RAD = 0.035  # toes-up angle at which the touching point begins to move to the heel
_ARM_SPAN_RAD = 0.14
_FALSE_SHARE = 0.2  # a jerk this much weaker than the one that follows was still swing
_HEEL_OFF_RAD = 0.14  # toe-down turn since the calmest instant, more than a rebound's
_BELOW_FLAT_RAD = 0.09
_RELEASE_SHARE = 0.93  # of the push-off's peak rate: below it the toes have let go
_PUSH_DROP_MPS2 = 4.0  # least fall of the vertical acceleration at toe-off
_PUSH_SAMPLES = 30
_PUSH_TURN_RAD = 0.6  # the toes leave before the foot has turned this far past its fastest


class LandingMachine:
    """State of the machine; see the module text. Reads the motion's rings, keeps two of its own.

    Attributes
    ----------
    fast_ic_s, ic_s, to_s : float
        Latest contact as decided, as refined, and latest toe-off.
    ic_n, stood_n, previous_stood_n : int
        Sample numbers of the contact and of the last two mid-stances, -1 where there is none.
    peak_radps, push_radps : float
        Toe-up rate peak of the swing, and (negative) toe-down rate peak of the push-off.
    jerk_peak_mps3 : float
        Largest contact-point jerk of the latest landing.
    """

    def __init__(self, params: CoreParams, motion: Motion) -> None:
        self.params = params
        self.motion = motion
        self.jerk = [0.0] * (MASK + 1)
        self.lift = [0.0] * (MASK + 1)  # upward acceleration of the contact point, m/s2
        self.state = SWING
        self.entered = 0
        self.peak_radps = 0.0
        self.swing_level = 6.0
        self.push_level = 6.0
        self.jerk_level = 600.0
        self.fast_ic_s = 0.0
        self.ic_s = 0.0
        self.ic_n = 0
        self.search_n = 0
        self.search_from_n = 0
        self.late = False
        self.calm_n = 0
        self.flat_rad = 0.0  # running mean of the pitch at mid-stance: slope, and how the pod sits
        self.calm = 1e9
        self.stood_n = -1
        self.denied = False
        self.previous_stood_n = -1
        self.push_radps = 0.0
        self.push_n = 0
        self.released = False
        self.to_s = 0.0
        self.jerk_peak_mps3 = 0.0

    def step(self) -> int:
        """Look at the motion's latest sample; give what has just been found."""
        n = self.motion.n
        if n < 8:
            return NOTHING
        self._differentiate(n)
        return self._advance(n)

    def _differentiate(self, n: int) -> None:
        """Contact-point jerk two samples ago, by centred five-point differences."""
        i0, i1, i2, i3, i4 = (n - 4) & MASK, (n - 3) & MASK, (n - 2) & MASK, (n - 1) & MASK, n & MASK
        a = self.motion.vertical
        w = self.motion.rate
        rate_hz = self.params.rate_hz
        slope = (a[i0] - 8.0 * a[i1] + 8.0 * a[i3] - a[i4]) * (rate_hz / 12.0)
        bend = (-w[i0] + 16.0 * w[i1] - 30.0 * w[i2] + 16.0 * w[i3] - w[i4]) * (rate_hz * rate_hz / 12.0)
        share = (self.motion.pitch[i2] - _ARM_FROM_RAD) / _ARM_SPAN_RAD
        arm = self.params.heel_arm_m * max(0.0, min(1.0, share))
        fall = (w[i0] - 8.0 * w[i1] + 8.0 * w[i3] - w[i4]) * (rate_hz / 12.0)
        self.jerk[i2] = slope - arm * bend
        self.lift[i2] = a[i2] - arm * fall

    def _advance(self, n: int) -> int:
        state = self.state
        if state == SWING:
            return self._swing(n)
        if state == SEARCH:
            return self._search(n)
        if state == SETTLE:
            return self._settle(n)
        if state == REFINE:
            return self._refine(n)
        if state == STANCE:
            return self._stance(n)
        return self._push(n)

    def _enter(self, state: int, n: int) -> None:
        self.state = state
        self.entered = n

    def _swing(self, n: int) -> int:
        w = self.motion.rate[n & MASK]
        self.peak_radps = max(self.peak_radps, w)
        floor = max(self.params.swing_rate_min_radps, 0.35 * self.swing_level)
        if self.peak_radps > floor and w < 0.35 * self.peak_radps:
            self.search_n = n
            self.search_from_n = n - 2
            self._enter(SEARCH, n)
        elif n - self.entered > 400:
            # No swing for 2 s: a slower movement may follow.
            self.swing_level = max(3.0, 0.7 * self.swing_level)
            self.peak_radps = 0.0
            self.entered = n
        return NOTHING

    def _search(self, n: int) -> int:
        i = n - 3
        # As late as the jerk is known: a heel that drops after the toes landed turns toe-up as well.
        if self.motion.rate[i & MASK] > 0.7 * self.peak_radps:
            self._enter(SWING, n)
            return NOTHING
        j = self.jerk
        here = j[i & MASK]
        floor = max(self.params.jerk_min_mps3, 0.2 * self.jerk_level)
        self.late = False
        if i >= self.search_from_n and here > floor and here > j[(i - 1) & MASK] and here >= j[(i + 1) & MASK]:
            return self._touch(n, i)
        if n - self.search_n > 50:
            # A landing too soft for the threshold: the strongest jerk must be it.
            self.late = True
            best = max(range(n - 50, n - 3), key=lambda k: j[k & MASK])
            return self._touch(n, best)
        return NOTHING

    def _touch(self, n: int, i: int) -> int:
        self.ic_n = i
        self.fast_ic_s = self._peak_time(self.jerk, i)
        self.ic_s = self.fast_ic_s
        self._enter(SETTLE, n)
        return self._settle(n)

    def _settle(self, n: int) -> int:
        if self.motion.time_s[n & MASK] < self.fast_ic_s + self.params.decide_after_s:
            return NOTHING
        if not self.late and not self._pushed_up(n):
            self._enter(SEARCH, n)
            self.search_from_n = n - 2
            return NOTHING
        self.fast_ic_s = self.ic_s = self._contact_time(self.ic_n, n)
        self._enter(REFINE, n)
        return DECIDED

    def _pushed_up(self, n: int) -> bool:
        """Whether the ground has pushed the contact point up since: a leg that brakes its swing has not."""
        lift = self.lift
        return max(lift[k & MASK] for k in range(self.ic_n, n - 1)) > 0.0

    def _contact_time(self, i: int, n: int) -> float:
        """Contact from two witnesses: the jerk peak at ``i`` and, for a heel, the steepest fall of pitch rate.

        The heel cushion gives way: its jerk comes early in the load, the torque about the ankle late.
        """
        jerk_s = self._peak_time(self.jerk, i)
        share = max(0.0, min(1.0, (self.motion.pitch[i & MASK] - _ARM_FROM_RAD) / _ARM_SPAN_RAD))
        if share == 0.0:
            return jerk_s
        w = self.motion.rate
        last = min(i + 4, n - 1)
        steepest = min(range(i - 1, last + 1), key=lambda k: w[(k + 1) & MASK] - w[(k - 1) & MASK])
        fall = [w[(k + 1) & MASK] - w[(k - 1) & MASK] for k in (steepest - 1, steepest, min(steepest + 1, last))]
        bend = fall[0] - 2.0 * fall[1] + fall[2]
        shift = max(-0.5, min(0.5, 0.5 * (fall[0] - fall[2]) / bend)) if bend > 0.0 else 0.0
        step_s = self.motion.time_s[steepest & MASK] - self.motion.time_s[(steepest - 1) & MASK]
        fall_s = self.motion.time_s[steepest & MASK] + shift * step_s
        return jerk_s + 0.5 * share * (fall_s - jerk_s)

    def _refine(self, n: int) -> int:
        if self.motion.time_s[n & MASK] < self.fast_ic_s + self.params.refine_after_s:
            return NOTHING
        j = self.jerk
        first = max(self.search_n, self.ic_n - 6)
        span = range(first, n - 2)
        top = max(j[k & MASK] for k in span)
        self.jerk_peak_mps3 = top
        for k in span:
            here = j[k & MASK]
            if here >= 0.3 * top and here > j[(k - 1) & MASK] and here >= j[(k + 1) & MASK]:
                if k != self.ic_n:
                    self.ic_s = self._contact_time(k, n)
                    self.ic_n = k
                break
        low, high = 0.5 * self.swing_level, 1.5 * self.swing_level
        self.swing_level += 0.25 * (max(low, min(high, self.peak_radps)) - self.swing_level)
        self.peak_radps = 0.0
        self.calm = 1e9
        self.denied = False
        self._enter(STANCE, n)
        return REFINED

    def _stance(self, n: int) -> int:
        e = self.motion.energy
        here = e[n & MASK] + e[(n - 1) & MASK] + e[(n - 2) & MASK] + e[(n - 3) & MASK] + e[(n - 4) & MASK]
        if here < self.calm:
            self.calm = here
            self.calm_n = n - 2
        if n - self.entered < 6:
            return NOTHING
        w = self.motion.rate[n & MASK]
        # A heel's slap turns toe-down too, but from toes-up to flat; a push-off goes on from flat.
        calm_rate = 0.35 * self.push_level
        lifted = (
            w < -max(self.params.push_rate_min_radps, 0.3 * self.push_level)
            and self.motion.turned[self.calm_n & MASK] - self.motion.turned[n & MASK] > _HEEL_OFF_RAD
            and self.calm < 5.0 * calm_rate * calm_rate
        )
        low = not self.motion.level.known or self.motion.pitch[n & MASK] < self.flat_rad - _BELOW_FLAT_RAD
        self.denied = self.denied or (lifted and not low)
        if lifted and low:
            self._recheck(n)
            self.push_radps = w
            self.push_n = n
            self.released = False
            self.previous_stood_n = self.stood_n
            self.stood_n = self.calm_n
            flat = max(-0.25, min(0.25, self.motion.pitch[self.calm_n & MASK]))
            self.flat_rad += 0.2 * (flat - self.flat_rad)
            self._enter(PUSH, n)
            return STOOD
        if n - self.entered > 60 and w > max(self.params.swing_rate_min_radps, 0.6 * self.swing_level):
            # It swings already: the push-off was missed.
            self.peak_radps = w
            self._enter(SWING, n)
            # If only the pitch spoke against a push-off, then the pitch is wrong.
            return LOST if self.denied else NOTHING
        if n - self.entered > 400:
            self.push_level = max(3.0, 0.7 * self.push_level)
            self.entered = n
        return NOTHING

    def _recheck(self, n: int) -> None:
        """Move the contact if the landing proper came after what was taken for it."""
        j = self.jerk
        first, last = self.ic_n, max(self.calm_n, self.ic_n + 1)
        strongest = max(range(first, last + 1), key=lambda k: j[k & MASK])
        top = j[strongest & MASK]
        if j[first & MASK] < _FALSE_SHARE * top:
            for k in range(first + 1, strongest + 1):
                here = j[k & MASK]
                if here >= 0.3 * top and here > j[(k - 1) & MASK] and here >= j[(k + 1) & MASK]:
                    self.ic_n = k
                    self.ic_s = self._contact_time(k, n)
                    break
        level = self.jerk_level
        self.jerk_level += 0.25 * (max(0.5 * level, min(2.0 * level, top)) - level)

    def _push(self, n: int) -> int:
        w = self.motion.rate[n & MASK]
        if not self.released:
            if w < self.push_radps:
                self.push_radps = w
                self.push_n = n
            # The first minimum counts: the shoe often nods a second time after it has left.
            self.released = w > _RELEASE_SHARE * self.push_radps or n - self.push_n > 12
            return NOTHING
        found = self._force_end(n)
        if found is None:
            turned = self.motion.turned[self.push_n & MASK] - self.motion.turned[n & MASK]
            if turned < _PUSH_TURN_RAD and n - self.push_n < _PUSH_SAMPLES:
                return NOTHING
            found = self.motion.time_s[(self.push_n + 6) & MASK]
        self.to_s = found
        self.push_level += 0.25 * (min(1.5 * self.push_level, -self.push_radps) - self.push_level)
        self.peak_radps = 0.0
        self._enter(SWING, n)
        return LEFT

    def _force_end(self, n: int) -> float | None:
        """Where the vertical push has fallen half-way to the trough after it; None before that is over."""
        a = self.motion.vertical
        first = self.push_n - 6
        high = low = a[first & MASK]
        high_n = low_n = first
        for k in range(first + 1, n + 1):
            here = a[k & MASK]
            if here > high and high - low < _PUSH_DROP_MPS2:
                high = low = here
                high_n = low_n = k
            elif here < low:
                low = here
                low_n = k
            elif high - low >= _PUSH_DROP_MPS2 and here - low > 0.25 * (high - low):
                if low_n <= self.push_n + 1:
                    # Still rolling over the toes: a wobble, not the end.
                    high = low = here
                    high_n = low_n = k
                    continue
                half = 0.5 * (high + low)
                at = low_n
                while at > high_n and a[at & MASK] < half:
                    at -= 1
                below = a[(at + 1) & MASK]
                share = (a[at & MASK] - half) / (a[at & MASK] - below) if a[at & MASK] > below else 0.0
                t0, t1 = self.motion.time_s[at & MASK], self.motion.time_s[(at + 1) & MASK]
                return t0 + share * (t1 - t0)
        return None

    def _peak_time(self, values: list[float], i: int) -> float:
        """Time of the extremum at sample ``i``, by a parabola through three."""
        a, b, c = values[(i - 1) & MASK], values[i & MASK], values[(i + 1) & MASK]
        bend = a - 2.0 * b + c
        shift = 0.5 * (a - c) / bend if bend != 0.0 else 0.0
        shift = max(-0.5, min(0.5, shift))
        step_s = self.motion.time_s[(i + 1) & MASK] - self.motion.time_s[i & MASK]
        return self.motion.time_s[i & MASK] + shift * step_s

    def restart(self) -> None:
        """The foot rests: nothing before now belongs to a stride."""
        self.forget_path()
        self.peak_radps = 0.0
        self._enter(SWING, self.motion.n)

    def forget_path(self) -> None:
        """The attitude was wrong: the last mid-stances are no ends of a stride."""
        self.stood_n = self.previous_stood_n = -1

    def inherit(self, other: LandingMachine) -> None:
        """After a cut: keep what was learned about the wearer."""
        self.swing_level = other.swing_level
        self.push_level = other.push_level
        self.jerk_level = other.jerk_level
        self.flat_rad = other.flat_rad
