"""Radiographs of a plan: where a marker appears in every patient position, what the files say, and bad input."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK
from PIL import Image as Picture
from pydicom import dcmread
from scipy.spatial.transform import Rotation

import openigrt
from openigrt.dicom import read_object, read_projections
from openigrt.errors import ConfigurationRequired, InputError, MissingInput, WrongUsage
from openigrt.geometry import Frame, PatientPosition
from openigrt.images import ProjectionKind
from tests.dicom import dicom_cases as cases
from tests.dicom.peer_programs import run as program
from tests.dicom.peer_programs import skip_without
from tests.dicom.writing_cases import requires_dciodvfy, validated
from tests.system.command import run

ISOCENTER = np.array([-7.0, -15.0, 33.0])
MARKER = ISOCENTER + np.array([21.0, -17.0, 26.0])
SMALL = {"size": (160, 120), "spacing": (2.0, 2.5)}
MACHINE = Path(__file__).parents[2] / "src" / "openigrt" / "machine" / "data" / "varian_iec.toml"

# How the axes of a patient (LPS) lie in the room at couch 0, in words of PS3.3 C.7.3.1.1.2: left, posterior, superior.
RIGHT, GANTRY, UP = np.eye(3)
LIES = {
    "HFS": (RIGHT, -UP, GANTRY),
    "HFP": (-RIGHT, UP, GANTRY),
    "FFS": (-RIGHT, -UP, -GANTRY),
    "FFP": (RIGHT, UP, -GANTRY),
    "HFDL": (-UP, -RIGHT, GANTRY),
    "HFDR": (UP, RIGHT, GANTRY),
    "FFDL": (-UP, RIGHT, -GANTRY),
    "FFDR": (UP, -RIGHT, -GANTRY),
}


def write_plan(folder, position="HFS", beams=None, rois=None, marker=MARKER):
    """Air with a soft ball of 6 mm about a marker, on slices of 3 mm."""
    size, spacing = np.array([64, 56, 40]), np.array([2.5, 2.5, 3.0])
    origin = ISOCENTER - (size - 1) / 2.0 * spacing
    k, j, i = np.indices(tuple(size[::-1]))
    away = np.linalg.norm(origin + np.stack([i, j, k], -1) * spacing - marker, axis=-1)
    voxels = np.rint(-1000.0 + 2500.0 * np.exp(-(away**2) / (2.0 * 6.0**2))).astype(np.int16)
    series = cases.SliceSeries(voxels, tuple(origin), pixel_spacing=(2.5, 2.5), step=3.0)
    series.header = {"PatientPosition": position}
    series.write(folder / "ct")
    beams = beams if beams is not None else [beam(1, "SETUP", GantryAngle=40, PatientSupportAngle=25)]
    planned = cases.plan(beams=beams, position=position)
    planned.FractionGroupSequence[0].FractionGroupNumber = 1
    cases.write(planned, folder / "rp.dcm")
    if rois is not None:
        cases.write(cases.structure_set(rois=rois), folder / "rs.dcm")
    return folder


def beam(number, delivery="TREATMENT", **values):
    shown = cases.full_control_point(isocenter=tuple(ISOCENTER), **values)
    return cases.beam(number, [shown, cases.control_point(1)], delivery)


def seen_at(point, position, gantry, collimator, couch, *, distances=(1000.0, 1500.0)):
    """Column and row of a point by IEC 61217, step by step, with scipy's rotations: nothing of ours."""
    left, posterior, superior = LIES[position]
    on_table = np.column_stack([left, posterior, superior]) @ (np.asarray(point) - ISOCENTER)
    in_room = Rotation.from_euler("z", couch, degrees=True).apply(on_table)
    in_gantry = Rotation.from_euler("y", gantry, degrees=True).inv().apply(in_room)
    x, y, z = Rotation.from_euler("z", collimator, degrees=True).inv().apply(in_gantry)
    axis_mm, image_mm = distances
    enlarged = image_mm / (axis_mm - z)
    (columns, rows), (across, down) = SMALL["size"], SMALL["spacing"]
    return (columns - 1) / 2.0 + x * enlarged / across, (rows - 1) / 2.0 - y * enlarged / down


def middle_of(pixels):
    rows, columns = np.indices(pixels.shape)
    weights = pixels - pixels.min()
    return [(weights * n).sum() / weights.sum() for n in (columns, rows)]


