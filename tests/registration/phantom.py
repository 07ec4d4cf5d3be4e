"""A small made-up patient with a known truth: gray values in closed form at any point, so that nothing is resampled.

Plan axes are LPS with the isocenter at the origin; the spine runs along z behind it, with vertebrae that differ.
"""

from dataclasses import dataclass, field

import numpy as np
from scipy.ndimage import map_coordinates

from openigrt.geometry import Frame, Grid, RigidTransform, rotation_from_vector
from openigrt.images import Image, Mask, Modality
from openigrt.patient import sphere_points_mm
from openigrt.registration import Question, Region, RegionKind, match_rigid

PLAN, DAILY = Frame.plan("1.2.3"), Frame.daily("1.2.4")
ISOCENTER_MM = np.zeros(3)
DAILY_ISOCENTER_MM = np.array([11.0, -7.0, 23.0])
TARGET_MM = sphere_points_mm(ISOCENTER_MM, 50.0, 60)
ALLOWED_ERROR_MM = 2.0
BONE = Region("bone", RegionKind.BONE)
BODY_MM = np.array([118.0, 80.0])
EDGE_MM = 0.8


def inside(depth_mm):
    """How much of a voxel lies inside, from its depth under a surface: a smooth edge."""
    return 0.5 + 0.5 * np.tanh(depth_mm / EDGE_MM)


def ellipsoid(points_mm, center_mm, radii_mm):
    """Share inside an ellipsoid, its depth to first order."""
    relative = np.linalg.norm((points_mm - center_mm) / radii_mm, axis=-1)
    return inside((1.0 - relative) * np.min(radii_mm))


@dataclass(frozen=True, eq=False)
class Vertebra:
    """A body with a cortex, a canal, a spinous and two transverse processes."""

    center_mm: np.ndarray
    radii_mm: np.ndarray
    half_height_mm: float
    process_mm: np.ndarray

    def share(self, points_mm):
        """Shares (n,) of cortex and of marrow."""
        x, y, z = (points_mm - self.center_mm).T
        a, b = self.radii_mm
        wall = (1.0 - np.hypot(x / a, y / b)) * b
        end = self.half_height_mm - np.abs(z)
        outer = inside(np.minimum(wall, end))
        inner = inside(np.minimum(wall, end) - 2.5)
        length, height, tilt = self.process_mm
        behind = y - b - 14.0
        spinous = inside(np.minimum(3.5 - np.abs(x), height - np.abs(z + tilt * behind)))
        spinous *= inside(behind) * inside(length - behind)
        arch = inside(3.0 - np.abs(np.hypot(x, y - b - 7.0) - 9.0)) * inside(6.0 - np.abs(z))
        lateral = inside(3.5 - np.hypot(y - b - 5.0, z - 2.0)) * inside(np.abs(x) - 10.0)
        lateral *= inside(24.0 + length / 3.0 - np.abs(x))
        cortex = np.maximum.reduce([outer - inner, spinous, arch, lateral])
        return cortex, inner


