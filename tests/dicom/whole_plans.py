"""Plans with one of everything, as nouns: what is written must come back equal."""

from dataclasses import replace
from datetime import UTC, datetime

from openigrt.geometry import CouchPose, Frame, PatientPosition
from openigrt.patient import (
    Accessory,
    AperturePositions,
    Applicator,
    ApplicatorGeometry,
    Beam,
    BeamLimitingDevice,
    BeamLineDevice,
    BeamLineSetting,
    BeamModifiers,
    BeamShare,
    Block,
    Bolus,
    Compensator,
    ControlPoint,
    DeviceTolerance,
    DoseCoefficient,
    DoseLimits,
    DoseReference,
    FluenceMode,
    FractionGroup,
    GroupDose,
    HoldingDevice,
    IonBeamLine,
    IonControlPoint,
    MotionSynchronization,
    Plan,
    PlannedImage,
    PlannedMachine,
    PlannedSetup,
    RangeModulatorSetting,
    ReferenceImage,
    RelatedPlan,
    Rotations,
    ScanSpots,
    SetupDevice,
    SetupImage,
    Snout,
    ToleranceTable,
    Wedge,
    WedgePosition,
    jaws,
)
from tests.dicom.dicom_cases import CT, ROOT, RTPLAN

MADE = datetime(2024, 5, 6, 7, 8, 9, 123000, tzinfo=UTC)
FRAME = Frame.plan(f"{ROOT}.9")
COUCH = CouchPose(1.0, -200.5, -150.25, 350.0, 1.5, 359.0)
RTIMAGE = "1.2.840.10008.5.1.4.1.1.481.1"

JAWS = (BeamLimitingDevice("ASYMX", 1, (), 400.0), BeamLimitingDevice("ASYMY", 1, (), 300.0))
LEAVES = BeamLimitingDevice("MLCX", 3, (-15.0, -5.0, 5.0, 15.0), 500.0)
OUTLINE = ((-20.0, -20.0), (20.0, -20.0), (25.0, 30.5))
MACHINE = PlannedMachine("Maker", "Model", "42", "Clinic")


def leaves(*positions, kind="MLCX"):
    return AperturePositions(kind, positions)


def sliding_window():
    """Leaves move, everything else stands; the couch moves the isocenter in the last segment."""
    shapes = [(-9, -8, -7, 1, 2, 3), (-5, -5, -5, 5, 5, 5), (0, 0, 0, 9, 9, 9)]
    field = jaws((-50.0, 50.0), (-40.0, 40.0))
    points = [
        ControlPoint(
            weight,
            30.0,
            15.0,
            COUCH,
            (*field, leaves(*map(float, shape))),
            nominal_energy_mev=6.0,
            dose_rate_mu_per_min=1400.0,
            source_surface_distance_mm=901.5,
            surface_entry_mm=(1.0, 2.0, 3.0),
            dose_coefficients=(DoseCoefficient(1, weight), DoseCoefficient(2, None)),
        )
        for weight, shape in zip((0.0, 0.25, 1.0), shapes, strict=True)
    ]
    points[2] = replace(points[2], isocenter_mm=(0.5, -20.0, 33.0))
    return Beam(
        number=1,
        name="Window",
        delivery_type="TREATMENT",
        radiation_type="PHOTON",
        machine_name="LINAC",
        isocenter_mm=(0.5, -20.0, 30.0),
        source_axis_distance_mm=1000.0,
        meterset_mu=123.4,
        control_points=tuple(points),
        devices=(*JAWS, LEAVES),
        modifiers=BeamModifiers(boluses=(Bolus(7, "BO1", "5 mm", "C1"),)),
        description="Sliding window",
        machine=MACHINE,
        fluence_mode=FluenceMode("NON_STANDARD", "FFF"),
        high_dose_technique="SRS",
        final_meterset_weight=1.0,
        patient_setup_number=1,
        tolerance_table_number=3,
        reference_images=(ReferenceImage(RTIMAGE, f"{ROOT}.51", 1),),
        planned_images=(PlannedImage(0.0, 0.5, 2.0, "kV"),),
    )


