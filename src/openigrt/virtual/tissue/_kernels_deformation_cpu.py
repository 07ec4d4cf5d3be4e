"""Hot loops of the virtual patient's deformations: where tissue goes, and where it came from.

Every move maps its region onto itself and leaves the rest in place. A row of the table is one move; the rows are
applied in order, and taken back in the opposite order. All lengths in mm of the anatomy's own axes.
"""

import math

import numpy as np
from numba import prange
from numpy.typing import NDArray

from openigrt.arrays import compiled
from openigrt.virtual.tissue.move_table import (
    ANGLE_RAD,
    AXIS,
    CENTER,
    DIMENSIONS,
    FACTOR,
    GAUGE_END,
    GAUGE_FIRST,
    GAUGE_ORIGIN,
    GAUGE_SIZE,
    GAUGE_SPACING,
    GAUGE_START,
    HALF_LENGTH,
    HIGH,
    IS_SOFT,
    KIND,
    LENGTH_REACH,
    LOCAL,
    LOW,
    PIVOT,
    RAMP,
    RAMP_END,
    RAMP_START,
    REACH,
    TRANSLATION,
    MoveTable,
)

Floats = NDArray[np.float64]
Point = tuple[float, float, float]

CLOSE = 1.0e-7  # of a share: from here one step by secant, unchecked, leads nearer than rounding does
MOST_STEPS = 60
STEEPEST, FLATTEST = -20.0, -0.02  # slopes of what is left over the share, that nothing that does not fold exceeds
SMALL_RAD = 0.2  # below which the series of sine and cosine are exact to 1e-15


@compiled()
def smooth_step(t: float) -> float:
    """From 0 to 1 over t from 0 to 1, with two derivatives that vanish at both ends."""
    t = min(max(t, 0.0), 1.0)
    return t * t * t * (10.0 + t * (6.0 * t - 15.0))


@compiled()
def local_point(m: Floats, r: int, x: float, y: float, z: float) -> Point:
    """A point in the axes of a move, in units of its semi-axes."""
    x, y, z = x - m[r, CENTER], y - m[r, CENTER + 1], z - m[r, CENTER + 2]
    u = m[r, LOCAL] * x + m[r, LOCAL + 1] * y + m[r, LOCAL + 2] * z
    v = m[r, LOCAL + 3] * x + m[r, LOCAL + 4] * y + m[r, LOCAL + 5] * z
    w = m[r, LOCAL + 6] * x + m[r, LOCAL + 7] * y + m[r, LOCAL + 8] * z
    return u, v, w


@compiled()
def softness(table: MoveTable, x: float, y: float, z: float) -> float:
    """How freely the tissue at a point moves, 0 in bone to 1, linear between samples."""
    field = table.stiffness
    u = (x - table.origin_mm[0]) / table.spacing_mm
    v = (y - table.origin_mm[1]) / table.spacing_mm
    w = (z - table.origin_mm[2]) / table.spacing_mm
    if not (0.0 <= u < field.shape[2] - 1 and 0.0 <= v < field.shape[1] - 1 and 0.0 <= w < field.shape[0] - 1):
        return 1.0
    i, j, k = int(u), int(v), int(w)
    u, v, w = u - i, v - j, w - k
    low = (1.0 - v) * ((1.0 - u) * field[k, j, i] + u * field[k, j, i + 1])
    low += v * ((1.0 - u) * field[k, j + 1, i] + u * field[k, j + 1, i + 1])
    high = (1.0 - v) * ((1.0 - u) * field[k + 1, j, i] + u * field[k + 1, j, i + 1])
    high += v * ((1.0 - u) * field[k + 1, j + 1, i] + u * field[k + 1, j + 1, i + 1])
    return float(1.0 - ((1.0 - w) * low + w * high))


@compiled()
def gauge_share(table: MoveTable, r: int, x: float, y: float, z: float) -> float:
    """How much a point takes part by the gauge of a move: linear between samples, that at the edge outside of them."""
    m = table.rows
    if m[r, GAUGE_SIZE] == 0.0:
        return 1.0
    nx, ny, nz = int(m[r, GAUGE_SIZE]), int(m[r, GAUGE_SIZE + 1]), int(m[r, GAUGE_SIZE + 2])
    u = min(max((x - m[r, GAUGE_ORIGIN]) / m[r, GAUGE_SPACING], 0.0), nx - 1.000001)
    v = min(max((y - m[r, GAUGE_ORIGIN + 1]) / m[r, GAUGE_SPACING], 0.0), ny - 1.000001)
    w = min(max((z - m[r, GAUGE_ORIGIN + 2]) / m[r, GAUGE_SPACING], 0.0), nz - 1.000001)
    i, j, k = int(u), int(v), int(w)
    u, v, w = u - i, v - j, w - k
    at = np.uint64(int(m[r, GAUGE_FIRST]) + (k * ny + j) * nx + i)
    one, line, layer = np.uint64(1), np.uint64(nx), np.uint64(nx * ny)
    g = table.gauges
    low = (1.0 - v) * ((1.0 - u) * g[at] + u * g[at + one])
    low += v * ((1.0 - u) * g[at + line] + u * g[at + line + one])
    at += layer
    high = (1.0 - v) * ((1.0 - u) * g[at] + u * g[at + one])
    high += v * ((1.0 - u) * g[at + line] + u * g[at + line + one])
    value = (1.0 - w) * low + w * high
    return float(smooth_step((value - m[r, GAUGE_START]) / (m[r, GAUGE_END] - m[r, GAUGE_START])))


