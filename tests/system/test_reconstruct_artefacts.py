"""Scans with rings, lag, metal and scatter through `openigrt reconstruct`: what its words take off, and say."""

import json

import numpy as np
import pytest
import SimpleITK

import openigrt
from openigrt.errors import InconsistentInput, InputError
from openigrt.geometry import DetectorPlacement, circular_trajectory
from openigrt.machine import FilterMaterial, ScatterFit, parse_machine
from openigrt.tasks.reconstruction.imager_corrections import FramesWithoutLag
from openigrt.virtual import Beam, DetectorModel, Phantom, detected, primary, scatter
from openigrt.xray import KernelScatter, Lag, LagCorrection, Material
from tests.system.command import run
from tests.system.reconstruct_cases import WATER_PER_MM, machine_file, write_projections, write_stack
from tests.xray import test_metal
from tests.xray.correction_cases import calibration_phantom, cylinder

SMALL = (56, 40)
TURN = np.arange(0.0, 360.0, 6.0)
LAG = "[imager.lag]\nshares = [0.12, 0.03]\nframes = [3.0, 40.0]\n"
WORDS = {"voxel": 6.0, "position": "HFS", "water": WATER_PER_MM, "quantity": "intensity"}


def field(path, pixels):
    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(np.asarray(pixels, np.float32)[None]), str(path))
    return path


def inside_hu(made):
    """HU of what is seen, without the few slices at the ends."""
    return made.image.voxels[3:-3]


def off(made, known):
    """Standard deviation of the difference between two images where both see."""
    difference = inside_hu(made) - inside_hu(known)
    return float(np.std(difference[np.isfinite(difference)]))


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    """The flat field, and the image of counts without any flaw."""
    folder = tmp_path_factory.mktemp("clean")
    flat = field(folder / "flat.mha", np.full(SMALL[::-1], 30_000.0))
    raw = write_projections(folder / "p", "HFS", angles=TURN, size=SMALL, counts=lambda p: np.exp(-p) * 30_000.0)
    return flat, openigrt.reconstruct(raw, flat=flat, **WORDS)


def test_lag_comes_off_by_the_machine_file_and_is_told(clean, tmp_path):
    flat, known = clean
    model = DetectorModel(
        full_counts=30_000.0,
        dark_counts=0.0,
        dark_spread_counts=0.0,
        gain_spread=0.0,
        photons=1e12,
        electronic_counts=0.0,
        lag_shares=(0.12, 0.03),
        lag_frames=(3.0, 40.0),
    )
    lagging = write_projections(
        tmp_path / "p",
        "HFS",
        angles=TURN,
        size=SMALL,
        counts=lambda p: detected(np.exp(-p), np.ones(p.shape[1:], np.float32), model, np.random.default_rng(1)).raw,
    )
    left = openigrt.reconstruct(
        lagging, flat=flat, machine=machine_file(tmp_path, "[imager.filters_mm]\naluminum = 2.0\n"), **WORDS
    )
    gone = openigrt.reconstruct(lagging, flat=flat, machine=machine_file(tmp_path, LAG), **WORDS)
    assert off(left, known) > 20.0
    assert off(gone, known) < 0.05 * off(left, known)
    assert any("states no lag of the panel" in said for said in left.messages)
    assert any("12 % for 3 frames, 3 % for 40 frames" in said for said in gone.messages)


def test_lag_comes_off_whatever_the_order_in_which_frames_are_asked_for():
    scan = circular_trajectory(np.arange(0.0, 360.0, 9.0), DetectorPlacement(1000.0, 1500.0, (4, 3), (9.0, 9.0)))
    frames = np.random.default_rng(2).random((40, 3, 4), dtype=np.float32)
    lag = Lag((0.1,), (4.0,))
    expected = LagCorrection(lag, (3, 4)).corrected(frames)
    without = FramesWithoutLag(lag, scan)
    for first, last in ((0, 7), (7, 20), (25, 40), (3, 5), (5, 6), (0, 40)):
        which = slice(first, last)
        got = without.corrected(which, frames[which], lambda part: frames[part])
        assert np.allclose(got, expected[which], atol=1e-6)


