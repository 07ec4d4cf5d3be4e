"""Programs of others that read what we write: each as a function from files to what it found."""

import json
import shutil
import subprocess

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 - the name that its users know
from pydicom import Dataset, dcmread

PROGRAMS = {
    "dciodvfy": ("dciodvfy",),
    "pydicom": (),
    "DCMTK": ("dcmftest", "dcm2json", "drtdump", "dcmj2pnm"),
    "SimpleITK": (),
    "plastimatch": ("plastimatch",),
}
BINARY = {"OF": "<f4", "OD": "<f8", "OL": "<u4"}


def skip_without(peer):
    missing = [program for program in PROGRAMS[peer] if shutil.which(program) is None]
    if missing:
        pytest.skip(f"{peer}: {', '.join(missing)} not installed")


def run(*command, folder=None):
    """A finished command, whatever it returned."""
    words = [str(word) for word in command]
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, errors="replace", check=False)


# -------------------------------------------------------------------------------- elements


def values(dataset, path):
    """All values of an element in the items of nested sequences, in their order; `path` is keywords."""
    keyword, *rest = path.split()
    if rest:
        return [value for item in dataset.get(keyword, ()) for value in values(item, " ".join(rest))]
    if keyword not in dataset or dataset[keyword].is_empty:
        return []
    element = dataset[keyword]
    if element.VR in BINARY:
        return np.frombuffer(element.value, BINARY[element.VR]).tolist()
    return list(element.value) if element.VM > 1 else [element.value]


def stored_pixels(dataset):
    """Stored values (frames, rows, columns) from the bytes of Pixel Data and what describes them."""
    shape = (int(dataset.get("NumberOfFrames", 1)), dataset.Rows, dataset.Columns)
    if dataset.BitsAllocated == 1:
        bits = np.unpackbits(np.frombuffer(dataset.PixelData, np.uint8), bitorder="little")
        return bits[: np.prod(shape)].reshape(shape)
    kind = "i" if dataset.PixelRepresentation else "u"
    return np.frombuffer(dataset.PixelData, f"<{kind}{dataset.BitsAllocated // 8}").reshape(shape)


def real_pixels(dataset):
    """Pixels in the units of the object, (frames, rows, columns)."""
    scaling = float(dataset.get("DoseGridScaling", dataset.get("RescaleSlope", 1)))
    return stored_pixels(dataset) * scaling + float(dataset.get("RescaleIntercept", 0))


def dcmtk_json(path):
    """Every element as DCMTK reads it, in the DICOM JSON Model (PS3.18 F)."""
    done = run("dcm2json", path)
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def pydicom_json(path):
    """Every element as pydicom reads it, in the same model."""
    return json.loads(json.dumps(dcmread(path).to_json_dict(bulk_data_threshold=2**31)))


def dataset_of(json_model):
    return Dataset.from_json(json_model)


def differences(one, other, path=""):
    """Paths of elements that are not equal in two JSON models; of single floats only nine digits are written."""
    found = []
    for tag in sorted(one.keys() | other.keys()):
        a, b = one.get(tag), other.get(tag)
        if a and b and a["vr"] == b["vr"] == "SQ" and len(a.get("Value", ())) == len(b.get("Value", ())):
            for n, (x, y) in enumerate(zip(a.get("Value", ()), b.get("Value", ()), strict=True)):
                found += differences(x, y, f"{path}{tag}[{n}].")
        elif a and b and a["vr"] == b["vr"] == "FL" and "Value" in a and "Value" in b:
            found += [] if np.array_equal(np.float32(a["Value"]), np.float32(b["Value"])) else [path + tag]
        elif a != b:
            found.append(path + tag)
    return found


def dcmtk_pictures(path, folder):
    """Frames as DCMTK's image library shows them: stored values, the least to the greatest of all as 0 to 65535.

    Rescaled ones it cuts to whole numbers (3.6.7).
    """
    done = run(
        "dcmj2pnm", "--all-frames", "--no-modality", "--min-max-window", "--write-16-bit-pnm", path, folder / "frame"
    )
    assert (done.returncode, done.stderr) == (0, "")
    pictures = sorted(folder.glob("frame.*.pgm"), key=lambda file: int(file.suffixes[0][1:]))
    return np.array([_plain_pgm(file) for file in pictures])


def _plain_pgm(file):
    kind, columns, rows, highest, *numbers = file.read_text(encoding="ascii").split()
    assert (kind, highest) == ("P2", "65535")
    return np.array(numbers, dtype=float).reshape(int(rows), int(columns))


# -------------------------------------------------------------------------------- images


def itk_series(folder):
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    return reader.Execute()


def plastimatch_image(source, folder, kind="img"):
    """What plastimatch makes of a file or folder; `kind`: img or dose-img."""
    output, option = folder / "image.mha", "--input-dose-img" if kind == "dose-img" else "--input"
    done = run("plastimatch", "convert", option, source, f"--output-{kind}", output)
    assert done.returncode == 0, done.stdout + done.stderr
    return sitk.ReadImage(str(output))


def plastimatch_contours(path, folder):
    """ROIs as (number, color, name), and contours as (number, points), from plastimatch's own text format."""
    output = folder / "contours.cxt"
    done = run("plastimatch", "convert", "--input", path, "--output-cxt", output)
    assert done.returncode == 0, done.stdout + done.stderr
    names, _, contours = output.read_text(encoding="utf-8").partition("END_OF_ROI_NAMES\n")
    rois = [tuple(line.split("|", 2)) for line in names.partition("ROI_NAMES\n")[2].splitlines()]
    rows = [line.split("|") for line in contours.splitlines() if line]
    return rois, [(row[0], np.array(row[-1].split("\\"), dtype=float).reshape(-1, 3)) for row in rows]
