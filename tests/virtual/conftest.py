"""One example for all tests: it is made once and never changed."""

from pathlib import Path

import pytest

from openigrt.virtual import EmbeddedExample, ExampleCase, example_case, write_embedded_example

SEED = 3


@pytest.fixture(scope="session")
def seed() -> int:
    return SEED


@pytest.fixture(scope="session")
def case() -> ExampleCase:
    return example_case(SEED)


@pytest.fixture(scope="session")
def example_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("example")


@pytest.fixture(scope="session")
def example(example_folder: Path) -> EmbeddedExample:
    return write_embedded_example(example_folder, SEED)
