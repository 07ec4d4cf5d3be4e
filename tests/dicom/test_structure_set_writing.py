"""Structure sets that others read: valid by dciodvfy, the same in pydicom, DCMTK and plastimatch."""

import re
import shutil
import subprocess
from dataclasses import replace

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk  # noqa: N813 - the name that its users know
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from openigrt.dicom import (
    instance_uids,
    read_object,
    read_structure_set,
    save,
    write_image_series,
    write_structure_set,
)
from openigrt.errors import InconsistentInput, InvalidGeometry, MissingInput
from openigrt.geometry import Frame, Grid, PatientPosition
from openigrt.images import Image, Modality, Provenance
from openigrt.patient import (
    Contour,
    ContourKind,
    Generation,
    Structure,
    StructureRole,
    StructureSet,
    occupancy_from_structure,
    with_keyholes,
)
from tests.dicom.dicom_cases import CT, ROOT
from tests.dicom.writing_cases import requires_dciodvfy, series_header, validated

FRAME = Frame.plan(f"{ROOT}.9")
GRID = Grid(FRAME, [-30.0, -40.0, 30.0], [1.0, 1.0, 3.0], np.eye(3), (61, 71, 9))
ENHANCED_CT = "1.2.840.10008.5.1.4.1.1.2.1"

PLASTIMATCH, DCMDUMP = shutil.which("plastimatch"), shutil.which("dcmdump")
requires_plastimatch = pytest.mark.skipif(PLASTIMATCH is None, reason="plastimatch is not installed")
requires_dcmtk = pytest.mark.skipif(DCMDUMP is None, reason="dcmdump (Debian dcmtk) is not installed")


def image(sop_class_uid=CT, uids=None):
    series = series_header("60")
    provenance = Provenance(
        patient_id="P1",
        study_uid=series.study.uid,
        series_uid=series.uid,
        instance_uids=instance_uids(series.uid, GRID.size[2]) if uids is None else uids,
        sop_class_uid=sop_class_uid,
        acquired_at=series.created_at,
        patient_position=PatientPosition.HFS,
    )
    return Image(np.zeros(GRID.shape, dtype=np.float32), GRID, Modality.CT, provenance)


def ring(radius_mm, z_mm, center=(0.0, 0.0), count=90):
    angle = 2.0 * np.pi * np.arange(count) / count + 0.1
    x, y = center[0] + radius_mm * np.cos(angle), center[1] + radius_mm * np.sin(angle)
    return Contour(np.column_stack([x, y, np.full(count, z_mm)]))


SLICES = tuple(33.0 + 3.0 * k for k in range(6))
SHELL = tuple(ring(r, z, (2.3, -1.7)) for z in SLICES for r in (20.0, 9.0))
LINE = Contour([[0.0, 0, 33], [4, 0, 33], [4, 4, 36.1], [9, 1, 39]], ContourKind.OPEN)
FLAT_LINE = Contour([[0.0, 0, 33], [4, 0, 33], [4, 4, 33]], ContourKind.OPEN)
MARKS = Contour([[1.0, 2, 33], [3.0, 4, 36]], ContourKind.POINT)
STRUCTURES = (
    Structure(1, "Shell", StructureRole.PTV, SHELL, (255, 0, 128), generation=Generation.SEMIAUTOMATIC),
    Structure(3, "Blase / Vésicule 膀胱", StructureRole.AVOIDANCE, tuple(ring(7.0, z) for z in SLICES), (0, 300, -4)),
    Structure(4, "Motion", StructureRole.ITV, tuple(ring(7.0, z) for z in SLICES)),
    Structure(5, "Cord margin", StructureRole.PRV, tuple(ring(3.0, z) for z in SLICES)),
    Structure(7, "Marks", StructureRole.MARKER, (MARKS,)),
    Structure(8, "Wires", StructureRole.OTHER, (LINE, FLAT_LINE)),
    Structure(9, "Gel", StructureRole.BOLUS, ()),
)


def structure_set(*structures, label="Structures", uid=f"{ROOT}.40"):
    return StructureSet(uid, label, FRAME, structures or STRUCTURES, patient_id="P1")


def write(folder, structures, of=None):
    path = folder / "rs.dcm"
    save(write_structure_set(structures, of or image(), series_header("61")), path)
    return path


def back(path):
    return read_structure_set(read_object(path)[0])


@requires_dciodvfy
@pytest.mark.parametrize(
    "of",
    [image(), image(ENHANCED_CT, (f"{ROOT}.70",)), image(ENHANCED_CT, (f"{ROOT}.70",) * 9)],
    ids=["slices", "enhanced", "enhanced, a UID for each frame"],
)
def test_dciodvfy_finds_no_errors(tmp_path, of):
    assert validated(write(tmp_path, structure_set(), of)) == []


