"""A patient made of a scan: his tissue is that of the CT, moved; the truth is what was put in, and SimpleITK agrees."""

from dataclasses import replace

import numpy as np
import pytest
import SimpleITK

from openigrt.errors import InconsistentInput, InputError, MissingInput, UnsupportedInput
from openigrt.geometry import CouchPose, Frame, Grid, PatientPosition, RigidTransform, fixed_from_table_top
from openigrt.images import Image, Modality
from openigrt.patient import Beam, Plan, Structure, StructureRole, StructureSet
from openigrt.virtual import (
    Anatomy,
    Day,
    Deformation,
    HeldBreath,
    Layer,
    LocalMotion,
    Organ,
    Part,
    PatientOnCouch,
    Region,
    ScannedState,
    Site,
    Superellipsoid,
    render,
    scanned_day,
    scanned_in,
    scanned_patient,
)
from openigrt.virtual.sites.scanned_structures import organs_of, require_organs, site_of
from tests.virtual.scanned_cases import (
    BLADDER,
    FRAME,
    HEADS,
    MIDDLE_MM,
    PROSTATE,
    TUMOUR,
    drawn,
    pelvis,
    planning_ct,
    thorax,
)

SAME = RigidTransform.identity(FRAME, FRAME)


@pytest.fixture(scope="module")
def made():
    return pelvis()


@pytest.fixture(scope="module")
def patient(made):
    return scanned_patient(*made, seed=4)


@pytest.fixture(scope="module")
def breathing():
    return scanned_patient(*thorax(), seed=2)


def inside_of(patient, grid, margin_mm=4.0):
    """Voxels at least so deep in the body."""
    index = np.stack(np.meshgrid(*(np.arange(n) for n in grid.shape), indexing="ij")[::-1], axis=-1)
    return patient.anatomy.signed_distance_mm("BODY", grid.points(index)) < -margin_mm


def points_round(center, reach_mm=90.0, count=4000):
    return MIDDLE_MM + np.array(center) + np.random.default_rng(1).uniform(-reach_mm, reach_mm, (count, 3))


# ------------------------------------------------------------------------------------------ the tissue


def test_at_rest_he_is_the_ct_without_its_couch(made, patient):
    image = made[0]
    voxels = render(patient.anatomy, image.grid, SAME)
    deep = inside_of(patient, image.grid, 1.0)
    assert np.abs(voxels - image.voxels)[deep].max() < 1e-3
    outside = patient.anatomy.signed_distance_mm("BODY", image.grid.points((59, 79, 20))) > 5.0
    assert image.voxels[20, 75, 59] > 100.0
    assert outside
    assert voxels[:, 77:].max() == -1000.0
    assert voxels[:, :, 0].max() == -1000.0


def test_a_rigid_day_is_the_ct_elsewhere(made, patient):
    """Whole voxels to the side and up: the same HU, one voxel on; the last slice goes on beyond the scan."""
    image, frame = made[0], Frame.daily("1.2.9")
    plan_from_daily = RigidTransform(FRAME, frame, np.eye(3), image.grid.spacing_mm * (2, -1, 3))
    grid = Grid(frame, image.grid.origin_mm, image.grid.spacing_mm, np.eye(3), image.grid.size)
    seen, planned = render(patient.anatomy, grid, plan_from_daily), render(patient.anatomy, image.grid, SAME)
    assert np.abs(seen[:-3, 1:, :-2] - planned[3:, :-1, 2:]).max() < 1e-3
    assert np.abs(seen[-3:, 1:, :-2] - planned[-1, :-1, 2:]).max() < 1e-3


def test_a_deformed_day_is_what_simpleitk_makes_of_the_same_displacements(made, patient):
    image = made[0]
    day = scanned_in(patient, ScannedState(1.4, 1.15, 1.0, (2.0, -4.0, 3.0)))
    now = patient.at(day)
    index = np.stack(np.meshgrid(*(np.arange(n) for n in image.grid.shape), indexing="ij")[::-1], axis=-1)
    points = image.grid.points(index)
    field = SimpleITK.GetImageFromArray(now.rest_mm(points) - points, isVector=True)
    planned = SimpleITK.GetImageFromArray(render(patient.anatomy, image.grid, SAME))
    for volume in (field, planned):
        volume.SetOrigin(image.grid.origin_mm.tolist())
        volume.SetSpacing(image.grid.spacing_mm.tolist())
    moved = SimpleITK.Resample(
        planned, planned, SimpleITK.DisplacementFieldTransform(field), SimpleITK.sitkLinear, -1000.0
    )
    apart = np.abs(render(now, image.grid, SAME) - SimpleITK.GetArrayFromImage(moved))[2:-2]
    assert np.abs(render(now, image.grid, SAME) - render(patient.anatomy, image.grid, SAME)).max() > 100.0
    # 0.03 mm between the nodes of the way back, where HU change by 500 over 3 mm.
    assert apart.max() < 6.0
    assert apart.mean() < 0.01


