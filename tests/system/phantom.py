"""A patient of ellipsoids whose HU are known at every point, and the DICOM folders of a plan and of a day."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np

from openigrt.dicom import (
    DeviceHeader,
    PatientHeader,
    SeriesHeader,
    StudyHeader,
    instance_uids,
    save,
    write_dose,
    write_image_series,
    write_plan,
    write_structure_set,
)
from openigrt.geometry import CouchPose, Frame, Grid, PatientPosition, RigidTransform, TableAngles
from openigrt.images import Image, Modality, Provenance
from openigrt.patient import (
    Beam,
    Contour,
    ControlPoint,
    DoseGrid,
    Plan,
    Structure,
    StructureRole,
    StructureSet,
    jaws,
)

ROOT = "1.2.826.0.1.3680043.8.498.77"
PLAN_FRAME, DAILY_FRAME = Frame.plan(f"{ROOT}.1"), Frame.daily(f"{ROOT}.2")
PATIENT = PatientHeader("PHANTOM-1", "Phantom^Ellipsoid", date(1950, 1, 2), "O")
PLANNED_AT = datetime(2024, 3, 1, 9, 0, tzinfo=UTC)
IMAGED_AT = PLANNED_AT + timedelta(days=14)
ISOCENTER_MM = np.array([12.0, -30.0, 40.0])
TARGET_RADIUS_MM = 22.0
SPACING_MM = (3.0, 3.0, 3.0)
AIR_HU = -1000.0
SHIFT_MM, ANGLES = np.array([4.2, -3.1, 5.6]), TableAngles(1.2, -0.7, 0.9)


@dataclass(frozen=True)
class Ellipsoids:
    """Later ones lie in front of earlier ones: centres, semi-axes (n, 3) in LPS mm and HU (n,)."""

    centers_mm: np.ndarray
    axes_mm: np.ndarray
    values_hu: np.ndarray

    def hu(self, grid, plan_from_grid):
        """HU on a grid of another frame, edges 2 mm wide."""
        found = np.full(grid.shape, AIR_HU)
        for center, axes, value in zip(self.centers_mm, self.axes_mm, self.values_hu, strict=True):
            middle = grid.indices(plan_from_grid.inverse().points(center))
            reach = (axes.max() + 4.0) / grid.spacing_mm
            low = np.maximum(np.floor(middle - reach), 0).astype(int)
            high = np.minimum(np.ceil(middle + reach) + 1, grid.size).astype(int)
            if (low >= high).any():
                continue
            box = tuple(slice(a, b) for a, b in zip(low[::-1], high[::-1], strict=True))
            k, j, i = np.mgrid[box]
            points = plan_from_grid.points(grid.points(np.stack([i, j, k], axis=-1)).reshape(-1, 3))
            radius = np.linalg.norm((points - center) / axes, axis=-1).reshape(i.shape)
            inside = np.clip(0.5 - (radius - 1.0) * axes.min() / 2.0, 0.0, 1.0)
            found[box] += inside * (value - found[box])
        return found


def patient(seed=3):
    """Body, fat, muscle, organs and bones; a spine of uneven vertebrae along z behind the isocenter."""
    rng = np.random.default_rng(seed)
    rows = [((0, 0, 40), (150, 100, 400), -100.0), ((0, 0, 40), (138, 88, 390), 30.0)]
    for _ in range(40):
        rows.append((rng.uniform((-90, -60, -60), (90, 30, 140)), rng.uniform(8, 28, 3), rng.uniform(-120, 90)))
    rows.append((ISOCENTER_MM, (TARGET_RADIUS_MM,) * 3, 60.0))
    for z in range(-80, 170, 31):
        middle = near(rng, (0, 55, z), 2.5)
        rows.append((middle, near(rng, (23, 18, 12), 3.0), rng.uniform(350, 750)))
        rows.append((middle, near(rng, (19, 14, 9), 3.0), 200.0))
        rows.append((near(rng, (0, 82, z), 4.0), near(rng, (5, 15, 8), 2.0), 600.0))
    for _ in range(26):
        side = rng.choice([-1, 1])
        place = (side * rng.uniform(60, 115), rng.uniform(-20, 60), rng.uniform(-70, 150))
        rows.append((place, rng.uniform(4, 18, 3), rng.uniform(350, 900)))
    centers, axes, values = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    return Ellipsoids(centers, axes, values)


def near(rng, values, spread):
    return np.array(values) + rng.uniform(-spread, spread, 3)


def plan_from_daily():
    """The truth: the motion that brings the image of the day onto the plan, about the isocenters."""
    axes = PatientPosition.HFS.table_top_from_lps()
    rotation = axes.T @ ANGLES.matrix() @ axes
    return RigidTransform.about_points((PLAN_FRAME, ISOCENTER_MM), (DAILY_FRAME, np.zeros(3)), rotation, SHIFT_MM)


def planning_image(seed=3):
    size = (112, 78, 70)
    grid = Grid(PLAN_FRAME, (-166.0, -115.0, -65.0), SPACING_MM, np.eye(3), size)
    voxels = patient(seed).hu(grid, RigidTransform.identity(PLAN_FRAME, PLAN_FRAME))
    return Image(voxels, grid, Modality.CT, provenance("ct", size[2], PLANNED_AT, "Philips", "Planning CT"))


def daily_image(seed=3):
    """A cone-beam CT of 24 cm by 15 cm: noise, cupping, nothing outside its field of view."""
    size = (88, 88, 52)
    corner = -(np.array(size) - 1) * np.array(SPACING_MM) / 2.0
    grid = Grid(DAILY_FRAME, corner, SPACING_MM, np.eye(3), size)
    points = lattice(grid)
    voxels = patient(seed).hu(grid, plan_from_daily())
    radius = np.hypot(points[..., 0], points[..., 1])
    voxels += -80.0 * (1.0 - (radius / 120.0) ** 2) * (voxels > -500.0)
    voxels += np.random.default_rng(seed).normal(0.0, 25.0, voxels.shape)
    voxels[radius > 120.0] = AIR_HU
    return Image(
        voxels.clip(-1024, 3000), grid, Modality.CBCT, provenance("cbct", size[2], IMAGED_AT, "ELEKTA", "CBCT of today")
    )


def lattice(grid):
    k, j, i = np.indices(grid.shape)
    return grid.points(np.stack([i, j, k], axis=-1))


def provenance(kind, slices, acquired_at, maker, description):
    series = f"{ROOT}.{ {'ct': 10, 'cbct': 20}[kind] }"
    return Provenance(
        patient_id=PATIENT.patient_id,
        patient_name=PATIENT.name,
        study_uid=f"{series}.1",
        series_uid=series,
        series_description=description,
        instance_uids=instance_uids(series, slices),
        sop_class_uid="1.2.840.10008.5.1.4.1.1.2",
        manufacturer=maker,
        acquired_at=acquired_at,
        patient_position=PatientPosition.HFS,
    )


def series_of(image):
    source = image.provenance
    study = StudyHeader(source.study_uid, source.acquired_at)
    patient_header = replace(PATIENT, patient_id=source.patient_id, name=source.patient_name)
    device = DeviceHeader(manufacturer=source.manufacturer)
    return SeriesHeader(
        patient_header, study, source.series_uid, source.acquired_at, 1, source.series_description, device
    )


def series_header(image, number):
    return replace(series_of(image), uid=f"{ROOT}.{number}")


def structures(image):
    """Target, an organ beside it, and the body as polygons on the slices of the planning image."""
    rois = (
        ("CTV_1", StructureRole.CTV, ISOCENTER_MM, (TARGET_RADIUS_MM,) * 3),
        ("Bowel", StructureRole.ORGAN, (-45.0, -30.0, 40.0), (18.0, 18.0, 24.0)),
    )
    return StructureSet(
        f"{ROOT}.30",
        "Pelvis",
        PLAN_FRAME,
        tuple(
            Structure(n, name, role, ellipsoid_contours(image.grid, center, axes))
            for n, (name, role, center, axes) in enumerate(rois, start=1)
        ),
        patient_id=PATIENT.patient_id,
        image_series_uid=image.provenance.series_uid,
        image_instance_uids=image.provenance.instance_uids,
        approval="APPROVED",
    )


def ellipsoid_contours(grid, center, axes):
    turn = np.linspace(0.0, 2.0 * np.pi, 48, endpoint=False)
    contours = []
    for k in range(grid.size[2]):
        z = grid.points((0, 0, k))[2]
        height = (z - center[2]) / axes[2]
        if abs(height) < 1.0:
            scale = np.sqrt(1.0 - height**2)
            x, y = (center[n] + scale * axes[n] * wave(turn) for n, wave in ((0, np.cos), (1, np.sin)))
            contours.append(Contour(np.stack([x, y, np.full_like(x, z)], axis=-1)))
    return tuple(contours)


def beam(number=1, name="AP", isocenter_mm=ISOCENTER_MM):
    points = tuple(
        ControlPoint(weight, 0.0, 0.0, CouchPose(), jaws((-50.0, 50.0), (-50.0, 50.0))) for weight in (0.0, 1.0)
    )
    place = tuple(float(x) for x in isocenter_mm)
    return Beam(number, name, "TREATMENT", "PHOTON", "LINAC", place, 1000.0, 100.0, points)


def plan(beams=None, label="Pelvis", uid=f"{ROOT}.40", approval="APPROVED", position=PatientPosition.HFS):
    return Plan(
        uid, label, PLAN_FRAME, PATIENT.patient_id, position, approval, beams or (beam(),), f"{ROOT}.30", 20, PLANNED_AT
    )


def dose(plan_uid=f"{ROOT}.40"):
    grid = Grid(PLAN_FRAME, ISOCENTER_MM - 60.0, (10.0, 10.0, 10.0), np.eye(3), (13, 13, 13))
    distance = np.linalg.norm(lattice(grid) - ISOCENTER_MM, axis=-1)
    return DoseGrid(60.0 * np.exp(-((distance / 45.0) ** 4)), grid, f"{ROOT}.50", "PLAN", plan_uid)


def write_images(image, folder):
    for k, dataset in enumerate(write_image_series(image, series_of(image))):
        save(dataset, Path(folder) / f"{k:03d}.dcm")


def write_plan_folder(folder, image=None):
    image = image or planning_image()
    write_images(image, folder / "ct")
    save(write_structure_set(structures(image), image, series_header(image, 30)), folder / "rs.dcm")
    save(write_plan(plan(), series_header(image, 41)), folder / "rp.dcm")
    save(write_dose(dose(), series_header(image, 51)), folder / "rd.dcm")


def write_case(folder):
    """plan/ and today/ below a folder."""
    write_plan_folder(folder / "plan")
    write_images(daily_image(), folder / "today")
    return folder
