"""The quick image of a day: the anatomy of the moment with a cone-beam look, without projections."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from openigrt.geometry import Float64Array, Frame, Grid, RigidTransform
from openigrt.images import Image, Modality, Provenance
from openigrt.virtual.imaging.cbct import CLINICAL_LOOK, ConeBeamLook, cone_beam_look
from openigrt.virtual.imaging.couch import laid_on, linac_couch, lying_from_lps, resting_place_mm
from openigrt.virtual.patients.breathing import BreathingPattern
from openigrt.virtual.patients.patient import Day, VirtualPatient
from openigrt.virtual.tissue.rendering import render

BLUR_MM = 0.8
PHASES = 5


@dataclass(frozen=True, slots=True)
class ImagingField:
    """Voxels of an image of the day about the imager's isocenter, and the cylinder of it that is seen."""

    size: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    diameter_mm: float
    length_mm: float


# Full fan, as for a head or a prostate; and half fan, for the trunk.
SMALL_FIELD = ImagingField((208, 208, 80), (1.25, 1.25, 2.0), 250.0, 160.0)
WIDE_FIELD = ImagingField((220, 180, 64), (2.0, 2.0, 2.5), 440.0, 160.0)
PELVIS_FIELD = ImagingField((272, 208, 72), (1.25, 1.25, 2.0), 340.0, 144.0)
IMAGING_FIELDS = {"pelvis": PELVIS_FIELD, "brain": SMALL_FIELD, "head_neck": SMALL_FIELD}


def imaging_field(patient: VirtualPatient) -> ImagingField:
    """How a site is imaged at the linac: heads with the small field, markers finely, all else with the wide one."""
    return IMAGING_FIELDS.get(patient.site, WIDE_FIELD)


def true_plan_from_daily(
    patient: VirtualPatient,
    daily: Frame,
    fixed_from_plan: RigidTransform,
    imager_offset_mm: ArrayLike = (0.0, 0.0, 0.0),
) -> RigidTransform:
    """The truth of an image whose origin is the isocenter as the imager believes it, in room axes at couch zero.

    `fixed_from_plan` says where the patient lies in the room, `imager_offset_mm` (x, y, z of the room) where the point
    truly lies that the imager takes for the isocenter.
    """
    rotation = patient.position.table_top_from_lps()
    ends = (Frame.FIXED, imager_offset_mm), (daily, np.zeros(3))
    return fixed_from_plan.inverse() @ RigidTransform.about_points(*ends, rotation, np.zeros(3))


def quick_daily_image(
    patient: VirtualPatient,
    day: Day,
    fixed_from_plan: RigidTransform,
    time_s: float,
    rng: np.random.Generator,
    *,
    daily: Frame,
    imager_offset_mm: ArrayLike = (0.0, 0.0, 0.0),
    field: ImagingField | None = None,
    look: ConeBeamLook = CLINICAL_LOOK,
) -> Image:
    """HU as a cone-beam CT shows them, in the frame `daily`; its truth is `true_plan_from_daily` of the same arguments.

    A cone beam takes a minute, so a patient who breathes is shown as the mean of moments all through the breath that
    follows `time_s`; all else stands as it is then. The linac's couch lies under the patient. The noise is that of
    `rng`; `field` None is that of the site, and `look` takes its size.
    """
    field = field or imaging_field(patient)
    plan_from_daily = true_plan_from_daily(patient, daily, fixed_from_plan, imager_offset_mm)
    size, spacing_mm = np.array(field.size), np.array(field.spacing_mm)
    grid = Grid(daily, -0.5 * (size - 1) * spacing_mm, spacing_mm, np.eye(3), field.size)
    lying = lying_from_lps(patient.position, daily)
    top_mm = resting_place_mm(patient.at(day, time_s), patient.isocenter_mm, lying @ plan_from_daily.inverse())
    couch = render(linac_couch(daily, top_mm), grid, lying, BLUR_MM)
    voxels = laid_on(_mean_over_a_breath(patient, day, time_s, grid, plan_from_daily), couch)
    seen = replace(look, field_diameter_mm=field.diameter_mm, field_length_mm=field.length_mm)
    provenance = Provenance(patient_position=patient.position)
    return Image(cone_beam_look(voxels, grid, rng, seen), grid, Modality.CBCT, provenance)


def quick_moments_s(patient: VirtualPatient, day: Day, time_s: float) -> Float64Array:
    """The moments (n,) that a quick image at a time is the mean of: all through one breath, or that time alone."""
    if not isinstance(day.breathing, BreathingPattern) or not patient.breathing_organs:
        return np.array([time_s])
    return np.asarray(time_s + day.breathing.period_s * (np.arange(PHASES) + 0.5) / PHASES)


def _mean_over_a_breath(
    patient: VirtualPatient, day: Day, time_s: float, grid: Grid, plan_from_daily: RigidTransform
) -> NDArray[np.float32]:
    """HU of the moment, or of moments evenly through one breath."""
    moments_s = quick_moments_s(patient, day, time_s)
    total = np.zeros(grid.shape, dtype=np.float32)
    for moment_s in moments_s:
        total += render(patient.at(day, float(moment_s)), grid, plan_from_daily, BLUR_MM)
    return total / np.float32(len(moments_s))
