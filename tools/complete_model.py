"""Makes the rest of a model from its weights and model.onnx: model.int8.onnx, figures, card, model.json.

`python -m tools.complete_model fercli/models/article fer2013.csv.gz`; the network itself stays as it is.
"""

from __future__ import annotations

import sys
from pathlib import Path

from fercli.bundle import load_bundle
from fercli_training.data import Split, read_fer2013
from fercli_training.export import complete_bundle


def main(model: str, data: str) -> None:
    """Completes the model in a folder by a FER2013 file."""
    bundle = load_bundle(model)
    for name in bundle.files:
        bundle.verified(name)
    complete_bundle(bundle.folder, bundle.description, read_fer2013(Path(data), Split))


if __name__ == "__main__":
    main(*sys.argv[1:])
