from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import sys
from fercli.bundle import load_bundle
from fercli.classifiers import load_classifiers
load_classifiers([load_bundle("default")], "openvino", "cpu", 1)
assert not [name for name in sys.modules if name.startswith("openvino_telemetry")]
{then}
"""


def test_nothing_is_reported_over_the_network() -> None:
    subprocess.run([sys.executable, "-c", SCRIPT.format(then="")], check=True)


def test_the_converter_of_models_can_still_be_imported_by_others() -> None:
    then = "import openvino.tools.ovc; assert openvino.tools.ovc.convert_model"
    subprocess.run([sys.executable, "-c", SCRIPT.format(then=then)], check=True)
