"""Plans with everything: written they are clean and come back equal; read, every part is what the elements say."""

from dataclasses import replace

import pydicom
import pytest
from pydicom.data import get_testdata_file

from openigrt.dicom import PlanDefaults, read_plan, save, write_plan
from openigrt.errors import InconsistentInput, MissingInput, UnsupportedInput
from openigrt.geometry import PatientPosition
from openigrt.patient import BeamShare, FractionGroup, Rotations, beams_eye_view
from tests.dicom.dicom_cases import beam, control_point, full_control_point, plan, sequence_item
from tests.dicom.whole_plans import arc, ion_plan, photon_plan, scanned, setup
from tests.dicom.writing_cases import requires_dciodvfy, series_header, validated

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")


def written(noun, folder):
    path = folder / "rp.dcm"
    save(write_plan(noun, series_header("62")), path)
    return path


@pytest.mark.parametrize("whole", [photon_plan(), ion_plan()], ids=["photons", "ions"])
def test_everything_comes_back(whole, tmp_path):
    read, messages = read_plan(pydicom.dcmread(written(whole, tmp_path)))
    for found, expected in zip(read.beams, whole.beams, strict=True):
        for name in type(found).__slots__:
            assert getattr(found, name) == getattr(expected, name), (expected.name, name)
    assert read == whole
    assert messages == ()


@requires_dciodvfy
@pytest.mark.parametrize("whole", [photon_plan(), ion_plan()], ids=["photons", "ions"])
def test_dciodvfy_finds_no_errors(whole, tmp_path):
    """But MLCX1 and MLCX2, which makers use and the standard does not name, and an attribute younger than the tool."""
    known = ("enumerated value <MLCX", "0x0054")
    assert [error for error in validated(written(whole, tmp_path)) if not any(name in error for name in known)] == []


def test_what_never_changes_is_said_once(tmp_path):
    """PS3.3 C.8.8.14.5: after the first control point, nothing but what changes anywhere in the beam."""
    dataset = pydicom.dcmread(written(photon_plan(), tmp_path))
    window, wedge, electron, turning, _ = dataset.BeamSequence
    always = {"ControlPointIndex", "CumulativeMetersetWeight"}
    assert {e.keyword for e in electron.ControlPointSequence[1]} == always
    assert {e.keyword for e in window.ControlPointSequence[1]} == {
        *always,
        "BeamLimitingDevicePositionSequence",
        "IsocenterPosition",
        "ReferencedDoseReferenceSequence",
    }
    assert [p.RTBeamLimitingDeviceType for p in window.ControlPointSequence[1].BeamLimitingDevicePositionSequence] == [
        "MLCX"
    ]
    assert {e.keyword for e in wedge.ControlPointSequence[2]} == {*always, "WedgePositionSequence"}
    assert {e.keyword for e in turning.ControlPointSequence[1]} == {*always, "GantryAngle", "GantryRotationDirection"}
    assert [b.BeamType for b in dataset.BeamSequence] == ["DYNAMIC", "STATIC", "STATIC", "DYNAMIC", "STATIC"]
    assert [b.NumberOfControlPoints for b in dataset.BeamSequence] == [3, 4, 2, 3, 2]


def test_elements_by_pydicom_alone(tmp_path):
    """A few values of each part, read without our reader."""
    dataset = pydicom.dcmread(written(photon_plan(), tmp_path))
    window, wedge, electron, turning, kv = dataset.BeamSequence
    assert (window.PrimaryFluenceModeSequence[0].FluenceModeID, window.HighDoseTechniqueType) == ("FFF", "SRS")
    assert wedge.WedgeSequence[0].WedgeAngle == 60
    assert wedge.BlockSequence[0].BlockNumberOfPoints == 3
    assert [float(x) for x in wedge.BlockSequence[0].BlockData] == [-20, -20, 20, -20, 25, 30.5]
    assert electron.ApplicatorSequence[0].ApplicatorGeometrySequence[0].ApplicatorOpening == 100.0
    assert [float(p.GantryAngle) for p in turning.ControlPointSequence] == [181, 100, 90]
    assert kv.ControlPointSequence[0].IsocenterPosition is None
    assert kv.ReferencedPatientSetupNumber == 2
    assert dataset.PatientSetupSequence[0].TableTopVerticalSetupDisplacement == -12
    assert dataset.PatientSetupSequence[0].MotionSynchronizationSequence[0].RespiratorySignalSource == "OPTICAL"
    assert dataset.ToleranceTableSequence[0].TableTopRollAngleTolerance == 0.75
    assert dataset.FractionGroupSequence[1].NumberOfBeams == 1
    assert dataset.ReferencedRTPlanSequence[0].RTPlanRelationship == "PREDECESSOR"


