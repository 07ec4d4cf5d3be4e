"""The readers that are fed hostile files, each with small whole files to begin from."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from pydicom import Dataset

import openigrt
from openigrt.dicom import (
    Pseudonyms,
    Straightening,
    chained_plan_from_daily,
    deidentified_file,
    new_plan_version,
    plan_from_daily,
    profile_with,
    read_any,
    read_daily_folder,
    read_daily_series,
    read_days_folder,
    read_dose_planes,
    read_dvhs,
    read_object,
    read_plan,
    read_plan_folder,
    read_rt_image_scan,
    read_spatial_registration,
    read_uneven_dose,
    save_deidentified,
    write_plan,
)
from openigrt.files import (
    ScanDefaults,
    read_aliases,
    read_field,
    read_machine,
    read_readings,
    read_rtk_geometry,
    read_scan,
    read_volume,
    sha256_of,
)
from openigrt.files.varian_scan import read_projection_info, read_truebeam_scan
from openigrt.files.xvi_frames import read_xvi_frames
from openigrt.geometry import Frame
from openigrt.images import Modality
from openigrt.patient import PlanChange, PlanVersion, Structure, StructureRole, StructureSet, beams_eye_view
from openigrt.tasks import acceptance_summary, check_record, check_summary, sorted_record
from openigrt.tasks.deidentification.folder import require_own
from openigrt.tasks.deidentification.pseudonym_files import read_given_ids, read_key, write_link
from openigrt.tasks.review.course_store import kept
from tests.dicom import dicom_cases as cases
from tests.dicom.test_days_folder import PLAN_FRAME
from tests.dicom.test_days_folder import image as course_image
from tests.dicom.test_dose import planes
from tests.dicom.test_rt_image import rt_image
from tests.dicom.test_segmentation import small as segmentation
from tests.dicom.test_spatial_fiducials import fiducial, fiducials
from tests.dicom.test_spatial_registration import DAILY_UID, PLAN_UID, images
from tests.dicom.test_surface import cloud, mesh, surface_item
from tests.dicom.test_ultrasound import ultrasound
from tests.dicom.writing_cases import series_header
from tests.files import vendor_files
from tests.fuzz import scan_seeds, seeds, settings_seeds
from tests.fuzz.judging import refuses_or_reads
from tests.fuzz.mutations import mutated, reworded, torn
from tests.tasks.test_course_store import KEY

PROFILE = profile_with()
PSEUDONYMS = Pseudonyms(bytes(range(32)))
MARK = {"input": "sha", "key": "mark", "keep": ["device"]}
NAMES = ("Blase voll", "Lunge li", "PTV 50,4 Gy", "a" * 64, "PTV1 hoch " * 6)
NAMED = tuple(Structure(n, name, StructureRole.ORGAN, ()) for n, name in enumerate(NAMES, start=1))


@dataclass(frozen=True)
class Target:
    """A reader of a file called `name`; `beside` writes what lies in the folder with it, `mutate` makes it hostile."""

    seeds: tuple[Callable[[], Dataset | bytes], ...]
    read: Callable[[Path], object]
    beside: Callable[[Path], object] = lambda folder: None
    mutate: Callable[[bytes, Random], bytes] = mutated
    name: str = "hostile.dcm"


def by_class(path: Path) -> object:
    """What the reader of its class makes of an object."""
    return read_any(read_object(path)[0])


def _day(path: Path, straightening: Straightening = Straightening.REFUSED) -> object:
    return read_daily_folder(path.parent, cases.FRAME, straightening=straightening)


def _other_slices(folder: Path) -> None:
    seeds.volume().write(folder, lambda k, dataset: k != 1)


def _slices(folder: Path) -> None:
    seeds.volume().write(folder)


def _other_pet_slices(folder: Path) -> None:
    cases.SliceSeries(cases.volume(), sop_class=cases.PET).write(folder, lambda k, dataset: k != 1)


def _plan_folder_without(name: str, folder: Path) -> None:
    cases.write_plan_folder(folder)
    (missing,) = folder.rglob(name)
    missing.unlink()


def _plan_folder(seed: Callable[[], Dataset], name: str) -> Target:
    """A plan folder of which one file is hostile; no whole one of its kind lies there, or that would be chosen."""
    return Target((seed,), lambda path: read_plan_folder(path.parent), partial(_plan_folder_without, name))


def _checked(path: Path) -> object:
    found = openigrt.check(path.parent)
    return check_record(found), check_summary(found)


def _deidentified(path: Path) -> object:
    treated = deidentified_file(path, PROFILE, PSEUDONYMS)
    written = path.with_suffix(".out")
    save_deidentified(treated, written)
    assert b"Doe^Jane" not in written.read_bytes(), "the name is still there"
    return treated.remarks


def _plan_used(path: Path) -> object:
    """All that can be done with a plan."""
    dataset, _ = read_object(path)
    plan, _ = read_plan(dataset)
    for beam in plan.beams:
        for point in beam.control_points:
            refuses_or_reads(partial(beams_eye_view, beam, point))
    refuses_or_reads(lambda: write_plan(plan, series_header("62")))
    version = PlanVersion("1.9.9", "v2", series_header("62").created_at)
    return new_plan_version(dataset, PlanChange((1.0, 2.0, 3.0)), version, "1.9.8")


def _dose_planes(path: Path) -> object:
    first, _, third = planes(range(3))
    return read_dose_planes([first, read_object(path)[0], third])


def _registered(path: Path) -> object:
    return plan_from_daily(read_spatial_registration(read_object(path)[0]), *images())


def _chained(path: Path) -> object:
    return chained_plan_from_daily([read_spatial_registration(read_object(path)[0])], *images())


def _between_images() -> Dataset:
    return seeds.registration(PLAN_UID, DAILY_UID)


def _exposed() -> Dataset:
    return rt_image(ExposureSequence=[cases.sequence_item(KVP=100)])


def _fiducials() -> Dataset:
    return fiducials(fiducial(), fiducial("B", (0, 0, 0, 1, 1, 1), ShapeType="LINE"))


def _scan(path: Path, known: ScanDefaults | None = None) -> object:
    """The scan of the folder, and its pixels."""
    scan, messages = read_scan(path.parent, known)
    return scan, messages, scan.pixels[:]


def _tiff_scan(path: Path) -> object:
    return _scan(path, ScanDefaults(spacing_mm=(0.8, 0.8)))


def _rt_image_scan(path: Path) -> object:
    scan, messages = read_rt_image_scan([path])
    return scan, messages, scan.pixels[:]


def _volume(suffix: str) -> Target:
    """Volumes of a suffix; where they are headers alone the voxels lie beside them."""
    return Target(scan_seeds.VOLUMES[suffix], _read_volume, scan_seeds.beside_volume, reworded, f"hostile{suffix}")


def _read_volume(path: Path) -> object:
    assert len(sha256_of(path)) == 64
    return read_volume(path, Frame.daily("1.2.3"), Modality.CT)


def _field(beginnings: tuple[Callable[[], bytes], ...]) -> Target:
    return Target(beginnings, read_field, mutate=torn)


def _machine_used(path: Path) -> object:
    """A machine file, its page and its form."""
    refuses_or_reads(lambda: openigrt.accept(path, out=path.with_suffix("")))
    return read_machine(path)


def _aliases_used(path: Path) -> object:
    return read_aliases(path).applied(StructureSet("1.2", "", Frame.plan("1.3"), NAMED))


def _accepted(path: Path) -> object:
    found = openigrt.accept(settings_seeds.ACCEPTED, path)
    return read_readings(path), found.judgements, acceptance_summary(found)


def _link_added_to(path: Path) -> object:
    return write_link(path, {"B-2": ("trial-002", 7)})


def _days(path: Path) -> object:
    days = read_days_folder(path.parent, path.parent, course_image(0, PLAN_FRAME))
    for day in days.images:
        refuses_or_reads(partial(read_daily_series, day.series, cases.FRAME))
    return days.left_aside, days.strangers, days.unreadable, days.registrations


def _sorted(path: Path) -> object:
    with TemporaryDirectory() as out:
        return sorted_record(openigrt.sort(path.parent, Path(out) / "sorted"))


IMAGES = (seeds.ct_slice, seeds.run_length_slice, seeds.deflated_slice)
OBJECTS = (seeds.ct_slice, cases.structure_set, cases.plan, cases.dose, seeds.registration)

TARGETS = {
    "slices": Target(IMAGES, _day, _other_slices),
    "straightened": Target(IMAGES, partial(_day, straightening=Straightening.RESAMPLED), _other_slices),
    "pet": Target((seeds.pet_slice,), _day, _other_pet_slices),
    "enhanced": Target((seeds.enhanced_ct,), _day),
    "structure_set": Target((cases.structure_set, seeds.deflated_structure_set), by_class),
    "plan": Target((cases.plan, seeds.plan_with_leaves, seeds.whole_photon_plan, seeds.whole_ion_plan), by_class),
    "plan_used": Target((seeds.whole_photon_plan, seeds.whole_ion_plan), _plan_used),
    "dose": Target((cases.dose,), by_class),
    "dose_planes": Target((lambda: planes(range(3))[1],), _dose_planes),
    "uneven_dose": Target((seeds.uneven_dose,), lambda path: read_uneven_dose(read_object(path)[0], 2.0)),
    "histogram": Target((seeds.dose_with_histogram,), lambda path: read_dvhs(read_object(path)[0])),
    "registration": Target((seeds.registration,), by_class),
    "registered": Target((_between_images,), _registered),
    "chained": Target((_between_images,), _chained),
    "deformation": Target((seeds.deformation,), by_class),
    "fiducials": Target((_fiducials,), by_class),
    "projection": Target((rt_image, _exposed), by_class),
    "surface": Target((lambda: mesh(surface_item()), cloud), by_class),
    "ultrasound": Target((ultrasound,), by_class),
    "segmentation": Target((segmentation,), by_class),
    "record": Target(seeds.RECORDS, by_class),
    "instruction": Target(seeds.INSTRUCTIONS, by_class),
    "plan_folder_slice": _plan_folder(seeds.ct_slice, "*_001.dcm"),
    "plan_folder_structures": _plan_folder(cases.structure_set, "rs.dcm"),
    "plan_folder_plan": _plan_folder(cases.plan, "rp.dcm"),
    "plan_folder_dose": _plan_folder(cases.dose, "rd.dcm"),
    "check": Target(OBJECTS, _checked, cases.write_plan_folder),
    "deidentified": Target((*OBJECTS, seeds.whole_photon_record, rt_image), _deidentified),
    "rt_image_scan": Target((rt_image,), _rt_image_scan),
    "xim": Target(scan_seeds.XIM, _scan, scan_seeds.beside_xim, torn),
    "hnd": Target((vendor_files.hnd, vendor_files.hnc), _scan, scan_seeds.beside_hnd, torn),
    "his": Target((vendor_files.his,), _scan, scan_seeds.beside_his, torn),
    "stack": Target(scan_seeds.STACKS, _scan, scan_seeds.beside_stack, reworded),
    "tiff": Target(scan_seeds.TIFFS, _tiff_scan, scan_seeds.beside_tiff, torn),
    "xvi_frames": Target(scan_seeds.XVI_FRAMES, read_xvi_frames, mutate=reworded),
    "projection_info": Target(scan_seeds.PROJECTION_INFO, read_projection_info, mutate=reworded),
    "truebeam_scan": Target(scan_seeds.TRUEBEAM_SCAN, read_truebeam_scan, mutate=reworded),
    "rtk_geometry": Target(scan_seeds.RTK_GEOMETRY, read_rtk_geometry, mutate=reworded),
    "mha": _volume(".mha"),
    "mhd": _volume(".mhd"),
    "nrrd": _volume(".nrrd"),
    "nhdr": _volume(".nhdr"),
    "field_stack": _field(scan_seeds.STACKS),
    "field_image": _field((*scan_seeds.XIM, vendor_files.hnd, vendor_files.his, *scan_seeds.TIFFS)),
    "machine": Target(settings_seeds.MACHINES, _machine_used, mutate=reworded),
    "aliases": Target(settings_seeds.ALIASES, _aliases_used, mutate=reworded),
    "readings": Target(settings_seeds.READINGS, _accepted, mutate=reworded),
    "given_ids": Target(settings_seeds.GIVEN_IDS, read_given_ids, mutate=reworded),
    "key": Target(settings_seeds.KEYS, read_key, mutate=torn),
    "link": Target(settings_seeds.LINKS, _link_added_to, mutate=reworded),
    "kept": Target(settings_seeds.KEPT, lambda path: kept(path.parent, KEY), mutate=reworded, name=f"{KEY}.json"),
    "former_result": Target(
        settings_seeds.RECORDS,
        lambda path: require_own(path.parent, MARK),
        mutate=reworded,
        name="deidentification.json",
    ),
    "days": Target((*IMAGES, seeds.registration), _days, _other_slices),
    "sorted": Target(OBJECTS, _sorted, cases.write_plan_folder),
    "day_registration": Target((seeds.registration,), _day, _slices),
}