def test_a_coarse_view_is_the_mean_of_what_is_there(patient):
    """A voxel of 9 mm: noise goes down as means of 27 voxels of 3 mm do, and HU stay."""
    corner = MIDDLE_MM + np.array([-30.0, -36.0, -60.0])  # whole voxels of the CT
    fine = Grid(FRAME, corner, (3.0, 3.0, 3.0), np.eye(3), (6, 6, 6))
    coarse = Grid(FRAME, corner + 3.0, (9.0, 9.0, 9.0), np.eye(3), (8, 3, 8))
    noisy, smooth = render(patient.anatomy, fine, SAME), render(patient.anatomy, coarse, SAME)
    fat = smooth[:2, :2]
    assert noisy.std() == pytest.approx(12.0, rel=0.2)
    assert fat.std() < 6.0
    assert fat.mean() == pytest.approx(-90.0, abs=4.0)


def test_distances_to_what_was_contoured_are_those_of_the_solid(patient):
    """The femoral heads from their HU, the ball of a prostate: first order distance of an ellipsoid."""
    directions = np.random.default_rng(3).standard_normal((200, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    semi = np.array(PROSTATE[1])
    surface = MIDDLE_MM + np.array(PROSTATE[0]) + directions * semi
    normal = directions / semi
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    found = patient.anatomy.signed_distance_mm("CTV_Prostate", surface)
    assert np.abs(found).max() < 1.6
    assert abs(found.mean()) < 0.25
    outward = patient.anatomy.signed_distance_mm("CTV_Prostate", surface + 5.0 * normal) - found
    assert outward.mean() == pytest.approx(5.0, abs=0.2)
    head = MIDDLE_MM + np.array(HEADS[0][0])
    of_bone = patient.anatomy.signed_distance_mm(patient.bones[0], head + 24.0 * directions)
    assert np.abs(of_bone).max() < 3.0
    assert np.median(np.abs(of_bone)) < 1.0


def test_an_organ_may_stand_in_front_of_a_scan(made, patient):
    """A gold marker, laid into the tissue of a real patient; it moves with it."""
    gold = Organ("GOLD", (Part(Superellipsoid((6.0, 0.0, 0.0), (6.0, 6.0, 6.0))),), (Layer(0.0, 3000.0),))
    with_gold = replace(patient.anatomy, organs=(gold,))
    shift = LocalMotion(Region((0.0, 0.0, 0.0), (30.0, 30.0, 30.0)), (0.0, 0.0, 6.0))
    place = patient.anatomy.origin_mm + np.array([6.0, 0.0, 0.0])
    grid = Grid(FRAME, place, (1.0, 1.0, 1.0), np.eye(3), (1, 1, 20))
    at_rest = render(with_gold, grid, SAME)[:, 0, 0]
    moved = render(with_gold.deformed(Deformation((shift,))), grid, SAME)[:, 0, 0]
    assert at_rest[0] == pytest.approx(3000.0, abs=3.0)
    assert at_rest[10] < 200.0
    assert moved[6] == pytest.approx(3000.0, abs=3.0)
    assert with_gold.signed_distance_mm("GOLD", place) == pytest.approx(-6.0, abs=0.1)
    assert with_gold.bounds_mm("Bladder").shape == (2, 3)
    with pytest.raises(MissingInput, match="it has GOLD, CTV_Prostate"):
        with_gold.signed_distance_mm("SPLEEN", place)


@pytest.mark.parametrize("flips", [(0,), (2,), (0, 1), (0, 1, 2)])
def test_it_does_not_matter_how_the_slices_are_stored(made, patient, flips):
    """Prone, feet first, and from head to feet: the same tissue."""
    image, structures = made
    direction, origin, voxels = np.eye(3), image.grid.origin_mm.copy(), image.voxels
    for axis in flips:
        direction[axis, axis] = -1.0
        origin[axis] += image.grid.spacing_mm[axis] * (image.grid.size[axis] - 1)
        voxels = np.flip(voxels, 2 - axis)
    stored = Image(
        np.ascontiguousarray(voxels),
        Grid(FRAME, origin, image.grid.spacing_mm, direction, image.grid.size),
        Modality.CT,
        image.provenance,
    )
    other = scanned_patient(stored, structures, seed=4)
    part = Grid(FRAME, MIDDLE_MM - 20.0, (3.1, 2.9, 2.7), np.eye(3), (14, 14, 14))
    assert np.abs(render(other.anatomy, part, SAME) - render(patient.anatomy, part, SAME)).max() < 1e-2


# ------------------------------------------------------------------------------------------ what he is


def test_what_the_structures_say_is_found(patient, made):
    assert (patient.site, patient.target, patient.position) == (Site.PELVIS, "CTV_Prostate", PatientPosition.HFS)
    assert patient.own.image is made[0]
    assert patient.own.structure_set.structures == made[1].structures
    assert patient.isocenter_mm == pytest.approx(MIDDLE_MM + np.array(PROSTATE[0]), abs=0.3)
    said = " ".join(patient.own.remarks)
    assert "taken from the HU" in said
    assert "No plan gives an isocenter" in said


def beam(isocenter, number=1, kind="TREATMENT"):
    return Beam(number, f"B{number}", kind, "PHOTON", "LINAC", isocenter, 1000.0, 100.0, ())


def test_isocenter_and_position_are_those_of_the_plan(made):
    places = [tuple(float(v) for v in MIDDLE_MM + off) for off in ((90.0, 0.0, 0.0), (5.0, 5.0, -20.0))]
    beams = (beam((0.0, 0.0, 0.0), 1, "SETUP"), beam(places[0], 2), beam(places[1], 3))
    plan = Plan("1.2", "P", FRAME, "X", PatientPosition.FFS, "APPROVED", beams)
    patient = scanned_patient(*made, plan)
    assert patient.isocenter_mm == pytest.approx(places[1])
    assert patient.position is PatientPosition.FFS
    assert "2 isocenters" in " ".join(patient.own.remarks)
    assert patient.own.plan is plan


NEEDS_MORE = "taken from the structure bladder or rectum"
SITES_BY_NAME = {
    "Bladder": "pelvis",
    "Harnblase": "pelvis",
    "optBladder": "other",
    "zRectum": "other",
    "Rectum-PTV": "other",
    "BladderWall": "other",
    "PTV_Bladder": "other",
    "Femoral Head Lt": NEEDS_MORE,
    "Liver": "abdomen",
    "Ring_Liver": "other",
    "Lt Lung": "abdomen",
    "Lungs-GTV": "other",
    "Parotid_L": "head_neck",
    "OpticChiasm": "brain",
    "Duodenum": "taken from the structure lung or liver",
}


@pytest.mark.parametrize("name", SITES_BY_NAME)
def test_organs_are_known_by_their_names(name):
    """What is drawn tells the site; a structure made for optimization tells nothing."""
    organ = StructureRole.ORGAN
    target = drawn(1, "GTV", StructureRole.GTV, *PROSTATE, planning_ct([]).grid)
    organs = organs_of([drawn(2, name, organ, BLADDER[0], BLADDER[1], planning_ct([]).grid)])
    expected = SITES_BY_NAME[name]
    if expected in list(Site):
        site = site_of(organs, target, None)
        require_organs(organs, site)
        assert site == expected
    else:
        with pytest.raises(MissingInput, match=expected):
            require_organs(organs, site_of(organs, target, None))


# ------------------------------------------------------------------------------------------ how he moves


def test_the_target_goes_where_the_state_says(patient):
    shift = np.array([2.0, -4.0, 3.0])
    for state in (ScannedState(target_shift_mm=tuple(shift)), ScannedState(1.5, 0.9, 1.0, tuple(shift))):
        day = scanned_in(patient, state)
        middle = patient.target_points_mm.mean(axis=0)
        found = patient.target_motion(day).points(middle) - middle
        assert np.abs(found - shift).max() < 0.1
    assert np.abs(patient.displaced_mm(MIDDLE_MM + np.array(HEADS[0][0]), day) - MIDDLE_MM - HEADS[0][0]).max() < 0.01


@pytest.mark.parametrize("factor", [0.6, 1.6])
def test_a_bladder_holds_what_the_state_says(patient, factor):
    """Volume by the Jacobian of the displacement over the organ at rest."""
    now = patient.at(scanned_in(patient, ScannedState(bladder_volume=factor)))
    inside = points_round(BLADDER[0], 40.0, 12000)
    inside = inside[patient.anatomy.signed_distance_mm("Bladder", inside) < 0.0]
    assert jacobians(now, inside).mean() == pytest.approx(factor, rel=0.05)


def jacobians(anatomy, points):
    step = 1e-3 * np.eye(3)
    columns = [(anatomy.moved_mm(points + s) - anatomy.moved_mm(points - s)) / 2e-3 for s in step]
    return np.linalg.det(np.stack(columns, axis=-1))


def test_no_day_folds_and_every_day_is_taken_back(patient, breathing):
    for who, center in ((patient, PROSTATE[0]), (breathing, TUMOUR[0])):
        points = points_round(center, 120.0)
        for number in range(1, 6):
            day = scanned_day(who, number)
            now = who.at(day, 1.7)
            assert np.abs(now.rest_mm(now.moved_mm(points)) - points).max() < 1e-4
            assert jacobians(now, points).min() > 0.05
            assert np.abs(who.planned_mm(who.displaced_mm(points, day, 1.7), day, 1.7) - points).max() < 1e-4


def test_hu_of_the_target_go_with_it(patient):
    day = scanned_day(patient, 2)
    middle = patient.displaced_mm(patient.target_points_mm, day).mean(axis=0)
    grid = Grid(FRAME, middle - 6.0, (3.0, 3.0, 3.0), np.eye(3), (5, 5, 5))
    assert render(patient.at(day), grid, SAME).mean() == pytest.approx(40.0, abs=3.0)


def test_days_are_drawn_by_seed_and_number(made, patient):
    again = scanned_patient(*made, seed=4)
    part = Grid(FRAME, MIDDLE_MM - 30.0, (3.0, 3.0, 3.0), np.eye(3), (20, 20, 20))
    pictures = [render(who.at(scanned_day(who, 5)), part, SAME) for who in (patient, again)]
    assert np.array_equal(*pictures)
    assert scanned_day(patient, 5).setup == scanned_day(again, 5).setup != scanned_day(patient, 6).setup
    shifts = np.array([scanned_day(patient, n).setup.shift_mm for n in range(1, 31)])
    assert shifts.std() == pytest.approx(2.5, rel=0.25)  # 90 numbers: three of their standard errors


def test_he_breathes_with_his_diaphragm_and_his_bones_stay(breathing):
    """At a usual inhale all of the column goes down, the farther the nearer to the diaphragm; spine and skin do not."""
    assert breathing.site == Site.THORAX
    inhale = Day(1, breathing=HeldBreath(1.0))
    low, middle, high, spine = MIDDLE_MM + np.array(
        [(-60.0, 0.0, -35.0), TUMOUR[0], (-60.0, 0.0, 70.0), (0.0, 70.0, 0.0)]
    )
    down = [-(breathing.displaced_mm(p, inhale) - p)[2] for p in (low, middle, high, spine)]
    assert 12.0 <= down[0] <= 24.5
    assert down[0] > down[1] > down[2] > 0.5
    assert abs(down[3]) < 0.1
    motion = breathing.target_motion(inhale)
    center = breathing.target_points_mm.mean(axis=0)
    assert -(motion.points(center) - center)[2] == pytest.approx(down[1], abs=0.5)
    assert jacobians(breathing.at(Day(1, breathing=HeldBreath(1.5))), points_round(TUMOUR[0], 120.0)).min() > 0.05


def test_a_couch_carries_him_as_it_carries_others(patient):
    day = replace(
        scanned_in(patient, ScannedState(target_shift_mm=(1.0, 2.0, 0.0))), setup=scanned_day(patient, 1).setup
    )
    on_couch = PatientOnCouch(patient, day, CouchPose(), lambda t: fixed_from_table_top(CouchPose()))
    error = day.setup.motion()
    assert np.allclose(on_couch.body_motion(0.0).translation_mm, error.translation_mm)
    assert isinstance(on_couch.anatomy(0.0), Anatomy)


# ------------------------------------------------------------------------------------------ bad input


def tilted(image):
    a = np.deg2rad(3.0)
    turn = np.array([[1.0, 0.0, 0.0], [0.0, np.cos(a), -np.sin(a)], [0.0, np.sin(a), np.cos(a)]])
    return replace(image, grid=Grid(FRAME, image.grid.origin_mm, image.grid.spacing_mm, turn, image.grid.size))


def short(image):
    return replace(image, voxels=image.voxels[14:26], grid=image.grid.part((0, 0, 14), (*image.grid.size[:2], 12)))


WITHOUT_TARGET = ("Bladder", "Rectum")


@pytest.mark.parametrize(
    ("change", "options", "error", "words"),
    [
        (lambda i, s: (tilted(i), s), {}, UnsupportedInput, "3.00 degrees off"),
        (lambda i, s: (short(i), s), {"target": "Rectum"}, MissingInput, "too small for it"),
        (lambda i, s: (replace(i, modality=Modality.MR), s), {}, UnsupportedInput, "modality MR"),
        (lambda i, s: (i, replace(s, frame=Frame.plan("9.9"))), {}, InconsistentInput, "structure set is in plan"),
        (
            lambda i, s: (i, replace(s, structures=tuple(x for x in s.structures if x.name in WITHOUT_TARGET))),
            {},
            MissingInput,
            "name one of: Bladder, Rectum",
        ),
        (
            lambda i, s: (i, replace(s, structures=s.structures[:2])),
            {"site": "pelvis"},
            MissingInput,
            "structure bladder or rectum",
        ),
        (lambda i, s: (i, s), {"site": "knee"}, InputError, "choose one of pelvis"),
        (lambda i, s: (i, s), {"target": "Spleen"}, MissingInput, "there are: CTV_Prostate"),
        (
            lambda i, s: (replace(i, provenance=replace(i.provenance, patient_position=None)), s),
            {},
            MissingInput,
            "state the patient position",
        ),
        (
            lambda i, s: (replace(i, voxels=np.full_like(i.voxels, -1000.0)), s),
            {},
            MissingInput,
            "shows no patient",
        ),
    ],
)  # fmt: skip
def test_what_cannot_become_a_patient_is_refused_in_a_sentence(made, change, options, error, words):
    with pytest.raises(error, match=words) as caught:
        scanned_patient(*change(*made), **options)
    assert caught.value.sentence.endswith(".")
    assert "\n" not in caught.value.sentence


def test_a_ct_of_few_slices_is_refused(made):
    image = made[0]
    flat = replace(image, grid=Grid(FRAME, image.grid.origin_mm, (3.0, 3.0, 1.0), np.eye(3), image.grid.size))
    small = drawn(9, "GTV", StructureRole.GTV, (0, 5, -52), (20, 20, 12), flat.grid)
    with pytest.raises(UnsupportedInput, match="needs 80 x 80 x 60 mm"):
        scanned_patient(flat, StructureSet("1", "", FRAME, (small,)))


def test_days_of_a_procedural_patient_are_not_drawn_here(patient):
    with pytest.raises(MissingInput, match="not made of a scan"):
        scanned_day(replace(patient, own=None), 1)


def test_an_outline_that_is_drawn_is_taken(made):
    """EXTERNAL by its role: a body narrower than the HU show, and nothing outside it."""
    image, structures = made
    levels = image.grid.points([(0, 0, k) for k in range(image.grid.size[2])])[:, 2] - MIDDLE_MM[2]
    rim = drawn(7, "Skin", StructureRole.EXTERNAL, (0, 0, 0), (140, 80, 1e6), image.grid)
    assert len(rim.contours) == len(levels)
    whole = replace(structures, structures=(*structures.structures, rim))
    patient = scanned_patient(image, whole)
    voxels = render(patient.anatomy, image.grid, SAME)
    assert image.voxels[26, 40, 8] > -150.0
    assert voxels[26, 40, 8] == -1000.0
    assert "taken from the HU" not in " ".join(patient.own.remarks)
    assert any(s.organ == "BODY" for s in patient.structures)
    assert isinstance(rim, Structure)