@pytest.mark.parametrize("position", LIES)
def test_a_marker_appears_where_iec_61217_puts_it(tmp_path, position):
    """Eight positions, gantry, collimator and couch turned; from the files, by our reader and by pydicom's pixels.

    A tenth of a pixel: the middle of a soft ball under perspective.
    """
    turned = [beam(n, "SETUP", GantryAngle=g, BeamLimitingDeviceAngle=c, PatientSupportAngle=t) for n, g, c, t in TURNS]
    plan = write_plan(tmp_path / "plan", position, turned)
    made = openigrt.drr(plan, out=tmp_path / "out", **SMALL)
    assert [radiograph.view.planned.beam_number for radiograph in made.radiographs] == [n for n, *_ in TURNS]
    for number, gantry, collimator, couch in TURNS:
        file = tmp_path / "out" / "drr" / f"beam_{number}_bone.dcm"
        expected = seen_at(MARKER, position, gantry, collimator, couch)
        (read,), _ = read_projections(read_object(file)[0])
        assert middle_of(read.pixels) == pytest.approx(expected, abs=0.1)
        assert middle_of(dcmread(file).pixel_array.astype(float)) == pytest.approx(expected, abs=0.1)
        assert read.patient_geometry(Frame.plan(cases.FRAME)).pixels(MARKER) == pytest.approx(expected, abs=1e-4)


TURNS = ((3, 0, 0, 0), (4, 90, 0, 0), (5, 215, 30, 340))


@requires_dciodvfy
def test_the_rt_image_says_all_about_its_beam(tmp_path):
    plan = write_plan(tmp_path / "plan")
    openigrt.drr(plan, out=tmp_path / "out", window=["bone", "soft"], source_to_image=1600.0, **SMALL)
    files = sorted((tmp_path / "out" / "drr").glob("*.dcm"))
    assert [file.name for file in files] == ["beam_1_bone.dcm", "beam_1_soft.dcm"]
    for file in files:
        assert validated(file) == []
        found = dcmread(file)
        assert found.ImageType == ["DERIVED", "SECONDARY", "DRR"]
        assert (found.GantryAngle, found.BeamLimitingDeviceAngle, found.PatientSupportAngle) == (40, 10, 25)
        assert (found.RadiationMachineSAD, found.RTImageSID) == (1000, 1600)
        assert np.allclose(found.IsocenterPosition, ISOCENTER)
        assert found.PatientPosition == "HFS"
        assert found.ReferencedRTPlanSequence[0].ReferencedSOPInstanceUID == cases.PLAN
        assert (found.ReferencedBeamNumber, found.ReferencedFractionGroupNumber) == (1, 1)
        assert found.FrameOfReferenceUID == cases.FRAME
        assert list(found.ImagePlanePixelSpacing) == [2.5, 2.0]
        (read,), _ = read_projections(found)
        assert read.kind is ProjectionKind.DRR
        assert read.beam.fraction_group_number == 1
    assert len({dcmread(file).SeriesInstanceUID for file in files}) == 2


def test_setup_beams_come_first_and_treatment_beams_where_there_are_none(tmp_path):
    both = write_plan(tmp_path / "both", beams=[beam(1), beam(2, "SETUP"), beam(3, "SETUP", GantryAngle=0)])
    assert [r.name for r in openigrt.drr(both, **SMALL).radiographs] == ["beam_2_bone", "beam_3_bone"]
    assert [r.name for r in openigrt.drr(both, beam=1, **SMALL).radiographs] == ["beam_1_bone"]
    treating = write_plan(tmp_path / "treating", beams=[beam(1), beam(2)])
    made = openigrt.drr(treating, **SMALL)
    assert [r.name for r in made.radiographs] == ["beam_1_bone", "beam_2_bone"]
    assert any("no setup beam" in message for message in made.messages)


def test_with_a_machine_the_gantry_is_seen_from_the_kv_source(tmp_path):
    """An imager at 90 degrees from the gantry: the gantry at 310 puts its source at 40, at its own distances."""
    plan = write_plan(tmp_path / "plan")
    made = openigrt.drr(plan, gantry=(310.0,), machine=MACHINE, out=tmp_path / "out", **SMALL)
    record = json.loads((tmp_path / "out" / "drr.json").read_text(encoding="utf-8"))
    told = record["radiographs"][1]
    assert (told["source"], told["gantry_angle_deg"], told["source_angle_deg"]) == ("kv", 310.0, 40.0)
    axis_mm, image_mm = told["source_axis_distance_mm"], told["source_image_distance_mm"]
    assert (axis_mm, image_mm) == (1000.0, 1500.0)
    expected = seen_at(MARKER, "HFS", 40.0, 0.0, 0.0)
    assert middle_of(made.radiographs[1].projection.pixels) == pytest.approx(expected, abs=0.1)


