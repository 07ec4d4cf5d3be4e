"""itk-elastix: rigid match with the settings that serve it best on a truncated cone-beam CT.

Fixed is the daily image, so that samples lie in its field of view (given as a mask); moving is the planning CT.
Shrinking pyramids: the default smoothing ones take thirty times as long for no better result.
"""

from collections.abc import Callable
from dataclasses import replace

import itk
import numpy as np

from benchmarks.worker import Answer, Prepare, Task, Volume, seen_voxels, serve

LOCAL_SIGMA_MM = 8.0
LOCAL_VOXEL_MM = 2.0
BONE_ABOVE_HU = 200.0
BONE_MARGIN_MM = 3.0
NEAR_MM = 60.0
METRICS = {"ncc": "AdvancedNormalizedCorrelation", "mi": "AdvancedMattesMutualInformation"}


def itk_image(volume: Volume, dtype: type[np.generic]) -> itk.Image:
    """An ITK image of the volume; the voxels are shared where their type allows."""
    image = itk.image_from_array(np.ascontiguousarray(volume.voxels, dtype))
    image.SetOrigin([float(x) for x in volume.origin_mm])
    image.SetSpacing([float(x) for x in volume.spacing_mm])
    image.SetDirection(itk.matrix_from_array(np.ascontiguousarray(volume.direction)))
    return image


