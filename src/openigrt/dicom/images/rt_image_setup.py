"""What places the pixels of an RT Image in the room: stated by an exposure, by the image, or by the caller.

PS3.3 C.8.8.2: the receptor system is moved and turned in the gantry system by X-Ray Image Receptor Translation and
Angle; RT Image Position is the centre of the first pixel in it, before any turn by RT Image Orientation about its
origin. Rows run along its +x and columns along its -y, seen from the source.
"""

from dataclasses import dataclass

import numpy as np
from pydicom import Dataset

from openigrt.dicom.dataset.elements import (
    in_short,
    items,
    name_of,
    naming,
    numbers,
    required_whole_number,
    text,
    whole_number,
)
from openigrt.dicom.dataset.plane import is_plane, plane_axes
from openigrt.dicom.images.couch import COUCH_POSITION, COUCH_REST
from openigrt.errors import InconsistentInput, MissingInput, OpenIgrtError, UnreadableFile, UnsupportedInput
from openigrt.geometry import (
    CouchPose,
    Float64Array,
    Frame,
    ProjectionGeometry,
    fixed_from_gantry,
    gantry_from_image_receptor,
)
from openigrt.images import MachinePose

EVERY_FRAME = 0
FARTHEST_MM = 20_000.0
LARGEST_ANGLE_DEG = 360.0
LARGEST_EXPOSURE = 1e7  # kV, mA, ms or MU
SAME_PLANE_MM = 1.0
CONTRADICTION_MM = 10.0
SAME_DIRECTION = 1e-3
CORNER_TOLERANCE_MM = 1e-3
ABOVE_ZERO = ("RadiationMachineSAD", "RTImageSID", "ImagePlanePixelSpacing")
EXPOSURE = ("KVP", "XRayTubeCurrent", "XRayTubeCurrentInmA", "ExposureTime", "ExposureTimeInms", "MetersetExposure")
ROW_AND_COLUMN = ((1.0, 0.0, 0.0), (0.0, -1.0, 0.0))

_NEEDED = {
    "GantryAngle": ("gantry_angle_deg", 1),
    "RadiationMachineSAD": ("source_axis_distance_mm", 1),
    "RTImageSID": ("source_detector_distance_mm", 1),
    "XRayImageReceptorAngle": ("image_receptor_angle_deg", 1),
    "RTImagePosition": ("image_position_mm", 2),
    "ImagePlanePixelSpacing": ("pixel_spacing_mm", 2),
}
Messages = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ProjectionDefaults:
    """What the caller knows where an RT Image is silent; what the file states always wins.

    `image_position_mm` is (x, y) of the centre of the first pixel in the receptor, `pixel_spacing_mm` (between rows,
    between columns) at the source-detector distance.
    """

    gantry_angle_deg: float | None = None
    source_axis_distance_mm: float | None = None
    source_detector_distance_mm: float | None = None
    image_receptor_angle_deg: float | None = None
    image_position_mm: tuple[float, float] | None = None
    pixel_spacing_mm: tuple[float, float] | None = None


@dataclass(frozen=True, eq=False, slots=True)
class FrameSources:
    """Where the numbers of one frame stand: in the exposure that names it, if one does, else in the image."""

    image: Dataset
    exposure: Dataset | None = None

    def numbers(self, keyword: str) -> tuple[float, ...]:
        """The numbers of an element from the first that states it, none where neither does; absurd ones are refused."""
        stated = numbers(self.exposure, keyword) if self.exposure is not None else ()
        stated = stated or numbers(self.image, keyword)
        _require_possible(self.image, keyword, stated)
        return stated

    def number(self, keyword: str) -> float | None:
        """One number, None where it is not stated."""
        stated = self.numbers(keyword)
        if len(stated) > 1:
            raise UnreadableFile(f"{name_of(self.image)}: {keyword} should be one number and has {len(stated)}.")
        return stated[0] if stated else None


@dataclass(frozen=True, slots=True)
class Setup:
    """What places source and detector, each number checked (mm, degrees)."""

    gantry_angle_deg: float
    source_axis_distance_mm: float
    source_detector_distance_mm: float
    image_receptor_angle_deg: float
    image_position_mm: tuple[float, float]
    pixel_spacing_mm: tuple[float, float]
    gantry_pitch_angle_deg: float


def exposures_by_frame(dataset: Dataset) -> dict[int, Dataset]:
    """Exposure items by the number of their frame, from 1; under EVERY_FRAME the only one that names no frame."""
    found = items(dataset, "ExposureSequence")
    if len(found) == 1 and whole_number(found[0], "ReferencedFrameNumber") is None:
        return {EVERY_FRAME: found[0]}
    by_frame: dict[int, Dataset] = {}
    for item in found:
        frame = whole_number(item, "ReferencedFrameNumber")
        if frame is None or frame < 1 or frame in by_frame:
            raise InconsistentInput(
                f"{name_of(dataset)} has {len(found)} exposures that do not say, one each, of which frame they are."
            )
        by_frame[frame] = item
    return by_frame


