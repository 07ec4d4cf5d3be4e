"""What `openigrt reconstruct` takes, makes and refuses, on a small scan."""

import json
import shlex
import shutil
from dataclasses import replace

import numpy as np
import pydicom
import pytest
import SimpleITK

import openigrt
from openigrt.dicom import read_daily_folder, read_plan_folder
from openigrt.errors import InconsistentInput, InputError, OpenIgrtError, UnsupportedInput
from openigrt.files import ScanDefaults, read_scan
from openigrt.images import Quantity
from openigrt.report import RESEARCH_STATEMENT
from openigrt.tasks.reconstruction import volume_making
from openigrt.tasks.reconstruction.planning_prior import PlacedPlan
from openigrt.tasks.reconstruction.reconstruction import ReconstructionSettings
from openigrt.tasks.reconstruction.volume_making import bench_of
from tests.dicom.test_rt_image_scan import write_series
from tests.system.command import run
from tests.system.reconstruct_cases import (
    HALF_FAN_MM,
    WATER_PER_MM,
    machine_file,
    plan_folder,
    planning_ct,
    room_from_plan,
    write_projections,
    write_stack,
)
from tests.xray.breathing_scans import HEIGHT_MM, Chest, breathing_mm, minute

SMALL = (56, 40)
TURN = np.arange(0.0, 360.0, 6.0)
COARSE = ("--voxel", "6", "--quantity", "line integral", "--position", "HFS")


@pytest.fixture(scope="module")
def scan(tmp_path_factory):
    return write_projections(tmp_path_factory.mktemp("scan") / "p", "HFS", angles=TURN, size=SMALL)


def test_what_the_command_leaves_behind(scan, tmp_path):
    done = run("reconstruct", scan, *COARSE, "--out", tmp_path / "out", "--json")
    assert done.code == 0, done.err
    record = json.loads((tmp_path / "out" / "reconstruction.json").read_text(encoding="utf-8"))
    assert json.loads(done.out) == record
    assert record["projections"]["count"] == len(TURN)
    assert (record["arc"]["kind"], record["fan"]) == ("full", "full")
    slices = [pydicom.dcmread(path) for path in sorted((tmp_path / "out" / "ct").iterdir())]
    assert len(slices) == record["image"]["size"][2]
    assert {(s.PatientPosition, s.Manufacturer, s.ImageType[-1]) for s in slices} == {("HFS", "OpenIGRT", "CBCT")}
    assert len({s.SOPInstanceUID for s in slices}) == len(slices)
    again = run("reconstruct", scan, *COARSE, "--out", tmp_path / "out")
    assert again.code == 0
    assert [path.name for path in (tmp_path / "out" / "former").glob("*/*")]


@pytest.mark.parametrize("method", ["os-sart", "cgls", "tv"])
def test_every_method_shows_the_water_of_the_body(scan, method):
    made = openigrt.reconstruct(
        scan, method=method, iterations=8, voxel=6.0, quantity="line integral", position="HFS", water=WATER_PER_MM
    )
    inside = made.image.grid.points(np.stack(np.indices(made.image.grid.size), axis=-1)).transpose(2, 1, 0, 3)
    middle = np.linalg.norm(inside - (-36.0, 20.0, 0.0), axis=-1) < 12.0
    assert float(np.median(made.image.voxels[middle])) == pytest.approx(0.0, abs=60.0)


def test_counts_become_line_integrals_by_flat_and_dark_field(scan, tmp_path):
    rng = np.random.default_rng(1)
    gain = rng.uniform(0.8, 1.2, SMALL[::-1]).astype(np.float32) * 20_000.0
    dark = rng.uniform(90.0, 110.0, SMALL[::-1]).astype(np.float32)
    raw = write_projections(tmp_path / "raw", "HFS", angles=TURN, size=SMALL, counts=lambda p: np.exp(-p) * gain + dark)
    for name, field in (("flat", gain + dark), ("dark", dark)):
        SimpleITK.WriteImage(SimpleITK.GetImageFromArray(field[None]), str(tmp_path / f"{name}.mha"))
    words = {"voxel": 6.0, "position": "HFS", "water": WATER_PER_MM}
    counted = openigrt.reconstruct(
        raw, quantity="intensity", flat=tmp_path / "flat.mha", dark=tmp_path / "dark.mha", **words
    )
    known = openigrt.reconstruct(scan, quantity="line integral", **words)
    difference = (counted.image.voxels - known.image.voxels)[np.isfinite(known.image.voxels)]
    assert np.abs(difference).max() < 5.0


