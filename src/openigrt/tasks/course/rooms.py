"""The virtual room of one fraction: linac, patient on the couch, and how images of the day are made there."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import numpy as np

from openigrt.geometry import CouchPose, Frame, RigidTransform
from openigrt.images import Image
from openigrt.machine import wait_until_still
from openigrt.tasks.course.settings import CourseSettings
from openigrt.tasks.course.treating import LONGEST_MOVE_S, Room, Taken, required_of
from openigrt.tasks.course.truth import Guided, TargetTruth, match_error
from openigrt.tasks.guidance.guidance import Guidance
from openigrt.virtual import AS_PLANNED, Day, PatientOnCouch, VirtualClock, VirtualLinac, VirtualPatient

SETUP_COUCH = CouchPose()
SEEN_MM, SEEN_DEG = 2.0, 5.0
STILL = RigidTransform.identity(Frame.FIXED, Frame.FIXED)
LINAC_SEED, SETUP_SEED = 401, 409

# What takes an image of the day of whoever lies there: the image, and the moments that it is a mean of.
Imager = Callable[[VirtualLinac, PatientOnCouch], tuple[Image, tuple[float, ...]]]
Writer = Callable[[Image, Path, timedelta], None]


@dataclass(frozen=True, eq=False)
class VirtualRoom:
    """A linac and the patients that lay on its couch today, the last one still there."""

    linac: VirtualLinac
    patient: VirtualPatient
    day: Day
    seed: int
    image: Imager
    write: Writer
    lain: list[PatientOnCouch] = field(default_factory=list)

    def seen(self) -> Room:
        """The room as those see it who treat."""
        return Room(self.linac.devices, self.set_up, self.take, self.looks_right)

    def set_up(self, time: int) -> None:
        """Lay the patient down for the n-th time: first with the setup error of the day, then with more care.

        The couch begins at zero, where its read-out is right.
        """
        devices, day = self.linac.devices, self.day
        if time > 1:
            devices.couch.move_to(SETUP_COUCH)
            wait_until_still(devices.couch, devices.clock, LONGEST_MOVE_S)
            rng = np.random.default_rng((self.seed, day.number, time, SETUP_SEED))
            day = replace(day, setup=self.patient.population.of_day(rng, AS_PLANNED))
        self.lain.append(self.linac.lay_down(self.patient, day, SETUP_COUCH))

    def take(self, folder: Path) -> Taken:
        """An image of the day, as DICOM."""
        image, moments_s = self.image(self.linac, self.lain[-1])
        until_s = self.linac.devices.clock.now_s
        self.write(image, folder, timedelta(seconds=until_s))
        return Taken(folder, until_s, moments_s)

    def looks_right(self, guidance: Guidance, taken: Taken) -> bool:
        """Whether the target lies on its outline as the image was matched, as far as a person sees that.

        His eyes are the truth, blurred: he sees what is further off than `SEEN_MM` or turned by more than `SEEN_DEG`.
        """
        truth = TargetTruth.of(self.lain[-1])
        of_image = Guided(taken.moments_s, required_of(guidance), STILL, self.linac.truth.imaging_isocenter_mm)
        error_mm, error_deg = match_error(truth, of_image)
        return error_mm <= SEEN_MM and error_deg <= SEEN_DEG


def linac_of(settings: CourseSettings, number: int, clock: VirtualClock) -> VirtualLinac:
    """The linac of a fraction, whose errors are its own."""
    seed = int(np.random.default_rng((settings.seed, number, LINAC_SEED)).integers(2**31))
    return VirtualLinac(settings.linac.model(), seed, clock)
