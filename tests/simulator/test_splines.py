from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor_bridge.simulator.splines import FREE, minimum_jerk, quintic, smoothstep

coefficient = st.floats(-5.0, 5.0)


def test_quintic_meets_every_knot_with_both_derivatives() -> None:
    t = np.array([0.0, 0.3, 1.1, 1.5])
    y, v, a = np.array([[1.0, -2.0, 0.5, 3.0], [0.0, 4.0, -1.0, 2.0], [5.0, 0.0, -9.0, 1.0]])
    curve = quintic(t, y, v, a)
    for side in (0.0, -1e-12):  # from the right and from the left of the inner knots
        inner = t[1:-1] + side
        assert curve(inner) == pytest.approx(y[1:-1], abs=1e-9)
        assert curve(inner, 1) == pytest.approx(v[1:-1], abs=1e-9)
        assert curve(inner, 2) == pytest.approx(a[1:-1], abs=1e-7)


@given(st.lists(coefficient, min_size=6, max_size=6), st.floats(0.2, 0.8))
def test_minimum_jerk_finds_the_one_polynomial_that_needs_no_knot(coefficients: list[float], share: float) -> None:
    """Through any inner point of a quintic the curve of least jerk is that quintic itself."""
    poly = np.polynomial.Polynomial(coefficients)
    t = np.array([[0.5, 0.5 + 2.0 * share, 2.5]])
    rate, accel = poly.deriv(1)(t), poly.deriv(2)(t)
    rate[0, 1] = accel[0, 1] = FREE
    found_rate, found_accel = minimum_jerk(t, poly(t), rate, accel)
    scale = 1.0 + np.abs(coefficients).max()
    assert found_rate[0, 1] == pytest.approx(poly.deriv(1)(t[0, 1]), abs=1e-6 * scale)
    assert found_accel[0, 1] == pytest.approx(poly.deriv(2)(t[0, 1]), abs=1e-5 * scale)


def test_minimum_jerk_solves_many_curves_as_each_alone() -> None:
    rng = np.random.default_rng(2)
    t = np.cumsum(rng.uniform(0.05, 0.3, (7, 4)), axis=1)
    y = rng.normal(size=(7, 4))
    rate, accel = np.zeros((7, 4)), np.zeros((7, 4))
    rate[:, 1] = accel[:, 1] = accel[:, 2] = FREE
    together = minimum_jerk(t, y, rate, accel)
    for j in range(7):
        row = slice(j, j + 1)
        alone = minimum_jerk(t[row], y[row], rate[row], accel[row])
        assert together[0][j] == pytest.approx(alone[0][0])
        assert together[1][j] == pytest.approx(alone[1][0])


def test_smoothstep_rests_at_both_ends() -> None:
    x = np.linspace(-0.5, 1.5, 2001)
    y = smoothstep(x)
    assert y[0] == 0.0
    assert y[-1] == 1.0
    assert (np.diff(y) >= 0.0).all()
    assert np.abs(np.diff(y, 2)).max() < 6.0 * (x[1] - x[0]) ** 2
