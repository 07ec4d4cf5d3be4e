"""What is drawn for a case: what is the matter, where the plan treats, how the patient lies, what the scanner shows."""

from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from benchmarks.trust.rendering import DAILY_FRAME, Bumps, Scanner
from benchmarks.trust.volumes import CBCT, Packed
from openigrt.geometry import Float64Array, RigidTransform, rotation_from_vector
from openigrt.images import Image, Mask
from openigrt.registration import Region, RegionKind

CBCT_SPINE_MM = np.array([6.0, 140.0, 311.0])
CBCT_FORWARD_MM = np.array([0.0, -70.0, 0.0])
ALLOWED_MM = ((1.0, 0.25), (1.5, 0.35), (2.0, 0.4))
CONTOUR_MARGIN_MM = 5.0
SOFT_TISSUE_REACH_MM = 25.0


class Kind(StrEnum):
    """What is the matter with a case."""

    PROTOCOL = "protocol"
    FAR = "far"
    VERTEBRA = "vertebra"
    OTHER_LEVELS = "other levels"
    OTHER_PATIENT = "other patient"
    SLAB = "slab"
    DEFORMED = "deformed"
    SOFT_MOVED = "soft moved"
    TARGET_OUTSIDE = "target outside"
    STREAKS = "streaks"


@dataclass(frozen=True, eq=False)
class Site:
    """Where a plan treats, mm in the plan, and what is judged there."""

    isocenter_mm: Float64Array
    radius_mm: float
    allowed_mm: float

    @property
    def points_mm(self) -> Float64Array:
        """26 points over a sphere round the isocenter."""
        ticks = (-1.0, 0.0, 1.0)
        ways = np.array([(x, y, z) for x in ticks for y in ticks for z in ticks if (x, y, z) != (0.0, 0.0, 0.0)])
        return self.isocenter_mm + self.radius_mm * ways / np.linalg.norm(ways, axis=1, keepdims=True)


def drawn_site(volume: Packed, daily: str, rng: np.random.Generator) -> Site:
    """An isocenter near dense bone in the middle of a volume; on the bone where only its surroundings are known.

    On the cone-beam CT, from the spine to the middle of the belly.
    """
    phases = {volume.name, daily} == {"thorax-0", "thorax-5"}
    allowed = float(rng.choice([a for a, _ in ALLOWED_MM], p=[p for _, p in ALLOWED_MM]))
    if daily == CBCT:
        middle = CBCT_SPINE_MM + rng.uniform(0.0, 1.0) * CBCT_FORWARD_MM
        return Site(middle + rng.uniform(-8.0, 8.0, 3), rng.uniform(15.0, 50.0), allowed)
    anchor = volume.anchors_mm[int(len(volume.anchors_mm) * rng.uniform(0.35, 0.65))]
    toward_middle = rng.uniform(0.0, 1.0) * (volume.grid.center_mm - anchor) * [1.0, 0.5, 0.0]
    if phases:
        return Site(anchor + rng.uniform(-1.0, 1.0, 3) * [10.0, 10.0, 5.0], rng.uniform(15.0, 20.0), allowed)
    spread = np.array([12.0, 12.0, 4.0] if volume.cropped else [25.0, 25.0, 10.0])
    isocenter = anchor + toward_middle + rng.uniform(-1.0, 1.0, 3) * spread
    return Site(isocenter, rng.uniform(15.0, 50.0), allowed)


def on_bone(volume: Packed, site: Site) -> Site:
    """The site moved to the densest bone of its slice, small: what bends there belongs to every region."""
    nearest = np.abs(volume.anchors_mm[:, 2] - site.isocenter_mm[2]).argmin()
    return Site(volume.anchors_mm[nearest], min(site.radius_mm, 20.0), site.allowed_mm)


def on_sphere(rng: np.random.Generator, radius: float) -> Float64Array:
    """A vector (3,) of this length in a random direction."""
    vector = rng.standard_normal(3)
    return radius * vector / np.linalg.norm(vector)


def drawn_motion(
    rng: np.random.Generator, shift_mm: tuple[float, float], turn_deg: tuple[float, float]
) -> RigidTransform:
    """A motion about the origin of the daily frame, evenly in volume between lower and upper limits."""
    shift = on_sphere(rng, drawn_radius(rng, shift_mm))
    turn = on_sphere(rng, np.deg2rad(drawn_radius(rng, turn_deg)))
    return RigidTransform(DAILY_FRAME, DAILY_FRAME, rotation_from_vector(turn), shift)


def drawn_radius(rng: np.random.Generator, limits: tuple[float, float]) -> float:
    """A radius between limits, evenly in volume."""
    low, high = limits
    return float((low**3 + (high**3 - low**3) * rng.uniform()) ** (1.0 / 3.0))