def wedged():
    """A motorised wedge that leaves the beam, a compensator, blocks, and a general accessory."""
    field = jaws((-50.0, 50.0), (-40.0, 40.0))
    points = tuple(
        ControlPoint(weight, 90.0, 0.0, COUCH, field, wedge_positions=(WedgePosition(1, where), WedgePosition(2, "IN")))
        for weight, where in ((0.0, "IN"), (0.6, "IN"), (0.6, "OUT"), (1.0, "OUT"))
    )
    modifiers = BeamModifiers(
        wedges=(
            Wedge(1, "MOTORIZED", "W60", 60.0, 0.25, 90.0, "A1", 650.0),
            Wedge(2, "DYNAMIC", "EDW", 30.0, 0.75, 0.0),
        ),
        blocks=(
            Block(1, "SHIELDING", OUTLINE, "Lung", "T1", "B1", "LEAD", "PRESENT", "SOURCE_SIDE", 70.0, 0.03, 650.0),
            Block(2, "APERTURE", OUTLINE[::-1], divergence="ABSENT", thickness_mm=10.0, transmission=0.0),
        ),
        compensators=(
            Compensator(
                *(1, "C1", "Missing tissue", "STANDARD", "K1", "WAX", "ABSENT", "PATIENT_SIDE", 2, 3),
                pixel_spacing_mm=(5.0, 10.0),
                first_pixel_mm=(-10.0, 2.5),
                transmissions=(0.5, 0.6, 0.7, 0.8, 0.9, 1.0),
                thicknesses_mm=(6.0, 5.0, 4.0, 3.0, 2.0, 1.0),
                source_tray_distance_mm=600.0,
            ),
        ),
        accessories=(Accessory(1, "GRAT", "GRATICULE", "Cross", "G1", 580.0),),
        block_tray_factor=0.97,
        compensator_tray_factor=0.98,
    )
    return replace(
        sliding_window(),
        number=2,
        name="Wedge",
        isocenter_mm=(5.0, -20.0, 30.0),
        control_points=points,
        devices=JAWS,
        modifiers=modifiers,
        fluence_mode=FluenceMode("STANDARD"),
        high_dose_technique="",
        meterset_mu=50.0,
        reference_images=(),
        planned_images=(),
    )


def electrons():
    field = jaws((-100.0, 100.0), (-100.0, 100.0))
    points = tuple(ControlPoint(w, 0.0, 0.0, COUCH, field, nominal_energy_mev=9.0) for w in (0.0, 1.0))
    applicator = Applicator(
        "A10", "ELECTRON_SQUARE", "Cone", "E1", 950.0, ApplicatorGeometry("SYM_SQUARE", opening_mm=100.0)
    )
    insert = Block(
        1, "APERTURE", OUTLINE, divergence="ABSENT", thickness_mm=15.0, transmission=0.0, material="CERROBEND"
    )
    modifiers = BeamModifiers(blocks=(insert,), applicator=applicator)
    return replace(
        wedged(), number=3, name="Boost", radiation_type="ELECTRON", control_points=points, modifiers=modifiers
    )


def arc():
    """Two layers of leaves, no jaws, an arc past 180 by more than half a turn in one segment."""
    devices = (
        BeamLimitingDevice("MLCX1", 2, (-10.0, 0.0, 10.0)),
        BeamLimitingDevice("MLCX2", 3, (-15.0, -5.0, 5.0, 15.0)),
    )
    shapes = (leaves(-5.0, -5.0, 5.0, 5.0, kind="MLCX1"), leaves(-9.0, -9.0, -9.0, 9.0, 9.0, 9.0, kind="MLCX2"))
    unstated = ("table_top_vertical_position_mm", "table_top_longitudinal_position_mm", "table_top_lateral_position_mm")
    points = tuple(
        ControlPoint(
            weight,
            angle,
            45.0,
            CouchPose(),
            shapes,
            rotations=Rotations(turn),
            couch_unstated=unstated,
            gantry_pitch_angle_deg=0.5,
            table_top_alignment_uid=f"{ROOT}.77",
        )
        for weight, angle, turn in ((0.0, 181.0, "CW"), (0.7, 100.0, "CC"), (1.0, 90.0, "NONE"))
    )
    return replace(
        electrons(),
        number=4,
        name="Arc",
        radiation_type="PHOTON",
        control_points=points,
        devices=devices,
        modifiers=BeamModifiers(),
    )


def setup():
    point = ControlPoint(0.0, 270.0, 0.0, COUCH, jaws((-50.0, 50.0), (-50.0, 50.0)))
    return replace(
        arc(),
        number=5,
        name="kV",
        delivery_type="SETUP",
        isocenter_mm=None,
        meterset_mu=None,
        final_meterset_weight=0.0,
        control_points=(point, point),
        devices=JAWS,
        patient_setup_number=2,
    )


