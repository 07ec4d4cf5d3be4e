"""What the kV imager sees of the patient on the couch, against closed forms and against where his tissue truly is."""

from dataclasses import replace

import numpy as np
import pytest

from openigrt.errors import InputError
from openigrt.files import read_field, read_machine, read_scan
from openigrt.geometry import Frame, Grid, circular_trajectory
from openigrt.images import Quantity
from openigrt.virtual import (
    HEAD_DEMO_CBCT,
    PELVIS_DEMO_CBCT,
    Anatomy,
    Body,
    BowTie,
    BreathingOrgan,
    BreathingPattern,
    Composition,
    ConeBeamProtocol,
    Day,
    Layer,
    Organ,
    Part,
    PatientProjections,
    Phantom,
    Region,
    ScatterModel,
    SetupError,
    Superellipsoid,
    VirtualLinac,
    VirtualPatient,
    VoxelScatterer,
    moments_of,
    primary,
    primary_through,
    rendered,
    scatter,
    scattered,
    write_scan_folder,
)
from openigrt.virtual.imaging.composition import BASIS, SCANNER_KEV, in_basis, scanner_hu
from openigrt.virtual.imaging.cone_beam_protocol import in_groups
from openigrt.xray import Material, Tube, attenuation_per_mm, tube_spectrum
from tests.virtual.linac_cases import imaging

FRAME = Frame.plan("1.2.3")
MUSCLE, BONE, WATER = Material.MUSCLE, Material.BONE, Material.WATER
MUSCLE_HU, BONE_HU = scanner_hu({MUSCLE: 1.0}), scanner_hu({BONE: 1.0})
TARGET_HU = 600.0
TARGET_MM, TARGET_RADIUS_MM = np.array([20.0, -10.0, 30.0]), 14.0
SETUP_MM = (4.0, -3.0, 6.0)
ROOM_AXES = [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0]]
PROTOCOL = ConeBeamProtocol(
    "test",
    Tube(),
    BowTie(),
    (80, 40),
    12,
    photons_per_mm2=1e6,
    scatter=ScatterModel(accepted_share=0.0, views=2, voxel_mm=60.0),
    voxel_mm=4.0,
    motion_step_mm=1.5,
)


def patient_with(target_hu: float) -> VirtualPatient:
    """A ball of a target in an ellipsoid of muscle; it breathes by 10 mm along z, with hysteresis along y."""
    bone = Organ("BONE", (Part(Superellipsoid((-100.0, 0.0, -150.0), (8, 8, 8))),), (Layer(0.0, MUSCLE_HU),))
    body = Organ("BODY", (Part(Superellipsoid((0, 0, 0), (150, 100, 300))),), (Layer(0.0, MUSCLE_HU),))
    ball = Superellipsoid(tuple(TARGET_MM), (TARGET_RADIUS_MM,) * 3)
    region = Region(tuple(TARGET_MM), (20, 20, 20), 30.0)
    return VirtualPatient(
        "ball",
        1,
        Anatomy(FRAME, (body, bone, Organ("TARGET", (Part(ball),), (Layer(0.0, target_hu),))), np.zeros(3)),
        ("BONE",),
        "TARGET",
        region,
        (),
        breathing_organs=(BreathingOrgan(region, (0.0, 0.0, -10.0), (0.0, 2.0, 0.0)),),
    )


@pytest.fixture(scope="module")
def patient() -> VirtualPatient:
    return patient_with(TARGET_HU)


# ---------------------------------------------------------------------------------------------------------- materials


def test_tissue_attenuates_as_its_hu_say_on_the_planning_ct():
    hu = np.linspace(-1000.0, 2290.0, 500, dtype=np.float32)
    per_mm = np.array([float(attenuation_per_mm(material, SCANNER_KEV)) for material in BASIS])
    water = float(attenuation_per_mm(WATER, SCANNER_KEV))
    assert per_mm @ Composition().of(hu) == pytest.approx((hu / 1000.0 + 1.0) * water, abs=2e-5 * water)


