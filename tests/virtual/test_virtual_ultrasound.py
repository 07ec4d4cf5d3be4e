"""Ultrasound of a virtual patient: bladder and probe where they are, speckle by Rayleigh, shadows, DICOM."""

from dataclasses import replace

import numpy as np
import pytest

from openigrt.dicom import UltrasoundVolume, read_ultrasound, write_ultrasound
from openigrt.errors import InputError, MissingInput
from openigrt.geometry import Frame, Grid, RigidTransform, rotation_z
from openigrt.images import Image, Modality
from openigrt.virtual import Transducer, pelvis_patient, probe_frame, probe_on_skin, ultrasound_image
from openigrt.virtual.imaging.ultrasound import _Along, _Rays, _shown
from tests.dicom.writing_cases import series_header
from tests.virtual.trunk_checks import FRAME

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
SMALL = Transducer(half_angle_deg=24.0, half_sweep_deg=18.0, depth_mm=115.0, beam_deg=2.0)


@pytest.fixture(scope="module")
def patient():
    return pelvis_patient(FRAME, 3)


@pytest.fixture(scope="module")
def fixed_from_plan(patient):
    return patient.fixed_from_plan(patient.planned)


@pytest.fixture(scope="module")
def bladder_mm(patient):
    low, high = patient.anatomy.bounds_mm("BLADDER")
    return 0.5 * (low + high)


@pytest.fixture(scope="module")
def probe(patient, fixed_from_plan, bladder_mm):
    return probe_on_skin(patient.anatomy, fixed_from_plan, bladder_mm, (0.0, 0.0, -1.0))


def grid_in_room(center_mm, half_mm=42.0, spacing_mm=1.5) -> Grid:
    count = int(2 * half_mm / spacing_mm) + 1
    corner = np.asarray(center_mm) - 0.5 * (count - 1) * spacing_mm
    return Grid(Frame.FIXED, corner, np.full(3, spacing_mm), np.eye(3), (count, count, count))


@pytest.fixture(scope="module")
def scan(patient, fixed_from_plan, probe, bladder_mm):
    grid = grid_in_room(fixed_from_plan.points(bladder_mm))
    return ultrasound_image(patient, patient.planned, grid, fixed_from_plan, probe, transducer=SMALL)


def points_of(grid: Grid) -> np.ndarray:
    return grid.points(np.stack(np.meshgrid(*map(np.arange, grid.shape), indexing="ij")[::-1], axis=-1))


def distances_mm(patient, scan, organ, fixed_from_plan) -> np.ndarray:
    return patient.anatomy.signed_distance_mm(organ, fixed_from_plan.inverse().points(points_of(scan.image.grid)))


def test_the_bladder_is_dark_and_its_surroundings_are_not(patient, scan, fixed_from_plan):
    distance = distances_mm(patient, scan, "BLADDER", fixed_from_plan)
    inside, around = (distance < -6.0) & scan.is_seen, (distance > 2.0) & (distance < 8.0) & scan.is_seen
    assert np.median(scan.image.voxels[inside]) < 5.0
    ten_db = 10.0 / SMALL.range_db * 255.0
    assert np.median(scan.image.voxels[around]) - np.median(scan.image.voxels[inside]) > ten_db
    dark = (scan.image.voxels < 20.0) & (distance < 10.0) & scan.is_seen
    whole = (distance < 0.0) & scan.is_seen
    points = points_of(scan.image.grid)
    assert points[dark].mean(axis=0) == pytest.approx(points[whole].mean(axis=0), abs=1.0)


def test_a_probe_that_is_believed_elsewhere_moves_the_image(patient, fixed_from_plan, probe, scan):
    error = RigidTransform(Frame.FIXED, Frame.FIXED, np.eye(3), np.array([3.0, 0.0, -1.5]))
    off = ultrasound_image(
        patient,
        patient.planned,
        scan.image.grid,
        fixed_from_plan,
        probe,
        believed_fixed_from_probe=error @ probe,
        transducer=SMALL,
    )
    same = off.image.voxels[:-1, :, 2:] - scan.image.voxels[1:, :, :-2]
    both = off.is_seen[:-1, :, 2:] & scan.is_seen[1:, :, :-2]
    assert both.mean() > 0.3
    assert np.abs(same[both]).max() < 0.1