def test_everything_comes_back(tmp_path):
    found, messages = back(write(tmp_path, structure_set()))
    assert messages == ()
    for one, other in zip(found.structures, STRUCTURES, strict=True):
        assert (one.number, one.name, one.role, one.generation) == (
            other.number,
            other.name,
            other.role,
            other.generation,
        )
        points, expected = ([c.points_mm for c in s.contours] for s in (one, with_keyholes(other)))
        if other.contours:
            assert np.abs(np.concatenate(points) - np.concatenate(expected)).max() < 1e-9
    assert found.structures[0].color == (255, 0, 128)
    assert found.structures[1].color == (0, 255, 0)
    assert [len(s.contours) for s in found.structures] == [6, 6, 6, 6, 2, 2, 0]


def test_pydicom_alone_sees_numbers_kinds_references_and_colors(tmp_path):
    dataset = pydicom.dcmread(write(tmp_path, structure_set()))
    assert dataset.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    assert [roi.ROINumber for roi in dataset.StructureSetROISequence] == [1, 3, 4, 5, 7, 8, 9]
    assert [roi.ROIGenerationAlgorithm for roi in dataset.StructureSetROISequence][:2] == ["SEMIAUTOMATIC", ""]
    types = {item.ReferencedROINumber: item.RTROIInterpretedType for item in dataset.RTROIObservationsSequence}
    assert types == {1: "PTV", 3: "AVOIDANCE", 4: "CTV", 5: "ORGAN", 7: "MARKER", 8: "", 9: "BOLUS"}
    labels = [item.get("ROIObservationLabel", "") for item in dataset.RTROIObservationsSequence]
    assert labels == ["", "", "ITV", "PRV", "", "", ""]
    items = {item.ReferencedROINumber: item for item in dataset.ROIContourSequence}
    kinds = [contour.ContourGeometricType for contour in items[8].ContourSequence]
    assert kinds == ["OPEN_NONPLANAR", "OPEN_PLANAR"]
    assert "ContourImageSequence" not in items[8].ContourSequence[0]
    uids = instance_uids(series_header("60").uid, 9)
    for item in items.values():
        for contour in item.get("ContourSequence", []):
            assert contour.NumberOfContourPoints * 3 == len(contour.ContourData)
            assert all(len(str(value)) <= 16 for value in contour.ContourData)
            if contour.ContourGeometricType != "OPEN_NONPLANAR":
                (reference,) = contour.ContourImageSequence
                assert reference.ReferencedSOPInstanceUID == uids[round((contour.ContourData[2] - 30.0) / 3.0)]


def test_points_far_out_keep_a_nanometre_in_sixteen_characters(tmp_path):
    points = np.array([[-99999.123456789, 12345.123456789, 33.0], [-0.000000001, -0.0, 33.0], [1e-12, 99999.5, 33.0]])
    path = write(tmp_path, structure_set(Structure(1, "FAR", StructureRole.OTHER, (Contour(points),))))
    found = back(path)[0].structures[0].contours[0].points_mm
    assert np.abs(found - points).max() < 1e-9
    data = pydicom.dcmread(path).ROIContourSequence[0].ContourSequence[0].ContourData
    assert max(len(value.original_string) for value in data) == 16


@requires_dciodvfy
@pytest.mark.parametrize("status", ["APPROVED", "REJECTED", "UNAPPROVED"])
@pytest.mark.parametrize("reviewer", ["Doe^Jane", ""])
def test_who_reviewed_it_comes_back_or_stays_unknown(tmp_path, status, reviewer):
    at = series_header("61").created_at if reviewer else None
    path = write(tmp_path, replace(structure_set(), approval=status, reviewer=reviewer, reviewed_at=at))
    assert validated(path) == []
    found = back(path)[0]
    reviewed = (reviewer, at) if status != "UNAPPROVED" else ("", None)
    assert (found.approval, found.reviewer, found.reviewed_at) == (status, *reviewed)


@requires_dciodvfy
def test_a_contour_too_long_for_an_explicit_encoding_is_written_implicitly(tmp_path):
    long = ring(25.0, 33.0, count=5000)
    path = write(tmp_path, structure_set(Structure(1, "LONG", StructureRole.EXTERNAL, (long,))))
    assert pydicom.dcmread(path).file_meta.TransferSyntaxUID == ImplicitVRLittleEndian
    assert validated(path) == []
    assert np.abs(back(path)[0].structures[0].contours[0].points_mm - long.points_mm).max() < 1e-9


@requires_dciodvfy
def test_names_that_fit_no_long_string_are_fitted_apart_and_kept_whole_beside(tmp_path):
    names = ["A" * 70 + "1", "A" * 70 + "2", "back\\slash", "line\nbreak", "", "A" * 64]
    structures = [Structure(n, name, StructureRole.OTHER, ()) for n, name in enumerate(names, start=1)]
    path = write(tmp_path, structure_set(*structures, label="a label\\ of more than sixteen"))
    assert validated(path) == []
    found = [structure.name for structure in back(path)[0].structures]
    assert found == ["A" * 64, "A" * 62 + "~2", "back_slash", "line_break", "", "A" * 64]
    descriptions = [roi.get("ROIDescription", "") for roi in pydicom.dcmread(path).StructureSetROISequence]
    assert descriptions == [names[0], names[1], "back_slash", "line_break", "", ""]
    assert back(path)[0].label == "a label_ of more"


