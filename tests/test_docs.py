"""Words are tested too: examples run, every option, setting, verdict and exit code is documented, links resolve."""

import importlib
import inspect
import json
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from pydicom.uid import UID

import openigrt
from openigrt import errors
from openigrt.dicom import Action as ConfidentialityAction
from openigrt.dicom import Option, profile_with
from openigrt.geometry import CouchPose, Pivot
from openigrt.guidance import Agreement, Role
from openigrt.machine import parse_machine
from openigrt.patient import Action, Verdict
from tests.dicom.test_peers_read_back import TABLE

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
REFERENCE = DOCS / "reference"
READERS_OF_WHOLE_FOLDERS = {
    *("read_any", "read_daily_folder", "read_daily_series", "read_days_folder", "read_object", "read_plan_folder"),
}
PAGE_OF = {"simulate_course": "demo"}
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])

CORRECTION_KEYS = set(
    "plan image matches match.region match.plan_from_daily match.translation_mm match.rotation_deg setup_error "
    "trust.verdict trust.predicted_error_mm trust.reasons surrogate.verdict surrogate.differences_mm correction.couch "
    "correction.about residual decision.action timing_s manifest "
    "lateral_mm longitudinal_mm vertical_mm yaw_deg pitch_deg roll_deg".split()
)


@cache
def text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text(page), re.DOTALL | re.MULTILINE)


def quoted(page: Path) -> set[str]:
    """Everything that the page sets in code quotes, outside blocks."""
    return set(re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text(page), flags=re.DOTALL | re.MULTILINE)))


def words(page: Path) -> set[str]:
    return {word for quote in quoted(page) for word in re.split(r"[\s,=]+", quote)}


# -------------------------------------------------------------------------------- examples


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "python")], ids=name_of)
def test_python_examples_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for block in blocks(page, "python"):
        exec(compile(block, name_of(page), "exec"), names)


def test_the_machine_file_of_the_docs_is_one():
    """The couch of the page, with the displays that its comments speak of."""
    block, of_imager = blocks(DOCS / "how-to" / "machine_file.md", "toml")
    imager = parse_machine(of_imager).imager
    assert imager is not None
    assert imager.kv_source_angle_deg(270.0) == 0.0
    assert imager.flex is not None
    machine = parse_machine(block)
    standing = CouchPose(table_top_lateral_position_mm=-12.0, table_top_vertical_position_mm=-150.0)
    shown = machine.couch.native_readout(standing)
    assert (machine.name, shown["Lat"], shown["Vrt"]) == ("Room 2", "998.8 cm", "15.0 cm")


def console_commands(page: Path) -> set[str]:
    lines = "\n".join(blocks(page, "console")).splitlines()
    return {match[1] for line in lines if (match := re.match(r"(?:\.venv/bin/)?openigrt (\w+)", line))}


