"""The folder of all days of a course: the images that were taken of the patient, and the registrations of them."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from openigrt.dicom.dataset.inventory import (
    IMAGE_CLASSES,
    Instance,
    Inventory,
    Series,
    damaged_instance,
    grouped_by_series,
    named_files,
    scan_folder,
)
from openigrt.dicom.folders.patients import PatientIdentity, require_one_patient
from openigrt.dicom.images.headers import acquired_at_of
from openigrt.dicom.images.series import modality_of
from openigrt.dicom.images.slices import is_localizer
from openigrt.dicom.registrations.stated import StatedRegistration, read_stated_registrations, registrations_in
from openigrt.errors import InconsistentInput, InputError, UnreadableFile
from openigrt.images import Image, Modality, Provenance

LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, eq=False, slots=True)
class DaySeries:
    """One series of images of the course, when its first header says it was acquired, and what is wrong with it."""

    series: Series
    acquired_at: datetime | None
    damage: str = ""

    @property
    def frame_uid(self) -> str:
        """Its Frame of Reference UID."""
        return self.series.instances[0].frame_uid

    @property
    def instance_uids(self) -> frozenset[str]:
        """The UIDs of its slices."""
        return frozenset(instance.uid for instance in self.series.instances)


@dataclass(frozen=True, eq=False)
class DaysFolder:
    """The images of a course in the order of time (those without one last), and the registrations that are there.

    `left_aside` says what else was there and is no image of the course, `strangers` what is of another patient,
    `unreadable` what cannot be read and is of no known series.
    """

    images: tuple[DaySeries, ...]
    registrations: tuple[StatedRegistration, ...]
    left_aside: tuple[str, ...]
    strangers: tuple[str, ...]
    unreadable: tuple[str, ...]

    def registrations_of(self, image: DaySeries, plan_frame_uid: str) -> tuple[StatedRegistration, ...]:
        """Those that speak of an image, the latest last; those of unknown time come first.

        By the slices that they name, else by the frame of reference: where several images share it, the last one that
        was acquired before the registration was made.
        """
        found = [stated for stated in self.registrations if self._speaks_of(stated, image, plan_frame_uid)]
        return tuple(sorted(found, key=lambda stated: (stated.created_at or LONG_AGO, stated.registration.uid)))

    def registrations_of_none(self, plan_frame_uid: str) -> tuple[StatedRegistration, ...]:
        """Those that speak of no image of the course."""
        return tuple(
            stated
            for stated in self.registrations
            if not any(self._speaks_of(stated, image, plan_frame_uid) for image in self.images)
        )

    def _speaks_of(self, stated: StatedRegistration, image: DaySeries, plan_frame_uid: str) -> bool:
        """Whether a registration is about an image."""
        if self._named_by[stated]:
            return image in self._named_by[stated]
        if image.frame_uid == plan_frame_uid:
            return False
        frames = {source.frame_uid for source in stated.registration.sources}
        frames.add(stated.registration.registered_frame_uid)
        return image.frame_uid in frames and image in self._likeliest(stated, image.frame_uid)

    @cached_property
    def _named_by(self) -> Mapping[StatedRegistration, frozenset[DaySeries]]:
        """The images of which each registration names slices."""
        holding: dict[str, list[DaySeries]] = defaultdict(list)
        for image in self.images:
            for uid in image.instance_uids:
                holding[uid].append(image)
        return {
            stated: frozenset(
                image for source in stated.registration.sources for uid in source.image_uids for image in holding[uid]
            )
            for stated in self.registrations
        }

    def _likeliest(self, stated: StatedRegistration, frame_uid: str) -> Sequence[DaySeries]:
        """The image of a frame that a registration is of by their times; all of that frame where times do not tell."""
        sharing = [image for image in self.images if image.frame_uid == frame_uid]
        made_at = stated.created_at
        before = [image for image in sharing if image.acquired_at and made_at and image.acquired_at <= made_at]
        return before[-1:] or sharing


def read_days_folder(
    path: Path, plan_path: Path, planning_image: Image, told: Callable[[int, int], None] = lambda done, count: None
) -> DaysFolder:
    """What a folder of days holds, by headers alone; registrations are looked for in the plan's folder as well.

    The planning image, copies of it, localizers and scans from before it are left aside. What is wrong with one series
    or file is told in the result. Raises the errors of `scan_folder`.
    """
    inventory = scan_folder(path, told)
    planned = planning_image.provenance
    patient = PatientIdentity(planned.patient_id, planned.patient_name, "the planning image")
    damaged, homeless = _damaged(inventory)
    series = grouped_by_series([*inventory.instances_of(IMAGE_CLASSES), *damaged])
    own, strangers = _of_patient(series, patient)
    left_aside = {s.uid: why for s in own if (why := _no_image_of_the_course(s, planned, planning_image.frame.uid))}
    images = [_day_series(s, damaged) for s in own if s.uid not in left_aside]
    registrations = grouped_by_series(registrations_in(inventory, *_readable(plan_path)))
    own_registrations, strange_registrations = _of_patient(registrations, patient)
    found = read_stated_registrations(instance for s in own_registrations for instance in s.instances)
    return DaysFolder(
        images=tuple(sorted(images, key=lambda i: (i.acquired_at is None, i.acquired_at or LONG_AGO, i.series.uid))),
        registrations=found.stated,
        left_aside=(*left_aside.values(), *found.left_aside, *_no_dicom(inventory)),
        strangers=(*strangers, *strange_registrations),
        unreadable=(*homeless, *found.unreadable),
    )


def _readable(path: Path) -> Iterator[Inventory]:
    """The inventory of a folder, where it is one of DICOM."""
    try:
        yield scan_folder(path)
    except InputError:
        return


def _damaged(inventory: Inventory) -> tuple[dict[Instance, str], tuple[str, ...]]:
    """Damaged images whose header can be read, with what is wrong with them, and sentences about the other files."""
    known, homeless = {}, []
    for skipped in inventory.skipped:
        instance = damaged_instance(skipped) if skipped.is_damaged else None
        if instance is not None and instance.sop_class_uid in IMAGE_CLASSES:
            known[instance] = skipped.reason
        elif skipped.is_damaged:
            homeless.append(skipped.reason)
    return known, tuple(homeless)


def _identity(instance: Instance) -> PatientIdentity:
    """Whom an object says that it is of."""
    return PatientIdentity(instance.patient_id, instance.patient_name, f"{instance.class_name} {instance.path.name}")


def _of_patient(series: Iterable[Series], patient: PatientIdentity) -> tuple[list[Series], tuple[str, ...]]:
    """The series that may be of the patient, and sentences about those of another one; by their first object."""
    own, strangers = [], []
    for entry in series:
        identity = _identity(entry.instances[0])
        if identity.is_same(patient):
            own.append(entry)
        else:
            strangers.append(f"{entry} is of another patient: {identity}, the plan of {patient}.")
    return own, tuple(strangers)


def _no_image_of_the_course(series: Series, planned: Provenance, plan_frame_uid: str) -> str:
    """Why a series is left aside, in a sentence; empty for an image of the course."""
    first = series.instances[0]
    uids = {instance.uid for instance in series.instances}
    if series.uid == planned.series_uid or uids & set(planned.instance_uids):
        return f"{series}: the planning image."
    try:
        acquired_at, is_cone_beam = acquired_at_of(first), modality_of(first) is Modality.CBCT
        if all(is_localizer(instance) for instance in series.instances):
            return f"{series}: a localizer."
    except UnreadableFile:
        return ""
    if is_cone_beam or acquired_at is None or planned.acquired_at is None:
        return ""
    if acquired_at == planned.acquired_at and first.frame_uid == plan_frame_uid:
        return f"{series}: a copy of the planning image, by frame of reference and time of acquisition."
    if acquired_at < planned.acquired_at:
        return f"{series}: acquired at {acquired_at:%Y-%m-%d %H:%M} UTC, before the planning image."
    return ""


def _day_series(series: Series, damaged: Mapping[Instance, str]) -> DaySeries:
    """A series with its time and what keeps it from being read."""
    first = series.instances[0]
    broken = [damaged[instance] for instance in series.instances if instance in damaged]
    try:
        acquired_at = acquired_at_of(first)
        require_one_patient(_identity(instance) for instance in series.instances)
    except (UnreadableFile, InconsistentInput) as error:
        return DaySeries(series, None, error.sentence)
    if broken:
        count = f"{len(broken)} of {len(series.instances)} files of this series are damaged: copy it again."
        return DaySeries(series, acquired_at, f"{broken[0]} {count}")
    return DaySeries(series, acquired_at)


def _no_dicom(inventory: Inventory) -> Iterator[str]:
    """Files that are no DICOM, and those that look as if they had been."""
    junk = [skipped.path.name for skipped in inventory.skipped if not skipped.is_damaged]
    if junk:
        yield f"{named_files(junk)}: not DICOM."
    yield from inventory.doubts()
