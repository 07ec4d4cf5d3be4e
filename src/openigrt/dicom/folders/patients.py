"""Whether things belong to one patient."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from openigrt.errors import InconsistentInput


@dataclass(frozen=True, slots=True)
class PatientIdentity:
    """Patient ID and name as a file states them, and what stated them."""

    patient_id: str
    name: str
    source: str

    def __str__(self) -> str:
        """How the patient is called in a sentence."""
        return f"{self.name or 'without name'} (ID {self.patient_id or 'none'}) in {self.source}"

    def is_same(self, other: "PatientIdentity") -> bool:
        """Whether nothing stated contradicts: equal IDs and equal names, an absent one contradicts nothing."""
        same_id = not (self.patient_id and other.patient_id) or self.shares_id(other)
        same_name = not (self.name and other.name) or self.shares_name(other)
        return same_id and same_name

    def shares_id(self, other: "PatientIdentity") -> bool:
        """Whether both state one Patient ID."""
        return bool(self.patient_id) and self.patient_id == other.patient_id

    def shares_name(self, other: "PatientIdentity") -> bool:
        """Whether both state one name, however it is written."""
        return bool(self.name) and _plain(self.name) == _plain(other.name)


def require_one_patient(identities: Iterable[PatientIdentity]) -> None:
    """Raise InconsistentInput, naming both, when two of the identities contradict each other."""
    known: list[PatientIdentity] = []
    for identity in identities:
        for other in known:
            if not identity.is_same(other):
                raise InconsistentInput(
                    f"Two patients: {other} and {identity}; give files of one patient only.",
                    patients=(str(other), str(identity)),
                )
        if not any((identity.patient_id, identity.name) == (k.patient_id, k.name) for k in known):
            known.append(identity)


def _plain(name: str) -> str:
    """A name without the separators and capitals that systems change."""
    return " ".join(re.split(r"[\s^,=]+", name.casefold())).strip()
