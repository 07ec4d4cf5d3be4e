"""Who a virtual patient is in records: number, name, dates and UIDs, all from site and seed."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from openigrt.virtual.patients.patient import VirtualPatient

FIRST_PLANNING = datetime(2025, 1, 6, 9, 30, tzinfo=UTC)
UNTIL_TREATMENT = timedelta(days=15, hours=2, minutes=7)


@dataclass(frozen=True, slots=True)
class Identity:
    """A virtual patient in records. `name` is what a site is called; the same site and seed is the same patient."""

    site: str
    seed: int

    @property
    def patient_id(self) -> str:
        """Marked as simulated."""
        return f"SIM-{self.site.upper().replace('_', '-')}-{self.seed:04d}"

    @property
    def name(self) -> str:
        """Family and given name, as DICOM writes them."""
        return f"{self.site.replace('_', ' ').capitalize()}^Virtual"

    @property
    def label(self) -> str:
        """What plan and structures are called: at most 16 characters."""
        return f"Virtual {self.site.replace('_', ' ')}"[:16]

    @property
    def sex(self) -> str:
        """M, F or O."""
        return "M" if self.site == "pelvis" else "O"

    @property
    def planned_at(self) -> datetime:
        """When the planning CT was taken."""
        return FIRST_PLANNING + timedelta(days=self.seed % 1000)

    @property
    def treated_at(self) -> datetime:
        """When the first image at the linac is taken."""
        return self.planned_at + UNTIL_TREATMENT

    def uid(self, role: str) -> str:
        """A UID (PS3.5 B.2) for one role, such as `plan frame` or `dose`."""
        digest = hashlib.sha256(f"OpenIGRT virtual {self.site}|{self.seed}|{role}".encode()).hexdigest()
        return f"2.25.{int(digest[:32], 16)}"


def identity_of(patient: VirtualPatient) -> Identity:
    """Who a virtual patient is."""
    return Identity(patient.site, patient.seed)
