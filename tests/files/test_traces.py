"""Breathing traces from text: columns with units, and .vxp as its header lays it out (no sample of one was at hand)."""

import numpy as np
import pytest

from openigrt.errors import OpenIgrtError
from openigrt.files import read_trace
from openigrt.motion import AmplitudeUnit

TIMES_S = np.arange(200) * 0.04
HEIGHTS_MM = 5.0 - 5.0 * np.cos(2.0 * np.pi * TIMES_S / 4.0)


def vxp(heights=HEIGHTS_MM / 10.0, marked=True, layout="amplitude,phase,timestamp,validflag,ttlin,mark,ttlout"):
    """A motion file whose amplitudes are in cm; Z at 2 s and 6 s, P at 0, 4 and 8 s."""
    marks = {50: "Z", 150: "Z", 0: "P", 100: "P"} if marked else {}
    rows = [
        f"{height:.5f},0.0,{1000.0 * t:.0f},0,0,{marks.get(n, '')},0"
        for n, (t, height) in enumerate(zip(TIMES_S, heights, strict=True))
    ]
    header = ("[Header]", "CRC=0", "Version=1.6", f"Data_layout={layout}", "Samples_per_second=25", "Scale_factor=10.0")
    return "\r\n".join((*header, "[Data]", *rows, ""))


@pytest.mark.parametrize(
    ("names", "mark", "time_share", "amplitude_share", "unit"),
    [
        ("time_s,amplitude_mm", ",", 1.0, 1.0, AmplitudeUnit.MM),
        ("Time_ms; Amplitude_cm; note", ";", 1000.0, 0.1, AmplitudeUnit.MM),
        ("time_s\tamplitude", "\t", 1.0, 1.0, AmplitudeUnit.OWN),
    ],
)
def test_columns_are_read_by_their_names(tmp_path, names, mark, time_share, amplitude_share, unit):
    rows = [
        f"{t * time_share:.6f}{mark}{a * amplitude_share:.6f}{mark}x" for t, a in zip(TIMES_S, HEIGHTS_MM, strict=True)
    ]
    (tmp_path / "trace.csv").write_text("\n".join((names, *rows, "", "")), encoding="utf-8-sig")
    trace = read_trace(tmp_path / "trace.csv")
    assert trace.unit is unit
    np.testing.assert_allclose(trace.times_s, TIMES_S, atol=1e-6)
    np.testing.assert_allclose(trace.amplitude, HEIGHTS_MM, atol=1e-5)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_motion_file_rises_with_inhalation_as_its_marks_say(tmp_path, sign):
    (tmp_path / "trace.vxp").write_text(vxp(sign * HEIGHTS_MM / 10.0))
    trace = read_trace(tmp_path / "trace.vxp")
    assert trace.unit is AmplitudeUnit.MM
    np.testing.assert_allclose(trace.times_s, TIMES_S)
    np.testing.assert_allclose(trace.amplitude, HEIGHTS_MM, atol=1e-3)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "is empty"),
        ("0.0,1.0\n0.1,1.1\n", "first line is '0.0,1.0'; expected the names of its columns: time_s or time_ms"),
        ("time_s,amplitude_mm,amplitude\n0,1,1\n", "expected the names of its columns"),
        ("time_s,amplitude_mm\n0,1\n1,a\n", "line 3 says 'a'; expected a number"),
        ("time_s;amplitude_mm\n0;1\n0,5;2\n", "line 3 says '0,5'; expected a number, with a point"),
        ("time_s,amplitude_mm\n0,1\n1\n", "line 3 has 1 columns"),
        ("time_s,amplitude_mm\n0,1\n1,nan\n", "line 3 says 'nan'"),
        ("time_s,amplitude_mm\n0,1\n", "2 at least"),
        ("time_s,amplitude_mm\n1,1\n0,1\n", "times of a breathing trace rise"),
        ('time_s,amplitude_mm\n0,"1\n' + "x" * 200_000, "damaged, or no table"),
        (vxp().replace("[Data]", ""), r"no line \[Data\]"),
        (vxp(layout="a,b"), "its Data_layout is 'a,b'"),
        (vxp(marked=False), "which way is up is not known"),
        (vxp().replace("10.0", "ten"), "Scale_factor says 'ten'"),
    ],
)
def test_files_that_are_no_trace(tmp_path, content, says):
    (tmp_path / "trace").write_text(content)
    with pytest.raises(OpenIgrtError, match=says) as error:
        read_trace(tmp_path / "trace")
    assert "trace" in error.value.sentence


def test_bytes_that_are_no_text(tmp_path):
    (tmp_path / "trace").write_bytes(b"\xff\xfe\x00\x01" * 9)
    with pytest.raises(OpenIgrtError, match="or no text"):
        read_trace(tmp_path / "trace")