def test_a_flat_field_with_the_patient_in_it_is_refused(tmp_path):
    raw = write_projections(tmp_path / "raw", "HFS", angles=TURN, size=SMALL, counts=lambda p: 2e4 * np.exp(-p))
    words = ("--voxel", "6", "--quantity", "intensity", "--position", "HFS")
    done = run("reconstruct", raw, *words, "--flat", raw / "projections.mha", "--out", tmp_path / "out")
    assert done.code == 1
    assert "brighter than the free beam" in done.sentence
    assert not (tmp_path / "out").exists()


def test_negative_line_integrals_are_refused(tmp_path):
    turned = write_projections(tmp_path / "turned", "HFS", angles=TURN, size=SMALL, counts=lambda p: -p)
    with pytest.raises(InconsistentInput, match="line integrals are not negative"):
        openigrt.reconstruct(turned, voxel=6.0, quantity="line integral")


def test_a_scan_that_does_not_say_when_it_was_taken_has_no_age(scan, tmp_path):
    """When it was reconstructed is no time of acquisition: `guide` would take an old image for a fresh one."""
    assert run("reconstruct", scan, *COARSE, "--out", tmp_path / "out").code == 0
    daily = read_daily_folder(tmp_path / "out" / "ct", "1.2.3")
    assert daily.daily_image.provenance.acquired_at is None


def test_views_without_free_beam_take_the_level_of_the_others(tmp_path):
    """Neighbours that all see the patient from edge to edge, read together: their brightest pixels are no beam."""

    def covered(p):
        return np.where(np.isin(np.arange(len(p)), np.arange(14, 40))[:, None, None], np.maximum(p, 1.2), p)

    words = {"voxel": 6.0, "position": "HFS", "water": WATER_PER_MM}
    known = write_projections(tmp_path / "known", "HFS", angles=TURN, size=SMALL, counts=covered)
    raw = write_projections(
        tmp_path / "raw",
        "HFS",
        angles=TURN,
        size=SMALL,
        counts=lambda p: (np.exp(-covered(p)) * 30_000.0).astype(np.float32),
    )
    expected = openigrt.reconstruct(known, quantity="line integral", **words)
    counted = openigrt.reconstruct(raw, quantity="intensity", **words)
    assert any("26 projections show no free beam" in said for said in counted.messages)
    difference = (counted.image.voxels - expected.image.voxels)[np.isfinite(expected.image.voxels)]
    assert np.abs(difference).max() < 10.0


def test_a_prior_gives_a_second_image_that_is_never_matched(tmp_path):
    plan = plan_folder(tmp_path / "plan", planning_ct(), "HFS")
    raw = write_projections(
        tmp_path / "raw", "HFS", angles=TURN, counts=lambda p: (np.exp(-p) + 0.02).astype(np.float32) * 30_000.0
    )
    words = ("--quantity", "intensity", "--voxel", "3", "--prior", plan, "--scatter", "uniform")
    unseen = run("reconstruct", raw, *words, "--out", tmp_path / "unseen", "--json")
    assert unseen.code == 3
    record = json.loads(unseen.out)
    assert (record["prior"]["verdict"], record["prior"]["is_used"]) == ("look", False)
    assert any("The planning CT is not used" in said and "it is another patient" in said for said in record["messages"])
    assert not (tmp_path / "unseen" / "ct_with_prior").exists()
    done = run("reconstruct", raw, *words, "--match-seen", "--out", tmp_path / "out", "--json")
    assert done.code == 0, done.err
    record = json.loads(done.out)
    assert (record["prior"]["is_used"], record["settings"]["is_match_seen"]) == (True, True)
    assert any("it bent, or it is another patient" in said for said in record["messages"])
    first = pydicom.dcmread(next((tmp_path / "out" / "ct").iterdir()))
    second = pydicom.dcmread(next((tmp_path / "out" / "ct_with_prior").iterdir()))
    assert "contains planning prior" in second.SeriesDescription
    assert (first.ImageType[0], second.ImageType[0]) == ("ORIGINAL", "DERIVED")
    assert first.FrameOfReferenceUID == second.FrameOfReferenceUID
    refused = run("guide", plan, tmp_path / "out" / "ct_with_prior", "--out", tmp_path / "guided")
    assert refused.code == 1
    assert "derived" in refused.err


