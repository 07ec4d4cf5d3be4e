"""The kinds of the words of a job: a wrong one gets one sentence."""

from pathlib import Path, PurePosixPath

import numpy as np
import pytest

import openigrt
from openigrt.errors import InputError
from openigrt.tasks import words


@pytest.mark.parametrize(
    ("require", "value"),
    [
        (words.require_paths, "a"),
        (words.require_paths, Path("a")),
        (words.require_paths, PurePosixPath("ü")),
        (words.require_texts, ""),
        (words.require_whole_numbers, 3),
        (words.require_whole_numbers, np.int64(3)),
        (words.require_names, "bone"),
        (words.require_names, ["a", "b"]),
        (words.require_names, ()),
    ],
)
def test_what_is_of_its_kind(require, value):
    require(word=value)


@pytest.mark.parametrize(
    ("require", "value", "said"),
    [
        (words.require_paths, 5, "word is 5, of kind int; expected the name of a file or folder, as text or a Path."),
        (words.require_paths, b"a", "of kind bytes; expected the name"),
        (words.require_paths, None, "word is None, of kind NoneType; expected the name"),
        (words.require_paths, "", "word is ''; expected the name of a file or folder."),
        (words.require_paths, "a\0b", "expected the name of a file or folder."),
        (words.require_texts, 5.0, "word is 5.0, of kind float; expected text."),
        (words.require_whole_numbers, 4.0, "word is 4.0, of kind float; expected a whole number."),
        (words.require_whole_numbers, True, "word is True, of kind bool; expected a whole number."),
        (words.require_whole_numbers, "4", "word is '4', of kind str; expected a whole number."),
        (words.require_names, 5, "of kind int; expected a name, or a list of names."),
        (words.require_names, ["a", 5], "of kind list; expected a name"),
        (words.require_names, {"a": 1}, "of kind dict; expected a name"),
        (words.require_names, b"bone", "of kind bytes; expected a name"),
    ],
)
def test_what_is_not(require, value, said):
    with pytest.raises(InputError) as error:
        require(word=value)
    assert said in error.value.sentence


@pytest.mark.parametrize("seed", [-1, 0.5, None, "0", False])
def test_what_is_no_seed(seed):
    with pytest.raises(InputError, match="expected a whole number, zero or above"):
        words.require_seed(seed)


@pytest.mark.parametrize("arguments", [(5,), ("folder", -1), ("folder", "a"), ("/dev/null/x",)])
def test_the_example_is_asked_for_in_the_same_words(arguments):
    with pytest.raises(InputError):
        openigrt.write_example(*arguments)


def test_a_large_value_is_named_in_one_short_line():
    with pytest.raises(InputError) as error:
        words.require_texts(site=np.zeros((50, 50)))
    assert "\n" not in error.value.sentence
    assert len(error.value.sentence) < 120


def test_a_listener_listens():
    words.require_listener(print)
    with pytest.raises(InputError, match="progress is 'loud', of kind str; expected a function that takes a text"):
        words.require_listener("loud")


def test_words_that_nobody_named_are_left_out():
    assert words.given(a=None, b=0, c="") == {"b": 0, "c": ""}
