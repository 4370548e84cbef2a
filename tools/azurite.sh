#!/bin/sh
# Tests az:// against Azurite, which npm has and PyPI has not: tools/azurite.sh .venv-tests/bin/python
# Installs adlfs into that environment, and Azurite into build/azurite; what follows goes to pytest.
set -e
python=${1:?names no Python: give that of the environment for the tests}
shift
"$python" -m pip install -q -c constraints.txt adlfs
[ -e build/azurite/node_modules/.bin/azurite-blob ] || npm install --silent --prefix build/azurite azurite
FERCLI_AZURITE=$PWD/build/azurite/node_modules/.bin/azurite-blob
export FERCLI_AZURITE
exec "$python" -m pytest -n 0 tests/sources/test_clouds.py "$@"
