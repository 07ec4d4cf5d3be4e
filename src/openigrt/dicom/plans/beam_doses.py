"""Which beams of a plan the doses of a folder are of: headers of the doses, and the plan."""

from collections import Counter
from collections.abc import Sequence

from pydicom import Dataset

from openigrt.dicom.dataset.elements import items, naming, number, required_whole_number, text, whole_number
from openigrt.dicom.dataset.inventory import Instance

OF_BEAMS = ("BEAM", "BEAM_SESSION")
OF_THE_PLAN = ("PLAN", "MULTI_PLAN")


def has_whole_dose(doses: Sequence[Instance]) -> bool:
    """Whether one of the doses is of the whole plan."""
    return any(_summation(dose) in OF_THE_PLAN for dose in doses)


def what_beams_lack(plan: Dataset, doses: Sequence[Instance]) -> tuple[str, ...]:
    """Why the doses of single beams do not add up to their plan, in words; nothing where there are none or they do."""
    of_beams = [dose for dose in doses if _summation(dose) in OF_BEAMS]
    if not of_beams:
        return ()
    named = {(beam, _dose_uid(dose)) for dose in of_beams for beam in _beams_of(dose)}
    counts = Counter(beam for beam, _ in named)
    treated = _treated(plan)
    wrong = {
        "no dose for beam": sorted(treated - counts.keys()),
        "several doses for beam": sorted(beam for beam, count in counts.items() if count > 1),
        "dose for beam that is not treated with": sorted(counts.keys() - treated),
    }
    nameless = sum(not _beams_of(dose) for dose in of_beams)
    words = [f"{what} {', '.join(map(str, beams))}" for what, beams in wrong.items() if beams]
    return (*words, *([f"{nameless} doses that name no beam"] if nameless else []))


def _summation(dose: Instance) -> str:
    """Dose Summation Type."""
    with naming(dose.header):
        return text(dose.header, "DoseSummationType")


def _dose_uid(dose: Instance) -> str:
    """What is one dose: an object, or the planes of a series."""
    with naming(dose.header):
        is_plane = (whole_number(dose.header, "NumberOfFrames") or 1) == 1
    return dose.series_uid if is_plane else dose.uid


def _beams_of(dose: Instance) -> frozenset[int]:
    """The beams that a dose names."""
    with naming(dose.header):
        return frozenset(
            required_whole_number(beam, "ReferencedBeamNumber")
            for plan in items(dose.header, "ReferencedRTPlanSequence")
            for beam in _beams_below(plan)
        )


def _beams_below(plan: Dataset) -> list[Dataset]:
    """The referenced beams of all fraction groups of a plan, or of a reference to one."""
    groups = items(plan, "ReferencedFractionGroupSequence") or items(plan, "FractionGroupSequence")
    return [beam for group in groups for beam in items(group, "ReferencedBeamSequence")]


def _treated(dataset: Dataset) -> frozenset[int]:
    """The beams of a plan that deliver: no setup beams, and with a meterset."""
    with naming(dataset):
        delivering = {
            required_whole_number(beam, "ReferencedBeamNumber")
            for beam in _beams_below(dataset)
            if number(beam, "BeamMeterset")
        }
        beams = items(dataset, "BeamSequence") or items(dataset, "IonBeamSequence")
        setup = {
            required_whole_number(beam, "BeamNumber")
            for beam in beams
            if text(beam, "TreatmentDeliveryType") == "SETUP"
        }
    return frozenset(delivering - setup)
