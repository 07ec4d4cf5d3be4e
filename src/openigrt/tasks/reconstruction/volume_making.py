"""Line integrals to attenuation, by any of the methods, and attenuation to an image of the patient."""

import os
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from openigrt.errors import InconsistentInput, InputError
from openigrt.geometry import Frame, Grid, PatientPosition, RigidTransform, Trajectory
from openigrt.images import Image, Modality, Phase, ProjectionPixels, Provenance, Scan
from openigrt.tasks.clock import Pace, Progress
from openigrt.tasks.reconstruction.reconstruction import Method, ReconstructionSettings
from openigrt.xray import (
    Arc,
    CglsSettings,
    Fan,
    Fdk,
    FdkSettings,
    FieldOfView,
    HuScale,
    OsSartSettings,
    RampFilter,
    Surroundings,
    TotalVariationSettings,
    arc_of,
    blocks,
    covering_grid,
    cut_off,
    fan_of,
    field_of_view,
    reconstruct_cgls,
    reconstruct_os_sart,
    reconstruct_total_variation,
    reconstruction_bytes,
    surroundings,
)

Float32Array = NDArray[np.float32]

MANUFACTURER = "OpenIGRT"
BYTES_OF_A_VOXEL = {Method.OS_SART: 26, Method.CGLS: 26, Method.TOTAL_VARIATION: 42}
USUAL_ITERATIONS = {
    Method.OS_SART: OsSartSettings().iterations,
    Method.CGLS: CglsSettings().iterations,
    Method.TOTAL_VARIATION: TotalVariationSettings().data.iterations,
}
BEYOND_DETECTOR = (
    "The patient reaches beyond what the detector sees; what lies there was estimated by fdk, and taken off the "
    "projections before iterating."
)
BYTES_OF_A_SHOWN_VOXEL = 5  # HU, and whether it was seen
SCANS_IN_MEMORY = 3
BYTES_OF_A_PIXEL = 4
BYTES_OF_A_STRIPE = 2  # half a number for each pixel of a scan, while rings are looked for


@dataclass(frozen=True, eq=False, slots=True)
class Bench:
    """What every volume of one scan shares: grid in the room, fan, arc and field of view.

    `around` is taken off before an iterative method begins, None where there is nothing beyond the detector.
    """

    scan: Scan
    settings: ReconstructionSettings
    grid: Grid
    fan: Fan
    arc: Arc
    field_of_view: FieldOfView
    around: Surroundings | None = None

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a person should know of the arc, and of a fan that was said and is not the detector's."""
        found = fan_of(self.scan.trajectory)
        said = self.arc.warnings if self.around is None else (*self.arc.warnings, BEYOND_DETECTOR)
        if self.fan is found:
            return said
        return (
            *said,
            f"The detector stands where a {found} fan is, and --fan says {self.fan}: the image is cupped by up to some "
            "20 HU; leave --fan out.",
        )

    @property
    def fdk_settings(self) -> FdkSettings:
        """How to filter."""
        settings = self.settings
        ramp = RampFilter(settings.window, settings.cut_off_share)
        return FdkSettings(ramp, self.fan, settings.extension_share)

    def looking_around(self, line_integrals: ProjectionPixels, progress: Progress) -> "Bench":
        """The bench with what an iterative method must take off first: nothing where the patient is seen whole.

        Raises InconsistentInput for a patient who is wider than the detector where FDK cannot say what lies outside.
        """
        if self.settings.method is Method.FDK:
            return self
        trajectory = self.scan.trajectory
        found = cut_off(line_integrals, trajectory, self.fan)
        if not found.is_across and not found.is_along:
            return self
        progress("looking for what lies beyond the detector")
        try:
            around = surroundings(line_integrals, trajectory, self.grid, self.field_of_view, self.fdk_settings)
        except InconsistentInput as error:
            if not found.is_across:
                return self
            raise InconsistentInput(
                f"The patient is wider than the detector, and an iterative method would put into the image what lies "
                f"outside; fdk, which is asked for that, says: {error.sentence}"
            ) from None
        return replace(self, around=around)

    def volume(self, line_integrals: ProjectionPixels, progress: Progress) -> Float32Array:
        """Attenuation per mm [k, j, i]."""
        count = len(self.scan)
        if self.settings.method is Method.FDK:
            fdk, pace = Fdk(self.grid, self.scan.trajectory, self.fdk_settings), Pace(progress)
            for which in blocks(count):
                fdk.add(line_integrals[which], which.start)
                pace.tell(f"projection {which.stop} of {count}")
            return fdk.volume()
        return self.iterated(line_integrals[0:count], self.scan.trajectory, progress)

    def iterated(self, data: Float32Array, trajectory: Trajectory, progress: Progress) -> Float32Array:
        """Attenuation per mm [k, j, i] by an iterative method, from line integrals of all or some of the scan."""
        grid, count = self.grid, self.settings.iterations
        data = data if self.around is None else self.around.taken_off(data, trajectory)
        planned = count or USUAL_ITERATIONS[self.settings.method]

        def report(number: int, residual: float) -> None:
            progress(f"iteration {number} of {planned}, residual {100.0 * residual:.2f} %")

        if self.settings.method is Method.CGLS:
            usual = CglsSettings()
            settings = usual if count is None else replace(usual, iterations=count)
            return reconstruct_cgls(data, trajectory, grid, settings, report=report)
        if self.settings.method is Method.OS_SART:
            sart = OsSartSettings() if count is None else OsSartSettings(iterations=count)
            return reconstruct_os_sart(data, trajectory, grid, sart, report=report)
        flat = TotalVariationSettings()
        flat = flat if count is None else replace(flat, data=replace(flat.data, iterations=count))
        return reconstruct_total_variation(data, trajectory, grid, flat, report=report)

    def image(self, attenuation: Float32Array, scale: HuScale, frame: Frame, phase: Phase | None = None) -> Image:
        """The image of the patient, in HU, as it came; what not every projection saw is NaN."""
        hounsfield = scale.to_hu(attenuation)
        hounsfield[~self.field_of_view.mask(self.grid)] = np.nan
        scan = self.scan
        provenance = replace(
            scan.provenance, manufacturer=MANUFACTURER, is_derived=False, couch=scan.couch, phase=phase
        )
        return Image(hounsfield, lying(self.grid, scan, frame), Modality.CBCT, provenance)


