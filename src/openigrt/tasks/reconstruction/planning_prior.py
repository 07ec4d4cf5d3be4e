"""The planning CT as prior of a reconstruction: matched, laid in the room, and asked for scatter and for HU."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from openigrt.dicom import DailyFolder, PlanFolder
from openigrt.errors import InconsistentInput, MatchImpossible
from openigrt.geometry import Frame, Grid, RigidTransform, Trajectory, resample
from openigrt.images import Image
from openigrt.patient import Match
from openigrt.tasks.guidance.guiding import Case
from openigrt.tasks.guidance.patient_setup import GivenSetup, patient_setup
from openigrt.tasks.guidance.plan_side import PlanSide
from openigrt.tasks.guidance.settings import guidance_settings
from openigrt.tasks.reconstruction.volume_making import lps_from_room
from openigrt.tasks.words import in_short
from openigrt.xray import (
    AXIAL_DIRECTION,
    BeamHardening,
    CoarseDetector,
    HuScale,
    PriorScatter,
    Projector,
    adapted_prior,
    scale_of_plan,
    shading_of_plan,
)

Float32Array = NDArray[np.float32]

PRIOR_VOXEL_MM = 2.0
COARSE_PIXEL_MM = 2.0
LARGEST_SCATTER_SHARE = np.float32(0.95)
AIR_HU = -1000.0


def matched_to_plan(image: Image, folder: PlanFolder) -> Match:
    """The match of a first image to the plan, on bone; raises MatchImpossible where it is refused."""
    settings = guidance_settings(None, None, None, machine=None, dof=None, start=None, aliases=None, seed=0)
    daily = DailyFolder(image, None, (), (), ())
    setup = patient_setup(GivenSetup(None, None, None, None, None), folder, daily, settings.machine)
    case = Case(PlanSide(folder, settings, setup.alignment.plan_isocenter_mm, None), daily, setup)
    matches, _ = case.matched(None)
    if matches[0].trust.verdict == "refused":
        raise MatchImpossible(
            "The first image does not match the planning CT, so the plan can say nothing about scatter and HU: "
            f"{' '.join(matches[0].trust.reasons)} Reconstruct without --prior, and look at both images."
        )
    return matches[0]


@dataclass(frozen=True, eq=False, slots=True)
class PlacedPlan:
    """A planning CT that lies as the patient did: `plan_from_room` by the match and the first image."""

    planning_image: Image
    plan_from_room: RigidTransform

    @classmethod
    def by(cls, match: Match, folder: PlanFolder, image: Image) -> "PlacedPlan":
        """The plan of a folder, laid by the match of an image whose frame has its origin at the isocenter."""
        return cls(folder.planning_image, match.plan_from_daily @ lps_from_room(image.provenance, image.frame))

    def on(self, grid: Grid) -> Float32Array:
        """HU [k, j, i] on a grid of the room, NaN outside."""
        image = self.planning_image
        return resample(image.voxels, image.grid, grid, self.plan_from_room)

    def covering(self) -> Grid:
        """A grid of the room that covers the planning CT."""
        corners = self.plan_from_room.inverse().points(self.planning_image.grid.corners_mm())
        along = corners @ AXIAL_DIRECTION
        least, most = along.min(axis=0), along.max(axis=0)
        size = np.ceil((most - least) / PRIOR_VOXEL_MM).astype(int) + 1
        spacing = np.full(3, PRIOR_VOXEL_MM)
        counts = int(size[0]), int(size[1]), int(size[2])
        return Grid(Frame.FIXED, AXIAL_DIRECTION @ least, spacing, AXIAL_DIRECTION, counts)

    def scale(self, attenuation: Float32Array, grid: Grid, seen: NDArray[np.bool_]) -> HuScale:
        """HU by what plan and day show of the same tissues on a grid of the room."""
        planned = self.on(grid)
        try:
            return scale_of_plan(attenuation, np.nan_to_num(planned, nan=AIR_HU), seen & np.isfinite(planned))
        except InconsistentInput:
            raise InconsistentInput(
                "Where the match laid the planning CT its tissues are not those of the image: it is of another "
                f"patient (plan: {in_short(self.planning_image.provenance.patient_id)}) or site, the match is wrong, "
                "or the pixels are no line integrals of this beam. Look at both (openigrt guide), or leave out --prior."
            ) from None

    def shading_hu(self, hounsfield: Float32Array, grid: Grid, seen: NDArray[np.bool_]) -> float:
        """How unevenly soft tissue of an image on a grid of the room lies off the planning CT."""
        planned = self.on(grid)
        return shading_of_plan(hounsfield, np.nan_to_num(planned, nan=AIR_HU), seen & np.isfinite(planned), grid)


class PlannedScatter:
    """Scatter of a scan as its planning CT tells it, cut to the outline and gas of a first image.

    Scatter is made of waves of 30 mm and longer, so that it is sought with pixels of up to 2 mm at the axis.
    """

    def __init__(self, plan: PlacedPlan, first: Image, water_per_mm: float, hardening: BeamHardening | None) -> None:
        """Lay the planning CT as the patient lay."""
        self._grid = plan.covering()
        today = resample(first.voxels, first.grid, self._grid, lps_from_room(first.provenance, first.frame))
        seen = np.isfinite(today)
        planned = np.nan_to_num(plan.on(self._grid), nan=AIR_HU)
        adapted = adapted_prior(planned, np.nan_to_num(today, nan=AIR_HU), seen)
        self._attenuation = HuScale.of_water(water_per_mm).to_attenuation(adapted)
        self._hardening = hardening

    def estimate(self, signal: Float32Array, air: Float32Array, trajectory: Trajectory) -> Float32Array:
        """Scatter [projection, row, column] of signals."""
        detector = CoarseDetector.of(trajectory, COARSE_PIXEL_MM)
        seen_by = detector.seen_by(trajectory)
        expected = Projector(self._grid, seen_by).forward(self._attenuation)
        coarse = detector.means(signal), detector.means(air)
        scatter = detector.refined(PriorScatter().estimate(*coarse, expected, self._hardening, seen_by))
        return np.asarray(np.minimum(scatter, LARGEST_SCATTER_SHARE * signal), dtype=np.float32)
