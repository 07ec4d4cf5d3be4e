"""What check says about plans: contradictions, isocenters, fractions, machines; and nothing where nothing is wrong."""

import pytest

from openigrt.dicom import Severity, find_problems, links_of, scan_folder
from tests.dicom.dicom_cases import (
    SliceSeries,
    beam,
    control_point,
    full_control_point,
    plan,
    sequence_item,
    volume,
    write,
    write_plan_folder,
)

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")


def found_in(folder, **values):
    """Severity and sentence of all findings about a plan folder, without the name of the plan."""
    write_plan_folder(folder, **{"ApprovalStatus": "APPROVED", **values})
    inventory = scan_folder(folder)
    prefix = "RT Plan 'Plan A' (rp.dcm): "
    return [(f.severity, f.sentence.removeprefix(prefix)) for f in find_problems(inventory, links_of(inventory))]


def at(*isocenter, **values):
    return [full_control_point(isocenter=isocenter, **values), control_point(1)]


def without_isocenter():
    point = full_control_point()
    del point.IsocenterPosition
    return point


def test_nothing_where_nothing_is_wrong(tmp_path):
    assert found_in(tmp_path) == []


@pytest.mark.parametrize(
    ("inside", "outside"),
    [
        ((-10.4, -20.9, 28.6), (-10.6, -20.9, 28.6)),
        ((-3.6, -9.1, 43.4), (-3.6, -8.9, 43.4)),
        ((-7, -15, 43), (-7, -15, 44)),
    ],
)
def test_an_isocenter_outside_the_image(tmp_path, inside, outside):
    """Voxels of 1 x 2 x 3 mm from (-10, -20, 30) on, seven, six and five of them: half a voxel more on each side."""
    assert found_in(tmp_path, beams=[beam(points=at(*inside))]) == []
    ((severity, sentence),) = found_in(tmp_path, beams=[beam(points=at(*outside))])
    assert (severity, "lies outside the planning image" in sentence) == (Severity.WARNING, True)


def test_an_image_on_its_side(tmp_path):
    """Coronal slices: the isocenter is judged along the axes of the image."""
    coronal = SliceSeries(volume(), origin=(-10, -20, 60), orientation=(1, 0, 0, 0, 0, -1), step=3.0)
    write_plan_folder(tmp_path, coronal, ApprovalStatus="APPROVED", beams=[beam(points=at(-7, -14, 55))])
    inventory = scan_folder(tmp_path)
    sentences = [f.sentence for f in find_problems(inventory, links_of(inventory)) if "isocenter" in f.sentence]
    assert sentences == []
    write(plan(ApprovalStatus="APPROVED", beams=[beam(points=at(-7, -26, 55))]), tmp_path / "rp.dcm")
    inventory = scan_folder(tmp_path)
    assert any(
        "(-7.0, -26.0, 55.0) mm lies outside" in f.sentence for f in find_problems(inventory, links_of(inventory))
    )


def test_isocenters_that_move_are_missing_or_several(tmp_path):
    moving = [*at(-7, -15, 33), control_point(2, IsocenterPosition=[-7, -15, 36])]
    beams = [
        beam(1, points=moving),
        beam(2, points=[without_isocenter(), control_point(1)]),
        beam(3, points=[without_isocenter(), control_point(1)], delivery="SETUP"),
        beam(4, points=at(-5, -15, 33)),
    ]
    assert found_in(tmp_path, beams=beams) == [
        (Severity.ERROR, "the isocenter moves within beam 1 'B1'."),
        (Severity.ERROR, "beam 2 'B2' has no isocenter."),
        (Severity.NOTE, "setup beam 3 'B3' has no isocenter."),
        (Severity.NOTE, "its beams have several isocenters."),
    ]


def test_metersets_fractions_and_machines(tmp_path):
    beams = [beam(1), beam(2)]
    beams[1].TreatmentMachineName = "OTHER"
    shares = [sequence_item(ReferencedBeamNumber=1)]
    group = sequence_item(FractionGroupNumber=1, NumberOfFractionsPlanned=None, ReferencedBeamSequence=shares)
    assert found_in(tmp_path, beams=beams, FractionGroupSequence=[group]) == [
        (Severity.WARNING, "no beam has a meterset."),
        (Severity.WARNING, "it does not say how many fractions are planned."),
        (Severity.WARNING, "its beams are for several machines: LINAC, OTHER."),
    ]


def test_contradictions_are_warnings(tmp_path):
    assert found_in(tmp_path, beams=[beam(NumberOfControlPoints=5, ReferencedToleranceTableNumber=2)]) == [
        (Severity.WARNING, "Beam 1 'B1': NumberOfControlPoints is 5, and there are 2."),
        (Severity.WARNING, "Beam 1 'B1' names tolerance table 2, which is not there."),
    ]


def test_a_plan_that_cannot_be_read(tmp_path):
    ((severity, sentence),) = found_in(tmp_path, beams=[beam(points=at(-7, -15, float("nan")))])
    assert severity is Severity.ERROR
    assert "cannot be guided from: RT Plan" in sentence
    assert "IsocenterPosition is not finite" in sentence