SETUPS = (
    PlannedSetup(
        *(1, "HFS", "", "Marks", "ISOCENTRIC", "Three lasers", -12.0, 30.0, 4.5),
        fixation_devices=(HoldingDevice("MASK", "M1", "Head", "Clip 3", 1.0, 2.0, "X1"),),
        shielding_devices=(HoldingDevice("GUM", "S1", "Gonads", "Left"),),
        setup_devices=(SetupDevice("LASER_POINTER", "L1", "Ceiling", 10.5, "Tattoo"),),
        motion=(MotionSynchronization("BREATH_HOLD", "OPTICAL", "Deep inspiration", "RPM"),),
        images=(SetupImage(CT, f"{ROOT}.52", "As on day one"),),
    ),
    PlannedSetup(2, "HFS", technique="FIXED_SSD"),
)
TOLERANCES = ToleranceTable(
    *(3, "Pelvis", 1.0, 0.5, 2.0),
    devices=(DeviceTolerance("ASYMX", 2.0), DeviceTolerance("MLCX", 1.0)),
    patient_support_angle_deg=1.5,
    table_top_eccentric_angle_deg=0.5,
    table_top_pitch_angle_deg=0.25,
    table_top_roll_angle_deg=0.75,
    table_top_vertical_position_mm=10.0,
    table_top_longitudinal_position_mm=20.0,
    table_top_lateral_position_mm=30.0,
)
DOSES = (
    DoseReference(
        *(1, "VOLUME", "TARGET", f"{ROOT}.71", "PTV", 7),
        limits=DoseLimits(100.0, 62.0, 65.0, 57.0, 60.0, 64.2, 5.0),
    ),
    DoseReference(
        *(2, "COORDINATES", "ORGAN_AT_RISK", f"{ROOT}.72", "Cord"),
        point_mm=(1.0, 2.0, 3.0),
        prior_dose_gy=12.0,
        limits=DoseLimits(
            organ_full_volume_gy=40.0, organ_limit_gy=45.0, organ_maximum_gy=50.0, organ_overdose_percent=2.0
        ),
    ),
)


def photon_plan():
    beams = (sliding_window(), wedged(), electrons(), arc(), setup())
    shares = tuple(
        BeamShare(
            beam.number, beam.meterset_mu, 0.5, (1.0, 2.0, 3.0), "PHYSICAL", f"{ROOT}.71", 90.0, 85.5, 910.0, 60.0
        )
        for beam in beams
        if beam.meterset_mu is not None
    )
    return Plan(
        uid=f"{ROOT}.41",
        label="Everything",
        frame=FRAME,
        patient_id="P1",
        patient_position=PatientPosition.HFS,
        approval="APPROVED",
        beams=beams,
        structure_set_uid=f"{ROOT}.40",
        fractions_planned=20,
        created_at=MADE,
        manufacturer="OpenIGRT",
        name="A plan with everything",
        description="For tests",
        intent="RESEARCH",
        treatment_sites=("PELVIS", "NODES"),
        treatment_protocols=("P-1",),
        reviewer="Doe^Jane",
        reviewed_at=MADE,
        fraction_groups=(
            FractionGroup(
                1,
                20,
                (*shares[:3], BeamShare(5)),
                "First",
                1,
                2,
                "11111001111100",
                doses=(GroupDose(1, DoseLimits(target_prescription_gy=40.0)),),
            ),
            FractionGroup(2, 10, shares[3:], "Second"),
        ),
        setups=SETUPS,
        tolerance_tables=(TOLERANCES,),
        prescription_description="60 Gy in 30",
        dose_references=DOSES,
        dose_uids=(f"{ROOT}.43",),
        related_plans=(
            RelatedPlan(f"{ROOT}.44", "PREDECESSOR", RTPLAN),
            RelatedPlan(f"{ROOT}.45", "CONCURRENT", RTPLAN),
        ),
    )