@compiled()
def motion_share(table: MoveTable, r: int, x: float, y: float, z: float) -> float:
    """How much of a rigid motion a point makes: all inside the ellipsoid, none beyond its reach, less down the ramp."""
    m = table.rows
    share = 1.0
    if m[r, REACH] > 1.0:
        u, v, w = local_point(m, r, x, y, z)
        share = 1.0 - smooth_step((math.sqrt(u * u + v * v + w * w) - 1.0) / (m[r, REACH] - 1.0))
    if share > 0.0 and m[r, RAMP_END] != m[r, RAMP_START]:
        along = m[r, RAMP] * x + m[r, RAMP + 1] * y + m[r, RAMP + 2] * z
        share *= smooth_step((along - m[r, RAMP_START]) / (m[r, RAMP_END] - m[r, RAMP_START]))
    if share > 0.0:
        share *= gauge_share(table, r, x, y, z)
    if share > 0.0 and m[r, IS_SOFT] == 1.0:
        share *= softness(table, x, y, z)
    return share


@compiled()
def turned(m: Floats, r: int, angle: float, x: float, y: float, z: float) -> Point:
    """A vector turned about the axis of a motion (Rodrigues)."""
    ax, ay, az = m[r, AXIS], m[r, AXIS + 1], m[r, AXIS + 2]
    if abs(angle) < SMALL_RAD:
        q = angle * angle
        s = angle * (1.0 - q / 6.0 * (1.0 - q / 20.0 * (1.0 - q / 42.0 * (1.0 - q / 72.0))))
        c = 1.0 - q / 2.0 * (1.0 - q / 12.0 * (1.0 - q / 30.0 * (1.0 - q / 56.0 * (1.0 - q / 90.0))))
    else:
        c, s = math.cos(angle), math.sin(angle)
    along = (1.0 - c) * (ax * x + ay * y + az * z)
    return (
        c * x + s * (ay * z - az * y) + along * ax,
        c * y + s * (az * x - ax * z) + along * ay,
        c * z + s * (ax * y - ay * x) + along * az,
    )


@compiled()
def by_motion(m: Floats, r: int, share: float, x: float, y: float, z: float) -> Point:
    """A point after a share of a rigid motion: turned about the pivot, then shifted."""
    px, py, pz = m[r, PIVOT], m[r, PIVOT + 1], m[r, PIVOT + 2]
    x, y, z = turned(m, r, share * m[r, ANGLE_RAD], x - px, y - py, z - pz)
    return (
        x + px + share * m[r, TRANSLATION],
        y + py + share * m[r, TRANSLATION + 1],
        z + pz + share * m[r, TRANSLATION + 2],
    )


@compiled()
def before_motion(m: Floats, r: int, share: float, x: float, y: float, z: float) -> Point:
    """The point that a share of a rigid motion brings here."""
    px, py, pz = m[r, PIVOT], m[r, PIVOT + 1], m[r, PIVOT + 2]
    x -= px + share * m[r, TRANSLATION]
    y -= py + share * m[r, TRANSLATION + 1]
    z -= pz + share * m[r, TRANSLATION + 2]
    x, y, z = turned(m, r, -share * m[r, ANGLE_RAD], x, y, z)
    return x + px, y + py, z + pz


@compiled()
def next_guess(t: float, here: float, before: float, was: float, low: float, high: float) -> float:
    """By secant from two places and their values; half way where that leads out of what holds the root."""
    slope = here - was
    guess = t - here * (t - before) / slope if slope != 0.0 else low
    return guess if low <= guess <= high else 0.5 * (low + high)


