"""The layout of the code is a sentence, and these tests read it (docs/explanation/architecture.md)."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "openigrt"
ARCHITECTURE_PAGE = ROOT / "docs" / "explanation" / "architecture.md"
COLUMN_PICTURE = ROOT / "docs" / "pictures" / "column.svg"
COLUMN_DRAWER = ROOT / "docs" / "pictures" / "draw_column.py"

LONGEST_FILE = 600
LONGEST_FUNCTION = 60

# "file:function" of functions that are longer. This list may only shrink.
LONG_FUNCTIONS: frozenset[str] = frozenset()

# Names of quantities that carry no unit, each with its reason. This list may only shrink.
WITHOUT_UNIT: dict[str, str] = {}

NAMELESS = {"utils", "util", "common", "helpers", "helper", "manager", "base", "misc", "tools"}

QUANTITIES = set(
    "distance shift translation position positions radius diameter spacing offset thickness margin displacement "
    "isocenter width height depth length angle yaw pitch roll tilt dose duration delay latency age".split()
)
DIMENSIONLESS = {"factor", "ratio", "share", "scale", "weight", "index", "count", "row", "column"}
UNITS = {"mm", "cm", "deg", "gy", "s", "ms", "h", "days", "mu", "hu", "px", "voxels"}

HEAVY = {"numba", "numpy", "scipy", "skimage", "SimpleITK", "pydicom", "matplotlib"}


@cache
def settings() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]


def contract(name: str) -> dict[str, Any]:
    return next(c for c in settings()["contracts"] if c["id"] == name)


def layers() -> list[list[str]]:
    return [[name.strip() for name in layer.split("|")] for layer in contract("column")["layers"]]


@cache
def tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"), filename=str(file))


@cache
def sources() -> tuple[Path, ...]:
    return tuple(sorted(SOURCE.rglob("*.py")))


@cache
def all_code() -> tuple[Path, ...]:
    found = (file for folder in ("src", "tests", "benchmarks", "docs") for file in (ROOT / folder).rglob("*.py"))
    return tuple(sorted(f for f in found if not any(part.startswith(".") for part in f.relative_to(ROOT).parts)))


@cache
def tracked_files() -> tuple[Path, ...]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("git: this is no checkout, so there are no tracked files to look at")
    return tuple(ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file())


def where(file: Path, node: ast.AST) -> str:
    return f"{file.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}"


def package_of(file: Path) -> str:
    return file.relative_to(SOURCE).parts[0].removesuffix(".py")


def imported_modules(module: ast.Module) -> Iterator[tuple[ast.stmt, str]]:
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node, node.module


def functions(module: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(module) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


# -------------------------------------------------------------------------------- the column


def test_every_package_stands_in_the_column():
    found = {file.stem for file in SOURCE.glob("*.py")} | {file.parent.name for file in SOURCE.glob("*/__init__.py")}
    assert found - {"__init__", "__main__"} == {name for layer in layers() for name in layer}


def test_the_column_in_the_docs_is_the_contract():
    block = re.search(r"```text\n(cli\b.*?)```", ARCHITECTURE_PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert block, f"{ARCHITECTURE_PAGE} shows no column"
    lines = [line for line in block[1].splitlines() if line.strip()]
    water = next(i for i, line in enumerate(lines) if line.startswith("~"))
    packages = [[name.strip() for name in re.split(r"\s{2,}", line)[0].split("|")] for line in lines]
    assert packages[:water] + packages[water + 1 :] == layers()
    below = [f"openigrt.{name}" for layer in packages[water + 1 :] for name in layer]
    assert below == contract("water-line")["source_modules"]


def test_the_picture_of_the_column_is_up_to_date():
    done = subprocess.run([sys.executable, str(COLUMN_DRAWER)], capture_output=True, text=True, check=True)
    assert done.stdout == COLUMN_PICTURE.read_text(encoding="utf-8"), f"run {COLUMN_DRAWER.name} again"


def test_other_packages_are_imported_by_their_face_only():
    past_the_face = [
        f"{where(file, node)} imports {name}"
        for file in sources()
        for node, name in imported_modules(tree(file))
        if name.startswith("openigrt.") and name.count(".") > 1 and name.split(".")[1] != package_of(file)
    ]
    assert not past_the_face


def test_every_package_has_a_face():
    for face in SOURCE.glob("*/__init__.py"):
        names = [
            target.id
            for node in tree(face).body
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        ]
        assert "__all__" in names, f"{face.relative_to(ROOT)} lists no names in __all__"


def test_kernels_are_compiled_one_way():
    """numba's own decorators know neither our cache folder nor our arithmetic."""
    stray = [
        f"{where(file, node)}"
        for file in sources()
        if package_of(file) != "arrays"
        for node in ast.walk(tree(file))
        if (
            isinstance(node, ast.ImportFrom)
            and node.module == "numba"
            and {a.name for a in node.names} & {"njit", "jit"}
        )
        or (isinstance(node, ast.Attribute) and node.attr in ("njit", "jit"))
    ]
    assert not stray, "use openigrt.arrays.compiled"


