"""What is drawn over a radiograph: the opening of the beam, and the shadows of structures."""

from collections.abc import Iterator, Sequence

import numpy as np

from openigrt.errors import MissingInput, OpenIgrtError
from openigrt.geometry import Frame, Trajectory
from openigrt.images import Image, Projection
from openigrt.patient import (
    Occupancy,
    Structure,
    StructureSet,
    beams_eye_view,
    occupancy_from_structure,
    outline_in_room_mm,
)
from openigrt.report import RadiographOutline, shadow_edges
from openigrt.tasks.radiographs.views import View
from openigrt.xray import Projector

APERTURE = "opening"
APERTURE_COLOR = (120, 200, 255)
COLORS = ((0, 190, 140), (240, 228, 66), (230, 159, 0), (204, 121, 167), (213, 110, 40), (86, 180, 233))
EDGE_IN_VOXELS = 0.5
DARKEST_COLOR = 80.0


def chosen_structures(structure_set: StructureSet | None, names: Sequence[str]) -> tuple[Structure, ...]:
    """The structures of these names, whatever their case; raises MissingInput, with those that there are."""
    there = () if structure_set is None else structure_set.structures
    found = []
    for name in names:
        exact = [s for s in there if s.name == name] or [s for s in there if s.name.casefold() == name.casefold()]
        if not exact:
            known = ", ".join(s.name for s in there) or "none"
            raise MissingInput(f"There is no structure {name!r} to draw; there are: {known}.", found=name)
        found.append(exact[0])
    return tuple(found)


class Shadows:
    """Structures that throw a shadow on detectors, each filled once."""

    def __init__(self, structures: Sequence[Structure], image: Image) -> None:
        """Fill them on the grid of the image; raises as `occupancy_from_structure` does."""
        self._filled: list[tuple[Structure, Occupancy]] = [
            (structure, occupancy_from_structure(structure, image.frame, image.grid)) for structure in structures
        ]

    def on(self, projection: Projection, patient: Frame) -> Iterator[RadiographOutline]:
        """The edge of each shadow on the detector of a projection."""
        trajectory = Trajectory.of([projection.patient_geometry(patient)])
        for number, (structure, occupancy) in enumerate(self._filled):
            lengths_mm = Projector(occupancy.part, trajectory).forward(occupancy.fractions)[0]
            edge_mm = EDGE_IN_VOXELS * float(occupancy.grid.spacing_mm.min())
            yield RadiographOutline(structure.name, _color(structure, number), shadow_edges(lengths_mm, edge_mm))


def _color(structure: Structure, number: int) -> tuple[int, int, int]:
    """The color of the plan where it shows on black, else one of a color-blind-safe palette."""
    own = structure.color
    is_bright = own is not None and float(np.array(own) @ np.array([0.2126, 0.7152, 0.0722])) >= DARKEST_COLOR
    return own if own is not None and is_bright else COLORS[number % len(COLORS)]


def opening_of(view: View, projection: Projection) -> tuple[tuple[RadiographOutline, ...], tuple[str, ...]]:
    """The opening of the beam of a view on the detector, and what there is to say about it."""
    if view.beam is None or view.point is None:
        return (), ()
    try:
        seen = beams_eye_view(view.beam, view.point)
    except OpenIgrtError as error:
        return (), (f"No opening drawn: {error.sentence}",)
    said = tuple(f"Left out of the opening of {view.label}: {what}." for what in seen.left_out)
    lines = []
    for part in seen.opening.parts:
        for ring in (part.outline_mm, *part.holes_mm):
            closed = np.vstack([ring, ring[:1]])
            lines.append(projection.geometry.pixels(outline_in_room_mm(closed, view.point)))
    return (RadiographOutline(APERTURE, APERTURE_COLOR, tuple(lines)),), said