def frame_sources(dataset: Dataset, count: int) -> tuple[FrameSources, ...]:
    """The sources of each of `count` frames.

    Raises MissingInput where the gantry angle is stated for some frames only: the others were taken elsewhere.
    """
    exposures = exposures_by_frame(dataset)
    stated = {k for k, item in exposures.items() if k != EVERY_FRAME and numbers(item, "GantryAngle")}
    silent = [k for k in range(1, count + 1) if k not in stated]
    if stated and silent:
        raise MissingInput(
            f"{name_of(dataset)} states the gantry angle of some of its {count} frames only; where the gantry stood "
            f"for frame {silent[0]} is not known."
        )
    shared = exposures.get(EVERY_FRAME)
    return tuple(FrameSources(dataset, exposures.get(k, shared)) for k in range(1, count + 1))


def missing_geometry(dataset: Dataset) -> tuple[str, ...]:
    """The keywords of what an RT Image leaves out and without which nobody knows where its pixels lie."""
    with naming(dataset):
        places = [dataset, *items(dataset, "ExposureSequence")]
        return tuple(keyword for keyword in _NEEDED if not any(numbers(place, keyword) for place in places))


def doubts_about_geometry(dataset: Dataset) -> Messages:
    """What is doubtful about where the pixels of the first frame lie, or why it is refused; needs no pixels."""
    with naming(dataset):
        shape = required_whole_number(dataset, "Rows"), required_whole_number(dataset, "Columns")
        try:
            setup, _ = read_setup(frame_sources(dataset, 1)[0], ProjectionDefaults())
            return read_geometry(dataset, setup, shape)[1]
        except OpenIgrtError as error:
            return (error.sentence,)


def read_setup(sources: FrameSources, defaults: ProjectionDefaults) -> tuple[Setup, Messages]:
    """The checked numbers of one frame; raises MissingInput that names all that is neither stated nor given."""
    messages, lacking = [], []
    found: dict[str, tuple[float, ...]] = {}
    for keyword, (name, count) in _NEEDED.items():
        values, given = sources.numbers(keyword), getattr(defaults, name)
        if not values and given is None:
            lacking.append(f"{keyword} ({name})")
            continue
        if not values:
            values = tuple(np.atleast_1d(given).astype(float).tolist())
            _require_possible(sources.image, keyword, values)
            messages.append(f"{keyword} is not stated; taken as given: {', '.join(f'{v:g}' for v in values)}.")
        if len(values) != count:
            raise UnreadableFile(
                f"{name_of(sources.image)}: {keyword} should hold {count} numbers and holds {len(values)}."
            )
        found[name] = values
    if lacking:
        raise MissingInput(
            f"{name_of(sources.image)} does not state {', '.join(lacking)}: where its pixels lie is not known. Give "
            "them as ProjectionDefaults.",
            missing=lacking,
        )
    pitch = sources.number("GantryPitchAngle") or 0.0
    single = {name: values[0] for name, values in found.items() if len(values) == 1}
    position, spacing = found["image_position_mm"], found["pixel_spacing_mm"]
    return Setup(
        **single,
        image_position_mm=(position[0], position[1]),
        pixel_spacing_mm=(spacing[0], spacing[1]),
        gantry_pitch_angle_deg=pitch,
    ), tuple(messages)


def read_geometry(dataset: Dataset, setup: Setup, shape: tuple[int, int]) -> tuple[ProjectionGeometry, Messages]:
    """Source and detector of one frame of `shape` (rows, columns) in the fixed frame."""
    row, column = _plane_axes(dataset)
    translation_mm, messages = _translation_mm(dataset, setup)
    fixed_from = fixed_from_gantry(setup.gantry_angle_deg, setup.gantry_pitch_angle_deg)
    fixed_from_receptor = fixed_from @ gantry_from_image_receptor(translation_mm, setup.image_receptor_angle_deg)
    x_mm, y_mm = setup.image_position_mm
    between_rows_mm, between_columns_mm = setup.pixel_spacing_mm
    geometry = ProjectionGeometry(
        frame=Frame.FIXED,
        source_mm=fixed_from.points((0.0, 0.0, setup.source_axis_distance_mm)),
        first_pixel_mm=fixed_from_receptor.points(x_mm * row - y_mm * column),
        row_direction=fixed_from_receptor.vectors(row),
        column_direction=fixed_from_receptor.vectors(column),
        spacing_mm=np.array([between_columns_mm, between_rows_mm]),
        size=(shape[1], shape[0]),
    )
    return geometry, messages + _doubt_about_corner(setup, shape)


