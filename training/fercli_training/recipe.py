"""A recipe: everything that decides how a network is trained, as typed values."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from fercli.errors import UsageError, did_you_mean
from fercli.records import EXPRESSIONS

if TYPE_CHECKING:
    from fercli.architecture import Architecture

_LARGEST = 1e30
"""The largest factor of an optimiser, which keeps products in the range of 32-bit floats."""

_CHOICES = {
    "optimiser": ("adam", "sgd"),
    "schedule": ("exponential", "cosine"),
    "loss": ("cross_entropy", "squared_hinge"),
    "precision": ("auto", "bfloat16", "float32"),
    "compile": ("auto", "true", "false"),
}
_SHARES = (
    "label_smoothing", "votes", "teacher",
    "flip", "shift", "brightness", "contrast", "erasing", "text", "watermark", "small_epochs",
    "start_share",
)  # fmt: skip
_FACTORS = ("learning_rate_floor", "weight_decay", "dense_l2", "mixup", "rotation", "scale")
_AT_LEAST = {
    "epochs": 1, "batch_size": 2, "cycles": 1, "patience": 0, "snapshots": 1, "snapshot_interval": 1,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """How a network is trained. An entry that a recipe leaves out has its default, which is off or usual.

    Attributes:
        epochs: how often the network sees every picture.
        batch_size: pictures a step, on each device.
        learning_rate: the highest one of the run.
        optimiser: `adam`, or `sgd` (with Nesterov momentum).
        momentum: `sgd`'s.
        schedule: `exponential` (a factor an epoch, down to a floor) or `cosine` (to 0 at the end).
        learning_rate_decay: the factor of `exponential`.
        learning_rate_floor: the least rate of `exponential`.
        warmup: the share of a `cosine` in which the rate first rises from 0.
        cycles: how many `cosine` schedules follow one another (Huang et al., "Snapshot Ensembles", 2017).
        weight_decay: L2 on the weights of convolutions and dense layers, in the gradient.
        dense_l2: additional L2 on dense layers, as in the article.
        average_decay: the decay of the moving averages of the weights, a step.
        frozen_statistics: whether batch normalisation keeps the statistics of the model that the network
            starts from, because a few hundred photos would make them worse.
        patience: how many epochs without a better one on PublicTest end the run; 0 for never.
        loss: `cross_entropy`, or `squared_hinge` (Tang, "Deep Learning using Linear SVMs", 2013).
        class_weights: the weight of a picture's loss, by its expression; 1 if not named.
        label_smoothing: the share of a target that is spread evenly (Szegedy et al., 2016).
        votes: the share of the FER+ votes in a target (Barsoum et al., 2016), for pictures that have any.
        teacher: the share of the loss that compares with the teachers' answers (Hinton et al., 2015).
        teacher_temperature: divides the teachers' and the network's logits for that comparison.
        mixup: alpha of the Beta distribution for mixing pictures (Zhang et al., 2018); 0 is off.
        flip: the probability that a picture is mirrored.
        rotation: the largest turn either way, in degrees.
        shift: the largest shift either way, as a share of the side.
        scale: the largest exponent of e, either way, of the factor by which a picture grows or shrinks.
        centre_crop: the share of every picture's side that is kept, and enlarged to the whole.
        brightness: the largest change of the grey levels, of 1, either way.
        contrast: the largest change of the contrast, as a share, either way.
        erasing: the probability that a rectangle is painted over (Zhong et al., 2020).
        text: the probability that a line of opaque text is laid over a picture.
        watermark: the same for faint text.
        small_epochs: the share of the epochs, from the first on, in which the network learns from pictures
            shrunk to 32x32, at less than half of the cost (Tan and Le, "EfficientNetV2", 2021: progressive
            learning). It is evaluated on whole ones, and teachers see whole ones.
        snapshots: how many of the last snapshots of the averaged weights are kept, and averaged at the end.
        snapshot_interval: epochs from one snapshot to the next.
        start_share: the share of the start's weights in the model; the rest is the mean of the snapshots'
            (Wortsman et al., "Robust Fine-Tuning of Zero-Shot Models", 2022). If not 0, this mean is the
            model, whatever is best on PublicTest: it keeps what the start knows of other photos.
        seed: for all random numbers.
        precision: `bfloat16`, `float32`, or `auto`: bfloat16 if the processor or the GPU computes in it.
            Weights always have 32 bits.
        compile: whether torch.compile compiles the networks for this machine; `auto`: if that is known to
            help, there is a compiler, and the run is long enough to gain the time back.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    optimiser: str = "adam"
    momentum: float = 0.9
    schedule: str = "exponential"
    learning_rate_decay: float = 1.0
    learning_rate_floor: float = 0.0
    warmup: float = 0.0
    cycles: int = 1
    weight_decay: float = 0.0
    dense_l2: float = 0.0
    average_decay: float = 0.0
    frozen_statistics: bool = False
    patience: int = 0
    loss: str = "cross_entropy"
    class_weights: dict[str, float] = field(default_factory=dict)
    label_smoothing: float = 0.0
    votes: float = 0.0
    teacher: float = 0.0
    teacher_temperature: float = 1.0
    mixup: float = 0.0
    flip: float = 0.0
    rotation: float = 0.0
    shift: float = 0.0
    scale: float = 0.0
    centre_crop: float = 1.0
    brightness: float = 0.0
    contrast: float = 0.0
    erasing: float = 0.0
    text: float = 0.0
    watermark: float = 0.0
    small_epochs: float = 0.0
    snapshots: int = 1
    snapshot_interval: int = 1
    start_share: float = 0.0
    seed: int = 1
    precision: str = "auto"
    compile: bool | str = "auto"

    def __post_init__(self) -> None:
        """Refuses impossible values.

        Raises:
            UsageError: an entry is out of its range, or not one of its choices (the nearest is named).
        """
        for name, least in _AT_LEAST.items():
            self._require(name, getattr(self, name) >= least, f"at least {least}")
        for name in ("learning_rate", "teacher_temperature"):
            self._require(name, 0 < getattr(self, name) <= _LARGEST, f"above 0, at most {_LARGEST:g}")
        for name in ("learning_rate_decay", "centre_crop"):
            self._require(name, 0 < getattr(self, name) <= 1, "above 0, at most 1")
        for name in _FACTORS:
            self._require(name, 0 <= getattr(self, name) <= _LARGEST, f"0 or more, at most {_LARGEST:g}")
        for name in ("average_decay", "momentum", "warmup"):
            self._require(name, 0 <= getattr(self, name) < 1, "0 or more, below 1")
        for name in _SHARES:
            self._require(name, 0 <= getattr(self, name) <= 1, "0 to 1")
        self._require("seed", 0 <= self.seed < 2**63, "0 or more, below 2**63")
        for name, choices in _CHOICES.items():
            value = getattr(self, name)
            self._require_choice(name, str(value).lower() if isinstance(value, bool) else value, choices)
        for expression, weight in self.class_weights.items():
            self._require_choice("class_weights", expression, EXPRESSIONS)
            self._require("class_weights", 0 < weight <= _LARGEST, f"above 0, at most {_LARGEST:g}")

    def _require(self, name: str, holds: bool, rule: str) -> None:
        if not holds:
            raise UsageError(f"The recipe's {name} is {getattr(self, name)!r}; it must be {rule}.")

    def _require_choice(self, name: str, value: str, choices: tuple[str, ...]) -> None:
        if value not in choices:
            remedy = did_you_mean(value, choices) or f"Choose one of {', '.join(choices)}."
            raise UsageError(f"The recipe's {name} has no {value!r}.", remedy)


@dataclass(frozen=True, slots=True)
class Recipe:
    """A name, the network's architecture, and how it is trained."""

    name: str
    architecture: Architecture
    training: Training

    def __post_init__(self) -> None:
        """Refuses smaller pictures for a network that cannot read them.

        Raises:
            UsageError: the recipe has `small_epochs`, and its network takes pictures of only one size.
        """
        if self.training.small_epochs and not self.architecture.ANY_SIDE:
            raise UsageError(
                f"The recipe's small_epochs is {self.training.small_epochs!r}, and the network"
                f" {self.architecture.NAME} takes pictures of only one size.",
                "Leave it out, or choose the architecture residual.",
            )

    def as_dict(self) -> dict[str, Any]:
        """The recipe as plain values, for a bundle's provenance."""
        return {
            "name": self.name,
            "architecture": self.architecture.description(),
            "training": asdict(self.training),
        }
