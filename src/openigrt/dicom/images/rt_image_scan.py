"""RT Images of one rotation as a scan: many files, or one of many frames (PS3.3 C.8.8.2)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from openigrt.dicom.dataset.elements import naming
from openigrt.dicom.dataset.load import read_object
from openigrt.dicom.images.rt_image import read_projections
from openigrt.dicom.images.rt_image_setup import ProjectionDefaults
from openigrt.dicom.pixels.gray_frames import gray_frames
from openigrt.dicom.pixels.modality_lut import rescaled
from openigrt.errors import InconsistentInput, InvalidGeometry, MissingInput, UnsupportedInput
from openigrt.geometry import CouchPose, Float64Array, ProjectionGeometry, Trajectory
from openigrt.images import (
    Exposure,
    Intensity,
    IntensityRelationship,
    Provenance,
    Quantity,
    Scan,
    doubts_about_arc,
)

Float32Array = NDArray[np.float32]
Messages = tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Shot:
    """One projection without its pixels, and where these are."""

    path: Path
    frame: int
    geometry: ProjectionGeometry
    acquired_at: datetime | None
    intensity: Intensity
    exposure: Exposure
    couch: CouchPose | None
    provenance: Provenance


@dataclass(frozen=True, eq=False)
class RtImagePixels:
    """Pixels after the modality LUT, read from their files when a slice needs them.

    Of a file with many frames the last one that was read is kept.
    """

    places: tuple[tuple[Path, int], ...]
    size: tuple[int, int]
    _kept: dict[Path, Float32Array] = field(default_factory=dict, repr=False)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(projections, rows, columns)."""
        return len(self.places), self.size[1], self.size[0]

    def __getitem__(self, which: slice, /) -> Float32Array:
        """The projections of a slice (n, rows, columns)."""
        chosen = self.places[which]
        pixels = np.empty((len(chosen), *self.shape[1:]), dtype=np.float32)
        for into, (path, frame) in zip(pixels, chosen, strict=True):
            frames = self._frames(path)
            if frames.shape[1:] != into.shape or frame >= len(frames):
                raise InconsistentInput(f"{path} has changed since the scan was opened; open the scan again.")
            into[...] = frames[frame]
        return pixels

    def _frames(self, path: Path) -> Float32Array:
        """All frames of a file."""
        if path not in self._kept:
            dataset, _ = read_object(path)
            with naming(dataset):
                frames = np.asarray(rescaled(dataset, gray_frames(dataset)), dtype=np.float32)
            self._kept.clear()
            self._kept[path] = frames
        return self._kept[path]


def read_rt_image_scan(
    paths: Sequence[Path], defaults: ProjectionDefaults | None = None, quantity: Quantity | None = None
) -> tuple[Scan, Messages]:
    """The scan of the RT Images of one series, in the order of their times, and what was noticed.

    Where times are not stated for all, or are all alike, projections are put in order by their angle. Each file is read
    once here, and again when its pixels are asked for. What pixels are is `quantity`, else what the images state.
    Raises MissingInput for no image, InconsistentInput for several series, copies or mixed detectors, UnsupportedInput
    for pixels that are no linear measure of the beam, and whatever `read_projections` raises.
    """
    shots: list[_Shot] = []
    messages: dict[str, None] = {}
    for path in paths:
        found, said = _shots(path, defaults)
        shots += found
        messages |= dict.fromkeys(said)
    if not shots:
        raise MissingInput("There is no RT Image; expected the projections of one series.")
    _require_one_series(shots)
    ordered, times_s, said = _in_order(shots)
    kind, noticed = (quantity, ()) if quantity is not None else _quantity(ordered)
    couch, doubts = _couch(ordered)
    try:
        trajectory = Trajectory.of([shot.geometry for shot in ordered])
    except InvalidGeometry as error:
        raise InconsistentInput(f"RT Images beside {paths[0]}: {error.sentence}", path=str(paths[0])) from None
    scan = Scan(
        pixels=RtImagePixels(tuple((shot.path, shot.frame) for shot in ordered), trajectory.size),
        trajectory=trajectory,
        quantity=kind,
        times_s=times_s,
        exposure=ordered[0].exposure,
        couch=couch,
        provenance=ordered[0].provenance,
    )
    return scan, (*messages, *said, *noticed, *doubts, *doubts_about_arc(trajectory))


