#!/usr/bin/env bash
# Trains candidates for the default model: wide teachers, then the small network, which learns from the labels,
# from FER+ votes and from the teachers' answers. The last line says where it is.
#
#     tools/train_default.sh DATA VOTES OUT [OPTION...]
#
# DATA is FER2013, VOTES FER+'s fer2013new.csv. Each run has a folder in OUT. Started again, it goes on where
# it stopped: finished runs stay, a run with a checkpoint is resumed. OPTIONs go to every `fercli train`:
#
#     tools/train_default.sh DATA VOTES OUT --set epochs=1                            # to try it
#     tools/train_default.sh DATA VOTES OUT --set batch_size=512 --set learning_rate=0.2  # on a GPU
#     nice -n 19 tools/train_default.sh DATA VOTES OUT                                # behind other work
#
# FERCLI names another fercli than the one on the path.
set -euo pipefail
if [ $# -lt 3 ]; then
    sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2
    exit 2
fi
data=$1 votes=$2 out=$3
shift 3
fercli=${FERCLI:-fercli}

train() { # NAME OPTION...
    local run=$out/$1 resume=
    shift
    if [ -e "$run/model/model.json" ]; then return; fi
    if [ -e "$run/checkpoint.pt" ]; then resume=--resume; fi
    echo "$run" >&2
    "$fercli" train residual --data "$data" --ferplus "$votes" --out "$run" $resume "$@"
}

wide=(
    --set architecture.stem=48
    --set 'architecture.stages=[[72, 1], [120, 2], [240, 2], [480, 1]]'
    --set architecture.dropout=0.4
)
train teacher-1 "${wide[@]}" --set seed=11 "$@"
train teacher-2 "${wide[@]}" --set seed=12 "$@"
train student --teacher "$out/teacher-1" --teacher "$out/teacher-2" \
    --set teacher=0.5 --set teacher_temperature=2 --set epochs=200 --set seed=1 "$@"
"$fercli" evaluate "$out/student" --data "$data" --ferplus "$votes" --split public
echo "$out/student/model"
