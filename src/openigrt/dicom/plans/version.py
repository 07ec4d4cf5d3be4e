"""A new version of an RT Plan from an existing data set: only what changes is touched, private elements stay.

The old data set is never changed (approved things are immutable); what was computed for it is not carried over.
"""

import copy
import re
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone

from pydicom import Dataset
from pydicom.uid import UID

from openigrt.dicom.dataset.elements import (
    PYDICOM_FAILURES,
    items,
    name_of,
    naming,
    number,
    numbers,
    one_line,
    required_numbers,
    text,
)
from openigrt.dicom.dataset.headers import decimal, decimals, marked_research_only, software
from openigrt.dicom.dataset.mapping import written_number
from openigrt.dicom.plans.beam import moves_while_on
from openigrt.dicom.plans.control_points import ANGLES, COUCH
from openigrt.dicom.plans.plan import PlanDefaults, read_plan
from openigrt.errors import UnreadableFile
from openigrt.geometry import Float64Array
from openigrt.patient import (
    Beam,
    Plan,
    PlanChange,
    PlanVersion,
    changed,
    table_top_travel_mm,
)

COMPUTED_FOR_BEAMS = (
    *("BeamDose", "AlternateBeamDose", "BeamDosePointDepth", "BeamDosePointEquivalentDepth", "BeamDosePointSSD"),
    *("BeamDoseVerificationControlPointSequence", "AverageBeamDosePointDepth", "AverageBeamDosePointSSD"),
    "AverageBeamDosePointEquivalentDepth",
)
COMPUTED_FOR_POINTS = (
    *("ReferencedDoseSequence", "SourceToSurfaceDistance", "SurfaceEntryPoint", "ExternalContourEntryPoint"),
    "SourceToExternalContourDistance",
)
DISPLACEMENTS = (
    "TableTopLateralSetupDisplacement",
    "TableTopLongitudinalSetupDisplacement",
    "TableTopVerticalSetupDisplacement",
)
NUMBERS = {**{name: (keyword, None) for name, keyword in ANGLES.items()}, **{n: (k, "couch") for n, k in COUCH.items()}}


def new_plan_version(
    dataset: Dataset,
    change: PlanChange,
    version: PlanVersion,
    series_uid: str,
    defaults: PlanDefaults | None = None,
) -> tuple[Dataset, tuple[str, ...]]:
    """A new RT Plan in a series of its own, and what no longer holds.

    It is not approved, names its predecessor (RT Plan Relationship, PS3.3 C.8.8.9) and OpenIGRT as contributing
    equipment, and says by its series that it is for research only. Raises as `read_plan` and `changed` do.
    """
    old, _ = read_plan(dataset, defaults)
    new = changed(old, change, version)
    with naming(dataset):
        has_private = _has_private(dataset)
        written = copy.deepcopy(dataset)
        _identify(written, version, series_uid)
        _name_predecessor(written, dataset)
        removed = _remove_computed(written)
        beam_items = items(written, "BeamSequence") or items(written, "IonBeamSequence")
        for item, before, after in zip(beam_items, old.beams, new.beams, strict=True):
            _set_control_points(item, before, after, change)
        if change.moves_isocenter:
            _move_setups(written, table_top_travel_mm(change.isocenter_shift_mm, old.patient_position))
        return written, _messages(old, change, removed, has_private)