def test_hu_of_a_cupped_image_are_not_counted_by_the_plan(tmp_path):
    """Scatter and no flat field: a straight line over HU puts the rim of a water body 130 HU too high."""
    plan = plan_folder(tmp_path / "plan", planning_ct(), "HFS")
    raw = write_projections(
        tmp_path / "raw", "HFS", angles=TURN, counts=lambda p: (np.exp(-p) + 0.02).astype(np.float32) * 30_000.0
    )
    words = {"quantity": "intensity", "voxel": 3.0, "water": WATER_PER_MM, "match_seen": True}
    made = openigrt.reconstruct(raw, prior=plan, **words)
    alone = openigrt.reconstruct(raw, position="HFS", **(words | {"match_seen": False}))
    assert np.array_equal(made.image.voxels, alone.image.voxels, equal_nan=True)
    (said,) = [said for said in made.pressing if said.startswith("HU of ct are by water and not by the planning CT")]
    assert "take ct_with_prior" in said
    soft = np.abs(made.prior.image.voxels) < 150.0
    assert float(np.median(made.prior.image.voxels[soft])) == pytest.approx(0.0, abs=15.0)
    even = openigrt.reconstruct(raw, prior=plan, scatter="uniform", **words)
    assert not any("by water and not by the planning CT" in said for said in even.messages)


PROJECTIONS_OF_CHEST = 400


@pytest.fixture(scope="module")
def breathing_scan(tmp_path_factory):
    folder = tmp_path_factory.mktemp("chest")
    trajectory, times = minute(projections=PROJECTIONS_OF_CHEST, size=(96, 64), spacing_mm=(4.5, 4.5))
    amplitudes, _ = breathing_mm(times)
    write_stack(folder, Chest().scanned(trajectory, amplitudes), trajectory)
    return folder, times, amplitudes


def four_d(folder, *words, voxel="3"):
    rate = f"{PROJECTIONS_OF_CHEST / 60:.6f}"
    known = ("--frame-rate", rate, "--quantity", "line integral", "--position", "HFS", "--water", "0.02")
    return run("reconstruct", folder, "--four-d", "5", *known, "--voxel", voxel, *words)


def test_every_phase_of_breathing_shows_the_tumour_where_it_was(breathing_scan, tmp_path):
    done = four_d(breathing_scan[0], "--out", tmp_path / "out")
    assert done.code == 0, done.err
    record = json.loads((tmp_path / "out" / "reconstruction.json").read_text(encoding="utf-8"))
    assert [made["bin"] for made in record["breathing"]] == ["0%", "20%", "40%", "60%", "80%"]
    heights = {phase: tumour_height_mm(tmp_path / "out" / f"phase_{phase}") for phase in (0, 40)}
    inhaled, exhaled = (Chest().tumour_center_mm(amplitude)[1] for amplitude in (HEIGHT_MM, 0.0))
    assert heights[40] == pytest.approx(exhaled, abs=2.5)
    assert exhaled - heights[0] > 0.5 * (exhaled - inhaled)


