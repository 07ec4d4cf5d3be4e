"""A planned treatment: image, structures, plan and dose of one virtual patient."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from openigrt.errors import InputError
from openigrt.geometry import Float64Array, Grid, sample_points
from openigrt.images import Image
from openigrt.patient import (
    Beam,
    BeamShare,
    DoseGrid,
    DoseSummation,
    FractionGroup,
    Plan,
    Structure,
    StructureRole,
    StructureSet,
    mask_from_structure,
    surface_points_mm,
)
from openigrt.virtual.patients.patient import VirtualPatient
from openigrt.virtual.planning.conformal import conformal_plan
from openigrt.virtual.planning.dose import density_of, dose_per_mu
from openigrt.virtual.planning.headers import ct_series, described
from openigrt.virtual.planning.identity import Identity, identity_of
from openigrt.virtual.planning.planning_ct import planning_image
from openigrt.virtual.planning.prescriptions import SitePrescription, prescription_of
from openigrt.virtual.planning.structures import planned_structures, structures_of

COVERED_PERCENT = 95.0
ROUNDS = 12
BEYOND_TARGET_MM = 40.0
SAMPLES_ACROSS, TARGET_STEPS_MM = 14.0, (0.4, 1.5)
PLANNING_SEED = 21


@dataclass(frozen=True, eq=False)
class PlannedTreatment:
    """All that planning hands over; everything lies in the frame of the plan."""

    patient: VirtualPatient
    prescription: SitePrescription
    image: Image
    structures: StructureSet
    plan: Plan
    dose: DoseGrid


def planned_treatment(
    patient: VirtualPatient, prescription: SitePrescription | None = None, image: Image | None = None
) -> PlannedTreatment:
    """Scan, draw, plan and compute: the same patient gives the same bits.

    `prescription` None takes that of the site, `image` None a planning CT with the noise of the patient's seed. Of a
    patient with a planning of his own that is taken as far as it goes, under the name and the UIDs of the virtual one.
    """
    prescription = prescription or prescription_of(patient.site)
    identity, own = identity_of(patient), patient.own
    if image is None:
        rng = np.random.default_rng((patient.seed, PLANNING_SEED))
        image = own.image if own is not None else planning_image(patient, rng)
    image = described(image, ct_series(identity))
    structures = planned_structures(patient, image) if own is None else _renamed(own.structure_set, image, identity)
    if own is not None and own.plan is not None and own.dose is not None:
        plan = replace(
            own.plan,
            uid=identity.uid("plan"),
            patient_id=identity.patient_id,
            structure_set_uid=structures.uid,
            dose_uids=(),
            related_plans=(),
        )
        dose = replace(own.dose, uid=identity.uid("dose"), plan_uid=plan.uid, structure_set_uid=structures.uid)
    else:
        unscaled = conformal_plan(patient, structures, prescription)
        plan, dose = prescribed(unscaled, image, structures, prescription, identity.uid("dose"))
    return PlannedTreatment(patient, prescription, image, structures, plan, dose)


def _renamed(structure_set: StructureSet, image: Image, identity: Identity) -> StructureSet:
    """Structures of a real patient as those of a virtual one, on an image."""
    return replace(
        structure_set,
        uid=identity.uid("structure set"),
        patient_id=identity.patient_id,
        image_series_uid=image.provenance.series_uid,
        image_instance_uids=image.provenance.instance_uids,
    )


def prescribed(
    plan: Plan, image: Image, structures: StructureSet, prescription: SitePrescription, dose_uid: str
) -> tuple[Plan, DoseGrid]:
    """The plan with the metersets that give 95 % of each PTV its dose, rounded up to 0.1 MU, and its dose.

    The beams of a PTV (they bear its name as description) give it the same mean dose each. Raises InputError for a
    target that its beams do not reach.
    """
    targets, body = structures_of(structures, StructureRole.PTV), structures_of(structures, StructureRole.EXTERNAL)[0]
    density = density_of(image, body)
    grid = dose_lattice(density.grid, body, targets, prescription.dose_spacing_mm)
    per_mu = [dose_per_mu(plan, beam, density, grid) for beam in plan.beams]
    metersets = _metersets(plan, per_mu, grid, targets, prescription)
    beams = tuple(replace(beam, meterset_mu=mu) for beam, mu in zip(plan.beams, metersets, strict=True))
    shares = tuple(_share(beam, dose, grid) for beam, dose in zip(beams, per_mu, strict=True))
    done = replace(plan, beams=beams, fraction_groups=(FractionGroup(1, plan.fractions_planned, shares),))
    return done, _dose_grid(done, per_mu, grid, body, dose_uid)


def planned_dose(plan: Plan, image: Image, structures: StructureSet, grid: Grid, uid: str) -> DoseGrid:
    """The dose of all fractions of a plan, Gy, as its metersets say, on the anatomy that an image shows.

    `image`, `structures` and `grid` lie in the frame of the plan; the body is the structure that is EXTERNAL.
    """
    body = structures_of(structures, StructureRole.EXTERNAL)[0]
    density = density_of(image, body)
    return _dose_grid(plan, [dose_per_mu(plan, beam, density, grid) for beam in plan.beams], grid, body, uid)


def dose_lattice(image: Grid, body: Structure, targets: Sequence[Structure], spacing_mm: float) -> Grid:
    """Where a dose is computed: the body within the image, from 40 mm below the targets to 40 mm above them."""
    of_body, of_targets = (
        np.vstack([contour.points_mm for s in chosen for contour in s.contours]) for chosen in ((body,), targets)
    )
    corners = image.corners_mm()
    low, high = (
        np.maximum(of_body.min(axis=0), corners.min(axis=0)),
        np.minimum(of_body.max(axis=0), corners.max(axis=0)),
    )
    low[2] = max(low[2], of_targets[:, 2].min() - BEYOND_TARGET_MM)
    high[2] = min(high[2], of_targets[:, 2].max() + BEYOND_TARGET_MM)
    size = np.ceil((high - low) / spacing_mm).astype(int) + 1
    return Grid(
        image.frame, np.round(low, 1), np.full(3, spacing_mm), np.eye(3), (int(size[0]), int(size[1]), int(size[2]))
    )


def _metersets(
    plan: Plan,
    per_mu: Sequence[NDArray[np.float32]],
    grid: Grid,
    targets: Sequence[Structure],
    prescription: SitePrescription,
) -> list[float]:
    """MU of each beam for one fraction."""
    goal_gy = prescription.covered_share * prescription.dose_gy / prescription.fractions
    own = np.array([[beam.description == target.name for beam in plan.beams] for target in targets])
    within = [_within(target, plan, grid) for target in targets]
    received = [np.stack([sample_points(dose, grid, points) for dose in per_mu]) for points in within]
    means = np.array([values.mean(axis=1, dtype=np.float64) for values in received])
    if not (means[own] > 0.0).all() or not own.any(axis=1).all():
        raise InputError(f"A target of plan {plan.label!r} is reached by no beam; check its isocenter.")
    metersets = np.array([1.0 / means[own[:, b], b][0] if own[:, b].any() else 0.0 for b in range(len(per_mu))])
    for _ in range(ROUNDS):
        for target, values in zip(own, received, strict=True):
            covered_gy = np.percentile(metersets @ values, 100.0 - COVERED_PERCENT)
            metersets[target] *= goal_gy / covered_gy
    return [float(mu) for mu in np.ceil(10.0 * metersets) / 10.0]


def _within(target: Structure, plan: Plan, grid: Grid) -> Float64Array:
    """Points (n, 3) all through the slabs of a target, as far as the dose grid reaches."""
    surface = surface_points_mm(target)
    low, extent_mm = surface.min(axis=0), np.ptp(surface, axis=0)
    step_mm = float(np.clip(extent_mm.min() / SAMPLES_ACROSS, *TARGET_STEPS_MM))
    size = np.maximum(np.rint(extent_mm / step_mm).astype(int), 1)
    first = low + 0.5 * (extent_mm - (size - 1) * step_mm)
    fine = Grid(plan.frame, first, np.full(3, step_mm), np.eye(3), (int(size[0]), int(size[1]), int(size[2])))
    inside = np.argwhere(mask_from_structure(target, plan.frame, fine).voxels)[:, ::-1]
    points = fine.points(inside)
    last = grid.points(np.array(grid.size) - 1)
    return np.asarray(np.clip(points, grid.origin_mm, last))


def _share(beam: Beam, dose: NDArray[np.float32], grid: Grid) -> BeamShare:
    """What a beam gives to the isocenter in a fraction."""
    meterset_mu, isocenter_mm = beam.meterset_mu or 0.0, beam.isocenter_mm or (0.0, 0.0, 0.0)
    gy = meterset_mu * float(sample_points(dose, grid, [isocenter_mm])[0])
    return BeamShare(beam.number, meterset_mu, round(gy, 4), isocenter_mm)


def _dose_grid(plan: Plan, per_mu: Sequence[NDArray[np.float32]], grid: Grid, body: Structure, uid: str) -> DoseGrid:
    """All fractions of all beams; zero outside the body."""
    total = np.zeros(grid.shape, dtype=np.float32)
    for beam, dose in zip(plan.beams, per_mu, strict=True):
        total += np.float32((beam.meterset_mu or 0.0) * (plan.fractions_planned or 1)) * dose
    total[~mask_from_structure(body, plan.frame, grid).voxels] = 0.0
    return DoseGrid(
        total,
        grid,
        uid=uid,
        summation=DoseSummation.PLAN,
        plan_uid=plan.uid,
        structure_set_uid=plan.structure_set_uid,
        tissue_heterogeneity=("IMAGE",),
    )
