#!/usr/bin/env bash
# Tests az:// against Azurite, which is a package of npm's and not of PyPI's, and gs:// beside it.
#
#     tools/azurite.sh PYTHON [OPTION OF PYTEST...]
#
# PYTHON is one of an environment with the extra dev. adlfs is installed into it, and Azurite into build/azurite.
set -euo pipefail
cd "$(dirname "$0")/.."
python=$(realpath -s "$1"); shift
azurite=$PWD/build/azurite/node_modules/.bin/azurite-blob
"$python" -m pip install -q -c constraints.txt adlfs
[ -x "$azurite" ] || npm install --silent --prefix build/azurite azurite
FERCLI_AZURITE=$azurite exec "$python" -m pytest -n 0 tests/sources/test_clouds.py "$@"