def _identify(written: Dataset, version: PlanVersion, series_uid: str) -> None:
    """New UIDs, label and times; approval and review go."""
    _set(written, "SOPInstanceUID", UID(version.uid))
    if "MediaStorageSOPInstanceUID" in getattr(written, "file_meta", Dataset()):
        _set(written.file_meta, "MediaStorageSOPInstanceUID", UID(version.uid))
    _set(written, "SeriesInstanceUID", UID(series_uid))
    _set(written, "SeriesDescription", marked_research_only(text(written, "SeriesDescription")))
    _set(written, "RTPlanLabel", version.label)
    if version.name:
        _set(written, "RTPlanName", version.name)
    day, clock = _date_and_time(version.created_at, text(written, "TimezoneOffsetFromUTC"))
    for kind in ("RTPlan", "Series", "InstanceCreation"):
        _set(written, f"{kind}Date", day)
        _set(written, f"{kind}Time", clock)
    _set(written, "ApprovalStatus", "UNAPPROVED")
    for keyword in ("ReviewDate", "ReviewTime", "ReviewerName"):
        if keyword in written:
            delattr(written, keyword)
    equipment = Dataset()
    equipment.PurposeOfReferenceCodeSequence = [_modifying_equipment()]
    equipment.Manufacturer = equipment.ManufacturerModelName = "OpenIGRT (research only)"
    equipment.SoftwareVersions = software()
    others = items(written, "ContributingEquipmentSequence")
    _set(written, "ContributingEquipmentSequence", [*others, equipment])


def _set(item: Dataset, keyword: str, value: object) -> None:
    """Set an element anew: pydicom would keep the value representation that a damaged one states."""
    if keyword in item:
        delattr(item, keyword)
    setattr(item, keyword, value)


def _modifying_equipment() -> Dataset:
    """The code for equipment that changed an object (PS3.16, CID 7005)."""
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "109103", "DCM", "Modifying Equipment"
    return code


def _date_and_time(moment: datetime, offset: str) -> tuple[str, str]:
    """Date and time in the time zone of a data set, local where it states none."""
    zone = None
    if re.fullmatch(r"[+-](0\d|1[0-4])[0-5]\d", offset):
        minutes = int(offset[0] + offset[1:3]) * 60 + int(offset[0] + offset[3:])
        zone = timezone(timedelta(minutes=minutes))
    there = moment.astimezone(zone)
    return there.strftime("%Y%m%d"), there.strftime("%H%M%S.") + f"{there.microsecond // 1000:03d}"


def _name_predecessor(written: Dataset, dataset: Dataset) -> None:
    """The predecessor instead of the one that it had itself."""
    predecessor = Dataset()
    predecessor.ReferencedSOPClassUID = UID(text(dataset, "SOPClassUID"))
    predecessor.ReferencedSOPInstanceUID = UID(text(dataset, "SOPInstanceUID"))
    predecessor.RTPlanRelationship = "PREDECESSOR"
    others = [
        item for item in items(written, "ReferencedRTPlanSequence") if text(item, "RTPlanRelationship") != "PREDECESSOR"
    ]
    _set(written, "ReferencedRTPlanSequence", [*others, predecessor])


def _remove_computed(written: Dataset) -> tuple[str, ...]:
    """Take out doses and distances that were computed for the predecessor; the keywords of what there was."""
    removed = _removed(written, ("ReferencedDoseSequence",))
    for group in items(written, "FractionGroupSequence"):
        for share in items(group, "ReferencedBeamSequence"):
            removed += _removed(share, COMPUTED_FOR_BEAMS)
    for beam_item in items(written, "BeamSequence") or items(written, "IonBeamSequence"):
        for item in _points(beam_item):
            removed += _removed(item, COMPUTED_FOR_POINTS)
            for referenced in items(item, "ReferencedDoseReferenceSequence"):
                if number(referenced, "CumulativeDoseReferenceCoefficient") is not None:
                    _set(referenced, "CumulativeDoseReferenceCoefficient", None)
                    removed.append("CumulativeDoseReferenceCoefficient")
    return tuple(dict.fromkeys(removed))


def _removed(item: Dataset, keywords: tuple[str, ...]) -> list[str]:
    """Delete elements, and name those that were there."""
    there = [keyword for keyword in keywords if keyword in item]
    for keyword in there:
        delattr(item, keyword)
    return there


def _points(beam_item: Dataset) -> tuple[Dataset, ...]:
    """The control point items of a beam."""
    return items(beam_item, "ControlPointSequence") or items(beam_item, "IonControlPointSequence")


