"""The structures of a virtual patient, drawn on the slices of a planning CT."""

from dataclasses import replace

import numpy as np

from openigrt.errors import MissingInput
from openigrt.images import Image
from openigrt.patient import Contour, ContourKind, Structure, StructureRole, StructureSet
from openigrt.virtual.patients.patient import VirtualPatient
from openigrt.virtual.planning.identity import identity_of
from openigrt.virtual.tissue.outlines import organ_contours

MARKER_COLOR = (255, 255, 0)


def planned_structures(patient: VirtualPatient, image: Image) -> StructureSet:
    """What the patient's site has drawn, on every slice of `image` (in the plan's frame), and the markers as points.

    What no slice shows is left out.
    """
    anatomy, identity = patient.at(patient.planned), identity_of(patient)
    unbreathed = patient.at(replace(patient.planned, breathing=None))  # an ITV holds the whole way: it does not breathe
    planes_mm = [float(image.grid.points((0, 0, k))[2]) for k in range(image.grid.size[2])]
    drawn: list[Structure] = []
    for asked in patient.structures:
        shown = unbreathed if asked.organ == StructureRole.ITV else anatomy
        contours = organ_contours(shown, asked.organ, planes_mm, asked.margin_mm, asked.step_mm)
        if contours:
            drawn.append(Structure(len(drawn) + 1, asked.name, asked.role, contours, asked.color))
    for name in patient.markers:
        point = Contour(np.round([anatomy.landmark_mm(name)], 2), ContourKind.POINT)
        drawn.append(Structure(len(drawn) + 1, name, StructureRole.MARKER, (point,), MARKER_COLOR))
    return StructureSet(
        uid=identity.uid("structure set"),
        label=identity.label,
        frame=anatomy.frame,
        structures=tuple(drawn),
        patient_id=identity.patient_id,
        image_series_uid=image.provenance.series_uid,
        image_instance_uids=image.provenance.instance_uids,
    )


def structures_of(structure_set: StructureSet, role: StructureRole) -> tuple[Structure, ...]:
    """All structures of a role; raises MissingInput where there is none."""
    found = tuple(s for s in structure_set.structures if s.role is role)
    if not found:
        raise MissingInput(f"Structure set {structure_set.label!r} has no structure of role {role}; draw one.")
    return found
