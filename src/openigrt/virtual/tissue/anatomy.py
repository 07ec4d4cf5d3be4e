"""An anatomy: organs as one continuous description, from which voxels, contours and landmarks are made."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from openigrt.errors import InvalidGeometry, MissingInput
from openigrt.geometry import Float64Array, Frame, frozen_array
from openigrt.virtual.tissue._kernels_cpu import organ_distances
from openigrt.virtual.tissue.backdrop import AIR, Backdrop
from openigrt.virtual.tissue.deformation import AT_REST, Deformation
from openigrt.virtual.tissue.primitive_table import SHAPE_PARAMETERS, Operation, PrimitiveTable
from openigrt.virtual.tissue.solids import Solid, SolidRows

BODY_MM = 600.0
SAMPLES_ALONG = 17


@dataclass(frozen=True, slots=True)
class Layer:
    """What an organ is made of from `depth_mm` below its surface inward (negative: outside it).

    `hu` with texture: amplitudes of the coarse and fine noise (one standard deviation) and of thin septa, HU.
    """

    depth_mm: float
    hu: float
    coarse_hu: float = 0.0
    fine_hu: float = 0.0
    septa_hu: float = 0.0


@dataclass(frozen=True, eq=False)
class Part:
    """A solid that is joined to, carved out of, or clips what the parts before it have built, with a smooth blend."""

    solid: Solid
    operation: Operation = Operation.UNION
    blend_mm: float = 0.0


@dataclass(frozen=True, eq=False)
class Organ:
    """Parts in order, and layers from the outside in; a speck is smaller than a voxel, and shown by its volume.

    A speck is of one layer, in front of all else.
    """

    name: str
    parts: tuple[Part, ...]
    layers: tuple[Layer, ...]
    is_speck: bool = False


@dataclass(frozen=True, eq=False)
class Anatomy:
    """Organs in one frame (LPS, mm), later ones in front of earlier ones; behind all is the backdrop: air, or a scan.

    Solids are written in the anatomy's own axes, whose origin lies at `origin_mm` of `frame`; `landmarks_mm` are in
    `frame`, at rest. `texture_seed` chooses the texture. `deformation` is how all of it has moved since it was at rest.
    What is outlined in the backdrop is an organ, too, by its name.
    """

    frame: Frame
    organs: tuple[Organ, ...]
    origin_mm: Float64Array = field(default_factory=lambda: np.zeros(3))
    landmarks_mm: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)
    texture_seed: int = 0
    deformation: Deformation = AT_REST
    backdrop: Backdrop = AIR

    def __post_init__(self) -> None:
        """Copy and freeze."""
        object.__setattr__(self, "origin_mm", frozen_array(self.origin_mm, (3,)))

    @cached_property
    def table(self) -> PrimitiveTable:
        """The anatomy as the kernels read it, front organ first."""
        return _compiled_table(self.organs[::-1], self.texture_seed)

    @property
    def specks(self) -> tuple[Organ, ...]:
        """Organs that a voxel may miss."""
        return tuple(organ for organ in self.organs if organ.is_speck)

    @cached_property
    def table_without_specks(self) -> PrimitiveTable:
        """The same for all organs that voxels do not miss."""
        seen = tuple(organ for organ in self.organs if not organ.is_speck)
        return self.table if len(seen) == len(self.organs) else _compiled_table(seen[::-1], self.texture_seed)

    def signed_distance_mm(self, organ: str, points_mm: ArrayLike) -> Float64Array:
        """Signed distance (...), to first order and negative inside, of points (..., 3) of `frame` to an organ.

        Raises MissingInput for an organ that is not there.
        """
        row = self._row_of(organ)
        points = np.asarray(points_mm, dtype=np.float64)
        flat = self.deformation.rest_mm(points.reshape(-1, 3) - self.origin_mm)
        if row is None:
            return self.backdrop.outlines[organ].signed_distance_mm(flat).reshape(points.shape[:-1])
        distances = np.empty(len(flat))
        organ_distances(self.table, row, flat, distances)
        return distances.reshape(points.shape[:-1])

    def bounds_mm(self, organ: str) -> Float64Array:
        """Box (2, 3) in mm of `frame`, low and high corner, that holds an organ; raises MissingInput as above."""
        row = self._row_of(organ)
        bounds: Float64Array = (
            self.backdrop.outlines[organ].bounds_mm if row is None else self.table.organ_bounds[row].reshape(2, 3)
        )
        if self.deformation.moves:
            bounds = bounds + np.array([[-1.0], [1.0]]) * _farthest_mm(self.deformation, bounds)
        return bounds + self.origin_mm

    def _row_of(self, organ: str) -> int | None:
        """Where an organ stands in the table; None for one of the backdrop."""
        names = [o.name for o in self.organs[::-1]]
        if organ in names:
            return names.index(organ)
        if organ in self.backdrop.outlines:
            return None
        known = ", ".join((*names, *self.backdrop.outlines))
        raise MissingInput(f"The anatomy has no organ {organ!r}; it has {known}.", organ=organ)

    def deformed(self, deformation: Deformation) -> "Anatomy":
        """The same tissue, moved otherwise since it was at rest."""
        moved = replace(self, deformation=deformation)
        for name in ("table", "table_without_specks"):  # of tissue at rest, and not cheap
            moved.__dict__[name] = getattr(self, name)
        return moved

    def relayered(self, layers_of: Callable[[Organ], tuple[Layer, ...]], backdrop: Backdrop) -> "Anatomy":
        """The same solids, where they are, with other layers at the same depths and another backdrop.

        So signal or uptake takes the place of HU. Raises InvalidGeometry for layers at other depths: what is near is
        found by them.
        """
        organs = tuple(replace(organ, layers=layers_of(organ)) for organ in self.organs)
        for old, new in zip(self.organs, organs, strict=True):
            if [layer.depth_mm for layer in old.layers] != [layer.depth_mm for layer in new.layers]:
                raise InvalidGeometry(f"Organ {old.name} would get layers at other depths; keep those that it has.")
        made = replace(self, organs=organs, backdrop=backdrop)
        made.__dict__["table"] = self.table._replace(**_layer_columns(organs[::-1]))
        return made

    def landmark_mm(self, name: str) -> Float64Array:
        """Where a landmark (3,) of `frame` is now."""
        return self.moved_mm(self.landmarks_mm[name])

    def moved_mm(self, points_mm: ArrayLike) -> Float64Array:
        """Where the tissue that lies at points (..., 3) of `frame` at rest is now."""
        return self.deformation.moved_mm(np.asarray(points_mm) - self.origin_mm) + self.origin_mm

    def rest_mm(self, points_mm: ArrayLike) -> Float64Array:
        """Where the tissue that is now at points (..., 3) of `frame` lies at rest."""
        return self.deformation.rest_mm(np.asarray(points_mm) - self.origin_mm) + self.origin_mm


def _farthest_mm(deformation: Deformation, box: Float64Array) -> float:
    """How far tissue of a box (2, 3) moves, sampled, with one millimetre more."""
    axes = [np.linspace(low, high, SAMPLES_ALONG) for low, high in np.clip(box, -BODY_MM, BODY_MM).T]
    points = np.stack(np.meshgrid(*axes), axis=-1)
    return float(np.linalg.norm(deformation.moved_mm(points) - points, axis=-1).max()) + 1.0


def _compiled_table(organs: Sequence[Organ], texture_seed: int) -> PrimitiveTable:
    """The table of organs that are given front to back."""
    rows = [[part.solid.rows() for part in organ.parts] for organ in organs]
    permutation, gradients = _lattice(texture_seed)
    return PrimitiveTable(
        organ_bounds=np.array([_organ_bounds(organ, r) for organ, r in zip(organs, rows, strict=True)]).reshape(-1, 6),
        solids_of_organ=_starts([sum(len(r.parameters) for r in of_organ) for of_organ in rows]),
        layers_of_organ=_starts([len(organ.layers) for organ in organs]),
        **_layer_columns(organs),
        solid_parameters=_parameters(organs, rows),
        solid_bounds=np.vstack([np.zeros((0, 6)), *(r.bounds_mm for of_organ in rows for r in of_organ)]),
        numbers=np.concatenate([np.zeros(0), *(r.numbers for of_organ in rows for r in of_organ)]),
        permutation=permutation,
        gradients=gradients,
    )


def _layer_columns(organs: Sequence[Organ]) -> dict[str, NDArray[Any]]:
    """What the table says of layers alone."""
    textures = [[astuple(layer)[2:] for layer in organ.layers] for organ in organs]
    return {
        "is_textured": np.array([np.any(texture) for texture in textures], dtype=np.bool_),
        "layers": np.array([astuple(layer) for organ in organs for layer in organ.layers], np.float64).reshape(-1, 5),
    }


def _parameters(organs: Sequence[Organ], rows: Sequence[Sequence[SolidRows]]) -> Float64Array:
    """All rows of the table; those that refer to numbers count from the first number of all."""
    blocks: list[Float64Array] = []
    numbers_before = 0
    for o, (organ, of_organ) in enumerate(zip(organs, rows, strict=True)):
        for n, (part, r) in enumerate(zip(organ.parts, of_organ, strict=True)):
            if part.operation is Operation.INTERSECT and len(r.parameters) > 1:
                raise InvalidGeometry(f"A tube clips organ {organ.name}; only a solid of one row may.")
            block = np.empty((len(r.parameters), SHAPE_PARAMETERS + 6))
            block[:, :SHAPE_PARAMETERS] = r.parameters
            block[:, SHAPE_PARAMETERS:] = (r.kind, part.operation, part.blend_mm, len(blocks), o, _margin_mm(organ, n))
            if len(r.numbers):
                block[:, 0] += numbers_before
            numbers_before += len(r.numbers)
            blocks.append(block)
    return np.vstack([np.zeros((0, SHAPE_PARAMETERS + 6)), *blocks])


def _margin_mm(organ: Organ, n: int) -> float:
    """How far outside its own surface part n matters: blends from here on, outer layers, layers that line a hole.

    Two blends one after the other: what is too far off to change the surface may change a part that does.
    """
    depths = [layer.depth_mm for layer in organ.layers]
    inward_mm = max(0.0, *depths) if organ.parts[n].operation is Operation.SUBTRACT else 0.0
    return sum(sorted(part.blend_mm for part in organ.parts[n:])[-2:]) + max(0.0, -depths[0]) + inward_mm


def _starts(counts: Sequence[int]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Where each of several runs begins, and where the last ends."""
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


def _organ_bounds(organ: Organ, rows: Sequence[SolidRows]) -> Float64Array:
    """Box (6,) round an organ and its layers: of what is joined, clipped by what clips."""
    low, high = np.full(3, np.inf), np.full(3, -np.inf)
    for n, (part, r) in enumerate(zip(organ.parts, rows, strict=True)):
        margin_mm = _margin_mm(organ, n)
        part_low, part_high = r.bounds_mm[:, :3].min(axis=0) - margin_mm, r.bounds_mm[:, 3:].max(axis=0) + margin_mm
        if part.operation is Operation.UNION:
            low, high = np.minimum(low, part_low), np.maximum(high, part_high)
        elif part.operation is Operation.INTERSECT:
            low, high = np.maximum(low, part_low), np.minimum(high, part_high)
    return np.concatenate([low, high])


def _lattice(
    seed: int,
) -> tuple[np.ndarray[tuple[int], np.dtype[np.int64]], Float64Array]:
    """Permutation (512) and unit gradients (256, 3) of the lattice noise."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(256).astype(np.int64)
    gradients = rng.standard_normal((256, 3))
    return np.concatenate([order, order]), gradients / np.linalg.norm(gradients, axis=1, keepdims=True)
