"""The devices of a run, through Lightning Fabric: one CPU or GPU, or several processes side by side."""

from __future__ import annotations

import logging
import os
import sys
import warnings

import torch
from lightning_fabric import Fabric

from fercli.errors import DeviceError
from fercli_training.hardware import usable_threads

_PRECISIONS = {"bfloat16": "bf16-mixed", "float32": "32-true"}


def launch(accelerator: str, precision: str, devices: int) -> Fabric:
    """Starts the run's processes, of which this one is one.

    For every further device the program is started once more, with the same arguments.

    Args:
        accelerator: `cpu` or `cuda`.
        precision: `bfloat16` or `float32`.
        devices: how many GPUs, or processes on the CPU.

    Raises:
        DeviceError: there are fewer GPUs.
    """
    if accelerator == "cuda" and devices > torch.cuda.device_count():
        raise DeviceError(
            f"--devices {devices}: torch sees {torch.cuda.device_count()} GPUs.", "Ask for fewer."
        )
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # they are about this machine's libraries, not about the run
        fabric = Fabric(
            accelerator=accelerator,
            devices=devices,
            strategy="ddp" if devices > 1 else "auto",
            precision=_PRECISIONS[precision],  # type: ignore[arg-type] # one of its literals
        )
        fabric.launch()
    torch.set_num_threads(usable_threads(devices))
    return fabric


def is_further() -> bool:
    """Whether `launch` in another process of the same command started this one."""
    return os.environ.get("LOCAL_RANK", "0") != "0"


def leave(fabric: Fabric) -> None:
    """Leaves the group of processes, whose listening threads would abort a process at its end.

    A further process that was not interrupted has nothing left to do and ends here. If it took its network
    apart, gloo would sometimes wait for ever for a thread that waits for Python (torch 2.13).
    """
    if fabric.world_size > 1:
        torch.distributed.destroy_process_group()
        if not fabric.is_global_zero and sys.exc_info()[1] is None:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(0)