@pytest.mark.parametrize("method", [(), ("--method", "os-sart", "--iterations", "4")])
def test_bins_of_the_amplitude_of_a_trace_show_the_tumour_where_it_was(breathing_scan, tmp_path, method):
    folder, times, amplitudes = breathing_scan
    rows = "".join(f"{1000.0 * (t + 7.5):.1f};{a:.3f}\n" for t, a in zip(times, amplitudes, strict=True))
    (tmp_path / "trace.csv").write_text(f"time_ms;amplitude_mm\n{rows}")
    words = ("--binning", "amplitude", "--trace", tmp_path / "trace.csv", "--trace-start", "7.5", *method)
    done = four_d(folder, *words, "--out", tmp_path / "out", voxel="5" if method else "3")
    record = json.loads((tmp_path / "out" / "reconstruction.json").read_text(encoding="utf-8"))
    has_image = [made["has_image"] for made in record["breathing"]]
    assert done.code == (0 if all(has_image) else 3), done.err
    assert record["settings"]["breathing"] == {"bins": 5, "by": "amplitude", "trace": "trace.csv", "trace_start_s": 7.5}
    assert has_image[0]
    least = amplitudes[amplitudes < amplitudes.min() + np.ptp(amplitudes) / 5.0].mean()
    expected = Chest().tumour_center_mm(least)[1]
    assert tumour_height_mm(tmp_path / "out" / "amplitude_1") == pytest.approx(expected, abs=2.5)


def test_breathing_that_cannot_be_sorted_is_told_before_anything_is_made(breathing_scan, tmp_path):
    folder, times, amplitudes = breathing_scan
    rows = "".join(f"{t:.3f},{a:.3f}\n" for t, a in zip(times, amplitudes, strict=True))
    (tmp_path / "trace.csv").write_text(f"time_s,amplitude\n{rows}")
    late = four_d(folder, "--trace", tmp_path / "trace.csv", "--trace-start", "50", "--out", tmp_path / "out")
    assert "say with --trace-start when the first projection was taken" in late.sentence
    (tmp_path / "trace.csv").write_text(rows)
    assert (
        "expected the names of its columns: time_s"
        in four_d(folder, "--trace", tmp_path / "trace.csv", "--out", tmp_path / "out").sentence
    )
    still = "".join(f"{t:.3f},{1.0 if 20.0 < t < 21.0 else 0.0}\n" for t in times)
    (tmp_path / "trace.csv").write_text(f"time_s,amplitude\n{still}")
    assert (
        "shows 0 ends of inhalation"
        in four_d(folder, "--trace", tmp_path / "trace.csv", "--out", tmp_path / "out").sentence
    )
    assert late.code == 1
    assert not (tmp_path / "out").exists()


def test_bins_of_too_few_projections_are_refused_where_none_has_an_image(scan, tmp_path):
    rows = "".join(f"{t:.2f},{np.cos(t):.4f}\n" for t in np.arange(0.0, 60.0, 0.1))
    (tmp_path / "trace.csv").write_text(f"time_s,amplitude\n{rows}")
    words = {"four_d": 20, "frame_rate": 1.0, "trace": tmp_path / "trace.csv", "out": tmp_path / "out"}
    assert "Not one of 20 bins of breathing has projections enough" in refused(scan, words)
    assert not (tmp_path / "out").exists()


def tumour_height_mm(folder):
    """Where the tumour lies along the patient: the middle of what is dense in the lung about it."""
    slices = sorted((pydicom.dcmread(path) for path in folder.iterdir()), key=lambda s: s.ImagePositionPatient[2])
    first, step_mm = slices[0], float(slices[0].PixelSpacing[0])
    across = float(first.ImagePositionPatient[0]) + step_mm * np.arange(first.Columns)
    down = float(first.ImagePositionPatient[1]) + step_mm * np.arange(first.Rows)
    column = (np.abs(across + 55.0) < 6.0)[None, :] & (np.abs(down + 5.0) < 6.0)[:, None]
    values = np.array([s.pixel_array[column].mean() for s in slices], dtype=float)
    heights = np.array([float(s.ImagePositionPatient[2]) for s in slices])
    near = np.abs(heights + 5.0) < 30.0
    weights = np.clip(values[near] + 400.0, 0.0, None)
    return float((weights * heights[near]).sum() / weights.sum())


# -------------------------------------------------------------------------------- what cannot be


def refused(scan, words):
    with pytest.raises(OpenIgrtError) as error:
        openigrt.reconstruct(scan, **({"quantity": "line integral", "voxel": 6.0, "position": "HFS"} | words))
    assert "\n" not in error.value.sentence
    return error.value.sentence


