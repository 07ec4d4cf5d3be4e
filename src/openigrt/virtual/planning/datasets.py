"""The DICOM files of a planned virtual patient."""

from pathlib import Path

from pydicom import Dataset

from openigrt.dicom import save, write_dose, write_image_series, write_plan, write_structure_set
from openigrt.errors import InputError
from openigrt.virtual.planning.headers import PLANNER, ct_series, planning_series
from openigrt.virtual.planning.identity import identity_of
from openigrt.virtual.planning.treatment import PlannedTreatment

STRUCTURES_FILE, PLAN_FILE, DOSE_FILE = "RS.dcm", "RP.dcm", "RD.dcm"


def slice_names(prefix: str, count: int) -> tuple[str, ...]:
    """File names of the slices of an image: `CT_001.dcm` and so on."""
    return tuple(f"{prefix}_{k:03d}.dcm" for k in range(1, count + 1))


def planning_file_names(slices: int) -> tuple[str, ...]:
    """The names that the files of a plan get: slices of the CT, structures, plan, dose."""
    return (*slice_names("CT", slices), STRUCTURES_FILE, PLAN_FILE, DOSE_FILE)


def planning_datasets(treatment: PlannedTreatment) -> dict[str, Dataset]:
    """CT slices, RT Structure Set, RT Plan and RT Dose by file name; the same patient gives the same bytes."""
    identity = identity_of(treatment.patient)
    of_ct = ct_series(identity)
    of_structures, of_plan, of_dose = (
        planning_series(identity, f"RT{what.upper()}", PLANNER, name)
        for what, name in (("struct", "Structures"), ("plan", "Plan"), ("dose", "Dose"))
    )
    datasets = [
        *write_image_series(treatment.image, of_ct),
        write_structure_set(treatment.structures, treatment.image, of_structures),
        write_plan(treatment.plan, of_plan),
        write_dose(treatment.dose, of_dose),
    ]
    return dict(zip(planning_file_names(treatment.image.grid.size[2]), datasets, strict=True))


def write_planning(treatment: PlannedTreatment, folder: Path) -> tuple[Path, ...]:
    """Write the files of a plan into a folder, and say where they lie; files of the same names are replaced.

    Raises InputError, and writes nothing, where the folder holds anything else.
    """
    require_own_folder(folder, planning_file_names(treatment.image.grid.size[2]))
    written = []
    for name, dataset in planning_datasets(treatment).items():
        save(dataset, folder / name)
        written.append(folder / name)
    return tuple(written)


def require_own_folder(folder: Path, names: tuple[str, ...]) -> None:
    """Raise InputError where a folder holds files of other names."""
    strangers = sorted({path.name for path in folder.iterdir()} - set(names)) if folder.is_dir() else []
    if strangers:
        raise InputError(
            f"{folder} already holds {strangers[0]}"
            f"{f' and {len(strangers) - 1} more files' if len(strangers) > 1 else ''}; choose an empty folder.",
            folder=str(folder),
        )
