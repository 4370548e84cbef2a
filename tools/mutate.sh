#!/usr/bin/env bash
# Plants small faults in modules of fercli_training, one at a time, and lists those that no test notices.
#
#     tools/mutate.sh PYTHON MODULE... [-- TEST...]
#
# PYTHON is one of an environment with the extra dev and mutmut. Without tests, tests/training/test_MODULE.py
# and test_learner.py are run. All happens in a copy, build/mutants.
set -euo pipefail
cd "$(dirname "$0")/.."
python=$(realpath -s "$1"); shift
modules=() tests=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do modules+=("$1"); shift; done
if [ $# -gt 0 ]; then shift; tests=("$@"); fi
if [ ${#tests[@]} -eq 0 ]; then
    tests=(tests/training/test_learner.py)
    for module in "${modules[@]}"; do
        file=tests/training/test_$module.py
        if [ -f "$file" ] && [ "$file" != "${tests[0]}" ]; then tests+=("$file"); fi
    done
fi
copy=build/mutants
rm -rf $copy
mkdir -p $copy/src
cp -r training/fercli_training $copy/src/  # mutmut accepts no other name for the folder of sources
cp -r tests samples pyproject.toml $copy/
quoted() { printf '"%s", ' "$@"; }
cat >> $copy/pyproject.toml <<END

[tool.mutmut]
source_paths = ["src"]
only_mutate = [$(quoted "${modules[@]/%/.py}" | sed 's|"\([^"]*\)"|"src/fercli_training/\1"|g')]
pytest_add_cli_args_test_selection = [$(quoted "${tests[@]}")]
pytest_add_cli_args = ["-n0", "-p", "no:cacheprovider", "-W", "ignore::DeprecationWarning"]
process_isolation = "forkserver"
also_copy = ["src/fercli_training", "samples"]
END
cd $copy
export OMP_NUM_THREADS=1
nice -n 19 "$python" -m mutmut run
"$python" -m mutmut results
