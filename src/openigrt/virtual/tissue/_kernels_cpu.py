"""Hot loops of the virtual patient: signed distances, lattice noise and the voxels made of them.

Distances are to first order (value over length of gradient), in mm, negative inside. Every voxel is computed on its
own, so the number of threads changes no bit.
"""

import math

import numpy as np
from numba import prange
from numpy.typing import NDArray

from openigrt.arrays import compiled
from openigrt.virtual.tissue._kernels_deformation_cpu import set_rest
from openigrt.virtual.tissue.move_table import MoveTable
from openigrt.virtual.tissue.primitive_table import BLEND, GROUP, KIND, OPERATION, ORGAN, REACH_MM, PrimitiveTable

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

FAR_MM = 1.0e6
BRICK = 4  # voxels along each axis that are culled together
OPAQUE = 1.0e-4
STRETCH = 1.25  # how much faster than a point goes its distance, to first order, may change
REACH = 8.0  # of the logistic edge, in its scale: 0.03 %
OUTLINE_REACH_MM = 30.0
LATTICE_PERIOD = 255
# Lattice spacings of the texture, mm: fine, finer middle, coarse, septa; and half the width of a septum in noise units.
FINE_MM, MIDDLE_MM, COARSE_MM, SEPTA_MM = 2.6, 6.1, 15.3, 10.7
SEPTUM = 0.18


@compiled()
def blended_minimum(a: float, b: float, blend: float) -> float:
    """Smooth minimum of two distances; exact where they differ by more than `blend` (quadratic polynomial)."""
    lower = min(a, b)
    if blend <= 0.0:
        return lower
    overlap = max(blend - abs(a - b), 0.0)
    return lower - overlap * overlap / (4.0 * blend)


@compiled()
def superellipsoid_distance(p: Floats, s: int, x: float, y: float, z: float) -> float:
    """Centre p[0:3], local-from-plan matrix p[3:12] (rotation over semi-axes), exponents p[12], p[13] (plane, axis)."""
    x, y, z = x - p[s, 0], y - p[s, 1], z - p[s, 2]
    u = p[s, 3] * x + p[s, 4] * y + p[s, 5] * z
    v = p[s, 6] * x + p[s, 7] * y + p[s, 8] * z
    w = p[s, 9] * x + p[s, 10] * y + p[s, 11] * z
    au, av, aw = abs(u), abs(v), abs(w)
    plane, axial = p[s, 12], p[s, 13]
    if plane == 2.0 and axial == 2.0:
        f = math.sqrt(u * u + v * v + w * w)
        if f < 1e-6:
            return float(-1.0 / max(abs(p[s, 3]), abs(p[s, 7]), abs(p[s, 11])))
        gu, gv, gw = u / f, v / f, w / f
    else:
        pu, pv, pw = au**plane, av**plane, aw**axial
        flat = pu + pv
        pr = flat ** (axial / plane)
        whole = pr + pw
        if whole < 1e-9:
            return float(-1.0 / max(abs(p[s, 3]), abs(p[s, 7]), abs(p[s, 11])))
        f = whole ** (1.0 / axial)
        # The gradient of f from the powers that are there already: df/du = f (pr / whole) (pu / flat) / u.
        share = f / whole
        in_plane = share * pr / max(flat, 1e-300)
        gu = in_plane * pu / u if au > 1e-12 else 0.0
        gv = in_plane * pv / v if av > 1e-12 else 0.0
        gw = share * pw / w if aw > 1e-12 else 0.0
    gx = p[s, 3] * gu + p[s, 6] * gv + p[s, 9] * gw
    gy = p[s, 4] * gu + p[s, 7] * gv + p[s, 10] * gw
    gz = p[s, 5] * gu + p[s, 8] * gv + p[s, 11] * gw
    return (f - 1.0) / math.sqrt(gx * gx + gy * gy + gz * gz)


@compiled()
def cone_segment_distance(p: Floats, s: int, x: float, y: float, z: float) -> float:
    """Symmetric flattening matrix p[0:9], start p[9:12] and step p[12:15] after it, 1/step², radii p[16], p[17]."""
    u = p[s, 0] * x + p[s, 1] * y + p[s, 2] * z - p[s, 9]
    v = p[s, 3] * x + p[s, 4] * y + p[s, 5] * z - p[s, 10]
    w = p[s, 6] * x + p[s, 7] * y + p[s, 8] * z - p[s, 11]
    t = min(1.0, max(0.0, (u * p[s, 12] + v * p[s, 13] + w * p[s, 14]) * p[s, 15]))
    u, v, w = u - t * p[s, 12], v - t * p[s, 13], w - t * p[s, 14]
    length = math.sqrt(u * u + v * v + w * w)
    gap = length - (p[s, 16] + t * (p[s, 17] - p[s, 16]))
    if length < 1e-6:
        return float(gap)
    gx = p[s, 0] * u + p[s, 3] * v + p[s, 6] * w
    gy = p[s, 1] * u + p[s, 4] * v + p[s, 7] * w
    gz = p[s, 2] * u + p[s, 5] * v + p[s, 8] * w
    return float(gap * length / math.sqrt(gx * gx + gy * gy + gz * gz))


