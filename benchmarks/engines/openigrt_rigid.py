"""OpenIGRT's rigid match: wide search, refinement, rivals and trust, all preparation included."""

from collections.abc import Callable

import numpy as np

from benchmarks.worker import Answer, Prepare, Task, Volume, serve
from openigrt.geometry import Float64Array, Frame, Grid, RigidTransform
from openigrt.images import Image, Modality
from openigrt.registration import Question, Region, RegionKind, match_rigid
from openigrt.registration.rigid import FINE_REACH_MM, RIVAL_REACH_MM, Stage
from openigrt.registration.sides import COARSE, FINE, MIDDLE, coarse_flags, coarse_sides, joint_sides, prepare
from openigrt.registration.template import Template

TARGET_RADIUS_MM = 50.0
ALLOWED_ERROR_MM = 2.0
PLAN_FRAME, DAILY_FRAME = Frame.plan("benchmark"), Frame.daily("benchmark")


def image_of(volume: Volume, frame: Frame, modality: Modality) -> Image:
    """The image noun of a volume."""
    size = volume.voxels.shape[::-1]
    grid = Grid(frame, volume.origin_mm, volume.spacing_mm, volume.direction, size)
    return Image(volume.voxels.astype(np.float32), grid, modality)


def sphere_mm(center_mm: Float64Array) -> Float64Array:
    """Points (n, 3) over the target surface, for want of a target: a sphere round the isocenter, mm."""
    ticks = (-1.0, 0.0, 1.0)
    directions = np.array([(x, y, z) for x in ticks for y in ticks for z in ticks if (x, y, z) != (0.0, 0.0, 0.0)])
    return np.asarray(center_mm + TARGET_RADIUS_MM * directions / np.linalg.norm(directions, axis=1, keepdims=True))


def question_of(task: Task) -> Question:
    """What the engine is asked by a task."""
    return Question(
        image_of(task.plan, PLAN_FRAME, Modality.CT),
        image_of(task.daily, DAILY_FRAME, Modality(task.options["modality"])),
        (RigidTransform.from_matrix4(PLAN_FRAME, DAILY_FRAME, task.start),),
        sphere_mm(task.isocenter_mm),
        ALLOWED_ERROR_MM,
    )


def prepared(*also: RegionKind) -> Prepare:
    """The engine; regions in `also` are matched besides the one that the task names."""

    def prepare(task: Task) -> Callable[[], Answer]:
        question = question_of(task)
        kinds = [RegionKind(task.options["region"]), *also]
        regions = [Region(kind.value, kind) for kind in dict.fromkeys(kinds)]

        def match() -> Answer:
            first = match_rigid(question, regions)[0]
            details = {"verdict": str(first.trust.verdict), "predicted_error_mm": first.trust.predicted_error_mm}
            return Answer(first.plan_from_daily.matrix4(), details)

        return match

    return prepare


def prepared_refinement(task: Task) -> Callable[[], Answer]:
    """Refinement alone: Gauss-Newton at 8, 4 and 2 mm from the start, on levels and templates made beforehand."""
    question = question_of(task)
    kind = RegionKind(task.options["region"])
    levels = refinement_levels(question, Region(kind.value, kind))

    def match() -> Answer:
        pose = question.pose(question.starts[0])
        for stage, template in levels:
            settled = question.metric.settle(pose, template, stage.daily, stage.level.tolerance_mm)
            pose = pose if settled is None else settled.pose
        return Answer(question.plan_from_daily(pose).matrix4(), {})

    return match


def refinement_levels(question: Question, region: Region) -> list[tuple[Stage, Template]]:
    """Every level with its template of a region; the joint masks are those of the whole match's answer."""
    sources = prepare(question.planning_image, question.daily_image, question.body)
    answer = match_rigid(question, [region])[0].plan_from_daily
    stages = [Stage(question, COARSE, *coarse_sides(sources, question.metric))]
    for level, reach_mm in ((MIDDLE, RIVAL_REACH_MM), (FINE, FINE_REACH_MM)):
        sides = joint_sides(sources, level, question.metric, plan_from_daily=answer, reach_mm=reach_mm)
        stages.append(Stage(question, level, *sides))
    templates = [stages[0].template(coarse_flags(sources, region)), *(s.region_template(region) for s in stages[1:])]
    return [(s, template) for s, template in zip(stages, templates, strict=True) if template is not None]


ENGINES = {
    "openigrt": prepared(),
    "openigrt-both-regions": prepared(RegionKind.BONE, RegionKind.SOFT),
    "openigrt-refinement": prepared_refinement,
}

if __name__ == "__main__":
    serve(ENGINES)