@pytest.mark.parametrize(
    ("structures", "error", "sentence"),
    [
        (StructureSet(f"{ROOT}.40", "Set", FRAME, ()), MissingInput, "holds no structure"),
        (structure_set(STRUCTURES[0], STRUCTURES[0]), InconsistentInput, "2 structures have number 1"),
        (StructureSet(f"{ROOT}.40", "Set", Frame.plan("1.2"), STRUCTURES), InconsistentInput, "lies in frame 1.2"),
        (
            structure_set(Structure(1, "NAN", StructureRole.OTHER, (Contour([[np.nan, 0, 0]]),))),
            InvalidGeometry,
            "'NAN' has points that are not finite",
        ),
        (
            structure_set(Structure(1, "FAR", StructureRole.OTHER, (Contour([[1e5 + 1.0, 0, 0]]),))),
            InvalidGeometry,
            "over 100 m away",
        ),
    ],
)
def test_what_nobody_could_read_is_not_written(structures, error, sentence):
    with pytest.raises(error, match=sentence):
        write_structure_set(structures, image(), series_header("61"))


def test_contours_off_the_slices_name_none_and_those_of_one_object_name_it(tmp_path):
    between = Structure(1, "B", StructureRole.OTHER, (ring(5.0, 34.4), ring(5.0, 34.6), ring(5.0, 90.0)))
    dataset = write_structure_set(structure_set(between), image(), series_header("61"))
    named = ["ContourImageSequence" in contour for contour in dataset.ROIContourSequence[0].ContourSequence]
    assert named == [True, True, False]
    enhanced = write_structure_set(structure_set(between), image(ENHANCED_CT, (f"{ROOT}.70",)), series_header("61"))
    first = enhanced.ROIContourSequence[0].ContourSequence[0].ContourImageSequence[0]
    assert first.ReferencedSOPInstanceUID == f"{ROOT}.70"
    save(enhanced, tmp_path / "e.dcm")
    assert back(tmp_path / "e.dcm")[0].image_instance_uids == (f"{ROOT}.70",)
    tilted = Contour(ring(5.0, 0.0).points_mm[:, [2, 0, 1]] + [0.0, 0.0, 40.0])
    sagittal = structure_set(Structure(1, "S", StructureRole.OTHER, (tilted,)))
    dataset = write_structure_set(sagittal, image(), series_header("61"))
    assert "ContourImageSequence" not in dataset.ROIContourSequence[0].ContourSequence[0]


@requires_dcmtk
def test_dcmtk_reads_the_same_points(tmp_path):
    path = write(tmp_path, structure_set())
    done = subprocess.run([DCMDUMP, "+L", "-q", str(path)], capture_output=True, text=True, check=True)
    assert "E:" not in done.stderr
    lines = re.findall(r"\(3006,0050\) DS \[([^\]]*)\]", done.stdout)
    expected = [c for s in STRUCTURES if s.number != 7 for c in with_keyholes(s).contours]
    found = [np.array(line.split("\\"), dtype=float).reshape(-1, 3) for line in lines if line.count("\\") > 2]
    assert len(found) == len(expected)
    for points, contour in zip(found, expected, strict=True):
        assert np.abs(points - contour.points_mm).max() < 1e-9


@requires_plastimatch
def test_plastimatch_fills_the_voxels_that_we_fill(tmp_path):
    """Holes too, which it would fill were they contours of their own.

    It takes voxel centres and we take parts of voxels: those that an outline passes may differ, no others.
    """
    for k, dataset in enumerate(write_image_series(image(), series_header("60"))):
        save(dataset, tmp_path / "ct" / f"{k}.dcm")
    write(tmp_path, structure_set(STRUCTURES[0], STRUCTURES[2]))
    words = "--input rs.dcm --referenced-ct ct --prefix-format mha --output-prefix m"
    subprocess.run([PLASTIMATCH, "convert", *words.split()], cwd=tmp_path, capture_output=True, check=True)
    masks = {file.stem: sitk.ReadImage(str(file)) for file in (tmp_path / "m").glob("*.mha")}
    assert masks.keys() == {"Shell", "Motion"}
    theirs = masks["Shell"]
    assert np.allclose(theirs.GetOrigin(), GRID.origin_mm)
    assert np.allclose(theirs.GetSpacing(), GRID.spacing_mm)
    ours = occupancy_from_structure(STRUCTURES[0], FRAME, GRID)
    fractions = np.zeros(GRID.shape)
    fractions[ours.window] = ours.fractions
    differ = (sitk.GetArrayFromImage(theirs) > 0) != (fractions > 0.5)
    assert (np.abs(fractions[differ] - 0.5) < 0.35).all()
    assert differ.sum() < 0.01 * (fractions > 0.5).sum()