@compiled()
def outline_distance(numbers: Floats, start: int, count: int, u: float, v: float) -> float:
    """Signed distance to a closed polygon whose `count` vertices (u, v) begin at numbers[start]."""
    nearest = FAR_MM
    inside = False
    last = start + 2 * (count - 1)
    u0, v0 = numbers[last], numbers[last + 1]
    for n in range(count):
        u1, v1 = numbers[start + 2 * n], numbers[start + 2 * n + 1]
        du, dv = u1 - u0, v1 - v0
        t = ((u - u0) * du + (v - v0) * dv) / (du * du + dv * dv)
        t = min(1.0, max(0.0, t))
        eu, ev = u - u0 - t * du, v - v0 - t * dv
        nearest = min(nearest, eu * eu + ev * ev)
        if (v0 > v) != (v1 > v) and u < u0 + du * (v - v0) / dv:
            inside = not inside
        u0, v0 = u1, v1
    return -math.sqrt(nearest) if inside else math.sqrt(nearest)


@compiled()
def sheet_distance(p: Floats, s: int, numbers: Floats, x: float, y: float, z: float) -> float:
    """A curved plate: w = h(u, v) in local axes, inside an outline, thicker toward its edge.

    Outline at numbers[p[0]], p[1] vertices; centre p[2:5]; rows p[5:14] of the rotation; h = p[14] + p[15] u + p[16] v
    + p[17] u² + p[18] uv + p[19] v²; half thickness p[20] inside, p[21] at the edge, decaying over p[22]; blend p[23].
    """
    x, y, z = x - p[s, 2], y - p[s, 3], z - p[s, 4]
    u = p[s, 5] * x + p[s, 6] * y + p[s, 7] * z
    v = p[s, 8] * x + p[s, 9] * y + p[s, 10] * z
    w = p[s, 11] * x + p[s, 12] * y + p[s, 13] * z
    edge = outline_distance(numbers, int(p[s, 0]), int(p[s, 1]), u, v)
    if edge > OUTLINE_REACH_MM:
        return edge
    h = p[s, 14] + p[s, 15] * u + p[s, 16] * v + p[s, 17] * u * u + p[s, 18] * u * v + p[s, 19] * v * v
    hu = p[s, 15] + 2.0 * p[s, 17] * u + p[s, 18] * v
    hv = p[s, 16] + p[s, 18] * u + 2.0 * p[s, 19] * v
    half = p[s, 20] + (p[s, 21] - p[s, 20]) * math.exp(min(edge, 0.0) / p[s, 22])
    slab = (abs(w - h) - half) / math.sqrt(1.0 + hu * hu + hv * hv)
    return -blended_minimum(-slab, -edge, p[s, 23])


@compiled()
def loft_distance(p: Floats, s: int, numbers: Floats, x: float, y: float, z: float) -> float:
    """A body of superelliptic sections stacked along z.

    Sections begin at numbers[p[0]]: p[1] of them from z = p[2] every p[3] mm, each (centre x, centre y, half width at
    +x and at -x, half depth at -y and at +y, exponent at -y and at +y), linear in between.
    """
    at = min(max((z - p[s, 2]) / p[s, 3], 0.0), p[s, 1] - 1.000001)
    n = int(at)
    t = at - n
    a = int(p[s, 0]) + 8 * n
    b = a + 8
    dx = x - (numbers[a] + t * (numbers[b] - numbers[a]))
    dy = y - (numbers[a + 1] + t * (numbers[b + 1] - numbers[a + 1]))
    side = 2 if dx > 0.0 else 3
    half_x = numbers[a + side] + t * (numbers[b + side] - numbers[a + side])
    front = 4 if dy < 0.0 else 5
    half_y = numbers[a + front] + t * (numbers[b + front] - numbers[a + front])
    power = numbers[a + front + 2] + t * (numbers[b + front + 2] - numbers[a + front + 2])
    u, v = abs(dx) / half_x, abs(dy) / half_y
    pu, pv = u**power, v**power
    whole = pu + pv
    if whole < 1e-9:
        return float(-min(half_x, half_y))
    f = whole ** (1.0 / power)
    gx = f * pu / (whole * u * half_x) if u > 1e-12 else 0.0
    gy = f * pv / (whole * v * half_y) if v > 1e-12 else 0.0
    return float((f - 1.0) / math.sqrt(gx * gx + gy * gy))


