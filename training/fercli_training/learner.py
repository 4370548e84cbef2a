"""A network that learns: forward pass, loss, backward pass, optimiser and moving averages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from fercli.architecture import SIDE
from fercli.crop import to_unit_range
from fercli_torch.network import build_network
from fercli_training.augmentation import augment, shrunk
from fercli_training.compiling import compile_network
from fercli_training.optimisation import make_average, make_optimiser, weight_groups
from fercli_training.targets import distillation, losses, mix

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lightning_fabric import Fabric
    from numpy.typing import NDArray

    from fercli_training.recipe import Recipe

Weights = dict[str, torch.Tensor]
_EVALUATION_BATCH = 512


class Learner:
    """The network of a recipe, with its optimiser, its moving averages and its teachers.

    It begins with fresh weights, or with those of `start`, by their names.
    With `compiled`, a compiled network learns and compiled ones teach. `network` itself and the averages
    are not compiled.
    """

    def __init__(
        self,
        recipe: Recipe,
        fabric: Fabric,
        teachers: Sequence[nn.Module] = (),
        *,
        start: Mapping[str, torch.Tensor] | None = None,
        compiled: bool = False,
    ) -> None:
        torch.manual_seed(recipe.training.seed)
        self.recipe = recipe.training
        self.fabric = fabric
        network = build_network(recipe.architecture)
        if start is not None:
            # The count of batches is in no bundle; all other names and shapes have been checked.
            network.load_state_dict(start, strict=False)
        self.network = fabric.to_device(network.to(memory_format=torch.channels_last))  # type: ignore[call-overload] # torch's stub lacks it
        self.average = make_average(self.network, self.recipe.average_decay)
        self.teachers = [fabric.to_device(teacher.eval().requires_grad_(False)) for teacher in teachers]
        model = self.network
        if compiled:
            model = compile_network(model)
            self.teachers = [compile_network(teacher) for teacher in self.teachers]
        self.model, self.optimiser = fabric.setup(model, make_optimiser(self.network, self.recipe))
        self.generator = torch.Generator(fabric.device)

    def variants(self, pixels: torch.Tensor, seed: int) -> torch.Tensor:
        """Augmented pictures, float32 (N, 1, 48, 48), of uint8 ones; the seed is dropout's too."""
        self.generator.manual_seed(seed)
        torch.manual_seed(seed)
        return augment(unit_range(pixels), self.recipe, self.generator)

    def learn(
        self,
        pictures: torch.Tensor,
        targets: torch.Tensor,
        weights: torch.Tensor,
        rate: float,
        side: int = SIDE,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """One step.

        Args:
            pictures: float32 (N, 1, 48, 48).
            targets: float32 (N, 7).
            weights: float32 (N,), the weight of each picture's loss.
            rate: the learning rate.
            side: the network learns from pictures of this side; teachers see them whole.

        Returns:
            The mean loss, and the share of pictures whose answer is their target's highest.
        """
        self.model.train()
        if self.recipe.frozen_statistics:
            _keep_statistics(self.network)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        if self.recipe.mixup:
            pictures, targets = mix(pictures, targets, self.recipe.mixup, self.generator)
        logits = self.model(shrunk(pictures, side)).float()
        each = losses(logits, targets, self.recipe.loss)
        if self.teachers:
            share, answer = self.recipe.teacher, self._teachers_answer(pictures)
            far = distillation(logits, answer, self.recipe.teacher_temperature)
            each = (1 - share) * each + share * far
        loss = (each * weights).sum() / weights.sum()
        self.optimiser.zero_grad(set_to_none=True)
        self.fabric.backward(loss)
        self.optimiser.step()
        self.average.update_parameters(self.network)
        right = logits.argmax(1) == targets.argmax(1)
        return loss.detach(), right.float().mean()

    @torch.no_grad()
    def _teachers_answer(self, pictures: torch.Tensor) -> torch.Tensor:
        """The mean of the teachers' probabilities for the same augmented pictures: float32 (N, 7)."""
        with self.fabric.autocast():
            answers = [teacher(pictures).float() for teacher in self.teachers]
        softened = torch.stack(answers) / self.recipe.teacher_temperature
        return softened.softmax(2).mean(0)

    def answers(self, pixels: torch.Tensor, weights: Weights | None = None) -> NDArray[np.float32]:
        """Logits, float32 (N, 7), with the averaged weights or others, in evaluation mode and 32 bits.

        Args:
            pixels: uint8 (N, 1, 48, 48).
            weights: used instead of the averaged ones.
        """
        network = self.average.module.eval()
        if weights is not None:
            weights = {name: self.fabric.to_device(value) for name, value in weights.items()}
        parts = torch.split(pixels, _EVALUATION_BATCH)
        with torch.inference_mode():
            if weights is None:
                logits = [network(unit_range(part)) for part in parts]
            else:
                logits = [torch.func.functional_call(network, weights, unit_range(part)) for part in parts]
        return torch.cat(logits).cpu().numpy()

    def averaged_weights(self) -> Weights:
        """A copy of the moving averages of weights and statistics, on the CPU."""
        return {
            name: value.detach().cpu().clone() for name, value in self.average.module.state_dict().items()
        }

    def is_whole(self) -> bool:
        """Whether every weight is a finite number."""
        return all(bool(value.isfinite().all()) for value in self.network.state_dict().values())

    def state(self) -> dict[str, Any]:
        """The learner's part of a checkpoint."""
        return {
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Restores a checkpoint's state, but keeps the recipe's regularisation, which may have changed."""
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        wanted = weight_groups(self.network, self.recipe)
        for group, fresh in zip(self.optimiser.param_groups, wanted, strict=True):
            group["weight_decay"] = fresh["weight_decay"]


def _keep_statistics(network: nn.Module) -> None:
    """Batch normalisation uses its statistics as they are, until the network's mode is set anew."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            module.eval()


def unit_range(pixels: torch.Tensor) -> torch.Tensor:
    """Uint8 pixels as float32 in 0..1, exactly as in prediction."""
    if pixels.device.type == "cpu":
        return torch.from_numpy(to_unit_range(pixels.numpy()))
    return pixels.float() / np.iinfo(np.uint8).max
