"""Dose-volume histograms: closed forms, and tables of two planning systems and a third program."""

import csv

import numpy as np
import pytest

from openigrt.errors import InvalidGeometry, MissingInput, UnsupportedInput
from openigrt.patient import Dvh, VolumeUnit


def linear_cube():
    """A cube of 1000 cm3 in which the dose falls linearly from 100 to 0 Gy (vector D-06)."""
    dose_gy = np.linspace(0.0, 100.0, 101)
    return Dvh(dose_gy, 1000.0 * (1.0 - dose_gy / 100.0))


def test_queries_of_a_linear_dose():
    dvh = linear_cube()
    assert dvh.percent_receiving(50.0) == pytest.approx(50.0, abs=1e-9)
    assert dvh.cm3_receiving(50.3) == pytest.approx(497.0, abs=1e-9)
    assert dvh.dose_of_hottest_percent_gy(20.0) == pytest.approx(80.0, abs=1e-9)
    assert dvh.dose_of_hottest_percent_gy(98.0) == pytest.approx(2.0, abs=1e-9)
    assert dvh.dose_of_hottest_cm3_gy(5.0) == pytest.approx(99.5, abs=1e-9)
    assert dvh.mean_gy == pytest.approx(50.0, abs=1e-9)


def test_queries_at_the_ends():
    dvh = linear_cube()
    assert (dvh.dose_of_hottest_percent_gy(100.0), dvh.dose_of_hottest_percent_gy(0.0)) == (0.0, 100.0)
    assert (dvh.percent_receiving(0.0), dvh.percent_receiving(100.1), dvh.cm3_receiving(1e9)) == (100.0, 0.0, 0.0)
    assert dvh.dose_of_hottest_cm3_gy(1000.1) == 0.0
    for part in (-1.0, np.nan):
        with pytest.raises(UnsupportedInput, match="expected zero or more"):
            dvh.dose_of_hottest_percent_gy(part)


def test_a_flat_part_gives_the_highest_dose_that_still_holds():
    """A structure that receives at least 40 Gy everywhere: D100 is its minimum dose."""
    dvh = Dvh([0.0, 40.0, 60.0], [8.0, 8.0, 0.0])
    assert dvh.dose_of_hottest_percent_gy(100.0) == 40.0
    assert dvh.mean_gy == pytest.approx(50.0)


def test_cubic_centimetres_of_a_percentage_are_not_known():
    dvh = Dvh([0.0, 1.0], [100.0, 0.0], VolumeUnit.PERCENT)
    assert dvh.percent_receiving(0.25) == 75.0
    for asked in (dvh.cm3_receiving, dvh.dose_of_hottest_cm3_gy):
        with pytest.raises(MissingInput, match="ask in percent"):
            asked(1.0)


@pytest.mark.parametrize(
    ("dose_gy", "volume"),
    [
        ([0.0], [1.0]),
        ([1.0, 2.0], [1.0, 0.0]),
        ([0.0, 2.0, 1.0], [2.0, 1.0, 0.0]),
        ([0.0, 1.0], [1.0, 2.0]),
        ([0.0, 1.0], [0.0, 0.0]),
        ([0.0, 1.0], [1.0, -1.0]),
        ([0.0, np.nan], [1.0, 0.0]),
    ],
)
def test_curves_that_cannot_be(dose_gy, volume):
    with pytest.raises(InvalidGeometry):
        Dvh(dose_gy, volume)


def table(path):
    """Histograms of a table of dose and percent columns, by structure; rows whose dose falls back are misprints."""
    rows = list(csv.reader(path.read_text().splitlines()))
    found = {}
    for column in range(0, len(rows[0]) - 1, 2):
        name = rows[0][column].removesuffix(" Dose (Gy)").removesuffix(" Dose (GY)").removesuffix("_DvhArray")
        size_cm3 = float(rows[0][column + 1].split("% of ")[1].split(" cc")[0])
        pairs = [(float(row[column]), float(row[column + 1])) for row in rows[1:] if row[column] and row[column + 1]]
        dose_gy, percent = np.array(pairs).T
        printed_well = np.diff(np.maximum.accumulate(dose_gy), prepend=-1.0) > 0.0
        assert (~printed_well).sum() <= 1
        dose_gy, percent = dose_gy[printed_well], percent[printed_well]
        found[name.replace(" ", "")] = Dvh(dose_gy, np.minimum.accumulate(percent) / 100.0 * size_cm3)
    return found


@pytest.mark.real
def test_queries_agree_with_those_of_another_program(real_data):
    """SlicerRT prints its own queries of its own table; between rows 0.2 Gy apart it interpolates as well."""
    folder = real_data / "prostate_eclipse"
    histograms = table(folder / "EclipseProstate_DvhTable_SlicerRT.csv")
    metrics = list(csv.DictReader((folder / "EclipseProstate_DvhMetrics_SlicerRT.csv").read_text().splitlines()))
    assert len(metrics) == 6
    for row in metrics:
        dvh = histograms[row["Structure"].replace(" ", "")]
        assert dvh.whole == pytest.approx(float(row["Volume (cc)"]), rel=1e-4)
        assert dvh.mean_gy == pytest.approx(float(row["Mean dose (GY)"]), abs=0.02)
        for dose_gy in (5, 20):
            assert dvh.cm3_receiving(dose_gy) == pytest.approx(float(row[f"V{dose_gy} (cc)"]), rel=2e-4, abs=0.01)
            assert dvh.percent_receiving(dose_gy) == pytest.approx(float(row[f"V{dose_gy} (%)"]), abs=0.02)
        for volume_cm3 in (2, 5):
            asked = dvh.dose_of_hottest_cm3_gy(volume_cm3)
            assert asked == pytest.approx(float(row[f"D{volume_cm3}cc (GY)"]), abs=0.1)
        for percent in (5, 10):
            asked = dvh.dose_of_hottest_percent_gy(percent)
            assert asked == pytest.approx(float(row[f"D{percent}% (GY)"]), abs=0.1)


@pytest.mark.real
def test_two_planning_systems_agree_on_one_plan(real_data):
    """Eclipse and CERR computed the same structures on their own: they differ by their sampling of contours."""
    folder = real_data / "prostate_eclipse"
    eclipse, cerr = (table(folder / f"EclipseProstate_DvhTable_{name}.csv") for name in ("Eclipse", "CERR"))
    assert eclipse.keys() == cerr.keys()
    for name, dvh in eclipse.items():
        other = cerr[name]
        assert dvh.whole == pytest.approx(other.whole, rel=0.015)
        assert dvh.mean_gy == pytest.approx(other.mean_gy, abs=0.5)
        assert dvh.dose_of_hottest_percent_gy(50.0) == pytest.approx(other.dose_of_hottest_percent_gy(50.0), abs=0.6)
        assert dvh.percent_receiving(20.0) == pytest.approx(other.percent_receiving(20.0), abs=1.5)
