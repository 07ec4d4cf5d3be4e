"""Projections of Varian and Elekta, written from the published layouts by means that the readers do not share.

No file of a machine is at hand. The writers follow the descriptions that the readers name, one value at a time: what
they prove is that both understood the description alike, not that a machine writes so.
"""

import struct

import numpy as np

GEOMETRY = """<?xml version="1.0"?>
<!DOCTYPE RTKGEOMETRY>
<RTKThreeDCircularGeometry version="{version}">
{shared}
{projections}
</RTKThreeDCircularGeometry>
"""


def image(rows=6, columns=8, seed=1, largest=60_000):
    """Pixels with small, middling and large differences between neighbours."""
    random = np.random.default_rng(seed)
    smooth = random.integers(-100, 100, (rows, columns)).cumsum(axis=1) + 20_000
    smooth[rows // 2] += random.integers(-30_000, 30_000, columns)
    return np.clip(smooth, 0, largest).astype(np.int64)


def differences(pixels):
    """(sizes, stored): the code of .xim and .hnd, one pixel after the other."""
    flat, columns = [int(value) for value in pixels.ravel()], pixels.shape[1]
    stored = b"".join(struct.pack("<i", value) for value in flat[: columns + 1])
    codes = []
    for n in range(columns + 1, len(flat)):
        difference = flat[n] - flat[n - 1] - flat[n - columns] + flat[n - columns - 1]
        difference = (difference + 2**31) % 2**32 - 2**31
        code = 0 if -128 <= difference < 128 else 1 if -32768 <= difference < 32768 else 2
        codes.append(code)
        stored += struct.pack("<" + "bhi"[code], difference)
    codes += [0] * (-len(codes) % 4)
    packed = bytes(sum(code << 2 * k for k, code in enumerate(codes[n : n + 4])) for n in range(0, len(codes), 4))
    return packed, stored


XIM_PROPERTIES = {
    "KVSourceRtn": 150.0,
    "KVDetectorLat": -16.0,
    "KVDetectorLng": 0.05,
    "KVDetectorVrt": -54.0,
    "KVSourceVrt": 100.0,
    "KVKiloVolts": 125.0,
    "KVMilliAmperes": 60.0,
    "KVNormChamber": 1234,
    "PixelWidth": 0.0388,
    "PixelHeight": 0.0388,
    "Name": "a text",
    "MLCLeafsA": (1.0, 2.5),
    "Flags": [1, 2, 3],
}


def xim(pixels=None, compressed=True, bytes_per_pixel=4, mark=b"VMS.XI\0\0", **properties):
    """A .xim file; floats become doubles, ints 32 bits, tuples rows of doubles and lists rows of 32 bits."""
    pixels = image() if pixels is None else pixels
    rows, columns = pixels.shape
    content = mark + struct.pack("<6i", 1, columns, rows, 8 * bytes_per_pixel, bytes_per_pixel, int(compressed))
    if compressed and pixels.size:
        codes, stored = differences(pixels)
        content += struct.pack("<i", len(codes)) + codes + struct.pack("<i", len(stored)) + stored
        content += struct.pack("<i", 4 * pixels.size)
    elif compressed:
        content += struct.pack("<3i", 0, 0, 0)
    else:
        plain = pixels.astype({1: "<u1", 2: "<u2", 4: "<i4"}[bytes_per_pixel]).tobytes()
        content += struct.pack("<i", len(plain)) + plain
    content += struct.pack("<4i", 3, 7, 8, 9)
    stated = {name: value for name, value in (XIM_PROPERTIES | properties).items() if value is not None}
    content += struct.pack("<i", len(stated))
    return content + b"".join(xim_property(name, value) for name, value in stated.items())


def xim_property(name, value):
    """Length of the name, name, kind, value."""
    start = struct.pack("<i", len(name)) + name.encode("ascii")
    if isinstance(value, float):
        return start + struct.pack("<id", 1, value)
    if isinstance(value, int):
        return start + struct.pack("<ii", 0, value)
    if isinstance(value, str):
        return start + struct.pack("<ii", 2, len(value)) + value.encode("latin-1")
    kind, layout = (4, "d") if isinstance(value, tuple) else (5, "i")
    packed = struct.pack(f"<{len(value)}{layout}", *value)
    return start + struct.pack("<ii", kind, len(packed)) + packed


def hnd_header(rows, columns, mark, angle_deg, spacing_mm):
    """The 488 bytes of fixed fields, in the order of the published structure."""
    fields = [struct.pack("<32sI4sI8s8s", mark, 0, b"NONE", 0, b"20240102", b"030405")]
    for _ in ("patient", "series", "slice"):
        fields.append(struct.pack("<16sI", b"1", 1))
    fields.append(struct.pack("<2Id16s3I4s", columns, rows, 0.0, b"RTIMAGE", 0, 0, 512, b"TEST"))
    doubles = dict.fromkeys(range(40), 0.0)
    doubles |= {0: 12.0, 1: 1000.0, 2: 1500.0, 23: spacing_mm, 24: spacing_mm}  # gantry, SAD, SFD, detector resolution
    doubles |= {29: 125.0, 30: 80.0, 33: angle_deg, 34: 77.0}  # kV, mA, projection angle, chamber
    return b"".join(fields) + struct.pack("<40d", *doubles.values())


def hnd(pixels=None, angle_deg=30.0, spacing_mm=0.388, mark=b"VARIAN_VA_INTERNAL_HND_1.0"):
    """A .hnd file: compressed."""
    pixels = image() if pixels is None else pixels
    codes, stored = differences(pixels)
    return hnd_header(*pixels.shape, mark, angle_deg, spacing_mm).ljust(1024, b"\0") + codes + stored


def hnc(pixels=None, angle_deg=30.0, spacing_mm=0.388, mark=b"VARIAN_VA_INTERNAL_HNCU_1.0"):
    """A .hnc file: plain, 16 bits."""
    pixels = image() if pixels is None else pixels
    header = hnd_header(*pixels.shape, mark, angle_deg, spacing_mm).ljust(512, b"\0")
    return header + pixels.astype("<u2").tobytes()


def his(pixels=None, more=32, frames=1, kind=4, corner=None):
    """A .his file; the corner is what the header states as right and bottom, from 1."""
    pixels = image(8, 8) if pixels is None else pixels
    rows, columns = pixels.shape
    right, bottom = corner or (rows, columns)
    header = struct.pack("<HHHIHHHHHH", 0x7000, 0x0044, 100, 0, more, 1, 1, right, bottom, frames)
    header = header.ljust(32, b"\0") + struct.pack("<H", kind)
    return header.ljust(68, b"\0") + b"\0" * more + pixels.astype("<u2").tobytes()


def xvi_frames(angles, inactive=(), unexposed=(), centre=(115.0, -2.0), step_ms=182):
    """The list of frames of XVI 5."""
    frames = "".join(
        f"<Frame><Seq>{n + 1}</Seq><DeltaMs>{n * step_ms}</DeltaMs><HasPixelFactor>False</HasPixelFactor>"
        f"<PixelFactor>0</PixelFactor><GantryAngle>{angle}</GantryAngle><Exposed>{n not in unexposed}</Exposed>"
        f"<MVOn>False</MVOn><UCentre>{centre[0]}</UCentre><VCentre>{centre[1]}</VCentre>"
        f"<Inactive>{n in inactive}</Inactive></Frame>"
        for n, angle in enumerate(angles)
    )
    return (
        f'<?xml version="1.0"?><ProjectionSet><Image><Width>8</Width></Image><Frames>{frames}</Frames></ProjectionSet>'
    )


def projection_info(fan="HalfFan", lateral=-148.0, **others):
    """ProjectionInfo.xml."""
    values = {"CalibratedSAD": 1000.3, "CalibratedSID": 1500.2} | {
        "CalibratedDetectorOffsetX": 0.3,
        "CalibratedDetectorOffsetY": -0.2,
        "DetectorPosLat": lateral,
        "FanType": fan,
    }
    inner = "".join(f"<{name}>{value}</{name}>" for name, value in (values | others).items() if value is not None)
    return (
        f'<?xml version="1.0" encoding="utf-8"?><ProjectionInfo xmlns="http://example.org/v">{inner}</ProjectionInfo>'
    )


def truebeam_scan(**values):
    """Scan.xml."""
    shown = {"SAD": 1000, "SID": 1540, "ImagerLat": -160, "Fan": "Half", "FrameRate": 15, "Velocity": 6} | values
    inner = "".join(f"<{name}>{value}</{name}>" for name, value in shown.items() if value is not None)
    return f'<Scan Version="2.7.0.0" xmlns="http://example.org/v"><Acquisitions>{inner}</Acquisitions></Scan>'
