#!/usr/bin/env bash
# Runs a command as on a processor that has AVX2 and nothing above it, as far as libraries can be told to:
#   tools/as_on_avx2.sh .venv-tests/bin/pytest tests/mtcnn
set -euo pipefail

export OPENCV_CPU_DISABLE=AVX512-SKX                            # OpenCV: decoding, resizing, warping
export NPY_DISABLE_CPU_FEATURES="X86_V4 AVX512_ICL AVX512_SPR"  # NumPy's own loops
export OPENBLAS_CORETYPE=Haswell                                # NumPy's matrix products
export ONEDNN_MAX_CPU_ISA=AVX2                                  # oneDNN: torch, OpenVINO, TensorFlow
export ATEN_CPU_CAPABILITY=avx2                                 # torch's own loops
# ONNX Runtime cannot be told. An emulated processor can: qemu-x86_64 -cpu Haswell python -m pytest -n 0 ...
exec "$@"
