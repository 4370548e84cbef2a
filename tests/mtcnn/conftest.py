"""The nets, loaded once for all tests of the cascade."""

from __future__ import annotations

import pytest

from fercli.mtcnn.nets import Nets, load_nets


@pytest.fixture(scope="session")
def nets() -> Nets:
    return load_nets(threads=1)
