"""One fraction of a course: what was seen, believed and done, and beside it what was true."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import numpy as np

from openigrt.geometry import Float64Array, RigidTransform, TableAngles
from openigrt.guidance import SetupError
from openigrt.patient import Action, Verdict

Triple = tuple[float, float, float]


class Purpose(StrEnum):
    """What an image is taken for."""

    SETUP = "setup"
    VERIFICATION = "verification"


@dataclass(frozen=True, slots=True)
class TakenImage:
    """One image of a fraction and what came of it.

    `folder` is where it lies within the fraction, `at_s` when its middle was taken, on the clock of the linac. `found`
    is the setup error by the match, None of a refused one; `true` is that of the middle of the target as a rigid motion
    fits it best. `match_error_mm` is how far the match puts any of its surface from where the imager saw it, at most,
    `match_error_deg` how far it turns it. `is_moved`: the couch went where the correction says.
    """

    purpose: Purpose
    folder: str
    at_s: float
    verdict: Verdict
    predicted_error_mm: float | None
    action: Action
    is_recommended: bool
    is_moved: bool
    reasons: tuple[str, ...]
    found: SetupError | None
    true: SetupError
    match_error_mm: float | None
    match_error_deg: float | None


@dataclass(frozen=True, slots=True)
class ErrorBudget:
    """Where the target's residual comes from, mm along the axes of the table (lateral, longitudinal, vertical).

    The match, the offset of the imager's isocenter, the couch (inaccuracy, rounding, missing axes, corrections that
    were not made), and motion since the image; together they are the residual of the middle of the target.
    `deformation_mm` is what no rigid motion takes away: root mean square over the target.
    """

    match_mm: Triple
    imager_mm: Triple
    couch_mm: Triple
    motion_mm: Triple
    deformation_mm: float

    @property
    def residual_mm(self) -> Float64Array:
        """The sum (3,) of the vectors."""
        return np.asarray(np.sum([self.match_mm, self.imager_mm, self.couch_mm, self.motion_mm], axis=0))


@dataclass(frozen=True, slots=True)
class Delivery:
    """What the beam met: the target's motion while there was radiation, and how far it reached beyond its plan.

    `residual` is the rigid best fit of the target, averaged over beam-on; `largest_mm` the largest distance of the
    target's middle from its place at any moment. `expansion_mm` is by how much the planned target must grow on all
    sides to hold it at every moment; `reach_mm` by how much it reached beyond the planned one toward left, right, back,
    front, head and feet.
    """

    delivered_mu: float
    beam_on_s: float
    since_image_s: float
    residual: SetupError
    largest_mm: float
    expansion_mm: float
    reach_mm: dict[str, float]
    budget: ErrorBudget


@dataclass(frozen=True, slots=True)
class Fraction:
    """One fraction, from laying the patient down to the record.

    `believed` is what the system thought was left when the beam came on, None where it did not know. `set_up` counts
    how often the patient was laid down. A fraction without a delivery ended with a person who did not treat.
    """

    number: int
    treated_at: datetime
    set_up: int
    images: tuple[TakenImage, ...]
    believed: SetupError | None
    delivery: Delivery | None

    @property
    def first(self) -> TakenImage:
        """The first image since the patient was laid down for the last time."""
        return [image for image in self.images if image.purpose is Purpose.SETUP][-1]

    @property
    def verification(self) -> TakenImage | None:
        """The last image after a correction, None where there was none."""
        verifications = [image for image in self.images if image.purpose is Purpose.VERIFICATION]
        return verifications[-1] if verifications else None


def setup_error_of_motion(motion: RigidTransform, about_mm: Float64Array | None = None) -> SetupError:
    """A motion of the room, from a planned place to where that is, as a setup error at a point (3,) of the room.

    None: at the isocenter.
    """
    about_mm = np.zeros(3) if about_mm is None else about_mm
    lateral_mm, longitudinal_mm, vertical_mm = (float(v) for v in motion.points(about_mm) - about_mm)
    angles = TableAngles.from_matrix(motion.rotation)
    return SetupError(lateral_mm, longitudinal_mm, vertical_mm, angles.yaw_deg, angles.pitch_deg, angles.roll_deg)
