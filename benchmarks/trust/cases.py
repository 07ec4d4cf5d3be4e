"""Cases: a planning image, a daily image, a start, a region, what is judged, and what is true; each from its number.

Half of them are as a protocol has them, half are bad. The truth is exact where one volume is rendered twice; where two
real images meet (cone-beam CT, breathing phases) it holds to about 2 mm.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

import numpy as np

from benchmarks.trust.rendering import (
    DAILY_FRAME,
    Bumps,
    Scanner,
    Voxels,
    deformed_voxels,
    rigid_voxels,
    shown,
    texture,
)
from benchmarks.trust.volumes import AIR_HU, Packed, read_volume, without_bone
from openigrt.geometry import Float64Array, Frame, Grid, RigidTransform, rotation_angle_deg, rotation_from_vector
from openigrt.images import Image, Mask, Modality
from openigrt.registration import Question, Region, RegionKind

PLAN_FRAME = Frame.plan("trust")
SEED = 20261121
CBCT = "pancreas-cbct"
CBCT_BONE_SHIFT_MM = np.array([1.8, 1.5, -16.5])
CBCT_SPINE_MM = np.array([6.0, 140.0, 311.0])
KNOWN_TO_MM = 2.0
ALLOWED_MM = ((1.0, 0.25), (1.5, 0.35), (2.0, 0.4))
REPORTED_PATIENTS = ("pancreas", "head", "sarcoma-2", "pelvis-2", "pelvis-4", "pelvis-6", "pelvis-8")
SHARP_PLAN_NOISE_HU = 25.0
CONTOUR_MARGIN_MM = 5.0
SOFT_TISSUE_REACH_MM = 25.0
BONE = Region("bone", RegionKind.BONE)


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


SHARES = {
    Kind.PROTOCOL: 0.50,
    Kind.FAR: 0.08,
    Kind.VERTEBRA: 0.08,
    Kind.OTHER_LEVELS: 0.06,
    Kind.OTHER_PATIENT: 0.08,
    Kind.SLAB: 0.06,
    Kind.DEFORMED: 0.05,
    Kind.SOFT_MOVED: 0.04,
    Kind.TARGET_OUTSIDE: 0.02,
    Kind.STREAKS: 0.03,
}
PAIRS = {
    ("thorax-0", "thorax-0"): 1.0,
    ("thorax-5", "thorax-5"): 0.5,
    ("thorax-0", "thorax-5"): 1.0,
    ("thorax-5", "thorax-0"): 0.5,
    ("pancreas", "pancreas"): 1.2,
    ("pancreas", CBCT): 1.5,
    ("head", "head"): 1.0,
    ("sarcoma-1", "sarcoma-1"): 0.6,
    ("sarcoma-2", "sarcoma-2"): 0.6,
    ("sarcoma-3", "sarcoma-3"): 0.6,
    **{(f"pelvis-{n}", f"pelvis-{n}{day}"): 0.3 for n in range(1, 9) for day in ("", "-day")},
}
RENDERED_TWICE = {pair: share for pair, share in PAIRS.items() if pair[0] == pair[1]}


@dataclass(frozen=True, eq=False)
class Case:
    """One match to be made. `daily_points_mm` (n, 3) is where the judged points lie in the daily image, if anywhere.

    A match is wrong when its error is above `wrong_above_mm`, or, without daily points, in any case.
    """

    number: int
    kind: Kind
    planned: str
    daily: str
    question: Question
    region: Region
    daily_points_mm: Float64Array | None
    wrong_above_mm: float
    setup_mm: float
    setup_deg: float

    @property
    def regions(self) -> tuple[Region, ...]:
        """What is matched, the region that is judged first; contours stand beside bone, as they do in `guide`."""
        return (self.region, BONE) if self.region.kind is RegionKind.CONTOURS else (self.region,)

    @property
    def in_protocol(self) -> bool:
        """Whether the clinic would call this an ordinary image."""
        return self.kind is Kind.PROTOCOL

    def error_mm(self, plan_from_daily: RigidTransform) -> float | None:
        """Error over the judged points: the largest, or under a deformation the mean displacement; None untold."""
        if self.daily_points_mm is None:
            return None
        errors = plan_from_daily.points(self.daily_points_mm) - self.question.target_points_mm
        if self.kind is Kind.DEFORMED:
            return float(np.linalg.norm(errors.mean(axis=0)))
        return float(np.linalg.norm(errors, axis=1).max())


def patient_of(volume: str) -> str:
    """The patient of a volume: all phases and days of one body go together."""
    return volume.removesuffix("-day").removesuffix("-cbct").replace("thorax-0", "thorax").replace("thorax-5", "thorax")


def is_reported(planned: str, daily: str) -> bool:
    """Whether a case belongs to the half that is reported: any patient in it was never calibrated on."""
    return any(patient_of(volume) in REPORTED_PATIENTS for volume in (planned, daily))


def make_case(pack: Path, number: int) -> Case:
    """The case of a number, the same on every machine."""
    rng = np.random.default_rng([SEED, number])
    kind = Kind(rng.choice([k.value for k in SHARES], p=list(SHARES.values())))
    needs_source = kind in (Kind.DEFORMED, Kind.SOFT_MOVED, Kind.TARGET_OUTSIDE)
    planned, daily = _drawn(RENDERED_TWICE if needs_source else PAIRS, rng)
    if kind is Kind.OTHER_PATIENT:
        others = [pair[1] for pair in PAIRS if patient_of(pair[1]) != patient_of(planned)]
        daily = str(rng.choice(others))
    site = _site(read_volume(pack, planned), planned if kind is Kind.OTHER_PATIENT else daily, rng)
    if kind is Kind.DEFORMED:
        site = _on_bone(read_volume(pack, planned), site)
    if daily == CBCT:
        return _stored_case(pack, (number, kind, planned), site, rng)
    return _rendered_case(pack, (number, kind, planned, daily), site, rng)


def _drawn(shares: dict[tuple[str, str], float], rng: np.random.Generator) -> tuple[str, str]:
    """A key, drawn by shares."""
    keys, weights = list(shares), np.array(list(shares.values()))
    return keys[int(rng.choice(len(keys), p=weights / weights.sum()))]


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


def _site(volume: Packed, daily: str, rng: np.random.Generator) -> Site:
    """An isocenter near dense bone in the middle of a volume; on the bone where only its surroundings are known."""
    on_bone = {volume.name, daily} == {"thorax-0", "thorax-5"}
    allowed = float(rng.choice([a for a, _ in ALLOWED_MM], p=[p for _, p in ALLOWED_MM]))
    if daily == CBCT:
        return Site(CBCT_SPINE_MM + rng.uniform(-8.0, 8.0, 3), 15.0, allowed)
    anchor = volume.anchors_mm[int(len(volume.anchors_mm) * rng.uniform(0.35, 0.65))]
    toward_middle = rng.uniform(0.0, 1.0) * (volume.grid.center_mm - anchor) * [1.0, 0.5, 0.0]
    if on_bone:
        return Site(anchor + rng.uniform(-1.0, 1.0, 3) * [10.0, 10.0, 5.0], rng.uniform(15.0, 20.0), allowed)
    spread = np.array([12.0, 12.0, 4.0] if volume.cropped else [25.0, 25.0, 10.0])
    isocenter = anchor + toward_middle + rng.uniform(-1.0, 1.0, 3) * spread
    return Site(isocenter, rng.uniform(15.0, 50.0), allowed)


def _on_bone(volume: Packed, site: Site) -> Site:
    """The site moved to the densest bone of its slice, small: what bends there belongs to every region."""
    nearest = np.abs(volume.anchors_mm[:, 2] - site.isocenter_mm[2]).argmin()
    return Site(volume.anchors_mm[nearest], min(site.radius_mm, 20.0), site.allowed_mm)


def _on_sphere(rng: np.random.Generator, radius: float) -> Float64Array:
    """A vector (3,) of this length in a random direction."""
    vector = rng.standard_normal(3)
    return radius * vector / np.linalg.norm(vector)


def _motion(rng: np.random.Generator, shift_mm: tuple[float, float], turn_deg: tuple[float, float]) -> RigidTransform:
    """A motion about the origin of the daily frame, evenly in volume between lower and upper limits."""
    shift = _on_sphere(rng, _radius(rng, shift_mm))
    turn = _on_sphere(rng, np.deg2rad(_radius(rng, turn_deg)))
    return RigidTransform(DAILY_FRAME, DAILY_FRAME, rotation_from_vector(turn), shift)


def _radius(rng: np.random.Generator, limits: tuple[float, float]) -> float:
    """A radius between limits, evenly in volume."""
    low, high = limits
    return float((low**3 + (high**3 - low**3) * rng.uniform()) ** (1.0 / 3.0))


def _setup(kind: Kind, rng: np.random.Generator) -> RigidTransform:
    """How far the patient lies from where the start has them."""
    if kind is Kind.FAR:
        return _motion(rng, (25.0, 70.0), (3.0, 20.0))
    ordinary = _motion(rng, (0.0, 15.0), (0.0, 3.0))
    if kind is not Kind.VERTEBRA:
        return ordinary
    levels = rng.choice([-2.0, -1.0, 1.0, 2.0]) * rng.uniform(20.0, 36.0)
    shift = ordinary.translation_mm * 0.5 + [0.0, 0.0, levels]
    return RigidTransform(DAILY_FRAME, DAILY_FRAME, ordinary.rotation, shift)


def _scanner(kind: Kind, cropped: bool, rng: np.random.Generator) -> Scanner:
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


def _region_kind(kind: Kind, only_bone: bool, rng: np.random.Generator) -> RegionKind:
    """What is matched."""
    drawn = RegionKind(rng.choice(["bone", "patient", "soft", "contours"], p=[0.5, 0.2, 0.1, 0.2]))
    if kind is Kind.SOFT_MOVED:
        return RegionKind.SOFT
    return RegionKind.BONE if only_bone else drawn


def _region(kind: RegionKind, plan: Image, site: Site, rng: np.random.Generator) -> Region:
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


def _planning_image(volume: Packed, kept: slice, rng: np.random.Generator) -> Image:
    """Slices of the volume as a planning CT with some noise of its own."""
    voxels, grid = volume.voxels[kept], volume.grid
    noise = rng.standard_normal(voxels.shape, dtype=np.float32) * np.float32(rng.uniform(0.0, SHARP_PLAN_NOISE_HU))
    first = grid.points([0.0, 0.0, float(kept.start)])
    same = Grid(PLAN_FRAME, first, grid.spacing_mm, grid.direction, voxels.shape[::-1])
    return Image(np.maximum(voxels + noise, AIR_HU), same, Modality.CT)


def _all_slices(volume: Packed) -> slice:
    """Every slice."""
    return slice(0, len(volume.voxels))


def _wrong_levels(volume: Packed, site: Site, rng: np.random.Generator) -> tuple[slice, Float64Array]:
    """What tempts to another level: a start three to five levels off, or a plan that ends before the daily image.

    The slices of the plan that are kept, and how far the start is off (3,) mm.
    """
    up = float(rng.choice([-1.0, 1.0]))
    if rng.uniform() < 0.5:
        return _all_slices(volume), np.array([0.0, 0.0, up * rng.uniform(75.0, 120.0)])
    spacing, count = volume.grid.spacing_mm[2], len(volume.voxels)
    middle, gap_mm = volume.grid.indices(site.isocenter_mm)[2], rng.uniform(10.0, 40.0)
    if (middle if up < 0.0 else count - middle) < (count - middle if up < 0.0 else middle):
        up = -up
    cut = int(np.clip(middle + up * gap_mm / spacing, 0, count))
    kept = slice(cut, count) if up > 0.0 else slice(0, cut)
    return kept, np.array([0.0, 0.0, up * (gap_mm + rng.uniform(20.0, 50.0))])


def _rendered_case(pack: Path, names: tuple[int, Kind, str, str], site: Site, rng: np.random.Generator) -> Case:
    """A case whose daily image is rendered from a volume; the daily origin is where the isocenter was meant to be."""
    number, kind, planned, daily = names
    source = read_volume(pack, daily)
    region_kind = _region_kind(kind, planned != daily and kind is not Kind.OTHER_PATIENT, rng)
    setup, scanner = _setup(kind, rng), _scanner(kind, source.cropped, rng)
    if kind in (Kind.FAR, Kind.VERTEBRA):
        scanner = replace(scanner, center_mm=scanner.center_mm + setup.inverse().translation_mm)
    start = RigidTransform(PLAN_FRAME, DAILY_FRAME, np.eye(3), site.isocenter_mm)
    home = _site(source, daily, rng).isocenter_mm if kind is Kind.OTHER_PATIENT else site.isocenter_mm
    source_from_daily = RigidTransform(PLAN_FRAME, DAILY_FRAME, np.eye(3), home) @ setup
    if kind is Kind.TARGET_OUTSIDE:
        site = replace(site, isocenter_mm=site.isocenter_mm + _outside_mm(scanner, rng))
    plan = read_volume(pack, planned)
    kept = _all_slices(plan)
    if kind is Kind.OTHER_LEVELS:
        kept, off = _wrong_levels(plan, site, rng)
        site = replace(site, isocenter_mm=site.isocenter_mm + off)
        start = RigidTransform(PLAN_FRAME, DAILY_FRAME, np.eye(3), site.isocenter_mm)
    grid = scanner.grid()
    voxels, daily_points = _patient(pack, (kind, source), grid, (source_from_daily, site), rng)
    daily_image = shown(voxels, grid, scanner, rng)
    planning_image = _planning_image(plan, kept, rng)
    question = _question((planning_image, daily_image), start, site, number)
    region = _region(region_kind, planning_image, site, rng)
    rough = kind is Kind.DEFORMED or {planned, daily} == {"thorax-0", "thorax-5"}
    wrong_above = max(KNOWN_TO_MM, site.allowed_mm) if rough else site.allowed_mm
    return _case(names, question, region, (daily_points, wrong_above), setup)


def _patient(
    pack: Path,
    kind_and_source: tuple[Kind, Packed],
    grid: Grid,
    placed: tuple[RigidTransform, Site],
    rng: np.random.Generator,
) -> tuple[Voxels, Float64Array | None]:
    """HU of the patient of the day on a grid, and where the judged points are in it."""
    (kind, source), (source_from_daily, site) = kind_and_source, placed
    points = site.points_mm
    if kind is Kind.DEFORMED:
        bumps = _bumps(site.isocenter_mm, rng)
        voxels = deformed_voxels(source, grid, source_from_daily, bumps)
        return voxels, source_from_daily.inverse().points(bumps.sources_mm(points))
    if kind is Kind.SOFT_MOVED:
        soft_from_daily = source_from_daily @ _motion(rng, (5.0, 15.0), (0.0, 1.0))
        voxels = _composed_voxels(pack, source, grid, (source_from_daily, soft_from_daily))
        return voxels, soft_from_daily.inverse().points(points)
    voxels = rigid_voxels(source, source.voxels, grid, source_from_daily)
    return voxels, None if kind is Kind.OTHER_PATIENT else source_from_daily.inverse().points(points)


def _question(images: tuple[Image, Image], start: RigidTransform, site: Site, number: int) -> Question:
    """The question that a case asks."""
    return Question(images[0], images[1], (start,), site.points_mm, site.allowed_mm, seed=number)


def _case(
    names: tuple[int, Kind, str, str],
    question: Question,
    region: Region,
    truth: tuple[Float64Array | None, float],
    setup: RigidTransform,
) -> Case:
    """The case of these parts; what the start gets wrong is measured at the judged points."""
    points = question.starts[0].points(truth[0]) - question.target_points_mm if truth[0] is not None else None
    shift = setup.translation_mm if points is None else points.mean(axis=0)
    return Case(*names, question, region, *truth, float(np.linalg.norm(shift)), rotation_angle_deg(setup.rotation))


def _bumps(near_mm: Float64Array, rng: np.random.Generator) -> Bumps:
    """One bump near the target and one or two elsewhere, 5 to 15 mm."""
    count = int(rng.integers(2, 4))
    centers = near_mm + np.array(
        [_on_sphere(rng, r) for r in [rng.uniform(0.0, 30.0), *rng.uniform(50, 120, count - 1)]]
    )
    widths = rng.uniform(30.0, 60.0, count)
    shifts = np.array([_on_sphere(rng, rng.uniform(5.0, 15.0)) for _ in range(count)])
    return Bumps(centers, shifts, widths)


def _composed_voxels(
    pack: Path, volume: Packed, grid: Grid, bone_and_soft: tuple[RigidTransform, RigidTransform]
) -> Voxels:
    """Bone where one transform has it, everything else where another has it."""
    bone_from_daily, soft_from_daily = bone_and_soft
    soft, share = without_bone(pack, volume.name)
    bone = rigid_voxels(volume, volume.voxels, grid, bone_from_daily)
    weight = np.nan_to_num(rigid_voxels(volume, share, grid, bone_from_daily), nan=0.0).clip(0.0, 1.0)
    return weight * np.nan_to_num(bone, nan=0.0) + (1.0 - weight) * rigid_voxels(volume, soft, grid, soft_from_daily)


def _outside_mm(scanner: Scanner, rng: np.random.Generator) -> Float64Array:
    """A shift that brings the target out of the field of view."""
    away = rng.choice([-1.0, 1.0])
    if rng.uniform() < 0.5:
        return np.array([0.0, 0.0, away * (0.5 * scanner.length_mm + rng.uniform(40.0, 90.0))])
    return np.array([away * (scanner.radius_mm + rng.uniform(40.0, 70.0)), 0.0, 0.0])


def _stored_case(pack: Path, names: tuple[int, Kind, str], site: Site, rng: np.random.Generator) -> Case:
    """The real cone-beam CT, moved by its header alone, sometimes noisier and shorter than it is."""
    number, kind, planned = names
    region_kind = _region_kind(kind, kind is not Kind.OTHER_PATIENT, rng)
    setup, cbct = _setup(kind, rng), read_volume(pack, CBCT)
    center = CBCT_SPINE_MM - CBCT_BONE_SHIFT_MM
    moved = RigidTransform.about_points(
        (DAILY_FRAME, center), (cbct.grid.frame, center), setup.rotation, setup.translation_mm
    )
    voxels = cbct.voxels.copy()
    content = voxels > AIR_HU
    slope, offset, extra = rng.uniform(0.85, 1.05), rng.uniform(-60.0, 60.0), rng.uniform(0.0, 30.0)
    voxels = np.float32(slope) * voxels + np.float32(offset) + np.float32(extra) * texture(voxels.shape, rng)
    if kind is Kind.STREAKS:
        voxels += np.float32(rng.uniform(80.0, 250.0)) * texture(voxels.shape, rng)
    content &= _kept_slices(kind, cbct.grid, rng)[:, None, None]
    voxels = np.where(content, np.maximum(voxels, AIR_HU), AIR_HU).astype(np.float32)
    daily_image = Image(voxels, cbct.grid.moved(moved), Modality.CBCT)
    plan = read_volume(pack, planned)
    kept, start = _all_slices(plan), RigidTransform.identity(PLAN_FRAME, DAILY_FRAME)
    daily_points: Float64Array | None = None
    if kind is Kind.OTHER_LEVELS:
        kept, off = _wrong_levels(plan, site, rng)
        site = replace(site, isocenter_mm=site.isocenter_mm + off)
        start = RigidTransform(PLAN_FRAME, DAILY_FRAME, np.eye(3), off)
    if kind is Kind.OTHER_PATIENT:
        start = RigidTransform(PLAN_FRAME, DAILY_FRAME, np.eye(3), site.isocenter_mm - center)
    else:
        daily_points = moved.points(site.points_mm - CBCT_BONE_SHIFT_MM)
    planning_image = _planning_image(plan, kept, rng)
    question = _question((planning_image, daily_image), start, site, number)
    region = _region(region_kind, planning_image, site, rng)
    return _case((*names, CBCT), question, region, (daily_points, max(KNOWN_TO_MM, site.allowed_mm)), setup)


def _kept_slices(kind: Kind, grid: Grid, rng: np.random.Generator) -> np.ndarray:
    """Which slices of the cone-beam CT are kept: those in a slab round the spine point, or nearly all."""
    z = grid.origin_mm[2] + grid.spacing_mm[2] * np.arange(grid.size[2])
    length = {Kind.SLAB: (20.0, 40.0), Kind.VERTEBRA: (60.0, 180.0), Kind.OTHER_LEVELS: (60.0, 100.0)}
    middle = CBCT_SPINE_MM[2] - CBCT_BONE_SHIFT_MM[2] + rng.uniform(-10.0, 10.0)
    if kind not in length:
        middle = z.mean()
    return np.abs(z - middle) <= 0.5 * rng.uniform(*length.get(kind, (140.0, 180.0)))
