"""The plan: beams around an isocenter."""

from dataclasses import dataclass
from datetime import datetime

from openigrt.geometry import Frame, PatientPosition
from openigrt.patient.beam import Beam
from openigrt.patient.fraction_group import FractionGroup
from openigrt.patient.planned_setup import PlannedSetup
from openigrt.patient.prescription import DoseReference
from openigrt.patient.tolerance_table import ToleranceTable


@dataclass(frozen=True, slots=True)
class RelatedPlan:
    """Another plan and what it is to this one: PREDECESSOR, ALTERNATIVE, PRIOR, CONCURRENT or VERIFIED_PLAN."""

    uid: str
    relationship: str = ""
    sop_class_uid: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """A treatment plan; all positions in LPS of `frame`.

    `fractions_planned` is that of the first fraction group. A plan made by hand may leave out `fraction_groups` and
    `setups`: it is then written as one group of all beams, and one setup in `patient_position`.
    """

    uid: str
    label: str
    frame: Frame
    patient_id: str
    patient_position: PatientPosition
    approval: str
    beams: tuple[Beam, ...]
    structure_set_uid: str = ""
    fractions_planned: int | None = None
    created_at: datetime | None = None
    manufacturer: str = ""
    name: str = ""
    description: str = ""
    intent: str = ""
    treatment_sites: tuple[str, ...] = ()
    treatment_protocols: tuple[str, ...] = ()
    reviewer: str = ""
    reviewed_at: datetime | None = None
    fraction_groups: tuple[FractionGroup, ...] = ()
    setups: tuple[PlannedSetup, ...] = ()
    tolerance_tables: tuple[ToleranceTable, ...] = ()
    prescription_description: str = ""
    dose_references: tuple[DoseReference, ...] = ()
    dose_uids: tuple[str, ...] = ()
    related_plans: tuple[RelatedPlan, ...] = ()

    @property
    def is_ion(self) -> bool:
        """Whether any beam has a beam line for ions: an RT Ion Plan."""
        return any(beam.ion_line is not None for beam in self.beams)

    @property
    def predecessor_uids(self) -> tuple[str, ...]:
        """The plans of which this is a new version."""
        return tuple(plan.uid for plan in self.related_plans if plan.relationship == "PREDECESSOR")
