"""How the tissue of a patient has moved since it was at rest: known at every point, forward and back."""

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from openigrt.errors import InvalidGeometry
from openigrt.geometry import Float64Array
from openigrt.virtual.tissue import move_table as column
from openigrt.virtual.tissue._kernels_deformation_cpu import moved_points
from openigrt.virtual.tissue.move_table import COLUMNS, MoveTable
from openigrt.virtual.tissue.moves import Gauge, GaugeRamp, Move

BODY_MM = 300.0
LEAST_JACOBIAN = 0.05
SAMPLES_ALONG = 15
DIFFERENCE_MM = 1.0e-3


@dataclass(frozen=True, eq=False)
class Stiffness:
    """Where a patient does not give way: `share` [k, j, i] is 1 in bone and 0 in soft tissue.

    Samples lie every `spacing_mm` from `origin_mm` (3,) on, in the anatomy's own axes; all is soft outside.
    """

    share: NDArray[np.float32]
    origin_mm: Float64Array
    spacing_mm: float


ALL_SOFT = Stiffness(np.zeros((2, 2, 2), np.float32), np.zeros(3), 1.0)


@dataclass(frozen=True, eq=False)
class Deformation:
    """Moves in the order in which they happen, in the anatomy's own axes (mm); those of soft tissue spare bone.

    A composition of maps that can each be taken back: there is tissue for every place, and a place for all tissue.
    Raises InvalidGeometry, when it is first used, where tissue would fold over itself. Moves of the skeleton come after
    those of soft tissue, as the stiffness is that at rest.
    """

    moves: tuple[Move, ...] = ()
    stiffness: Stiffness = ALL_SOFT

    @cached_property
    def table(self) -> MoveTable:
        """The moves as the kernels read them."""
        rows, gauges, first = [np.zeros((0, COLUMNS))], {}, 0
        for move in self.moves:
            of_move = _sound_rows(move, self.stiffness)
            gauge = _gauge(move)
            if gauge is not None:
                if gauge not in gauges:
                    gauges[gauge], first = first, first + gauge.samples.size
                of_move = of_move.copy()
                of_move[:, column.GAUGE_FIRST] = gauges[gauge]
            rows.append(of_move)
        return _table(np.vstack(rows), self.stiffness, tuple(gauges))

    def moved_mm(self, points_mm: ArrayLike) -> Float64Array:
        """Where the tissue that lies at points (..., 3) at rest has gone."""
        return _carried(self.table, points_mm, False)

    def rest_mm(self, points_mm: ArrayLike) -> Float64Array:
        """Where the tissue that is now at points (..., 3) lies at rest."""
        return _carried(self.table, points_mm, True)

    def then(self, *moves: Move) -> "Deformation":
        """The same, and these moves after it."""
        return replace(self, moves=(*self.moves, *moves))


AT_REST = Deformation()


def _table(rows: Float64Array, stiffness: Stiffness, gauges: tuple[Gauge, ...]) -> MoveTable:
    """Rows as the kernels read them, with the gauges that they refer to, in this order."""
    samples = (
        gauges[0].samples.reshape(-1)
        if len(gauges) == 1
        else np.concatenate([np.zeros(0, np.float32), *(gauge.samples.ravel() for gauge in gauges)])
    )
    return MoveTable(rows, stiffness.share, stiffness.origin_mm, stiffness.spacing_mm, samples)


def _gauge(move: Move) -> Gauge | None:
    """The gauge that a move refers to."""
    ramp = getattr(move, "ramp", None)
    return ramp.gauge if isinstance(ramp, GaugeRamp) else None


@lru_cache(maxsize=1024)
def _sound_rows(move: Move, stiffness: Stiffness) -> Float64Array:
    """The rows of a move, kept: the moves of a day are the same at every moment of it.

    Raises InvalidGeometry where its first step, as large as the others, would fold tissue over itself.
    """
    rows = move.rows()
    gauge = _gauge(move)
    _require_no_fold(_table(rows[:1], stiffness, () if gauge is None else (gauge,)))
    return rows


def _carried(table: MoveTable, points_mm: ArrayLike, to_rest: bool) -> Float64Array:
    """Points (..., 3) along with the tissue, or back."""
    points = np.asarray(points_mm, dtype=np.float64)
    out = np.empty((points.size // 3, 3))
    moved_points(table, np.ascontiguousarray(points.reshape(-1, 3)), to_rest, out)
    return out.reshape(points.shape)


def _require_no_fold(table: MoveTable) -> None:
    """Raise InvalidGeometry where a move would bring two pieces of tissue to one place.

    Sampled over its region, within 300 mm of its centre or pivot.
    """
    row = table.rows[0]
    middle_mm = (
        row[column.PIVOT : column.PIVOT + 3] if row[column.REACH] == 0.0 else row[column.CENTER : column.CENTER + 3]
    )
    low = np.maximum(row[column.LOW : column.LOW + 3], middle_mm - BODY_MM)
    high = np.minimum(row[column.HIGH : column.HIGH + 3], middle_mm + BODY_MM)
    axes = [np.linspace(low[n], high[n], SAMPLES_ALONG) for n in range(3)]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    steps = DIFFERENCE_MM * np.eye(3)
    columns = [_carried(table, points + step, False) - _carried(table, points - step, False) for step in steps]
    least = float(np.linalg.det(np.stack(columns, axis=-1) / (2.0 * DIFFERENCE_MM)).min())
    if least < LEAST_JACOBIAN:
        raise InvalidGeometry(
            "A move would fold the tissue round its region over itself; make it smaller, or its reach wider.",
            least_jacobian=least,
        )