@pytest.mark.parametrize("whole", [photon_plan(), ion_plan()], ids=["photons", "ions"])
def test_a_plan_from_any_text_of_numbers_still_comes_back(whole, tmp_path):
    """What was read is written as it was, once more and again."""
    first = read_plan(pydicom.dcmread(written(whole, tmp_path)))[0]
    second = read_plan(pydicom.dcmread(written(first, tmp_path)))[0]
    assert second == first


def test_spots_are_carried_by_no_control_point():
    dataset = write_plan(ion_plan(), series_header("62"))
    second = dataset.IonBeamSequence[0].IonControlPointSequence[1]
    del second.ScanSpotPositionMap, second.ScanSpotMetersetWeights
    points = read_plan(dataset)[0].beams[0].control_points
    assert [p.ion.spots is None for p in points] == [False, True, False, False]
    assert [p.ion.range_shifters for p in points] == [scanned().control_points[0].ion.range_shifters] * 4
    assert [p.nominal_energy_mev for p in points] == [200.0, 200.0, 180.0, 180.0]


def test_a_gantry_that_turns_without_a_direction_is_not_written():
    still = [replace(point, rotations=Rotations()) for point in arc().control_points]
    turning = replace(arc(), control_points=tuple(still))
    group = FractionGroup(1, 20, (BeamShare(4, turning.meterset_mu),))
    with pytest.raises(InconsistentInput, match="goes from 181 to 100 degrees and its direction is NONE"):
        write_plan(replace(photon_plan(), beams=(turning,), fraction_groups=(group,)), series_header("62"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"fractions_planned": 19}, "19 fractions, and 20 in its first fraction group"),
        ({"beams": (replace(setup(), meterset_mu=5.0),)}, "meterset 5.0, and None in its fraction group"),
        ({"beams": (*photon_plan().beams, replace(scanned(), number=9, meterset_mu=None))}, "beams of ions and others"),
    ],
)
def test_plans_that_say_two_things_are_not_written(change, said):
    with pytest.raises(InconsistentInput, match=said):
        write_plan(replace(photon_plan(), **change), series_header("62"))


# -------------------------------------------------------------------------------- what contradicts, what is malformed


def noticed(beams=None, **values):
    return read_plan(plan(beams=beams, **values))[1]


def test_counts_that_lie():
    lying = beam(NumberOfControlPoints=3, NumberOfWedges=1, NumberOfBlocks=0)
    assert noticed([lying]) == (
        "Beam 1 'B1': NumberOfControlPoints is 3, and there are 2.",
        "Beam 1 'B1': NumberOfWedges is 1, and there are 0.",
    )


def test_meterset_weights_that_fall_or_end_elsewhere():
    points = [full_control_point(), control_point(1), control_point(0.5)]
    assert noticed([beam(points=points, FinalCumulativeMetersetWeight=2.0)]) == (
        "Beam 1 'B1': The meterset weight falls from 1 to 0.5 at control point 2.",
        "Beam 1 'B1': The last meterset weight is 0.5, the final one that the beam states 2.",
    )


def test_metersets_without_weights_and_beams_without_control_points():
    still = [full_control_point(), control_point(0)]
    assert noticed([beam(points=still)]) == ("Beam 1 'B1': It has a meterset of 100 and no meterset weights.",)


def test_leaves_that_overlap_and_boundaries_that_do_not_fit():
    leaves = sequence_item(RTBeamLimitingDeviceType="MLCX", LeafJawPositions=[-1, 5, 1, 2])
    devices = [
        sequence_item(RTBeamLimitingDeviceType="MLCX", NumberOfLeafJawPairs=2, LeafPositionBoundaries=[0, 5, 4, 9]),
        sequence_item(RTBeamLimitingDeviceType="MLCY", NumberOfLeafJawPairs=2),
    ]
    point = full_control_point(BeamLimitingDevicePositionSequence=[leaves])
    assert noticed([beam(points=[point, control_point(1)], BeamLimitingDeviceSequence=devices)]) == (
        "Beam 1 'B1': 1 pair of MLCX overlap, by up to 3 mm, at control point 0.",
        "Beam 1 'B1': MLCX has 2 pairs and 4 leaf boundaries; expected 3.",
        "Beam 1 'B1': The leaf boundaries of MLCX are not in order.",
        "Beam 1 'B1': MLCY has no leaf boundaries.",
    )


def test_numbers_that_nothing_has():
    lost = beam(ReferencedToleranceTableNumber=9, ReferencedPatientSetupNumber=8)
    group = sequence_item(
        FractionGroupNumber=1,
        ReferencedBeamSequence=[sequence_item(ReferencedBeamNumber=n, BeamMeterset=5) for n in (1, 7)],
    )
    assert noticed([lost], FractionGroupSequence=[group]) == (
        "Fraction group 1 names beam 7, which is not there.",
        "Beam 1 'B1' names tolerance table 9, which is not there.",
        "Beam 1 'B1' names patient setup 8, which is not there.",
    )
    assert noticed([beam(1), beam(1)]) == ("2 beams have the number 1.",)


