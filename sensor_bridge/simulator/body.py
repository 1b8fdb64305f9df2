"""The runner's measures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gait_signal.types import FloatArray


@dataclass(frozen=True, slots=True)
class Body:
    """Segment lengths of a runner in shoes.

    The foot frame has its origin under the heel on the sole: x to the toes, y left, z up.
    Defaults follow the proportions of Winter (Biomechanics and Motor Control of Human Movement, fig. 4.1)
    for a height of 1.75 m, with 25 mm of shoe under the ankle.

    Attributes
    ----------
    height_m, thigh_length_m, shank_length_m : float
    ankle_ahead_m, ankle_height_m : float
        Ankle joint from the back of the heel, and above the sole.
    heel_ahead_m, heel_radius_m : float
        The sole is flat from here forward and rounded with this radius behind.
    ball_ahead_m, forefoot_radius_m : float
        The sole is flat back from here; ahead it is rounded, or the toes bend, with this radius (roll-over
        shape, Hansen et al. 2004, doi:10.1016/j.jbiomech.2003.12.019).
    toe_ahead_m : float
        Length of the sole.
    sole_half_width_m : float
        The outer edge of the sole touches first.
    pod_ahead_m, pod_height_m : float
        The pod on the laces.
    """

    height_m: float = 1.75
    thigh_length_m: float = 0.429
    shank_length_m: float = 0.431
    ankle_ahead_m: float = 0.060
    ankle_height_m: float = 0.090
    heel_ahead_m: float = 0.025
    heel_radius_m: float = 0.040
    ball_ahead_m: float = 0.180
    forefoot_radius_m: float = 0.090
    toe_ahead_m: float = 0.280
    sole_half_width_m: float = 0.035
    pod_ahead_m: float = 0.130
    pod_height_m: float = 0.085

    def __post_init__(self) -> None:
        if min(self.thigh_length_m, self.shank_length_m) < 0.25:
            raise ValueError("thigh and shank must each be at least 0.25 m long")
        if not 0.0 < self.ankle_ahead_m < self.pod_ahead_m < self.ball_ahead_m < self.toe_ahead_m:
            raise ValueError("from heel to toe the order must be ankle, pod, ball, toe")

    @classmethod
    def random(cls, rng: np.random.Generator) -> Body:
        """Draw a plausible adult."""
        height = float(np.clip(rng.normal(1.73, 0.09), 1.52, 1.95))
        size = height / 1.75
        leg = size * float(rng.normal(1.0, 0.015))
        ratio = float(rng.normal(0.0, 0.008))
        return cls(
            height_m=height,
            thigh_length_m=0.429 * leg * (1.0 + ratio),
            shank_length_m=0.431 * leg * (1.0 - ratio),
            ankle_ahead_m=0.060 * size,
            ankle_height_m=0.065 * size + 0.025,
            heel_ahead_m=0.025 * size,
            heel_radius_m=float(rng.uniform(0.03, 0.05)),
            ball_ahead_m=0.180 * size,
            forefoot_radius_m=float(rng.uniform(0.075, 0.105)),
            toe_ahead_m=0.280 * size,
            sole_half_width_m=0.035 * size,
            pod_ahead_m=0.130 * size + float(rng.normal(0.0, 0.006)),
            pod_height_m=0.060 * size + 0.025 + float(rng.normal(0.0, 0.004)),
        )

    def ankle_over_sole_m(self, pitch_rad: FloatArray) -> FloatArray:
        """Height of the ankle when the sole just touches the ground at a pitch (no roll)."""
        heel = pitch_rad >= 0.0
        contact_m = np.where(heel, self.heel_ahead_m, self.ball_ahead_m)
        radius_m = np.where(heel, self.heel_radius_m, self.forefoot_radius_m)
        over: FloatArray = (
            (self.ankle_ahead_m - contact_m) * np.sin(pitch_rad)
            + self.ankle_height_m * np.cos(pitch_rad)
            + radius_m * (1.0 - np.cos(pitch_rad))
        )
        return over

    def leg_length_m(self, knee_flexion_rad: FloatArray | float) -> FloatArray:
        """Hip to ankle at a knee flexion."""
        a, b = self.thigh_length_m, self.shank_length_m
        return np.sqrt(a * a + b * b + 2.0 * a * b * np.cos(np.asarray(knee_flexion_rad, dtype=np.float64)))

    def leg_length_slopes_m(self, knee_flexion_rad: FloatArray) -> tuple[FloatArray, FloatArray]:
        """First and second derivative of :meth:`leg_length_m` by the knee flexion."""
        product = self.thigh_length_m * self.shank_length_m
        length = self.leg_length_m(knee_flexion_rad)
        slope = -product * np.sin(knee_flexion_rad) / length
        curve = -product * np.cos(knee_flexion_rad) / length - slope**2 / length
        return slope, curve

    def leg_angles_rad(self, forward_m: FloatArray, down_m: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Thigh angle and knee flexion that put the ankle at a place seen from the hip.

        Parameters
        ----------
        forward_m, down_m : ndarray
            Ankle ahead of and below the hip.

        Returns
        -------
        thigh_rad : ndarray
            From the vertical, knee forward positive.
        knee_flexion_rad : ndarray
            0 is a straight leg.
        """
        a, b = self.thigh_length_m, self.shank_length_m
        reach = np.hypot(forward_m, down_m)
        cosine = (reach * reach - a * a - b * b) / (2.0 * a * b)
        knee = np.arccos(np.clip(cosine, -1.0, 1.0))
        thigh = np.arctan2(forward_m, down_m) + np.arctan2(b * np.sin(knee), a + b * np.cos(knee))
        return thigh, knee

    def ankle_from_hip_m(self, thigh_rad: FloatArray, knee_flexion_rad: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Inverse of :meth:`leg_angles_rad`: the ankle ahead of and below the hip."""
        a, b = self.thigh_length_m, self.shank_length_m
        shank = thigh_rad - knee_flexion_rad
        return a * np.sin(thigh_rad) + b * np.sin(shank), a * np.cos(thigh_rad) + b * np.cos(shank)
