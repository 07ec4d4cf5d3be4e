"""One of every object that we write, with all that it can hold: what programs of others are given to read."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from openigrt.dicom import (
    SourceToWrite,
    instance_uids,
    new_plan_version,
    save,
    save_deidentified,
    write_deformable_registration,
    write_delivery_instruction,
    write_dose,
    write_fiducials,
    write_image_series,
    write_mesh,
    write_plan,
    write_point_cloud,
    write_projection,
    write_registrations,
    write_segmentation,
    write_spatial_registration,
    write_structure_set,
    write_treatment_record,
)
from openigrt.geometry import Frame, Grid, RigidTransform
from openigrt.images import Mask, PointCloud
from openigrt.patient import BeamChange, ContourKind, Dvh, PlanChange, Structure, StructureRole, with_keyholes
from tests.dicom import (
    test_deformable_registration,
    test_delivery_instruction,
    test_dose_writing,
    test_dvh,
    test_plan_version,
    test_registration_directions,
    test_rt_image,
    test_segmentation,
    test_spatial_fiducials,
    test_spatial_registration,
    test_structure_set_writing,
    test_surface,
    test_writing,
)
from tests.dicom.deidentification_cases import PSEUDONYMS, treated
from tests.dicom.dicom_cases import FRAME, ROOT
from tests.dicom.record_cases import ion_record, photon_record
from tests.dicom.whole_plans import ion_plan, photon_plan
from tests.dicom.writing_cases import series_header
from tests.images.test_surfaces import CUBE, TRIANGLES


@dataclass(frozen=True)
class WrittenObject:
    """How an object gets into a folder, and what a reader must find in its files, taken from the nouns.

    `holds`: all values of an element in the order of the files, by the keywords of its sequences and its own.
    `pixels`: the frames (n, rows, columns) in the units of the noun, known to `pixel_tolerance`.
    """

    writer: Callable[..., object]
    put_into: Callable[[Path], object]
    holds: Mapping[str, Sequence[object]]
    pixels: np.ndarray | None = None
    pixel_tolerance: float = field(default=0.0)


# -------------------------------------------------------------------------------- images

CT = test_writing.image()
POSITIONS = np.concatenate([CT.grid.points((0, 0, k)) for k in range(4)])
IN_PLANE = {"PixelSpacing": [2.5, 1.25] * 4, "ImagePositionPatient": POSITIONS, "Rows": [5] * 4, "Columns": [6] * 4}


def put_ct(folder):
    for k, dataset in enumerate(write_image_series(CT, series_header("60"))):
        save(dataset, folder / f"{k}.dcm")


def put_deidentified_ct(folder):
    put_ct(folder)
    for path in sorted(folder.iterdir()):
        treated(path, path)


CT_IMAGE = WrittenObject(
    write_image_series,
    put_ct,
    {**IN_PLANE, "SOPInstanceUID": instance_uids(f"{ROOT}.60", 4), "PatientID": ["P1"] * 4},
    CT.voxels,
)
DEIDENTIFIED_CT = replace(
    CT_IMAGE,
    writer=save_deidentified,
    put_into=put_deidentified_ct,
    holds={
        **IN_PLANE,
        "SOPInstanceUID": [PSEUDONYMS.uid(uid) for uid in instance_uids(f"{ROOT}.60", 4)],
        "PatientIdentityRemoved": ["YES"] * 4,
    },
)

PIXELS = np.linspace(-0.3, 4.1, 12, dtype=np.float32).reshape(3, 4)
PROJECTIONS = {
    name: replace(test_rt_image.full_case(turned), pixels=PIXELS)
    for name, turned in (("RT Image", False), ("RT Image, plane not normal to the beam", True))
}


def written_projection(projection):
    return WrittenObject(
        write_projection,
        lambda folder: test_rt_image.written(projection, folder / "ri.dcm"),
        {
            "SOPInstanceUID": [f"{ROOT}.83"],
            "ImagePlanePixelSpacing": projection.geometry.spacing_mm[::-1],
            "GantryAngle": [projection.pose.gantry_angle_deg],
            "GantryPitchAngle": [projection.pose.gantry_pitch_angle_deg],
            "RadiationMachineSAD": [projection.pose.source_axis_distance_mm],
            "PatientSupportAngle": [350],
            "TableTopLateralPosition": [-12.5],
            "IsocenterPosition": [1, 2, 3],
            "ReferencedRTPlanSequence ReferencedSOPInstanceUID": [projection.beam.plan_uid],
            "ReferencedBeamNumber": [2],
            "ExposureSequence KVP": [120],
        },
        PIXELS[np.newaxis],
        4.4 / 131070 * 1.01,  # half a step of 16 bits
    )


SEGMENTS = test_segmentation.segments()
PLANES = [(0, 3), (0, 2), (0, 1), (1, 4), (1, 3)]  # segment and slice of each frame; empty planes are left out
SEGMENTATION = WrittenObject(
    write_segmentation,
    lambda folder: test_segmentation.written(folder / "seg.dcm"),
    {
        "SOPInstanceUID": [f"{ROOT}.113"],
        "SegmentSequence SegmentLabel": ["Liver", "Rest"],
        "PerFrameFunctionalGroupsSequence SegmentIdentificationSequence ReferencedSegmentNumber": [1, 1, 1, 2, 2],
        "PerFrameFunctionalGroupsSequence PlanePositionSequence ImagePositionPatient": np.concatenate(
            [test_segmentation.grid().points((0, 0, k)) for _, k in PLANES]
        ),
    },
    np.array([SEGMENTS[n].mask.voxels[k] for n, k in PLANES]),
)
WHOLE_BYTES = Grid(CT.frame, [-10.0, -20.0, 30.0], [1.25, 2.5, 3.0], CT.grid.direction, (8, 5, 6))
EXTENT = np.zeros(WHOLE_BYTES.shape, bool)
EXTENT[1:4, 1:3, 2:6] = EXTENT[3, 4, 7] = True
ONE_SEGMENT = (
    replace(SEGMENTS[0], mask=Mask(EXTENT, WHOLE_BYTES)),
    replace(test_segmentation.image(), voxels=np.zeros(WHOLE_BYTES.shape, np.float32), grid=WHOLE_BYTES),
)

MESH = test_surface.wavy()
SURFACE_MESH = WrittenObject(
    write_mesh,
    lambda folder: save(write_mesh(MESH, series_header("102"), f"{ROOT}.103"), folder / "mesh.dcm"),
    {
        "SOPInstanceUID": [f"{ROOT}.103"],
        "FrameOfReferenceUID": [FRAME],
        "SurfaceSequence SurfacePointsSequence PointCoordinatesData": MESH.points_mm.ravel(),
        "SurfaceSequence SurfacePointsNormalsSequence VectorCoordinateData": MESH.normals.ravel(),
        "SurfaceSequence SurfaceMeshPrimitivesSequence LongTrianglePointIndexList": np.ravel(TRIANGLES) + 1,
    },
)
CLOUD = PointCloud(Frame.FIXED, CUBE / 7.0)
POINT_CLOUD = WrittenObject(
    write_point_cloud,
    lambda folder: save(write_point_cloud(CLOUD, series_header("104"), f"{ROOT}.105"), folder / "cloud.dcm"),
    {
        "FrameOfReferenceUID": ["1.2.840.10008.1.4.3.1"],
        "SurfacePointsSequence NumberOfSurfacePoints": [8],
        "SurfacePointsSequence PointCoordinatesData": CLOUD.points_mm.ravel(),
    },
)


# -------------------------------------------------------------------------------- structures, plans, doses

STRUCTURES = test_structure_set_writing.STRUCTURES
LONG = (Structure(1, "Long", StructureRole.EXTERNAL, (test_structure_set_writing.ring(25.0, 33.0, count=5000),)),)


def points_of(structures):
    """What each written contour holds: each point of a mark is a contour of its own."""
    contours = [contour for structure in structures for contour in with_keyholes(structure).contours]
    return [
        points
        for contour in contours
        for points in (contour.points_mm[:, np.newaxis] if contour.kind is ContourKind.POINT else [contour.points_mm])
    ]


def written_structures(structures):
    points = points_of(structures)
    reviewed = {"approval": "APPROVED", "reviewer": "Doe^Jane", "reviewed_at": series_header("61").created_at}
    made = replace(test_structure_set_writing.structure_set(*structures), **reviewed)
    return WrittenObject(
        write_structure_set,
        lambda folder: test_structure_set_writing.write(folder, made),
        {
            "ReviewerName": ["Doe^Jane"],
            "ReviewDate": ["20240102"],
            "SOPInstanceUID": [f"{ROOT}.40"],
            "StructureSetROISequence ROINumber": [structure.number for structure in structures],
            "StructureSetROISequence ROIName": [structure.name for structure in structures],
            "ROIContourSequence ContourSequence NumberOfContourPoints": [len(of_one) for of_one in points],
            "ROIContourSequence ContourSequence ContourData": np.concatenate([np.ravel(of_one) for of_one in points]),
        },
    )


PHOTONS, IONS = photon_plan(), ion_plan()
SHIFT_MM = np.array([3.0, -7.0, 11.0])
ISOCENTERS_MM = np.array([*[[0.5, -20, 30]] * 2, [0.5, -20, 33], *[[5, -20, 30]] * 3])  # it moves in the first beam
POINT = "BeamSequence ControlPointSequence"
ION_POINT = "IonBeamSequence IonControlPointSequence"


def plan_values(plan, beams="BeamSequence", points=POINT):
    """What the plans, old and new, photons and ions, have in common."""
    return {
        f"{beams} BeamNumber": [beam.number for beam in plan.beams],
        f"{beams} BeamName": [beam.name for beam in plan.beams],
        f"{beams} NumberOfControlPoints": [len(beam.control_points) for beam in plan.beams],
        f"{points} CumulativeMetersetWeight": [
            p.cumulative_meterset_weight for b in plan.beams for p in b.control_points
        ],
        "FrameOfReferenceUID": [plan.frame.uid],
        "FractionGroupSequence ReferencedBeamSequence BeamMeterset": [
            share.meterset_mu
            for group in plan.fraction_groups
            for share in group.beams
            if share.meterset_mu is not None
        ],
    }


def put_new_version(folder):
    old = write_plan(PHOTONS, series_header("62"))
    written, _ = test_plan_version.new_version(old, PlanChange(tuple(SHIFT_MM), (BeamChange(1, 10.0),)))
    save(written, folder / "rp.dcm")


RT_PLAN = WrittenObject(
    write_plan,
    lambda folder: save(write_plan(PHOTONS, series_header("62")), folder / "rp.dcm"),
    {
        **plan_values(PHOTONS),
        "SOPInstanceUID": [PHOTONS.uid],
        f"{POINT} GantryAngle": [30, 90, 0, 181, 100, 90, 270],  # said where it changes
        f"{POINT} IsocenterPosition": ISOCENTERS_MM.ravel(),
        "BeamSequence BeamLimitingDeviceSequence LeafPositionBoundaries": [
            edge for beam in PHOTONS.beams for device in beam.devices for edge in device.boundaries_mm
        ],
        "ApprovalStatus": ["APPROVED"],
    },
)
NEW_PLAN = WrittenObject(
    new_plan_version,
    put_new_version,
    {
        **plan_values(PHOTONS),
        "SOPInstanceUID": [test_plan_version.VERSION.uid],
        "ReferencedRTPlanSequence ReferencedSOPInstanceUID": [f"{ROOT}.45", PHOTONS.uid],
        f"{POINT} GantryAngle": [40, 90, 0, 181, 100, 90, 270],
        f"{POINT} IsocenterPosition": (ISOCENTERS_MM + SHIFT_MM).ravel(),
        "ApprovalStatus": ["UNAPPROVED"],
    },
)
SPOTS = [point.ion.spots for point in IONS.beams[0].control_points]
ION_PLAN = WrittenObject(
    write_plan,
    lambda folder: save(write_plan(IONS, series_header("62")), folder / "rp.dcm"),
    {
        **plan_values(IONS, "IonBeamSequence", ION_POINT),
        f"{ION_POINT} ScanSpotPositionMap": np.concatenate([np.ravel(spots.positions_mm) for spots in SPOTS]),
        f"{ION_POINT} ScanSpotMetersetWeights": np.concatenate([spots.meterset_weights for spots in SPOTS]),
        f"{ION_POINT} SnoutPosition": [300.5, 250.0],
    },
)

DOSE = test_dose_writing.dose(test_dose_writing.grid("oblique"))
HISTOGRAM = Dvh(test_dvh.EDGES, test_dvh.ABOVE, included=(1, 2), excluded=(3,), structure_set_uid=f"{ROOT}.40")


def written_dose(bits):
    return WrittenObject(
        write_dose,
        lambda folder: save(write_dose(DOSE, series_header("63"), bits, [HISTOGRAM]), folder / "rd.dcm"),
        {
            "SOPInstanceUID": [DOSE.uid],
            "ReferencedRTPlanSequence ReferencedSOPInstanceUID": [DOSE.plan_uid],
            "BitsAllocated": [bits],
            "NumberOfFrames": [4],
            "PixelSpacing": [2.5, 1.25],
            "GridFrameOffsetVector": [0, 3, 6, 9],
            "ImagePositionPatient": DOSE.grid.origin_mm,
            "ImageOrientationPatient": DOSE.grid.direction.T[:2].ravel(),
            "DVHSequence DVHNumberOfBins": [4],
            "DVHSequence DVHData": np.column_stack([test_dvh.WIDTHS, test_dvh.ABOVE[:-1]]).ravel(),
        },
        DOSE.dose_gy,
        test_dose_writing.step_gy(DOSE, bits),
    )


# -------------------------------------------------------------------------------- registrations and markers

PAIR = test_spatial_registration.images()
MOTION = test_spatial_registration.transform(PAIR)
SECOND = test_spatial_registration.image(test_registration_directions.OTHER, f"{ROOT}.24", study=f"{ROOT}.3")
OTHER_MOTION = RigidTransform(PAIR[0].frame, SECOND.frame, test_registration_directions.TURN, np.array([4.0, -5, 6]))
STEP = "RegistrationSequence MatrixRegistrationSequence MatrixSequence"


def registration_values(*images_and_motions):
    """The plan's image comes first, by the identity; each matrix takes its image to the plan."""
    images, motions = [PAIR[0], *images_and_motions[::2]], images_and_motions[1::2]
    matrices = [np.eye(4), *(motion.matrix4() for motion in motions)]
    return {
        "FrameOfReferenceUID": [PAIR[0].frame.uid],
        "RegistrationSequence FrameOfReferenceUID": [image.frame.uid for image in images],
        f"{STEP} FrameOfReferenceTransformationMatrix": np.ravel(matrices),
        f"{STEP} FrameOfReferenceTransformationMatrixType": ["RIGID"] * len(images),
        "RegistrationSequence ReferencedImageSequence ReferencedSOPInstanceUID": [
            uid for image in images for uid in image.provenance.instance_uids
        ],
    }


