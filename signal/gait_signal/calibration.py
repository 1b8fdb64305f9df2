"""What "up" and "no rotation" mean to one pod: found in a quiet stand, or guessed from flat-foot instants."""

from __future__ import annotations

from collections.abc import Sequence
from math import radians, sqrt

from .params import GRAVITY_MPS2, CoreParams
from .types import Calibration, CalibrationSource

_CHUNK = 20  # samples; 0.1 s: short against sway, long against noise
_GRAVITY_TOLERANCE_MPS2 = 1.3  # cheap accelerometers are off by this much
_EASE_FROM, _EASE_OVER, _EASE_MOST = 400, 1000.0, 2.5  # samples of moving without a calibration
_BUSY_RADPS = 1.5
_DRIFT_COS = 0.9986  # 3 deg: a stand keeps its direction from chunk to chunk

FLAT_RAD = radians(-2.0)  # foot pitch at mid-stance against standing: shoes bend

Vector = tuple[float, float, float]


class StandFinder:
    """Finds rest in a stream of grid samples, chunk by chunk.

    Attributes
    ----------
    quiet_s : float
        How long the present rest has lasted, 0 while moving.
    """

    __slots__ = ("_acc_sum", "_chunk", "_count", "_direction", "_gyr_sum", "_params", "_sums", "quiet_s")

    def __init__(self, params: CoreParams) -> None:
        self._params = params
        self.restart()

    def restart(self) -> None:
        """Forget the present rest."""
        self.quiet_s = 0.0
        self._count = 0
        self._sums = [0.0] * 12
        self._acc_sum = [0.0] * 3
        self._gyr_sum = [0.0] * 3
        self._chunk = 0
        self._direction: Vector | None = None

    def push(  # noqa: PLR0917
        self, ax: float, ay: float, az: float, gx: float, gy: float, gz: float
    ) -> bool:
        """Take a sample in the sensor frame; True when a chunk has just ended in rest."""
        sums = self._sums
        sums[0] += ax
        sums[1] += ay
        sums[2] += az
        sums[3] += gx
        sums[4] += gy
        sums[5] += gz
        sums[6] += ax * ax
        sums[7] += ay * ay
        sums[8] += az * az
        sums[9] += gx * gx
        sums[10] += gy * gy
        sums[11] += gz * gz
        self._count += 1
        if self._count < _CHUNK:
            return False
        return self._end_chunk()

    def _end_chunk(self) -> bool:
        sums, self._sums, self._count = self._sums, [0.0] * 12, 0
        means = [value / _CHUNK for value in sums[:6]]
        variances = [sums[6 + k] / _CHUNK - means[k] ** 2 for k in range(6)]
        acc_sd = sqrt(max(0.0, variances[0]) + max(0.0, variances[1]) + max(0.0, variances[2]))
        gyr_sd = sqrt(max(0.0, variances[3]) + max(0.0, variances[4]) + max(0.0, variances[5]))
        rate = _norm(means[3:])
        length = _norm(means[:3])
        quiet = (
            acc_sd < self._params.stand_acc_sd_mps2
            and gyr_sd < self._params.stand_gyr_sd_radps
            and rate < self._params.stand_rate_max_radps
            and abs(length - GRAVITY_MPS2) < _GRAVITY_TOLERANCE_MPS2
        )
        if quiet and self._direction is not None:
            along = sum(a * b for a, b in zip(means[:3], self._direction, strict=True)) / length
            if along < _DRIFT_COS:
                self._begin()
        if not quiet:
            self._begin()
            self._direction = None
            return False
        if self._direction is None:
            self._direction = (means[0] / length, means[1] / length, means[2] / length)
            # The first quiet chunk still holds the foot coming to rest: it only sets the direction.
            return False
        for k in range(3):
            self._acc_sum[k] += means[k]
            self._gyr_sum[k] += means[3 + k]
        self._chunk += 1
        self.quiet_s = self._chunk * _CHUNK / self._params.rate_hz
        return True

    def _begin(self) -> None:
        self._acc_sum = [0.0] * 3
        self._gyr_sum = [0.0] * 3
        self._chunk = 0
        self.quiet_s = 0.0
        self._direction = None

    def calibration(self) -> Calibration:
        """Means over the present rest; only after ``push`` said True."""
        n = self._chunk
        return Calibration(
            vector([v / n for v in self._acc_sum]),
            vector([v / n for v in self._gyr_sum]),
            "standing",
            self.quiet_s,
        )