@compiled()
def unmoved(
    table: MoveTable, r: int, guess: float, slope: float, x: float, y: float, z: float
) -> tuple[float, float, float, float, float]:
    """Where a point was before a motion, by the one share that agrees with the place it gives, and share and slope.

    A guarded secant that begins with a guess of the share and the slope of what is left over it: those of the point
    next to it, or 0 and -1.
    """
    m = table.rows
    low, high, t = 0.0, 1.0, guess
    before, was = 0.0, 0.0
    bx, by, bz = x, y, z
    for n in range(MOST_STEPS):
        bx, by, bz = before_motion(m, r, t, x, y, z)
        here = motion_share(table, r, bx, by, bz) - t
        if here == 0.0:
            break
        if here > 0.0:
            low = t
        else:
            high = t
        if n > 0 and t != before:
            slope = (here - was) / (t - before)
        slope = min(max(slope, STEEPEST), FLATTEST)
        before, was = t, here
        t -= here / slope
        if abs(here) < CLOSE:
            bx, by, bz = before_motion(m, r, t, x, y, z)
            break
        if not low <= t <= high:
            t = 0.5 * (low + high)
    return bx, by, bz, t, slope


@compiled()
def swollen_ratio(table: MoveTable, r: int, growth: float, radius: float, x: float, y: float, z: float) -> float:
    """How many times farther from its centre or axis an organ's growth carries a point at a radius in its units.

    Inside, all grows alike; outside, what was gained is pushed away whole, and less and less up to the reach.
    """
    m = table.rows
    reach, dimensions = m[r, REACH], m[r, DIMENSIONS]
    if radius >= reach:
        return 1.0
    if m[r, IS_SOFT] == 1.0:
        growth *= softness(table, x, y, z) * gauge_share(table, r, x, y, z)
    if radius > 1.0:
        growth *= (1.0 - smooth_step((radius - 1.0) / (reach - 1.0))) / radius**dimensions
    return math.exp(math.log1p(growth) / dimensions)


@compiled()
def swollen(table: MoveTable, r: int, back: bool, x: float, y: float, z: float) -> Point:
    """A point after the swelling of an organ, or before it (`back`): along its ray from the centre or the axis."""
    m = table.rows
    u, v, w = local_point(m, r, x, y, z)
    growth = m[r, FACTOR] - 1.0
    cx, cy, cz = m[r, CENTER], m[r, CENTER + 1], m[r, CENTER + 2]
    if m[r, DIMENSIONS] == 3.0:
        radius = math.sqrt(u * u + v * v + w * w)
    else:
        radius = math.sqrt(u * u + v * v)
        growth *= 1.0 - smooth_step((abs(w) - m[r, HALF_LENGTH]) / m[r, LENGTH_REACH])
        along = m[r, AXIS] * (x - cx) + m[r, AXIS + 1] * (y - cy) + m[r, AXIS + 2] * (z - cz)
        cx, cy, cz = cx + along * m[r, AXIS], cy + along * m[r, AXIS + 1], cz + along * m[r, AXIS + 2]
    if radius == 0.0 or radius >= m[r, REACH] or growth == 0.0:
        return x, y, z
    dx, dy, dz = x - cx, y - cy, z - cz
    if not back:
        ratio = swollen_ratio(table, r, growth, radius, x, y, z)
        return cx + ratio * dx, cy + ratio * dy, cz + ratio * dz
    # The share of this radius from which the growth leads here; 1 and beyond lie at the reach.
    low, high = 0.0, m[r, REACH] / radius
    before, was, t = 0.0, -1.0, 1.0
    for _ in range(MOST_STEPS):
        here = t * swollen_ratio(table, r, growth, t * radius, cx + t * dx, cy + t * dy, cz + t * dz) - 1.0
        if here < 0.0:
            low = t
        else:
            high = t
        guess = next_guess(t, here, before, was, low, high)
        before, was, t = t, here, guess
        if abs(here) < CLOSE:
            break
    return cx + t * dx, cy + t * dy, cz + t * dz


@compiled()
def is_within(m: Floats, r: int, x: float, y: float, z: float) -> bool:
    """Whether a point lies in the box of what a move reaches."""
    return bool(
        m[r, LOW] <= x <= m[r, HIGH] and m[r, LOW + 1] <= y <= m[r, HIGH + 1] and m[r, LOW + 2] <= z <= m[r, HIGH + 2]
    )


@compiled()
def moved_point(table: MoveTable, x: float, y: float, z: float) -> Point:
    """Where the tissue that is here at rest has gone."""
    m = table.rows
    for r in range(m.shape[0]):
        if is_within(m, r, x, y, z):
            if m[r, KIND] == 0.0:
                share = motion_share(table, r, x, y, z)
                if share > 0.0:
                    x, y, z = by_motion(m, r, share, x, y, z)
            else:
                x, y, z = swollen(table, r, False, x, y, z)
    return x, y, z