REGISTRATION = WrittenObject(
    write_spatial_registration,
    lambda folder: save(
        write_spatial_registration(MOTION, PAIR, series_header("30"), f"{ROOT}.31"), folder / "reg.dcm"
    ),
    registration_values(PAIR[1], MOTION),
)
SOURCES = [SourceToWrite(MOTION, PAIR[1]), SourceToWrite(OTHER_MOTION, SECOND)]
REGISTRATIONS = WrittenObject(
    write_registrations,
    lambda folder: save(write_registrations(PAIR[0], SOURCES, series_header("30"), f"{ROOT}.31"), folder / "reg.dcm"),
    registration_values(PAIR[1], MOTION, SECOND, OTHER_MOTION),
)

FIELD = test_deformable_registration.field(test_deformable_registration.OBLIQUE)
BEFORE, AFTER = test_deformable_registration.BEFORE, test_deformable_registration.AFTER
DEFORMATION = test_deformable_registration.registration(FIELD, BEFORE, AFTER)
MATRIX = "MatrixRegistrationSequence FrameOfReferenceTransformationMatrix"
NODES = "DeformableRegistrationSequence DeformableRegistrationGridSequence"
DEFORMABLE = WrittenObject(
    write_deformable_registration,
    lambda folder: test_deformable_registration.written(folder / "reg.dcm", DEFORMATION),
    {
        "FrameOfReferenceUID": [PAIR[0].frame.uid],
        "DeformableRegistrationSequence SourceFrameOfReferenceUID": [PAIR[1].frame.uid],
        f"DeformableRegistrationSequence PreDeformation{MATRIX}": BEFORE.ravel(),
        f"DeformableRegistrationSequence PostDeformation{MATRIX}": AFTER.ravel(),
        f"{NODES} GridDimensions": FIELD.grid.size,
        f"{NODES} GridResolution": FIELD.grid.spacing_mm,
        f"{NODES} ImagePositionPatient": FIELD.grid.origin_mm,
        f"{NODES} VectorGridData": np.float32(FIELD.vectors_mm).ravel(),
    },
)