def _set_control_points(beam_item: Dataset, before: Beam, after: Beam, change: PlanChange) -> None:
    """State what has changed in the items that state it already, and where it differs from the item before."""
    point_items = _points(beam_item)
    for name, (keyword, part) in NUMBERS.items():
        old, new = (
            [getattr(getattr(point, part) if part else point, name) for point in beam.control_points]
            for beam in (before, after)
        )
        if old == new:
            continue
        for index, item in enumerate(point_items):
            if _must_be_stated(old, new, index, number(item, keyword) is not None):
                _set(item, keyword, written_number(keyword, new[index]))
    for item in point_items if change.moves_isocenter else ():
        if numbers(item, "IsocenterPosition"):
            stated = required_numbers(item, "IsocenterPosition", 3)
            moved = decimals(a + b for a, b in zip(stated, change.isocenter_shift_mm, strict=True))
            _set(item, "IsocenterPosition", moved)
    _set_positions(point_items, before, after)
    if moves_while_on(before) != moves_while_on(after):
        _set(beam_item, "BeamType", "DYNAMIC" if moves_while_on(after) else "STATIC")


def _must_be_stated(old: Sequence[object], new: Sequence[object], index: int, is_stated: bool) -> bool:
    """Whether an item must say a new value: where it said the old one, and where it could not be carried on to it."""
    if is_stated or index == 0:
        return new[index] != old[index]
    return new[index] != new[index - 1]


def _set_positions(point_items: tuple[Dataset, ...], before: Beam, after: Beam) -> None:
    """State the positions of devices that have changed."""
    for kind in {found.device for point in after.control_points for found in point.positions}:
        old, new = ([point.positions_mm_of(kind) for point in beam.control_points] for beam in (before, after))
        if old == new:
            continue
        for index, item in enumerate(point_items):
            stated = list(items(item, "BeamLimitingDevicePositionSequence"))
            own = [position for position in stated if text(position, "RTBeamLimitingDeviceType") == kind]
            if not _must_be_stated(old, new, index, bool(own)):
                continue
            if not own:
                own = [Dataset()]
                own[0].RTBeamLimitingDeviceType = kind
                _set(item, "BeamLimitingDevicePositionSequence", [*stated, *own])
            for position in own:
                _set(position, "LeafJawPositions", decimals(new[index]))


def _move_setups(written: Dataset, travel_mm: Float64Array) -> None:
    """Displacements from the setup marks end at the new isocenter."""
    for item in items(written, "PatientSetupSequence"):
        for keyword, way in zip(DISPLACEMENTS, travel_mm, strict=True):
            stated = number(item, keyword)
            if stated is not None:
                _set(item, keyword, decimal(stated + float(way)))


def _has_private(dataset: Dataset) -> bool:
    """Whether there are private elements; raises UnreadableFile for elements that could not be copied."""
    try:
        list(getattr(dataset, "file_meta", Dataset()))
        return any(tag.is_private for tag in [element.tag for element in dataset.iterall()])
    except PYDICOM_FAILURES as failure:
        raise UnreadableFile(
            f"{name_of(dataset)} holds an element that cannot be copied ({one_line(failure)})."
        ) from None


def _messages(old: Plan, change: PlanChange, removed: tuple[str, ...], has_private: bool) -> tuple[str, ...]:
    """What no longer holds, and what a person must do about it."""
    doses = ", ".join(old.dose_uids)
    messages = [
        f"Dose {doses} was computed for the predecessor and is not named any more: compute it again."
        if doses
        else f"The plan names no dose; every dose that names plan {old.uid} belongs to the predecessor alone."
    ]
    if removed:
        messages.append(f"Left out, since computed for the predecessor: {', '.join(removed)}.")
    if old.approval not in ("", "UNAPPROVED"):
        messages.append(f"The predecessor is {old.approval}; the new version is not: review it.")
    if change.moves_isocenter:
        messages.append("Table-top positions and setup displacements moved with the isocenter, where the plan has any.")
    if any(beam.reference_images for beam in old.beams):
        messages.append("Reference images of the beams show the predecessor; compute them again.")
    if has_private:
        messages.append("Private elements are kept as they were; they may repeat what has changed.")
    return tuple(messages)
