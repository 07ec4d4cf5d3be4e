"""The planning CT of a virtual patient: on the scanner's couch, as planned, with noise."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from openigrt.errors import MissingInput
from openigrt.geometry import Float64Array, Grid, RigidTransform
from openigrt.images import Image, Modality, Provenance
from openigrt.virtual.imaging.couch import laid_on, lying_from_lps, resting_place_mm, scanner_couch
from openigrt.virtual.patients.breathing import MID_VENTILATION, HeldBreath
from openigrt.virtual.patients.patient import VirtualPatient
from openigrt.virtual.tissue.anatomy import Anatomy
from openigrt.virtual.tissue.rendering import render

LARGEST_HU = 3071.0
NOISE_HU = 11.0
DEPTHS = 5  # of a breath, as of a 4D-CT of ten phases
NOISE_WIDTH_VOXELS = 0.6
FEELER_MM, FARTHEST_MM = 8.0, 400.0


@dataclass(frozen=True, slots=True)
class PlanningScan:
    """How a planning CT is taken: voxels, and how far its lowest slice lies above the anatomy's origin, mm.

    `axis_mm` is where the axis of the scanner lies (x, y of the plan's frame); None: in the middle of the body.
    """

    size: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    lowest_slice_mm: float
    axis_mm: tuple[float, float] | None = None


PLANNING_SCANS = {
    "pelvis": PlanningScan((256, 256, 102), (1.9, 1.9, 3.0), -94.0),
    "thorax": PlanningScan((256, 256, 108), (2.0, 2.0, 3.0), -121.0),
    "abdomen": PlanningScan((256, 256, 108), (2.0, 2.0, 3.0), -290.0),
    "head_neck": PlanningScan((256, 256, 150), (1.2, 1.2, 2.0), -200.0),
    "brain": PlanningScan((240, 256, 114), (1.0, 1.0, 2.0), -48.0),
}
SLICES_ELSEWHERE = 110


def planning_scan(patient: VirtualPatient) -> PlanningScan:
    """How a patient is scanned: by his site, or 2 x 2 x 3 mm round the isocenter where that is none of ours."""
    lowest_mm = float(patient.isocenter_mm[2] - patient.anatomy.origin_mm[2]) - 1.5 * SLICES_ELSEWHERE
    elsewhere = PlanningScan((256, 256, SLICES_ELSEWHERE), (2.0, 2.0, 3.0), lowest_mm)
    return PLANNING_SCANS.get(patient.site, elsewhere)


def planning_image(patient: VirtualPatient, rng: np.random.Generator, scan: PlanningScan | None = None) -> Image:
    """The planning CT in the frame of the plan: HU as planned, on the scanner's couch, with the noise of `rng`.

    At mid-ventilation it is the average over a breath of his 4D-CT, as blurred as a cone beam will see him: that tells
    the mean place, where a sharp image draws a match toward exhale. `scan` None takes that of the site. Raises
    MissingInput for a scan that misses the body.
    """
    scan = scan or planning_scan(patient)
    anatomy, frame = patient.at(patient.planned), patient.anatomy.frame
    grid = _grid(anatomy, scan)
    identity, lying = RigidTransform.identity(frame, frame), lying_from_lps(patient.position, frame)
    top_mm = resting_place_mm(anatomy, patient.isocenter_mm, lying)
    top_mm[0] = lying.points(grid.center_mm)[0]
    couch = scanner_couch(frame, top_mm)
    voxels = laid_on(_tissue(patient, grid, identity), render(couch, grid, lying))
    noise = rng.standard_normal(grid.shape, dtype=np.float32)
    for k in range(grid.size[2]):
        smooth = ndimage.gaussian_filter(noise[k], NOISE_WIDTH_VOXELS, mode="wrap")
        voxels[k] += np.float32(NOISE_HU / smooth.std()) * smooth
    provenance = Provenance(patient_position=patient.position)
    return Image(np.clip(voxels, -1024.0, LARGEST_HU), grid, Modality.CT, provenance)


def _tissue(patient: VirtualPatient, grid: Grid, identity: RigidTransform) -> NDArray[np.float32]:
    """HU [k, j, i] of the patient as planned; at mid-ventilation the mean over the depths of a usual breath.

    The way in and the way out differ in flow alone, whose mean is nothing.
    """
    if patient.planned.breathing != MID_VENTILATION or not patient.breathing_organs:
        return render(patient.at(patient.planned), grid, identity)
    total = np.zeros(grid.shape, dtype=np.float32)
    for phase in (np.arange(DEPTHS) + 0.5) / (2 * DEPTHS):
        held = replace(patient.planned, breathing=HeldBreath(float(np.sin(np.pi * phase) ** 4)))
        total += render(patient.at(held), grid, identity)
    return total / np.float32(DEPTHS)


def _grid(anatomy: Anatomy, scan: PlanningScan) -> Grid:
    """The lattice of a scan about its axis."""
    size, spacing_mm = np.array(scan.size), np.array(scan.spacing_mm)
    corner_mm = -0.5 * (size - 1) * spacing_mm
    corner_mm[2] = round(float(anatomy.origin_mm[2])) + scan.lowest_slice_mm
    levels_mm = corner_mm[2] + spacing_mm[2] * np.linspace(0.0, size[2] - 1.0, 12)
    corner_mm[:2] += scan.axis_mm if scan.axis_mm is not None else _middle_of_body_mm(anatomy, levels_mm)
    return Grid(anatomy.frame, corner_mm, spacing_mm, np.eye(3), scan.size)


def _middle_of_body_mm(anatomy: Anatomy, levels_mm: Float64Array) -> Float64Array:
    """Middle (x, y) of the box round the body at some levels, to a millimetre."""
    axes = [np.arange(-FARTHEST_MM, FARTHEST_MM + 1.0, FEELER_MM) + anatomy.origin_mm[n] for n in range(2)]
    points = np.stack(np.meshgrid(*axes, levels_mm, indexing="ij"), axis=-1)
    inside = points[anatomy.signed_distance_mm("BODY", points) < 0.0]
    if len(inside) == 0:
        raise MissingInput(
            f"The scan from {levels_mm[0]:.0f} to {levels_mm[-1]:.0f} mm misses the body; choose other slices."
        )
    return np.asarray(np.rint(0.5 * (inside[:, :2].min(axis=0) + inside[:, :2].max(axis=0))))
