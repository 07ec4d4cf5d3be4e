"""What is drawn over a radiograph: the opening of the beam, and the shadows of structures."""

from collections.abc import Iterator, Sequence

import numpy as np

from openigrt.errors import MissingInput, OpenIgrtError
from openigrt.geometry import Frame, Grid, Trajectory
from openigrt.images import Image, Projection
from openigrt.patient import (
    Between,
    ContourKind,
    Filling,
    Structure,
    StructureSet,
    beams_eye_view,
    occupancy_from_structure,
    outline_in_room_mm,
)
from openigrt.report import RadiographOutline, outline_color, shadow_edges
from openigrt.tasks.radiographs.views import View
from openigrt.xray import Projector

APERTURE = "opening"
APERTURE_COLOR = (120, 200, 255)
DARKEST_OUTLINE = 160.0  # bone is bright: what a CT picture shows well is lost there
EDGE_IN_VOXELS = 3.0
AROUND_MM = 8.0
VOXELS_ACROSS = 200.0
FINEST_MM, COARSEST_MM = 0.75, 3.0
SMOOTH = Filling(between=Between.SHAPES)


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
        """Fill them finely, along the axes of the image; raises as `occupancy_from_structure` does."""
        self._filled = [
            (structure, occupancy_from_structure(structure, image.frame, _fine_grid(structure, image.grid), SMOOTH))
            for structure in structures
        ]

    def on(self, projection: Projection, patient: Frame) -> Iterator[RadiographOutline]:
        """The edge of each shadow on the detector of a projection."""
        trajectory = Trajectory.of([projection.patient_geometry(patient)])
        for number, (structure, occupancy) in enumerate(self._filled):
            lengths_mm = Projector(occupancy.part, trajectory).forward(occupancy.fractions)[0]
            # Voxels blur an edge: at that of a ball a ray has gone through some three of them.
            edge_mm = min(EDGE_IN_VOXELS * float(occupancy.grid.spacing_mm[0]), 0.5 * float(lengths_mm.max()))
            color = outline_color(structure, number, DARKEST_OUTLINE)
            yield RadiographOutline(structure.name, color, shadow_edges(lengths_mm, edge_mm))


def _fine_grid(structure: Structure, grid: Grid) -> Grid:
    """A grid along the axes of another one, about a structure, of voxels that show its shape."""
    points = [c.points_mm for c in structure.contours if c.kind is ContourKind.CLOSED_PLANAR]
    if not points:
        raise MissingInput(f"Structure {structure.name!r} has no closed contours, so no shadow; leave it out.")
    along = np.vstack(points) @ grid.direction
    low, high = along.min(axis=0) - AROUND_MM, along.max(axis=0) + AROUND_MM
    step_mm = float(np.clip((high - low).max() / VOXELS_ACROSS, FINEST_MM, COARSEST_MM))
    columns, rows, slices = (int(n) for n in np.ceil((high - low) / step_mm) + 1)
    return Grid(grid.frame, grid.direction @ low, np.full(3, step_mm), grid.direction, (columns, rows, slices))


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