def scanned():
    """Two energies, each between a pair of control points; float32 values, as the elements hold them."""
    layers = [((-40.0, -35.0), (-40.0, -30.0)), ((-55.0, -40.0), (-55.0, -35.0), (0.5, 0.25))]
    weights = [(10.0, 20.0), (0.0, 0.0), (25.0, 10.0, 5.0), (0.0, 0.0, 0.0)]
    points = tuple(
        ControlPoint(
            total,
            90.0,
            0.0,
            COUCH,
            nominal_energy_mev=energy,
            ion=IonControlPoint(
                snout_position_mm=300.5,
                meterset_rate=100.0,
                head_fixation_angle_deg=0.0,
                spots=ScanSpots(layers[i // 2], weights[i], (8.0, 9.5), "4.0", 1 + i // 2, "NO"),
                range_shifters=(BeamLineSetting(1, "IN", 250.0, 40.5),),
                lateral_spreaders=(BeamLineSetting(1, "IN", 2000.0),),
            ),
        )
        for i, (total, energy) in enumerate(((0.0, 200.0), (30.0, 200.0), (30.0, 180.0), (70.0, 180.0)))
    )
    line = IonBeamLine(
        "MODULATED",
        (2000.0, 2560.0),
        "STATIONARY",
        patient_support_kind="TABLE",
        patient_support_id="Couch",
        patient_support_accessory_code="AC1",
        fixation_light_azimuth_deg=0.0,
        fixation_light_polar_deg=15.0,
        snouts=(Snout("S1", "SN1"),),
        range_shifters=(BeamLineDevice(1, "RS40", "BINARY", "RA1", "40 mm"),),
        lateral_spreaders=(BeamLineDevice(1, "MagnetX", "MAGNET"),),
    )
    return Beam(
        *(1, "Scan", "TREATMENT", "PROTON", "GANTRY 1", (0.0, 1.0, 2.0), 2280.0, 41806.75),
        control_points=points,
        modifiers=BeamModifiers(),
        ion_line=line,
        machine=MACHINE,
        final_meterset_weight=70.0,
        patient_setup_number=1,
        tolerance_table_number=3,
    )


def passive_modifiers():
    return BeamModifiers(
        wedges=(Wedge(1, "PARTIAL_STANDARD", "IW", 15.0, None, 0.0, "IW1", isocenter_tray_distance_mm=450.0),),
        blocks=(
            Block(
                1,
                "APERTURE",
                OUTLINE,
                "Brass",
                "T1",
                "AP1",
                "BRASS",
                "ABSENT",
                "SOURCE_SIDE",
                60.0,
                isocenter_tray_distance_mm=310.5,
            ),
        ),
        compensators=(
            Compensator(
                *(1, "RC", "Distal", "", "RC1", "PMMA", "ABSENT", "SOURCE_SIDE", 2, 2),
                pixel_spacing_mm=(4.0, 4.0),
                first_pixel_mm=(-2.0, 2.0),
                thicknesses_mm=(10.0, 20.0, 30.0, 40.0),
                isocenter_tray_distance_mm=280.0,
                milling_tool_diameter_mm=5.0,
                relative_stopping_power_ratio=1.125,
            ),
        ),
        wedge_tray_water_equivalent_mm=1.5,
        block_tray_water_equivalent_mm=2.5,
        compensator_tray_water_equivalent_mm=3.5,
    )


def scattered():
    """Passive carbon ions: a modulator wheel, an aperture, a range compensator, jaws."""
    device = BeamLimitingDevice("X", 1, (), None, 400.0)
    points = tuple(
        ControlPoint(
            weight,
            0.0,
            10.0,
            COUCH,
            (AperturePositions("X", (-60.0, 60.0)),),
            nominal_energy_mev=290.0,
            wedge_positions=(WedgePosition(1, "IN", 2.5),),
            ion=IonControlPoint(
                snout_position_mm=250.0,
                meterset_rate=50.0,
                lateral_spreaders=(BeamLineSetting(1, "IN", 1500.0, 3.5),),
                range_modulators=(RangeModulatorSetting(1, 10.0, 200.0, 5.5, 60.0, 1400.0),),
            ),
        )
        for weight in (0.0, 1.0)
    )
    line = IonBeamLine(
        "NONE",
        (6000.0, 6000.0),
        mass_number=12,
        atomic_number=6,
        charge_state=6,
        patient_support_kind="TABLE",
        snouts=(Snout("S2"),),
        lateral_spreaders=(BeamLineDevice(1, "Foil", "SCATTERER"),),
        range_modulators=(BeamLineDevice(1, "Wheel", "WHL_MODWEIGHTS", "RM1", "Wheel 7", "MOD1"),),
    )
    return replace(
        scanned(),
        number=2,
        name="Scatter",
        radiation_type="ION",
        source_axis_distance_mm=6000.0,
        meterset_mu=88.0,
        control_points=points,
        modifiers=passive_modifiers(),
        devices=(device,),
        ion_line=line,
        final_meterset_weight=1.0,
    )


def ion_plan():
    whole = photon_plan()
    beams = (scanned(), scattered())
    table = replace(TOLERANCES, table_top_eccentric_angle_deg=None, snout_position_mm=5.0, head_fixation_angle_deg=1.0)
    return replace(
        whole,
        beams=beams,
        fraction_groups=(FractionGroup(1, 20, tuple(BeamShare(b.number, b.meterset_mu, 1.5) for b in beams)),),
        tolerance_tables=(table,),
        setups=SETUPS[:1],
    )