def drawn_setup(kind: Kind, rng: np.random.Generator) -> RigidTransform:
    """How far the patient lies from where the start has them."""
    if kind is Kind.FAR:
        return drawn_motion(rng, (25.0, 70.0), (3.0, 20.0))
    ordinary = drawn_motion(rng, (0.0, 15.0), (0.0, 3.0))
    if kind is not Kind.VERTEBRA:
        return ordinary
    levels = rng.choice([-2.0, -1.0, 1.0, 2.0]) * rng.uniform(20.0, 36.0)
    shift = ordinary.translation_mm * 0.5 + [0.0, 0.0, levels]
    return RigidTransform(DAILY_FRAME, DAILY_FRAME, ordinary.rotation, shift)


def drawn_scanner(kind: Kind, cropped: bool, rng: np.random.Generator) -> Scanner:
    """A cone-beam scanner with a field of view as the kind has it."""
    length = {Kind.SLAB: (20.0, 40.0), Kind.VERTEBRA: (50.0, 160.0), Kind.OTHER_LEVELS: (60.0, 100.0)}
    scanner = Scanner(
        radius_mm=rng.uniform(55.0, 75.0) if cropped else rng.uniform(80.0, 130.0),
        length_mm=rng.uniform(*length.get(kind, (120.0, 200.0))),
        center_mm=rng.uniform(-1.0, 1.0, 3) * ([5.0, 5.0, 5.0] if cropped else [20.0, 20.0, 15.0]),
        noise_hu=rng.uniform(10.0, 80.0),
        cupping_hu=rng.uniform(0.0, 200.0),
        slope=rng.uniform(0.85, 1.05),
        offset_hu=rng.uniform(-60.0, 60.0),
    )
    if kind is Kind.STREAKS:
        return replace(scanner, noise_hu=rng.uniform(80.0, 250.0), streaks_hu=rng.uniform(200.0, 900.0))
    return scanner


def drawn_region_kind(kind: Kind, only_bone: bool, rng: np.random.Generator) -> RegionKind:
    """What is matched."""
    drawn = RegionKind(rng.choice(["bone", "patient", "soft", "contours"], p=[0.5, 0.2, 0.1, 0.2]))
    if kind is Kind.SOFT_MOVED:
        return RegionKind.SOFT
    return RegionKind.BONE if only_bone else drawn


def drawn_region(kind: RegionKind, plan: Image, site: Site, rng: np.random.Generator) -> Region:
    """The region that is matched, as `guide` has it; contours are an ellipsoid of 15 to 40 mm near the isocenter."""
    if kind is RegionKind.SOFT:
        reach_mm = site.radius_mm + SOFT_TISSUE_REACH_MM
        return Region(kind.value, kind, focus_mm=site.isocenter_mm, reach_mm=reach_mm)
    if kind is not RegionKind.CONTOURS:
        return Region(kind.value, kind)
    center, semi_axes_mm = site.isocenter_mm + rng.uniform(-10.0, 10.0, 3), rng.uniform(15.0, 40.0, 3)
    k, j, i = (np.arange(count) for count in plan.voxels.shape)
    x, y, z = (plan.grid.origin_mm[axis] + plan.grid.spacing_mm[axis] * n for axis, n in enumerate((i, j, k)))
    far = [((along - at) / half) ** 2 for along, at, half in zip((x, y, z), center, semi_axes_mm, strict=True)]
    inside = far[2][:, None, None] + far[1][:, None] + far[0] <= 1.0
    return Region(kind.value, kind, Mask(inside, plan.grid), CONTOUR_MARGIN_MM)


def drawn_bumps(near_mm: Float64Array, rng: np.random.Generator) -> Bumps:
    """One bump near the target and one or two elsewhere, 5 to 15 mm."""
    count = int(rng.integers(2, 4))
    centers = near_mm + np.array(
        [on_sphere(rng, r) for r in [rng.uniform(0.0, 30.0), *rng.uniform(50, 120, count - 1)]]
    )
    widths = rng.uniform(30.0, 60.0, count)
    shifts = np.array([on_sphere(rng, rng.uniform(5.0, 15.0)) for _ in range(count)])
    return Bumps(centers, shifts, widths)


def outside_mm(scanner: Scanner, rng: np.random.Generator) -> Float64Array:
    """A shift that brings the target out of the field of view."""
    away = rng.choice([-1.0, 1.0])
    if rng.uniform() < 0.5:
        return np.array([0.0, 0.0, away * (0.5 * scanner.length_mm + rng.uniform(40.0, 90.0))])
    return np.array([away * (scanner.radius_mm + rng.uniform(40.0, 70.0)), 0.0, 0.0])
