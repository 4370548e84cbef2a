"""The devices of a run, through Lightning Fabric: one CPU or GPU, or several processes side by side."""

from __future__ import annotations

import logging
import os
import warnings
from typing import TYPE_CHECKING

import torch
from lightning_fabric import Fabric

from fercli.errors import DeviceError

if TYPE_CHECKING:
    from fercli_training.recipe import Training

_PRECISIONS = {"bfloat16": "bf16-mixed", "float32": "32-true"}


def launch(recipe: Training, devices: int) -> Fabric:
    """Starts the run's processes, of which this one is one.

    The GPUs are used where torch sees any, else the CPU. For several devices the program is started anew
    for each further one, with the same arguments.

    Raises:
        DeviceError: there are not as many GPUs.
    """
    accelerator = "cuda" if torch.cuda.is_available() else "cpu"
    if accelerator == "cuda" and devices > torch.cuda.device_count():
        raise DeviceError(
            f"--devices {devices}: torch sees {torch.cuda.device_count()} GPUs.", "Ask for fewer."
        )
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # remarks on this machine's libraries, not on the run
        fabric = Fabric(
            accelerator=accelerator,
            devices=devices,
            strategy="ddp" if devices > 1 else "auto",
            precision=_PRECISIONS[recipe.precision],  # type: ignore[arg-type] # one of its literals
        )
        fabric.launch()
    return fabric


def is_further() -> bool:
    """Whether this process was started by `launch` in another one, of the same command."""
    return os.environ.get("LOCAL_RANK", "0") != "0"


def leave(fabric: Fabric) -> None:
    """Ends the group of processes: its threads would abort a process that ends while they listen."""
    if fabric.world_size > 1:
        torch.distributed.destroy_process_group()
