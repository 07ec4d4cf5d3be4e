"""Fields of a detector: one image, or the mean of several, in any of the formats of projections."""

import numpy as np
import pytest
import SimpleITK

from openigrt.errors import InputError
from openigrt.files import read_field

ROWS, COLUMNS = 5, 7
FIELD = (np.arange(ROWS * COLUMNS, dtype=np.uint16).reshape(ROWS, COLUMNS) * 300) + 20


@pytest.mark.parametrize("name", ["field.mha", "field.mhd", "field.nrrd", "field.tif"])
@pytest.mark.parametrize("kind", [np.uint16, np.float32])
def test_one_image_is_a_field(tmp_path, name, kind):
    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(FIELD.astype(kind)), str(tmp_path / name))
    np.testing.assert_array_equal(read_field(tmp_path / name), FIELD)


@pytest.mark.parametrize("name", ["fields.mha", "fields.nrrd"])
@pytest.mark.parametrize("compressed", [False, True])
def test_a_stack_is_averaged(tmp_path, name, compressed):
    stack = FIELD[None] + np.arange(40, dtype=np.uint16)[:, None, None]
    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(stack), str(tmp_path / name), compressed)
    np.testing.assert_allclose(read_field(tmp_path / name), FIELD + 19.5)


@pytest.mark.parametrize(
    ("name", "old", "new", "says"),
    [
        ("f.mha", b"NDims = 2", b"NDims = 1", "'1' dimensions"),
        ("f.mha", b"DimSize = 7 5", b"DimSize = 7 6", "truncated or damaged"),
        ("f.mha", b"ElementSpacing = 1 1", b"ElementSpacing = 1 0", "its spacing is"),
        ("f.nrrd", b"sizes: 7 5", b"sizes: 7", "expected 2 numbers"),
    ],
)
def test_images_that_are_no_field(tmp_path, name, old, new, says):
    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(FIELD), str(tmp_path / name))
    content = (tmp_path / name).read_bytes()
    assert old in content
    (tmp_path / name).write_bytes(content.replace(old, new, 1))
    with pytest.raises(InputError, match=says):
        read_field(tmp_path / name)