def test_a_ct_alone_with_an_isocenter_and_a_position(tmp_path):
    shown = np.full((20, 30, 40), -1000.0, np.float32)
    shown[10, 12, 25] = 3000.0
    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(shown), str(tmp_path / "ct.mha"))
    made = openigrt.drr(tmp_path / "ct.mha", isocenter=(20, 15, 10), position="FFS", size=(101, 81), spacing=(0.5, 0.5))
    assert [r.view.pose.gantry_angle_deg for r in made.radiographs] == [0.0, 90.0]
    row, column = np.unravel_index(made.radiographs[0].projection.pixels.argmax(), (81, 101))
    # 5 mm to the left and 3 mm to the front of the isocenter: feet first the left lies at -x, the front up.
    assert column == pytest.approx(50.0 - 5.0 * 1500.0 / 997.0 / 0.5, abs=1.0)
    assert row == pytest.approx(40.0, abs=1.0)


def ball_contours(center, radius_mm=20.0):
    """A ball as circles on slices of 3 mm."""
    angles = np.linspace(0.0, 2.0 * np.pi, 90, endpoint=False)
    found = []
    for z in np.arange(center[2] - radius_mm + 0.5, center[2] + radius_mm, 3.0):
        across = np.sqrt(radius_mm**2 - (z - center[2]) ** 2)
        points = [(center[0] + across * np.cos(a), center[1] + across * np.sin(a), z) for a in angles]
        found.append(np.round(np.ravel(points), 3).tolist())
    return found


def test_the_shadow_of_a_ball_and_the_opening_of_its_beam(tmp_path):
    """The silhouette of a ball on the axis: radius R D / sqrt(a^2 - R^2) on the detector; a jaw at D / a of its place.

    To half a voxel of 0.75 mm, enlarged; slices are 3 mm apart, which the ends of the ball show.
    """
    plan = write_plan(
        tmp_path / "plan",
        beams=[beam(1, GantryAngle=0, BeamLimitingDeviceAngle=0, PatientSupportAngle=0)],
        rois=[("BALL", "ORGAN", ball_contours(ISOCENTER))],
    )
    made = openigrt.drr(plan, structures=["ball"], aperture=True, size=(160, 160), spacing=(2.0, 2.0))
    opening, ball = made.radiographs[0].outlines
    away = np.linalg.norm(np.vstack(ball.lines) - 79.5, axis=1) * 2.0
    assert away.mean() == pytest.approx(20.0 * 1500.0 / np.sqrt(1000.0**2 - 20.0**2), abs=0.6)
    assert np.ptp(away) < 3.0 * 1.5
    corners = (np.vstack(opening.lines) - 79.5) * 2.0 / 1.5
    assert (corners.min(axis=0), corners.max(axis=0)) == (pytest.approx([-50.0, -20.0]), pytest.approx([40.0, 30.0]))


def test_the_picture_is_as_large_as_the_detector_is_wide_and_bright_where_the_marker_is(tmp_path):
    plan = write_plan(tmp_path / "plan")
    openigrt.drr(plan, out=tmp_path / "out", size=(200, 100), spacing=(1.0, 1.0))
    picture = Picture.open(io.BytesIO((tmp_path / "out" / "drr" / "beam_1_bone.png").read_bytes()))
    assert (picture.format, picture.size) == ("PNG", (1200, 600))
    gray = np.asarray(picture.convert("L"), float)
    assert gray.max() > 250.0 > 20.0 > np.median(gray)