@compiled()
def rest_point(table: MoveTable, x: float, y: float, z: float) -> Point:
    """Where the tissue that is here now lies at rest."""
    m = table.rows
    for n in range(m.shape[0]):
        r = m.shape[0] - 1 - n
        if is_within(m, r, x, y, z):
            if m[r, KIND] == 0.0:
                x, y, z, _, _ = unmoved(table, r, 0.0, -1.0, x, y, z)
            else:
                x, y, z = swollen(table, r, True, x, y, z)
    return x, y, z


@compiled()
def set_box(points: Floats, low: Floats, high: Floats) -> None:
    """The box round points (3, n)."""
    for axis in range(3):
        low[axis] = high[axis] = points[axis, 0]
        for n in range(1, points.shape[1]):
            low[axis], high[axis] = min(low[axis], points[axis, n]), max(high[axis], points[axis, n])


@compiled()
def is_past_gauge(table: MoveTable, r: int, low: Floats, high: Floats) -> bool:
    """Whether all of a box lies where the gauge of a move lets it take part whole."""
    m, g = table.rows, table.gauges
    first, stop = np.zeros(3, dtype=np.int64), np.zeros(3, dtype=np.int64)
    for axis in range(3):
        size, origin = m[r, GAUGE_SIZE + axis], m[r, GAUGE_ORIGIN + axis]
        first[axis] = int(min(max((low[axis] - origin) / m[r, GAUGE_SPACING], 0.0), size - 2.0))
        stop[axis] = int(min(max((high[axis] - origin) / m[r, GAUGE_SPACING], 0.0), size - 2.0)) + 2
    nx, ny, sign = int(m[r, GAUGE_SIZE]), int(m[r, GAUGE_SIZE + 1]), m[r, GAUGE_END] - m[r, GAUGE_START]
    for k in range(first[2], stop[2]):
        for j in range(first[1], stop[1]):
            row = int(m[r, GAUGE_FIRST]) + (k * ny + j) * nx
            for i in range(first[0], stop[0]):
                if (g[row + i] - m[r, GAUGE_END]) * sign < 0.0:
                    return False
    return True


@compiled()
def is_rigid(table: MoveTable, r: int, low: Floats, high: Floats) -> bool:
    """Whether a move of bones, which nothing but a gauge bounds, brings all of a box from where it is whole."""
    m = table.rows
    if m[r, KIND] != 0.0 or m[r, IS_SOFT] == 1.0 or m[r, REACH] > 1.0 or m[r, GAUGE_SIZE] == 0.0:
        return False
    if m[r, RAMP_END] != m[r, RAMP_START]:
        return False
    x, y, z = 0.5 * (low[0] + high[0]), 0.5 * (low[1] + high[1]), 0.5 * (low[2] + high[2])
    half = math.sqrt((high[0] - x) ** 2 + (high[1] - y) ** 2 + (high[2] - z) ** 2)
    came_from = np.array(before_motion(m, r, 1.0, x, y, z))
    return is_past_gauge(table, r, came_from - half, came_from + half)


@compiled()
def set_rest(table: MoveTable, points: Floats, low: Floats, high: Floats) -> None:
    """Take points (3, n) back to rest, as `rest_point` does, and set the box round them.

    Move by move for all of them: what none of them comes near is passed over at once, and what one of them finds is
    where the next begins.
    """
    m = table.rows
    set_box(points, low, high)
    for back in range(m.shape[0]):
        r = m.shape[0] - 1 - back
        apart = False
        for axis in range(3):
            apart |= low[axis] > m[r, HIGH + axis] or high[axis] < m[r, LOW + axis]
        if apart:
            continue
        rigid = is_rigid(table, r, low, high)
        guess, slope = 0.0, -1.0
        for n in range(points.shape[1]):
            x, y, z = points[0, n], points[1, n], points[2, n]
            if rigid:
                x, y, z = before_motion(m, r, 1.0, x, y, z)
            elif not is_within(m, r, x, y, z):
                continue
            elif m[r, KIND] == 0.0:
                x, y, z, guess, slope = unmoved(table, r, guess, slope, x, y, z)
            else:
                x, y, z = swollen(table, r, True, x, y, z)
            points[0, n], points[1, n], points[2, n] = x, y, z
        set_box(points, low, high)


@compiled(parallel=True)
def moved_points(table: MoveTable, points: Floats, to_rest: bool, out: Floats) -> None:
    """Points (n, 3) taken along with the tissue, or back to rest."""
    for n in prange(points.shape[0]):
        x, y, z = points[n, 0], points[n, 1], points[n, 2]
        x, y, z = rest_point(table, x, y, z) if to_rest else moved_point(table, x, y, z)
        out[n, 0], out[n, 1], out[n, 2] = x, y, z
