"""One training run in one folder: how it computes, where it continues, and what it writes."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from fercli.errors import FercliError, UsageError
from fercli.interruption import deferred
from fercli_training.checkpoint import (
    FILE,
    fingerprint,
    foreign_checkpoint,
    load_checkpoint,
    save_checkpoint,
)
from fercli_training.compiling import compiler_cache, compiling_fault, remove_compiled, require_compiling
from fercli_training.computation import Computation, choose_computation
from fercli_training.hardware import find_hardware
from fercli_training.journal import Journal
from fercli_training.learner import Learner
from fercli_training.optimisation import learning_rate
from fercli_training.processes import launch, leave
from fercli_training.progress import Progress, RateMeter
from fercli_training.snapshots import (
    Candidate,
    compare_means,
    keep_snapshots,
    load_snapshots,
    mix_with_start,
    save_snapshot,
)
from fercli_training.start import origin_of, require_same_origin
from fercli_training.trainer import NotFiniteError, Trainer, require_pictures

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from fercli.interruption import Interruption
    from fercli_training.inputs import TrainingData
    from fercli_training.recipe import Recipe


class DivergedError(FercliError):
    """The loss, or a weight, became NaN or infinite."""


class TrainingRun:
    """One run in one folder, which gets `checkpoint.pt`, `metrics.jsonl` and TensorBoard's files.

    The moving averages of the weights (and of batch normalisation's statistics) are what is evaluated
    and kept, as in the article.

    Raises:
        UsageError: too few pictures to train on.
        UnavailableError: the networks are to be compiled and cannot be.
        DeviceError: there are fewer devices.

    Attributes:
        computation: how it computes.
        summary: the same as a sentence, with the reasons, and with what changed since an earlier run.
        computed: how the run computed from which epoch on, as model.json tells it.
        origin: the model that the network started from; None for fresh weights.
        best: the best epoch on PublicTest so far; epoch 0 is the model that the network started from.
    """

    def __init__(self, recipe: Recipe, data: TrainingData, folder: Path, devices: int = 1) -> None:
        require_pictures(data.training, devices)
        self.recipe = recipe
        self.folder = folder
        hardware = find_hardware(devices)
        self.computation, self.summary = choose_computation(
            recipe, hardware, len(data.training) // devices, lambda: compiling_fault(folder)
        )
        if recipe.training.compile is True:
            require_compiling(folder)
        self.computed = [{"from_epoch": 1, **asdict(self.computation)}]
        self.fabric = launch(hardware.device, self.computation.precision, devices)
        start = data.start
        self.origin = None if start is None else start.origin
        self._start = None if start is None else start.weights
        self.learner = Learner(
            recipe,
            self.fabric,
            data.teachers,
            start=None if start is None else start.weights,
            compiled=self.computation.compiled,
        )
        self.trainer = Trainer(recipe.training, self.learner, data, self.fabric)
        self.best = Candidate("best epoch", (), (), 0.0)
        self._fingerprint = fingerprint(data.training, data.public)

    @property
    def is_main_process(self) -> bool:
        """Whether this is the process that writes and reports."""
        return self.fabric.is_global_zero

    def has_checkpoint(self) -> bool:
        """Whether the folder has a checkpoint to continue from."""
        return (self.folder / FILE).is_file()

    def resume(self) -> None:
        """Continues from the folder's checkpoint, with the same numbers as a run without interruption.

        Raises:
            UsageError: there is no checkpoint, it is broken, or it belongs to another architecture, to
                other data, or to a run that started from another model than the given one.
        """
        state = load_checkpoint(self.folder)
        if state["architecture"] != self.recipe.architecture.description():
            raise UsageError(
                f"The checkpoint in {self.folder} is of another architecture than the recipe's.",
                "Resume with the recipe that it was started with, or choose another --out.",
            )
        try:
            if state["data"] != self._fingerprint:
                raise UsageError(
                    f"The checkpoint in {self.folder} was made from other pictures, or in another order.",
                    "Resume with the data that it was started with, or choose another --out.",
                )
            begun = origin_of(state.get("origin"))
            require_same_origin(begun, self.origin, self.folder)
            self.origin = begun
            self.trainer.restore(state)
            self.best = Candidate(**state["best"])
            self._continue(state["computed"])
        except (IndexError, KeyError, RuntimeError, TypeError, ValueError) as error:
            raise foreign_checkpoint(self.folder / FILE) from error

    def _continue(self, computed: list[dict[str, Any]]) -> None:
        """Notes how the run computed so far, and says so where that changes."""
        last = Computation(**{name: value for name, value in computed[-1].items() if name != "from_epoch"})
        self.computed = list(computed)
        if last != self.computation:
            self.summary += f" Until now the run computed in {last}: from here the numbers differ a little."
            self.computed.append({"from_epoch": self.trainer.epoch + 1, **asdict(self.computation)})

    def run(self, report: Callable[[Progress], None]) -> list[Candidate]:
        """Trains for what is left of the epochs.

        Args:
            report: is told where the run stands after every step.

        Returns:
            The best epoch's averaged weights, and where there are several snapshots, their means; only the
            mean with the start's weights if the recipe has `start_share`; nothing in a process that is not
            the main one.

        Raises:
            DivergedError: the loss became NaN or infinite; the last good checkpoint is kept.
            ReportError: a checkpoint or metrics.jsonl cannot be written.
            KeyboardInterrupt: a signal asked for the end; where the run stands has been saved.
        """
        journal = None
        if self.is_main_process:
            if self.origin is not None and not self.best.networks:
                self._measure_start()
            journal = Journal(self.folder, self.trainer.epoch, self.learner)
            keep_snapshots(self.folder, self.trainer.epoch, self.recipe.training.snapshots)
        try:
            with deferred() as interruption, compiler_cache(self.folder):
                while not self._is_done():
                    rate = self._train_epoch(report, interruption)
                    self._end_epoch(rate, journal)
        except NotFiniteError as error:
            raise self._diverged(str(error)) from error
        finally:
            if journal is not None:
                journal.close()
            leave(self.fabric)
        if not self.is_main_process:
            return []
        remove_compiled(self.folder)
        public = self.trainer.public_pixels, self.trainer.public_labels
        snapshots, share = load_snapshots(self.folder), self.recipe.training.start_share
        if share and self._start is not None:
            return [mix_with_start(snapshots, self._start, share, self.learner, *public)]
        return [self.best, *compare_means(snapshots, self.learner, *public)]

    def _is_done(self) -> bool:
        """Whether all epochs are done, or the recipe's patience is at its end."""
        recipe, epoch = self.recipe.training, self.trainer.epoch
        waited = epoch - max(self.best.epochs, default=epoch)
        # Only the main process knows the best epoch, and all have to stop after the same one.
        return epoch >= recipe.epochs or self.trainer.any_process(0 < recipe.patience <= waited)

    def _measure_start(self) -> None:
        """Makes the start the best epoch so far, so that training cannot make the result worse."""
        labels, answers = self.trainer.public_answers()
        weights = self.learner.averaged_weights()
        self.best = Candidate("best epoch", (0,), (weights,), float((answers == labels).mean()))

    def _train_epoch(
        self, report: Callable[[Progress], None], interruption: Callable[[], Interruption | None]
    ) -> float:
        """Trains for the rest of an epoch; returns pictures a second."""
        trainer, meter, rate = self.trainer, RateMeter(), 0.0
        for _ in trainer.train_epoch():
            # All processes have to stop after the same step.
            if trainer.any_process(interruption() is not None):
                self._save()
                raise interruption() or KeyboardInterrupt
            rate = meter.count(trainer.batch)
            if self.is_main_process:
                report(self._progress(rate))
        return rate

    def _end_epoch(self, rate: float, journal: Journal | None) -> None:
        """Evaluates, keeps what is best, and writes everything down."""
        loss, accuracy = self.trainer.end_epoch()
        if journal is None:
            return
        recipe, epoch = self.recipe.training, self.trainer.epoch
        labels, answers = self.trainer.public_answers()
        public = float((answers == labels).mean())
        if public > self.best.public_accuracy or not self.best.networks:
            self.best = Candidate("best epoch", (epoch,), (self.learner.averaged_weights(),), public)
        if epoch % recipe.snapshot_interval == 0:
            save_snapshot(self.folder, epoch, self.learner.averaged_weights(), recipe.snapshots)
        self._save()
        metrics = {
            "learning_rate": learning_rate(recipe, epoch - 1 / (2 * self.trainer.steps)),
            "loss": loss,
            "accuracy": accuracy,
            "public_accuracy": public,
            "pictures_a_second": rate,
        }
        journal.write(epoch, asdict(self.computation), metrics, self.trainer.sheet(), labels, answers)

    def _progress(self, rate: float) -> Progress:
        trainer = self.trainer
        return Progress(
            self.recipe.name, trainer.epoch + 1, self.recipe.training.epochs, trainer.step, trainer.steps,
            *trainer.means, rate, self.best.public_accuracy,
        )  # fmt: skip

    def _save(self) -> None:
        if not self.is_main_process:
            return
        state: dict[str, Any] = {
            "architecture": self.recipe.architecture.description(),
            "data": self._fingerprint,
            "computed": self.computed,
            "best": asdict(self.best),
            "origin": None if self.origin is None else asdict(self.origin),
        }
        save_checkpoint(self.folder, state | self.trainer.state())

    def _diverged(self, what: str) -> DivergedError:
        remedy = "Lower the learning rate, for instance --set learning_rate=0.0003"
        if self.trainer.epoch == 0:
            return DivergedError(f"{what}; there is no checkpoint yet.", f"{remedy}.")
        kept = f"the checkpoint of epoch {self.trainer.epoch} is kept in {self.folder}"
        return DivergedError(f"{what}; {kept}.", f"{remedy}, and use --resume.")