def _shots(path: Path, defaults: ProjectionDefaults | None) -> tuple[list[_Shot], Messages]:
    """The projections of a file, whose pixels are let go."""
    projections, messages = read_projections(read_object(path)[0], defaults)
    return [
        _Shot(
            path=path,
            frame=frame,
            geometry=projection.geometry,
            acquired_at=projection.acquired_at,
            intensity=projection.intensity,
            exposure=projection.exposure,
            couch=projection.pose.couch if projection.pose.has_couch_position else None,
            provenance=projection.provenance,
        )
        for frame, projection in enumerate(projections)
    ], messages


def _require_one_series(shots: Sequence[_Shot]) -> None:
    """Raise InconsistentInput for several series, or an image that is there twice."""
    series = {shot.provenance.series_uid for shot in shots}
    if len(series) > 1:
        raise InconsistentInput(
            f"The RT Images belong to {len(series)} series ({', '.join(sorted(series)[:3])}); give those of one.",
            series=sorted(series),
        )
    files: dict[tuple[str, ...], Path] = {}
    for shot in shots:
        other = files.setdefault(shot.provenance.instance_uids, shot.path)
        if other != shot.path:
            raise InconsistentInput(f"{shot.path} and {other} are the same RT Image; take one of them away.")


def _in_order(shots: Sequence[_Shot]) -> tuple[list[_Shot], Float64Array | None, Messages]:
    """Projections by time with their seconds since the first, else by angle from behind the widest gap."""
    times = [shot.acquired_at for shot in shots if shot.acquired_at is not None]
    if len(times) == len(shots) and len(set(times)) > 1:
        order = sorted(range(len(shots)), key=lambda n: times[n])
        seconds = np.array([(times[n] - times[order[0]]).total_seconds() for n in order])
        return [shots[n] for n in order], seconds, ()
    angles = Trajectory.of([shot.geometry for shot in shots]).source_angles_deg() if _alike(shots) else None
    if angles is None or len(shots) == 1:
        return list(shots), None, ()
    by_angle = np.argsort(angles, kind="stable")
    steps = np.diff(angles[by_angle], append=angles[by_angle[0]] + 360.0)
    first = (int(steps.argmax()) + 1) % len(shots)
    ordered = [shots[int(n)] for n in np.roll(by_angle, -first)]
    return ordered, None, ("The times of the projections are not stated; they are put in order by their angle.",)


def _alike(shots: Sequence[_Shot]) -> bool:
    """Whether all detectors are of one size and spacing."""
    first = shots[0].geometry
    return all(
        shot.geometry.size == first.size and np.allclose(shot.geometry.spacing_mm, first.spacing_mm, rtol=1e-6)
        for shot in shots
    )


def _quantity(shots: Sequence[_Shot]) -> tuple[Quantity, Messages]:
    """Beam intensity where images say that pixels follow it, or say nothing; raises UnsupportedInput else."""
    for shot in shots:
        stated, rises = shot.intensity.relationship, shot.intensity.rises_with_beam
        if stated not in (None, IntensityRelationship.LIN) or rises is False:
            raise UnsupportedInput(
                f"{shot.path} has pixels that are {stated or 'of an unknown relationship'} to the beam and "
                f"{'fall' if rises is False else 'rise'} with it; expected LIN and rising. Say what they are "
                "(quantity).",
                path=str(shot.path),
            )
    if all(shot.intensity.relationship is not None and shot.intensity.rises_with_beam for shot in shots):
        return Quantity.INTENSITY, ()
    return Quantity.INTENSITY, ("How pixels follow the beam is not stated; they are taken as its intensity.",)


def _couch(shots: Sequence[_Shot]) -> tuple[CouchPose | None, Messages]:
    """The pose of the couch where it is the same in all projections, with a message where it moved."""
    poses = {shot.couch for shot in shots}
    if len(poses) == 1:
        return poses.pop(), ()
    return None, ("The couch moved during the scan, or is not stated for every projection; its pose is not used.",)
