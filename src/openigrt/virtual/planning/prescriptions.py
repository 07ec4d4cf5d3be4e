"""What is given where, and how it is aimed: the simplest plan of each site that a physicist would take for sound."""

from dataclasses import dataclass

from openigrt.errors import InputError


@dataclass(frozen=True, slots=True)
class StaticFields:
    """Fields that stand still, at these gantry angles, IEC 61217."""

    gantry_angles_deg: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class ConformalArc:
    """A gantry that turns clockwise from one angle to another while the leaves follow the target."""

    start_deg: float = 181.0
    stop_deg: float = 179.0
    largest_step_deg: float = 6.0
    collimator_angle_deg: float = 10.0


@dataclass(frozen=True, slots=True)
class SitePrescription:
    """Dose in so many fractions, of which 95 % of each PTV receive `covered_share` or more.

    Leaves stand `field_margin_mm` outside the PTV as a beam's eye sees it. The dose is computed every
    `dose_spacing_mm`. `source` says where dose and fractions come from.
    """

    dose_gy: float
    fractions: int
    covered_share: float
    technique: StaticFields | ConformalArc
    field_margin_mm: float
    dose_spacing_mm: float
    source: str

    def __post_init__(self) -> None:
        """Raise InputError for what cannot be given."""
        if not (self.dose_gy > 0.0 and self.fractions > 0 and 0.0 < self.covered_share <= 1.2):
            raise InputError(
                f"A prescription needs a dose and fractions above zero, found {self.dose_gy:g} Gy in {self.fractions}."
            )


SEVEN_FIELDS = StaticFields((0.0, 51.0, 103.0, 154.0, 206.0, 257.0, 309.0))

PRESCRIPTIONS = {
    "pelvis": SitePrescription(60.0, 20, 0.98, SEVEN_FIELDS, 6.0, 3.0, "CHHiP: Dearnaley, Lancet Oncol 17, 2016"),
    "thorax": SitePrescription(54.0, 3, 1.0, ConformalArc(), 1.0, 2.5, "RTOG 0236: Timmerman, JAMA 303, 2010"),
    "abdomen": SitePrescription(50.0, 5, 1.0, SEVEN_FIELDS, 2.0, 2.5, "RTOG 1112: Dawson, JAMA Oncol 11, 2025"),
    "head_neck": SitePrescription(70.0, 35, 0.98, SEVEN_FIELDS, 5.0, 2.5, "RTOG 0522: Ang, J Clin Oncol 32, 2014"),
    "brain": SitePrescription(27.0, 3, 1.0, ConformalArc(), 1.0, 1.5, "Minniti, Int J Radiat Oncol 95, 2016"),
}
ELSEWHERE = SitePrescription(50.0, 25, 0.98, SEVEN_FIELDS, 6.0, 3.0, "50 Gy in 25 fractions, for want of a site")


def prescription_of(site: str) -> SitePrescription:
    """What a site is given; sites that are none of ours get 50 Gy in 25 fractions."""
    return PRESCRIPTIONS.get(site, ELSEWHERE)