MARKERS = [test_spatial_fiducials.markers(frame) for frame in (Frame.plan(FRAME), Frame.FIXED)]
FIDUCIALS = WrittenObject(
    write_fiducials,
    lambda folder: test_spatial_fiducials.written(tuple(MARKERS), folder / "fid.dcm"),
    {
        "FiducialSetSequence FrameOfReferenceUID": [FRAME, "1.2.840.10008.1.4.3.1"],
        "FiducialSetSequence FiducialSequence FiducialIdentifier": [m.identifier for s in MARKERS for m in s.markers],
        "FiducialSetSequence FiducialSequence ShapeType": ["POINT", "RULER"] * 2,
        "FiducialSetSequence FiducialSequence ContourData": np.concatenate(
            [np.ravel(marker.points_mm) for one in MARKERS for marker in one.markers]
        ),
    },
)


# -------------------------------------------------------------------------------- delivery


def put_record(record):
    return lambda folder: save(write_treatment_record(record, series_header("84")), folder / "record.dcm")


DELIVERED = "TreatmentSessionBeamSequence ControlPointDeliverySequence"
ION_DELIVERED = "TreatmentSessionIonBeamSequence IonControlPointDeliverySequence"
ION_POINTS = ion_record().beams[0].control_points
RECORD = WrittenObject(
    write_treatment_record,
    put_record(photon_record()),
    {
        "SOPInstanceUID": [photon_record().uid],
        "ReferencedRTPlanSequence ReferencedSOPInstanceUID": [photon_record().plan_uid],
        f"{DELIVERED} DeliveredMeterset": [p.delivered_meterset for p in photon_record().beams[0].control_points],
        f"{DELIVERED} GantryAngle": [350, 5, 3],
        f"{DELIVERED} TableTopPitchAngle": [1.5],
        "TreatmentSessionBeamSequence TreatmentTerminationStatus": ["OPERATOR"],
        "TreatmentSessionBeamSequence CurrentFractionNumber": [3],
    },
)
ION_RECORD = WrittenObject(
    write_treatment_record,
    put_record(ion_record()),
    {
        "SOPInstanceUID": [ion_record().uid],
        f"{ION_DELIVERED} DeliveredMeterset": [p.delivered_meterset for p in ION_POINTS],
        f"{ION_DELIVERED} NominalBeamEnergy": [p.nominal_energy for p in ION_POINTS],
        f"{ION_DELIVERED} ScanSpotPositionMap": np.concatenate([np.ravel(p.spots.positions_mm) for p in ION_POINTS]),
        f"{ION_DELIVERED} ScanSpotMetersetsDelivered": np.concatenate([p.spots.metersets for p in ION_POINTS]),
        f"{ION_DELIVERED} ScanSpotPrescribedIndices": [*ION_POINTS[0].spots.prescribed] * 2,
        f"{ION_DELIVERED} SnoutPosition": [p.snout_position_mm for p in ION_POINTS],
    },
)
INSTRUCTION = WrittenObject(
    write_delivery_instruction,
    lambda folder: test_delivery_instruction.written(test_delivery_instruction.whole_instruction(), folder),
    {
        "SOPInstanceUID": [f"{ROOT}.85"],
        "BeamTaskSequence ReferencedBeamNumber": [1, 2],
        "BeamTaskSequence TableTopVerticalAdjustedPosition": [-150.0, -149.0],
        "BeamTaskSequence TableTopLongitudinalAdjustedPosition": [890.25],
        "BeamTaskSequence TableTopLateralAdjustedPosition": [-12.5],
        "BeamTaskSequence PatientSupportAdjustedAngle": [359.0],
        "BeamTaskSequence TableTopPitchAdjustedAngle": [1.5],
        "BeamTaskSequence TableTopRollAdjustedAngle": [0.5],
        "BeamTaskSequence ContinuationStartMeterset": [60.5],
    },
)

OBJECTS = {
    "CT Image": CT_IMAGE,
    "CT Image, de-identified": DEIDENTIFIED_CT,
    **{name: written_projection(projection) for name, projection in PROJECTIONS.items()},
    "Segmentation": SEGMENTATION,
    "Surface Scan Mesh": SURFACE_MESH,
    "Surface Scan Point Cloud": POINT_CLOUD,
    "RT Structure Set": written_structures(STRUCTURES),
    "RT Structure Set, implicit for a long contour": written_structures(LONG),
    "RT Plan": RT_PLAN,
    "RT Plan, new version": NEW_PLAN,
    "RT Ion Plan": ION_PLAN,
    "RT Dose with DVH, 16 bits": written_dose(16),
    "RT Dose with DVH, 32 bits": written_dose(32),
    "Spatial Registration": REGISTRATION,
    "Spatial Registration, several images": REGISTRATIONS,
    "Deformable Spatial Registration": DEFORMABLE,
    "Spatial Fiducials": FIDUCIALS,
    "RT Beams Treatment Record": RECORD,
    "RT Ion Beams Treatment Record": ION_RECORD,
    "RT Beams Delivery Instruction": INSTRUCTION,
}