def test_projections_that_are_missing(tmp_path):
    part = write_projections(tmp_path / "part", "HFS", angles=np.arange(0.0, 150.0, 3.0), size=SMALL)
    assert "less than half a turn" in refused(part, {"out": tmp_path / "out"})
    gaps = np.concatenate([np.arange(0.0, 100.0, 3.0), np.arange(160.0, 260.0, 3.0)])
    assert "missing in 2 parts" in refused(write_projections(tmp_path / "gaps", "HFS", angles=gaps, size=SMALL), {})
    assert not (tmp_path / "out").exists()


def test_a_detector_that_stands_aside_is_no_full_fan(tmp_path):
    aside = write_projections(tmp_path / "aside", "HFS", HALF_FAN_MM, angles=TURN, size=SMALL)
    assert "half" in refused(aside, {"fan": "full"})


@pytest.mark.parametrize("quantity", ["line integral", "intensity"])
def test_pixels_that_are_no_numbers_are_made_from_their_neighbours_and_told(tmp_path, quantity):
    """One that is dead in every projection, and a few in one of them; the image is as if they had counted."""

    def counted(pixels):
        return pixels if quantity == "line integral" else 30_000.0 * np.exp(-pixels)

    def spoiled(pixels):
        pixels = counted(pixels).astype(np.float32)
        pixels[:, 5, 9] = np.nan
        pixels[7, 20, 25:28] = np.nan
        return pixels

    words = {"voxel": 6.0, "position": "HFS", "quantity": quantity, "water": WATER_PER_MM}
    known, made = (
        openigrt.reconstruct(write_projections(tmp_path / name, "HFS", angles=TURN, size=SMALL, counts=counts), **words)
        for name, counts in (("known", counted), ("spoiled", spoiled))
    )
    assert any(said.startswith(f"{len(TURN) + 3} pixels of projections are no numbers") for said in made.messages)
    difference = (made.image.voxels - known.image.voxels)[np.isfinite(known.image.voxels)]
    assert np.abs(difference).max() < 40.0
    assert float(np.sqrt((difference**2).mean())) < 3.0


@pytest.mark.parametrize(
    ("quantity", "is_flat_given"), [("line integral", False), ("intensity", False), ("intensity", True)]
)
def test_a_projection_without_numbers_is_named_with_what_to_do(tmp_path, quantity, is_flat_given):
    def spoiled(pixels):
        pixels = (pixels if quantity == "line integral" else 30_000.0 * np.exp(-pixels)).astype(np.float32)
        pixels[7] = np.nan
        return pixels

    words = {"quantity": quantity}
    if is_flat_given:
        flat = SimpleITK.GetImageFromArray(np.full((1, *SMALL[::-1]), 30_000.0, np.float32))
        SimpleITK.WriteImage(flat, str(tmp_path / "flat.mha"))
        words["flat"] = tmp_path / "flat.mha"
    scan = write_projections(tmp_path / "p", "HFS", angles=TURN, size=SMALL, counts=spoiled)
    said = refused(scan, words)
    assert "In projection 7 100 % of the pixels are no numbers" in said
    assert "leave that projection out" in said


def test_infinite_pixels_are_to_be_written_as_what_is_then_read(tmp_path):
    def spoiled(pixels):
        pixels[7, 5, 9] = np.inf
        return pixels

    scan = write_projections(tmp_path / "p", "HFS", angles=TURN, size=SMALL, counts=spoiled)
    assert "Write what has no data as NaN" in refused(scan, {})


def in_counts(tmp_path, counts):
    return write_projections(tmp_path / "counts", "HFS", angles=TURN, size=SMALL, counts=counts)


@pytest.mark.parametrize(
    ("counts", "quantity", "said"),
    [
        (lambda p: 0.0 * p, "line integral", "every line integral is zero"),
        (lambda p: 30_000.0 * np.exp(-p), "line integral", "say --quantity intensity"),
        (lambda p: p, "intensity", "or the pixels are no intensities (--quantity)"),
        (lambda p: 30_000.0 * np.exp(-p) - 28_000.0, "intensity", "59 % of the pixels saw no beam"),
        (lambda p: np.minimum(200_000.0 * np.exp(-p), 65535.0).astype(np.uint16), "intensity", "pixels are saturated"),
    ],
)
def test_pixels_that_are_not_what_they_are_called_make_no_image(tmp_path, counts, quantity, said):
    assert said in refused(in_counts(tmp_path, counts), {"quantity": quantity, "out": tmp_path / "out"})
    assert not (tmp_path / "out").exists()


