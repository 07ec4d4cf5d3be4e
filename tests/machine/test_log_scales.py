"""The scales that trajectory logs count in: a real log against closed forms, and what is refused."""

import struct

import numpy as np
import pytest

from openigrt.errors import ConfigurationRequired, UnsupportedInput
from openigrt.files import LogAxisScale, builtin_machine, log_machine

HEADER_BYTES, SUBBEAM_BYTES, FIRST_COUNTS_AT = 1024, 80, 44
AXES = ("beam_limiting_device", "gantry", "y1", "y2", "x1", "x2", "vertical", "longitudinal", "lateral", "yaw")


def first_snapshot(content):
    """Axis scale, number of leaves and the expected positions (axis by axis, then leaves) of a log's first snapshot."""
    (count,) = struct.unpack_from("<i", content, 40)
    samples = struct.unpack_from(f"<{count}i", content, FIRST_COUNTS_AT + 4 * count)
    axis_scale, subbeams = struct.unpack_from("<ii", content, FIRST_COUNTS_AT + 8 * count)
    start = HEADER_BYTES + SUBBEAM_BYTES * subbeams
    pairs = np.frombuffer(content, "<f4", 2 * sum(samples), start).reshape(-1, 2)
    return axis_scale, samples[-1] - 2, pairs[:, 0].astype(float)


@pytest.mark.real
def test_a_real_log_in_machine_scale(real_data):
    """A couch near its usual place, an open field round the axis, and closed leaves that meet."""
    axis_scale, leaves, shown = first_snapshot((real_data / "linac_qa/log_reader/Tlog.bin").read_bytes())
    assert LogAxisScale(axis_scale) is LogAxisScale.MACHINE
    machine = log_machine(axis_scale)
    iec = {axis: machine.scale_of(axis).iec_from_native(value) for axis, value in zip(AXES, shown, strict=False)}
    assert iec["vertical"] == pytest.approx(-172.8, abs=0.01)  # 117.28 cm shown, 100 cm at the isocenter, counts down
    assert iec["lateral"] == pytest.approx(20.1, abs=0.01)
    assert iec["longitudinal"] == pytest.approx(890.7, abs=0.01)
    assert iec["gantry"] == pytest.approx((180.0 - 310.0) % 360.0, abs=1e-4)
    assert iec["beam_limiting_device"] == pytest.approx(0.0, abs=1e-4)
    assert min(iec["yaw"], 360.0 - iec["yaw"]) < 0.1
    assert iec["x1"] < 0.0 < iec["x2"]
    assert iec["y1"] < 0.0 < iec["y2"]
    banks = shown[-leaves:].reshape(2, -1)  # bank A, then bank B
    lower = np.array([machine.scale_of("leaves_1").iec_from_native(v) for v in banks[1]])
    upper = np.array([machine.scale_of("leaves_2").iec_from_native(v) for v in banks[0]])
    assert (upper - lower).min() > -0.5  # leaves of a pair never cross: half a millimetre for their play
    assert (np.abs(upper - lower) < 1.0).sum() > 20  # and many are closed


def test_the_modified_scale_is_that_of_varian_iec():
    assert log_machine(2) == builtin_machine("varian_iec")


def test_an_isocentric_couch_is_not_converted():
    machine = log_machine(3)
    assert machine.scale_of("gantry").iec_from_native(180.0) == 0.0
    assert machine.scale_of("yaw").iec_from_native(180.0) == 0.0
    for axis in ("lateral", "longitudinal", "vertical"):
        with pytest.raises(ConfigurationRequired, match=f"states no scale for '{axis}'"):
            machine.scale_of(axis)


@pytest.mark.parametrize("axis_scale", [0, 4, -1, 1.5, None])
def test_any_other_scale_is_refused(axis_scale):
    with pytest.raises(UnsupportedInput, match="expected one of 1, 2, 3"):
        log_machine(axis_scale)
