"""One fraction as it is treated: set up, image, match, correct, verify, deliver; nothing here knows the truth."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from openigrt.dicom import Straightening
from openigrt.geometry import RigidTransform, motion_between_poses
from openigrt.guidance import SetupError, off_target_mm, required_motion, setup_error_of
from openigrt.machine import ArmState, Devices, wait_until_still
from openigrt.patient import Action, Verdict
from openigrt.tasks.clock import Clock
from openigrt.tasks.course.delivering import DeliveredOrder, deliver
from openigrt.tasks.course.fraction import Purpose, setup_error_of_motion
from openigrt.tasks.guidance.files import write_guidance
from openigrt.tasks.guidance.guidance import Guidance
from openigrt.tasks.guidance.guiding import Case
from openigrt.tasks.guidance.inputs import read_today_input
from openigrt.tasks.guidance.patient_setup import GivenSetup, patient_setup
from openigrt.tasks.guidance.plan_side import PlanSide

SETUP_S = 120.0
LOOK_S = 45.0
LONGEST_MOVE_S = 120.0
MOST_SETUPS = 3
MOST_CORRECTIONS = 3
IMAGE, GUIDANCE = "image", "guidance"


@dataclass(frozen=True, slots=True)
class Taken:
    """An image of the day as DICOM in `folder`, done at `until_s` on the clock of the room: a mean of `moments_s`."""

    folder: Path
    until_s: float
    moments_s: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class Room:
    """A treatment room with a patient in it, as those see it who treat him.

    `set_up` lays the patient down, for the n-th time today; `take` makes an image of the day in a folder; `looks_right`
    is what a person says who sees that image fused with the plan as it was matched.
    """

    devices: Devices
    set_up: Callable[[int], None]
    take: Callable[[Path], Taken]
    looks_right: Callable[[Guidance, Taken], bool]


@dataclass(frozen=True, eq=False)
class SeenImage:
    """One image with its guidance, and whether the couch was moved by it; `moved_s` is when the couch stood again."""

    purpose: Purpose
    set_up: int
    taken: Taken
    guidance: Guidance
    is_moved: bool
    moved_s: float


@dataclass(frozen=True, eq=False)
class Treatment:
    """All images of a fraction in order, what was believed to be left at beam-on, and the beams; none: not treated."""

    images: tuple[SeenImage, ...]
    believed: SetupError | None
    beams: tuple[DeliveredOrder, ...]

    @property
    def guiding(self) -> SeenImage:
        """The image that said last where the patient should go."""
        followed = [image for image in self.images if image.is_moved]
        return followed[-1] if followed else self.images[-1]


def treat(room: Room, plan: PlanSide, place: Path, *, is_verified: bool) -> Treatment:
    """One fraction, its images and guidance written below `place`.

    A person is played who looks at what guidance calls for. He approves a move that it recommends, and one that it
    leaves to him where the target looks right to him; else he sets the patient up again. After three setups the patient
    goes home untreated. With `is_verified` a second image follows a correction; one beyond the tolerance of the
    protocol leads to another correction.
    """
    images: list[SeenImage] = []
    for set_up in range(1, MOST_SETUPS + 1):
        room.set_up(set_up)
        _let_pass(room, SETUP_S)
        images.append(_seen(room, plan, place / f"{len(images) + 1:02d}_{Purpose.SETUP}", Purpose.SETUP, set_up))
        corrections = 0
        while is_verified and images[-1].is_moved and corrections < MOST_CORRECTIONS:
            name, corrections = f"{len(images) + 1:02d}_{Purpose.VERIFICATION}", corrections + 1
            images.append(_seen(room, plan, place / name, Purpose.VERIFICATION, set_up))
        if _is_good_to_go(images[-1]):
            break
    else:
        return Treatment(tuple(images), None, ())
    _arms(room, ArmState.RETRACTED)
    believed = _believed(images[-1])
    folder_plan = plan.folder.plan
    return Treatment(tuple(images), believed, deliver(room.devices, folder_plan) if folder_plan else ())


def _seen(room: Room, plan: PlanSide, place: Path, purpose: Purpose, set_up: int) -> SeenImage:
    """An image, what guidance says of it, and the couch moved where it recommends that."""
    _arms(room, ArmState.EXTENDED)
    taken = room.take(place / IMAGE)
    _let_pass(room, LOOK_S)
    clock = room.devices.clock
    guidance = guided(plan, taken.folder, clock.zero_at + timedelta(seconds=clock.now_s))
    write_guidance(guidance, place / GUIDANCE)
    correction = guidance.correction
    tolerance_mm = guidance.protocol.verification_tolerance_mm
    is_left = purpose is Purpose.VERIFICATION and _off_target_mm(guidance) <= tolerance_mm
    is_meant = not is_left and correction.target_pose is not None
    is_moved = is_meant and is_approved(guidance, lambda: room.looks_right(guidance, taken))
    if is_moved and correction.target_pose is not None:
        room.devices.couch.move_to(correction.target_pose)
        wait_until_still(room.devices.couch, clock, LONGEST_MOVE_S)
    return SeenImage(purpose, set_up, taken, guidance, is_moved, clock.now_s)


def guided(plan: PlanSide, today: Path, decided_at: datetime) -> Guidance:
    """What `guide` says of an image of the day, at a moment of the room's own time; how long it took is left out."""
    daily = read_today_input(today, plan.folder, None, Straightening.REFUSED)
    setup = patient_setup(GivenSetup(None, None, None, None, None), plan.folder, daily, plan.settings.machine)
    case = Case(plan, daily, setup)
    return replace(case.guidance(*case.matched(None), decided_at, Clock(lambda words: None)), timing_s={})


