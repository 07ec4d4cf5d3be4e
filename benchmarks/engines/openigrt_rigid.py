"""OpenIGRT's rigid match: wide search, refinement, rivals and trust, all preparation included."""

from collections.abc import Callable

import numpy as np

from benchmarks.worker import Answer, Prepare, Task, Volume, serve
from openigrt.geometry import Float64Array, Frame, Grid, RigidTransform
from openigrt.images import Image, Modality
from openigrt.registration import Question, Region, RegionKind, match_rigid

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


def prepared(*also: RegionKind) -> Prepare:
    """The engine; regions in `also` are matched besides the one that the task names."""

    def prepare(task: Task) -> Callable[[], Answer]:
        question = Question(
            image_of(task.plan, PLAN_FRAME, Modality.CT),
            image_of(task.daily, DAILY_FRAME, Modality(task.options["modality"])),
            RigidTransform.from_matrix4(PLAN_FRAME, DAILY_FRAME, task.start),
            sphere_mm(task.isocenter_mm),
            ALLOWED_ERROR_MM,
        )
        kinds = [RegionKind(task.options["region"]), *also]
        regions = [Region(kind.value, kind) for kind in dict.fromkeys(kinds)]

        def match() -> Answer:
            first = match_rigid(question, regions)[0]
            details = {"verdict": str(first.trust.verdict), "predicted_error_mm": first.trust.predicted_error_mm}
            return Answer(first.plan_from_daily.matrix4(), details)

        return match

    return prepare


ENGINES = {"openigrt": prepared(), "openigrt-both-regions": prepared(RegionKind.BONE, RegionKind.SOFT)}

if __name__ == "__main__":
    serve(ENGINES)
