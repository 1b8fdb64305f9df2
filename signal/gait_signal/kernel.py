"""One foot, one sample at a time: attitude, contact-point jerk, and the landing state machine.

Theory of operation
-------------------
The attitude is plain gyro integration in a free frame F; it is never reset to a flat foot. What is
known about gravity is a single vector, ``up`` in F. Between two mid-stances a shoe starts and ends (nearly)
at rest against the ground, so the mean specific force of a stride *is* up: each stride pulls the vector
a little toward it. A belt that moves at constant speed changes nothing in this.

A foot that runs or walks goes through, in this order::

    SWING    toe-up rate peaks, then falls below a third of the peak
    SEARCH   the contact-point jerk passes its first peak        -> initial contact, fast
    SETTLE   20 ms later the angle is read                       -> DECIDED
    REFINE   60 ms later the first strong jerk peak is taken     -> REFINED
    STANCE   calmest instant, until toe-down rate says push-off  -> STOOD
    PUSH     toe-down rate peaks, the vertical push falls off    -> LEFT

Contact-point jerk: the shoe does not touch under the pod. Acceleration is moved to the touching point,
``J = d(az)/dt - r d2(w)/dt2``, with r the arm to the heel as far as the toes are up.
"""

from __future__ import annotations

from math import asin, atan2, cos, sin, sqrt

from .calibration import Alignment
from .params import GRAVITY_MPS2, CoreParams

SIZE = 1024  # samples of history, a power of two: 5 s
MASK = SIZE - 1

NOTHING, DECIDED, REFINED, STOOD, LEFT, LATE = range(6)
SWING, SEARCH, SETTLE, REFINE, STANCE, PUSH = range(6)

_ARM_FROM_RAD = 0.035  # toes-up angle at which the touching point begins to move to the heel
_ARM_SPAN_RAD = 0.14
_FALSE_SHARE = 0.12  # a jerk this much weaker than the one that follows was still swing
_HEEL_OFF_RAD = 0.14  # toe-down turn since the calmest instant, more than a rebound's
_BELOW_FLAT_RAD = 0.09
_RELEASE_SHARE = 0.87  # of the push-off's peak rate: below it the toes have let go
_PUSH_DROP_MPS2 = 4.0  # least fall of the vertical acceleration at toe-off
_PUSH_SAMPLES = 30
_PUSH_TURN_RAD = 0.6  # the toes leave before the foot has turned this far past its fastest


