"""What the kV imager of a linac sees of the patient on its couch, who breathes and drifts while the gantry turns."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from openigrt.geometry import (
    Float64Array,
    Frame,
    Grid,
    PatientPosition,
    RigidTransform,
    Trajectory,
    table_top_from_lps,
)
from openigrt.virtual.imaging._kernels_projections_cpu import behind
from openigrt.virtual.imaging.composition import BASIS, Composition
from openigrt.virtual.imaging.cone_beam_protocol import ConeBeamProtocol
from openigrt.virtual.imaging.couch import laid_on, linac_couch
from openigrt.virtual.imaging.moments import Moments, moments_of
from openigrt.virtual.imaging.projections import Beam, FlatPanel
from openigrt.virtual.imaging.scatter import VoxelScatterer, scattered
from openigrt.virtual.linac.patient_on_couch import PatientOnCouch
from openigrt.virtual.tissue.anatomy import Anatomy
from openigrt.virtual.tissue.rendering import render
from openigrt.xray import Projector, attenuation_per_mm

Float32Array = NDArray[np.float32]

ROOM_AXES = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0]])
COUCH_FRAME = Frame.plan("2.25.1.1")
SINK_MM = 5.0
BODY_MARGIN_MM = 12.0
COUCH_HALF_WIDTH_MM, COUCH_THICKNESS_MM = 264.0, 54.0
PROJECTIONS_AT_ONCE = 32
PANEL_STREAM, NOISE_STREAM = 83, 84
BLUR_MM = 0.0
LONGEST_MM = 260.0
AXIS_MARGIN_MM = 6.0


@dataclass(frozen=True, eq=False)
class PatientProjections:
    """Makes the pixels of a virtual imager (`linac.show`): counts of a panel behind the patient on the couch.

    The patient lies where he truly is at each moment, on the table top of the linac, and source and detector stand
    where they truly are. `seed` draws the panel and the noise; the same scan at the same time has the same noise.
    """

    on_couch: PatientOnCouch
    protocol: ConeBeamProtocol
    seed: int = 0

    def __call__(self, trajectory: Trajectory, times_s: Float64Array) -> Float32Array:
        """Raw counts [projection, row, column] of the moments `times_s` (n,) on the linac's clock."""
        signal = self.signal(trajectory, times_s)
        rng = np.random.default_rng((self.seed, NOISE_STREAM, round(1000.0 * float(times_s[0]))))
        return self.panel(trajectory).read_out(signal, rng)

    def signal(self, trajectory: Trajectory, times_s: Float64Array) -> Float32Array:
        """Signal [projection, row, column], primary and scattered, without noise; 1 behind the thinnest bow-tie."""
        moments = self.moments(times_s)
        beam, out = self.protocol.beam, np.empty(trajectory.shape, np.float32)
        lit = self._lit_grid(trajectory, moments.most_common_s)
        for n, time_s in enumerate(moments.states_s):
            amounts = self.tissue(lit, float(time_s))
            if time_s == moments.most_common_s:
                attenuation = _attenuation(amounts, self.protocol.scatter.energy_kev)
            shown = np.flatnonzero(moments.state_of == n)
            for first in range(0, len(shown), PROJECTIONS_AT_ONCE):
                which = shown[first : first + PROJECTIONS_AT_ONCE]
                out[which] = primary_through(amounts, lit, trajectory.chosen(which), beam)
        out += scattered(VoxelScatterer(attenuation, lit), trajectory, beam, self.protocol.scatter)
        return out

    def moments(self, times_s: Float64Array) -> Moments:
        """The states that stand for the moments of a scan."""
        return moments_of(self.on_couch, times_s, self.protocol.motion_step_mm, self.protocol.most_states)

    def panel(self, trajectory: Trajectory) -> FlatPanel:
        """The panel, the same in every scan."""
        rng = np.random.default_rng((self.seed, PANEL_STREAM))
        return FlatPanel.drawn(self.protocol.detector, trajectory.shape[1:], rng)

    def fields(self, trajectory: Trajectory) -> tuple[Float32Array, Float32Array]:
        """Dark and flat field (rows, columns) in counts, the latter through the bow-tie with nothing on the table."""
        panel = self.panel(trajectory)
        return panel.dark.astype(np.float32), panel.flat(self.protocol.beam.air(trajectory))

    def hu(self, grid: Grid, time_s: float, blur_mm: float = BLUR_MM) -> Float32Array:
        """Patient and table top in HU [k, j, i] at a moment, on a grid in the room."""
        plan_from_fixed = self.on_couch.fixed_from_plan(time_s).inverse()
        patient = render(self.on_couch.anatomy(time_s), grid, plan_from_fixed, blur_mm)
        couch, couch_from_fixed = self._couch(time_s)
        return laid_on(patient, render(couch, grid, couch_from_fixed, blur_mm))

    def tissue(self, grid: Grid, time_s: float) -> Float32Array:
        """Amounts (materials, k, j, i) of `BASIS` at a moment, on a grid in the room."""
        return Composition().of(self.hu(grid, time_s))

    def _couch(self, time_s: float) -> tuple[Anatomy, RigidTransform]:
        """The table top in a frame of its own, and where that is (couch from fixed): it goes with the table."""
        return linac_couch(COUCH_FRAME, self._couch_top_mm), self._fixed_from_couch(time_s).inverse()

    def _fixed_from_couch(self, time_s: float) -> RigidTransform:
        """The frame of the table top, which has the axes of a patient who lies on it head first and supine."""
        return self.on_couch.fixed_from_table(time_s) @ table_top_from_lps(PatientPosition.HFS, COUCH_FRAME)

    @cached_property
    def _couch_top_mm(self) -> Float64Array:
        """A point (3,) of the table top, in its frame, under the middle of the patient as he lay down."""
        start_s = self.on_couch.lain_down_s
        anatomy = self.on_couch.anatomy(start_s)
        couch_from_plan = self._fixed_from_couch(start_s).inverse() @ self.on_couch.fixed_from_plan(start_s)
        middle_mm = self.on_couch.patient.isocenter_mm.copy()
        middle_mm[0] = anatomy.bounds_mm("BODY")[:, 0].mean()
        under = couch_from_plan.points(middle_mm)
        x, y, z = np.meshgrid(np.arange(-90.0, 91.0, 6.0), np.arange(0.0, 300.0, 2.0), np.arange(-100.0, 101.0, 10.0))
        points = under + np.column_stack([x.ravel(), y.ravel(), z.ravel()])
        inside = anatomy.signed_distance_mm("BODY", couch_from_plan.inverse().points(points)) < 0.0
        return np.array([under[0], float(points[inside, 1].max()) - SINK_MM, under[2]])

    def _lit_grid(self, trajectory: Trajectory, time_s: float) -> Grid:
        """Voxels in the room that hold patient and table top, as far along the axis as any ray reaches."""
        low, high = self.on_couch.anatomy(time_s).bounds_mm("BODY")
        middle_mm = self.on_couch.patient.isocenter_mm[2]
        low[2], high[2] = max(low[2], middle_mm - LONGEST_MM), min(high[2], middle_mm + LONGEST_MM)
        patient = self.on_couch.fixed_from_plan(time_s).points(_corners(low - BODY_MARGIN_MM, high + BODY_MARGIN_MM))
        top = np.array([COUCH_HALF_WIDTH_MM, COUCH_THICKNESS_MM, LONGEST_MM])
        couch = self._fixed_from_couch(time_s).points(self._couch_top_mm + _corners(top * (-1, 0, -1), top))
        corners = np.vstack([patient, couch])
        low, high = corners.min(axis=0), corners.max(axis=0)
        ends = _rays_along_axis_mm(trajectory, float(np.hypot(corners[:, 0], corners[:, 2]).max()))
        low[1], high[1] = max(low[1], ends[0]), min(high[1], ends[1])
        size = np.maximum(np.ceil((high - low) / self.protocol.voxel_mm), 2.0).astype(int)
        first_mm = 0.5 * (low + high) - 0.5 * (size - 1) * self.protocol.voxel_mm
        columns, slices, rows = (int(n) for n in size)
        return Grid(Frame.FIXED, first_mm, np.full(3, self.protocol.voxel_mm), ROOM_AXES, (columns, rows, slices))


