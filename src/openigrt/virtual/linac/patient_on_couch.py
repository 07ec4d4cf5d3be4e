"""A virtual patient on the couch of a virtual linac: where he and his target truly are, at every time."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from openigrt.geometry import CouchPose, RigidTransform, fit_rigid, fixed_from_lps, fixed_from_table_top
from openigrt.virtual.patients.patient import Day, VirtualPatient
from openigrt.virtual.tissue.anatomy import Anatomy

FEWEST_FOR_A_TURN = 3


@dataclass(frozen=True, eq=False)
class PatientOnCouch:
    """A patient who lies on the table as he lay down, and goes where it goes.

    With the table truly at `setup_couch` he lies off his planned place by the setup error of the day, and by nothing
    else. `fixed_from_table` is the truth of a linac; `lain_down_s` is when his day began, on its clock: all times here
    are on that.
    """

    patient: VirtualPatient
    day: Day
    setup_couch: CouchPose
    fixed_from_table: Callable[[float], RigidTransform]
    lain_down_s: float = 0.0

    @cached_property
    def table_from_plan(self) -> RigidTransform:
        """Where he lies on the table."""
        at_setup = self.day.setup.motion() @ self.planned_place(self.setup_couch)
        return fixed_from_table_top(self.setup_couch).inverse() @ at_setup

    def planned_place(self, couch: CouchPose) -> RigidTransform:
        """Where a patient lies in the room (fixed from plan) as the plan wants him, on a table at these angles."""
        patient = self.patient
        return fixed_from_lps(patient.position, patient.anatomy.frame, patient.isocenter_mm, couch)

    def fixed_from_plan(self, time_s: float) -> RigidTransform:
        """Where he lies in the room."""
        return self.fixed_from_table(time_s) @ self.table_from_plan

    def anatomy(self, time_s: float) -> Anatomy:
        """His tissue, in the frame of the plan as if he lay as planned; it shows in the room by `fixed_from_plan`."""
        return self.patient.at(self.day, time_s - self.lain_down_s)

    def body_motion(self, time_s: float, couch: CouchPose | None = None) -> RigidTransform:
        """The motion of the room (fixed to fixed) that carries his body from its planned place to where it is.

        The planned place is that on a table at the angles of `couch`; None: at those of the setup.
        """
        return self.fixed_from_plan(time_s) @ self.planned_place(couch or self.setup_couch).inverse()

    def motion_of(self, points_mm: ArrayLike, time_s: float, couch: CouchPose | None = None) -> RigidTransform:
        """The same of what the planning image shows at points (n, 3), such as markers, best fitted by a rigid one.

        Of fewer than three points the turn is that of the body.
        """
        planned = np.asarray(points_mm, dtype=np.float64).reshape(-1, 3)
        now = self.patient.displaced_mm(planned, self.day, time_s - self.lain_down_s)
        frame, turn = self.patient.anatomy.frame, np.eye(3)
        shift_mm = now.mean(axis=0) - planned.mean(axis=0)
        if len(planned) >= FEWEST_FOR_A_TURN:
            turn, shift_mm = fit_rigid(now, planned)
        return self._in_room(RigidTransform(frame, frame, turn, shift_mm), time_s, couch)

    def target_motion(self, time_s: float, couch: CouchPose | None = None) -> RigidTransform:
        """The same of his target, with its own motion as a rigid one fits it best: what a treatment is off by."""
        return self._in_room(self.patient.target_motion(self.day, time_s - self.lain_down_s), time_s, couch)

    def _in_room(self, within: RigidTransform, time_s: float, couch: CouchPose | None) -> RigidTransform:
        """The motion of the room that a motion within the patient makes, with where he lies."""
        return self.fixed_from_plan(time_s) @ within @ self.planned_place(couch or self.setup_couch).inverse()
