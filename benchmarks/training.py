"""Compares the training loop with a bare loop of the same network, and bfloat16 and compiling with neither.

`python benchmarks/training.py --data fer2013.csv.gz --out benchmarks/results`; interleaved rounds in one
process, the medians and spreads of pictures a second. The loop augments, averages weights and writes its
journal; the bare loop does not.

`python benchmarks/training.py --ways --data ... --out ...` measures instead how long an epoch takes in each
precision, compiled and not, from some steps of each, and what `auto` takes here.
"""

from __future__ import annotations

import argparse
import itertools
import json
import platform
import resource
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional

from fercli.fer2013 import Pictures, Split, read_pictures
from fercli_torch.network import build_network
from fercli_training.compiling import compiler_cache
from fercli_training.computation import choose_computation
from fercli_training.hardware import find_hardware
from fercli_training.inputs import TrainingData
from fercli_training.learner import Learner, unit_range
from fercli_training.optimisation import make_optimiser
from fercli_training.processes import launch
from fercli_training.recipe_files import load_recipe
from fercli_training.run import TrainingRun

if TYPE_CHECKING:
    from fercli_training.recipe import Recipe

_RECIPES = ("article", "residual")
_PRECISIONS = ("bfloat16", "float32")


def main() -> None:
    """Measures, prints and writes training.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=25)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--ways", action="store_true", help="each precision, compiled and not")
    options = parser.parse_args()
    splits = read_pictures(options.data, Split)
    if options.ways:
        ways = measure_ways(splits[Split.TRAINING], options.rounds, options.steps)
        _write(ways, options.out / "training-ways.json")
        return
    rates: dict[str, list[float]] = {}
    for _ in range(options.rounds):
        for name in _RECIPES:
            for precision in _PRECISIONS:
                recipe = load_recipe(name, [f"precision={precision}", "epochs=1", "votes=0"])
                part = _part(splits[Split.TRAINING], options.steps * recipe.training.batch_size)
                rates.setdefault(f"{name} {precision} loop", []).append(_loop(recipe, part))
                rates.setdefault(f"{name} {precision} bare", []).append(_bare(recipe, part))
    report: dict[str, Any] = {
        "machine": f"{platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}",
        "pictures_a_second": {
            key: [min(values), statistics.median(values), max(values)] for key, values in rates.items()
        },
        "loop_over_bare": {
            f"{name} {precision}": _ratio(rates, f"{name} {precision} loop", f"{name} {precision} bare")
            for name in _RECIPES
            for precision in _PRECISIONS
        },
        "bfloat16_over_float32": {
            name: _ratio(rates, f"{name} bfloat16 loop", f"{name} float32 loop") for name in _RECIPES
        },
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    _write(report, options.out / "training.json")


def measure_ways(training: Pictures, rounds: int, steps: int) -> dict[str, Any]:
    """Seconds of an epoch's steps, estimated from some of them: [least, median, greatest] of the rounds.

    Every round takes some steps of each way in turn, so that other load on the machine affects all of them.
    """
    learners: dict[str, Learner] = {}
    first: dict[str, float] = {}
    seconds: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder, compiler_cache(Path(folder)):
        for name, precision, compiled in itertools.product(_RECIPES, _PRECISIONS, (False, True)):
            recipe = load_recipe(name)
            fabric = launch("cpu", precision, 1)
            key = f"{name} {precision}{' compiled' if compiled else ''}"
            learners[key] = Learner(recipe, fabric, compiled=compiled)
            started = time.perf_counter()
            _steps(learners[key], training, 2)
            first[key] = time.perf_counter() - started
            print(f"{key}: the first two steps took {first[key]:.1f} s", flush=True)
        for _ in range(rounds):
            for key, learner in learners.items():
                started = time.perf_counter()
                _steps(learner, training, steps)
                share = steps * learner.recipe.batch_size / len(training)
                seconds.setdefault(key, []).append((time.perf_counter() - started) / share)
    hardware = find_hardware(1)
    auto = {
        name: choose_computation(load_recipe(name), hardware, len(training), lambda: "")[1]
        for name in _RECIPES
    }
    return {
        "machine": f"{platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}",
        "auto": auto,
        "first_two_steps_s": first,
        "epoch_s": {key: [min(each), statistics.median(each), max(each)] for key, each in seconds.items()},
        "over_float32": {
            key: _ratio(seconds, key, f"{name} float32")
            for name in _RECIPES
            for key in seconds
            if key.startswith(f"{name} ")
        },
    }


def _steps(learner: Learner, training: Pictures, count: int) -> None:
    """Whole steps, augmentation included, of the recipe's batch size."""
    size = learner.recipe.batch_size
    targets = torch.nn.functional.one_hot(torch.from_numpy(training.labels), 7).float()
    for step in range(count):
        batch = slice(step * size, (step + 1) * size)
        pixels = torch.from_numpy(training.pixels[batch])[:, None]
        learner.learn(learner.variants(pixels, step), targets[batch], torch.ones(size), 1e-3)


def _write(report: dict[str, Any], path: Path) -> None:
    text = json.dumps(report, indent=1)
    path.write_text(text + "\n")
    print(text)


def _part(pictures: Pictures, count: int) -> Pictures:
    return Pictures(pictures.pixels[:count], pictures.labels[:count], pictures.rows[:count])


def _loop(recipe: Recipe, part: Pictures) -> float:
    """Pictures a second of fercli's own loop over an epoch, with its journal."""
    public = _part(part, recipe.training.batch_size)
    with tempfile.TemporaryDirectory() as folder:
        run = TrainingRun(recipe, TrainingData(part, public), Path(folder))
        started = time.perf_counter()
        rates: list[float] = []
        run.run(lambda progress: rates.append(progress.rate))
        whole = time.perf_counter() - started
    # The journal's and the evaluation's cost of an epoch, spread over a whole epoch of FER2013.
    steps = len(part) / rates[-1]
    outside = (whole - steps) * len(part) / _FER2013
    return len(part) / (steps + outside)


_FER2013 = 28_709


def _bare(recipe: Recipe, part: Pictures) -> float:
    """Pictures a second of forward, loss, backward and step on float tensors in memory."""
    network = build_network(recipe.architecture).to(memory_format=torch.channels_last)  # type: ignore[call-overload] # torch's stub lacks it
    optimiser = make_optimiser(network, recipe.training)
    pictures = unit_range(torch.from_numpy(part.pixels)[:, None])
    labels = torch.from_numpy(part.labels)
    size = recipe.training.batch_size
    network.train()
    started = time.perf_counter()
    for start in range(0, len(labels), size):
        batch = slice(start, start + size)
        with torch.autocast("cpu", torch.bfloat16, enabled=recipe.training.precision == "bfloat16"):
            logits = network(pictures[batch])
        loss = functional.cross_entropy(logits.float(), labels[batch])
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call] # torch's stub
        optimiser.step()
        loss.item()
    return len(labels) / (time.perf_counter() - started)


def _ratio(rates: dict[str, list[float]], one: str, other: str) -> list[float]:
    """Least, median and greatest ratio of the rounds."""
    ratios = [first / second for first, second in zip(rates[one], rates[other], strict=True)]
    return [min(ratios), statistics.median(ratios), max(ratios)]


if __name__ == "__main__":
    main()