def bench_of(scan: Scan, settings: ReconstructionSettings) -> Bench:
    """The bench of a scan; raises InputError where the volume would not fit the memory of this machine."""
    fan = settings.fan or fan_of(scan.trajectory)
    view = field_of_view(scan.trajectory, fan)
    grid = covering_grid(view, (settings.voxel_mm, settings.voxel_mm, settings.voxel_mm), settings.size)
    require_memory(scan, grid, settings)
    return Bench(scan, settings, grid, fan, arc_of(scan.trajectory), view)


def lying(grid: Grid, scan: Scan, frame: Frame) -> Grid:
    """A grid of the room in the patient's axes (LPS) by how the patient lies, the table straight.

    The origin of the frame is the machine isocenter.
    """
    daily_from_room = lps_from_room(scan.provenance, frame)
    direction = daily_from_room.rotation @ grid.direction
    return Grid(frame, daily_from_room.points(grid.origin_mm), grid.spacing_mm, direction, grid.size)


def lps_from_room(source: Provenance, frame: Frame) -> RigidTransform:
    """The room to the axes of an image of the room, as the patient lay; both have their origin at the isocenter."""
    position = source.patient_position or PatientPosition.HFS
    return RigidTransform(frame, Frame.FIXED, position.table_top_from_lps().T, np.zeros(3))


def require_memory(scan: Scan, grid: Grid, settings: ReconstructionSettings) -> None:
    """Raise InputError, before anything is computed, where volume and projections would not fit this machine."""
    method, voxels = settings.method, float(np.prod(grid.size, dtype=float))
    if method is Method.FDK:
        filtering = FdkSettings(fan=settings.fan, extension_share=settings.extension_share)
        needed = reconstruction_bytes(grid, scan.trajectory, filtering) + BYTES_OF_A_SHOWN_VOXEL * voxels
    else:
        pixels = SCANS_IN_MEMORY * float(np.prod(scan.trajectory.shape, dtype=float))
        needed = BYTES_OF_A_VOXEL[method] * voxels + BYTES_OF_A_PIXEL * pixels
    if settings.removes_rings:
        needed += BYTES_OF_A_STRIPE * float(np.prod(scan.trajectory.shape, dtype=float))
    there = float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    if needed > there:
        shape = " x ".join(str(n) for n in grid.size)
        raise InputError(
            f"A volume of {shape} voxels by {method} needs {needed / 2**30:.1f} GiB, and this machine has "
            f"{there / 2**30:.1f} GiB; choose larger voxels with --voxel or fewer with --size"
            f"{', or leave out --rings' if settings.removes_rings else ''}.",
            needed_bytes=needed,
        )