@compiled()
def solid_distance(p: Floats, s: int, numbers: Floats, x: float, y: float, z: float) -> float:
    """Signed distance to row s of the table."""
    kind = p[s, KIND]
    if kind == 1.0:
        return cone_segment_distance(p, s, x, y, z)
    if kind == 0.0:
        return superellipsoid_distance(p, s, x, y, z)
    if kind == 2.0:
        return float(p[s, 0] * x + p[s, 1] * y + p[s, 2] * z - p[s, 3])
    if kind == 3.0:
        return sheet_distance(p, s, numbers, x, y, z)
    return loft_distance(p, s, numbers, x, y, z)


@compiled()
def organ_distance(
    p: Floats, numbers: Floats, solids: Integers, start: int, stop: int, x: float, y: float, z: float
) -> float:
    """Signed distance to an organ, whose rows are `solids[start:stop]`: groups joined, carved and clipped in order."""
    total = FAR_MM
    n = start
    while n < stop:
        s = solids[n]
        group = p[s, GROUP]
        distance = solid_distance(p, s, numbers, x, y, z)
        n += 1
        while n < stop and p[solids[n], GROUP] == group:
            distance = min(distance, solid_distance(p, solids[n], numbers, x, y, z))
            n += 1
        operation = p[s, OPERATION]
        if operation == 0.0:
            total = blended_minimum(total, distance, p[s, BLEND])
        elif operation == 1.0:
            total = -blended_minimum(-total, distance, p[s, BLEND])
        else:
            total = -blended_minimum(-total, -distance, p[s, BLEND])
    return total


@compiled()
def lattice_noise(permutation: Integers, gradients: Floats, x: float, y: float, z: float) -> float:
    """Gradient noise of unit lattice and about unit standard deviation (Perlin 2002), repeating after 256."""
    fx, fy, fz = math.floor(x), math.floor(y), math.floor(z)
    i, j, k = int(fx) & LATTICE_PERIOD, int(fy) & LATTICE_PERIOD, int(fz) & LATTICE_PERIOD
    x, y, z = x - fx, y - fy, z - fz
    su = x * x * x * (x * (x * 6.0 - 15.0) + 10.0)
    sv = y * y * y * (y * (y * 6.0 - 15.0) + 10.0)
    sw = z * z * z * (z * (z * 6.0 - 15.0) + 10.0)
    total = 0.0
    for a in range(2):
        wa = su if a else 1.0 - su
        pa = permutation[(i + a) & LATTICE_PERIOD]
        for b in range(2):
            wb = wa * (sv if b else 1.0 - sv)
            pb = permutation[pa + ((j + b) & LATTICE_PERIOD)]
            for c in range(2):
                g = permutation[pb + ((k + c) & LATTICE_PERIOD)]
                weight = wb * (sw if c else 1.0 - sw)
                total += weight * (gradients[g, 0] * (x - a) + gradients[g, 1] * (y - b) + gradients[g, 2] * (z - c))
    return 4.0 * total


@compiled()
def textures(
    permutation: Integers, gradients: Floats, gains: Floats, x: float, y: float, z: float
) -> tuple[float, float, float]:
    """Coarse and fine noise of about unit deviation, and thin sheets where a third noise folds, from 0 to 1."""
    fine = gains[0] * lattice_noise(permutation, gradients, x / FINE_MM, y / FINE_MM, z / FINE_MM)
    fine += gains[1] * lattice_noise(permutation, gradients, x / MIDDLE_MM + 71.3, y / MIDDLE_MM, z / MIDDLE_MM)
    coarse = gains[2] * lattice_noise(permutation, gradients, x / COARSE_MM, y / COARSE_MM + 33.7, z / COARSE_MM)
    fold = lattice_noise(permutation, gradients, x / SEPTA_MM, y / SEPTA_MM, z / SEPTA_MM + 19.1)
    return coarse, 0.7 * fine, gains[3] * math.exp(-fold * fold / (SEPTUM * SEPTUM))