@pytest.mark.parametrize(
    ("words", "kind", "said"),
    [
        ({"beam": 9}, MissingInput, "no beam 9; it has 1"),
        ({"window": "lung"}, InputError, "expected one of bone, soft, whole"),
        ({"window": []}, WrongUsage, "--window is empty"),
        ({"size": (0, 5)}, InputError, "whole numbers from 1 to 4096"),
        ({"size": "512"}, InputError, "two numbers, for columns and rows"),
        ({"spacing": (0.1, float("nan"))}, WrongUsage, "--spacing is nan"),
        ({"source_to_image": -5.0}, InputError, "from 100 to 10000"),
        ({"gantry": (10.0, 370.0)}, WrongUsage, "--gantry is 370"),
        ({"source_to_image": 990.0}, WrongUsage, "would stand in or before the patient"),
        ({"position": "LYING"}, WrongUsage, "--position is 'LYING'"),
        ({"gantry": (10.0, 10.0)}, InputError, "the same angle twice"),
        ({"isocenter": (0, 0, 0)}, InputError, "give both"),
        ({"position": "FFS"}, InputError, "the files say HFS"),
        ({"structures": ["PTV"]}, MissingInput, "no structure 'PTV'"),
        (
            {"gantry": range(180), "size": (4096, 4096)},
            InputError,
            "181 radiographs of 4096 x 4096 .* 11.3 GiB",
        ),
        ({"machine": "iec61217"}, ConfigurationRequired, "states no kV imager"),
        ({"fan": "half"}, InputError, "drr knows no 'fan'"),
    ],
)
def test_bad_words_get_a_sentence_and_leave_nothing(tmp_path, words, kind, said):
    plan = write_plan(tmp_path / "plan")
    with pytest.raises(kind, match=said):
        openigrt.drr(plan, out=tmp_path / "out", **(SMALL | words))
    assert not (tmp_path / "out").exists()


def test_the_command(tmp_path):
    plan = write_plan(tmp_path / "plan")
    words = ("drr", plan, "--out", tmp_path / "out", "--size", "60,40", "--spacing", "4,4", "--gantry", "0,90")
    done = run(*words, "--json")
    record = json.loads(done.out)
    assert [told["picture"] for told in record["radiographs"]] == [
        f"drr/{name}_bone.png" for name in ("beam_1", "gantry_0", "gantry_90")
    ]
    assert all((tmp_path / "out" / told["rt_image"]).is_file() for told in record["radiographs"])
    again = run(*words)
    assert "gantry 90: source at 90 degrees, bone window" in again.out
    assert (tmp_path / "out" / "former").is_dir()
    assert run(*words, "--size", "60").code == 2
    assert run(*words, "--size", "60,5000").code == 2
    assert run(*words, "--window", "lung").sentence.startswith("--window is 'lung'; expected one of bone")
    assert run("drr", plan, "--out", plan / "out").code == 1


def test_an_isocenter_beside_the_ct_is_told(tmp_path):
    made = openigrt.drr(write_plan(tmp_path / "plan"), gantry=(0.0,), isocenter=(900.0, 0.0, 0.0), **SMALL)
    assert [message for message in made.messages if "shows nothing: the CT lies beside its detector" in message]


@pytest.mark.parametrize("position", PatientPosition)
def test_the_closed_form_knows_every_position(position):
    assert str(position) in LIES


def test_points_lie_on_the_detector_as_plastimatch_projects_them(tmp_path):
    """By the projection matrix that its `drr` writes for our isocenter and axes, the patient on one side."""
    skip_without("plastimatch")
    plan = write_plan(tmp_path / "plan", "HFDR", [beam(1, "SETUP", GantryAngle=40, PatientSupportAngle=25)])
    made = openigrt.drr(plan, size=(160, 120), spacing=(2.0, 2.0)).radiographs[0].projection
    geometry = made.patient_geometry(Frame.plan(cases.FRAME))
    words = {
        "--nrm": " ".join(map(str, -geometry.normal)),
        "--vup": " ".join(map(str, -geometry.column_direction)),
        "--isocenter": " ".join(map(str, ISOCENTER)),
        "--dim": "120 160",
        "--detector-size": "240 320",
        "--sad": "1000",
        "--sid": "1500",
        "--output": str(tmp_path / "drr_"),
    }
    done = program("plastimatch", "drr", "--geometry-only", *(word for pair in words.items() for word in pair))
    assert done.returncode == 0, done.stderr
    (file,) = tmp_path.glob("drr_*.txt")
    lines = [list(map(float, line.split())) for line in file.read_text().splitlines() if line[:1] == " "]
    (middle_row, middle_column), matrix = lines[0], np.array(lines[1:4])
    for point in (ISOCENTER, MARKER, ISOCENTER + np.array([-60.0, 40.0, 35.0])):
        across, down, depth = matrix @ np.array([*point, 1.0])
        expected = across / depth + middle_column, down / depth + middle_row
        assert geometry.pixels(point) == pytest.approx(expected, abs=1e-2)
