"""What a patient is made of, point by point, for devices that do not see HU: one property of every tissue, rendered.

The solids are those that CT is rendered from, with a signal, an uptake or an impedance in the place of HU: nothing is
resampled, and a voxel that several tissues share has the mean of them.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from openigrt.geometry import Grid, RigidTransform
from openigrt.virtual.tissue.anatomy import Anatomy, Layer, Organ
from openigrt.virtual.tissue.backdrop import Backdrop, Outline, View
from openigrt.virtual.tissue.deformation import Deformation
from openigrt.virtual.tissue.move_table import MoveTable
from openigrt.virtual.tissue.rendering import SCANNER_BLUR_MM, render

Float32Array: TypeAlias = NDArray[np.float32]

AIR_HU = -1000.0
SCALE = 1000.0  # of what is rendered, for the float32 of the voxels
PARENCHYMA_SHARE_PER_HU = 0.006  # by how much texture of 1 HU changes a property of an organ


class Tissue(Enum):
    """What devices tell apart."""

    AIR = auto()
    LUNG = auto()
    FAT = auto()
    SKIN = auto()
    MUSCLE = auto()
    WALL = auto()
    GUT_CONTENT = auto()
    BLOOD = auto()
    FLUID = auto()
    URINE = auto()
    BONE = auto()
    MARROW = auto()
    CARTILAGE = auto()
    DISK = auto()
    GRAY_MATTER = auto()
    WHITE_MATTER = auto()
    CORD = auto()
    GLAND = auto()
    HEART = auto()
    LIVER = auto()
    SPLEEN = auto()
    PANCREAS = auto()
    KIDNEY = auto()
    PROSTATE = auto()
    TESTIS = auto()
    NODE = auto()
    TUMOR = auto()
    EDEMA = auto()
    METAL = auto()
    PLASTIC = auto()


T = Tissue
ValueOf: TypeAlias = Callable[[str, Tissue], float]

# Names of organs, without side and number, and their layers from outside in; the last one goes on. What is not named
# here is muscle, fat, bone or air by its HU.
LAYERS_OF: dict[str, tuple[Tissue, ...]] = {
    "BODY": (T.SKIN, T.FAT),
    "MASK": (T.PLASTIC, T.AIR),
    "COUCH": (T.PLASTIC,),
    **dict.fromkeys(("CHEST", "FACE_DEPTH", "MEDIASTINUM", "GLAND", "PAROTID", "SUBMANDIBULAR", "THYROID"), (T.GLAND,)),
    "ADRENAL": (T.GLAND,),
    "LUNG": (T.LUNG,),
    "TRACHEA": (T.WALL, T.AIR),
    "BRONCHI": (T.WALL, T.AIR),
    "CANAL": (T.FAT, T.FLUID),
    **dict.fromkeys(("CRANIAL_CAVITY", "SPINAL_SPACE", "VENTRICLES"), (T.FLUID,)),
    **dict.fromkeys(("HEMISPHERE", "CEREBELLUM"), (T.GRAY_MATTER, T.WHITE_MATTER)),
    "NUCLEI": (T.GRAY_MATTER,),
    **dict.fromkeys(("CALLOSUM", "BRAINSTEM", "OPTIC_NERVE"), (T.WHITE_MATTER,)),
    "SPINAL_CORD": (T.CORD,),
    "EYE": (T.WALL, T.FLUID),
    "LENS": (T.CARTILAGE,),
    "PLEXUS": (T.BONE,),
    "PLAQUE": (T.BONE,),
    **dict.fromkeys(("COSTAL_CARTILAGE", "THYROID_CARTILAGE", "CRICOID", "SYMPHYSIS"), (T.CARTILAGE,)),
    "HIP_BONE": (T.CARTILAGE, T.BONE, T.MARROW),
    "FEMUR_SHAFT": (T.BONE, T.FAT),
    "SEPTUM": (T.BONE,),
    "MASTOID_CELLS": (T.BONE, T.AIR),
    "DISK": (T.DISK,),
    **dict.fromkeys(
        ("OESOPHAGUS", "PHARYNX", "LARYNX", "SOFT_PALATE", "EPIGLOTTIS", "TURBINATES", "ANAL_SPHINCTER", "PENILE_BULB"),
        (T.WALL,),
    ),
    **dict.fromkeys(
        ("RECTUM", "STOMACH", "DUODENUM", "BOWEL", "ASCENDING_COLON", "TRANSVERSE_COLON", "DESCENDING_COLON"),
        (T.WALL, T.GUT_CONTENT),
    ),
    "BLADDER": (T.WALL, T.URINE),
    "GALLBLADDER": (T.WALL, T.FLUID),
    **dict.fromkeys(
        (
            *("AORTA", "CAVA", "VEINS", "ARTERIES", "PULMONARY_ARTERIES", "LUNG_VESSELS", "LIVER_VESSELS", "GONADAL"),
            *("PORTAL_VEIN", "MESENTERIC", "EXTERNAL_ILIAC_ARTERY", "EXTERNAL_ILIAC_VEIN", "INTERNAL_ILIAC"),
            *("CAROTID", "JUGULAR", "EXTERNAL_JUGULAR", "FACIAL_VEIN", "SUBCLAVIAN", "VERTEBRAL_ARTERY"),
            *("VENTRICLE", "ATRIUM"),
        ),
        (T.BLOOD,),
    ),
    "HEART": (T.FAT, T.HEART),
    "HEART_MUSCLE": (T.HEART,),
    "LIVER": (T.LIVER,),
    "SPLEEN": (T.SPLEEN,),
    "PANCREAS": (T.PANCREAS,),
    "KIDNEY": (T.KIDNEY,),
    "KIDNEY_SINUS": (T.FAT,),
    "PROSTATE": (T.PROSTATE,),
    "SEMINAL_VESICLES": (T.FLUID,),
    "TESTES": (T.TESTIS,),
    "NODES": (T.NODE,),
    **dict.fromkeys(("TUMOUR", "SPICULES", "CTV"), (T.TUMOR,)),
    "SICK_NODE": (T.TUMOR, T.FLUID),
    "GTV": (T.EDEMA, T.TUMOR, T.FLUID),
}
# Structures of a scan by the beginning of their names, where soft tissue alone would not tell what they are.
SOFT_HU = (-60.0, 110.0)
OUTLINED = {
    "BLADDER": T.URINE,
    "PROSTATE": T.PROSTATE,
    "LIVER": T.LIVER,
    "SPLEEN": T.SPLEEN,
    "PANCREAS": T.PANCREAS,
    "KIDNEY": T.KIDNEY,
    "HEART": T.HEART,
    "PAROTID": T.GLAND,
    "BRAIN": T.GRAY_MATTER,
    "BRAINSTEM": T.WHITE_MATTER,
    "SPINAL_CORD": T.CORD,
    "SPINALCORD": T.CORD,
    "GTV": T.TUMOR,
    "TUMOR": T.TUMOR,
    "TUMOUR": T.TUMOR,
}
_SIDE_OR_NUMBER = re.compile(r"_[^_]+$")

# Upper ends of HU for what has no name, and HU of those that texture leads to.
BY_HU = ((-900.0, T.AIR), (-400.0, T.LUNG), (-30.0, T.FAT), (100.0, T.MUSCLE), (450.0, T.MARROW), (2800.0, T.BONE))
HU_OF = {T.AIR: -1000.0, T.FAT: -100.0, T.MUSCLE: 57.0, T.BLOOD: 45.0, T.FLUID: 8.0, T.BONE: 1000.0, T.MARROW: 190.0}
# What septa are made of, and the texture of tissues that are mixtures themselves.
SEPTA_OF = {T.LUNG: T.BLOOD, T.FAT: T.MUSCLE, T.GRAY_MATTER: T.FLUID, T.GUT_CONTENT: T.AIR}
MIXED_WITH = {T.LUNG: T.BLOOD, T.FAT: T.MUSCLE, T.BONE: T.MARROW, T.MARROW: T.BONE, T.GUT_CONTENT: T.AIR}
# Between them, the property of a voxel of which nothing but HU is known.
NODES_HU = ((-1000.0, T.AIR), (-800.0, T.LUNG), (-100.0, T.FAT), (50.0, T.MUSCLE), (250.0, T.MARROW), (900.0, T.BONE))


def tissues_of(organ: Organ) -> tuple[Tissue, ...]:
    """What the layers of an organ are made of, by its name, else by their HU; air, bone and metal always by HU."""
    name = organ.name
    while name not in LAYERS_OF and "_" in name:
        name = _SIDE_OR_NUMBER.sub("", name)
    named = LAYERS_OF.get(name, ())
    found = []
    for n, layer in enumerate(organ.layers):
        by_hu = tissue_of_hu(layer.hu)
        is_plain = by_hu in (T.AIR, T.BONE, T.METAL) or not named
        found.append(by_hu if is_plain else named[min(n, len(named) - 1)])
    return tuple(found)


def tissue_of_hu(hu: float) -> Tissue:
    """What has so many HU where nothing else is known."""
    return next((tissue for end, tissue in BY_HU if hu < end), T.METAL)


def rendered_property(
    anatomy: Anatomy,
    value_of: ValueOf,
    grid: Grid,
    anatomy_from_grid: RigidTransform,
    *,
    blur_mm: float = SCANNER_BLUR_MM,
    grain_factor: float = 1.0,
) -> Float32Array:
    """A property (float32, [k, j, i]) of the tissue at the voxel centres of `grid`, as `render` makes HU of it.

    `value_of` tells it of an organ, by name, and a tissue. Of a backdrop that was scanned it follows from HU, and from
    the outlines that have a name in `OUTLINED`. Outside of all is `value_of("", Tissue.AIR)`. The grain that
    tissues have in CT changes the property, too, by `grain_factor` of what is usual; septa do in any case.
    """
    shown = _Property(value_of, 1.0, value_of("", T.AIR), grain_factor)
    values = [value_of(o.name, tissue) for o in anatomy.organs for tissue in tissues_of(o)]
    largest = max((abs(value - shown.background) for value in values), default=0.0)
    shown = replace(shown, factor=SCALE / (largest or 1.0))
    backdrop = _PropertyBackdrop(anatomy.backdrop, anatomy.deformation, shown)
    voxels = render(anatomy.relayered(shown.layers_of, backdrop), grid, anatomy_from_grid, blur_mm)
    voxels -= np.float32(AIR_HU)
    voxels *= np.float32(1.0 / shown.factor)
    voxels += np.float32(shown.background)
    return voxels


def by_hu(voxels_hu: Float32Array, value_of: ValueOf) -> Float32Array:
    """A property of voxels of which nothing but HU is known: linear between air, lung, fat, muscle, marrow and bone."""
    hu = [node for node, _ in NODES_HU]
    values = [value_of("", tissue) for _, tissue in NODES_HU]
    return np.interp(voxels_hu, hu, values).astype(np.float32)


@dataclass(frozen=True, slots=True)
class _Property:
    """A property as layers in the place of HU: counted from its background, which `render` takes for air."""

    value_of: ValueOf
    factor: float
    background: float
    grain_factor: float

    def layers_of(self, organ: Organ) -> tuple[Layer, ...]:
        """The layers of an organ."""
        pairs = zip(organ.layers, tissues_of(organ), strict=True)
        return tuple(self._layer(organ.name, layer, tissue) for layer, tissue in pairs)

    def _layer(self, organ: str, layer: Layer, tissue: Tissue) -> Layer:
        """One layer."""
        value = self.value_of(organ, tissue)
        grain = PARENCHYMA_SHARE_PER_HU * value
        if tissue in MIXED_WITH:
            grain = self._per_hu(tissue, MIXED_WITH[tissue], layer)
        septa = self._per_hu(tissue, SEPTA_OF.get(tissue, T.FAT), layer) if layer.septa_hu else 0.0
        return Layer(
            layer.depth_mm,
            self.factor * (value - self.background) + AIR_HU,
            self.factor * self.grain_factor * grain * layer.coarse_hu,
            self.factor * self.grain_factor * grain * layer.fine_hu,
            self.factor * septa * layer.septa_hu,
        )

    def _per_hu(self, tissue: Tissue, other: Tissue, layer: Layer) -> float:
        """By how much the property changes with one HU where a tissue turns into another one."""
        apart_hu = HU_OF[other] - HU_OF.get(tissue, layer.hu)
        return (self.value_of("", other) - self.value_of("", tissue)) / apart_hu


@dataclass(frozen=True, eq=False)
class _PropertyBackdrop:
    """What lies behind all organs, as a property: by HU, and by name where soft tissue is outlined."""

    behind: Backdrop
    deformation: Deformation
    shown: _Property

    @property
    def outlines(self) -> Mapping[str, Outline]:
        """Those of what lies behind."""
        return self.behind.outlines

    def painted(self, view: View, moves: MoveTable) -> Float32Array:
        """The property [k, j, i], counted as the layers are."""
        hu = self.behind.painted(view, moves)
        values = by_hu(hu, self.shown.value_of)
        named = {name: tissue for name in self.outlines if (tissue := _outlined(name)) is not None}
        is_soft = (hu > SOFT_HU[0]) & (hu < SOFT_HU[1])
        if named and is_soft.any():
            k, j, i = np.nonzero(is_soft)
            points = np.stack([i, j, k], axis=-1) @ view.point_from_index[:, :3].T + view.point_from_index[:, 3]
            rest = self.deformation.rest_mm(points)
            for name, tissue in named.items():
                share = 1.0 / (1.0 + np.exp(np.clip(self.outlines[name].signed_distance_mm(rest), -20.0, 20.0)))
                values[is_soft] += (share * (self.shown.value_of(name, tissue) - values[is_soft])).astype(np.float32)
        values -= np.float32(self.shown.background)
        values *= np.float32(self.shown.factor)
        values += np.float32(AIR_HU)
        return values


def _outlined(name: str) -> Tissue | None:
    """What a structure that was drawn on a scan is made of, by its name; None where that says nothing."""
    words = name.upper().replace(" ", "_")
    return next((tissue for word, tissue in OUTLINED.items() if words == word or words.startswith(f"{word}_")), None)
