#!/usr/bin/env bash
# Plants small faults in modules of fercli_training and fercli.evaluation, one at a time, and lists those
# that no test notices.
#
#     tools/mutate.sh PYTHON MODULE... [-- TEST...]
#
# PYTHON is one of an environment with the extra dev and mutmut. Without tests, each module's own test_MODULE.py
# is run. All happens in a copy, build/mutants.
set -euo pipefail
cd "$(dirname "$0")/.."
python=$(realpath -s "$1"); shift
modules=() tests=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do modules+=("$1"); shift; done
if [ $# -gt 0 ]; then shift; tests=("$@"); fi
if [ ${#tests[@]} -eq 0 ]; then
    for module in "${modules[@]}"; do
        for file in tests/{training,evaluation}/test_$module.py; do
            if [ -f "$file" ]; then tests+=("$file"); fi
        done
    done
fi
copy=build/mutants
rm -rf $copy
mkdir -p $copy/src
cp -r fercli training/fercli_training $copy/src/  # mutmut accepts no other name for the folder of sources
files=()
for module in "${modules[@]}"; do
    for file in fercli_training/$module.py fercli/evaluation/$module.py; do
        if [ -f "$copy/src/$file" ]; then files+=("src/$file"); fi
    done
done
cp -r tests samples pyproject.toml $copy/
# What the tests import late: once here, and not once more in the process of each fault.
cat > $copy/src/imported_early.py <<END
import sys
import types
sys.modules["tensorboard.compat.notf"] = types.ModuleType("notf")
import PIL.Image
import torch.utils.tensorboard
PIL.Image.init()
END
quoted() { printf '"%s", ' "$@"; }
cat >> $copy/pyproject.toml <<END

[tool.mutmut]
source_paths = ["src"]
only_mutate = [$(quoted "${files[@]}")]
pytest_add_cli_args_test_selection = [$(quoted "${tests[@]}")]
pytest_add_cli_args = [
    "-n0", "-p", "imported_early", "-p", "no:cacheprovider", "-W", "ignore::DeprecationWarning",
    "-p", "no:unraisableexception",  # which collects garbage ten times, longer than most tests take
]
process_isolation = "forkserver"
also_copy = ["src", "samples"]
END
cd $copy
export OMP_NUM_THREADS=1
nice -n 19 "$python" -m mutmut run
"$python" -m mutmut results
