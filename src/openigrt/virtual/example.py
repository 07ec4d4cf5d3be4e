"""The embedded example: a virtual pelvis with its plan, and an image of the day with a known setup error, as DICOM."""

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import numpy as np
from pydicom import Dataset
from pydicom.uid import CTImageStorage

from openigrt.dicom import (
    DeviceHeader,
    PatientHeader,
    SeriesHeader,
    StudyHeader,
    instance_uids,
    save,
    write_dose,
    write_image_series,
    write_plan,
    write_structure_set,
)
from openigrt.errors import InputError
from openigrt.geometry import Float64Array, Grid, RigidTransform
from openigrt.images import Image, Provenance
from openigrt.patient import StructureRole, StructureSet
from openigrt.virtual.case import (
    DAILY_SIZE,
    PLANNING_SIZE,
    VirtualCase,
    case_uid,
    daily_image,
    planned_structures,
    planning_image,
    virtual_case,
    with_provenance,
)
from openigrt.virtual.treatment import Prescription, conformal_dose, conformal_plan

DOSE_SIZE, DOSE_SPACING_MM = (124, 84, 48), (3.2, 3.2, 3.2)
CT_NAMES = tuple(f"CT_{k:03d}.dcm" for k in range(1, PLANNING_SIZE[2] + 1))
PLANNING_NAMES = ("RS.dcm", "RP.dcm", "RD.dcm")
CBCT_NAMES = tuple(f"CBCT_{k:03d}.dcm" for k in range(1, DAILY_SIZE[2] + 1))
PLANNER = DeviceHeader("OpenIGRT", "virtual planning system")
SCANNER = DeviceHeader("OpenIGRT", "virtual CT scanner")
LINAC = DeviceHeader("OpenIGRT", "virtual linac", "VIRTUAL LINAC")


@dataclass(frozen=True, eq=False)
class EmbeddedExample:
    """Where the example lies, and its truth.

    `plan_from_daily` maps the bones of the day onto the plan (LPS mm); the prostate of the day is off its planned place
    in the bones by `prostate_shift_mm` (3,).
    """

    plan_folder: Path
    daily_folder: Path
    patient_id: str
    plan_from_daily: RigidTransform
    plan_isocenter_mm: Float64Array
    daily_isocenter_mm: Float64Array
    prostate_shift_mm: Float64Array


def write_embedded_example(folder: Path, seed: int = 0) -> EmbeddedExample:
    """Write `folder`/plan (CT, structure set, plan, dose) and `folder`/daily (cone-beam CT); same seed, same bytes.

    Files of an earlier example are replaced. Raises InputError, and writes nothing, where one of the two folders holds
    anything else.
    """
    case = virtual_case(seed)
    folders = folder / "plan", folder / "daily"
    _check_place(folders[0], {*CT_NAMES, *PLANNING_NAMES})
    _check_place(folders[1], {*CBCT_NAMES})
    planning, daily = _planning_files(case), _daily_files(case)
    for place, names, datasets in (
        (folders[0], (*CT_NAMES, *PLANNING_NAMES), planning),
        (folders[1], CBCT_NAMES, daily),
    ):
        for name, dataset in zip(names, datasets, strict=True):
            save(dataset, place / name)
    return EmbeddedExample(
        plan_folder=folders[0],
        daily_folder=folders[1],
        patient_id=case.patient_id,
        plan_from_daily=case.plan_from_daily,
        plan_isocenter_mm=case.isocenter_mm,
        daily_isocenter_mm=np.zeros(3),
        prostate_shift_mm=case.prostate_shift_mm,
    )


def _check_place(place: Path, names: set[str]) -> None:
    """Raise InputError where a folder holds files that are none of ours."""
    strangers = sorted({path.name for path in place.iterdir()} - names) if place.is_dir() else []
    if strangers:
        raise InputError(
            f"{place} already holds {strangers[0]}"
            f"{f' and {len(strangers) - 1} more files' if len(strangers) > 1 else ''}; choose an empty folder.",
            folder=str(place),
        )


def _planning_files(case: VirtualCase) -> list[Dataset]:
    """Planning CT, structure set, plan and dose."""
    ct_series = _series(case, "CT", SCANNER, "Planning CT pelvis")
    image = _described(planning_image(case), ct_series)
    structures = planned_structures(case, image)
    prescription = _prescription(case, structures)
    dose = conformal_dose(case.planned, prescription, _dose_grid(case), case_uid(case.seed, "dose"))
    return [
        *write_image_series(image, ct_series),
        write_structure_set(structures, image, _series(case, "RTSTRUCT", PLANNER, "Structures")),
        write_plan(conformal_plan(prescription), _series(case, "RTPLAN", PLANNER, "Plan")),
        write_dose(dose, _series(case, "RTDOSE", PLANNER, "Dose")),
    ]


def _daily_files(case: VirtualCase) -> list[Dataset]:
    """The cone-beam CT of the day."""
    series = _series(case, "CBCT", LINAC, "CBCT pelvis")
    return list(write_image_series(_described(daily_image(case), series), series))


def _series(case: VirtualCase, role: str, device: DeviceHeader, description: str) -> SeriesHeader:
    """Header of one series; that of the day belongs to another study than those of the planning."""
    is_daily = role == "CBCT"
    day: datetime = case.treated_at if is_daily else case.planned_at
    study = StudyHeader(
        uid=case_uid(case.seed, "daily study" if is_daily else "planning study"),
        started_at=day,
        study_id="2" if is_daily else "1",
        description="Image guidance" if is_daily else "Planning",
    )
    return SeriesHeader(
        patient=PatientHeader(case.patient_id, "Pelvis^Virtual", date(1950, 1, 1), "M"),
        study=study,
        uid=case_uid(case.seed, f"{role} series"),
        created_at=day,
        description=description,
        device=device,
    )


def _described(image: Image, series: SeriesHeader) -> Image:
    """An image with the provenance that its series gives it."""
    provenance = Provenance(
        patient_id=series.patient.patient_id,
        patient_name=series.patient.name,
        study_uid=series.study.uid,
        series_uid=series.uid,
        series_description=series.description,
        instance_uids=instance_uids(series.uid, image.grid.size[2]),
        sop_class_uid=CTImageStorage,
        manufacturer=series.device.manufacturer,
        device_model=series.device.model,
        station_name=series.device.station_name,
        acquired_at=series.created_at,
    )
    return with_provenance(image, provenance)


def _prescription(case: VirtualCase, structures: StructureSet) -> Prescription:
    """What is treated: the PTV as it is contoured."""
    ptv = next(s for s in structures.structures if s.role is StructureRole.PTV)
    return Prescription(
        frame=case.planned.frame,
        plan_uid=case_uid(case.seed, "plan"),
        structure_set_uid=structures.uid,
        patient_id=case.patient_id,
        isocenter_mm=case.isocenter_mm,
        target_mm=np.vstack([contour.points_mm for contour in ptv.contours]),
        created_at=case.planned_at,
    )


def _dose_grid(case: VirtualCase) -> Grid:
    """Where the dose is computed: 40 x 27 x 15 cm about the isocenter."""
    spacing_mm = np.array(DOSE_SPACING_MM)
    corner_mm = np.round(case.isocenter_mm - 0.5 * (np.array(DOSE_SIZE) - 1) * spacing_mm, 1)
    return Grid(case.planned.frame, corner_mm, spacing_mm, np.eye(3), DOSE_SIZE)
