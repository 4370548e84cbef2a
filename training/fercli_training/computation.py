"""How a run computes: in which precision, and compiled or not; `auto` takes what is fast here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fercli.architecture import ResidualArchitecture

if TYPE_CHECKING:
    from collections.abc import Callable

    from fercli_training.hardware import Hardware
    from fercli_training.recipe import Recipe

_BFLOAT16 = {"amx_bf16": "AMX", "avx512_bf16": "AVX512_BF16", "bf16": "Arm's BF16"}
"""The instruction sets for bfloat16, as Linux and torch name them. Other processors convert each number
first, which is several times slower than 32 bits."""

_LOWER = {
    "SSE41", "AVX", "AVX2", "AVX2_VNNI", "AVX2_VNNI_2", "AVX512_MIC", "AVX512_MIC_4OPS", "AVX512_CORE",
    "AVX512_CORE_VNNI",
}  # fmt: skip
"""Values of ONEDNN_MAX_CPU_ISA with which oneDNN, torch's library for convolutions, uses none of them."""

_AVX512 = {"avx512f", "avx512_f"}
"""Linux's name and torch's."""

_WORTHWHILE = 100_000
"""With so many pictures for each thread, over all epochs, a compiled run ends earlier. Compiling takes
about a minute on any processor, and saves less time with more threads."""


@dataclass(frozen=True, slots=True)
class Computation:
    """How a run computes.

    Attributes:
        device: `cpu` or `cuda`.
        precision: `bfloat16` or `float32`.
        compiled: whether the networks are compiled.
    """

    device: str
    precision: str
    compiled: bool

    def __str__(self) -> str:
        where = "the CPU" if self.device == "cpu" else "the GPU"
        return f"{self.precision} on {where}, {'compiled' if self.compiled else 'not compiled'}"


def choose_computation(
    recipe: Recipe, hardware: Hardware, pictures: int, fault: Callable[[], str]
) -> tuple[Computation, str]:
    """How to compute, from a recipe's `precision` and `compile`, and a sentence on it with the reasons.

    The whole length of a run counts, not the rest of it, so a run that is resumed chooses as before.

    Args:
        recipe: its training may say `auto`.
        hardware: of the run.
        pictures: how many an epoch has, on each device.
        fault: says why nothing can be compiled here, or nothing; called only if that matters.
    """
    precision, precision_reason = _precision(recipe.training.precision, hardware)
    compiled, compiled_reason = _compiled(recipe, hardware, precision, pictures, fault)
    taken = Computation(hardware.device, precision, compiled)
    reasons = "; ".join(filter(None, (precision_reason, compiled_reason)))
    return taken, f"Computes in {taken}{f' ({reasons})' if reasons else ''}."


def _precision(wanted: str, hardware: Hardware) -> tuple[str, str]:
    """`bfloat16` or `float32`, and for `auto` the reason."""
    if wanted != "auto":
        return wanted, ""
    if hardware.device == "cuda":
        there = hardware.gpu_bfloat16
        return ("bfloat16", "") if there else ("float32", "the GPU does not compute in bfloat16")
    names = [name for instruction, name in _BFLOAT16.items() if instruction in hardware.instructions]
    if not names or not hardware.onednn:
        return "float32", "the processor does not compute in bfloat16"
    if hardware.limit.upper() in _LOWER:
        return "float32", f"ONEDNN_MAX_CPU_ISA={hardware.limit} keeps {names[0]} unused"
    return "bfloat16", f"the processor has {names[0]}"


def _compiled(
    recipe: Recipe, hardware: Hardware, precision: str, pictures: int, fault: Callable[[], str]
) -> tuple[bool, str]:
    """Whether to compile, and for `auto` the reason if not.

    `auto` compiles where measurements show that it helps: `residual` in 32 bits with AVX2. With AVX-512 it
    gains a few hundredths, and `article` gets slower. Other processors and GPUs were not measured.
    """
    wanted = recipe.training.compile
    if wanted != "auto":
        return wanted is True, ""
    helps = (
        isinstance(recipe.architecture, ResidualArchitecture)
        and (hardware.device, precision) == ("cpu", "float32")
        and "avx2" in hardware.instructions
        and not _AVX512 & hardware.instructions
    )
    if not helps:
        return False, "compiling is not known to help here"
    if pictures * recipe.training.epochs < _WORTHWHILE * hardware.threads:
        return False, "the run is too short to gain the time of compiling back"
    reason = fault()
    return not reason, reason