def test_rings_of_a_gain_that_drifted_go(tmp_path):
    fine = (224, 192)
    flat = field(tmp_path / "flat.mha", np.full(fine[::-1], 30_000.0))
    gain = np.ones(fine[::-1]) + 0.03 * np.isin(np.arange(fine[0]), (61, 74, 90, 101, 125, 140, 166))
    scans = {
        name: write_projections(
            tmp_path / name, "HFS", angles=TURN, size=fine, counts=lambda p, each=each: np.float32(np.exp(-p) * each)
        )
        for name, each in (("even", 3e4 * np.ones_like(gain)), ("drifted", 3e4 * gain))
    }
    words = WORDS | {"flat": flat, "voxel": 2.0, "size": (120, 120, 8)}
    known, ringed = (openigrt.reconstruct(scans[name], **words) for name in ("even", "drifted"))
    cleaned = openigrt.reconstruct(scans["drifted"], rings=True, **words)
    assert off(cleaned, known) < 0.6 * off(ringed, known)


def test_rings_and_metal_are_flags_of_the_command_and_stand_in_the_record(clean, tmp_path):
    scan = write_projections(tmp_path / "p", "HFS", angles=TURN, size=SMALL)
    words = ("--voxel", 6, "--position", "HFS", "--quantity", "line integral", "--out", tmp_path / "out")
    done = run("reconstruct", scan, *words, "--rings", "--metal")
    assert done.code == 0, done.err
    record = json.loads((tmp_path / "out" / "reconstruction.json").read_text(encoding="utf-8"))
    assert (record["settings"]["removes_rings"], record["settings"]["removes_metal"]) == (True, True)
    assert any("No metal was found" in said for said in record["messages"])


# -------------------------------------------------------------------------------- metal


@pytest.fixture(scope="module")
def hips(tmp_path_factory):
    """Counts of a slice of hips of titanium and steel, and words that reconstruct it."""
    folder = tmp_path_factory.mktemp("hips")
    signal = primary(test_metal.IMPLANTED, test_metal.SCANNER, Beam(bow_tie=None))
    write_stack(folder, (signal * 40_000.0).astype(np.float32), test_metal.SCANNER)
    size = test_metal.GRID.size
    return folder, {
        "quantity": "intensity",
        "flat": field(folder.parent / "flat.mha", np.full((8, 192), 40_000.0)),
        "position": "HFS",
        "voxel": 4.0,
        "size": size,
        "tube_voltage": 125.0,
    }


def streaks_hu(made):
    """RMS difference from the truth away from metal and skin; rows of the image go down in the room."""
    return test_metal.error(made.image.voxels[:, ::-1], np.zeros(0))


def test_streaks_of_metal_fall_and_the_metal_stays(hips):
    projections, words = hips
    before, after = (openigrt.reconstruct(projections, metal=metal, **words) for metal in (False, True))
    assert streaks_hu(after) < 0.5 * streaks_hu(before)
    bright = before.image.voxels > 2000.0
    assert np.array_equal(after.image.voxels > 2000.0, bright)
    assert any("cm3 of metal were cut out" in said for said in after.messages)


def test_where_there_is_no_metal_nothing_changes(tmp_path):
    scan = write_projections(tmp_path / "p", "HFS", angles=TURN, size=SMALL)
    words = WORDS | {"quantity": "line integral"}
    plain, asked = (openigrt.reconstruct(scan, metal=metal, **words) for metal in (False, True))
    assert np.array_equal(plain.image.voxels, asked.image.voxels, equal_nan=True)
    assert any("No metal was found" in said for said in asked.messages)


# -------------------------------------------------------------------------------- scatter


PLACEMENT = DetectorPlacement(1000.0, 1500.0, (64, 16), (6.2, 18.6), (160.0, 0.0))
SCANNER = circular_trajectory(np.arange(0.0, 360.0, 6.0), PLACEMENT)
BEAM = Beam(bow_tie=None)
WATER = Phantom((cylinder((3.0, -5.0), (150.0, 170.0, 150.0), None, water=1.0),))


def write_scan(folder, phantom):
    """Counts of a half fan of a phantom with its scatter; primary and scattered signal."""
    straight, scattered = primary(phantom, SCANNER, BEAM), scatter(phantom, SCANNER, BEAM)
    folder.mkdir()
    write_stack(folder, ((straight + scattered) * 40_000.0).astype(np.float32), SCANNER)
    return straight, scattered


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    """What a user does: a cylinder of water, a flat field, the voltage."""
    folder = tmp_path_factory.mktemp("water")
    straight, scattered = write_scan(folder / "p", WATER)
    flat = field(folder / "flat.mha", np.full((16, 64), 40_000.0))
    fit = openigrt.fit_scatter(folder / "p", quantity="intensity", flat=flat, tube_voltage=125.0, voxel=4.0)
    return flat, fit, straight, scattered


