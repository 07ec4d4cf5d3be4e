"""What belongs to the ports themselves: waiting, samples, and that their words are in the docs."""

import re
from pathlib import Path

import pytest

from openigrt import machine
from openigrt.errors import DeviceFailure, FrameMismatch
from openigrt.geometry import CouchPose, Frame, RigidTransform
from openigrt.images import MotionSample
from openigrt.machine import ArmState, BeamState, CouchPort, CouchReading, wait_until_still
from openigrt.virtual import VirtualClock, VirtualLinac
from openigrt.virtual.linac import faults

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "devices.md"
PORTS = [port for name, port in vars(machine).items() if name.endswith("Port")]


def test_a_sample_is_a_motion_of_the_room():
    with pytest.raises(FrameMismatch, match="sample of a motion monitor"):
        MotionSample(0.0, RigidTransform.identity(Frame.FIXED, Frame.TABLE_TOP))


class NeverStill:
    """A couch that always is on its way."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock

    def reading(self) -> CouchReading:
        return CouchReading(CouchPose(), self.clock.now_s, is_moving=True)


def test_nobody_waits_for_ever():
    clock = VirtualClock()
    with pytest.raises(DeviceFailure, match="still moves after 5 s"):
        wait_until_still(NeverStill(clock), clock, 5.0)  # type: ignore[arg-type]
    assert clock.now_s == 5.0


def test_to_wait_for_what_stands_takes_no_time():
    devices = VirtualLinac().devices
    couch: CouchPort = devices.couch
    wait_until_still(couch, devices.clock, 5.0)
    assert devices.clock.now_s == 0.0


@pytest.mark.parametrize("port", PORTS, ids=lambda port: port.__name__)
def test_every_port_is_documented_with_all_that_it_has(port: type):
    words = set(re.findall(r"`([^`\n]+)`", PAGE.read_text(encoding="utf-8")))
    members = {name for name in vars(port) if not name.startswith("_")}
    assert members
    assert {port.__name__, *members} <= words


@pytest.mark.parametrize("word", [*BeamState, *ArmState, *(fault.__name__ for fault in faults.Fault.__args__)])
def test_every_state_and_every_fault_is_documented(word: str):
    assert f"`{word}`" in PAGE.read_text(encoding="utf-8")
