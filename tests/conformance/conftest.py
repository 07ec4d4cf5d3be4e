"""Every test of the suite runs in every room; what a fault may break, in the sound ones only."""

import pytest

from openigrt.machine import Devices
from tests.conformance.rooms import FAULTY_ROOMS, SOUND_ROOMS


@pytest.fixture(params=[*SOUND_ROOMS, *FAULTY_ROOMS])
def devices(request: pytest.FixtureRequest) -> Devices:
    return (SOUND_ROOMS | FAULTY_ROOMS)[request.param]()


@pytest.fixture(params=SOUND_ROOMS)
def sound(request: pytest.FixtureRequest) -> Devices:
    return SOUND_ROOMS[request.param]()
