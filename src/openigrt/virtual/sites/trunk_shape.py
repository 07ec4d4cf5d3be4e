"""The frame that chest and upper abdomen share: how wide the trunk and its cavity are, and the curve of the spine.

Axes: x to the patient's left, y back, z up, mm, from the middle of the trunk at the ninth thoracic vertebra (T9).
Proportions are those of a textbook's adult; what differs between patients and sides is drawn at random by the parts.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import PchipInterpolator

from openigrt.geometry import Float64Array
from openigrt.virtual.sites.pelvis_bones import tilted_axes

# z, centre x and y, half width left and right, half depth front and back, exponents front and back.
SKIN = np.array(
    [
        (-300.0, 0.0, -5.0, 160.0, 158.0, 100.0, 102.0, 2.3, 2.4),
        (-200.0, 0.0, -3.0, 160.0, 159.0, 102.0, 104.0, 2.3, 2.4),
        (-110.0, 0.0, 0.0, 164.0, 163.0, 108.0, 106.0, 2.3, 2.3),
        (-50.0, 0.0, 0.0, 168.0, 167.0, 112.0, 109.0, 2.3, 2.3),
        (0.0, 0.0, 0.0, 169.0, 168.0, 112.0, 113.0, 2.3, 2.3),
        (45.0, 0.0, 0.0, 167.0, 166.0, 108.0, 116.0, 2.3, 2.3),
        (90.0, 0.0, 2.0, 163.0, 164.0, 98.0, 113.0, 2.3, 2.3),
        (120.0, 0.0, 6.0, 156.0, 158.0, 88.0, 103.0, 2.3, 2.3),
        (145.0, 0.0, 10.0, 146.0, 146.0, 78.0, 91.0, 2.2, 2.2),
        (165.0, 0.0, 12.0, 118.0, 119.0, 70.0, 79.0, 2.1, 2.1),
        (185.0, 0.0, 10.0, 84.0, 84.0, 64.0, 71.0, 2.0, 2.0),
        (205.0, 0.0, 2.0, 64.0, 64.0, 59.0, 66.0, 2.0, 2.0),
        (240.0, 0.0, -8.0, 58.0, 58.0, 56.0, 62.0, 2.0, 2.0),
        (300.0, 0.0, -10.0, 58.0, 58.0, 56.0, 60.0, 2.0, 2.0),
    ]
)
# The inner side of ribs and abdominal wall.
CAVITY = np.array(
    [
        (-300.0, 0.0, -8.0, 128.0, 127.0, 64.0, 62.0, 2.3, 2.6),
        (-200.0, 0.0, -8.0, 126.0, 126.0, 68.0, 66.0, 2.3, 2.6),
        (-110.0, 0.0, -5.0, 129.0, 128.0, 76.0, 71.0, 2.3, 2.5),
        (-50.0, 0.0, -2.0, 132.0, 132.0, 82.0, 77.0, 2.3, 2.4),
        (0.0, 0.0, 0.0, 130.0, 130.0, 83.0, 79.0, 2.3, 2.35),
        (45.0, 0.0, 0.0, 122.0, 122.0, 79.0, 79.0, 2.2, 2.3),
        (90.0, 0.0, 2.0, 107.0, 106.0, 70.0, 74.0, 2.1, 2.2),
        (120.0, 0.0, 5.0, 90.0, 89.0, 58.0, 64.0, 2.05, 2.1),
        (145.0, 0.0, 8.0, 68.0, 67.0, 46.0, 52.0, 2.0, 2.0),
        (162.0, 0.0, 12.0, 46.0, 45.0, 34.0, 38.0, 2.0, 2.0),
        (178.0, 0.0, 14.0, 22.0, 22.0, 18.0, 20.0, 2.0, 2.0),
    ]
)
LEVELS = (
    *("C5", "C6", "C7", "T1", "T2", "T3", "T4", "T5", "T6", "T7", "T8", "T9", "T10", "T11", "T12"),
    *("L1", "L2", "L3", "L4", "L5"),
)
# y and z of the middle of each vertebral body.
CURVE = np.array(
    [
        (-10.0, 221.0), (-3.0, 204.0), (5.0, 187.0), (14.0, 170.0), (22.0, 151.0), (29.0, 132.0), (35.0, 112.0),
        (39.0, 91.0), (42.0, 69.5), (43.5, 47.0), (43.5, 24.0), (42.0, 0.0), (39.5, -25.5), (36.0, -52.0),
        (31.0, -80.0), (24.5, -111.0), (17.5, -145.0), (12.5, -180.0), (11.0, -216.0), (14.0, -252.0),
    ]
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Spine:
    """Middles (n, 3) of the vertebral bodies of one patient, from C5 down to L5."""

    centers_mm: Float64Array

    def center_mm(self, level: str) -> Float64Array:
        """Middle (3,) of a vertebral body."""
        center: Float64Array = self.centers_mm[LEVELS.index(level)]
        return center

    def axes(self, level: str) -> Float64Array:
        """Axes of a vertebra along the curve: columns x, back, up."""
        n = LEVELS.index(level)
        last = len(LEVELS) - 1
        return tilted_axes(self.centers_mm[max(n - 1, 0)] - self.centers_mm[min(n + 1, last)])

    def behind_mm(self, backward_mm: Sequence[float] | Float64Array) -> Float64Array:
        """Points (n, 3) that lie behind the middles by as many mm."""
        return self.centers_mm + np.outer(backward_mm, (0.0, 1.0, 0.0))


def spine_of(rng: np.random.Generator) -> Spine:
    """A patient's spine: the usual curve, with bends to the side of two millimetres or so and small steps."""
    y, z = CURVE.T
    bend_mm = rng.normal(0.0, 2.0) * np.sin((z + rng.uniform(-60.0, 60.0)) / 75.0)
    curve_mm = rng.normal(0.0, 2.5) * np.cos(z / 110.0)
    centers = np.column_stack([bend_mm, y + curve_mm - curve_mm[LEVELS.index("T9")], z])
    return Spine(centers + 0.5 * rng.standard_normal(centers.shape))


def wall_points(z_mm: Float64Array, angles_deg: Float64Array, outward_mm: float, sign: float) -> Float64Array:
    """Points (n, 3) on the wall of the cavity, moved outward; angles run from the back (0) over a side to the front."""
    section = PchipInterpolator(CAVITY[:, 0], CAVITY[:, 1:])(np.clip(z_mm, CAVITY[0, 0], CAVITY[-1, 0]))
    angles = np.deg2rad(angles_deg)
    is_back = np.cos(angles) > 0.0
    half_x = section[:, 2 if sign > 0.0 else 3] + outward_mm
    half_y = np.where(is_back, section[:, 5], section[:, 4]) + outward_mm
    power = 2.0 / np.where(is_back, section[:, 7], section[:, 6])
    x = section[:, 0] + sign * half_x * np.abs(np.sin(angles)) ** power
    y = section[:, 1] + np.sign(np.cos(angles)) * half_y * np.abs(np.cos(angles)) ** power
    return np.column_stack([x, y, z_mm])
