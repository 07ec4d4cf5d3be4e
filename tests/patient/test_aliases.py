"""A clinic's own names for structures: what fits, what is told, and what an alias file may not say."""

import time

import pytest

from openigrt.errors import InputError, UnreadableFile
from openigrt.patient import Structure, StructureRole, StructureSet, parse_aliases
from tests.patient.contour_cases import PLAN

CLINIC = """
dose_unit = "Gy"

[sides]
L = ["li", "links", "gauche"]
R = ["re", "rechts", "droit"]

[[structure]]
name = "Bladder"
role = "ORGAN"
patterns = ["Blase*", "Harnblase", "Vessie"]

[[structure]]
name = "Bladder_Wall"
patterns = ["Blasenwand"]

[[structure]]
name = "Lung_{side}"
role = "ORGAN"
patterns = ["Lunge {side}", "Poumon {side}"]

[[structure]]
name = "PTV_{dose}"
role = "PTV"
patterns = ["PTV {dose}", "PTV {dose} Gy", "ZV *"]

[[structure]]
name = "PTV_High"
role = "PTV"
patterns = ["PTV Boost*", "*hoch*"]
""".replace('"ZV *"', '"ZV {dose}*"')


def drawn(*names, role=StructureRole.OTHER):
    structures = tuple(Structure(number, name, role, ()) for number, name in enumerate(names, start=1))
    return StructureSet("1.2", "Set", PLAN, structures)


def named(*names, text=CLINIC):
    return parse_aliases(text).applied(drawn(*names))


@pytest.mark.parametrize(
    ("name", "canonical", "role"),
    [
        ("Blase", "Bladder", StructureRole.ORGAN),
        ("BLASE voll", "Bladder", StructureRole.ORGAN),
        ("vessie", "Bladder", StructureRole.ORGAN),
        ("Bladder", "Bladder", StructureRole.ORGAN),
        ("Blasenwand", "Bladder_Wall", StructureRole.OTHER),
        ("Lunge li", "Lung_L", StructureRole.ORGAN),
        ("Lunge_Rechts", "Lung_R", StructureRole.ORGAN),
        ("LungeLi", "Lung_L", StructureRole.ORGAN),
        ("Poumon-droit", "Lung_R", StructureRole.ORGAN),
        ("lung_r", "Lung_R", StructureRole.ORGAN),
        ("PTV 60", "PTV_6000", StructureRole.PTV),
        ("PTV50,4Gy", "PTV_5040", StructureRole.PTV),
        ("PTV_50.4", "PTV_5040", StructureRole.PTV),
        ("PTV_5040", "PTV_5040", StructureRole.PTV),
        ("zv 66 oben", "PTV_6600", StructureRole.PTV),
        ("ＢＬＡＳＥ", "Bladder", StructureRole.ORGAN),
    ],
)
def test_names_in_use_become_canonical(name, canonical, role):
    structures, messages = named(name)
    (found,) = structures.structures
    assert (found.name, found.canonical_name, found.role) == (name, canonical, role)
    assert not any("No alias" in message for message in messages)


@pytest.mark.parametrize(
    "name", ["Niere", "Blas", "Lunge", "Lunge li re", "PTV", "PTV 6000000", "PTV 0.5", "", "x" * 9999]
)
def test_names_that_no_alias_fits_are_told_and_left_alone(name):
    structures, messages = named(name)
    assert structures.structures[0] == drawn(name).structures[0] or structures.structures[0].canonical_name == ""
    assert structures.structures[0].role is StructureRole.OTHER
    assert messages == (f"No alias fits {name!r}.",)


def test_aliases_that_contradict_each_other_are_told_and_not_used():
    structures, messages = named("PTV Boost hoch", "Blase hoch")
    assert [s.canonical_name for s in structures.structures] == ["PTV_High", ""]
    assert messages[0] == (
        "Aliases of Bladder and PTV_High fit 'Blase hoch'; none is used. Make a pattern of the alias file more exact."
    )


def test_one_canonical_name_of_several_structures_is_told():
    _, messages = named("Blase", "Vessie", "Lunge li", "Lunge re")
    assert messages[0] == "By the alias file 'Blase', 'Vessie' are all Bladder; name one of them by its own name."
    assert len(messages) == 2


def test_a_role_that_changes_is_told():
    structures, messages = parse_aliases(CLINIC).applied(drawn("Blase", "Blasenwand", role=StructureRole.GTV))
    assert [s.role for s in structures.structures] == [StructureRole.ORGAN, StructureRole.GTV]
    assert messages == ("By the alias file 'Blase' is ORGAN (was GTV).",)


