"""What tests of the virtual imaging devices share: a simple patient with gold markers who lies off his place."""

import numpy as np

from openigrt.geometry import Frame
from openigrt.virtual import (
    Anatomy,
    BreathingOrgan,
    BreathingPattern,
    Day,
    Layer,
    LinacModel,
    Organ,
    Part,
    PatientOnCouch,
    Region,
    SetupError,
    Superellipsoid,
    VirtualLinac,
    VirtualPatient,
    spline_tube,
)
from tests.virtual.linac_cases import EXACT_COUCH

FRAME = Frame.plan("1.2.3")
WATER, BONE, GOLD = (Layer(0.0, 0.0),), (Layer(0.0, 900.0),), (Layer(0.0, 3000.0),)
HALF_AXES_MM = np.array([150.0, 100.0, 260.0])
TARGET_MM = np.array([20.0, -10.0, 30.0])
MARKERS_MM = TARGET_MM + np.array([[14.0, 0.0, 2.0], [-9.0, 11.0, -5.0], [0.0, -8.0, 14.0]])
AXES = np.array([[1.0, 0.0, 0.0], [0.0, 0.6, 0.8], [0.0, 0.0, 1.0]])
ERROR = SetupError((4.0, -3.0, 6.0), (1.0, -0.6, 0.8))
FORWARD_MM, DOWN_MM = 6.0, 9.0
EVEN = BreathingPattern(3, 4.0, 0.0, 0.0, 0.0)


def patient() -> VirtualPatient:
    """An ellipsoid of water with a bone, a target that goes down, and a front that comes forward, with the breath."""
    markers = [
        Organ(f"MARKER_{n + 1}", (Part(spline_tube((at - 1.5 * way, at + 1.5 * way), (0.7, 0.7))),), GOLD)
        for n, (at, way) in enumerate(zip(MARKERS_MM, AXES, strict=True))
    ]
    organs = (
        Organ("BODY", (Part(Superellipsoid((0, 0, 0), tuple(HALF_AXES_MM))),), WATER),
        Organ("BONE", (Part(Superellipsoid((-60.0, 40.0, -10.0), (14, 14, 60))),), BONE),
        Organ("TARGET", (Part(Superellipsoid(tuple(TARGET_MM), (20, 20, 20))),), WATER),
        *markers,
    )
    target = Region(TARGET_MM, (28, 28, 28), 1.9)
    breathing = (
        BreathingOrgan(target, (0.0, 0.0, -DOWN_MM)),
        BreathingOrgan(Region((20.0, -100.0, 30.0), (45, 16, 45), 1.8), (0.0, -FORWARD_MM, 0.0)),
    )
    return VirtualPatient(
        *("simple", 1, Anatomy(FRAME, organs), ("BONE",), "TARGET", target, ()),
        markers=tuple(organ.name for organ in markers),
        breathing_organs=breathing,
    )


def lying(day: Day | None = None, of: VirtualPatient | None = None) -> PatientOnCouch:
    return VirtualLinac(LinacModel(EXACT_COUCH)).lay_down(of or patient(), day or Day(1, setup=ERROR))
