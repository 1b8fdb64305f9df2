"""A measure over time: pieces between gaps, a running median, and bins where there are too many steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .chart import FloatArray, Scale, band, dots, line

MEDIAN_STEPS = 11
DOTS_LIMIT = 1500
"""With more steps of a foot, a chart shows bins of time instead of single steps."""
BINS = 300
BREAK_S = 4.0
"""Without a step for this long, a line ends: nobody knows what was between."""
SHORT_GAP_S = 0.5
"""Missing data shorter than this does not break a line (a stride is bridged, not invented)."""


@dataclass(frozen=True, slots=True)
class Piece:
    """An unbroken stretch of a measure: arrays of shape (n,), in order of time.

    ``low`` and ``high`` hold the 10th and 90th percentile of bins, or are None where each step is a point.
    """

    time_s: FloatArray
    middle: FloatArray
    low: FloatArray | None = None
    high: FloatArray | None = None


def is_binned(time_s: FloatArray) -> bool:
    """Return True if a series has too many steps to draw each."""
    return len(time_s) > DOTS_LIMIT


def pieces(time_s: FloatArray, values: FloatArray, gaps: Sequence[tuple[float, float]], end_s: float) -> list[Piece]:
    """Cut a series at gaps and smooth each piece.

    Parameters
    ----------
    time_s, values : ndarray, shape (n,)
        In order of time.
    gaps : sequence of (from_s, to_s)
        Missing data of this foot.
    end_s : float
        Length of the session, for the width of bins.

    Returns
    -------
    list of Piece
        Running medians of 11 steps; medians of bins where there are too many steps.
    """
    cuts = [to_s for from_s, to_s in gaps if to_s - from_s >= SHORT_GAP_S]
    pieces_found: list[Piece] = []
    binned = is_binned(time_s)
    for part in np.split(np.arange(len(time_s)), _breaks(time_s, cuts)):
        if len(part) == 0:
            continue
        t, v = time_s[part], values[part]
        pieces_found.append(_binned(t, v, end_s / BINS) if binned else Piece(t, running_median(v)))
    return pieces_found


def _breaks(time_s: FloatArray, cuts: Sequence[float]) -> list[int]:
    after_pause = set((np.flatnonzero(np.diff(time_s) > BREAK_S) + 1).tolist())
    at_gaps = set(np.searchsorted(time_s, np.array(cuts, dtype=np.float64)).tolist())
    return sorted(index for index in after_pause | at_gaps if 0 < index < len(time_s))


def running_median(values: FloatArray) -> FloatArray:
    """Return the median of up to 11 values around each, shape (n,); the window shrinks at the ends."""
    half = MEDIAN_STEPS // 2
    result = np.empty(len(values))
    for i in range(len(values)):
        reach = min(half, i, len(values) - 1 - i)
        result[i] = np.median(values[i - reach : i + reach + 1])
    return result


def _binned(time_s: FloatArray, values: FloatArray, width_s: float) -> Piece:
    number = np.floor(time_s / width_s).astype(np.int64)
    parts = np.split(np.arange(len(values)), np.flatnonzero(np.diff(number)) + 1)
    quantiles = np.array([np.percentile(values[part], [10, 50, 90]) for part in parts])
    middle_s = np.array([time_s[part].mean() for part in parts])
    return Piece(middle_s, quantiles[:, 1], quantiles[:, 0], quantiles[:, 2])


def drawn(found: Sequence[Piece], x: Scale, y: Scale, kind: str, *, spread: float | None = None) -> str:
    """Return the pieces as lines, with the bins' spread or a constant one (in y's unit) around them."""
    out: list[str] = []
    for piece in found:
        xs = [x.x(t) for t in piece.time_s]
        if spread is not None:
            low = [y.y(v - spread) for v in piece.middle]
            out.append(band(xs, low, [y.y(v + spread) for v in piece.middle], kind))
        elif piece.low is not None and piece.high is not None:
            out.append(band(xs, [y.y(v) for v in piece.low], [y.y(v) for v in piece.high], kind))
        if len(xs) == 1:
            out.append(dots(xs, [y.y(piece.middle[0])], kind))
        out.append(line(xs, [y.y(v) for v in piece.middle], kind))
    return "".join(out)