def test_structures_of_one_name_that_were_told_apart_are_known_by_the_name_that_was_drawn():
    told_apart = drawn("Blase", "Blase").with_distinct_names()
    structures, _ = parse_aliases(CLINIC).applied(told_apart)
    assert [(s.name, s.canonical_name) for s in structures.structures] == [
        ("Blase (ROI 1)", "Bladder"),
        ("Blase (ROI 2)", "Bladder"),
    ]


def test_long_lists_are_cut():
    _, messages = named(*(f"N{n}" for n in range(30)))
    assert messages[0].endswith("'N19' and 10 more.")


def test_doses_are_in_centigray_unless_the_file_says_otherwise():
    text = '[[structure]]\nname = "PTV_{dose}"\npatterns = ["Z {dose}"]'
    assert named("Z 6000", text=text)[0].structures[0].canonical_name == "PTV_6000"
    assert named("Z 60", text=text)[0].structures[0].canonical_name == ""


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('[[structure]]\nname = "A"\nrole = "ORGANS"', "role = 'ORGANS' is not one of GTV, CTV, ITV"),
        (
            '[[structure]]\nname = "A"\nroles = "ORGAN"',
            "'roles', which OpenIGRT does not know; known here: name, patterns",
        ),
        ('[[structure]]\nrole = "ORGAN"', "lacks its name"),
        ("[[structure]]\nname = 3", "lacks its name"),
        ('[[structure]]\nname = "A"\npatterns = "B"', "patterns must be a list of words"),
        ('[[structure]]\nname = "A"\npatterns = ["B", " "]', "none of them empty"),
        ('[[structure]]\nname = "A"\npatterns = ["{what}"]', "nothing else in braces"),
        ('[[structure]]\nname = "A"\npatterns = ["{side} {side}"]', "once each"),
        ('[[structure]]\nname = "A"\npatterns = ["*a*b*"]', "up to 2 times"),
        ('[[structure]]\nname = "A_{side}"\npatterns = ["B"]', r"'B' lacks {side}"),
        ('dose_unit = "rad"\n[[structure]]\nname = "A"', "dose_unit = 'rad' is not one of cGy, Gy"),
        ("dose_unit = 3\n", "dose_unit = 3 is not one of"),
        ("dose_unit = [1]\n", "dose_unit = "),
        ("dose_unit" + ".a" * 5000 + " = 1\n", "dose_unit = a value of kind dict"),
        ("dose_unit = 0x" + "f" * 8000 + "\n", "dose_unit = a value of kind int"),
        ('[[structure]]\nname = "A"\nrole' + ".a" * 5000 + " = 1\n", "role = a value of kind dict"),
        ('dose = "Gy"\n', "'dose', which OpenIGRT does not know"),
        ("", "names no structure"),
        ("structure = [1, 2]", "names no structure"),
        ('sides = "L"\n[[structure]]\nname = "A"', "must be a table"),
        ('[sides]\nLeft = ["l"]\n[[structure]]\nname = "A"', "'Left', which OpenIGRT does not know"),
        ('[sides]\nL = ["x"]\nR = ["X"]\n[[structure]]\nname = "A"', "'X' stands for both sides"),
        ('[sides]\nL = ["r"]\n[[structure]]\nname = "A"', "'r' stands for both sides"),
    ],
)
def test_what_a_file_may_not_say_is_refused_by_its_place(text, sentence):
    with pytest.raises(InputError) as refused:
        parse_aliases(text)
    assert sentence in refused.value.sentence


def test_text_that_is_no_toml_and_too_many_patterns_are_refused():
    with pytest.raises(UnreadableFile, match="not valid TOML"):
        parse_aliases("[[structure")
    with pytest.raises(UnreadableFile, match="not valid TOML"):
        parse_aliases("a = " + "[" * 100_000)
    with pytest.raises(UnreadableFile, match="not valid TOML"):
        parse_aliases("a = " + "9" * 5000)
    many = "".join(f'[[structure]]\nname = "S{n}"\n' for n in range(10_001))
    with pytest.raises(InputError, match="10001 patterns; at most 10000"):
        parse_aliases(many)


def test_patterns_and_names_made_to_take_long_do_not():
    text = '[[structure]]\nname = "A"\npatterns = ["*a*aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"]'
    started = time.process_time()
    named(*["a" * 100_000] * 50, text=text)
    assert time.process_time() - started < 5.0  # a hang, not a speed
