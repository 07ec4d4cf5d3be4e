"""What makes guidance go wrong, to be switched on: contrast at planning alone, metal in a hip, a level too high."""

from dataclasses import replace

import numpy as np

from openigrt.errors import InputError, MissingInput
from openigrt.geometry import fixed_from_lps
from openigrt.virtual.patients.patient import Day, VirtualPatient
from openigrt.virtual.tissue.anatomy import Layer, Organ, Part
from openigrt.virtual.tissue.primitive_table import Operation
from openigrt.virtual.tissue.solids import HalfSpace, Superellipsoid, spline_tube

# What iodine adds about 70 s after the injection, HU (Bae, Radiology 256, 2010: arteries, veins and liver of the portal
# phase), by the beginning of an organ's name.
ADDED_HU = {
    "AORTA": 110.0,
    "CAVA": 100.0,
    "PORTAL_VEIN": 125.0,
    "LIVER_VESSELS": 115.0,
    "LIVER": 50.0,
    "SPLEEN": 75.0,
    "KIDNEY_L": 150.0,
    "KIDNEY_R": 150.0,
    "PANCREAS": 60.0,
    "HEART_MUSCLE": 55.0,
    "VENTRICLE": 110.0,
    "ATRIUM": 110.0,
    "PULMONARY_ARTERIES": 105.0,
    "LUNG_VESSELS": 60.0,
    "ARTERIES": 110.0,
    "VEINS": 100.0,
    "EXTERNAL_ILIAC": 105.0,
    "INTERNAL_ILIAC": 105.0,
    "CAROTID": 170.0,
    "SUBCLAVIAN": 170.0,
    "JUGULAR": 145.0,
}
BLADDER_CONTRAST_HU = 180.0
METAL = (Layer(0.0, 3000.0),)  # where 12 bits of a CT end
BALL_MM, LINER_MM, CUP_MM = 16.0, 21.0, 26.0
STEM_MM = np.array([(121.0, 14.0, -48.0), (118.0, 8.0, -100.0), (113.0, -1.0, -175.0)])
STEM_RADII_MM = (7.0, 9.0, 9.0, 7.0, 4.5)


def with_contrast(patient: VirtualPatient) -> VirtualPatient:
    """The patient with iodine in vessels and organs, and some in the bladder, on the planning image alone.

    Days stay without. Raises MissingInput for a patient who has nothing that takes it up.
    """
    organs = tuple(_enhanced(organ) for organ in _planned(patient) if _added_hu(organ.name) or organ.name == "BLADDER")
    if not organs:
        raise MissingInput(f"Nothing in the virtual {patient.site} takes up contrast; give another site.")
    others = tuple(o for o in patient.planned.organs if o.name not in {organ.name for organ in organs})
    return replace(patient, planned=replace(patient.planned, organs=(*others, *organs)))


def with_hip_prosthesis(patient: VirtualPatient, side: str) -> VirtualPatient:
    """The patient with a ball, a cup and a stem of metal in the hip of one side, L or R, at planning and on all days.

    Raises InputError for another side, MissingInput for a site without hips.
    """
    if side not in ("L", "R"):
        raise InputError(f"A hip is on the side L or R; asked for {side!r}.")
    if f"FEMORAL_HEAD_{side}" not in patient.anatomy.landmarks_mm:
        raise MissingInput(f"The virtual {patient.site} has no hip; give a pelvis.")
    sign = 1.0 if side == "L" else -1.0
    head_mm = np.subtract(patient.anatomy.landmarks_mm[f"FEMORAL_HEAD_{side}"], patient.anatomy.origin_mm)
    out = np.array([sign * 0.7, 0.1, -0.7])
    stem = np.vstack([head_mm, np.add(head_mm, (sign * 20.0, 4.0, -17.0)), STEM_MM * (sign, 1.0, 1.0)])
    cup = (
        Part(Superellipsoid(head_mm, (CUP_MM,) * 3)),
        Part(Superellipsoid(head_mm, (LINER_MM,) * 3), Operation.SUBTRACT),
        Part(HalfSpace(head_mm, out), Operation.INTERSECT),
    )
    ball = Part(Superellipsoid(head_mm, (BALL_MM,) * 3))
    metal = (
        Organ(f"HIP_CUP_{side}", cup, METAL),
        Organ(f"HIP_STEM_{side}", (ball, Part(spline_tube(stem, STEM_RADII_MM))), METAL),
    )
    return replace(patient, anatomy=replace(patient.anatomy, organs=(*patient.anatomy.organs, *metal)))


def at_wrong_level(patient: VirtualPatient, day: Day, levels: int) -> Day:
    """The day with the patient so many vertebrae off: one level, and the next vertebra below lies in the beam.

    The shift is the way between the middles of the vertebrae nearest to the isocenter, along the patient, whichever way
    he lies; it comes on top of the setup error of the day. Raises MissingInput for a patient without two vertebrae.
    """
    boxes = [patient.anatomy.bounds_mm(o.name) for o in patient.anatomy.organs if o.name.startswith("VERTEBRA_")]
    middles_mm = np.array([box.mean(axis=0) for box in boxes])
    if len(middles_mm) < 2:
        raise MissingInput(f"The virtual {patient.site} has no two vertebrae to be mistaken for one another.")
    middles_mm = middles_mm[np.argsort(middles_mm[:, 2])]
    nearest = int(np.argmin(np.abs(middles_mm[:, 2] - patient.isocenter_mm[2])))
    low = min(max(nearest - 1, 0), len(middles_mm) - 2)
    way_mm = float(levels * (middles_mm[low + 1, 2] - middles_mm[low, 2]))
    in_room = fixed_from_lps(patient.position, patient.anatomy.frame, patient.isocenter_mm).rotation @ (
        0.0,
        0.0,
        way_mm,
    )
    x, y, z = (float(a + b) for a, b in zip(day.setup.shift_mm, in_room, strict=True))
    return replace(day, setup=replace(day.setup, shift_mm=(x, y, z)))


def _planned(patient: VirtualPatient) -> tuple[Organ, ...]:
    """The organs of the planning image."""
    of_the_day = {organ.name: organ for organ in patient.planned.organs}
    return tuple(of_the_day.get(organ.name, organ) for organ in patient.anatomy.organs)


def _added_hu(name: str) -> float:
    """What contrast adds to an organ: by the longest beginning of its name that is listed."""
    known = [key for key in ADDED_HU if name == key or name.startswith(f"{key}_")]
    return ADDED_HU[max(known, key=len)] if known else 0.0


def _enhanced(organ: Organ) -> Organ:
    """An organ with contrast; in the bladder only the urine takes part."""
    if organ.name == "BLADDER":
        *wall, urine = organ.layers
        return replace(organ, layers=(*wall, replace(urine, hu=urine.hu + BLADDER_CONTRAST_HU)))
    added_hu = _added_hu(organ.name)
    return replace(organ, layers=tuple(replace(layer, hu=layer.hu + added_hu) for layer in organ.layers))
