"""From where a plan is looked at: its setup beams, its treatment beams, or gantry angles that somebody names."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from openigrt.dicom import PlanFolder
from openigrt.errors import InconsistentInput, MissingInput, WrongUsage
from openigrt.geometry import CouchPose, PatientPosition
from openigrt.images import MachinePose, PlannedBeam
from openigrt.machine import Imager
from openigrt.patient import Beam, ControlPoint, Plan

USUAL_SOURCE_AXIS_DISTANCE_MM = 1000.0
USUAL_SOURCE_IMAGE_DISTANCE_MM = 1500.0
WITHOUT_PLAN_DEG = (0.0, 90.0)

Point = tuple[float, float, float]


class Source(StrEnum):
    """Whose eye a radiograph is seen with."""

    TREATMENT = "treatment"
    KV = "kv"


@dataclass(frozen=True, eq=False, slots=True)
class View:
    """One look at the patient: `pose` is that of the source, `gantry_angle_deg` where the gantry then stands.

    `name` is fit for a file. `beam` and `point` are None for a view that no beam has.
    """

    name: str
    label: str
    pose: MachinePose
    gantry_angle_deg: float
    source: Source
    source_image_distance_mm: float
    isocenter_mm: Point
    planned: PlannedBeam
    beam: Beam | None = None
    point: ControlPoint | None = None


def beam_views(plan: Plan, number: int | None) -> tuple[View, ...]:
    """The beam of this number, else each setup beam, else each treatment beam, at its first control point.

    Raises MissingInput where no beam has the number.
    """
    chosen = [beam for beam in plan.beams if beam.is_setup] or list(plan.beams)
    if number is not None:
        chosen = [beam for beam in plan.beams if beam.number == number]
        if not chosen:
            known = ", ".join(f"{beam.number} ({beam.name})" for beam in plan.beams)
            raise MissingInput(f"Plan {plan.label!r} has no beam {number}; it has {known}.", found=number)
    return tuple(_beam_view(plan, beam) for beam in chosen)


def _beam_view(plan: Plan, beam: Beam) -> View:
    """What a beam sees at its first control point; raises MissingInput where it has none, or no isocenter."""
    isocenter_mm = beam.isocenter_at(beam.control_points[0]) if beam.control_points else None
    if isocenter_mm is None:
        raise MissingInput(f"Beam {beam.number} {beam.name!r} states no control point with an isocenter.")
    point = beam.control_points[0]
    pose = MachinePose(
        gantry_angle_deg=point.gantry_angle_deg,
        source_axis_distance_mm=beam.source_axis_distance_mm,
        gantry_pitch_angle_deg=point.gantry_pitch_angle_deg or 0.0,
        beam_limiting_device_angle_deg=point.beam_limiting_device_angle_deg,
        couch=point.couch,
        has_couch_position=not point.couch_unstated,
    )
    return View(
        name=f"beam_{beam.number}",
        label=f"{beam.number} {beam.name}".strip(),
        pose=pose,
        gantry_angle_deg=point.gantry_angle_deg,
        source=Source.TREATMENT,
        source_image_distance_mm=USUAL_SOURCE_IMAGE_DISTANCE_MM,
        isocenter_mm=isocenter_mm,
        planned=PlannedBeam(
            plan_uid=plan.uid,
            beam_number=beam.number,
            fraction_group_number=_group_number(plan, beam),
            is_ion=plan.is_ion,
        ),
        beam=beam,
        point=point,
    )


def _group_number(plan: Plan, beam: Beam) -> int | None:
    """The fraction group that gives a beam; the only one for a setup beam, which none names."""
    giving = [g.number for g in plan.fraction_groups if any(share.beam_number == beam.number for share in g.beams)]
    groups = giving or [group.number for group in plan.fraction_groups]
    return groups[0] if giving or len(groups) == 1 else None


def gantry_views(
    angles_deg: Sequence[float], isocenter_mm: Point, plan: Plan | None, imager: Imager | None
) -> Iterator[View]:
    """The gantry at these angles, the couch straight: seen from its head, or from the kV source of an imager."""
    beam = plan.beams[0] if plan is not None and plan.beams else None
    planned = PlannedBeam() if plan is None else PlannedBeam(plan_uid=plan.uid, is_ion=plan.is_ion)
    for gantry_deg in angles_deg:
        angle_deg = gantry_deg % 360.0
        source_deg = angle_deg if imager is None else imager.kv_source_angle_deg(angle_deg)
        if imager is not None:
            axis_mm, image_mm = imager.source_axis_distance_mm, imager.source_detector_distance_mm
        else:
            axis_mm = beam.source_axis_distance_mm if beam else USUAL_SOURCE_AXIS_DISTANCE_MM
            image_mm = USUAL_SOURCE_IMAGE_DISTANCE_MM
        collimator_deg = 0.0 if imager is None else None
        yield View(
            name=f"gantry_{angle_deg:g}".replace(".", "_"),
            label=f"gantry {angle_deg:g}" if imager is None else f"kV source {source_deg:g}",
            pose=MachinePose(source_deg, axis_mm, 0.0, collimator_deg, couch=CouchPose()),
            gantry_angle_deg=angle_deg,
            source=Source.TREATMENT if imager is None else Source.KV,
            source_image_distance_mm=image_mm,
            isocenter_mm=isocenter_mm,
            planned=planned,
        )


def lying(folder: PlanFolder, given: PatientPosition | None) -> PatientPosition:
    """How the patient lies by plan or planning image, else as given; raises MissingInput and InconsistentInput."""
    stated = folder.planning_image.provenance.patient_position
    stated = folder.plan.patient_position if folder.plan is not None else stated
    if stated is None:
        if given is None:
            raise MissingInput(
                "Neither a plan nor the image says how the patient lies ((0018,5100) Patient Position); say so with "
                "--position, such as HFS."
            )
        return given
    if given not in (None, stated):
        raise InconsistentInput(f"--position says {given}, the files say {stated}; leave it out, or correct the files.")
    return stated


def require_behind_patient(views: Sequence[View]) -> None:
    """Raise WrongUsage for a detector at or before the isocenter: it would stand in the patient."""
    for view in views:
        axis_mm, image_mm = view.pose.source_axis_distance_mm, view.source_image_distance_mm
        if image_mm <= axis_mm:
            raise WrongUsage(
                f"--source-to-image is {image_mm:g} mm, and the isocenter of view {view.label!r} lies {axis_mm:g} mm "
                "from the source: the detector would stand in or before the patient. Give more.",
                source_axis_distance_mm=axis_mm,
            )


def require_distinct(views: Sequence[View]) -> None:
    """Raise WrongUsage where one view is asked for twice."""
    names = [view.name for view in views]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise WrongUsage(f"--gantry names the same angle twice: {', '.join(twice)}; name each once.")