@compiled()
def share_inside(distance: float, softness: float) -> float:
    """Share of a voxel that lies inside a surface at a signed distance."""
    return 1.0 / (1.0 + math.exp(distance / softness))


@compiled()
def is_apart(bounds: Floats, row: int, low: Floats, high: Floats, reach: float) -> bool:
    """Whether one row of bounds and a box are more than `reach` apart along some axis."""
    for axis in range(3):
        if low[axis] > bounds[row, axis + 3] + reach or high[axis] < bounds[row, axis] - reach:
            return True
    return False


@compiled()
def rows_near_box(table: PrimitiveTable, low: Floats, high: Floats, reach: float, solids: Integers) -> int:
    """List, in order, the rows whose bounds come near a box; returns how many."""
    count = 0
    for organ in range(table.organ_bounds.shape[0]):
        if is_apart(table.organ_bounds, organ, low, high, reach):
            continue
        for s in range(table.solids_of_organ[organ], table.solids_of_organ[organ + 1]):
            if not is_apart(table.solid_bounds, s, low, high, reach + table.solid_parameters[s, REACH_MM]):
                solids[count] = s
                count += 1
    return count


@compiled()
def is_organ_near(
    table: PrimitiveTable, near: Integers, n: int, stop: int, center: Floats, radius: float, reach: float
) -> bool:
    """Whether the n-th organ of a list, whose rows end before `stop`, is seen within `reach` of a ball."""
    layer = table.layers_of_organ[near[2, n]]
    distance = organ_distance(
        table.solid_parameters, table.numbers, near[0], near[1, n], stop, center[0], center[1], center[2]
    )
    return bool(distance + table.layers[layer, 0] <= reach + STRETCH * radius)


@compiled()
def rows_near_block(
    table: PrimitiveTable, candidates: Integers, low: Floats, high: Floats, reach: float, near: Integers
) -> int:
    """Of `candidates`, list those that matter inside a box: near[0] rows, near[1] where organs start, near[2] organs.

    Returns the number of organs. An organ of which nothing is near is left out.
    """
    p = table.solid_parameters
    center = 0.5 * (low + high)
    radius = 0.5 * math.sqrt((high[0] - low[0]) ** 2 + (high[1] - low[1]) ** 2 + (high[2] - low[2]) ** 2)
    organs, count, joined, current = 0, 0, 0, -1
    for s in candidates:
        organ = int(p[s, ORGAN])
        if organ != current:
            if current >= 0 and (
                joined == 0 or not is_organ_near(table, near, organs - 1, count, center, radius, reach)
            ):
                organs -= 1
                count = near[1, organs]
            near[1, organs] = count
            near[2, organs] = organ
            organs += 1
            current, joined = organ, 0
        margin = reach + p[s, REACH_MM]
        apart = is_apart(table.solid_bounds, s, low, high, margin)
        if apart or solid_distance(p, s, table.numbers, center[0], center[1], center[2]) > radius + margin:
            if p[s, OPERATION] == 2.0:  # clips away all that the organ has so far
                count, joined = near[1, organs - 1], 0
            continue
        joined += p[s, OPERATION] == 0.0
        near[0, count] = s
        count += 1
    if current >= 0 and (joined == 0 or not is_organ_near(table, near, organs - 1, count, center, radius, reach)):
        organs -= 1
        count = near[1, organs]
    near[1, organs] = count
    return organs


@compiled()
def set_seen_box(m: Floats, first: Integers, stop: Integers, low: Floats, high: Floats) -> None:
    """The box round the centres of the voxels (i, j, k) from `first` up to `stop`, where they are."""
    for axis in range(3):
        low[axis] = high[axis] = m[axis, 3]
        for n in range(3):
            one, other = m[axis, n] * first[n], m[axis, n] * (stop[n] - 1)
            low[axis] += min(one, other)
            high[axis] += max(one, other)


@compiled()
def set_centers(m: Floats, first: Integers, stop: Integers, points: Floats) -> int:
    """Centres, into points (3, voxels), of the voxels (i, j, k) from `first` up to `stop`, i fastest; their number."""
    count = 0
    for k in range(first[2], stop[2]):
        for j in range(first[1], stop[1]):
            for i in range(first[0], stop[0]):
                for axis in range(3):
                    points[axis, count] = m[axis, 0] * i + m[axis, 1] * j + m[axis, 2] * k + m[axis, 3]
                count += 1
    return count


