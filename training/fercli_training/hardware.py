"""The hardware of this machine, from which `computation` chooses."""

from __future__ import annotations

import os
import platform
import re
from dataclasses import dataclass
from pathlib import Path

import torch

from fercli.devices import usable_cores

_LINUX_PROCESSOR = Path("/proc/cpuinfo")


@dataclass(frozen=True, slots=True)
class Hardware:
    """The facts that decide which way of computing is fast.

    Attributes:
        device: `cpu` or `cuda`.
        instructions: the processor's instruction sets, as Linux and torch name them.
        limit: the value of ONEDNN_MAX_CPU_ISA, or nothing.
        onednn: whether torch has oneDNN, which it needs for fast bfloat16 on a CPU.
        gpu_bfloat16: whether the GPU computes in bfloat16.
        threads: how many torch uses.
    """

    device: str
    instructions: frozenset[str] = frozenset()
    limit: str = ""
    onednn: bool = True
    gpu_bfloat16: bool = False
    threads: int = 1


def find_hardware(processes: int) -> Hardware:
    """This machine's hardware, for a run with so many processes; a GPU if torch sees one."""
    gpu = torch.cuda.is_available()
    return Hardware(
        device="cuda" if gpu else "cpu",
        instructions=_instructions(),
        limit=os.environ.get("ONEDNN_MAX_CPU_ISA") or os.environ.get("DNNL_MAX_CPU_ISA", ""),
        onednn=torch.backends.mkldnn.is_available(),  # type: ignore[no-untyped-call] # torch's stub
        gpu_bfloat16=gpu and torch.cuda.is_bf16_supported(including_emulation=False),
        threads=usable_threads(processes),
    )


def usable_threads(processes: int) -> int:
    """Torch's threads for each of so many processes; torch itself ignores a container's quota."""
    return max(1, min(torch.get_num_threads(), usable_cores() // processes))


def _instructions() -> frozenset[str]:
    """The instruction sets, from torch, or if that is too old, from Linux; else none."""
    ask = getattr(torch.cpu, "get_capabilities", None)
    if ask is not None:
        return frozenset(name for name, there in ask().items() if there is True)
    return linux_instructions(_LINUX_PROCESSOR) if platform.system() == "Linux" else frozenset()


def linux_instructions(path: Path) -> frozenset[str]:
    """The first processor's `flags` (x86) or `Features` (Arm) in /proc/cpuinfo."""
    try:
        text = path.read_text("ascii", "replace")
    except OSError:
        return frozenset()
    match = re.search(r"^(?:flags|Features)\s*:(.*)$", text, re.MULTILINE)
    return frozenset(match[1].split()) if match else frozenset()