@pytest.mark.parametrize("material", [MUSCLE, Material.ADIPOSE, Material.PMMA])
def test_two_materials_stand_for_others_at_all_energies(material: Material):
    energies = np.arange(30.0, 121.0, 1.0)
    amounts = in_basis({material: 1.0})
    stood_for = sum(amounts[n] * attenuation_per_mm(BASIS[n], energies) for n in range(3))
    assert stood_for == pytest.approx(attenuation_per_mm(material, energies), rel=4e-3)


def test_groups_of_energies_let_through_what_the_spectrum_does():
    whole = tube_spectrum()
    few = in_groups(whole, 24)
    assert len(few.energies_kev) == 24
    for water_mm, bone_mm in ((0.0, 0.0), (100.0, 0.0), (300.0, 0.0), (450.0, 0.0), (300.0, 60.0)):
        through = [
            s.weights @ np.exp(-s.attenuation_per_mm(WATER) * water_mm - s.attenuation_per_mm(BONE) * bone_mm)
            for s in (few, whole)
        ]
        assert through[0] == pytest.approx(through[1], rel=1e-3)


# ------------------------------------------------------------------------------------------ voxels and closed form

PHANTOM = Phantom(
    (
        Body((5.0, 0.0, -10.0), (110.0, 80.0, 75.0), {WATER: 1.0}),
        Body((25.0, 10.0, -5.0), (30.0, 35.0, 25.0), {WATER: 0.6, BONE: 0.4}, within=0),
    )
)
SOLID_GRID = Grid(Frame.FIXED, [-118.0, -88.0, -98.0], [2.5] * 3, ROOM_AXES, (99, 71, 71))


def amounts_of(phantom: Phantom) -> np.ndarray:
    """Amounts of `BASIS` in voxels: means over 2 x 2 x 2 points of each, by which body they lie in."""
    k, j, i = np.indices(SOLID_GRID.shape, dtype=np.float64)
    out = np.zeros((len(BASIS), *SOLID_GRID.shape))
    for offset in np.stack(np.meshgrid(*3 * [np.array([-0.25, 0.25])]), axis=-1).reshape(-1, 3):
        points = SOLID_GRID.points(np.stack([i, j, k], axis=-1) + offset)
        for body, shares in zip(phantom.bodies, phantom.shares, strict=True):
            for material, share in zip(phantom.materials, shares, strict=True):
                out[BASIS.index(material)] += body.holds(points) * share / 8.0
    return out.astype(np.float32)


def test_voxels_let_through_what_the_solids_do():
    """The primary signal within 1 % RMS, away from the edge, where a voxel is as wide as what is left of the chord."""
    scanner = PROTOCOL.trajectory().chosen([0, 2, 5])
    closed = primary(PHANTOM, scanner, PROTOCOL.beam)
    seen = primary_through(amounts_of(PHANTOM), SOLID_GRID, scanner, PROTOCOL.beam)
    inside = closed < 0.2 * PROTOCOL.beam.air(scanner)
    ratio = seen[inside] / closed[inside]
    assert inside.mean() > 0.2
    assert abs(np.median(ratio) - 1.0) < 0.003
    assert np.sqrt(((ratio - 1.0) ** 2).mean()) < 0.01


def test_voxels_scatter_as_the_solids_do():
    """From voxels of 1 cm, as the lattices of coarser ones lie otherwise and a small body differs by 6 %."""
    model = ScatterModel(views=3, voxel_mm=10.0)
    scanner = PROTOCOL.trajectory().chosen([0, 4, 8])
    closed = scatter(PHANTOM, scanner, PROTOCOL.beam, model)
    attenuation = rendered(PHANTOM, SOLID_GRID, model.energy_kev)
    seen = scattered(VoxelScatterer(attenuation, SOLID_GRID), scanner, PROTOCOL.beam, model)
    assert seen.mean() == pytest.approx(closed.mean(), rel=0.05)
    shadow = closed > 0.5 * closed.max()
    assert np.abs(seen[shadow] / closed[shadow] - 1.0).max() < 0.06