@dataclass(frozen=True, eq=False)
class Patient:
    """Anatomy drawn by a seed; `soft_shift_mm` moves everything soft against the bones."""

    seed: int
    soft_shift_mm: np.ndarray = field(default_factory=lambda: np.zeros(3))

    def vertebrae(self):
        """Thirteen vertebrae from z = -140 mm upward, each of its own size and a little out of line."""
        random = np.random.default_rng(self.seed)
        found, z = [], -140.0
        for _ in range(13):
            pitch = random.uniform(21.0, 29.0)
            center = np.array([3.0 * np.sin(z / 60.0), 34.0 - 6.0 * np.cos(z / 90.0), z + pitch / 2.0])
            center[:2] += random.uniform(-2.5, 2.5, 2)
            radii = random.uniform([15.0, 12.0], [26.0, 18.0])
            process = random.uniform([8.0, 3.0, -0.2], [26.0, 9.0, 0.8])
            found.append(Vertebra(center, radii, pitch / 2.0 - 3.0, process))
            z += pitch
        return found

    def texture(self, points_mm, kind, scale_mm):
        """Smooth random values (n,) of about unit spread, drawn by the seed and a number."""
        lattice = np.random.default_rng([self.seed, kind]).normal(size=(31, 29, 27))
        where = points_mm.T / scale_mm + np.array([[15.0], [14.0], [13.0]])
        return 2.0 * map_coordinates(lattice, where, order=3, mode="mirror", prefilter=False)

    def bones(self, points_mm):
        """Shares (n,) of cortex and of marrow of the spine and the ribs."""
        cortex, marrow = np.zeros((2, len(points_mm)))
        for vertebra in self.vertebrae():
            near = np.flatnonzero(np.abs(points_mm[:, 2] - vertebra.center_mm[2]) < 32.0)
            shares = vertebra.share(points_mm[near])
            cortex[near], marrow[near] = np.maximum(cortex[near], shares[0]), np.maximum(marrow[near], shares[1])
            if vertebra.center_mm[2] > 20.0:
                cortex = np.maximum(cortex, rib(points_mm, vertebra.center_mm[2]))
        return cortex, marrow

    def soft_hu(self, points_mm):
        """HU (n,) of organs, fat, lungs and gas; the skin is no part of it."""
        value = 10.0 + 45.0 * self.texture(points_mm, 1, 11.0)
        for side in (-1.0, 1.0):
            value += (45.0 + 5.0 * side) * ellipsoid(points_mm, (55.0 * side, 20.0, -30.0), (18.0, 16.0, 40.0))
            value += 60.0 * ellipsoid(points_mm, (30.0 * side, -25.0, 5.0 * side), (22.0, 14.0, 30.0))
            lung = ellipsoid(points_mm, (62.0 * side, -5.0, 130.0 + 6.0 * side), (36.0, 48.0, 85.0))
            value += lung * (-780.0 - value)
        return value + ellipsoid(points_mm, (-20.0, -45.0, -40.0), (16.0, 9.0, 20.0)) * (-950.0 - value)

    def hu(self, points_mm):
        """HU (n,) of the patient at points (n, 3) of the plan, mm, -1000 outside the skin."""
        depth = (1.0 - np.hypot(points_mm[:, 0] / BODY_MM[0], points_mm[:, 1] / BODY_MM[1])) * BODY_MM[1]
        value = np.full(len(points_mm), -1000.0)
        body = np.flatnonzero(depth > -4.0 * EDGE_MM)
        within, depth = points_mm[body], depth[body]
        tissue = self.soft_hu(within - self.soft_shift_mm)
        tissue -= 110.0 * inside(12.0 - depth)
        cortex, marrow = self.bones(within)
        for share, number, mean, spread in ((marrow, 2, 220.0, 60.0), (cortex, 3, 750.0, 90.0)):
            bone = np.flatnonzero(share > 1e-3)
            value_there = mean + spread * self.texture(within[bone], number, 5.0)
            tissue[bone] += share[bone] * (value_there - tissue[bone])
        value[body] = tissue + (1.0 - inside(depth)) * (-1000.0 - tissue)
        return value


def rib(points_mm, height_mm):
    """Share (n,) inside a pair of ribs that slant down to the front."""
    x, y, z = points_mm.T
    wall = (np.hypot(x / BODY_MM[0], y / BODY_MM[1]) - 0.87) * BODY_MM[1]
    slanted = z - height_mm - 0.4 * (y - 40.0)
    return inside(4.0 - np.hypot(wall, slanted)) * inside(np.abs(x) - 15.0)


def points_of(grid):
    """Voxel centres (n, 3) of a grid, mm, in the order of its raveled voxels."""
    k, j, i = np.meshgrid(*(np.arange(n) for n in grid.shape), indexing="ij")
    return grid.points(np.stack([i, j, k], axis=-1).reshape(-1, 3))


def centered_grid(frame, center_mm, spacing_mm, size, direction=None):
    """A grid about a point."""
    axes, spacing = np.eye(3) if direction is None else direction, np.array(spacing_mm)
    origin = center_mm - axes @ (spacing * (np.array(size) - 1) / 2.0)
    return Grid(frame, origin, spacing, axes, size)


PLAN_GRID = centered_grid(PLAN, np.array([0.0, 6.0, 0.0]), (2.5, 2.5, 3.0), (104, 84, 84))
DAILY_GRID = centered_grid(DAILY, DAILY_ISOCENTER_MM, (2.0, 2.0, 2.5), (96, 96, 48))
FIELD_RADIUS_MM, FIELD_HALF_LENGTH_MM = 90.0, 52.0


