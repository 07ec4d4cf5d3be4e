"""One virtual patient, planned on one day and imaged at the linac on another, and all that is known of it."""

import hashlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np
from scipy import ndimage

from openigrt.errors import InputError
from openigrt.geometry import Float64Array, Frame, Grid, PatientPosition, RigidTransform, rotation_from_vector
from openigrt.images import Image, Modality, Provenance
from openigrt.patient import Contour, ContourKind, Structure, StructureRole, StructureSet
from openigrt.virtual.imaging.cbct import cone_beam_look
from openigrt.virtual.imaging.couch import laid_on, linac_couch, resting_place_mm, scanner_couch
from openigrt.virtual.sites.pelvis import PelvisState, virtual_pelvis
from openigrt.virtual.tissue.anatomy import Anatomy
from openigrt.virtual.tissue.outlines import organ_contours
from openigrt.virtual.tissue.rendering import render

PLANNING_SIZE, PLANNING_SPACING_MM = (256, 256, 102), (1.9, 1.9, 3.0)
DAILY_SIZE, DAILY_SPACING_MM = (208, 208, 80), (1.25, 1.25, 2.0)
LOWEST_SLICE_MM = -94.0
LARGEST_HU = 3071.0
PLANNING_NOISE_HU = 11.0
DAILY_BLUR_MM = 0.8
PTV_MARGIN_MM = 7.0
FIRST_PLANNING = datetime(2025, 1, 6, 9, 30, tzinfo=UTC)
UNTIL_TREATMENT = timedelta(days=15, hours=2, minutes=7)

# Name, organ, role, margin and step of the contours in mm, color.
STRUCTURES = (
    ("BODY", "BODY", StructureRole.EXTERNAL, 0.0, 3.0, (0, 200, 0)),
    ("PROSTATE", "PROSTATE", StructureRole.CTV, 0.0, 1.5, (230, 60, 60)),
    ("PTV", "PROSTATE", StructureRole.PTV, PTV_MARGIN_MM, 1.5, (60, 120, 255)),
    ("BLADDER", "BLADDER", StructureRole.ORGAN, 0.0, 1.5, (240, 220, 40)),
    ("RECTUM", "RECTUM", StructureRole.ORGAN, 0.0, 1.5, (160, 100, 40)),
    ("FEMORAL_HEAD_L", "FEMORAL_HEAD_L", StructureRole.ORGAN, 0.0, 1.5, (40, 200, 200)),
    ("FEMORAL_HEAD_R", "FEMORAL_HEAD_R", StructureRole.ORGAN, 0.0, 1.5, (40, 160, 200)),
    ("SACRUM", "SACRUM", StructureRole.ORGAN, 0.0, 1.5, (200, 120, 200)),
)
MARKERS = ("MARKER_1", "MARKER_2", "MARKER_3")


def case_uid(seed: int, role: str) -> str:
    """A UID (PS3.5 B.2) for one role in the case of a seed."""
    digest = hashlib.sha256(f"OpenIGRT virtual pelvis|{seed}|{role}".encode()).hexdigest()
    return f"2.25.{int(digest[:32], 16)}"


@dataclass(frozen=True, eq=False)
class VirtualCase:
    """A patient on two days: `planned`, and `of_the_day` in the same frame, at the linac with a setup error.

    `plan_from_daily` is the truth for all that is fixed to the bones (LPS mm); the middle of the prostate of the day
    lies `prostate_shift_mm` (3,) off its planned place in them. The isocenter is in the frame of the plan; the daily
    frame has the machine isocenter as its origin and room axes at couch zero.
    """

    seed: int
    planned: Anatomy
    of_the_day: Anatomy
    plan_from_daily: RigidTransform
    isocenter_mm: Float64Array
    prostate_shift_mm: Float64Array

    @property
    def patient_id(self) -> str:
        """Marked as simulated."""
        return f"SIM-PELVIS-{self.seed:04d}"

    @property
    def planned_at(self) -> datetime:
        """When the planning CT was taken."""
        return FIRST_PLANNING + timedelta(days=self.seed % 1000)

    @property
    def treated_at(self) -> datetime:
        """When the image of the day was taken."""
        return self.planned_at + UNTIL_TREATMENT


def virtual_case(seed: int) -> VirtualCase:
    """The case of a seed: other fillings, gas and bowel on the day, a setup error of 6 to 8 mm and 1 to 2 degrees.

    The prostate moves by 0.5 to 1.6 mm in the bones. Raises InputError for a seed below zero.
    """
    if seed < 0:
        raise InputError(f"The seed of a virtual patient must be zero or more, found {seed}.", seed=seed)
    rng = np.random.default_rng((seed, 20))
    plan_frame, daily_frame = Frame.plan(case_uid(seed, "plan frame")), Frame.daily(case_uid(seed, "daily frame"))
    origin_mm = np.round(rng.uniform((-8.0, -22.0, -620.0), (8.0, -12.0, -480.0)), 1)
    planned = virtual_pelvis(plan_frame, seed, origin_mm=origin_mm)
    state = _state_of_the_day(rng)
    isocenter_mm = np.round(planned.landmarks_mm["PROSTATE"], 1)
    rotation = rotation_from_vector(np.deg2rad(_vector(rng, 1.0, 2.0)))
    return VirtualCase(
        seed=seed,
        planned=planned,
        of_the_day=virtual_pelvis(plan_frame, seed, state, origin_mm),
        plan_from_daily=RigidTransform.about_points(
            (plan_frame, isocenter_mm), (daily_frame, np.zeros(3)), rotation, _vector(rng, 6.0, 8.0)
        ),
        isocenter_mm=isocenter_mm,
        prostate_shift_mm=np.array(state.prostate_shift_mm),
    )