class FlatFootFinder:
    """Means of the acceleration at the calmest instant between swings, for want of a stand.

    The foot is nearly as it stands there (1-4 deg toe-down) and nearly unaccelerated.
    """

    __slots__ = ("_best", "_best_rate", "_busy", "_found", "_params", "_recent", "_since")

    def __init__(self, params: CoreParams) -> None:
        self._params = params
        self.restart()

    def restart(self) -> None:
        """Forget everything."""
        self._recent: list[tuple[float, ...]] = []
        self._best: list[float] | None = None
        self._best_rate = 1e9
        self._busy = 0.0
        self._since = 0
        self._found: list[list[float]] = []

    def push(  # noqa: PLR0917
        self, ax: float, ay: float, az: float, gx: float, gy: float, gz: float
    ) -> bool:
        """Take a sample in the sensor frame; True once enough instants are together."""
        rate = sqrt(gx * gx + gy * gy + gz * gz)
        recent = self._recent
        recent.append((ax, ay, az, rate))
        if len(recent) > 9:
            recent.pop(0)
        self._busy += 0.02 * (rate - self._busy)
        if self._busy > _BUSY_RADPS:
            self._since += 1
        if len(recent) < 9:
            return False
        mean_rate = sum(r[3] for r in recent) / 9
        length = _norm([sum(r[k] for r in recent) / 9 for k in range(3)])
        # A swing passes through zero rate too, but hardly at 1 g for nine samples. A fast runner's foot is never
        # quite still: where nothing is found, less must do.
        ease = min(_EASE_MOST, 1.0 + max(0.0, self._since - _EASE_FROM) / _EASE_OVER)
        calm = mean_rate < 1.5 * ease and abs(length - GRAVITY_MPS2) < 4.0 * ease
        if calm and mean_rate < self._best_rate:
            self._best_rate = mean_rate
            self._best = [sum(r[k] for r in recent) / 9 for k in range(3)]
        if self._best is not None and mean_rate > 4.0:
            self._found.append(self._best)
            self._best = None
            self._best_rate = 1e9
        return len(self._found) > self._params.fallback_strides

    def calibration(self) -> Calibration:
        """Mean over the instants found, the first (perhaps partial) stride left out."""
        found = self._found[1:]
        mean = [sum(f[k] for f in found) / len(found) for k in range(3)]
        source: CalibrationSource = "running"
        return Calibration(vector(mean), (0.0, 0.0, 0.0), source, 0.0)


class Alignment:
    """Rotation from the sensor frame to the levelled foot frame, and the biases to take off first.

    Rows of the matrix are the foot axes in the sensor frame. Heading is the pod's own x axis laid
    level; the kernel finds the rest of it from the way the foot turns.

    Parameters
    ----------
    calibration : Calibration
    backward : bool
        The pod sits back to front: its x axis points to the heel.
    """

    __slots__ = ("acc_bias", "gyr_bias", "rows")

    def __init__(self, calibration: Calibration, *, backward: bool = False) -> None:
        stand = calibration.acc_stand_sensor_mps2
        length = _norm(stand)
        up = [v / length for v in stand]
        nominal = (1.0, 0.0, 0.0) if abs(up[0]) < 0.9 else (0.0, 0.0, -1.0 if up[0] > 0.0 else 1.0)
        along = sum(a * b for a, b in zip(nominal, up, strict=True))
        fore = [n - along * u for n, u in zip(nominal, up, strict=True)]
        fore_length = -_norm(fore) if backward else _norm(fore)
        fore = [v / fore_length for v in fore]
        left = [
            up[1] * fore[2] - up[2] * fore[1],
            up[2] * fore[0] - up[0] * fore[2],
            up[0] * fore[1] - up[1] * fore[0],
        ]
        self.rows: tuple[float, ...] = (*fore, *left, *up)
        self.gyr_bias: Vector = calibration.gyr_bias_sensor_radps
        # Rest tells the acceleration error along up only; the flat-foot mean tells none.
        share = 0.0 if calibration.source == "running" else 1.0 - GRAVITY_MPS2 / length
        self.acc_bias: Vector = vector([share * v for v in stand])


def turn_cos(a: Calibration, b: Calibration) -> float:
    """Cosine of the angle between the up directions of two calibrations."""
    x, y = a.acc_stand_sensor_mps2, b.acc_stand_sensor_mps2
    return sum(p * q for p, q in zip(x, y, strict=True)) / (_norm(x) * _norm(y))


def _norm(v: Sequence[float]) -> float:
    return sqrt(sum(x * x for x in v))


def vector(v: Sequence[float]) -> Vector:
    """Three numbers as a tuple of known length."""
    return (v[0], v[1], v[2])