def test_speckle_is_that_of_rayleigh_and_falls_with_depth_as_it_should():
    """Mean over standard deviation of the amplitude of fully developed speckle: sqrt(pi / (4 - pi)) = 1.91."""
    rays = _Rays.of(SMALL)
    shape = (len(rays.sweep), len(rays.across), len(rays.depths_mm))
    even = _Along(*(np.full(shape, v, np.float32) for v in (1.65, SMALL.gain_db - 0.2, 1.0)))
    shown = _shown(rays, even, SMALL, np.random.default_rng(1))
    level_db = (shown / 255.0 - 1.0) * SMALL.range_db
    amplitude = 10.0 ** (level_db / 20.0)
    near = amplitude[:, :, 20:60]
    assert near.mean() / near.std() == pytest.approx(1.91, rel=0.05)
    # Tissue takes 0.2 dB per cm and MHz less than the gain gives back: there and back over 8 cm.
    rise_db = 20.0 * np.log10(amplitude[:, :, 230:250].mean() / amplitude[:, :, 30:50].mean())
    assert rise_db == pytest.approx(2.0 * 0.2 * SMALL.frequency_mhz * 8.0, rel=0.03)


def test_bone_throws_a_shadow(patient, fixed_from_plan):
    head = patient.anatomy.landmark_mm("FEMORAL_HEAD_L")
    beside = probe_on_skin(patient.anatomy, fixed_from_plan, head, (0.0, 0.0, -1.0))
    surface, depth = fixed_from_plan.points(head), fixed_from_plan.points(head) - (0.0, 0.0, 12.0)
    grid = grid_in_room(surface - (0.0, 0.0, 10.0), 40.0, 2.0)
    scan = ultrasound_image(patient, patient.planned, grid, fixed_from_plan, beside, transducer=SMALL)
    points = points_of(grid)
    behind = (np.linalg.norm(points[..., :2] - depth[:2], axis=-1) < 10.0) & (points[..., 2] < depth[2]) & scan.is_seen
    before = (points[..., 2] > surface[2] + 30.0) & scan.is_seen
    assert behind.sum() > 50
    assert np.median(scan.image.voxels[behind]) < 2.0
    if before.sum() > 50:
        assert np.median(scan.image.voxels[before]) > 40.0


def test_a_volume_comes_back_from_dicom_in_its_place(scan):
    uid = "1.2.826.0.1.3680043.8.498.77"
    volume, table = Frame.equipment(uid), Frame.equipment(f"{uid}.1")
    grid = scan.image.grid
    image = Image(
        scan.image.voxels, Grid(volume, grid.origin_mm, grid.spacing_mm, grid.direction, grid.size), Modality.US
    )
    believed = scan.believed_fixed_from_probe.inverse()
    transducer = RigidTransform(probe_frame(uid), volume, believed.rotation, believed.translation_mm)
    on_table = RigidTransform(table, volume, rotation_z(10.0), np.array([1.0, 2.0, 3.0]))
    dataset = write_ultrasound(UltrasoundVolume(image, transducer, on_table), series_header("74"), f"{uid}.2", uid)
    found, _ = read_ultrasound(dataset)
    assert found.image.frame == volume
    assert np.abs(found.image.voxels - scan.image.voxels).max() <= 0.5
    assert found.image.grid.points((3, 4, 5)) == pytest.approx(grid.points((3, 4, 5)), abs=1e-6)
    assert found.table_from_volume is not None
    assert found.table_from_volume.matrix4() == pytest.approx(on_table.matrix4(), abs=1e-9)
    assert found.transducer_from_volume is not None
    assert found.transducer_from_volume.matrix4() == pytest.approx(transducer.matrix4(), abs=1e-9)
    with pytest.raises(MissingInput, match="transducer"):
        write_ultrasound(replace_transducer(found), series_header("74"), f"{uid}.2", uid)


def replace_transducer(volume: UltrasoundVolume) -> UltrasoundVolume:
    return replace(volume, transducer_from_volume=None)


def test_what_sees_nothing_is_refused(patient, fixed_from_plan):
    with pytest.raises(InputError, match="half angles"):
        Transducer(half_angle_deg=85.0)
    with pytest.raises(MissingInput, match="skin"):
        probe_on_skin(patient.anatomy, fixed_from_plan, (0.0, 0.0, -3000.0), (0.0, 0.0, -1.0)).points((0, 0, 0))