def required_of(guidance: Guidance) -> RigidTransform:
    """The motion of the room that a match asks for."""
    return required_motion(guidance.match, guidance.alignment, guidance.target).motion


def is_approved(guidance: Guidance, looks_right: Callable[[], bool]) -> bool:
    """Whether the person who is played approves the move: as recommended, or having looked at what was in doubt.

    Never that of a refused match, or one beyond a guard of the protocol or a limit of the machine.
    """
    correction, protocol = guidance.correction, guidance.protocol
    if correction.is_recommended or correction.action is not Action.CALL:
        return correction.is_recommended
    if guidance.match.trust.verdict is Verdict.REFUSED or correction.limits_exceeded:
        return False
    found = setup_error_of(guidance.match.plan_from_daily, guidance.alignment)
    is_within = found.length_mm <= protocol.max_shift_mm and max(map(abs, found.values[3:])) <= protocol.max_angle_deg
    return is_within and looks_right()


def _is_good_to_go(image: SeenImage) -> bool:
    """Whether the patient may be treated after an image: moved by it, or left by it."""
    if image.is_moved:
        return True
    guidance = image.guidance
    is_left = image.purpose is Purpose.VERIFICATION and guidance.match.trust.verdict is not Verdict.REFUSED
    if is_left and _off_target_mm(guidance) <= guidance.protocol.verification_tolerance_mm:
        return True
    return guidance.correction.action is Action.LEAVE


def _off_target_mm(guidance: Guidance) -> float:
    """How far the surface of the target is from its place by the match, at most."""
    return off_target_mm(guidance.match.plan_from_daily, guidance.alignment, guidance.target.points_mm)


def _believed(image: SeenImage) -> SetupError:
    """What is left by the last image: of the patient as it saw him, after the move that was made."""
    guidance, correction = image.guidance, image.guidance.correction
    if not image.is_moved or correction.start is None or correction.target_pose is None:
        return setup_error_of(guidance.match.plan_from_daily, guidance.alignment)
    made = motion_between_poses(correction.start, correction.target_pose)
    return setup_error_of_motion(made @ required_of(guidance).inverse())


def _arms(room: Room, to: ArmState) -> None:
    """The arms of the imager out or in, and time until they are there."""
    imager, clock = room.devices.imager, room.devices.clock
    (imager.extend_arms if to is ArmState.EXTENDED else imager.retract_arms)()
    until_s = clock.now_s + LONGEST_MOVE_S
    while imager.arms() is not to and clock.now_s < until_s:
        clock.sleep_until(clock.now_s + 1.0)


def _let_pass(room: Room, seconds: float) -> None:
    """Time that people take."""
    room.devices.clock.sleep_until(room.devices.clock.now_s + seconds)
