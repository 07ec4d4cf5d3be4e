"""SimpleITK (ITK v4 framework): rigid match by Mattes mutual information on three levels.

Fixed is the daily image, its field of view a mask; regular-step gradient descent with scales from physical shift.
Both images are first binned to about the voxel size of the finest level: smoothing pyramids over the whole planning CT
take six times as long for no better result.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import SimpleITK as sitk  # noqa: N813 - its users' name for it

from benchmarks.worker import Answer, Prepare, Task, Volume, seen_voxels, serve


def sitk_image(volume: Volume, dtype: type[np.generic]) -> sitk.Image:
    """A SimpleITK image of the volume."""
    image = sitk.GetImageFromArray(np.ascontiguousarray(volume.voxels, dtype))
    image.SetOrigin(volume.origin_mm.tolist())
    image.SetSpacing(volume.spacing_mm.tolist())
    image.SetDirection(volume.direction.ravel().tolist())
    return image


def field_of_view(volume: Volume) -> sitk.Image:
    """Mask of the daily image's content."""
    return sitk_image(replace(volume, voxels=seen_voxels(volume)), np.uint8)


def binned(image: sitk.Image, voxel_mm: float) -> sitk.Image:
    """The image with voxels averaged to about `voxel_mm`, never finer than they are."""
    factors = [max(1, round(voxel_mm / spacing)) for spacing in image.GetSpacing()]
    return image if max(factors) == 1 else sitk.BinShrink(image, factors)


def method_for(daily: sitk.Image, mask: sitk.Image, sampled: list[float]) -> sitk.ImageRegistrationMethod:
    """The registration method about the centre of the daily image; `sampled` is the share of voxels on each level."""
    initial = sitk.Euler3DTransform()
    initial.SetCenter(daily.TransformContinuousIndexToPhysicalPoint([(n - 1) / 2.0 for n in daily.GetSize()]))
    method = sitk.ImageRegistrationMethod()
    method.SetMetricAsMattesMutualInformation(numberOfHistogramBins=32)
    method.SetMetricSamplingStrategy(method.RANDOM)
    method.SetMetricSamplingPercentagePerLevel(sampled, seed=1)
    method.SetMetricFixedMask(mask)
    method.SetInterpolator(sitk.sitkLinear)
    method.SetOptimizerAsRegularStepGradientDescent(
        learningRate=2.0, minStep=1e-3, numberOfIterations=100, relaxationFactor=0.5, gradientMagnitudeTolerance=1e-6
    )
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetShrinkFactorsPerLevel([4, 2, 1])
    method.SetSmoothingSigmasPerLevel([0.0, 0.0, 0.0])
    method.SetInitialTransform(initial, inPlace=False)
    return method


def matrix_of(transform: sitk.Transform) -> np.ndarray:
    """plan_from_daily (4, 4): the transform's images of the origin and of the unit vectors."""
    origin = np.array(transform.TransformPoint((0.0, 0.0, 0.0)))
    matrix = np.eye(4)
    matrix[:3, :3] = np.column_stack([np.array(transform.TransformPoint(tuple(e))) - origin for e in np.eye(3)])
    matrix[:3, 3] = origin
    return matrix


def prepared(voxel_mm: float, sampled: list[float]) -> Prepare:
    """Mutual information on three levels, the finest at `voxel_mm`."""

    def prepare(task: Task) -> Callable[[], Answer]:
        daily_volume = task.daily.moved(task.start)
        plan, daily = sitk_image(task.plan, np.float32), sitk_image(daily_volume, np.float32)

        def match() -> Answer:
            fixed, mask = binned(daily, voxel_mm), binned(field_of_view(daily_volume), voxel_mm)
            found = method_for(fixed, mask > 0, sampled).Execute(fixed, binned(plan, voxel_mm))
            return Answer(matrix_of(found) @ task.start)

        return match

    return prepare


ENGINES = {
    "simpleitk-mi-1mm": prepared(1.0, [0.04, 0.005, 0.001]),
    "simpleitk-mi-2mm": prepared(2.0, [0.3, 0.08, 0.02]),
}

if __name__ == "__main__":
    serve(ENGINES)
