"""The readers that are fed hostile files, each with small whole files to begin from."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random

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
from openigrt.files import ScanDefaults, read_rtk_geometry, read_scan
from openigrt.files.varian_scan import read_projection_info, read_truebeam_scan
from openigrt.files.xvi_frames import read_xvi_frames
from openigrt.patient import PlanChange, PlanVersion, beams_eye_view
from openigrt.tasks import check_record, check_summary
from tests.dicom import dicom_cases as cases
from tests.dicom.test_dose import planes
from tests.dicom.test_rt_image import rt_image
from tests.dicom.test_segmentation import small as segmentation
from tests.dicom.test_spatial_fiducials import fiducial, fiducials
from tests.dicom.test_spatial_registration import DAILY_UID, PLAN_UID, images
from tests.dicom.test_surface import cloud, mesh, surface_item
from tests.dicom.test_ultrasound import ultrasound
from tests.dicom.writing_cases import series_header
from tests.files import vendor_files
from tests.fuzz import scan_seeds, seeds
from tests.fuzz.judging import refuses_or_reads
from tests.fuzz.mutations import mutated, reworded, torn

PROFILE = profile_with()
PSEUDONYMS = Pseudonyms(bytes(range(32)))


@dataclass(frozen=True)
class Target:
    """A reader of one file; `beside` writes the files that lie in the folder with it, `mutate` makes it hostile."""

    seeds: tuple[Callable[[], Dataset | bytes], ...]
    read: Callable[[Path], object]
    beside: Callable[[Path], object] = lambda folder: None
    mutate: Callable[[bytes, Random], bytes] = mutated


def by_class(path: Path) -> object:
    """What the reader of its class makes of an object."""
    return read_any(read_object(path)[0])


def _day(path: Path, straightening: Straightening = Straightening.REFUSED) -> object:
    return read_daily_folder(path.parent, cases.FRAME, straightening=straightening)


def _other_slices(folder: Path) -> None:
    seeds.volume().write(folder, lambda k, dataset: k != 1)


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


def _scan(path: Path) -> object:
    """The scan of the folder, and its pixels."""
    scan, messages = read_scan(path.parent, ScanDefaults(spacing_mm=(0.8, 0.8)))
    return scan, messages, scan.pixels[:]


def _rt_image_scan(path: Path) -> object:
    scan, messages = read_rt_image_scan([path])
    return scan, messages, scan.pixels[:]


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
    "tiff": Target(scan_seeds.TIFFS, _scan, scan_seeds.beside_tiff, torn),
    "xvi_frames": Target(scan_seeds.XVI_FRAMES, read_xvi_frames, mutate=reworded),
    "projection_info": Target(scan_seeds.PROJECTION_INFO, read_projection_info, mutate=reworded),
    "truebeam_scan": Target(scan_seeds.TRUEBEAM_SCAN, read_truebeam_scan, mutate=reworded),
    "rtk_geometry": Target(scan_seeds.RTK_GEOMETRY, read_rtk_geometry, mutate=reworded),
}
