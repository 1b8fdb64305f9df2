"""One foot's motion: attitude by plain gyro integration, vertical acceleration, and 5 s of history.

The attitude is kept in a free frame F and never reset to a flat foot; what is known about gravity is one
vector, ``level.up`` in F (see :mod:`gait_signal.level`). The foot frame's heading against the pod can be turned
while the foot is calm.
"""

from __future__ import annotations

from math import asin, atan2, cos, sin, sqrt

from .calibration import Alignment, Vector
from .level import Level, turn
from .params import GRAVITY_MPS2

SIZE = 1024  # samples of history, a power of two: 5 s
MASK = SIZE - 1

_GUESS_FROM, _GUESS_OVER = 20, 160  # samples; the longer one is about a stride
_HEADING_PRIOR = 400.0  # on the pod's own axis, (rad/s)^2: worth about two swings
_HEADING_KEEP = 1.0 - 0.000625  # forgets over 8 s of moving


class Motion:
    """State of one foot's motion; all numbers plain, all arrays rings of ``SIZE``.

    Sample numbers count from 0 and never wrap; ``number & MASK`` is the place in a ring.

    Attributes
    ----------
    n : int
        Number of the latest sample, -1 before the first.
    time_s, rate, turned, vertical, pitch, energy, attitude, force, force_sum, flags : list
        Rings: sample time; toe-up rate (rad/s) and its integral (rad); upward acceleration (m/s2); foot pitch
        (rad, by the level of that time); squared rate; quaternion F from foot, scalar first; specific force
        in F (m/s2) and its running sum; marks of :mod:`gait_signal.resample`.
    heading_rad : float
        Of the foot frame against the pod's own heading, to the left positive.
    """

    def __init__(self, alignment: Alignment) -> None:
        zeros = [0.0] * SIZE
        self.time_s = zeros.copy()
        self.rate = zeros.copy()
        self.turned = zeros.copy()
        self.vertical = zeros.copy()
        self.pitch = zeros.copy()
        self.energy = zeros.copy()
        self.attitude = [(1.0, 0.0, 0.0, 0.0)] * SIZE
        self.force = [(0.0, 0.0, 0.0)] * SIZE
        self.force_sum = [(0.0, 0.0, 0.0)] * SIZE
        self.flags = [0] * SIZE
        self.n = -1
        self.moving_n = 0  # sample of the latest rest
        self.sums = (0.0, 0.0, 0.0)
        self.level = Level()
        self.align(alignment)

    def align(self, alignment: Alignment) -> None:
        """Take a new alignment; the heading is learned anew."""
        self.bias = (*alignment.acc_bias, *alignment.gyr_bias)
        self.rows = alignment.rows
        self.heading_rad = 0.0
        self.hxx = 0.0
        self.hxy = 0.0
        self.hyy = _HEADING_PRIOR
        self.previous = (0.0, 0.0, 0.0)
        self.q = (1.0, 0.0, 0.0, 0.0)

    def inherit(self, other: Motion) -> None:
        """After a cut: keep what was learned about how the pod sits."""
        self.rows = other.rows
        self.heading_rad = other.heading_rad
        self.hxx, self.hxy, self.hyy = other.hxx, other.hxy, other.hyy
        self.level.inherit(other.level)

    def step(  # noqa: PLR0917
        self,
        time_s: float,
        ax: float,
        ay: float,
        az: float,
        gx: float,
        gy: float,
        gz: float,
        flags: int,
    ) -> None:
        """Take one grid sample in the sensor frame."""
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
        if flags:
            self.level.disturb(flags)
        if not self.level.known and n - self.moving_n > _GUESS_FROM:
            self.level.guess(self.mean_force(max(self.moving_n, n - _GUESS_OVER), n - 1))
        ux, uy, uz = self.level.up
        toe_up = r00 * ux + r10 * uy + r20 * uz
        self.time_s[here] = time_s
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
            self.hxx = self.hxx * _HEADING_KEEP + wx * wx
            self.hxy = self.hxy * _HEADING_KEEP + wx * wy
            self.hyy = self.hyy * _HEADING_KEEP + wy * wy

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
        ux, uy, uz = self.level.up
        toe_up = (
            (1.0 - 2.0 * (q2 * q2 + q3 * q3)) * ux + 2.0 * (q1 * q2 + q0 * q3) * uy + 2.0 * (q1 * q3 - q0 * q2) * uz
        )
        return asin(max(-1.0, min(1.0, toe_up)))

    def lateral_rad(self) -> float:
        """Heading of the foot by its main axis of rotation, against the pod's own heading."""
        return self.heading_rad + 0.5 * atan2(-2.0 * self.hxy, self.hyy - self.hxx)

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
        xx, xy, yy = self.hxx, self.hxy, self.hyy
        self.hxx = c * c * xx + 2 * c * s * xy + s * s * yy
        self.hyy = s * s * xx - 2 * c * s * xy + c * c * yy
        self.hxy = (c * c - s * s) * xy + c * s * (yy - xx)
        self.heading_rad += angle

    def reverse(self) -> None:
        """Toes are where the heel was thought to be: half a turn about the foot's own vertical."""
        r = self.rows
        self.rows = (-r[0], -r[1], -r[2], -r[3], -r[4], -r[5], r[6], r[7], r[8])
        q0, q1, q2, q3 = self.q
        self.q = (-q3, q2, -q1, q0)
        px, py, pz = self.previous
        self.previous = (-px, -py, pz)

    def side_up(self, k: int) -> float:
        """Elevation of the foot's left side at sample ``k`` by today's ``up``."""
        q0, q1, q2, q3 = self.attitude[k & MASK]
        ux, uy, uz = self.level.up
        side = 2.0 * (q1 * q2 - q0 * q3) * ux + (1.0 - 2.0 * (q1 * q1 + q3 * q3)) * uy + 2.0 * (q2 * q3 + q0 * q1) * uz
        return asin(max(-1.0, min(1.0, side)))

    def rest(self, samples: int) -> None:
        """Take up from the latest ``samples`` samples of rest."""
        self.level.rest(self.mean_force(self.n - samples, self.n))
        self.moving_n = self.n

    def seen_from_foot(self, k: int, vector: Vector) -> Vector:
        """A vector of F in the foot frame of sample ``k``."""
        q0, q1, q2, q3 = self.attitude[k & MASK]
        return turn((q0, -q1, -q2, -q3), vector)

    def mean_force(self, first: int, last: int) -> Vector:
        """Mean specific force in F after sample ``first`` up to ``last``."""
        a, b = self.force_sum[first & MASK], self.force_sum[last & MASK]
        count = last - first
        return (b[0] - a[0]) / count, (b[1] - a[1]) / count, (b[2] - a[2]) / count
