"""A radiograph as a picture to look at: bone white, with isocenter, scale, directions of the patient and outlines."""

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Picture
from PIL import ImageDraw, ImageFont
from skimage import measure

from openigrt.geometry import Float64Array, Frame
from openigrt.images import Projection

LONGEST_SIDE_PX = 1200
SMOOTHING = 2
PERCENTILES = 8.0, 99.7
THINNEST_SHARE = 0.02
OUTLINE_PX, OUTLINE_RIM_PX = 3.0, 2.5  # bone is white: a colored line shows on it by its dark rim
TICKS_MM = 10.0
TICKS_REACH_MM = 50.0
CROSS_COLOR = (255, 216, 77)
LETTER_FROM = 0.38  # sine of 22.5 degrees: nearer to an axis than that, one letter says it
LETTERS = (("L", "R"), ("P", "A"), ("S", "I"))

Color = tuple[int, int, int]


@dataclass(frozen=True, eq=False, slots=True)
class RadiographOutline:
    """A named curve in a color: `lines` are points (n, 2) in pixels of the detector, (column, row)."""

    name: str
    color: Color
    lines: tuple[Float64Array, ...]


def shadow_edges(lengths_mm: NDArray[np.float32], level_mm: float) -> tuple[Float64Array, ...]:
    """Where rays begin to pass through a thing: lines (n, 2) in pixels (column, row) at a path length [row, column]."""
    return tuple(np.asarray(line[:, ::-1]) for line in measure.find_contours(lengths_mm, level_mm))


def direction_letters(vector: Float64Array) -> str:
    """The patient directions (L R P A S I) that a vector (3,) in LPS points to, the nearest first."""
    size = np.abs(vector) / (np.linalg.norm(vector) or 1.0)
    order = [axis for axis in np.argsort(-size, kind="stable") if size[axis] >= LETTER_FROM]
    return "".join(LETTERS[axis][0 if vector[axis] > 0.0 else 1] for axis in order)


def draw_radiograph(
    projection: Projection, patient: Frame, captions: tuple[str, str], outlines: tuple[RadiographOutline, ...]
) -> bytes:
    """A PNG of a radiograph with outlines; `captions` stand above and below. It names no patient."""
    canvas = _Canvas.of(projection)
    for outline in outlines:
        for line in outline.lines:
            canvas.line(line, outline.color, OUTLINE_PX, OUTLINE_RIM_PX)
    canvas.graticule(projection)
    canvas.letters(projection, patient)
    canvas.words(captions, outlines)
    return canvas.png()


def _shown(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Line integrals as 0 (black) to 1 (white): all but the thinnest and thickest parts."""
    through = pixels[pixels > THINNEST_SHARE * pixels.max()]
    if not through.size:
        return np.zeros_like(pixels)
    low, high = (float(level) for level in np.percentile(through, PERCENTILES))
    return np.asarray(np.clip((pixels - low) / max(high - low, 1e-6), 0.0, 1.0), dtype=np.float32)


@dataclass(frozen=True, eq=False, slots=True)
class _Canvas:
    """The picture, drawn SMOOTHING times too large; `scale` (2,) leads from pixels of the detector to its own."""

    picture: Picture.Image
    pen: ImageDraw.ImageDraw
    scale: Float64Array
    unit: float

    @classmethod
    def of(cls, projection: Projection) -> "_Canvas":
        """The gray picture, its pixels square."""
        spacing = np.asarray(projection.geometry.spacing_mm)
        sides_mm = np.array(projection.geometry.size) * spacing
        size = np.maximum(np.rint(sides_mm / sides_mm.max() * LONGEST_SIDE_PX * SMOOTHING), 1.0).astype(int)
        gray = np.rint(255.0 * _shown(projection.pixels)).astype(np.uint8)
        picture = (
            Picture.fromarray(gray).resize((int(size[0]), int(size[1])), Picture.Resampling.BICUBIC).convert("RGB")
        )
        return cls(picture, ImageDraw.Draw(picture), size / np.array(projection.geometry.size), float(SMOOTHING))

    def line(self, pixels: Float64Array, color: Color, width_px: float, rim_px: float = 0.8) -> None:
        """A line through pixels of the detector, whose centres are whole numbers."""
        points = [(float(x), float(y)) for x, y in (np.asarray(pixels) + 0.5) * self.scale]
        if len(points) > 1:
            self.pen.line(points, (0, 0, 0), round((width_px + 2.0 * rim_px) * self.unit), joint="curve")
            self.pen.line(points, color, round(width_px * self.unit), joint="curve")

    def graticule(self, projection: Projection) -> None:
        """Cross and ticks at the isocenter, 10 mm apart in its plane."""
        geometry, distance_mm = projection.geometry, projection.pose.source_axis_distance_mm
        across = np.stack([geometry.row_direction, geometry.column_direction])
        middle = geometry.source_mm + geometry.normal * distance_mm
        ticks = np.arange(-TICKS_REACH_MM, TICKS_REACH_MM + 1e-6, TICKS_MM)
        for along, aside in (across, across[::-1]):
            ends = np.array([along * TICKS_REACH_MM, along * 4.0, -along * 4.0, -along * TICKS_REACH_MM]) + middle
            for pair in (ends[:2], ends[2:]):
                self.line(geometry.pixels(pair), CROSS_COLOR, 0.8)
            for tick in ticks[np.abs(ticks) > TICKS_MM / 2.0]:
                half_mm = 3.0 if abs(tick) == TICKS_REACH_MM else 1.5
                pair = middle + along * tick + np.array([aside, -aside]) * half_mm
                self.line(geometry.pixels(pair), CROSS_COLOR, 0.8)

    def letters(self, projection: Projection, patient: Frame) -> None:
        """Directions of the patient at the four edges."""
        geometry = projection.patient_geometry(patient)
        right, down = geometry.row_direction, geometry.column_direction
        wide, high = self.picture.size
        inset = 20 * self.unit
        self.text((wide - inset, high / 2), direction_letters(right), "mm", 24)
        self.text((inset, high / 2), direction_letters(-right), "mm", 24)
        self.text((wide / 2, high - inset), direction_letters(down), "mm", 24)
        self.text((wide / 2, inset), direction_letters(-down), "mm", 24)

    def words(self, captions: tuple[str, str], outlines: tuple[RadiographOutline, ...]) -> None:
        """Captions at the left, and the names of the outlines at the right, in their colors."""
        wide, high = self.picture.size
        inset = 14 * self.unit
        self.text((inset, inset), captions[0], "la", 20)
        self.text((inset, high - inset), captions[1], "ld", 20)
        for number, outline in enumerate(outlines):
            self.text((wide - inset, inset + number * 26 * self.unit), outline.name, "ra", 20, outline.color)

    def text(
        self, place: tuple[float, float], words: str, anchor: str, size: int, color: Color = (255, 255, 255)
    ) -> None:
        """Words with a dark rim."""
        font = ImageFont.load_default(size * self.unit)
        shown = "".join(letter if letter.isprintable() else "?" for letter in words)
        self.pen.text(place, shown, color, font, anchor, stroke_width=round(1.5 * self.unit), stroke_fill=(0, 0, 0))

    def png(self) -> bytes:
        """The picture in its own size."""
        stream = io.BytesIO()
        size = round(self.picture.width / SMOOTHING), round(self.picture.height / SMOOTHING)
        self.picture.resize((max(size[0], 1), max(size[1], 1)), Picture.Resampling.LANCZOS).save(stream, "PNG")
        return stream.getvalue()
