"""Cases: a planning image, a daily image, a start, a region, what is judged, and what is true; each from its number.

Half of them are as a protocol has them, half are bad. The truth is exact where one volume is rendered twice, good to
1 mm on the real cone-beam CT (`truth`, whose figures stand here, since a run needs neither peers nor DICOM), and to
about 2 mm beyond its field, where two breathing phases meet, or where anatomy was deformed. Real MR and PET are aligned
with their CT no better than to 40 mm.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.trust.draws import (
    Kind,
    Site,
    drawn_bumps,
    drawn_motion,
    drawn_region,
    drawn_region_kind,
    drawn_scanner,
    drawn_setup,
    drawn_site,
    on_bone,
    outside_mm,
)
from benchmarks.trust.rendering import (
    DAILY_FRAME,
    Voxels,
    deformed_voxels,
    rigid_voxels,
    shown,
    shown_by_magnetic_resonance,
    texture,
)
from benchmarks.trust.volumes import AIR_HU, CBCT, STORED, Packed, is_stored, read_volume, without_bone
from openigrt.geometry import Float64Array, Frame, Grid, RigidTransform, rotation_angle_deg, rotation_from_vector
from openigrt.images import Image, Modality
from openigrt.registration import Question, Region, RegionKind

PLAN_FRAME = Frame.plan("trust")
SEED = 20261121
CBCT_DAILY_SPINE_MM = np.array([4.2, 138.5, 327.5])
CBCT_BONE_MM = np.array([5.57, 139.95, 310.97])
CBCT_BONE_TURN_DEG = np.array([0.33, -1.28, -0.79])
CBCT_KNOWN_TO_MM = 1.0
ROUGH_TRUTH_MM = 2.0
ALIGNED_TO_MM = 40.0
MAGNETIC_RESONANCE_SHARE = 0.08
REPORTED_PATIENTS = ("pancreas", "head", "sarcoma-2", "pelvis-2", "pelvis-4", "pelvis-6", "pelvis-8")
SHARP_PLAN_NOISE_HU = 25.0
BONE = Region("bone", RegionKind.BONE)

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
    **{(f"sarcoma-{n}", f"sarcoma-{n}-{image}"): 0.2 for n in (1, 2, 3) for image in ("mr", "pet")},
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
    if volume.startswith("thorax"):
        return "thorax"
    return next((volume.removesuffix(end) for end in ("-day", *STORED) if volume.endswith(end)), volume)


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
    site = drawn_site(read_volume(pack, planned), planned if kind is Kind.OTHER_PATIENT else daily, rng)
    if kind is Kind.DEFORMED:
        site = on_bone(read_volume(pack, planned), site)
    if is_stored(daily):
        return _stored_case(pack, (number, kind, planned, daily), site, rng)
    return _rendered_case(pack, (number, kind, planned, daily), site, rng)


def _drawn(shares: dict[tuple[str, str], float], rng: np.random.Generator) -> tuple[str, str]:
    """A key, drawn by shares."""
    keys, weights = list(shares), np.array(list(shares.values()))
    return keys[int(rng.choice(len(keys), p=weights / weights.sum()))]


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
    region_kind = drawn_region_kind(kind, planned != daily and kind is not Kind.OTHER_PATIENT, rng)
    setup, scanner = drawn_setup(kind, rng), drawn_scanner(kind, source.cropped, rng)
    if kind in (Kind.FAR, Kind.VERTEBRA):
        scanner = replace(scanner, center_mm=scanner.center_mm + setup.inverse().translation_mm)
    start = RigidTransform(PLAN_FRAME, DAILY_FRAME, np.eye(3), site.isocenter_mm)
    home = drawn_site(source, daily, rng).isocenter_mm if kind is Kind.OTHER_PATIENT else site.isocenter_mm
    source_from_daily = RigidTransform(PLAN_FRAME, DAILY_FRAME, np.eye(3), home) @ setup
    if kind is Kind.TARGET_OUTSIDE:
        site = replace(site, isocenter_mm=site.isocenter_mm + outside_mm(scanner, rng))
    plan = read_volume(pack, planned)
    kept = _all_slices(plan)
    if kind is Kind.OTHER_LEVELS:
        kept, off = _wrong_levels(plan, site, rng)
        site = replace(site, isocenter_mm=site.isocenter_mm + off)
        start = RigidTransform(PLAN_FRAME, DAILY_FRAME, np.eye(3), site.isocenter_mm)
    grid = scanner.grid()
    voxels, daily_points = _patient(pack, (kind, source), grid, (source_from_daily, site), rng)
    by_resonance = kind is not Kind.STREAKS and rng.uniform() < MAGNETIC_RESONANCE_SHARE
    show = shown_by_magnetic_resonance if by_resonance else shown
    daily_image = show(voxels, grid, scanner, rng)
    planning_image = _planning_image(plan, kept, rng)
    question = _question((planning_image, daily_image), start, site, number)
    region = drawn_region(region_kind, planning_image, site, rng)
    rough = kind is Kind.DEFORMED or {planned, daily} == {"thorax-0", "thorax-5"}
    wrong_above = max(ROUGH_TRUTH_MM, site.allowed_mm) if rough else site.allowed_mm
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
        bumps = drawn_bumps(site.isocenter_mm, rng)
        voxels = deformed_voxels(source, grid, source_from_daily, bumps)
        return voxels, source_from_daily.inverse().points(bumps.sources_mm(points))
    if kind is Kind.SOFT_MOVED:
        soft_from_daily = source_from_daily @ drawn_motion(rng, (5.0, 15.0), (0.0, 1.0))
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


def _composed_voxels(
    pack: Path, volume: Packed, grid: Grid, bone_and_soft: tuple[RigidTransform, RigidTransform]
) -> Voxels:
    """Bone where one transform has it, everything else where another has it."""
    bone_from_daily, soft_from_daily = bone_and_soft
    soft, share = without_bone(pack, volume.name)
    bone = rigid_voxels(volume, volume.voxels, grid, bone_from_daily)
    weight = np.nan_to_num(rigid_voxels(volume, share, grid, bone_from_daily), nan=0.0).clip(0.0, 1.0)
    return weight * np.nan_to_num(bone, nan=0.0) + (1.0 - weight) * rigid_voxels(volume, soft, grid, soft_from_daily)


def _stored_case(pack: Path, names: tuple[int, Kind, str, str], site: Site, rng: np.random.Generator) -> Case:
    """A real daily image, moved by its header alone, sometimes noisier and shorter than it is."""
    _, kind, planned, daily = names
    stored, setup = read_volume(pack, daily), drawn_setup(kind, rng)
    region_kind = drawn_region_kind(kind, daily == CBCT and kind is not Kind.OTHER_PATIENT, rng)
    plan_from_stored = _plan_from_stored(stored)
    center = plan_from_stored.inverse().points(site.isocenter_mm)
    start = RigidTransform.identity(PLAN_FRAME, DAILY_FRAME)
    if kind is Kind.OTHER_PATIENT:
        center = CBCT_DAILY_SPINE_MM if daily == CBCT else stored.grid.center_mm
        start = RigidTransform(PLAN_FRAME, DAILY_FRAME, np.eye(3), site.isocenter_mm - center)
    worse = _worse_cone_beam(stored, kind, rng) if daily == CBCT else _worse_image(stored, kind, rng)
    image = _shortened(worse, kind, float(stored.grid.indices(center)[2]), rng)
    moved = RigidTransform.about_points(
        (DAILY_FRAME, center), (stored.grid.frame, center), setup.rotation, setup.translation_mm
    )
    plan = read_volume(pack, planned)
    kept = _all_slices(plan)
    if kind is Kind.OTHER_LEVELS:
        kept, off = _wrong_levels(plan, site, rng)
        site = replace(site, isocenter_mm=site.isocenter_mm + off)
        start = RigidTransform(PLAN_FRAME, DAILY_FRAME, np.eye(3), off)
    planning_image = _planning_image(plan, kept, rng)
    daily_image = replace(image, grid=image.grid.moved(moved))
    question = _question((planning_image, daily_image), start, site, names[0])
    region = drawn_region(region_kind, planning_image, site, rng)
    stored_points = plan_from_stored.inverse().points(site.points_mm)
    daily_points = None if kind is Kind.OTHER_PATIENT else moved.points(stored_points)
    known_to = ROUGH_TRUTH_MM if kind is Kind.OTHER_LEVELS else CBCT_KNOWN_TO_MM
    wrong_above = max(known_to, site.allowed_mm) if daily == CBCT else ALIGNED_TO_MM
    return _case(names, question, region, (daily_points, wrong_above), setup)


def _plan_from_stored(stored: Packed) -> RigidTransform:
    """Where a real daily image lies in the plan: the cone-beam CT by its bones, others as the clinic aligned them."""
    frame = stored.grid.frame
    if stored.name != CBCT:
        return RigidTransform.identity(PLAN_FRAME, frame)
    rotation = rotation_from_vector(np.deg2rad(CBCT_BONE_TURN_DEG))
    return RigidTransform(PLAN_FRAME, frame, rotation, CBCT_BONE_MM - rotation @ CBCT_DAILY_SPINE_MM)


def _worse_cone_beam(stored: Packed, kind: Kind, rng: np.random.Generator) -> Image:
    """The cone-beam CT on another gray scale and noisier; its padding stays."""
    slope, offset, extra = rng.uniform(0.85, 1.05), rng.uniform(-60.0, 60.0), rng.uniform(0.0, 30.0)
    if kind is Kind.STREAKS:
        extra = rng.uniform(80.0, 250.0)
    voxels = np.float32(slope) * stored.voxels + np.float32(offset)
    voxels += np.float32(extra) * texture(voxels.shape, rng)
    voxels = np.where(stored.voxels > AIR_HU, np.maximum(voxels, AIR_HU), AIR_HU).astype(np.float32)
    return Image(voxels, stored.grid, Modality.CBCT)


def _worse_image(stored: Packed, kind: Kind, rng: np.random.Generator) -> Image:
    """A magnetic resonance or emission image on another gray scale, noisier by up to a twentieth, or a fifth."""
    bright = float(np.percentile(stored.voxels, 99.0))
    extra = bright * rng.uniform(0.0, 0.2 if kind is Kind.STREAKS else 0.05)
    voxels = stored.voxels + np.float32(extra) * texture(stored.voxels.shape, rng)
    voxels = np.float32(rng.uniform(0.5, 2.0)) * np.maximum(voxels, 0.0)
    modality = Modality.MR if stored.name.endswith("-mr") else Modality.PET
    return Image(voxels.astype(np.float32), stored.grid, modality)


def _shortened(image: Image, kind: Kind, middle: float, rng: np.random.Generator) -> Image:
    """The slices of an image that a kind keeps: those about a slice, or nearly all."""
    length = {Kind.SLAB: (20.0, 40.0), Kind.VERTEBRA: (60.0, 180.0), Kind.OTHER_LEVELS: (60.0, 100.0)}
    grid, spacing = image.grid, float(image.grid.spacing_mm[2])
    middle += rng.uniform(-10.0, 10.0) / spacing
    if kind not in length:
        middle = 0.5 * (grid.size[2] - 1)
    half = 0.5 * rng.uniform(*length.get(kind, (140.0, 180.0))) / spacing
    first = int(np.clip(np.ceil(middle - half), 0, grid.size[2] - 2))
    last = int(np.clip(np.floor(middle + half), first + 1, grid.size[2] - 1))
    voxels = image.voxels[first : last + 1]
    origin = grid.points([0.0, 0.0, float(first)])
    kept = Grid(grid.frame, origin, grid.spacing_mm, grid.direction, voxels.shape[::-1])
    return replace(image, voxels=voxels, grid=kept)