@compiled()
def hu_at(
    table: PrimitiveTable,
    near: Integers,
    organs: int,
    softness: float,
    gains: Floats,
    x: float,
    y: float,
    z: float,
    behind: float,
) -> float:
    """HU at a point at rest, of the organs that `rows_near_block` found near it, before what lies `behind` them."""
    layers, first_layer = table.layers, table.layers_of_organ
    reach = REACH * softness
    seen, hu = 1.0, 0.0
    for n in range(organs):
        organ = near[2, n]
        first, last = first_layer[organ], first_layer[organ + 1] - 1
        distance = organ_distance(table.solid_parameters, table.numbers, near[0], near[1, n], near[1, n + 1], x, y, z)
        if distance + layers[first, 0] > reach:
            continue
        coarse = fine = septa = 0.0
        if table.is_textured[organ]:
            coarse, fine, septa = textures(table.permutation, table.gradients, gains, x, y, z)
        opacity = outer = share_inside(distance + layers[first, 0], softness)
        for layer in range(first, last + 1):
            inner = share_inside(distance + layers[layer + 1, 0], softness) if layer < last else 0.0
            texture = layers[layer, 2] * coarse + layers[layer, 3] * fine + layers[layer, 4] * septa
            hu += seen * (outer - inner) * (layers[layer, 1] + texture)
            outer = inner
        seen *= 1.0 - opacity
        if seen < OPAQUE:
            break
    return hu + seen * behind


@compiled(parallel=True)
def render_voxels(
    table: PrimitiveTable,
    moves: MoveTable,
    point_from_index: Floats,
    softness: float,
    farthest: float,
    gains: Floats,
    voxels: NDArray[np.float32],
) -> None:
    """Lay HU over voxels [k, j, i], which show what lies behind all organs.

    `point_from_index` (3, 4) maps (i, j, k) to mm of the anatomy's own axes.
    `moves` is the table of the deformation: what is seen at a voxel is the tissue that has come there, from no more
    than `farthest` mm away; so nothing covers what is farther from all solids.

    Organs are laid over one another from front to back; what is hidden is not computed. The shares of an organ's layers
    in a voxel add up to its opacity. Bricks of voxels share the search for what is near.
    `softness` is the scale of the logistic edge in mm; `gains` (4) damp the textures.
    """
    reach = REACH * softness
    slices, lines, columns = voxels.shape
    bricks_along_j = (lines + BRICK - 1) // BRICK
    for beam in prange(bricks_along_j * ((slices + BRICK - 1) // BRICK)):
        candidates = np.zeros(table.solid_bounds.shape[0], dtype=np.int64)
        near = np.zeros((3, table.solid_bounds.shape[0] + 1), dtype=np.int64)
        low, high = np.zeros(3), np.zeros(3)
        points = np.empty((3, BRICK**3))
        first, stop = np.zeros(3, dtype=np.int64), np.zeros(3, dtype=np.int64)
        first[1], first[2] = BRICK * (beam % bricks_along_j), BRICK * (beam // bricks_along_j)
        stop[0], stop[1], stop[2] = columns, min(first[1] + BRICK, lines), min(first[2] + BRICK, slices)
        set_seen_box(point_from_index, first, stop, low, high)
        count = rows_near_box(table, low, high, reach + farthest, candidates)
        for start in range(0, columns, BRICK):
            first[0], stop[0] = start, min(start + BRICK, columns)
            set_seen_box(point_from_index, first, stop, low, high)
            if rows_near_block(table, candidates[:count], low, high, reach + farthest, near) == 0:
                continue
            filled = set_centers(point_from_index, first, stop, points)
            set_rest(moves, points[:, :filled], low, high)
            organs = rows_near_block(table, candidates[:count], low, high, reach, near)
            n = 0
            for k in range(first[2], stop[2]):
                for j in range(first[1], stop[1]):
                    for i in range(first[0], stop[0]):
                        x, y, z = points[0, n], points[1, n], points[2, n]
                        voxels[k, j, i] = hu_at(table, near, organs, softness, gains, x, y, z, voxels[k, j, i])
                        n += 1


@compiled(parallel=True)
def organ_distances(table: PrimitiveTable, organ: int, points: Floats, distances: Floats) -> None:
    """Signed distance in mm of every point (n, 3) to one organ."""
    start, stop = table.solids_of_organ[organ], table.solids_of_organ[organ + 1]
    solids = np.arange(start, stop)
    parameters, numbers = table.solid_parameters, table.numbers
    for n in prange(points.shape[0]):
        x, y, z = points[n, 0], points[n, 1], points[n, 2]
        distances[n] = organ_distance(parameters, numbers, solids, 0, stop - start, x, y, z)
