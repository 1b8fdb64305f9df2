"""Smooth curves through landmarks.

Every curve of the simulated runner is piecewise quintic and twice continuously differentiable, so that an
acceleration never jumps where two pieces meet: what a pod shows as a spike is an impact, not a join.
"""

from __future__ import annotations

import numpy as np
from scipy.interpolate import PPoly

from gait_signal.types import FloatArray

FREE = float("nan")
"""Marks a derivative that :func:`minimum_jerk` may choose."""

# Integral over [0, 1] of the squared jerk of c3 u^3 + c4 u^4 + c5 u^5, as a quadratic form in (c3, c4, c5).
_JERK_COST = np.array([[36.0, 72.0, 120.0], [72.0, 192.0, 360.0], [120.0, 360.0, 720.0]])

# (c3, c4, c5) of the unit quintic with end states (y0, v0, a0, y1, v1, a1).
_HIGH_COEFFICIENTS = np.array(
    [
        [-10.0, -6.0, -1.5, 10.0, -4.0, 0.5],
        [15.0, 8.0, 1.5, -15.0, 7.0, -1.0],
        [-6.0, -3.0, -0.5, 6.0, -3.0, 0.5],
    ]
)


def smoothstep(x: FloatArray) -> FloatArray:
    """Quintic step from 0 (x <= 0) to 1 (x >= 1) with zero slope and curvature at both ends."""
    u = np.clip(x, 0.0, 1.0)
    return u * u * u * (10.0 + u * (-15.0 + 6.0 * u))


def quintic(t_s: FloatArray, value: FloatArray, rate: FloatArray, accel: FloatArray) -> PPoly:
    """Piecewise quintic with given value, first and second derivative at every knot.

    Parameters
    ----------
    t_s : ndarray, shape (n,)
        Knots, strictly increasing.
    value, rate, accel : ndarray, shape (n,)

    Returns
    -------
    scipy.interpolate.PPoly
        Continuous up to the second derivative.
    """
    h = np.diff(t_s)
    ends = np.stack([value[:-1], rate[:-1] * h, accel[:-1] * h**2, value[1:], rate[1:] * h, accel[1:] * h**2])
    high = _HIGH_COEFFICIENTS @ ends
    coefficients = np.stack([high[2] / h**5, high[1] / h**4, high[0] / h**3, 0.5 * accel[:-1], rate[:-1], value[:-1]])
    return PPoly(coefficients, t_s)


def minimum_jerk(
    t_s: FloatArray, value: FloatArray, rate: FloatArray, accel: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Choose the free derivatives of many curves so that each has the least squared jerk.

    Minimum jerk is how people move between via points (Flash & Hogan 1985,
    doi:10.1523/JNEUROSCI.05-07-01688.1985).

    Parameters
    ----------
    t_s, value : ndarray, shape (n, m)
        Knots and values of n curves with m knots each.
    rate, accel : ndarray, shape (n, m)
        Derivatives; ``FREE`` where they are to be chosen, in the same places for every curve.

    Returns
    -------
    rate, accel : ndarray, shape (n, m)
        With every ``FREE`` filled in.
    """
    n, m = t_s.shape
    span = (t_s[:, -1] - t_s[:, 0])[:, None]
    h = np.diff(t_s, axis=1) / span
    hessian = np.zeros((n, 3 * m, 3 * m))
    unit = _HIGH_COEFFICIENTS.T @ _JERK_COST @ _HIGH_COEFFICIENTS
    for j in range(m - 1):
        hj = h[:, j]
        one = np.ones_like(hj)
        scale = np.stack([one, hj, hj**2, one, hj, hj**2], axis=1)
        block = unit * scale[:, :, None] * scale[:, None, :] / (hj**5)[:, None, None]
        hessian[:, 3 * j : 3 * j + 6, 3 * j : 3 * j + 6] += block
    state = np.stack([value, rate * span, accel * span**2], axis=2).reshape(n, 3 * m)
    free = np.isnan(state[0])
    known = ~free
    right = -np.einsum("nij,nj->ni", hessian[:, free][:, :, known], state[:, known])
    state[:, free] = np.linalg.solve(hessian[:, free][:, :, free], right[:, :, None])[:, :, 0]
    solved = state.reshape(n, m, 3)
    return solved[:, :, 1] / span, solved[:, :, 2] / span**2