def read_pose(sources: FrameSources, setup: Setup) -> tuple[MachinePose, Messages]:
    """Where gantry, collimator and couch stood; a couch whose position or angle is not stated is a message."""
    position = {name: sources.number(keyword) for keyword, name in COUCH_POSITION.items()}
    rest = {name: sources.number(keyword) for keyword, name in COUCH_REST.items()}
    has_position = None not in position.values()
    has_angle = rest["patient_support_angle_deg"] is not None
    stated = {name: value for name, value in (position | rest).items() if value is not None}
    messages: Messages = () if has_angle else ("The patient support angle is not stated.",)
    if has_angle and not has_position:
        messages += ("The position of the table top is not stated.",)
        stated = {name: value for name, value in stated.items() if name not in position}
    return MachinePose(
        gantry_angle_deg=setup.gantry_angle_deg,
        source_axis_distance_mm=setup.source_axis_distance_mm,
        gantry_pitch_angle_deg=setup.gantry_pitch_angle_deg,
        beam_limiting_device_angle_deg=sources.number("BeamLimitingDeviceAngle"),
        couch=CouchPose(**stated) if has_angle else None,
        has_couch_position=has_angle and has_position,
    ), messages


def _require_possible(dataset: Dataset, keyword: str, values: tuple[float, ...]) -> None:
    """Raise UnreadableFile for angles beyond a turn, lengths beyond a room, distances and spacings of zero or less."""
    most = LARGEST_ANGLE_DEG if keyword.endswith("Angle") else LARGEST_EXPOSURE if keyword in EXPOSURE else FARTHEST_MM
    if any(abs(value) > most or (value <= 0.0 and keyword in ABOVE_ZERO) for value in values):
        expected = f"above 0 and at most {most:g}" if keyword in ABOVE_ZERO else f"{-most:g} to {most:g}"
        found = in_short([f"{value:g}" for value in values])
        raise UnreadableFile(f"{name_of(dataset)} has {keyword} {found}, which cannot be; expected {expected}.")


def _plane_axes(dataset: Dataset) -> tuple[Float64Array, Float64Array]:
    """Directions (3,) of a row and a column in the receptor system.

    Raises UnsupportedInput where a NORMAL plane states directions of its own: whether its position was measured before
    or after that turn the standard leaves open.
    """
    plane, values = text(dataset, "RTImagePlane").upper(), numbers(dataset, "RTImageOrientation")
    facing = np.array(ROW_AND_COLUMN)
    orientation = np.array(values).reshape(2, 3) if len(values) == 6 else facing
    is_facing = bool(np.abs(orientation - facing).max() <= SAME_DIRECTION)
    if plane == "NORMAL" and len(values) in (0, 6) and is_facing:
        return facing[0], facing[1]
    if plane == "NON_NORMAL" and len(values) == 6 and is_plane(orientation, (1.0,)):
        axes = plane_axes(orientation)
        return axes[:, 0], axes[:, 1]
    raise UnsupportedInput(
        f"{name_of(dataset)} has RT Image Plane {plane or 'not stated'} and RT Image Orientation "
        f"{list(values) or 'not stated'}; expected NORMAL without one (or 1, 0, 0, 0, -1, 0), or NON_NORMAL with two "
        "perpendicular unit vectors."
    )


def _translation_mm(dataset: Dataset, setup: Setup) -> tuple[Float64Array, Messages]:
    """Where the receptor system starts in the gantry system (3,): x and y as stated, z by source-detector distance.

    Its z is SAD less SID (PS3.3 C.8.8.2, note 2) and pixel spacing holds at the SID, so where the two contradict each
    other by more than 10 mm the image is refused; a z of 0 counts as not stated.
    """
    z_mm = setup.source_axis_distance_mm - setup.source_detector_distance_mm
    stated = numbers(dataset, "XRayImageReceptorTranslation")
    _require_possible(dataset, "XRayImageReceptorTranslation", stated)
    if not stated:
        said = "X-Ray Image Receptor Translation is not stated: the receptor is taken to be centred on the beam axis."
        return np.array([0.0, 0.0, z_mm]), (said,)
    if len(stated) != 3:
        raise UnreadableFile(
            f"{name_of(dataset)}: XRayImageReceptorTranslation should hold 3 numbers, not {len(stated)}."
        )
    off_mm = abs(stated[2] - z_mm)
    said = (
        f"X-Ray Image Receptor Translation has z {stated[2]:g} mm, and source-axis less source-detector distance is "
        f"{z_mm:g} mm"
    )
    if off_mm > CONTRADICTION_MM and stated[2] != 0.0:
        raise InconsistentInput(f"{name_of(dataset)}: {said}; which of them holds is not known.", z_mm=stated[2])
    messages = (f"{said}; the latter was used.",) if off_mm > SAME_PLANE_MM else ()
    return np.array([stated[0], stated[1], z_mm]), messages


def _doubt_about_corner(setup: Setup, shape: tuple[int, int]) -> Messages:
    """A message where the position is that of the corner of a centred image rather than of the first pixel's centre."""
    between_rows_mm, between_columns_mm = setup.pixel_spacing_mm
    corner_mm = (-0.5 * shape[1] * between_columns_mm, 0.5 * shape[0] * between_rows_mm)
    if not np.allclose(setup.image_position_mm, corner_mm, rtol=0.0, atol=CORNER_TOLERANCE_MM):
        return ()
    return (
        "RT Image Position is the corner of a centred image, not the centre of its first pixel; it was read as the "
        f"standard has it, which puts the image {0.5 * between_columns_mm:.3g} mm off the axis. Check which was meant.",
    )
