"""The Common Instance Reference module (PS3.3 C.12.2): which series and studies the objects lie in that are named."""

from collections.abc import Iterable

from pydicom import Dataset
from pydicom.uid import UID

from openigrt.dicom.dataset.elements import items, text
from openigrt.dicom.dataset.headers import reference
from openigrt.images import Provenance


def set_references(dataset: Dataset, sources: Iterable[Provenance]) -> None:
    """Name the objects of these sources by series, those of other studies apart; sources without objects are none."""
    series_of_study: dict[str, dict[str, Dataset]] = {}
    for source in sources:
        if source.instance_uids:
            series = series_of_study.setdefault(source.study_uid or dataset.StudyInstanceUID, {})
            series.setdefault(source.series_uid, _series_item(source))
    own = series_of_study.pop(dataset.StudyInstanceUID, {})
    if own:
        dataset.ReferencedSeriesSequence = list(own.values())
    if series_of_study:
        others = [_study_item(uid, list(series.values())) for uid, series in series_of_study.items()]
        dataset.StudiesContainingOtherReferencedInstancesSequence = others


def _series_item(source: Provenance) -> Dataset:
    """An item of Referenced Series Sequence."""
    item = Dataset()
    item.SeriesInstanceUID = UID(source.series_uid)
    item.ReferencedInstanceSequence = [reference(source.sop_class_uid, uid) for uid in source.instance_uids]
    return item


def _study_item(study_uid: str, series: list[Dataset]) -> Dataset:
    """An item of Studies Containing Other Referenced Instances Sequence."""
    item = Dataset()
    item.StudyInstanceUID = UID(study_uid)
    item.ReferencedSeriesSequence = series
    return item


def study_and_series_by_instance(dataset: Dataset) -> dict[str, tuple[str, str]]:
    """(study UID, series UID) of each object that the module names, by its SOP Instance UID."""
    own = [(text(dataset, "StudyInstanceUID"), item) for item in items(dataset, "ReferencedSeriesSequence")]
    others = [
        (text(study, "StudyInstanceUID"), item)
        for study in items(dataset, "StudiesContainingOtherReferencedInstancesSequence")
        for item in items(study, "ReferencedSeriesSequence")
    ]
    return {
        text(instance, "ReferencedSOPInstanceUID"): (study_uid, text(item, "SeriesInstanceUID"))
        for study_uid, item in own + others
        for instance in items(item, "ReferencedInstanceSequence")
    }