def planning_image(case: VirtualCase) -> Image:
    """The planning CT: patient on the scanner's couch, about 1.9 x 1.9 x 3 mm, with noise."""
    frame, size, spacing_mm = case.planned.frame, np.array(PLANNING_SIZE), np.array(PLANNING_SPACING_MM)
    corner_mm = -0.5 * (size - 1) * spacing_mm
    corner_mm[2] = round(case.planned.origin_mm[2]) + LOWEST_SLICE_MM
    grid = Grid(frame, corner_mm, spacing_mm, np.eye(3), PLANNING_SIZE)
    identity = RigidTransform.identity(frame, frame)
    couch = scanner_couch(frame, resting_place_mm(case.planned, case.isocenter_mm, identity))
    voxels = laid_on(render(case.planned, grid, identity), render(couch, grid, identity))
    noise = np.random.default_rng((case.seed, 21)).standard_normal(grid.shape, dtype=np.float32)
    for k in range(grid.size[2]):
        smooth = ndimage.gaussian_filter(noise[k], 0.6, mode="wrap")
        voxels[k] += np.float32(PLANNING_NOISE_HU / smooth.std()) * smooth
    return Image(np.clip(voxels, -1024.0, LARGEST_HU), grid, Modality.CT)


def daily_image(case: VirtualCase) -> Image:
    """The cone-beam CT of the day: its own frame, the linac's couch, 25 cm x 16 cm, with a cone-beam look."""
    frame, size, spacing_mm = case.plan_from_daily.from_frame, np.array(DAILY_SIZE), np.array(DAILY_SPACING_MM)
    grid = Grid(frame, -0.5 * (size - 1) * spacing_mm, spacing_mm, np.eye(3), DAILY_SIZE)
    top_mm = resting_place_mm(case.of_the_day, case.isocenter_mm, case.plan_from_daily.inverse())
    couch = linac_couch(frame, top_mm)
    patient = render(case.of_the_day, grid, case.plan_from_daily, DAILY_BLUR_MM)
    voxels = laid_on(patient, render(couch, grid, RigidTransform.identity(frame, frame), DAILY_BLUR_MM))
    return Image(cone_beam_look(voxels, grid, np.random.default_rng((case.seed, 22))), grid, Modality.CBCT)


def planned_structures(case: VirtualCase, image: Image) -> StructureSet:
    """Contours on every slice of the planning CT, and the three markers as points."""
    planes_mm = [float(image.grid.points((0, 0, k))[2]) for k in range(image.grid.size[2])]
    drawn = [
        Structure(number, name, role, organ_contours(case.planned, organ, planes_mm, margin_mm, step_mm), color)
        for number, (name, organ, role, margin_mm, step_mm, color) in enumerate(STRUCTURES, start=1)
    ]
    markers = [
        Structure(number, name, StructureRole.MARKER, (_point(case.planned.landmarks_mm[name]),), (255, 255, 0))
        for number, name in enumerate(MARKERS, start=len(drawn) + 1)
    ]
    return StructureSet(
        uid=case_uid(case.seed, "structure set"),
        label="Virtual pelvis",
        frame=case.planned.frame,
        structures=(*drawn, *markers),
        patient_id=case.patient_id,
        image_series_uid=image.provenance.series_uid,
        image_instance_uids=image.provenance.instance_uids,
    )


def with_provenance(image: Image, provenance: Provenance) -> Image:
    """The same image with its origin written on it."""
    return replace(image, provenance=replace(provenance, patient_position=PatientPosition.HFS))


def _state_of_the_day(rng: np.random.Generator) -> PelvisState:
    """Emptier bladder, other rectum, gas and bowel, and a prostate that has moved a little."""
    x, y, z = _vector(rng, 0.5, 1.6)
    return PelvisState(
        bladder_ml=float(rng.uniform(150.0, 190.0)),
        rectum_width=float(rng.uniform(0.94, 1.08)),
        gas_width=float(rng.uniform(0.6, 1.15)),
        gas_shift_mm=(0.0, 0.0, float(rng.uniform(-10.0, 12.0))),
        prostate_shift_mm=(float(x), float(y), float(z)),
        bowel_seed=1,
    )


def _vector(rng: np.random.Generator, shortest: float, longest: float) -> Float64Array:
    """A vector (3,) of random direction and length."""
    direction = rng.standard_normal(3)
    return np.asarray(rng.uniform(shortest, longest) * direction / np.linalg.norm(direction))


def _point(place_mm: tuple[float, float, float]) -> Contour:
    """A point as a contour, to 0.01 mm."""
    return Contour(np.round([place_mm], 2), ContourKind.POINT)