def settings(metric: str, levels: int, iterations: int) -> itk.ParameterObject:
    """Parameters of one rigid stage."""
    shrink = 2 ** np.arange(levels - 1, -1, -1)
    moving = [(f, f, max(1, f // 4)) for f in np.maximum(shrink, 1)]
    values = {
        "Registration": "MultiResolutionRegistration",
        "Metric": METRICS[metric],
        "NumberOfHistogramBins": "32",
        "Transform": "EulerTransform",
        "Optimizer": "AdaptiveStochasticGradientDescent",
        "AutomaticParameterEstimation": "true",
        "AutomaticScalesEstimation": "true",
        "AutomaticTransformInitialization": "false",
        "FixedImagePyramid": "FixedShrinkingImagePyramid",
        "MovingImagePyramid": "MovingShrinkingImagePyramid",
        "NumberOfResolutions": str(levels),
        "FixedImagePyramidSchedule": [str(f) for f in shrink for _ in range(3)],
        "MovingImagePyramidSchedule": [str(f) for triple in moving for f in triple],
        "MaximumNumberOfIterations": str(iterations),
        "ImageSampler": "RandomCoordinate",
        "NumberOfSpatialSamples": "2000",
        "NewSamplesEveryIteration": "true",
        "MaximumNumberOfSamplingAttempts": "8",
        "RequiredRatioOfValidSamples": "0.05",
        "ErodeMask": "false",
        "Interpolator": "LinearInterpolator",
        "ResampleInterpolator": "FinalLinearInterpolator",
        "Resampler": "DefaultResampler",
        "HowToCombineTransforms": "Compose",
        "WriteResultImage": "false",
    }
    parameters = itk.ParameterObject.New()
    parameters.AddParameterMap({key: [value] if isinstance(value, str) else value for key, value in values.items()})
    return parameters


def euler_matrix(parameters: itk.ParameterObject) -> np.ndarray:
    """moving_from_fixed (4, 4) of an elastix EulerTransform about its centre."""
    found = parameters.GetParameterMap(0)
    values, center = (np.array(found[key], float) for key in ("TransformParameters", "CenterOfRotationPoint"))
    transform = itk.Euler3DTransform[itk.D].New()
    transform.SetComputeZYX(found.get("ComputeZYX", ("false",))[0] == "true")
    transform.SetCenter(center.tolist())
    transform.SetRotation(*values[:3].tolist())
    transform.SetTranslation(values[3:].tolist())
    matrix = np.eye(4)
    matrix[:3, :3] = itk.array_from_matrix(transform.GetMatrix())
    matrix[:3, 3] = np.array(list(transform.GetOffset()))
    return matrix


def smoothed(image: itk.Image, sigma_mm: float) -> np.ndarray:
    """Voxels under a Gaussian."""
    return itk.array_view_from_image(itk.smoothing_recursive_gaussian_image_filter(image, sigma=sigma_mm))


def locally_normalised(volume: Volume, sigma_mm: float = LOCAL_SIGMA_MM) -> tuple[Volume, Volume]:
    """Voxels of about 2 mm less their local mean, over their local deviation, and the mask of those within the field.

    The Gaussians are weighted: padding has no part in mean or deviation.
    """
    seen = seen_voxels(volume).astype(np.float32)
    values = binned(replace(volume, voxels=np.clip(volume.voxels, -1000.0, 1500.0).astype(np.float32) * seen))
    weights = binned(replace(volume, voxels=seen))

    def mean(voxels: np.ndarray) -> np.ndarray:
        return smoothed(itk_image(replace(values, voxels=voxels), np.float32), sigma_mm)

    weight = np.maximum(mean(weights.voxels), 1e-3)
    local = mean(values.voxels) / weight
    deviation = np.sqrt(np.maximum(mean(values.voxels**2) / weight - local * local, 0.0))
    whole = weights.voxels > 0.999
    return replace(values, voxels=whole * (values.voxels - local) / (deviation + 20.0)), replace(values, voxels=whole)


def binned(volume: Volume) -> Volume:
    """The volume with voxels averaged within a slice to about `LOCAL_VOXEL_MM`."""
    n = max(1, round(LOCAL_VOXEL_MM / volume.spacing_mm[0]))
    slices, rows, columns = (size // m for size, m in zip(volume.voxels.shape, (1, n, n), strict=True))
    blocks = volume.voxels[:, : rows * n, : columns * n].reshape(slices, rows, n, columns, n)
    step = np.array([n, n, 1]) * volume.spacing_mm
    origin = volume.origin_mm + volume.direction @ ((step - volume.spacing_mm) / 2.0)
    return Volume(blocks.mean(axis=(2, 4), dtype=np.float32), origin, step, volume.direction)


def matched(plan: itk.Image, daily: itk.Image, mask: itk.Image, parameters: itk.ParameterObject) -> np.ndarray:
    """plan_from_daily (4, 4) where elastix ends."""
    method = itk.ElastixRegistrationMethod[type(daily), type(plan)].New()
    method.SetFixedImage(daily)
    method.SetMovingImage(plan)
    method.SetFixedMask(mask)
    method.SetParameterObject(parameters)
    method.SetLogToConsole(False)
    method.SetLogToFile(False)
    method.Update()
    return euler_matrix(method.GetTransformParameterObject())


def prepared(metric: str, levels: int, iterations: int) -> Prepare:
    """The engine with these settings on the images as they are."""

    def prepare(task: Task) -> Callable[[], Answer]:
        daily_volume = task.daily.moved(task.start)
        plan, daily = itk_image(task.plan, np.float32), itk_image(daily_volume, np.float32)

        def match() -> Answer:
            mask = itk_image(replace(daily_volume, voxels=seen_voxels(daily_volume)), np.uint8)
            return Answer(matched(plan, daily, mask, settings(metric, levels, iterations)) @ task.start)

        return match

    return prepare


def prepare_local(task: Task) -> Callable[[], Answer]:
    """Correlation of locally normalised images: the peer that holds on a shaded, truncated cone-beam CT."""
    daily_volume = task.daily.moved(task.start)

    def match() -> Answer:
        (plan, _), (daily, mask) = locally_normalised(task.plan), locally_normalised(daily_volume)
        images = [itk_image(volume, np.float32) for volume in (plan, daily)]
        return Answer(matched(*images, itk_image(mask, np.uint8), settings("ncc", 4, 100)) @ task.start)

    return match


def prepare_bone(task: Task) -> Callable[[], Answer]:
    """Correlation of locally normalised images on planned bone round the isocenter's axis: slow, careful, from near by.

    Options: `sigma_mm` of the normalisation, `seed`. What is known of a real cone-beam CT rests on it.
    """
    daily_volume = task.daily.moved(task.start)

    def match() -> Answer:
        sigma_mm = task.options["sigma_mm"]
        (plan, _), (daily, mask) = (locally_normalised(v, sigma_mm) for v in (task.plan, daily_volume))
        mask = replace(mask, voxels=mask.voxels & bone_seen(task.plan, daily, task.isocenter_mm))
        parameters = settings("ncc", 2, 1000)
        careful = parameters.GetParameterMap(0)
        careful["NumberOfSpatialSamples"], careful["RandomSeed"] = ["5000"], [str(task.options["seed"])]
        parameters.SetParameterMap(0, careful)
        images = [itk_image(volume, np.float32) for volume in (plan, daily)]
        return Answer(matched(*images, itk_image(mask, np.uint8), parameters) @ task.start)

    return match


def bone_seen(plan: Volume, daily: Volume, axis_mm: np.ndarray) -> np.ndarray:
    """Voxels [k, j, i] of the daily image on planned bone, within 60 mm of a line along z; both lie along the axes."""
    bone = itk_image(replace(plan, voxels=plan.voxels > BONE_ABOVE_HU), np.float32)
    near_bone = smoothed(bone, BONE_MARGIN_MM) > 0.1
    k, j, i = np.indices(daily.voxels.shape)
    points = [daily.origin_mm[a] + daily.spacing_mm[a] * n for a, n in enumerate((i, j, k))]
    index = [np.rint((points[a] - plan.origin_mm[a]) / plan.spacing_mm[a]).astype(int) for a in (2, 1, 0)]
    inside = np.all([(n >= 0) & (n < size) for n, size in zip(index, near_bone.shape, strict=True)], axis=0)
    held = tuple(np.clip(n, 0, size - 1) for n, size in zip(index, near_bone.shape, strict=True))
    return inside & near_bone[held] & (np.hypot(points[0] - axis_mm[0], points[1] - axis_mm[1]) < NEAR_MM)


ENGINES = {
    "elastix-ncc-3": prepared("ncc", 3, 60),
    "elastix-ncc-4": prepared("ncc", 4, 100),
    "elastix-mi-4": prepared("mi", 4, 60),
    "elastix-local": prepare_local,
    "elastix-bone": prepare_bone,
}

if __name__ == "__main__":
    serve(ENGINES)