@cache
def help_of(*command: str) -> str:
    program = Path(sys.executable).with_name("openigrt")
    environment = os.environ | {"COLUMNS": "200", "TERM": "dumb", "NO_COLOR": "1"}
    done = subprocess.run([program, *command, "--help"], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("page", [page for page in PAGES if console_commands(page)], ids=name_of)
def test_commands_in_the_docs_exist_and_take_the_options_shown(page: Path):
    for command in console_commands(page):
        lines = [
            line for block in blocks(page, "console") for line in block.splitlines() if f"openigrt {command}" in line
        ]
        shown = {option for line in lines for option in re.findall(r"--[a-z-]+", line.split("#")[0])}
        assert shown <= set(re.findall(r"--[a-z-]+", help_of(command)))


def test_every_option_of_deidentify_is_documented():
    page = REFERENCE / "deidentify.md"
    options = set(re.findall(r"--[a-z][a-z-]+", help_of("deidentify"))) - {"--help"}
    assert options - words(page) == set()
    assert {word for word in words(page) if word.startswith("--")} - options == set()
    assert {f"--keep {option}" for option in Option} <= quoted(page)


@pytest.mark.parametrize("action", [*ConfidentialityAction], ids=str)
def test_every_action_of_deidentify_is_documented(action: str):
    assert re.search(rf"^\| `{action}` \| \S", text(REFERENCE / "deidentify.md"), re.MULTILINE)


def test_every_safe_private_creator_is_documented():
    assert {creator for creator, _, _ in profile_with().safe_private} <= quoted(REFERENCE / "deidentify.md")


def test_the_list_of_deidentified_attributes_is_up_to_date():
    lister = REFERENCE / "list_attributes.py"
    done = subprocess.run([sys.executable, str(lister)], capture_output=True, text=True, check=True)
    assert done.stdout == text(REFERENCE / "deidentified_attributes.md"), f"run {lister.name} again"


def test_make_targets_in_the_docs_exist():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    lines = [line for page in PAGES for block in blocks(page, "console") for line in block.splitlines()]
    assert {match[1] for line in lines if (match := re.match(r"make ([a-z-]+)", line))} <= targets


# -------------------------------------------------------------------------------- nothing undocumented


def test_every_option_of_guide_is_documented():
    page = REFERENCE / "guide.md"
    options = set(re.findall(r"--[a-z][a-z-]+", help_of("guide")))
    assert options, "openigrt guide --help lists no options"
    assert options - words(page) == set()
    assert {word for word in words(page) if word.startswith("--")} - options == set()


@pytest.mark.parametrize("job", ["drr", "guide", "reconstruct", "review", "simulate_course"])
def test_every_python_word_of_a_job_is_documented(job: str):
    page = REFERENCE / f"{PAGE_OF.get(job, job)}.md"
    told = text(page).split("## From Python\n")[1].split("\n## ")[0]
    as_options = {option.removeprefix("--").replace("-", "_") for option in words(page) if option.startswith("--")}
    taken = set(inspect.signature(getattr(openigrt, job)).parameters)
    named = {"plan", "today", "days", "projections"} | set(re.findall(r"`([a-z_]+)`", told))
    assert taken - named <= (as_options if "the words of the command" in told else set())


def test_every_option_of_review_is_documented():
    page = REFERENCE / "review.md"
    rows = set(re.findall(r"^\| `(--[a-z-]+)", text(page), re.MULTILINE))
    assert rows == set(re.findall(r"--[a-z][a-z-]+", help_of("review")))


def test_every_option_of_reconstruct_is_documented():
    assert set(re.findall(r"--[a-z][a-z0-9-]+", help_of("reconstruct"))) <= words(REFERENCE / "reconstruct.md")


def test_every_option_of_demo_is_documented():
    rows = set(re.findall(r"^\| `(--[a-z-]+)", text(REFERENCE / "demo.md"), re.MULTILINE))
    assert rows == set(re.findall(r"--[a-z][a-z-]+", help_of("demo")))


def test_every_option_of_drr_is_documented():
    rows = set(re.findall(r"^\| `(--[a-z-]+)", text(REFERENCE / "drr.md"), re.MULTILINE))
    assert rows == set(re.findall(r"--[a-z][a-z-]+", help_of("drr")))


@pytest.mark.parametrize("value", [*Agreement, *Role, *Verdict], ids=str)
def test_every_word_of_a_review_is_documented(value: str):
    assert str(value) in quoted(REFERENCE / "review.md")


@pytest.mark.parametrize("value", [*Verdict, *Action], ids=str)
def test_every_verdict_and_action_is_documented(value: str):
    assert {str(value)} <= quoted(REFERENCE / "guide.md") & quoted(REFERENCE / "correction.md")


@pytest.mark.parametrize("value", [*Pivot], ids=str)
def test_every_pivot_is_documented(value: str):
    assert str(value) in quoted(REFERENCE / "correction.md")


@pytest.mark.parametrize("code", [0, 1, 2, 3])
def test_every_exit_code_is_documented(code: int):
    for page in ("guide.md", "review.md"):
        assert re.search(rf"^\| {code} \| \w", text(REFERENCE / page), re.MULTILINE)


def test_every_error_is_documented():
    named = {
        name for name, value in vars(errors).items() if isinstance(value, type) and value.__module__ == errors.__name__
    }
    assert named <= quoted(REFERENCE / "guide.md")


def test_every_protocol_with_its_numbers_and_every_setting_is_documented():
    defaults = json.loads(next((ROOT / "src").rglob("clinical_defaults.json")).read_text(encoding="utf-8"))
    page = REFERENCE / "protocols.md"
    rows = {
        cells[0].strip(" `"): [cell.strip() for cell in cells[2:6]]
        for line in text(page).splitlines()
        if len(cells := line.strip("|").split("|")) == 6
    }
    for name, protocol in defaults["protocols"].items():
        numbers = [protocol[k] for k in ("correct_above_mm", "rotation_limit_deg", "verify_within_mm", "call_above_mm")]
        assert rows[name] == ["none" if number is None else f"{number:g}" for number in numbers], name
    settings = {key for protocol in defaults["protocols"].values() for key in protocol}
    assert settings | (defaults["correction_guards"].keys() - {"mark"}) <= quoted(page)


def test_every_key_of_the_result_is_documented():
    assert CORRECTION_KEYS <= words(REFERENCE / "correction.md")


def test_every_public_name_of_the_package_is_documented():
    public = {name for name in importlib.import_module("openigrt").__all__ if not name.startswith("_")}
    everywhere = "\n".join(text(page) for page in PAGES)
    assert {name for name in public if f"openigrt.{name}" not in everywhere} == set()


# -------------------------------------------------------------------------------- links and the research-only statement


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives to the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", text(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_resolve(page: Path):
    for target in re.findall(r"\]\(([^)\s]+)\)", text(page)):
        if "://" in target:
            continue
        file, _, anchor = target.partition("#")
        place = (page.parent / file).resolve() if file else page
        assert place.exists(), f"{name_of(page)} links to {target}"
        assert not anchor or anchor in anchors(place), f"{name_of(page)} links to {target}"


@pytest.mark.parametrize(
    "page",
    [ROOT / "README.md", *(REFERENCE / f"{job}.md" for job in ("drr", "guide", "review", "reconstruct"))],
    ids=name_of,
)
def test_pages_that_people_land_on_say_research_only(page: Path):
    assert "not a medical device" in text(page).lower()
    assert "not for clinical use" in text(page).lower()


def test_every_object_that_is_read_or_written_is_listed():
    page = text(REFERENCE / "objects.md")
    face = importlib.import_module("openigrt.dicom")
    names = {UID(uid).name for uid in (*face.IMAGE_CLASSES, *face.READERS)}
    objects = {name.removesuffix(" Storage").removeprefix("Legacy Converted ") for name in names if name[0].isalpha()}
    assert {name for name in objects if name not in page} == set()
    functions = {name for name in face.__all__ if name.startswith(("read_", "write_"))}
    assert {name for name in functions - READERS_OF_WHOLE_FOLDERS if f"`{name}`" not in page} == set()


def test_what_others_read_is_what_their_tests_say():
    """Each row, in the order of the tests; what a peer makes of an object, in the same words."""
    section = text(REFERENCE / "objects.md").split("## Written, and read by others")[1].split("\n## ")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line[:1] == "|"]
    assert rows[0] == ["object", *next(iter(TABLE.values()))]
    assert rows[2:] == [[name, *(cell.says for cell in row.values())] for name, row in TABLE.items()]