class FootKernel:
    """State of one foot; see the module text. All numbers plain, all arrays rings of ``SIZE``.

    Sample numbers count from 0 and never wrap; ``number & MASK`` is the place in a ring.
    """

    def __init__(self, params: CoreParams, alignment: Alignment, settled: bool) -> None:
        self.params = params
        self.bias = (*alignment.acc_bias, *alignment.gyr_bias)
        self.rows = alignment.rows
        self.heading_rad = 0.0
        self._hxx = 0.0
        self._hxy = 0.0
        self._hyy = 400.0  # prior on the nominal axis, (rad/s)^2: worth about two swings
        self.n = -1
        self.q = (1.0, 0.0, 0.0, 0.0)
        self.up = (0.0, 0.0, 1.0)
        self.level_known = settled
        self.strides_seen = 3 if settled else 0
        self.previous = (0.0, 0.0, 0.0)
        self.sums = (0.0, 0.0, 0.0)
        zeros = [0.0] * SIZE
        self.time_s = zeros.copy()
        self.known_s = zeros.copy()
        self.rate = zeros.copy()  # toe-up, rad/s
        self.vertical = zeros.copy()  # upward acceleration, m/s2
        self.vertical_slope = zeros.copy()
        self.energy = zeros.copy()
        self.jerk = zeros.copy()
        self.turned = zeros.copy()  # integral of the toe-up rate, rad
        self.pitch = zeros.copy()  # rad, only near contact to be trusted
        self.attitude = [(1.0, 0.0, 0.0, 0.0)] * SIZE
        self.force = [(0.0, 0.0, 0.0)] * SIZE  # specific force in F
        self.force_sum = [(0.0, 0.0, 0.0)] * SIZE
        self.flags = [0] * SIZE
        # landing machine
        self.state = SWING
        self.entered = 0
        self.peak = 0.0
        self.swing_level = 6.0
        self.push_level = 6.0
        self.jerk_level = 600.0
        self.fast_ic_s = 0.0
        self.ic_s = 0.0
        self.ic_n = 0
        self.search_n = 0
        self.calm_n = 0
        self.flat_rad = 0.0  # running mean of the pitch at mid-stance: slope, and how the pod sits
        self.calm = 1e9
        self.stood_n = -1
        self.previous_stood_n = -1
        self.push = 0.0
        self.push_n = 0
        self.released = False
        self.to_s = 0.0
        self.jerk_peak = 0.0

    # ---- motion -----------------------------------------------------------------------------------

    def step(  # noqa: PLR0917
        self,
        time_s: float,
        known_s: float,
        ax: float,
        ay: float,
        az: float,
        gx: float,
        gy: float,
        gz: float,
        flags: int,
    ) -> int:
        """Take one grid sample in the sensor frame; give what has just been found."""
        b = self.bias
        r = self.rows
        ax -= b[0]
        ay -= b[1]
        az -= b[2]
        gx -= b[3]
        gy -= b[4]
        gz -= b[5]
        fx = r[0] * ax + r[1] * ay + r[2] * az
        fy = r[3] * ax + r[4] * ay + r[5] * az
        fz = r[6] * ax + r[7] * ay + r[8] * az
        wx = r[0] * gx + r[1] * gy + r[2] * gz
        wy = r[3] * gx + r[4] * gy + r[5] * gz
        wz = r[6] * gx + r[7] * gy + r[8] * gz
        n = self.n + 1
        self.n = n
        here = n & MASK
        there = (n - 1) & MASK
        dt = time_s - self.time_s[there] if n else 0.0
        px, py, pz = self.previous
        self.previous = (wx, wy, wz)
        # Exact turn by the mean rate of the two samples.
        vx = 0.5 * (px + wx) * dt
        vy = 0.5 * (py + wy) * dt
        vz = 0.5 * (pz + wz) * dt
        angle = sqrt(vx * vx + vy * vy + vz * vz)
        c = cos(0.5 * angle)
        s = sin(0.5 * angle) / angle if angle > 1e-9 else 0.5
        vx *= s
        vy *= s
        vz *= s
        q0, q1, q2, q3 = self.q
        a0 = q0 * c - q1 * vx - q2 * vy - q3 * vz
        a1 = q1 * c + q0 * vx + q2 * vz - q3 * vy
        a2 = q2 * c + q0 * vy + q3 * vx - q1 * vz
        a3 = q3 * c + q0 * vz + q1 * vy - q2 * vx
        scale = 1.5 - 0.5 * (a0 * a0 + a1 * a1 + a2 * a2 + a3 * a3)
        q0 = a0 * scale
        q1 = a1 * scale
        q2 = a2 * scale
        q3 = a3 * scale
        self.q = (q0, q1, q2, q3)
        # force in F, and up in the foot frame (its x component is the sine of the pitch)
        r00 = 1.0 - 2.0 * (q2 * q2 + q3 * q3)
        r10 = 2.0 * (q1 * q2 + q0 * q3)
        r20 = 2.0 * (q1 * q3 - q0 * q2)
        big_x = r00 * fx + 2.0 * (q1 * q2 - q0 * q3) * fy + 2.0 * (q1 * q3 + q0 * q2) * fz
        big_y = r10 * fx + (1.0 - 2.0 * (q1 * q1 + q3 * q3)) * fy + 2.0 * (q2 * q3 - q0 * q1) * fz
        big_z = r20 * fx + 2.0 * (q2 * q3 + q0 * q1) * fy + (1.0 - 2.0 * (q1 * q1 + q2 * q2)) * fz
        ux, uy, uz = self.up
        toe_up = r00 * ux + r10 * uy + r20 * uz
        self.time_s[here] = time_s
        self.known_s[here] = known_s
        self.rate[here] = -wy
        self.turned[here] = self.turned[there] - 0.5 * (py + wy) * dt if n else 0.0
        self.vertical[here] = ux * big_x + uy * big_y + uz * big_z - GRAVITY_MPS2
        self.pitch[here] = asin(max(-1.0, min(1.0, toe_up)))
        self.attitude[here] = self.q
        self.force[here] = (big_x, big_y, big_z)
        sx, sy, sz = self.sums
        self.sums = (sx + big_x, sy + big_y, sz + big_z)
        self.force_sum[here] = self.sums
        self.flags[here] = flags
        self.energy[here] = wx * wx + wy * wy + wz * wz
        if wx * wx + wy * wy > 9.0:
            keep = 1.0 - 0.000625  # 8 s of moving
            self._hxx = self._hxx * keep + wx * wx
            self._hxy = self._hxy * keep + wx * wy
            self._hyy = self._hyy * keep + wy * wy
        if n < 8:
            return NOTHING
        self._differentiate(n)
        return self._advance(n)

    def _differentiate(self, n: int) -> None:
        """Contact-point jerk two samples ago, by centred five-point differences."""
        i0, i1, i2, i3, i4 = (n - 4) & MASK, (n - 3) & MASK, (n - 2) & MASK, (n - 1) & MASK, n & MASK
        a = self.vertical
        w = self.rate
        rate_hz = self.params.rate_hz
        slope = (a[i0] - 8.0 * a[i1] + 8.0 * a[i3] - a[i4]) * (rate_hz / 12.0)
        bend = (-w[i0] + 16.0 * w[i1] - 30.0 * w[i2] + 16.0 * w[i3] - w[i4]) * (rate_hz * rate_hz / 12.0)
        share = (self.pitch[i2] - _ARM_FROM_RAD) / _ARM_SPAN_RAD
        arm = self.params.heel_arm_m * max(0.0, min(1.0, share))
        self.vertical_slope[i2] = slope
        self.jerk[i2] = slope - arm * bend

    # ---- landing machine --------------------------------------------------------------------------

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
        w = self.rate[n & MASK]
        self.peak = max(self.peak, w)
        floor = max(self.params.swing_rate_min_radps, 0.35 * self.swing_level)
        if self.peak > floor and w < 0.35 * self.peak:
            self.search_n = n
            self._enter(SEARCH, n)
        elif n - self.entered > 400:
            # No swing for 2 s: a slower movement may follow.
            self.swing_level = max(3.0, 0.7 * self.swing_level)
            self.peak = 0.0
            self.entered = n
        return NOTHING

    def _search(self, n: int) -> int:
        i = n - 3
        # As late as the jerk is known: a heel that drops after the toes landed turns toe-up as well.
        if self.rate[i & MASK] > 0.7 * self.peak:
            self._enter(SWING, n)
            return NOTHING
        j = self.jerk
        here = j[i & MASK]
        floor = max(self.params.jerk_min_mps3, 0.2 * self.jerk_level)
        if i >= self.search_n - 2 and here > floor and here > j[(i - 1) & MASK] and here >= j[(i + 1) & MASK]:
            return self._touch(n, i)
        if n - self.entered > 50:
            # A landing too soft for the threshold: the strongest jerk must be it.
            best = max(range(self.search_n, n - 3), key=lambda k: j[k & MASK])
            return self._touch(n, best)
        return NOTHING

    def _touch(self, n: int, i: int) -> int:
        self.ic_n = i
        self.fast_ic_s = self._peak_time(self.jerk, i)
        self.ic_s = self.fast_ic_s
        self._enter(SETTLE, n)
        return self._settle(n)

    def _settle(self, n: int) -> int:
        if self.time_s[n & MASK] < self.fast_ic_s + self.params.decide_after_s:
            return NOTHING
        self.fast_ic_s = self.ic_s = self._contact_time(self.ic_n, n)
        self._enter(REFINE, n)
        return DECIDED

    def _contact_time(self, i: int, n: int) -> float:
        """Contact from two witnesses: the jerk peak at ``i`` and, for a heel, the steepest fall of pitch rate.

        The heel cushion gives way: its jerk comes early in the load, the torque about the ankle late.
        """
        jerk_s = self._peak_time(self.jerk, i)
        share = max(0.0, min(1.0, (self.pitch[i & MASK] - _ARM_FROM_RAD) / _ARM_SPAN_RAD))
        if share == 0.0:
            return jerk_s
        w = self.rate
        last = min(i + 4, n - 1)
        steepest = min(range(i - 1, last + 1), key=lambda k: w[(k + 1) & MASK] - w[(k - 1) & MASK])
        fall = [w[(k + 1) & MASK] - w[(k - 1) & MASK] for k in (steepest - 1, steepest, min(steepest + 1, last))]
        bend = fall[0] - 2.0 * fall[1] + fall[2]
        shift = max(-0.5, min(0.5, 0.5 * (fall[0] - fall[2]) / bend)) if bend > 0.0 else 0.0
        step_s = self.time_s[steepest & MASK] - self.time_s[(steepest - 1) & MASK]
        fall_s = self.time_s[steepest & MASK] + shift * step_s
        return jerk_s + 0.5 * share * (fall_s - jerk_s)

    def _refine(self, n: int) -> int:
        if self.time_s[n & MASK] < self.fast_ic_s + self.params.refine_after_s:
            return NOTHING
        j = self.jerk
        first = max(self.search_n, self.ic_n - 6)
        span = range(first, n - 2)
        top = max(j[k & MASK] for k in span)
        self.jerk_peak = top
        for k in span:
            here = j[k & MASK]
            if here >= 0.3 * top and here > j[(k - 1) & MASK] and here >= j[(k + 1) & MASK]:
                if k != self.ic_n:
                    self.ic_s = self._contact_time(k, n)
                    self.ic_n = k
                break
        low, high = 0.5 * self.swing_level, 1.5 * self.swing_level
        self.swing_level += 0.25 * (max(low, min(high, self.peak)) - self.swing_level)
        self.peak = 0.0
        self.calm = 1e9
        self._enter(STANCE, n)
        return REFINED

    def _stance(self, n: int) -> int:
        e = self.energy
        here = e[n & MASK] + e[(n - 1) & MASK] + e[(n - 2) & MASK] + e[(n - 3) & MASK] + e[(n - 4) & MASK]
        if here < self.calm:
            self.calm = here
            self.calm_n = n - 2
        if n - self.entered < 6:
            return NOTHING
        w = self.rate[n & MASK]
        # A heel's slap turns toe-down too, but from toes-up to flat; a push-off goes on from flat.
        calm_rate = 0.35 * self.push_level
        lifted = (
            self.turned[self.calm_n & MASK] - self.turned[n & MASK] > _HEEL_OFF_RAD
            and (not self.level_known or self.pitch[n & MASK] < self.flat_rad - _BELOW_FLAT_RAD)
            and self.calm < 5.0 * calm_rate * calm_rate
        )
        if lifted and w < -max(self.params.push_rate_min_radps, 0.3 * self.push_level):
            self._recheck(n)
            self.push = w
            self.push_n = n
            self.released = False
            self.previous_stood_n = self.stood_n
            self.stood_n = self.calm_n
            flat = max(-0.25, min(0.25, self.pitch[self.calm_n & MASK]))
            self.flat_rad += 0.2 * (flat - self.flat_rad)
            self._enter(PUSH, n)
            return STOOD
        if n - self.entered > 60 and w > max(self.params.swing_rate_min_radps, 0.6 * self.swing_level):
            # It swings already: the push-off was missed.
            self.peak = w
            self._enter(SWING, n)
        elif n - self.entered > 400:
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
        w = self.rate[n & MASK]
        if not self.released:
            if w < self.push:
                self.push = w
                self.push_n = n
            # The first minimum counts: the shoe often nods a second time after it has left.
            self.released = w > _RELEASE_SHARE * self.push or n - self.push_n > 12
            return NOTHING
        found = self._force_end(n)
        if found is None:
            turned = self.turned[self.push_n & MASK] - self.turned[n & MASK]
            if turned < _PUSH_TURN_RAD and n - self.push_n < _PUSH_SAMPLES:
                return NOTHING
            found = self.time_s[(self.push_n + 6) & MASK]
        self.to_s = found
        self.push_level += 0.25 * (min(1.5 * self.push_level, -self.push) - self.push_level)
        self.peak = 0.0
        self._enter(SWING, n)
        return LEFT

    def _force_end(self, n: int) -> float | None:
        """Where the vertical push has fallen half-way to the trough after it; None before that is over."""
        a = self.vertical
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
                t0, t1 = self.time_s[at & MASK], self.time_s[(at + 1) & MASK]
                return t0 + share * (t1 - t0)
        return None

    def _peak_time(self, values: list[float], i: int) -> float:
        """Time of the extremum at sample ``i``, by a parabola through three."""
        a, b, c = values[(i - 1) & MASK], values[i & MASK], values[(i + 1) & MASK]
        bend = a - 2.0 * b + c
        shift = 0.5 * (a - c) / bend if bend != 0.0 else 0.0
        shift = max(-0.5, min(0.5, shift))
        step_s = self.time_s[(i + 1) & MASK] - self.time_s[i & MASK]
        return self.time_s[i & MASK] + shift * step_s

    # ---- questions and corrections ----------------------------------------------------------------

    def pitch_at(self, time_s: float, near: int) -> float:
        """Foot pitch (rad, toe-up, against standing) at a time near sample ``near``, by today's ``up``."""
        k = near
        while k > 0 and self.time_s[k & MASK] > time_s:
            k -= 1
        while k < self.n - 1 and self.time_s[(k + 1) & MASK] <= time_s:
            k += 1
        t0, t1 = self.time_s[k & MASK], self.time_s[(k + 1) & MASK]
        share = max(0.0, min(1.0, (time_s - t0) / (t1 - t0))) if t1 > t0 else 0.0
        return (1.0 - share) * self.elevation(k) + share * self.elevation(k + 1)

    def elevation(self, k: int) -> float:
        """Elevation of the foot's x axis at sample ``k`` by today's ``up``."""
        q0, q1, q2, q3 = self.attitude[k & MASK]
        ux, uy, uz = self.up
        toe_up = (
            (1.0 - 2.0 * (q2 * q2 + q3 * q3)) * ux + 2.0 * (q1 * q2 + q0 * q3) * uy + 2.0 * (q1 * q3 - q0 * q2) * uz
        )
        return asin(max(-1.0, min(1.0, toe_up)))

    def level_flat(self, k: int) -> None:
        """Take the foot to stand flat at sample ``k`` (first stride after a cut)."""
        q0, q1, q2, q3 = self.attitude[k & MASK]
        self.up = (2.0 * (q1 * q3 + q0 * q2), 2.0 * (q2 * q3 - q0 * q1), 1.0 - 2.0 * (q1 * q1 + q2 * q2))
        self.level_known = True
        self.strides_seen = 0

    def level_still(self, samples: int) -> None:
        """Take up from the latest ``samples`` samples of rest."""
        now, then = self.force_sum[self.n & MASK], self.force_sum[(self.n - samples) & MASK]
        x, y, z = now[0] - then[0], now[1] - then[1], now[2] - then[2]
        length = sqrt(x * x + y * y + z * z)
        self.up = (x / length, y / length, z / length)
        self.level_known = True
        self.strides_seen = 3

    def level_stride(self, gain: float) -> None:
        """Pull up toward the mean force between the last two mid-stances."""
        a, b = self.force_sum[self.previous_stood_n & MASK], self.force_sum[self.stood_n & MASK]
        x, y, z = b[0] - a[0], b[1] - a[1], b[2] - a[2]
        length = sqrt(x * x + y * y + z * z)
        ux, uy, uz = self.up
        ux += gain * (x / length - ux)
        uy += gain * (y / length - uy)
        uz += gain * (z / length - uz)
        length = sqrt(ux * ux + uy * uy + uz * uz)
        self.up = (ux / length, uy / length, uz / length)

    def lateral_rad(self) -> float:
        """Heading of the foot by its main axis of rotation, against the pod's own heading."""
        return self.heading_rad + 0.5 * atan2(-2.0 * self._hxy, self._hyy - self._hxx)

    def turn_heading(self, heading_rad: float) -> None:
        """Give the foot frame a new heading against the pod's own; called while the foot is calm."""
        angle = heading_rad - self.heading_rad
        if abs(angle) < 1e-4:
            return
        c, s = cos(angle), sin(angle)
        r = self.rows
        self.rows = (
            c * r[0] + s * r[3],
            c * r[1] + s * r[4],
            c * r[2] + s * r[5],
            c * r[3] - s * r[0],
            c * r[4] - s * r[1],
            c * r[5] - s * r[2],
            r[6],
            r[7],
            r[8],
        )
        q0, q1, q2, q3 = self.q
        hc, hs = cos(0.5 * angle), sin(0.5 * angle)
        self.q = (q0 * hc - q3 * hs, q1 * hc + q2 * hs, q2 * hc - q1 * hs, q3 * hc + q0 * hs)
        px, py, pz = self.previous
        self.previous = (c * px + s * py, c * py - s * px, pz)
        xx, xy, yy = self._hxx, self._hxy, self._hyy
        self._hxx = c * c * xx + 2 * c * s * xy + s * s * yy
        self._hyy = s * s * xx - 2 * c * s * xy + c * c * yy
        self._hxy = (c * c - s * s) * xy + c * s * (yy - xx)
        self.heading_rad += angle

    def align(self, alignment: Alignment) -> None:
        """Take a new alignment while the foot rests: this pose is level from now on."""
        self.bias = (*alignment.acc_bias, *alignment.gyr_bias)
        self.rows = alignment.rows
        self.heading_rad = 0.0
        self._hxx = 0.0
        self._hxy = 0.0
        self._hyy = 400.0
        self.previous = (0.0, 0.0, 0.0)
        self.q = (1.0, 0.0, 0.0, 0.0)
        self.up = (0.0, 0.0, 1.0)
        self.level_known = True
        self.strides_seen = 3
        self.stood_n = self.previous_stood_n = -1

    def inherit(self, other: FootKernel) -> None:
        """After a cut: keep what was learned about the pod and the wearer."""
        self.rows = other.rows
        self.heading_rad = other.heading_rad
        self._hxx, self._hxy, self._hyy = other._hxx, other._hxy, other._hyy
        self.swing_level = other.swing_level
        self.push_level = other.push_level
        self.jerk_level = other.jerk_level
