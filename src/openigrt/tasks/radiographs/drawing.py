"""From a plan, or a CT with an isocenter, to digitally reconstructed radiographs."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from numbers import Integral, Real
from pathlib import Path
from typing import TypedDict, TypeVar, Unpack

import numpy as np
from numpy.typing import ArrayLike

from openigrt.dicom import PlanFolder, Straightening
from openigrt.errors import ConfigurationRequired, InputError, WrongUsage
from openigrt.images import Image
from openigrt.machine import Imager
from openigrt.tasks.clock import Clock, Progress
from openigrt.tasks.guidance.inputs import machine_of, position_asked, read_plan_input
from openigrt.tasks.guidance.isocenters import plan_isocenter
from openigrt.tasks.radiographs.files import FILES, RECORD, RESULTS, write_radiographs
from openigrt.tasks.radiographs.outlines import Shadows, chosen_structures, opening_of
from openigrt.tasks.radiographs.radiographs import DrrSettings, Radiograph, Radiographs, RadiographWindow
from openigrt.tasks.radiographs.views import (
    WITHOUT_PLAN_DEG,
    Source,
    View,
    beam_views,
    gantry_views,
    lying,
    require_behind_patient,
    require_distinct,
)
from openigrt.tasks.results.folder import require_usable_folder
from openigrt.tasks.results.former import tell_set_aside
from openigrt.tasks.words import given, in_short, require_listener, require_names, require_paths, require_texts
from openigrt.xray import Drr, DrrDetector

Number = TypeVar("Number", int, float)

LARGEST_SIZE = 4096
FINEST_MM, COARSEST_MM = 0.05, 20.0
NEAREST_MM, FARTHEST_MM = 100.0, 10_000.0
LARGEST_ANGLE_DEG = 360.0
MOST_ANGLES = 360
MOST_PIXELS, BYTES_OF_A_PIXEL = 2**28, 4


class HowSeen(TypedDict, total=False):
    """How radiographs look, in the words of the command; what is left out has its usual value."""

    window: str | Sequence[str]
    size: Sequence[int]
    spacing: ArrayLike
    source_to_image: float | None
    beam: int | None
    gantry: Sequence[float]
    structures: Sequence[str]
    aperture: bool


def drr(
    plan: str | Path,
    *,
    isocenter: ArrayLike | None = None,
    position: str | None = None,
    machine: str | Path | None = None,
    plan_uid: str | None = None,
    plan_series: str | None = None,
    out: str | Path | None = None,
    progress: Progress = lambda words: None,
    **how: Unpack[HowSeen],
) -> Radiographs:
    """Radiographs of the setup beams of a plan folder, or of a CT, written to the folder `out` where one is named.

    The words are those of the command. `isocenter` (LPS mm of the planning image) is what the views of `gantry`, in
    degrees, look at where no plan says it. With `machine` these are seen from its kV source. `size` and `spacing` (mm)
    are (columns, rows) of the detector, `source_to_image` in mm. Raises an OpenIgrtError with one sentence wherever no
    sound radiograph can be made; nothing is written then.
    """
    require_paths(plan=plan, **given(machine=machine, out=out))
    require_texts(**given(position=position, plan_uid=plan_uid, plan_series=plan_series))
    require_listener(progress)
    settings, lay = _settings(how, machine), position_asked(position)
    imager = None if machine is None else _imager_of(machine)
    if out is not None:
        require_usable_folder(Path(out), FILES, Path(plan))
        tell_set_aside(Path(out), RESULTS, RECORD, "run", progress)
    clock = Clock(progress)
    clock.step("read", "reading the plan")
    folder = read_plan_input(Path(plan), plan_uid, lay, plan_series, Straightening.REFUSED)
    lay = lying(folder, lay)
    views, messages = _views(folder, settings, isocenter, imager)
    clock.step("project", "making radiographs")
    image = folder.planning_image
    image = replace(image, provenance=replace(image.provenance, patient_position=lay))
    made, said = _made(views, image, folder, settings)
    clock.stop()
    told = tuple(dict.fromkeys((*folder.messages, *messages, *said)))
    done = Radiographs(folder, lay, settings, made, told, datetime.now(UTC), clock.seconds)
    if out is not None:
        progress("writing the radiographs")
        write_radiographs(done, Path(out))
    return done


def _views(
    folder: PlanFolder, settings: DrrSettings, isocenter: ArrayLike | None, imager: Imager | None
) -> tuple[tuple[View, ...], tuple[str, ...]]:
    """The views that were asked for, and what is to be said of them."""
    angles, plan = settings.gantry_angles_deg, folder.plan
    if plan is None:
        angles = angles or WITHOUT_PLAN_DEG
    elif isocenter is not None and not angles:
        raise WrongUsage("Beams have their isocenters from the plan; --isocenter is for views of --gantry: give both.")
    views = [] if plan is None else list(beam_views(plan, settings.beam))
    if plan is None and settings.beam is not None:
        raise InputError(f"There is no plan in the plan folder, so no beam {settings.beam}; leave --beam out.")
    messages = []
    if plan is not None and settings.beam is None and not any(beam.is_setup for beam in plan.beams):
        messages.append("The plan has no setup beam: its treatment beams are shown, at their first control points.")
    if angles:
        point, rule = plan_isocenter(plan, isocenter, settings.beam, folder.doubts)
        at_mm = float(point[0]), float(point[1]), float(point[2])
        views += gantry_views(angles, at_mm, plan, imager)
        of = rule if isocenter is not None else f"of {rule}"
        messages.append(f"Views of --gantry look at the isocenter {of}; the couch stands straight.")
    elif imager is not None:
        messages.append("--machine counts for views of --gantry only: a beam is seen from its own source.")
    distance_mm = settings.source_image_distance_mm
    views = [view if distance_mm is None else replace(view, source_image_distance_mm=distance_mm) for view in views]
    require_behind_patient(views)
    require_distinct(views)
    _require_bearable(len(views) * len(settings.windows), settings.size)
    return tuple(views), tuple(messages)


def _require_bearable(count: int, size: tuple[int, int]) -> None:
    """Raise InputError, before anything is computed, for more pixels than fit the memory of an ordinary machine."""
    pixels = count * size[0] * size[1]
    if pixels > MOST_PIXELS:
        raise InputError(
            f"{count} radiographs of {size[0]} x {size[1]} pixels need {pixels * BYTES_OF_A_PIXEL / 2**30:.1f} GiB; "
            f"expected {MOST_PIXELS * BYTES_OF_A_PIXEL / 2**30:.0f} GiB at most. Ask for fewer views, or for a smaller "
            "--size."
        )


def _made(
    views: tuple[View, ...], image: Image, folder: PlanFolder, settings: DrrSettings
) -> tuple[tuple[Radiograph, ...], tuple[str, ...]]:
    """Every view under every window, with outlines, and what is to be said of these."""
    shadows = Shadows(chosen_structures(folder.structure_set, settings.structures), image)
    found: list[Radiograph] = []
    said: list[str] = []
    for window in settings.windows:
        seen = Drr(image, window.weights)
        for view in views:
            detector = DrrDetector(view.source_image_distance_mm, settings.size, settings.spacing_mm)
            projection = seen.at(view.pose, view.isocenter_mm, detector, view.planned)
            projection = replace(projection, label=view.label)
            if not projection.pixels.any():
                said.append(f"The radiograph {view.label} shows nothing: the CT lies beside its detector.")
            opening, about = opening_of(view, projection) if settings.has_aperture else ((), ())
            said.extend(about)
            found.append(Radiograph(view, window, projection, (*opening, *shadows.on(projection, image.frame))))
    if settings.has_aperture and not any(view.source is Source.TREATMENT and view.beam for view in views):
        said.append("No opening drawn: no view is that of a beam.")
    return tuple(found), tuple(said)


def _settings(how: HowSeen, machine: str | Path | None) -> DrrSettings:
    """What was asked for, checked."""
    unknown = sorted(how.keys() - HowSeen.__annotations__.keys())
    if unknown:
        raise WrongUsage(f"drr knows no {unknown[0]!r}; expected {', '.join(HowSeen.__annotations__)}.")
    usual = DrrSettings()
    distance_mm, beam, names = how.get("source_to_image"), how.get("beam"), how.get("structures", ())
    require_names(structures=names)
    return DrrSettings(
        windows=_windows(how.get("window", usual.windows)),
        size=_pair(how.get("size", usual.size), "--size", lambda n: _whole(n, "--size", LARGEST_SIZE)),
        spacing_mm=_pair(
            how.get("spacing", usual.spacing_mm), "--spacing", lambda x: _within(x, "--spacing", FINEST_MM, COARSEST_MM)
        ),
        source_image_distance_mm=None
        if distance_mm is None
        else _within(distance_mm, "--source-to-image", NEAREST_MM, FARTHEST_MM),
        beam=None if beam is None else _whole(beam, "--beam", None),
        gantry_angles_deg=_angles(how.get("gantry", ())),
        machine=None if machine is None else Path(machine).name,
        structures=(names,) if isinstance(names, str) else tuple(names),
        has_aperture=bool(how.get("aperture", False)),
    )


def _imager_of(machine: str | Path) -> Imager:
    """The kV imager of a machine; raises ConfigurationRequired where its file states none."""
    found = machine_of(machine)
    if found.imager is None:
        raise ConfigurationRequired(
            f"The machine file {found.name!r} states no kV imager; add [imager] to it, or leave --machine out to look "
            "from the treatment head."
        )
    return found.imager


def _windows(names: str | Sequence[str]) -> tuple[RadiographWindow, ...]:
    """The windows of these names, each once."""
    require_names(window=names)
    listed = dict.fromkeys([names] if isinstance(names, str) else names)
    known = list(RadiographWindow)
    for name in listed:
        if name not in known:
            raise WrongUsage(f"--window is {in_short(name)}; expected one of {', '.join(known)}.")
    if not listed:
        raise WrongUsage(f"--window is empty; expected one of {', '.join(known)}.")
    return tuple(RadiographWindow(name) for name in listed)


def _pair(values: object, name: str, checked: Callable[[object], Number]) -> tuple[Number, Number]:
    """Columns and rows, each checked."""
    values = values.tolist() if isinstance(values, np.ndarray) else values
    if isinstance(values, str) or not isinstance(values, Sequence) or len(values) != 2:
        raise WrongUsage(f"{name} is {in_short(values)}; expected two numbers, for columns and rows.")
    return checked(values[0]), checked(values[1])


def _angles(values: Sequence[float]) -> tuple[float, ...]:
    """Gantry angles."""
    if isinstance(values, str) or not isinstance(values, Sequence) or len(values) > MOST_ANGLES:
        raise WrongUsage(f"--gantry is {in_short(values)}; expected up to {MOST_ANGLES} angles in degrees.")
    return tuple(_within(value, "--gantry", -LARGEST_ANGLE_DEG, LARGEST_ANGLE_DEG) for value in values)


def _whole(value: object, name: str, most: int | None) -> int:
    """A whole number, from 1 to `most` where that is given; raises WrongUsage."""
    is_whole = isinstance(value, Integral) and not isinstance(value, bool)
    if not is_whole or (most is not None and not 1 <= int(value) <= most):  # type: ignore[call-overload]
        expected = "a whole number" if most is None else f"whole numbers from 1 to {most}"
        raise WrongUsage(f"{name} is {in_short(value)}; expected {expected}.")
    return int(value)  # type: ignore[call-overload,no-any-return]


def _within(value: object, name: str, least: float, most: float) -> float:
    """A number in its bounds; raises WrongUsage."""
    if isinstance(value, bool) or not isinstance(value, Real) or not least <= float(value) <= most:
        raise WrongUsage(f"{name} is {in_short(value)}; expected a number from {least:g} to {most:g}.")
    return float(value)