def _corners(low: Float64Array, high: Float64Array) -> Float64Array:
    """The corners (8, 3) of a box."""
    return np.array(np.meshgrid(*np.stack([low, high], axis=1))).reshape(3, -1).T


def _rays_along_axis_mm(trajectory: Trajectory, reach_mm: float) -> tuple[float, float]:
    """Lowest and highest y of the room that any ray has within a distance of the axis of rotation, with a margin."""
    columns, rows = trajectory.size
    across = (columns - 1) * trajectory.spacing_mm[0] * trajectory.row_directions
    down = (rows - 1) * trajectory.spacing_mm[1] * trajectory.column_directions
    source_y = trajectory.sources_mm[:, 1]
    distance_mm = np.hypot(trajectory.sources_mm[:, 0], trajectory.sources_mm[:, 2])
    ends = []
    for corner in (0.0 * down, across, down, across + down):
        rays = trajectory.first_pixels_mm + corner - trajectory.sources_mm
        toward = -(rays * trajectory.sources_mm)[:, [0, 2]].sum(axis=1) / distance_mm
        for at_mm in (distance_mm - reach_mm, distance_mm + reach_mm):
            ends.append(source_y + at_mm / toward * rays[:, 1])
    return float(np.min(ends)) - AXIS_MARGIN_MM, float(np.max(ends)) + AXIS_MARGIN_MM


def primary_through(amounts: Float32Array, grid: Grid, trajectory: Trajectory, beam: Beam) -> Float32Array:
    """Signal [projection, row, column] of photons of all energies that come straight through amounts of `BASIS`."""
    present = [n for n in range(len(BASIS)) if amounts[n].any()]
    projector = Projector(grid, trajectory)
    lengths = np.empty((*trajectory.shape, len(present)), np.float32)
    for at, n in enumerate(present):
        lengths[..., at] = projector.forward(amounts[n])
    attenuation = np.array([beam.spectrum.attenuation_per_mm(BASIS[n]) for n in present])
    out = np.empty(trajectory.shape, np.float32)
    flat = lengths.reshape(-1, len(present))
    behind(flat, attenuation, beam.column_weights(trajectory), out.reshape(-1))
    return out


def _attenuation(amounts: Float32Array, energy_kev: float) -> Float32Array:
    """Attenuation per mm [k, j, i] of amounts at one energy."""
    per_mm = np.array([float(attenuation_per_mm(material, energy_kev)) for material in BASIS], np.float32)
    return np.maximum(np.tensordot(per_mm, amounts, 1), np.float32(0.0))