def test_on_a_short_arc_scatter_of_the_first_and_last_angle_are_their_own():
    """Between the ends of half a turn nothing goes round: each is that of a scan of this angle alone."""
    half = circular_trajectory(np.linspace(0.0, 200.0, 21), PROTOCOL.placement)
    seen = scatter(PHANTOM, half, PROTOCOL.beam, ScatterModel(views=21))
    for n, angle_deg in ((0, 0.0), (20, 200.0)):
        alone = scatter(PHANTOM, circular_trajectory([angle_deg], PROTOCOL.placement), PROTOCOL.beam)[0]
        assert seen[n] == pytest.approx(alone, rel=0.03)


# ----------------------------------------------------------------------------------------------------- the patient


def test_a_patient_lets_through_what_ellipsoids_at_his_place_do(patient: VirtualPatient):
    """Seen from the side, above the table top: body and target where setup error and isocenter put them."""
    linac = VirtualLinac(seed=2)
    on_couch = linac.lay_down(patient, Day(1, setup=SetupError(SETUP_MM)))
    source = PatientProjections(on_couch, PROTOCOL)
    lateral = circular_trajectory([88.0], PROTOCOL.placement)
    seen = source.signal(lateral, np.array([0.0]))
    table = linac.truth.fixed_from_table(0.0).translation_mm
    target = np.array(SETUP_MM) + table
    body = target + np.array([-20.0, -30.0, -10.0])  # LPS (20, -10, 30) is (20, 30, 10) of the room
    share = (TARGET_HU - MUSCLE_HU) / (BONE_HU - MUSCLE_HU)
    solids = Phantom(
        (
            Body(tuple(body), (150.0, 300.0, 100.0), {MUSCLE: 1.0}),
            Body(tuple(target), (TARGET_RADIUS_MM,) * 3, {MUSCLE: 1.0 - share, BONE: share}, within=0),
        )
    )
    closed = primary(solids, lateral, PROTOCOL.beam)
    deep = closed < 0.1 * PROTOCOL.beam.air(lateral)
    deep[:, :, lateral.size[0] // 4 * 3 :] = False
    ratio = seen[deep] / closed[deep]
    assert deep.sum() > 500
    assert abs(np.median(ratio) - 1.0) < 0.005
    assert ratio.std() < 0.015


def test_the_shadow_of_a_breathing_target_is_where_the_target_is(patient: VirtualPatient):
    """Within 0.3 mm and what the states say of themselves, in every projection; two patients with and without it."""
    day = Day(1, breathing=BreathingPattern(4, period_s=4.0))
    trajectory, times_s = PROTOCOL.trajectory().chosen(np.arange(0, 12, 2)), 1.3 * np.arange(6)
    linac = VirtualLinac(seed=2)
    shown = PatientProjections(linac.lay_down(patient, day), PROTOCOL)
    without = PatientProjections(linac.lay_down(patient_with(MUSCLE_HU), day), PROTOCOL)
    shadows = np.log(without.signal(trajectory, times_s)) - np.log(shown.signal(trajectory, times_s))
    moments = shown.moments(times_s)
    assert 3 <= len(moments.states_s) <= 12
    assert moments.farthest_mm <= PROTOCOL.motion_step_mm
    moved = []
    rows, columns = np.indices(shadows.shape[1:])
    for n, time_s in enumerate(times_s):
        weight = np.where(shadows[n] > 0.1 * shadows[n].max(), shadows[n], 0.0)
        middle = [(columns * weight).sum() / weight.sum(), (rows * weight).sum() / weight.sum()]
        now_mm = patient.displaced_mm(TARGET_MM, day, float(time_s))
        true_mm = shown.on_couch.fixed_from_plan(float(time_s)).points(now_mm)
        apart_mm = (np.array(middle) - trajectory[n].pixels(true_mm)) * trajectory.spacing_mm / 1.5
        assert np.linalg.norm(apart_mm) < 0.3 + moments.farthest_mm
        moved.append(now_mm[2])
    assert np.ptp(moved) > 6.0


def test_states_are_as_many_as_the_way_asks_for(patient: VirtualPatient):
    still = VirtualLinac(seed=2).lay_down(patient, Day(1))
    times_s = np.linspace(0.0, 60.0, 200)
    assert len(moments_of(still, times_s, 1.0, 12).states_s) == 1
    breathing = VirtualLinac(seed=2).lay_down(patient, Day(1, breathing=BreathingPattern(4)))
    few, many = (moments_of(breathing, times_s, 0.5, most) for most in (3, 200))
    assert len(few.states_s) == 3
    assert many.farthest_mm <= 0.5 < few.farthest_mm
    for n in range(0, 200, 20):
        stands_for = many.states_s[many.state_of[n]]
        places = [breathing.patient.displaced_mm(TARGET_MM, breathing.day, float(t)) for t in (times_s[n], stands_for)]
        assert np.linalg.norm(places[0] - places[1]) <= many.farthest_mm + 0.05


def test_a_scan_is_counts_with_fields_and_the_same_again(patient: VirtualPatient, tmp_path):
    """Through the port of the imager; flat and dark are of the same panel, and files hold all that was counted."""
    scans = []
    for _ in range(2):
        linac = VirtualLinac(seed=2)
        source = PatientProjections(linac.lay_down(patient, Day(1)), PROTOCOL, seed=7)
        linac.show(source)
        scans.append(imaging(linac).imager.scan(PROTOCOL.trajectory()))
    scan = scans[0]
    assert np.array_equal(scan.pixels, scans[1].pixels)
    dark, flat = source.fields(scan.trajectory)
    transmissions = (scan.pixels - dark) / (flat - dark)
    lateral = transmissions[0, :, -6:]  # the air beside the patient, above and below the table
    assert 0.9 < np.median(transmissions.max(axis=(1, 2))) < 1.1
    assert lateral.std() < 0.5
    written = write_scan_folder(scan, source, tmp_path)
    read, _ = read_scan(written.projections)
    assert read.quantity is Quantity.INTENSITY
    assert np.abs(read.pixels[0:12] - scan.pixels).max() <= 0.5
    assert np.allclose(read.trajectory.first_pixels_mm, scan.trajectory.first_pixels_mm)
    assert np.array_equal(read_field(written.flat), flat)
    assert np.array_equal(read_field(written.dark), dark)
    imager = read_machine(written.machine).imager
    assert imager is not None
    assert imager == PROTOCOL.imager()


@pytest.mark.parametrize("protocol", [PELVIS_DEMO_CBCT, HEAD_DEMO_CBCT])
def test_a_demo_takes_the_exposure_of_the_clinical_scan(protocol: ConeBeamProtocol):
    """Photons per mm^2 of all projections together, and the detector of half and full fan."""
    trajectory = protocol.trajectory()
    assert len(trajectory) == protocol.projections
    total = protocol.projections * protocol.photons_per_mm2
    assert total == pytest.approx(900 * 8e5 if protocol is PELVIS_DEMO_CBCT else 500 * 1.5e5)
    edges = [trajectory[0].points((column, 0)) for column in (-0.5, trajectory.size[0] - 0.5)]
    assert np.linalg.norm(edges[1] - edges[0]) == pytest.approx(397.0)


def test_protocols_that_cannot_be_are_refused():
    with pytest.raises(InputError, match="arc of up to 360 degrees"):
        replace(PROTOCOL, arc_deg=400.0)
    with pytest.raises(InputError, match="all above zero"):
        replace(PROTOCOL, voxel_mm=0.0)
    with pytest.raises(InputError, match="columns 0 to 79"):
        PatientProjections(None, replace(PROTOCOL, dead_columns=(80,))).panel(PROTOCOL.trajectory())
