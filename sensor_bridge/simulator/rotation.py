"""Turning foot and thigh: yaw, then pitch (toe-up positive), then roll."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gait_signal.types import FloatArray


@dataclass(frozen=True, slots=True)
class Attitude:
    """Orientation of a segment in the world, ``n`` instants.

    Attributes
    ----------
    yaw_rad, pitch_rad, roll_rad : ndarray, shape (n,)
        About world up (left positive), about the side axis (toe-up positive), about the segment's own x
        axis (left edge up positive).
    """

    yaw_rad: FloatArray
    pitch_rad: FloatArray
    roll_rad: FloatArray

    def apply(self, x: FloatArray | float, y: FloatArray | float, z: FloatArray | float) -> FloatArray:
        """Turn a vector of the segment's frame into the world; shape (3, n)."""
        cy, sy = np.cos(self.yaw_rad), np.sin(self.yaw_rad)
        cp, sp = np.cos(self.pitch_rad), np.sin(self.pitch_rad)
        cr, sr = np.cos(self.roll_rad), np.sin(self.roll_rad)
        side, up = cr * y - sr * z, sr * y + cr * z
        ahead, up = cp * x - sp * up, sp * x + cp * up
        return np.stack([cy * ahead - sy * side, sy * ahead + cy * side, up])

    def apply_inverse(self, world: FloatArray) -> FloatArray:
        """Turn world vectors, shape (3, n), into the segment's frame."""
        cy, sy = np.cos(self.yaw_rad), np.sin(self.yaw_rad)
        cp, sp = np.cos(self.pitch_rad), np.sin(self.pitch_rad)
        cr, sr = np.cos(self.roll_rad), np.sin(self.roll_rad)
        ahead = cy * world[0] + sy * world[1]
        side = -sy * world[0] + cy * world[1]
        x, up = cp * ahead + sp * world[2], -sp * ahead + cp * world[2]
        return np.stack([x, cr * side + sr * up, -sr * side + cr * up])

    def body_rates(self, step_s: float) -> FloatArray:
        """Angular rate in the segment's frame by central differences, shape (3, n - 2), inner instants."""
        yaw_rate = (self.yaw_rad[2:] - self.yaw_rad[:-2]) / (2.0 * step_s)
        pitch_rate = (self.pitch_rad[2:] - self.pitch_rad[:-2]) / (2.0 * step_s)
        roll_rate = (self.roll_rad[2:] - self.roll_rad[:-2]) / (2.0 * step_s)
        cp, sp = np.cos(self.pitch_rad[1:-1]), np.sin(self.pitch_rad[1:-1])
        cr, sr = np.cos(self.roll_rad[1:-1]), np.sin(self.roll_rad[1:-1])
        return np.stack(
            [
                roll_rate + yaw_rate * sp,
                -pitch_rate * cr + yaw_rate * cp * sr,
                pitch_rate * sr + yaw_rate * cp * cr,
            ]
        )

    def inner(self) -> Attitude:
        """Without the first and last instant."""
        return Attitude(self.yaw_rad[1:-1], self.pitch_rad[1:-1], self.roll_rad[1:-1])
