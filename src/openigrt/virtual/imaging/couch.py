"""Two couch tops that differ, as they do between scanner and linac; each is an anatomy in the frame it stands in."""

import numpy as np
from numpy.typing import NDArray

from openigrt.errors import MissingInput
from openigrt.geometry import Float64Array, Frame, PatientPosition, RigidTransform
from openigrt.virtual.tissue.anatomy import Anatomy, Layer, Organ, Part
from openigrt.virtual.tissue.primitive_table import Operation
from openigrt.virtual.tissue.solids import Superellipsoid, Tube

SCANNER_TOP = (Layer(0.0, 260.0), Layer(2.4, -930.0))
LINAC_TOP = (Layer(0.0, 90.0), Layer(3.0, -960.0))
FAT_HU, AIR_HU = -100.0, -1000.0
HALF_LENGTH_MM = 1500.0
SINK_MM = 5.0


def scanner_couch(frame: Frame, top_mm: Float64Array) -> Anatomy:
    """A cradle, hollow toward the patient; its lowest line passes through the point `top_mm` (3,) of `frame`."""

    def cylinder(radius_mm: float) -> Tube:
        axis = np.array([[0.0, -620.0, -HALF_LENGTH_MM], [0.0, -620.0, HALF_LENGTH_MM]])
        return Tube(axis, np.array([radius_mm, radius_mm]))

    parts = (
        Part(cylinder(654.0)),
        Part(cylinder(620.0), Operation.SUBTRACT),
        Part(Superellipsoid((0, 0, 0), (214, 120, HALF_LENGTH_MM), exponents=(9.0, 2.0)), Operation.INTERSECT, 3.0),
    )
    return Anatomy(frame, (Organ("COUCH", parts, SCANNER_TOP),), top_mm)


def linac_couch(frame: Frame, top_mm: Float64Array) -> Anatomy:
    """A flat sandwich of carbon fibre and foam; its top passes through the point `top_mm` (3,) of `frame`."""
    solid = Superellipsoid((0, 26, 0), (262, 26, HALF_LENGTH_MM), exponents=(8.0, 2.0))
    return Anatomy(frame, (Organ("COUCH", (Part(solid),), LINAC_TOP),), top_mm)


def laid_on(patient: NDArray[np.float32], couch: NDArray[np.float32]) -> NDArray[np.float32]:
    """HU of both on one grid: the couch shows only where the patient leaves air (between fat and air: its share)."""
    air = np.clip((FAT_HU - patient) / (FAT_HU - AIR_HU), 0.0, 1.0)
    return np.asarray(patient + air * (couch - AIR_HU), dtype=np.float32)


def lying_from_lps(position: PatientPosition, frame: Frame) -> RigidTransform:
    """Patient axes of `frame` to those that a couch is made in: x across it, y down, z along it.

    They are LPS for a patient who lies head first and supine; the origin stays.
    """
    as_made = PatientPosition.HFS.table_top_from_lps()
    return RigidTransform(frame, frame, as_made.T @ position.table_top_from_lps(), np.zeros(3))


def lowest_skin_mm(anatomy: Anatomy, center_mm: Float64Array, lying_from_anatomy: RigidTransform) -> float:
    """How far down, in mm of the frame that the transform leads to, the skin below a point (3,) and round it reaches.

    It is searched within 100 mm to the sides and along the body, and 260 mm below the point. Raises MissingInput where
    there is no body.
    """
    x, y, z = np.meshgrid(np.arange(-90.0, 91.0, 6.0), np.arange(10.0, 261.0, 1.0), np.arange(-100.0, 101.0, 10.0))
    down = np.column_stack([x.ravel(), y.ravel(), z.ravel()])
    points = center_mm + down @ np.rint(lying_from_anatomy.rotation)
    inside = anatomy.signed_distance_mm("BODY", points) < 0.0
    if not inside.any():
        raise MissingInput("No part of the body lies below the isocenter, so no couch can be put under the patient.")
    return float(lying_from_anatomy.points(points[inside])[:, 1].max())


def resting_place_mm(anatomy: Anatomy, center_mm: Float64Array, lying_from_anatomy: RigidTransform) -> Float64Array:
    """Point (3,) of the couch top under the middle of a patient whose back is pressed a little flat."""
    middle_mm = np.array([*anatomy.bounds_mm("BODY")[:, :2].mean(axis=0), center_mm[2]])
    under_mm = lying_from_anatomy.points([middle_mm, center_mm])
    lowest_mm = lowest_skin_mm(anatomy, center_mm, lying_from_anatomy)
    return np.array([under_mm[0, 0], lowest_mm - SINK_MM, under_mm[1, 2]])