def test_a_projection_without_beam_is_told(tmp_path):
    def without_beam(line_integrals):
        counts = 30_000.0 * np.exp(-line_integrals)
        counts[7] = 0.0
        return counts

    made = openigrt.reconstruct(in_counts(tmp_path, without_beam), quantity="intensity", voxel=6.0, position="HFS")
    assert "1.7 % of the pixels saw no beam; what lies before them is not known." in made.messages


def test_a_folder_that_lacks_what_its_format_does_not_say(tmp_path, scan):
    shutil.copytree(scan, tmp_path / "p")
    (tmp_path / "p" / "geometry.xml").rename(tmp_path / "geometry.xml")
    assert "projections without a geometry; put RTK's geometry" in refused(tmp_path / "p", {})
    openigrt.reconstruct(tmp_path / "p", geometry=tmp_path / "geometry.xml", quantity="line integral", voxel=6.0)
    (tmp_path / "images").mkdir()
    SimpleITK.WriteImage(SimpleITK.Image(56, 40, SimpleITK.sitkFloat32), str(tmp_path / "images" / "p0.tif"))
    assert "--spacing" in refused(tmp_path / "images", {})


def test_a_series_of_rt_images_is_a_scan_and_a_plan_is_none(tmp_path):
    images = [*write_series(tmp_path, order=(2, 0, 3, 1))]
    assert len(images) == 4
    with pytest.raises(InconsistentInput, match="0 of 4 projections show the free beam"):
        openigrt.reconstruct(tmp_path, voxel=6.0)
    with pytest.raises(InputError, match="RT Image projections state themselves what --spacing says"):
        openigrt.reconstruct(tmp_path, spacing=(1.0, 1.0))
    plan = plan_folder(tmp_path / "plan", planning_ct((48, 36, 30), (5.0, 5.0, 8.0)), "HFS")
    with pytest.raises(UnsupportedInput, match="holds DICOM, and no RT Image among it; give the folder of the proj"):
        openigrt.reconstruct(plan, plan=plan)


def test_plan_folders_that_are_no_prior_or_no_place_for_results(tmp_path, scan):
    plan = plan_folder(tmp_path / "plan", planning_ct((48, 36, 30), (5.0, 5.0, 8.0)), "HFS")
    assert "give one of them" in refused(scan, {"plan": plan, "prior": plan})
    for word in ("plan", "prior"):
        assert "into the input folder" in refused(scan, {word: plan, "out": plan / "cbct"})
    assert "No plan has the UID '1.2.3'" in refused(scan, {"plan": plan, "plan_uid": "1.2.3"})
    assert "No image series has the UID '1.2.3'" in refused(scan, {"prior": plan, "plan_series": "1.2.3"})
    (plan / "rp.dcm").unlink()
    assert "There is no RT Plan in" in refused(scan, {"prior": plan})


def test_a_volume_that_does_not_fit_is_refused_before_anything_is_made(scan):
    assert "GiB, and this machine has" in refused(scan, {"size": (2048, 2048, 2048)})


def test_a_planning_ct_of_other_tissues_says_what_is_likely(tmp_path):
    """An image of uniform water, and the CT of the phantom laid where nothing of it agrees."""
    folder = read_plan_folder(plan_folder(tmp_path / "plan", planning_ct((48, 36, 30), (5.0, 5.0, 8.0)), "HFS"))
    placed = PlacedPlan(folder.planning_image, room_from_plan("HFS").inverse())
    grid = placed.covering()
    with pytest.raises(InconsistentInput, match=r"is of another patient \(plan: .*\) or site, the match is wrong"):
        placed.scale(np.full(grid.shape, WATER_PER_MM, np.float32), grid, np.ones(grid.shape, bool))


