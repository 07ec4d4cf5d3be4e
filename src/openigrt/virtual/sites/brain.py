"""The virtual brain with several small targets: the head of `head_neck`, whose brain holds enhanced metastases.

Axes as in `head_skull`; `origin_mm` is the middle between the ear canals.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike

from openigrt.errors import InputError
from openigrt.geometry import Float64Array, Frame
from openigrt.patient import StructureRole
from openigrt.virtual.patients.patient import Day, DrawnStructure, Drift, VirtualPatient
from openigrt.virtual.patients.population import FRAME_SETUP, MASK_SETUP
from openigrt.virtual.sites.head import Head, head
from openigrt.virtual.sites.head_skull import VAULT_AXES, VAULT_CENTER, VAULT_MM
from openigrt.virtual.tissue.anatomy import Anatomy, Layer, Organ, Part
from openigrt.virtual.tissue.moves import Region, Swelling
from openigrt.virtual.tissue.solids import Superellipsoid

FEWEST, MOST = 1, 8
DIAMETERS_MM = (5.0, 20.0)
TARGET_SEED, DAY_SEED = 104729, 31
DEPTH_MM, APART_MM = 16.0, 12.0  # of a target below the outside of the skull, and from the next
LOWEST_MM = 24.0  # z: above the skull's base
MARGIN_MM = 1.0
VENTRICLES_MM, VENTRICLES_SEMI_AXES_MM = (0.0, 4.0, 50.0), (30.0, 46.0, 20.0)
VENTRICLE_SPREAD = 0.015  # of their volume, one standard deviation from day to day

SOLID = (Layer(-3.0, 24.0, 1.0, 1.5), Layer(0.0, 74.0, 4.0, 4.0))
WITH_RIM = (Layer(-5.0, 21.0, 1.0, 1.5), Layer(0.0, 78.0, 4.0, 4.0), Layer(2.2, 26.0, 3.0, 3.0))
RIM_FROM_MM = 5.5  # radius from which a target has a core without blood

AT_RISK = (
    ("BRAINSTEM", (230, 160, 40)),
    ("SPINAL_CORD", (240, 220, 40)),
    ("EYE_L", (40, 200, 200)),
    ("EYE_R", (40, 160, 200)),
    ("OPTIC_NERVE_L", (200, 120, 200)),
    ("OPTIC_NERVE_R", (160, 100, 200)),
)


def brain_patient(
    frame: Frame,
    seed: int,
    origin_mm: ArrayLike = (0.0, 0.0, 0.0),
    *,
    targets: int = 4,
    treated: int | None = None,
    in_frame: bool = False,
) -> VirtualPatient:
    """A patient with several metastases of 5 to 20 mm, as he was planned.

    All are treated from one isocenter, or the one that is `treated` (from 1) from its own; a patient lies in a mask, or
    `in_frame`. Raises InputError for a number of targets other than 1 to 8, or a target that is not there.
    """
    if not FEWEST <= targets <= MOST:
        raise InputError(f"A virtual brain holds {FEWEST} to {MOST} targets, asked for {targets}.")
    if treated is not None and not 1 <= treated <= targets:
        raise InputError(f"The targets are numbered 1 to {targets}, asked to treat {treated}.")
    made = head(seed)
    spots = _spots(np.random.default_rng((seed, TARGET_SEED)), targets)
    anatomy = Anatomy(frame, _with_targets(made, spots), np.array(origin_mm), {}, texture_seed=seed)
    center_mm, semi_axes_mm = _bounds(spots if treated is None else spots[treated - 1 : treated])
    return VirtualPatient(
        site="brain",
        seed=seed,
        anatomy=anatomy,
        bones=made.stiff,
        target="GTV" if treated is None else f"GTV_{treated}",
        target_region=Region(center_mm, semi_axes_mm, 1.5),
        structures=tuple(_structures(targets)),
        population=FRAME_SETUP if in_frame else MASK_SETUP,
    )


def brain_day(patient: VirtualPatient, number: int) -> Day:
    """A day at random: ventricles that differ by a percent or two, a head that settles a little, a setup error."""
    rng = np.random.default_rng((patient.seed, number, DAY_SEED))
    mean = patient.population.of_patient(np.random.default_rng((patient.seed, DAY_SEED)))
    factor = float(np.exp(np.clip(VENTRICLE_SPREAD * rng.standard_normal(), -0.03, 0.03)))
    x, y, z = (float(v) for v in 0.02 * rng.standard_normal(3))
    moves = (Swelling(Region(VENTRICLES_MM, VENTRICLES_SEMI_AXES_MM, 1.4), factor),)
    return Day(number, moves, setup=patient.population.of_day(rng, mean), drift=Drift((x, y, z)))


def _spots(rng: np.random.Generator, count: int) -> list[tuple[Float64Array, float]]:
    """Centres and radii of targets in the brain, apart from each other, the largest first."""
    radii = np.sort(0.5 * np.exp(rng.uniform(np.log(DIAMETERS_MM[0]), np.log(DIAMETERS_MM[1]), count)))[::-1]
    spots: list[tuple[Float64Array, float]] = []
    semi = VAULT_MM - DEPTH_MM
    for radius in radii:
        while True:
            center = VAULT_CENTER + (semi - radius) * rng.uniform(-1.0, 1.0, 3) @ VAULT_AXES.T
            inside = np.linalg.norm((center - VAULT_CENTER) @ VAULT_AXES / (semi - radius)) < 1.0
            apart = all(np.linalg.norm(center - c) > radius + r + APART_MM for c, r in spots)
            if inside and apart and abs(center[0]) > radius + 5.0 and center[2] > LOWEST_MM + radius:
                spots.append((center, float(radius)))
                break
    return spots


def _with_targets(made: Head, spots: list[tuple[Float64Array, float]]) -> tuple[Organ, ...]:
    """All organs: the union of the targets lies behind all, unseen but known; each of them is before the brain."""
    solids = [Superellipsoid(center, (radius * 1.06, radius, radius * 0.95)) for center, radius in spots]
    seen = tuple(
        Organ(f"GTV_{n}", (Part(solid),), WITH_RIM if radius > RIM_FROM_MM else SOLID)
        for n, (solid, (_, radius)) in enumerate(zip(solids, spots, strict=True), start=1)
    )
    union = Organ("GTV", tuple(Part(solid) for solid in solids), SOLID)
    return (union, *made.soft, *seen, *made.air, *made.bones, *made.front)


def _bounds(spots: list[tuple[Float64Array, float]]) -> tuple[Float64Array, Float64Array]:
    """Centre and semi-axes (3,) of an ellipsoid round spheres."""
    low = np.min([center - radius for center, radius in spots], axis=0)
    high = np.max([center + radius for center, radius in spots], axis=0)
    return 0.5 * (low + high), 0.5 * np.sqrt(3.0) * (high - low)


def _structures(targets: int) -> Iterator[DrawnStructure]:
    """Body, every target with its margin, and organs at risk."""
    yield DrawnStructure("BODY", "BODY", StructureRole.EXTERNAL, 0.0, 3.0, (0, 200, 0))
    for n in range(1, targets + 1):
        yield DrawnStructure(f"GTV_{n}", f"GTV_{n}", StructureRole.GTV, 0.0, 0.75, (230, 60, 60))
        yield DrawnStructure(f"PTV_{n}", f"GTV_{n}", StructureRole.PTV, MARGIN_MM, 0.75, (60, 120, 255))
    for name, color in AT_RISK:
        yield DrawnStructure(name, name, StructureRole.ORGAN, color=color)
