"""Plans of three planning systems: round trips, spots as another program lists them, targets in the eye of the beam."""

from dataclasses import replace

import numpy as np
import pydicom
import pytest
from matplotlib.path import Path

from openigrt.dicom import PlanDefaults, new_plan_version, read_plan, read_structure_set, save, write_plan
from openigrt.geometry import PatientPosition
from openigrt.patient import BeamChange, PlanChange, PlanVersion, beams_eye_view, seen_by_beam_mm
from tests.dicom.dicom_cases import ROOT
from tests.dicom.writing_cases import requires_dciodvfy, series_header, validated

pytestmark = [pytest.mark.real, pytest.mark.filterwarnings("ignore::UserWarning:pydicom")]

DEFAULTS = PlanDefaults("1.2.3", PatientPosition.HFS)
PLANS = {
    "breast": "breast_rt/rtplan.dcm",
    "prostate": "prostate_eclipse/prostate_dicom/RP*.dcm",
    "protons 2 Gy": "proton_plans/plan01_sobp/RN*178319*.dcm",
    "protons 1 Gy": "proton_plans/plan01_sobp/RN*178041*.dcm",
    "protons 0.5 Gy": "proton_plans/plan01_sobp/RN*178042*.dcm",
    "protons 4D": "proton_plans/plan06_sobp_4d/RP*.dcm",
}


def data_set(real_data, name):
    (path,) = real_data.glob(PLANS[name])
    return pydicom.dcmread(path)


def structures(real_data, pattern):
    (path,) = real_data.glob(pattern)
    return read_structure_set(pydicom.dcmread(path))[0]


@pytest.mark.parametrize("name", PLANS)
def test_everything_that_is_read_comes_back(real_data, name, tmp_path):
    read, messages = read_plan(data_set(real_data, name), DEFAULTS)
    save(write_plan(read, series_header("62")), tmp_path / "rp.dcm")
    again, _ = read_plan(pydicom.dcmread(tmp_path / "rp.dcm"))
    assert replace(again, patient_id=read.patient_id, manufacturer=read.manufacturer) == read
    assert [m for m in messages if "frame of reference" not in m] == (
        ["Beam 5 'CBCT' has no meterset: taken as a setup beam."] if name == "prostate" else []
    )


@requires_dciodvfy
@pytest.mark.parametrize("name", PLANS)
def test_what_is_written_is_clean(real_data, name, tmp_path):
    """The proton plans do not say their modulated scan mode, and no value is made up for it."""
    save(write_plan(read_plan(data_set(real_data, name), DEFAULTS)[0], series_header("62")), tmp_path / "rp.dcm")
    assert [error for error in validated(tmp_path / "rp.dcm") if "ModulatedScanModeType" not in error] == []


@pytest.mark.parametrize("name", PLANS)
def test_a_new_version_moves_every_isocenter_and_turns_one_beam(real_data, name):
    dataset = data_set(real_data, name)
    before, _ = read_plan(dataset, DEFAULTS)
    number = before.beams[0].number
    change = PlanChange((1.0, -2.0, 3.0), (BeamChange(number, 10.0),))
    version = PlanVersion(f"{ROOT}.99", "v2", series_header("1").created_at)
    written, _ = new_plan_version(dataset, change, version, f"{ROOT}.98", DEFAULTS)
    after, _ = read_plan(written, DEFAULTS)
    for old, new in zip(before.beams, after.beams, strict=True):
        assert new.isocenter_mm == pytest.approx(np.add(old.isocenter_mm, (1.0, -2.0, 3.0)), abs=1e-6)
        turn = 10.0 if old.number == number else 0.0
        for was, now in zip(old.control_points, new.control_points, strict=True):
            assert now.gantry_angle_deg == pytest.approx((was.gantry_angle_deg + turn) % 360.0)
            assert (now.positions, now.ion, now.nominal_energy_mev) == (was.positions, was.ion, was.nominal_energy_mev)
    private = sum(element.tag.is_private for element in dataset.iterall())
    assert sum(element.tag.is_private for element in written.iterall()) == private


def test_spots_are_those_that_another_program_lists(real_data):
    """Spot list of the same plan in cm to 0.01, with particle numbers: within one energy they follow the weights."""
    (line,) = read_plan(data_set(real_data, "protons 2 Gy"), DEFAULTS)[0].beams
    spots = [
        (*place, weight)
        for point in line.control_points
        for place, weight in zip(point.ion.spots.positions_mm, point.ion.spots.meterset_weights, strict=True)
        if weight > 0.0
    ]
    found = np.array(spots)
    listed = np.loadtxt(real_data / "proton_plans/plan01_sobp/spotlist_plan01_field01.dat", comments="*")
    assert found.shape[0] == listed.shape[0] == 6069
    assert np.abs(found[:, :2] - 10.0 * listed[:, 2:4]).max() <= 0.05
    for energy in np.unique(listed[:, 0]):
        particles = listed[listed[:, 0] == energy, 6] / found[listed[:, 0] == energy, 2]
        assert np.ptp(particles) <= 1e-4 * particles.mean()


def covered(plan, beam, points_mm, flip):
    """The share of points that lie in the opening of at least one control point, the view mirrored by `flip`."""
    seen = seen_by_beam_mm(points_mm, plan, beam, beam.control_points[0]) * flip
    inside = np.zeros(len(seen), dtype=bool)
    for point in beam.control_points:
        for part in beams_eye_view(beam, point).opening.parts:
            inside |= Path(part.outline_mm).contains_points(seen)
    return inside.mean()


@pytest.mark.parametrize(
    ("name", "drawn", "target", "mirror"),
    [
        ("prostate", "prostate_eclipse/prostate_dicom/RS*.dcm", "PTV", (1.0, -1.0)),
        ("breast", "breast_rt/rtss.dcm", "Tumor Bed", (-1.0, 1.0)),
    ],
)
def test_the_target_lies_in_the_opening_of_every_beam(real_data, name, drawn, target, mirror):
    """Made by people for this target: a wrong sign of any axis would show, as the mirrored view does."""
    drawing = structures(real_data, drawn)
    (structure,) = [s for s in drawing.structures if s.name == target]
    points = np.concatenate([contour.points_mm for contour in structure.contours])
    treated, _ = read_plan(data_set(real_data, name), PlanDefaults(drawing.frame.uid, PatientPosition.HFS))
    beams = [beam for beam in treated.beams if not beam.is_setup]
    assert [covered(treated, beam, points, (1.0, 1.0)) for beam in beams] == [1.0] * len(beams)
    assert max(covered(treated, beam, points, mirror) for beam in beams) < 0.5


def test_opposed_fields_are_mirror_images(real_data):
    """The same shape seen from in front and from behind, as the planner copied it: x changes its sign."""
    openings = {
        beam.name: beams_eye_view(beam, beam.control_points[0]).opening
        for beam in read_plan(data_set(real_data, "prostate"), DEFAULTS)[0].beams
    }
    for one, other in (("AP PROS", "PA PROS"), ("RT LAT PROS", "LT LAT PROS")):
        assert openings[one].area_mm2 == pytest.approx(openings[other].area_mm2)
        assert openings[one].centroid_mm * (-1.0, 1.0) == pytest.approx(openings[other].centroid_mm)
    assert openings["CBCT"].area_mm2 == pytest.approx(1e4)
