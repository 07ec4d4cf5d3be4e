"""Your own patient: a real planning CT with its structures becomes a virtual patient who moves as a site does."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from openigrt.errors import InconsistentInput, MissingInput
from openigrt.geometry import Float64Array, PatientPosition
from openigrt.images import Image
from openigrt.patient import DoseGrid, Plan, Structure, StructureRole, StructureSet, centroid_mm
from openigrt.virtual.patients.breathing import BreathingOrgan
from openigrt.virtual.patients.own_planning import OwnPlanning
from openigrt.virtual.patients.patient import Day, DrawnStructure, Drift, VirtualPatient
from openigrt.virtual.patients.population import BODY_SETUP, FRAME_SETUP, MASK_SETUP, SetupPopulation
from openigrt.virtual.sites.scanned_breathing import breathing_of
from openigrt.virtual.sites.scanned_shapes import ellipsoid_of, points_in, region_round, tube_along
from openigrt.virtual.sites.scanned_structures import Kind, Site, kind_of, organs_of, require_organs, site_of, target_of
from openigrt.virtual.sites.trunk_breathing import DAYS_OF_FIVE_FRACTIONS, pattern_of_day, triple
from openigrt.virtual.tissue.anatomy import Anatomy
from openigrt.virtual.tissue.deformation import Deformation
from openigrt.virtual.tissue.moves import LocalMotion, Move, Region, Swelling, Widening
from openigrt.virtual.tissue.scanned import BODY, BONE, encloses, external_of, scanned_tissue

PATIENT_SEED, DAY_SEED = 401, 409
TARGET_MARGIN_MM, SWELLING_REACH, WIDENING_REACH = 6.0, 2.4, 2.6
ROUNDS, NEAR_MM = 4, 0.02
INSIDE_SHARE = 0.98  # of a target's contour points that lie on the slices of the CT
DEFAULT_COLOR = (200, 200, 200)

# One standard deviation of the target against the bones, LR, AP, SI in mm: as in the virtual patients of the site.
TARGET_SPREAD_MM = {
    Site.PELVIS: (1.0, 2.5, 2.0),
    Site.THORAX: (1.5, 2.5, 3.5),
    Site.ABDOMEN: (1.5, 2.0, 3.0),
    Site.HEAD_NECK: (0.5, 0.5, 0.5),
    Site.BRAIN: (0.0, 0.0, 0.0),
    Site.OTHER: (0.0, 0.0, 0.0),
}
LARGEST_SPREAD = 2.5  # of these deviations
POPULATIONS: dict[Site, SetupPopulation] = {Site.HEAD_NECK: MASK_SETUP, Site.BRAIN: FRAME_SETUP}
BREATHING_SITES = (Site.THORAX, Site.ABDOMEN)
SOFT = (Kind.BLADDER, Kind.RECTUM, Kind.LUNG, Kind.LIVER, Kind.HEART, Kind.BELLY)

Factor: TypeAlias = float  # without dimension


@dataclass(frozen=True, slots=True)
class ScannedState:
    """What changes from day to day: volume of the bladder, width of the rectum, volume and place of the target.

    Volumes and width are factors on those planned; what is not drawn does not change. The target's middle ends
    `target_shift_mm` (LPS) off its planned place in the bones, as far as these let it, whatever the rest does to it.
    """

    bladder_volume: Factor = 1.0
    rectum_width: Factor = 1.0
    target_volume: Factor = 1.0
    target_shift_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)


def scanned_patient(
    image: Image,
    structure_set: StructureSet,
    plan: Plan | None = None,
    dose: DoseGrid | None = None,
    *,
    site: str | None = None,
    target: str | None = None,
    position: PatientPosition | None = None,
    seed: int = 0,
) -> VirtualPatient:
    """A virtual patient whose tissue at rest is that of a planning CT, and whose planning is his own.

    `site` and `target` None: as the structures tell (a CTV or ITV, else GTV, else PTV). `position` is for where neither
    plan nor image says how the patient lies. The outline of the patient is the EXTERNAL structure, or what the HU show.
    Raises InconsistentInput for objects of different frames, MissingInput where there is no target, no patient, no
    position, or no organ that the motion of the site is taken from, UnsupportedInput for a CT that is tilted or too
    small, InputError for an unknown site.
    """
    _require_one_frame(image, structure_set, plan, dose)
    structures = structure_set.with_distinct_names()
    isocenters = _isocenters_mm(plan)
    treated = target_of(structures, isocenters[0] if len(isocenters) else None, dose, target)
    _require_in_scan(treated, image)
    organs = organs_of(structures.structures)
    where = site_of(organs, treated, site)
    require_organs(organs, where)
    center_mm = np.round(centroid_mm(treated, float(image.grid.spacing_mm[2])), 1)
    soft = {s.name for kind in SOFT for s in organs.get(kind, ())}
    tissue = scanned_tissue(image, structures, center_mm, soft)
    anatomy = Anatomy(image.frame, (), center_mm, {treated.name: triple(center_mm)}, backdrop=tissue)
    region = region_round(anatomy, treated.name, TARGET_MARGIN_MM)
    isocenter_mm = _nearest(isocenters, center_mm)
    return VirtualPatient(
        site=str(where),
        seed=seed,
        anatomy=anatomy,
        bones=(BONE,) if BONE in tissue.outlines else (),
        target=treated.name,
        target_region=region,
        structures=tuple(_drawn(s) for s in structures.structures if s.name in tissue.outlines or _is_outline(s)),
        breathing_organs=_breathing(anatomy, organs, region, where, seed),
        population=POPULATIONS.get(where, BODY_SETUP),
        position=_position(image, plan, position),
        own=OwnPlanning(image, structures, plan, dose, isocenter_mm, _remarks(structures, treated, where, isocenters)),
    )


def scanned_in(patient: VirtualPatient, state: ScannedState, number: int = 1) -> Day:
    """The day of a patient in a given state, set up as planned, holding the breath as planned."""
    moves: tuple[Move, ...] = (*_filled(patient, state), *_shrunk(patient, state))
    moves = (*moves, *_placed(patient, moves, np.array(state.target_shift_mm)))
    return Day(number, moves)


def scanned_day(patient: VirtualPatient, number: int) -> Day:
    """A day at random, five days a week, by the site: fillings, breath, setup, and a target that shifts and drifts.

    Pelvis: bladder to 0.45 to 1.7 times its volume, rectum 0.85 to 1.25 times its width, target spread 1, 2.5, 2 mm
    (LR, AP, SI; one standard deviation). Thorax: 1.5, 2.5, 3.5 mm, and a target that shrinks by 0.6 to 2.4 % a day, to
    40 % at least. Abdomen: 1.5, 2, 3 mm. Head and neck 0.5 mm. Brain and other: setup alone. Raises MissingInput for a
    patient that is not made of a scan.
    """
    if patient.own is None:
        raise MissingInput(f"This {patient.site} patient is not made of a scan; draw its days as those of its site.")
    site = Site(patient.site)
    usual = np.random.default_rng((patient.seed, DAY_SEED))
    mean = patient.population.of_patient(usual)
    per_day, period_s = float(usual.uniform(0.006, 0.024)), float(usual.uniform(3.3, 5.5))
    rng = np.random.default_rng((patient.seed, number, DAY_SEED))
    spread_mm = np.array(TARGET_SPREAD_MM[site])
    elapsed = max(number - 1, 0) * DAYS_OF_FIVE_FRACTIONS / 5.0
    state = ScannedState(
        bladder_volume=float(np.clip(np.exp(0.3 * rng.standard_normal()), 0.45, 1.7)),
        rectum_width=float(np.clip(1.0 + 0.09 * rng.standard_normal(), 0.85, 1.25)),
        target_volume=float(max(np.exp(-per_day * elapsed), 0.4)) if site is Site.THORAX else 1.0,
        target_shift_mm=triple(spread_mm * np.clip(rng.standard_normal(3), -LARGEST_SPREAD, LARGEST_SPREAD)),
    )
    drift = _drift(rng) if site is Site.PELVIS else Drift()
    setup = patient.population.of_day(rng, mean)
    breathing = pattern_of_day(rng, period_s) if site in BREATHING_SITES else None
    return replace(scanned_in(patient, state, number), setup=setup, breathing=breathing, drift=drift)


def _require_one_frame(image: Image, structure_set: StructureSet, plan: Plan | None, dose: DoseGrid | None) -> None:
    """Raise InconsistentInput where the objects of a plan are not all in the frame of the CT."""
    others = {"structure set": structure_set.frame}
    if plan is not None:
        others["plan"] = plan.frame
    if dose is not None:
        others["dose"] = dose.grid.frame
    for what, frame in others.items():
        if frame != image.frame:
            raise InconsistentInput(
                f"The {what} is in {frame}, the planning CT in {image.frame}; give objects of one plan.",
                found=str(frame),
            )


def _isocenters_mm(plan: Plan | None) -> Float64Array:
    """The isocenters (n, 3) of the treatment beams of a plan, each once, in their order."""
    beams = plan.beams if plan is not None else ()
    found = dict.fromkeys(b.isocenter_mm for b in beams if b.isocenter_mm is not None and b.delivery_type != "SETUP")
    return np.array(list(found)).reshape(-1, 3)


def _nearest(isocenters: Float64Array, center_mm: Float64Array) -> tuple[float, float, float] | None:
    """The isocenter nearest a target."""
    if not len(isocenters):
        return None
    return triple(isocenters[int(np.linalg.norm(isocenters - center_mm, axis=1).argmin())])


def _require_in_scan(target: Structure, image: Image) -> None:
    """Raise MissingInput for a target that is not drawn, or not whole on the slices of the CT."""
    if not encloses(target):
        raise MissingInput(f"The target {target.name} has no closed contour; name another.", structure=target.name)
    points = np.vstack([c.points_mm for c in target.contours])
    index = image.grid.indices(points)
    inside = ((index > -1.0) & (index < image.grid.size)).all(axis=1)
    if inside.mean() < INSIDE_SHARE:
        raise MissingInput(
            f"{100.0 * (1.0 - inside.mean()):.0f} % of the target {target.name} lie outside the planning CT, which is "
            "too small for it; give a CT that shows all of it, or name another target.",
            structure=target.name,
        )


def _position(image: Image, plan: Plan | None, stated: PatientPosition | None) -> PatientPosition:
    """How the patient lies: as stated, or as plan or image say; raises MissingInput where nothing does."""
    found = stated or (plan.patient_position if plan is not None else image.provenance.patient_position)
    if found is None:
        raise MissingInput(
            "Neither plan nor planning CT says how the patient lies; state the patient position (HFS...)."
        )
    return found


def _is_outline(structure: Structure) -> bool:
    """Whether a structure is the outline of the patient."""
    return structure.role is StructureRole.EXTERNAL and encloses(structure)


def _drawn(structure: Structure) -> DrawnStructure:
    """A structure as an anatomy can draw it again."""
    organ = BODY if _is_outline(structure) else structure.name
    return DrawnStructure(structure.name, organ, structure.role, color=structure.color or DEFAULT_COLOR)


def _breathing(
    anatomy: Anatomy, organs: dict[Kind, tuple[Structure, ...]], target: Region, site: Site, seed: int
) -> tuple[BreathingOrgan, ...]:
    """What goes with the breath where a site does."""
    if site not in BREATHING_SITES:
        return ()
    lungs, others = (
        [s.name for kind in kinds for s in organs.get(kind, ()) if s.name in anatomy.backdrop.outlines]
        for kinds in ((Kind.LUNG,), (Kind.LIVER, Kind.HEART, Kind.BELLY))
    )
    return breathing_of(anatomy, lungs, others, target, np.random.default_rng((seed, PATIENT_SEED)))


def _remarks(structures: StructureSet, target: Structure, site: Site, isocenters: Float64Array) -> tuple[str, ...]:
    """What was assumed, in a sentence each."""
    remarks = [f"Treated is {target.name}; the patient moves as the site {site} does."]
    if external_of(structures) is None:
        remarks.append("No structure is the outline of the patient; it was taken from the HU of the planning CT.")
    if not len(isocenters):
        remarks.append("No plan gives an isocenter; it is the middle of the target.")
    if len(isocenters) > 1:
        remarks.append(f"The plan has {len(isocenters)} isocenters; the one nearest the target is taken.")
    if site in BREATHING_SITES:
        remarks.append("The planning CT is taken as a breath held at exhale.")
    missing = {Kind.BLADDER, Kind.RECTUM} - organs_of(structures.structures).keys() if site is Site.PELVIS else set()
    remarks += [f"No {kind} is drawn, so none fills." for kind in sorted(missing)]
    return (*remarks, "Beyond the first and last slice of the planning CT they are repeated.")


def _named(patient: VirtualPatient, kind: Kind) -> list[str]:
    """The structures of a patient that are a kind of organ."""
    structures = patient.own.structure_set.structures if patient.own is not None else ()
    return [s.name for s in structures if s.name in patient.anatomy.backdrop.outlines and kind_of(s) is kind]


def _filled(patient: VirtualPatient, state: ScannedState) -> Iterator[Move]:
    """A bladder that fills upward from its neck, and a rectum that widens about its path; one of each."""
    for name in _named(patient, Kind.BLADDER)[:1]:
        if state.bladder_volume != 1.0:
            region = ellipsoid_of(patient.anatomy, name, SWELLING_REACH)
            yield Swelling(region, state.bladder_volume)
            grown = state.bladder_volume ** (1.0 / 3.0)
            up_mm = (grown - 1.0) * float(np.ptp(points_in(patient.anatomy, name)[:, 2])) / 2.0
            yield LocalMotion(replace(region, semi_axes_mm=grown * np.asarray(region.semi_axes_mm)), (0.0, 0.0, up_mm))
    for name in _named(patient, Kind.RECTUM)[:1]:
        if state.rectum_width != 1.0:
            for piece in tube_along(patient.anatomy, name, WIDENING_REACH):
                yield Widening(piece, state.rectum_width**2, length_reach_factor=2.0)


def _shrunk(patient: VirtualPatient, state: ScannedState) -> Iterator[Move]:
    """A target that shrinks or grows about its middle."""
    if state.target_volume != 1.0:
        yield Swelling(ellipsoid_of(patient.anatomy, patient.target, SWELLING_REACH), state.target_volume)


def _placed(patient: VirtualPatient, moves: tuple[Move, ...], shift_mm: Float64Array) -> tuple[Move, ...]:
    """The motion that brings the middle of the target where it belongs, from where other moves have brought it.

    What lies against bone goes less far than it is pushed; so the push is made longer, a few times.
    """
    points = points_in(patient.anatomy, patient.target)
    region, push_mm = patient.target_region, np.zeros(3)
    placed: tuple[Move, ...] = ()
    center_mm = np.asarray(region.center_mm)
    for _ in range(ROUNDS):
        deformation = Deformation((*moves, *placed), patient.stiffness)
        short_mm = shift_mm - (deformation.moved_mm(points) - points).mean(axis=0)
        if float(np.linalg.norm(short_mm)) < NEAR_MM:
            break
        push_mm = push_mm + short_mm
        if float(np.linalg.norm(push_mm)) > 2.0 * float(np.linalg.norm(shift_mm)) + 10.0:
            break
        from_mm = Deformation(moves, patient.stiffness).moved_mm(center_mm)
        placed = (LocalMotion(replace(region, center_mm=from_mm), push_mm),)
    return placed


def _drift(rng: np.random.Generator) -> Drift:
    """A target in the pelvis that sinks back and down by a millimetre or so in five minutes; at times gas passes."""
    per_min_mm = np.array([0.02, 0.15, -0.12]) + rng.standard_normal(3) * (0.05, 0.15, 0.15)
    spikes_s = (float(rng.uniform(60.0, 400.0)),) if rng.random() < 0.2 else ()
    return Drift(triple(per_min_mm), (0.0, -float(rng.uniform(2.0, 5.0)), float(rng.uniform(1.0, 3.0))), spikes_s)
