#!/bin/sh
# Holds the committed goldens, and the detector `facenet`, to facenet-pytorch 2.6.0 itself:
#
#     tools/mtcnn/run_facenet.sh [ENVIRONMENT]
#
# ENVIRONMENT (default .venv-facenet) is made where it is missing, by Python 3.11 or 3.12: $PYTHON or python3.
set -eu
cd "$(dirname "$0")/../.."
environment=${1:-.venv-facenet}
if [ ! -x "$environment/bin/python" ]; then
    "${PYTHON:-python3}" -m venv "$environment"
    "$environment/bin/pip" install ".[facenet]" onnxruntime pytest hypothesis
fi
export PYTHONPATH="$PWD"
"$environment/bin/python" -m tools.mtcnn.make_goldens --check
exec "$environment/bin/python" -m pytest -W default tests/test_facenet.py
