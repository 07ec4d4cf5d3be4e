"""What a plan gives to every match with it: target, regions, body and organs, each made when it is first asked for."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from openigrt.dicom import PlanFolder
from openigrt.geometry import Float64Array
from openigrt.guidance import choose_target, organ_points_mm
from openigrt.images import Mask
from openigrt.patient import Target
from openigrt.registration import PlanSource, Region, prepare_plan
from openigrt.tasks.guidance.regions import body_mask, regions_to_match
from openigrt.tasks.guidance.remarks import share_of_body_on_outline
from openigrt.tasks.guidance.settings import GuidanceSettings


@dataclass(frozen=True, eq=False)
class PlanSide:
    """A plan and what is asked of it; `isocenter_mm` (3,) is LPS of the plan, `target_named` a structure or None."""

    folder: PlanFolder
    settings: GuidanceSettings
    isocenter_mm: Float64Array
    target_named: str | None

    @cached_property
    def target(self) -> Target:
        """The target that was named, else the one by rule."""
        named, slice_mm = self.target_named, self._slice_mm
        return choose_target(self.folder.structure_set, self.isocenter_mm, named, slice_mm=slice_mm)

    @cached_property
    def regions(self) -> tuple[Region, ...]:
        """What is matched, the region that was asked for first."""
        return regions_to_match(self.settings.region, self.target, self.folder)

    @cached_property
    def _outlined(self) -> tuple[Mask | None, str]:
        """The body and where its outline is from."""
        return body_mask(self.folder)

    @property
    def body(self) -> Mask | None:
        """The body as it was contoured; None leaves its outline to the match."""
        return self._outlined[0]

    @property
    def body_from(self) -> str:
        """Where the outline of the body is from, in words."""
        return self._outlined[1]

    @cached_property
    def source(self) -> PlanSource:
        """The planning side of the match."""
        return prepare_plan(self.folder.planning_image, self.body)

    @cached_property
    def organs(self) -> Mapping[str, Float64Array]:
        """Surface points (n, 3) of each organ, LPS mm of the plan."""
        return organ_points_mm(self.folder.structure_set, slice_mm=self._slice_mm)

    @cached_property
    def share_on_outline(self) -> float:
        """Share of the contoured body that lies on the patient's outline."""
        return share_of_body_on_outline(self.folder.planning_image, self.body)

    @property
    def _slice_mm(self) -> float:
        """Slice spacing of the planning image, mm."""
        return float(self.folder.planning_image.grid.spacing_mm[2])
