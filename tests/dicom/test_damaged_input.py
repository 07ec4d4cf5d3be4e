"""What is done with damaged objects once they are read; the readers themselves are fed hostile files in `fuzz`."""

import random

import pytest

from openigrt.dicom import (
    chained_plan_from_daily,
    new_plan_version,
    plan_from_daily,
    read_dose_planes,
    read_object,
    read_plan,
    read_spatial_registration,
    read_uneven_dose,
    write_plan,
)
from openigrt.errors import OpenIgrtError
from openigrt.patient import PlanChange, PlanVersion, beams_eye_view
from tests.dicom.dicom_cases import (
    DOSE,
    FRAME,
    REGISTRATION,
    dicom_object,
    dose,
    write,
)
from tests.dicom.test_dose import planes
from tests.dicom.test_spatial_registration import DAILY_UID, PLAN_UID, images, item, matrix4
from tests.dicom.whole_plans import ion_plan, photon_plan
from tests.dicom.writing_cases import series_header

pytestmark = pytest.mark.filterwarnings("ignore")

ROUNDS = 150


def damaged(content, generator):
    """One to eight bytes changed, or a piece cut out, doubled or filled with 0xFF."""
    content = bytearray(content)
    start = generator.randrange(len(content))
    kind = generator.randrange(4)
    if kind == 0:
        for _ in range(generator.randint(1, 8)):
            content[generator.randrange(len(content))] = generator.randrange(256)
    elif kind == 1:
        del content[start : start + generator.randint(1, 200)]
    elif kind == 2:
        content[start:start] = content[start : start + generator.randint(1, 200)]
    else:
        content[start : start + 4] = b"\xff" * 4
    return bytes(content)


def refuses_or_reads(action):
    """Run an action; only our own errors, with one sentence, may come out of it."""
    sentence = "read"
    try:
        action()
    except OpenIgrtError as error:
        sentence = error.sentence
    assert sentence
    assert "\n" not in sentence


def registration_of(path):
    return plan_from_daily(read_spatial_registration(read_object(path)[0]), *images())


def use_plan(path):
    """Read a plan and do all that can be done with it."""
    dataset, _ = read_object(path)
    read, _ = read_plan(dataset)
    for beam in read.beams:
        for point in beam.control_points:
            refuses_or_reads(lambda beam=beam, point=point: beams_eye_view(beam, point))
    refuses_or_reads(lambda: write_plan(read, series_header("62")))
    version = PlanVersion("1.9.9", "v2", series_header("62").created_at)
    new_plan_version(dataset, PlanChange((1.0, 2.0, 3.0)), version, "1.9.8")


READERS = {
    "photon plan": (lambda: write_plan(photon_plan(), series_header("62")), lambda path: use_plan(path)),
    "ion plan": (lambda: write_plan(ion_plan(), series_header("62")), lambda path: use_plan(path)),
    "registration": (
        lambda: dicom_object(
            REGISTRATION, DOSE, FrameOfReferenceUID=FRAME, RegistrationSequence=[item(matrix4(), "1.2.3")]
        ),
        registration_of,
    ),
    "planes": (lambda: planes()[1], lambda path: read_dose_planes([planes()[0], read_object(path)[0], planes()[2]])),
    "uneven dose": (
        lambda: dose(offsets=[0, 3, 6, 9, 15]),
        lambda path: read_uneven_dose(read_object(path)[0], 2.0),
    ),
    "chain": (
        lambda: dicom_object(
            REGISTRATION, DOSE, FrameOfReferenceUID=PLAN_UID, RegistrationSequence=[item(matrix4(), DAILY_UID)]
        ),
        lambda path: chained_plan_from_daily([read_spatial_registration(read_object(path)[0])], *images()),
    ),
}


@pytest.mark.parametrize("name", READERS)
def test_random_damage(tmp_path, name):
    make, read = READERS[name]
    path = write(make(), tmp_path / "damaged.dcm")
    content = path.read_bytes()
    generator = random.Random(20240229)
    for _ in range(ROUNDS):
        path.write_bytes(damaged(content, generator))
        refuses_or_reads(lambda: read(path))