def test_import_is_light():
    probe = f"import json, sys, openigrt; print(json.dumps(sorted({HEAVY!r} & sys.modules.keys())))"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []


# -------------------------------------------------------------------------------- sizes and names


def test_no_file_is_long():
    lengths = {file.relative_to(ROOT): len(file.read_text(encoding="utf-8").splitlines()) for file in all_code()}
    assert {str(file): length for file, length in lengths.items() if length > LONGEST_FILE} == {}


def test_no_function_is_long_and_no_exception_is_stale():
    long = {
        f"{file.relative_to(ROOT)}:{node.name}"
        for file in all_code()
        if not file.name.startswith("_kernels_")
        for node in functions(tree(file))
        if (node.end_lineno or 0) - node.lineno + 1 > LONGEST_FUNCTION
    }
    assert long == LONG_FUNCTIONS


def test_no_module_is_named_after_nothing():
    assert [file for file in all_code() if file.stem in NAMELESS or file.parent.name in NAMELESS] == []


def is_number(annotation: ast.expr | None) -> bool:
    return annotation is not None and bool(
        re.search(r"\bfloat\b|Float64Array|float32|float64", ast.unparse(annotation))
    )


def needs_unit(name: str) -> bool:
    words = set(name.lower().split("_"))
    return bool(words & QUANTITIES) and not words & (UNITS | DIMENSIONLESS)


def public_numbers(module: ast.Module) -> Iterator[tuple[ast.AST, str]]:
    """Parameters of public functions and fields of public classes whose type is a number or an array of numbers."""
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
            arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            yield from ((a, a.arg) for a in arguments if is_number(a.annotation))
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            for field in node.body:
                if (
                    isinstance(field, ast.AnnAssign)
                    and isinstance(field.target, ast.Name)
                    and is_number(field.annotation)
                ):
                    yield field, field.target.id


def test_quantities_carry_their_unit_in_the_name():
    found = {
        name: where(file, node)
        for file in sources()
        if not file.name.startswith("_kernels_")
        for node, name in public_numbers(tree(file))
        if needs_unit(name)
    }
    assert {name: place for name, place in found.items() if name not in WITHOUT_UNIT} == {}
    assert WITHOUT_UNIT.keys() <= found.keys(), "an exception is no longer needed: take it off the list"


# -------------------------------------------------------------------------------- what is in the repository


def test_no_tracked_file_names_a_machine_or_a_registry():
    """Paths and addresses of the machine at hand break on every other one."""
    folders = "|".join(("work", "tmp", "root", "home", "opt/pypi", "mnt"))
    machine = re.compile(rf"(?<![\w.$}}/~-])/(?:{folders})/\w|pypi[.]org|python[h]osted")
    found = []
    for file in tracked_files():
        try:
            text = file.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [f"{file.relative_to(ROOT)}: {hit[0]}" for hit in machine.finditer(text)]
    assert not found


def test_no_tracked_file_is_a_build_product_or_large():
    suffixes = {".whl", ".pyc", ".so", ".nbc", ".nbi", ".xz", ".dcm", ".mha", ".nrrd"}
    assert [file for file in tracked_files() if file.suffix in suffixes or file.stat().st_size > 1_000_000] == []


def pinned(lock: Path) -> set[str]:
    """The names that a lock pins; fails where it holds an address, an option or a line without a hash."""
    text = lock.read_text(encoding="utf-8")
    assert "://" not in text
    assert not re.search(r"^\s*(-i|--index-url|--extra-index-url|--find-links|-e)\b", text, re.MULTILINE)
    pins = re.findall(
        r"^([\w.-]+)==\S+(?: ;[^\\]*)?\s*\\\n(?:\s+--hash=sha256:[0-9a-f]{64}\s*\\?\n)+", text, re.MULTILINE
    )
    lines = [line for line in text.splitlines() if re.match(r"[^\s#]", line)]
    assert len(pins) == len(lines), f"a line of {lock.relative_to(ROOT)} pins no hash"
    return {name.lower() for name in pins}


UNLOCKED_EXTRAS = {"gpu"}  # follows the driver of a card, which no lock knows


def test_every_lock_pins_by_hash_and_holds_no_address():
    for lock in tracked_files():
        assert lock.suffix != ".lock" or pinned(lock)


def test_the_lock_pins_everything_that_the_project_names():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    optional = project["project"]["optional-dependencies"]
    wanted = [
        *project["build-system"]["requires"],
        *project["project"]["dependencies"],
        *(name for extra, names in optional.items() if extra not in UNLOCKED_EXTRAS for name in names),
    ]
    names = {re.split(r"[<>=!~\[; ]", requirement)[0].lower() for requirement in wanted}
    assert names - {project["project"]["name"]} <= pinned(ROOT / "requirements.lock"), "run `make lock`"
