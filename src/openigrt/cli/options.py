"""The arguments and options of the commands, as typer reads them from annotations."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from openigrt.cli import words

PlanFolder = Annotated[
    Path,
    Argument(
        metavar="PLAN", parser=words.path, help="folder of planning CT, structures, plan, dose (DICOM), or a volume"
    ),
]
TodayFolder = Annotated[
    Path,
    Argument(metavar="TODAY", parser=words.path, help="folder of today's image (DICOM), or a volume (.mha, .nrrd)"),
]
DaysFolder = Annotated[
    Path,
    Argument(metavar="DAYS", parser=words.path, help="folder of all days: their images and registrations (DICOM)"),
]
Jobs = Annotated[int | None, Option(min=1, metavar="N", help="how many processes match; one for each core if left out")]
Site = Annotated[str | None, Option(metavar="PROTOCOL", help="protocol whose levels decide")]
Region = Annotated[list[str] | None, Option(metavar="NAME", help="bone, soft, patient, markers or a structure")]
TurnBy = Annotated[str | None, Option(metavar="NAME", help="take the turn of this region, such as bone for a tumour")]
Target = Annotated[str | None, Option(metavar="ROI", help="structure the correction is judged on")]
DegreesOfFreedom = Annotated[int | None, Option(min=3, max=6, metavar="N", help="degrees of freedom of the couch")]
PlanUid = Annotated[str | None, Option("--plan", metavar="UID", help="which plan, if several")]
Beam = Annotated[int | None, Option(metavar="N", help="which beam's isocenter, if several")]
Series = Annotated[str | None, Option(metavar="UID[@PHASE]", help="which series or phase of today, if several")]
PlanSeries = Annotated[str | None, Option(metavar="UID[@PHASE]", help="which planning image or phase, if several")]
Straighten = Annotated[
    str | None, Option(metavar="IMAGE", help="resample tilted or uneven slices: plan, today or both")
]
Machine = Annotated[
    str | None, Option(metavar="FILE", parser=words.name, help="machine file (TOML), or the name of a built-in machine")
]
CouchPose = Annotated[
    str | None, Option(metavar="LAT,LNG,VRT[,YAW[,PITCH,ROLL]]", help="couch at acquisition, IEC 61217 mm and degrees")
]
Aliases = Annotated[
    Path | None, Option(metavar="FILE", parser=words.path, help="alias file (TOML): the clinic's names for structures")
]
Position = Annotated[str | None, Option(metavar="NAME", help="how the patient lies (HFS...), where no file says it")]
Isocenter = Annotated[str | None, Option(metavar="X,Y,Z", help="plan isocenter, LPS mm of the planning image")]
DailyIsocenter = Annotated[str | None, Option(metavar="X,Y,Z", help="machine isocenter, LPS mm of today's image")]
Start = Annotated[Path | None, Option(metavar="FILE", parser=words.path, help="Spatial Registration to start from")]
Out = Annotated[Path, Option(metavar="DIR", parser=words.path, help="where the results go")]
Json = Annotated[bool, Option("--json", help="the result as JSON on standard output")]
AcceptedMachine = Annotated[
    str, Argument(metavar="FILE", parser=words.name, help="machine file (TOML), or the name of a built-in machine")
]
Readings = Annotated[
    Path | None, Option(metavar="FILE", parser=words.path, help="readings of the acceptance test (TOML), to be judged")
]
AcceptanceOut = Annotated[
    Path | None, Option("--out", metavar="DIR", parser=words.path, help="where page and form of the test go")
]


Projections = Annotated[
    Path,
    Argument(
        metavar="PROJECTIONS", parser=words.path, help="folder or stack of projections (.xim, .hnd, .his, DICOM, .mha)"
    ),
]
Geometry = Annotated[
    Path | None, Option(metavar="FILE", parser=words.path, help="RTK's geometry (XML), where none lies beside a stack")
]
Method = Annotated[str, Option(metavar="NAME", help="fdk, os-sart, cgls or tv (total variation)")]
PlanWithinFolder = Annotated[
    str | None, Option("--plan-uid", metavar="UID", help="which plan of the folder, if several")
]
MatchSeen = Annotated[
    bool, Option("--match-seen", help="a person has looked at the match of the prior: use it, be it trusted or not")
]
Iterations = Annotated[int | None, Option(metavar="N", help="of os-sart, cgls and tv: 1 to 1000")]
Flat = Annotated[
    Path | None, Option(metavar="FILE", parser=words.path, help="flat field of the detector: an image, or a stack")
]
Dark = Annotated[Path | None, Option(metavar="FILE", parser=words.path, help="dark field of the detector")]
ScatterName = Annotated[str, Option("--scatter", metavar="NAME", help="taken off: none, uniform or kernel")]
TubeVoltage = Annotated[
    float | None, Option(metavar="KV", help="of the tube, for beam hardening, if no file says it: 50 to 150")
]
Rings = Annotated[bool, Option("--rings", help="take off rings, by what stands out in all projections")]
Metal = Annotated[bool, Option("--metal", help="find metal, fill its shadow, reconstruct again, put it back")]
Prior = Annotated[
    Path | None,
    Option(metavar="PLAN", parser=words.path, help="plan folder whose CT, once matched, corrects scatter and HU"),
]
FourD = Annotated[int | None, Option("--four-d", metavar="N", help="also images of N bins of breathing: 1 to 20")]
Binning = Annotated[str | None, Option(metavar="NAME", help="of breathing: by phase, or by amplitude")]
Trace = Annotated[
    Path | None,
    Option(metavar="FILE", parser=words.path, help="breathing trace (CSV, .vxp), instead of the projections' own"),
]
TraceStart = Annotated[
    float | None, Option(metavar="SECONDS", help="when the first projection was taken, on the clock of the trace")
]
Voxel = Annotated[float, Option(metavar="MM", help="edge of a voxel: 0.1 to 20")]
Size = Annotated[
    str | None,
    Option(
        metavar="COLUMNS,ROWS,SLICES", help="voxels about the middle, up to 2048 each; all that is seen if left out"
    ),
]
Window = Annotated[
    str | None, Option(metavar="NAME", help="of the filter: ram-lak, shepp-logan, cosine, hamming or hann")
]
CutOff = Annotated[
    float | None, Option(metavar="SHARE", help="of the filter: share of the detector's highest frequency, 0.05 to 1")
]
FanOfDetector = Annotated[
    str | None, Option("--fan", metavar="NAME", help="full or half; found from the detector's place if left out")
]
PlanOfPatient = Annotated[
    Path | None,
    Option("--plan", metavar="PLAN", parser=words.path, help="plan folder of the patient of the scan"),
]
Water = Annotated[float | None, Option(metavar="PER_MM", help="attenuation of water, to which HU refer: 0.001 to 1")]
DetectorSpacing = Annotated[
    str | None, Option("--spacing", metavar="COLUMNS,ROWS", help="pixels of the detector in mm, where TIFF hides them")
]
PixelQuantity = Annotated[
    str | None,
    Option("--quantity", metavar="NAME", help="pixels of a stack: intensity or 'line integral'"),
]
FrameRate = Annotated[
    float | None,
    Option(metavar="HZ", help="projections a second, for --four-d, where no file times them: 0.01 to 1000"),
]
SlicesOut = Annotated[
    Path, Option("--out", metavar="DIR", parser=words.path, help="where the slices (ct/) and the record go")
]


SetupBeam = Annotated[int | None, Option("--beam", metavar="N", help="this beam alone; all setup beams if left out")]
GantryAngles = Annotated[
    str | None, Option("--gantry", metavar="A,B,...", help="also views with the gantry at these angles, IEC 61217")
]
ImagerMachine = Annotated[
    str | None,
    Option("--machine", metavar="FILE", parser=words.name, help="machine file: --gantry is seen from its kV source"),
]
RadiographWindows = Annotated[
    list[str] | None, Option("--window", metavar="NAME", help="bone, soft or whole; may be repeated")
]
SourceToImage = Annotated[
    float | None, Option(metavar="MM", help="from source to detector, beyond the isocenter; 1500, or the imager's")
]
RadiographSize = Annotated[
    str | None, Option("--size", metavar="COLUMNS,ROWS", help="of the detector, up to 4096 each; 512,512")
]
RadiographSpacing = Annotated[
    str | None, Option("--spacing", metavar="COLUMNS,ROWS", help="pixels of the detector in mm, 0.05 to 20; 0.8,0.8")
]
DrawnStructures = Annotated[str | None, Option("--structures", metavar="A,B,...", help="outlined on the pictures")]
DrawnAperture = Annotated[bool, Option("--aperture", help="outline the opening of each beam on its picture")]
RadiographsOut = Annotated[
    Path, Option("--out", metavar="DIR", parser=words.path, help="where the radiographs (drr/) and the record go")
]


class Kept(StrEnum):
    """What `deidentify` keeps on demand."""

    CHARACTERISTICS = "characteristics"
    DEVICE = "device"
    OTHERS = "others"


OriginalFolder = Annotated[Path, Argument(metavar="IN", parser=words.path, help="folder of DICOM; it is not changed")]
DeidentifiedFolder = Annotated[
    Path, Argument(metavar="OUT", parser=words.path, help="empty or new folder, or a former result of the same key")
]
Key = Annotated[
    Path | None,
    Option(metavar="FILE", parser=words.path, help="secret that new UIDs, IDs and dates follow from; made if absent"),
]
GivenIds = Annotated[Path | None, Option(metavar="FILE", parser=words.path, help="CSV of old and new patient IDs")]
Link = Annotated[
    Path | None, Option(metavar="FILE", parser=words.path, help="where the table that leads back is written")
]
Keep = Annotated[
    list[Kept] | None,
    Option(
        metavar="characteristics|device|others",
        help="sex, age, size, weight; names of devices; objects of unknown content; may be repeated",
    ),
]
Anatomy = Annotated[str | None, Option(metavar="SITE", help="pelvis, thorax, head_neck, abdomen or brain")]
OwnPatient = Annotated[
    Path | None,
    Option("--patient", metavar="FOLDER", parser=words.path, help="make the patient of this plan folder"),
]
Fractions = Annotated[int | None, Option(min=1, max=100, metavar="N", help="how many; 3 or 5 by the site if left out")]
CourseSeed = Annotated[int, Option(min=0, metavar="N", help="the same seed gives the same files")]
Quick = Annotated[bool, Option("--quick", help="images of the day without projections: twice as fast")]
WholeScans = Annotated[bool, Option("--full", help="scans as a clinic takes them, a second image in every fraction")]
CoarseLinac = Annotated[bool, Option("--coarse", help="a couch of three axes, accurate to 1 mm, not a good one")]
CorrectAbove = Annotated[
    float | None, Option(min=0.0, metavar="MM", help="correct above so much, in place of the protocol's action level")
]
CourseOut = Annotated[Path, Option(metavar="DIR", parser=words.path, help="new folder; a course begun there goes on")]
