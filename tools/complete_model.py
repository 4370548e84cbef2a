"""Makes the rest of a model from its weights and model.onnx: model.int8.onnx, metrics, card, model.json.

`python -m tools.complete_model fercli/models/article fer2013.csv.gz fer2013new.csv`, where the last file is
that of the FER+ votes; the network itself stays as it is.
"""

from __future__ import annotations

import sys
from pathlib import Path

from fercli.bundle import load_bundle
from fercli_training.export import complete_bundle
from fercli_training.inputs import RunInputs, read_inputs


def main(model: str, data: str, votes: str) -> None:
    """Completes the model in a folder by a FER2013 file and its votes."""
    bundle = load_bundle(model)
    for name in bundle.files:
        bundle.verified(name)
    _, dataset = read_inputs(RunInputs(Path(data), Path(votes)))
    complete_bundle(bundle.folder, bundle.description, dataset)


if __name__ == "__main__":
    if not sys.argv[3:]:
        sys.exit(__doc__)
    main(*sys.argv[1:])