def test_what_cannot_be_used_is_left_out_and_said():
    wedge = sequence_item(WedgeNumber=1, WedgeType="STANDARD", WedgeOrientation=float("nan"))
    nameless = sequence_item(WedgeType="STANDARD")
    block = sequence_item(BlockNumber=1, BlockType="APERTURE", BlockData=[1.0, 2.0, 3.0])
    read, messages = read_plan(plan(beams=[beam(WedgeSequence=[wedge, nameless], BlockSequence=[block])]))
    assert messages == (
        "Beam 1 'B1': WedgeOrientation is not finite.",
        "Beam 1 'B1': WedgeNumber is missing.",
        "Beam 1 'B1': BlockData should hold pairs of numbers and holds 3.",
        "Beam 1 'B1': Block 1 has an outline of 0 points.",
    )
    modifiers = read.beams[0].modifiers
    assert [(w.number, w.orientation_deg) for w in modifiers.wedges] == [(1, None)]


def test_angles_that_are_not_stated_are_said():
    point = full_control_point()
    del point.GantryAngle, point.BeamLimitingDeviceAngle
    assert noticed([beam(points=[point, control_point(1)])]) == (
        "Beam 1 'B1': GantryAngle, BeamLimitingDeviceAngle not stated: taken as 0.",
    )


def test_spots_that_do_not_fit():
    dataset = write_plan(ion_plan(), series_header("62"))
    points = dataset.IonBeamSequence[0].IonControlPointSequence
    points[2].ScanSpotMetersetWeights = [1.0, 2.0, 3.0]
    assert read_plan(dataset)[1] == (
        "Beam 1 'Scan': The spots of control point 2 add up to 6, its meterset weight to 40.",
    )
    points[0].ScanSpotMetersetWeights = [1.0]
    assert read_plan(dataset)[1] == ("Beam 1 'Scan': Control point 0 has 2 spots and 1 weights of spots.",)


def test_brachytherapy():
    with pytest.raises(MissingInput, match="brachytherapy plans are not read"):
        read_plan(plan(BeamSequence=[], SourceSequence=[sequence_item(SourceNumber=1)]))
    assert noticed(ApplicationSetupSequence=[sequence_item(ApplicationSetupNumber=1, TotalReferenceAirKerma=1)]) == (
        "The brachytherapy part of the plan is not read.",
    )


def test_absurd_numbers_of_beams_and_control_points():
    with pytest.raises(UnsupportedInput, match="501 beams; at most 500"):
        read_plan(plan(BeamSequence=[beam(1)] * 501))
    points = [full_control_point()] + [control_point(1)] * 20_000
    with pytest.raises(UnsupportedInput, match="20001 control points; at most 20000"):
        read_plan(plan(beams=[beam(points=points)]))


def test_a_tomotherapy_like_plan_is_read_as_far_as_it_states_geometry():
    """Fixed jaws in y alone, no leaves, the couch moving through: what opens is not known, where it aims is."""
    jaw = sequence_item(RTBeamLimitingDeviceType="ASYMY", LeafJawPositions=[-25, 25])
    first = full_control_point(BeamLimitingDevicePositionSequence=[jaw], GantryRotationDirection="CW")
    last = control_point(1, GantryAngle=141, IsocenterPosition=[-7, -15, 43], GantryRotationDirection="CW")
    (read,) = read_plan(plan(beams=[beam(points=[first, last])]))[0].beams
    assert [read.isocenter_at(p) for p in read.control_points] == [(-7, -15, 33), (-7, -15, 43)]
    with pytest.raises(UnsupportedInput, match="nothing limits it"):
        beams_eye_view(read, read.control_points[0])


def test_pydicoms_own_plan(tmp_path):
    read, messages = read_plan(
        pydicom.dcmread(get_testdata_file("rtplan.dcm")), PlanDefaults("1.2", PatientPosition.HFS)
    )
    (only,) = read.beams
    assert (only.name, only.machine_name, only.meterset_mu) == ("Field 1", "unit001", 116.003669700000)
    assert beams_eye_view(only, only.control_points[0]).opening.area_mm2 == pytest.approx(200.0 * 200.0)
    assert messages == ("The plan names no frame of reference; taken from its structure set: 1.2.",)
    again = read_plan(pydicom.dcmread(written(read, tmp_path)))[0]
    assert replace(again, manufacturer=read.manufacturer, patient_id=read.patient_id) == read
