"""The embedded example: a virtual pelvis with its plan, and an image of the day with a known setup error, as DICOM."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from openigrt.dicom import save, write_image_series
from openigrt.errors import InputError
from openigrt.geometry import Float64Array, Frame, PatientPosition, RigidTransform, fixed_from_lps, rotation_from_vector
from openigrt.images import Image
from openigrt.virtual.imaging.quick import SMALL_FIELD, quick_daily_image
from openigrt.virtual.patients.patient import Day, VirtualPatient
from openigrt.virtual.planning.datasets import planning_file_names, require_own_folder, slice_names, write_planning
from openigrt.virtual.planning.headers import daily_series, described
from openigrt.virtual.planning.identity import Identity
from openigrt.virtual.planning.planning_ct import PLANNING_SCANS, planning_image
from openigrt.virtual.planning.treatment import PLANNING_SEED, planned_treatment
from openigrt.virtual.sites.pelvis import PelvisState, pelvis_in, pelvis_patient

EXAMPLE_SEED, DAILY_SEED = 20, 22
ON_THE_AXIS = replace(PLANNING_SCANS["pelvis"], axis_mm=(0.0, 0.0))
CBCT_NAMES = slice_names("CBCT", SMALL_FIELD.size[2])


@dataclass(frozen=True, eq=False)
class ExampleCase:
    """A patient with a prostate to treat, one day, and where he lies then.

    `plan_from_daily` is the truth for all that is fixed to the bones (LPS mm); the middle of the prostate of the day
    lies `prostate_shift_mm` (3,) off its planned place in them. The daily frame has the machine isocenter as its origin
    and room axes at couch zero.
    """

    patient: VirtualPatient
    day: Day
    plan_from_daily: RigidTransform
    prostate_shift_mm: Float64Array

    @property
    def identity(self) -> Identity:
        """Who he is in records."""
        return Identity("pelvis", self.patient.seed)


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


def example_case(seed: int) -> ExampleCase:
    """The case of a seed: other fillings, gas and bowel on the day, a setup error of 6 to 8 mm and 1 to 2 degrees.

    The prostate moves by 0.5 to 1.6 mm in the bones. Raises InputError for a seed below zero.
    """
    if seed < 0:
        raise InputError(f"The seed of a virtual patient must be zero or more, found {seed}.", seed=seed)
    rng, identity = np.random.default_rng((seed, EXAMPLE_SEED)), Identity("pelvis", seed)
    plan, daily = Frame.plan(identity.uid("plan frame")), Frame.daily(identity.uid("daily frame"))
    origin_mm = np.round(rng.uniform((-8.0, -22.0, -620.0), (8.0, -12.0, -480.0)), 1)
    patient = pelvis_patient(plan, seed, origin_mm)
    state = _state_of_the_day(rng)
    rotation = rotation_from_vector(np.deg2rad(_vector(rng, 1.0, 2.0)))
    ends = (plan, patient.isocenter_mm), (daily, np.zeros(3))
    return ExampleCase(
        patient=patient,
        day=pelvis_in(patient, state),
        plan_from_daily=RigidTransform.about_points(*ends, rotation, _vector(rng, 6.0, 8.0)),
        prostate_shift_mm=np.array(state.prostate_shift_mm),
    )


def example_planning_image(case: ExampleCase) -> Image:
    """The planning CT, about 1.9 x 1.9 x 3 mm, its middle on the axis of the scanner."""
    return planning_image(case.patient, np.random.default_rng((case.patient.seed, PLANNING_SEED)), ON_THE_AXIS)


def example_daily_image(case: ExampleCase) -> Image:
    """The cone-beam CT of the day: its own frame, the linac's couch, 25 cm x 16 cm, with a cone-beam look."""
    daily = case.plan_from_daily.from_frame
    fixed_from_plan = fixed_from_lps(PatientPosition.HFS, daily, np.zeros(3)) @ case.plan_from_daily.inverse()
    rng = np.random.default_rng((case.patient.seed, DAILY_SEED))
    return quick_daily_image(case.patient, case.day, fixed_from_plan, 0.0, rng, daily=daily, field=SMALL_FIELD)


def write_embedded_example(folder: Path, seed: int = 0) -> EmbeddedExample:
    """Write `folder`/plan (CT, structure set, plan, dose) and `folder`/daily (cone-beam CT); same seed, same bytes.

    Files of an earlier example are replaced. Raises InputError, and writes nothing, where one of the two folders holds
    anything else.
    """
    case = example_case(seed)
    plan_folder, daily_folder = folder / "plan", folder / "daily"
    require_own_folder(plan_folder, planning_file_names(ON_THE_AXIS.size[2]))
    require_own_folder(daily_folder, CBCT_NAMES)
    treatment = planned_treatment(case.patient, image=example_planning_image(case))
    series = daily_series(case.identity, case.identity.treated_at)
    daily = write_image_series(described(example_daily_image(case), series), series)
    write_planning(treatment, plan_folder)
    for name, dataset in zip(CBCT_NAMES, daily, strict=True):
        save(dataset, daily_folder / name)
    return EmbeddedExample(
        plan_folder=plan_folder,
        daily_folder=daily_folder,
        patient_id=case.identity.patient_id,
        plan_from_daily=case.plan_from_daily,
        plan_isocenter_mm=case.patient.isocenter_mm,
        daily_isocenter_mm=np.zeros(3),
        prostate_shift_mm=case.prostate_shift_mm,
    )


def _state_of_the_day(rng: np.random.Generator) -> PelvisState:
    """Emptier bladder, other rectum, gas and bowel, and a prostate that has moved a little."""
    x, y, z = _vector(rng, 0.5, 1.6)
    return PelvisState(
        bladder_ml=float(rng.uniform(150.0, 190.0)),
        rectum_width=float(rng.uniform(0.94, 1.08)),
        gas_width=float(rng.uniform(0.6, 1.15)),
        gas_shift_mm=(0.0, 0.0, float(rng.uniform(-10.0, 12.0))),
        prostate_shift_mm=(float(x), float(y), float(z)),
        bowel_seed=1,
    )


def _vector(rng: np.random.Generator, shortest: float, longest: float) -> Float64Array:
    """A vector (3,) of random direction and length."""
    direction = rng.standard_normal(3)
    return np.asarray(rng.uniform(shortest, longest) * direction / np.linalg.norm(direction))
