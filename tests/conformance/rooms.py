"""The treatment rooms that the conformance suite of the device ports runs against.

A real adapter joins by a function here that makes its `Devices`, standing at zero, with the beam off, and a monitor.
"""

from collections.abc import Callable

from openigrt.geometry import DegreesOfFreedom, Frame, RigidTransform
from openigrt.machine import Devices
from openigrt.virtual import (
    BeamRunsOn,
    CouchReadoutFrozen,
    CouchStopsShort,
    FramesDropped,
    LinacModel,
    MonitorModel,
    MonitorSilent,
    PacedClock,
    ScheduledFault,
    VirtualLinac,
    coarse_linac,
    couch_model,
)

STILL = RigidTransform.identity(Frame.FIXED, Frame.FIXED)


def watching(linac: VirtualLinac) -> Devices:
    linac.watch(MonitorModel("transponders", lost_share=0.1), lambda _: STILL)
    return linac.devices


def virtual_room(model: LinacModel | None = None, *faults: ScheduledFault) -> Callable[[], Devices]:
    return lambda: watching(VirtualLinac(model, seed=5, faults=faults))


def paced_room() -> Devices:
    """On a clock that follows another one, whose seconds pass only while somebody sleeps."""
    passed_s = [100.0]

    def sleep(duration_s: float) -> None:
        passed_s[0] += duration_s + 1e-4

    return watching(VirtualLinac(seed=5, clock=PacedClock(20.0, monotonic_s=lambda: passed_s[0], sleep=sleep)))


SOUND_ROOMS: dict[str, Callable[[], Devices]] = {
    "six axes": virtual_room(),
    "five axes": virtual_room(LinacModel(couch_model(DegreesOfFreedom.TRANSLATION_YAW_PITCH))),
    "four axes": virtual_room(LinacModel(couch_model(DegreesOfFreedom.TRANSLATION_YAW, walk_out_mm=(0.4, -0.3)))),
    "three coarse axes": virtual_room(coarse_linac()),
    "paced": paced_room,
}
FAULTY_ROOMS: dict[str, Callable[[], Devices]] = {
    "couch stops short": virtual_room(None, ScheduledFault(CouchStopsShort())),
    "couch read-out frozen": virtual_room(None, ScheduledFault(CouchReadoutFrozen())),
    "monitor silent": virtual_room(None, ScheduledFault(MonitorSilent())),
    "beam runs on": virtual_room(None, ScheduledFault(BeamRunsOn(0.5))),
    "frames dropped": virtual_room(None, ScheduledFault(FramesDropped(0.3))),
}