def couch_hu(points_mm, raised_mm=0.0):
    """HU (n,) of a couch top of two skins under the back and foam between them; -1000 elsewhere."""
    y = points_mm[:, 1] - 84.0 + raised_mm
    skin = np.maximum(inside(1.2 - np.abs(y - 1.2)), inside(1.2 - np.abs(y - 20.0)))
    return np.maximum(-1000.0 + 950.0 * skin, -1000.0 + 120.0 * inside(10.0 - np.abs(y - 10.0)))


def planning_ct(patient, grid=PLAN_GRID, noise_hu=8.0, couch=couch_hu):
    """The planning CT, on its couch."""
    points = points_of(grid)
    voxels = np.maximum(patient.hu(points), couch(points))
    voxels += noise_hu * np.random.default_rng(patient.seed).normal(size=len(voxels))
    return Image(voxels.reshape(grid.shape), grid, Modality.CT)


def shading_hu(points_mm):
    """Cupping of 150 HU with a slant, about the daily isocenter."""
    x, y, z = (points_mm - DAILY_ISOCENTER_MM).T / FIELD_RADIUS_MM
    return 150.0 * (x**2 + y**2 - 0.5) + 40.0 * np.sin(2.0 * x + 1.0) - 30.0 * z


def in_field(points_mm, radius_mm=FIELD_RADIUS_MM):
    """Which points (n,) lie in the cylinder that a cone-beam CT sees."""
    x, y, z = (points_mm - DAILY_ISOCENTER_MM).T
    return (np.hypot(x, y) <= radius_mm) & (np.abs(z) <= FIELD_HALF_LENGTH_MM)


def cone_beam_ct(patient, plan_from_daily, *, seed=0, grid=DAILY_GRID, padding=-1000.0, noise_hu=30.0, couch=couch_hu):
    """A truncated, noisy, shaded image of the day; `plan_from_daily` is the truth."""
    points = points_of(grid)
    seen = np.flatnonzero(in_field(points))
    there = plan_from_daily.points(points[seen])
    noise = noise_hu * np.random.default_rng([seed, 7]).normal(size=len(seen))
    voxels = np.full(len(points), padding)
    voxels[seen] = 0.9 * np.maximum(patient.hu(there), couch(there)) + shading_hu(points[seen]) + noise
    return Image(voxels.reshape(grid.shape), grid, Modality.CBCT)


def motion(shift_mm=(0.0, 0.0, 0.0), turn_deg=(0.0, 0.0, 0.0)):
    """plan_from_daily about the isocenters, by a rotation vector in degrees."""
    rotation = rotation_from_vector(np.deg2rad(turn_deg))
    return RigidTransform.about_points((PLAN, ISOCENTER_MM), (DAILY, DAILY_ISOCENTER_MM), rotation, shift_mm)


def random_motion(seed, shift_mm, turn_deg):
    """A motion of a random direction and axis, with a length and an angle up to the given ones."""
    random = np.random.default_rng([seed, 99])
    shift, turn = random.normal(size=(2, 3))
    shift *= shift_mm * random.uniform(0.3, 1.0) / np.linalg.norm(shift)
    turn *= turn_deg * random.uniform(0.3, 1.0) / np.linalg.norm(turn)
    return motion(shift, turn)


def error_mm(found, truth):
    """Largest distance over the target surface between where two transforms put it, mm."""
    daily_points = truth.inverse().points(TARGET_MM)
    return float(np.linalg.norm(found.points(daily_points) - TARGET_MM, axis=1).max())


def question(plan, daily, *starts, body=None):
    """What is asked of a match of two images; isocenter upon isocenter where no start is given."""
    return Question(plan, daily, starts or (motion(),), TARGET_MM, ALLOWED_ERROR_MM, body=body)


def matched(plan, daily, *regions, starts=(), body: Mask | None = None):
    """The match of the first region, or of all regions where several are named."""
    found = match_rigid(question(plan, daily, *starts, body=body), regions or (BONE,))
    return found if len(regions) > 1 else found[0]