def test_a_patient_who_lies_otherwise_than_planned(tmp_path, scan):
    plan = plan_folder(tmp_path / "plan", planning_ct((48, 36, 30), (5.0, 5.0, 8.0)), "HFS")
    with pytest.raises(InconsistentInput, match="--position says HFP, the plan HFS"):
        openigrt.reconstruct(scan, plan=plan, position="HFP", quantity="line integral", voxel=6.0)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"method": "magic"}, "--method is 'magic'; expected one of fdk"),
        ({"voxel": 0.0}, "--voxel is 0.0; expected a number from 0.1 to 20"),
        ({"size": (10, 10)}, "expected columns, rows and slices"),
        ({"iterations": 0}, "expected a whole number from 1"),
        ({"scatter": "all"}, "expected one of none, uniform, kernel"),
        ({"iterations": 5}, "--iterations is of the iterative methods, os-sart, cgls and tv, and the method is fdk"),
        ({"method": "tv", "window": "hann"}, "--window is of the filter of fdk, and the method is tv"),
        ({"method": "cgls", "cut_off": 1.0}, "--cut-off is of the filter of fdk, and the method is cgls"),
        ({"spacing": (1.0, 1.0)}, "state themselves what --spacing says"),
        ({"machine": "elekta_iec"}, "state themselves what --machine says"),
        ({"frame_rate": 5.0}, "--frame-rate is of use with --four-d alone"),
        ({"trace": "trace.csv"}, "--trace is of use with --four-d alone"),
        ({"binning": "phase"}, "--binning is of use with --four-d alone"),
        ({"four_d": 5, "trace_start": 1.0}, "--trace-start is a time on the clock of a trace"),
        ({"four_d": 60}, "--four-d is 60; expected a whole number from 1 to 20"),
        ({"cut_off": 3.0}, "--cut-off is 3.0; expected a number from 0.05 to 1"),
        ({"tube_voltage": 45.0}, "--tube-voltage is 45.0; expected a number from 50 to 150"),
        ({"size": (10, 10, 4000)}, "--size is 4000; expected a whole number from 1 to 2048"),
        ({"four_d": 5, "frame_rate": 0.0}, "--frame-rate is 0.0; expected a number from 0.01"),
        ({"position": "LYING"}, "--position is 'LYING'; expected one of HFS"),
        ({"four_d": 5, "binning": "depth"}, "--binning is 'depth'; expected one of phase, amplitude"),
        (
            {"four_d": 5, "frame_rate": 9.0, "trace": "nowhere.csv"},
            "nowhere.csv is no file; expected a breathing trace",
        ),
        ({"plan_uid": "1.2"}, "choose within a plan folder"),
        ({"match_seen": True}, "--match-seen is said of the match of a prior"),
        ({"four_d": 10}, "give --frame-rate"),
        ({"flat": "nowhere.mha"}, "Line integrals need no flat field"),
        ({"dark": "nowhere.mha", "quantity": "intensity"}, "A dark field is of use with a flat field only"),
        ({"flat": "nowhere.mha", "quantity": "intensity"}, "nowhere.mha is no file"),
    ],
)
def test_words_that_cannot_be(scan, words, said):
    assert said in refused(scan, words)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--method", "magic"), 2),
        (("--voxel", "0"), 2),
        (("--iterations", "0", "--method", "tv"), 2),
        (("--iterations", "5"), 2),
        (("--four-d", "60"), 2),
        (("--binning", "phase"), 2),
        (("--frame-rate", "5"), 2),
        (("--prior", "a", "--plan", "b"), 2),
        (("--match-seen",), 2),
        (("--plan-uid", "1.2"), 2),
        (("--dark", "nowhere.mha"), 2),
        (("--position", "LYING"), 2),
        (("--tube-voltage", "45"), 2),
        (("--plan", "nowhere"), 1),
        (("--flat", "nowhere.mha"), 1),
    ],
)
def test_words_that_cannot_be_meant_are_wrong_usage_and_touch_nothing(scan, tmp_path, words, code):
    """What is wrong whatever the files say leaves with 2, what the files say with 1 (design.md, section 5)."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    done = run("reconstruct", scan, "--quantity", "line integral", "--out", tmp_path / "out", *words)
    assert (done.code, done.out) == (code, ""), done.err
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine.txt"]


def test_the_next_command_is_printed_ready_for_a_shell(scan, tmp_path):
    plan = plan_folder(tmp_path / "the plan", planning_ct((48, 36, 30), (5.0, 5.0, 8.0)), "HFS")
    out = tmp_path / "out of today"
    known = ("--voxel", "6", "--quantity", "line integral", "--size", "12,12,8")
    named = run("reconstruct", scan, *known, "--plan", plan, "--out", out)
    last, statement = named.out.splitlines()[-1], named.out.splitlines()[-2]
    assert last.startswith("Next: ")
    assert shlex.split(last)[-3:] == ["guide", str(plan), str(out / "ct")]
    assert statement == RESEARCH_STATEMENT
    alone = run("reconstruct", scan, *known, "--out", out).out.splitlines()[-1]
    assert shlex.split(alone)[-3:] == ["guide", "PLAN", str(out / "ct")]
    assert "with the plan folder for PLAN" in alone


def test_rings_count_in_the_memory_that_is_asked_for(scan, monkeypatch):
    """Half a number for each pixel of the scan, whatever else is needed."""
    found = read_scan(scan, ScanDefaults(quantity=Quantity.LINE_INTEGRAL))[0]
    settings = ReconstructionSettings(voxel_mm=6.0)
    monkeypatch.setattr(volume_making.os, "sysconf", lambda name: 1)
    needed = []
    for removes_rings in (False, True):
        with pytest.raises(InputError) as error:
            bench_of(found, replace(settings, removes_rings=removes_rings))
        needed.append(error.value.facts["needed_bytes"])
    assert needed[1] - needed[0] == 2 * np.prod(found.trajectory.shape)
    assert "leave out --rings" in error.value.sentence


def test_iterations_say_which_of_how_many(scan):
    heard = []
    words = {"quantity": "line integral", "position": "HFS", "voxel": 6.0, "size": (20, 20, 8)}
    openigrt.reconstruct(scan, method="os-sart", iterations=3, progress=heard.append, **words)
    said = [line for line in heard if line.startswith("iteration")]
    assert [line.split(",")[0] for line in said] == [f"iteration {n} of 3" for n in (1, 2, 3)]


def test_what_is_of_somebody_else_is_not_moved(scan, tmp_path):
    out = tmp_path / "out"
    (out / "ct").mkdir(parents=True)
    (out / "ct" / "mine.dcm").write_text("mine")
    done = run("reconstruct", scan, *COARSE, "--out", out)
    assert done.code == 1
    assert "no reconstruction.json of OpenIGRT beside it proves it a result" in done.sentence
    assert {path.name for path in out.rglob("*")} == {"ct", "mine.dcm"}
    (out / "reconstruction.json").write_text('{"schema_version": "of somebody else"}')
    assert run("reconstruct", scan, *COARSE, "--out", out).code == 1
    (out / "reconstruction.json").write_text('{"schema_version": 1, "version": "0.1"}')
    assert run("reconstruct", scan, *COARSE, "--size", "12,12,8", "--out", out).code == 0
    assert next(out.glob("former/*/ct/mine.dcm")).read_text() == "mine"


@pytest.mark.parametrize(
    ("words", "is_heard"),
    [({}, False), ({"tube_voltage": 120.0}, True), ({"scatter": "kernel"}, True), ({"scatter": "uniform"}, False)],
)
def test_a_machine_file_of_which_line_integrals_need_nothing_is_refused(scan, tmp_path, words, is_heard):
    more = "[imager.filters_mm]\naluminum = 3.0\n[imager.scatter]\namplitude = 0.1\nnarrow_mm = 20\nwide_mm = 80\n"
    machine = machine_file(tmp_path, more + "wide_share = 0.5\n")
    words = words | {"machine": machine, "size": (12, 12, 8)}
    if is_heard:
        known = {"quantity": "line integral", "voxel": 6.0, "position": "HFS"}
        assert openigrt.reconstruct(scan, **known | words).image.grid.size == (12, 12, 8)
    else:
        assert "nothing of --machine counts for them" in refused(scan, words)
