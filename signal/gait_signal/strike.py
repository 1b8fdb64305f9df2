"""Strike type from the foot's angle at contact, and how sure that is.

Classes by Altman & Davis 2012 (doi:10.1016/j.gaitpost.2011.09.058): the angle against quiet standing is
above 8.0 deg for a rearfoot and below -1.6 deg for a forefoot strike.
"""

from __future__ import annotations

from math import erf, sqrt

from .params import CoreParams
from .types import Strike


def classify(angle_rad: float, sd_rad: float, params: CoreParams) -> tuple[Strike, float]:
    """Most probable class and its probability.

    Parameters
    ----------
    angle_rad : float
        Measured strike angle, toe-up positive, against quiet standing.
    sd_rad : float
        One standard deviation of its error, taken as normal.
    """
    below_rear = _normal_cdf((params.rearfoot_above_rad - angle_rad) / sd_rad)
    below_fore = _normal_cdf((params.forefoot_below_rad - angle_rad) / sd_rad)
    chances: tuple[tuple[float, Strike], ...] = (
        (1.0 - below_rear, "rearfoot"),
        (below_rear - below_fore, "midfoot"),
        (below_fore, "forefoot"),
    )
    chance, strike = max(chances)
    return strike, chance


def _normal_cdf(z: float) -> float:
    return 0.5 * (1.0 + erf(z / sqrt(2.0)))
