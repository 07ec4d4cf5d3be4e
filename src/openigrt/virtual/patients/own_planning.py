"""What a real patient brings along: image, structures, plan and dose of his planning, as they are."""

from dataclasses import dataclass

from openigrt.images import Image
from openigrt.patient import DoseGrid, Plan, StructureSet


@dataclass(frozen=True, eq=False)
class OwnPlanning:
    """The planning of a real patient, all in the frame of the plan; `isocenter_mm` where the plan has one.

    `remarks` say, in a sentence each, what was assumed or left out when a virtual patient was made of it.
    """

    image: Image
    structure_set: StructureSet
    plan: Plan | None = None
    dose: DoseGrid | None = None
    isocenter_mm: tuple[float, float, float] | None = None
    remarks: tuple[str, ...] = ()