def test_a_kernel_fitted_without_knowing_the_primary_explains_the_scatter(fitted):
    _, fit, straight, scattered = fitted
    kernel = KernelScatter(fit.amplitude, fit.narrow_mm, fit.wide_mm, fit.wide_share)
    air = np.ones(straight.shape[1:], np.float32)
    ratio = kernel.estimate(straight + scattered, air, SCANNER) / scattered
    assert np.percentile(ratio[straight < 0.1], [10, 90]) == pytest.approx([1.0, 1.0], abs=0.25)
    assert np.median(ratio[straight < 0.1]) == pytest.approx(1.0, abs=0.1)


def test_the_fitted_kernel_in_the_machine_file_brings_another_phantom_to_its_hu(fitted, tmp_path):
    flat, fit, _, _ = fitted
    write_scan(tmp_path / "p", calibration_phantom())
    values = (f"{name} = {getattr(fit, name)!r}\n" for name in ("amplitude", "narrow_mm", "wide_mm", "wide_share"))
    machine = machine_file(tmp_path, "[imager.scatter]\n" + "".join(values))
    assert parse_machine(machine.read_text(encoding="utf-8")).imager.scatter == fit
    words = {"flat": flat, "voxel": 4.0, "position": "HFS", "quantity": "intensity", "tube_voltage": 125.0}
    none = openigrt.reconstruct(tmp_path / "p", **words)
    usual = openigrt.reconstruct(tmp_path / "p", scatter="kernel", **words)
    known = openigrt.reconstruct(tmp_path / "p", scatter="kernel", machine=machine, **words)
    assert abs(water_hu(known)) < 30.0
    assert water_hu(none) < -100.0
    assert any("not of this machine" in said for said in usual.messages)
    assert any(f"amplitude {fit.amplitude:g}" in said for said in known.messages)


def water_hu(made):
    """Median about the axis of rotation, in the middle slices."""
    j, i = np.indices(made.image.grid.shape[1:])
    points = made.image.grid.points(np.stack([i, j, np.zeros_like(i)], axis=-1))
    middle = made.image.grid.size[2] // 2
    return float(np.median(made.image.voxels[middle - 1 : middle + 2, np.hypot(points[..., 0], points[..., 1]) < 40.0]))


def test_a_kernel_is_fitted_on_water_alone(tmp_path):
    flat = field(tmp_path / "flat.mha", np.full((16, 64), 40_000.0))
    write_scan(tmp_path / "p", calibration_phantom())
    with pytest.raises(InconsistentInput, match="without inserts"):
        openigrt.fit_scatter(tmp_path / "p", quantity="intensity", flat=flat, tube_voltage=125.0, voxel=4.0)
    with pytest.raises(InputError, match="give tube_voltage"):
        openigrt.fit_scatter(tmp_path / "p", quantity="intensity", flat=flat, voxel=4.0)
    (tmp_path / "air").mkdir()
    write_stack(tmp_path / "air", np.full(SCANNER.shape, 40_000.0, np.float32), SCANNER)
    with pytest.raises(InconsistentInput, match="0 cm3 of anything dense"):
        openigrt.fit_scatter(tmp_path / "air", quantity="intensity", flat=flat, tube_voltage=125.0, voxel=4.0)


# -------------------------------------------------------------------------------- what is said


def test_half_a_fan_that_is_whole_is_told(tmp_path):
    scan = write_projections(tmp_path / "p", "HFS", angles=TURN, size=SMALL)
    words = WORDS | {"quantity": "line integral"}
    assert any("--fan says half" in said for said in openigrt.reconstruct(scan, fan="half", **words).messages)
    assert not any("--fan" in said for said in openigrt.reconstruct(scan, **words).messages)


@pytest.mark.parametrize(
    "table",
    [
        '[imager.bow_tie]\nmaterial = "cheese"\nfan_angles_deg = [-14, 14]\nthicknesses_mm = [9, 9]\n',
        "[imager.filters_mm]\ncheese = 3.0\n",
    ],
)
def test_a_filter_of_nothing_known_is_refused_when_the_machine_file_is_read(tmp_path, table):
    with pytest.raises(InputError, match=r"cheese.*aluminum, copper"):
        openigrt.reconstruct(tmp_path / "no projections", machine=machine_file(tmp_path, table))


def test_every_material_of_filters_has_an_attenuation():
    assert {str(material) for material in FilterMaterial} <= {str(material) for material in Material}


def test_fits_are_values():
    assert ScatterFit(0.1, 20.0, 80.0, 0.5) == ScatterFit(0.1, 20.0, 80.0, 0.5)
