import json
import os
import platform
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from fercli.architecture import Architecture, ArticleArchitecture, ResidualArchitecture
from fercli.errors import UnavailableError, UsageError
from fercli.fer2013 import Pictures, Split
from fercli_training import hardware as hardware_module
from fercli_training.checkpoint import load_checkpoint, save_checkpoint
from fercli_training.compiling import compiling_fault
from fercli_training.computation import Computation, choose_computation
from fercli_training.hardware import Hardware, find_hardware, linux_instructions, usable_threads
from fercli_training.inputs import TrainingData
from fercli_training.recipe import Recipe, Training
from fercli_training.recipe_files import load_recipe
from fercli_training.run import TrainingRun
from tests.conftest import Run
from tests.fer2013.made_up import ONE_THREAD

Splits = dict[Split, Pictures]
MANY = 10**9
ARCHITECTURES: dict[str, Architecture] = {
    "article": ArticleArchitecture(),
    "residual": ResidualArchitecture(32, ((48, 1),), 0.3),
}


def recipe(architecture: str = "residual", **values: Any) -> Recipe:
    training = Training(epochs=10, batch_size=2, learning_rate=0.1, **values)
    return Recipe("any", ARCHITECTURES[architecture], training)


def hardware(*instructions: str, **facts: Any) -> Hardware:
    return Hardware(**{"device": "cpu", "instructions": frozenset(instructions)} | facts)


def chosen(
    machine: Hardware, pictures: int = 10, fault: str = "", **values: Any
) -> tuple[Computation, str]:
    return choose_computation(recipe(**values), machine, pictures, lambda: fault)


@pytest.mark.parametrize(
    ("machine", "precision", "reason"),
    [
        (hardware("avx512f", "avx512_bf16"), "bfloat16", "the processor has AVX512_BF16"),
        (hardware("avx512_bf16", "amx_bf16"), "bfloat16", "the processor has AMX"),
        (hardware("bf16", "asimd"), "bfloat16", "the processor has Arm's BF16"),
        (hardware("avx2"), "float32", "the processor does not compute in bfloat16"),
        (hardware("avx2", "avx512_vnni"), "float32", "the processor does not compute in bfloat16"),
        (hardware("asimd", "sve"), "float32", "the processor does not compute in bfloat16"),
        (hardware(), "float32", "the processor does not compute in bfloat16"),
        (hardware("bf16", onednn=False), "float32", "the processor does not compute in bfloat16"),
        (hardware("avx512_bf16", limit="AVX2"), "float32", "ISA=AVX2 keeps AVX512_BF16 unused"),
        (hardware("amx_bf16", limit="avx512_core"), "float32", "=avx512_core keeps AMX unused"),
        (hardware("avx512_bf16", limit="AVX512_CORE_BF16"), "bfloat16", "the processor has AVX512_BF16"),
        (hardware("avx512_bf16", limit="DEFAULT"), "bfloat16", "the processor has AVX512_BF16"),
        (hardware("avx512_bf16", device="cuda"), "float32", "the GPU does not compute in bfloat16"),
        (hardware(device="cuda", gpu_bfloat16=True), "bfloat16", "bfloat16 on the GPU"),
    ],
)  # fmt: skip
def test_auto_takes_bfloat16_where_the_processor_computes_in_it(
    machine: Hardware, precision: str, reason: str
) -> None:
    taken, told = chosen(machine, precision="auto")
    assert taken.precision == precision
    assert told.startswith(f"Computes in {precision} on the ")
    assert reason in told


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("machine", [hardware("avx2"), hardware("avx512_bf16"), hardware(device="cuda")])
def test_a_precision_that_is_named_is_taken(precision: str, machine: Hardware) -> None:
    taken, _ = chosen(machine, precision=precision)
    assert taken.precision == precision


@pytest.mark.parametrize(
    ("machine", "pictures", "fault", "compiled", "reason"),
    [
        (hardware("avx2"), MANY, "", True, "compiled"),
        (hardware("avx2"), MANY, "there is no C++ compiler g++", False, "there is no C++ compiler g++"),
        (hardware("avx2"), 9_999, "", False, "the run is too short to gain the time of compiling back"),
        (hardware("avx2"), 10_000, "", True, "compiled"),
        (hardware("avx2", threads=2), 19_999, "", False, "the run is too short"),
        (hardware("avx2", threads=2), 20_000, "", True, "compiled"),
        (hardware("avx2", "avx512f"), MANY, "", False, "compiling is not known to help here"),
        (hardware("avx2", "avx512_f"), MANY, "", False, "compiling is not known to help here"),
        (hardware("asimd"), MANY, "", False, "compiling is not known to help here"),
        (hardware("avx2", device="cuda"), MANY, "", False, "compiling is not known to help here"),
    ],
)
def test_auto_compiles_where_that_works_and_pays(
    machine: Hardware, pictures: int, fault: str, compiled: bool, reason: str
) -> None:
    taken, told = chosen(machine, pictures, fault, compile="auto")
    assert taken.compiled == compiled
    assert reason in told
    for wanted in (True, False):
        assert chosen(machine, pictures, fault, compile=wanted)[0].compiled is wanted


def test_what_does_not_gain_is_not_compiled() -> None:
    for values in ({"architecture": "article"}, {"precision": "bfloat16"}):
        taken, told = chosen(hardware("avx2"), MANY, **values)
        assert not taken.compiled
        assert "compiling is not known to help here" in told


def test_a_short_run_does_not_even_try_to_compile() -> None:
    def fault() -> str:
        raise AssertionError

    choose_computation(recipe(), hardware("avx2"), 10, fault)


@pytest.mark.parametrize(
    ("text", "there"),
    [
        ("processor\t: 0\nflags\t\t: fpu avx2 avx512_bf16\nbugs\t: x\n", {"fpu", "avx2", "avx512_bf16"}),
        ("processor\t: 0\nFeatures\t: fp asimd bf16\n\nprocessor\t: 1\n", {"fp", "asimd", "bf16"}),
        ("processor\t: 0\nuarch\t: sifive\n", set()),
        ("", set()),
    ],
)
def test_linux_tells_the_instructions(text: str, there: set[str], tmp_path: Path) -> None:
    (tmp_path / "cpuinfo").write_text(text)
    assert linux_instructions(tmp_path / "cpuinfo") == there


def test_a_system_that_tells_nothing_is_no_failure(tmp_path: Path) -> None:
    assert linux_instructions(tmp_path / "nothing") == set()


@pytest.mark.skipif(platform.system() != "Linux", reason="only Linux tells")
def test_torch_and_linux_agree_on_what_decides() -> None:
    decisive = {"avx512_bf16", "amx_bf16", "avx2"}
    told = linux_instructions(Path("/proc/cpuinfo"))
    assert find_hardware(1).instructions & decisive == told & decisive


def test_threads_keep_to_the_cores_and_to_what_torch_has(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.set_num_threads(1)
    monkeypatch.setattr(hardware_module, "usable_cores", lambda: 8)
    assert usable_threads(1) == 1
    monkeypatch.setattr(torch, "get_num_threads", lambda: 64)
    assert [usable_threads(processes) for processes in (1, 2, 3, 9)] == [8, 4, 2, 1]


def trainer(recipe_file: Path, splits: Splits, folder: Path, *changes: str) -> TrainingRun:
    material = TrainingData(splits[Split.TRAINING], splits[Split.PUBLIC])
    return TrainingRun(load_recipe(str(recipe_file), changes), material, folder)


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def test_a_run_writes_down_how_it_computed(recipe_file: Path, splits: Splits, tmp_path: Path) -> None:
    run = trainer(recipe_file, splits, tmp_path, "epochs=1", "precision=bfloat16")
    run.run(lambda _: None)
    (line,) = lines(tmp_path)
    assert (line["device"], line["precision"], line["compiled"]) == ("cpu", "bfloat16", False)
    assert run.computed == [{"from_epoch": 1, "device": "cpu", "precision": "bfloat16", "compiled": False}]


def test_a_run_that_goes_on_elsewhere_says_so_and_goes_on(
    recipe_file: Path, splits: Splits, tmp_path: Path
) -> None:
    trainer(recipe_file, splits, tmp_path, "epochs=1", "precision=bfloat16").run(lambda _: None)
    for epochs, precision, told in ((2, "float32", True), (3, "float32", False)):
        resumed = trainer(recipe_file, splits, tmp_path, f"epochs={epochs}", f"precision={precision}")
        resumed.resume()
        said = "Until now the run computed in bfloat16 on the CPU, not compiled" in resumed.summary
        assert said == told
        resumed.run(lambda _: None)
    assert [line["precision"] for line in lines(tmp_path)] == ["bfloat16", "float32", "float32"]
    assert [(part["from_epoch"], part["precision"]) for part in resumed.computed] == [
        (1, "bfloat16"), (2, "float32")
    ]  # fmt: skip


@pytest.mark.parametrize("split", [Split.TRAINING, Split.PUBLIC])
def test_a_run_does_not_go_on_with_other_pictures(
    split: Split, recipe_file: Path, splits: Splits, tmp_path: Path
) -> None:
    trainer(recipe_file, splits, tmp_path, "epochs=1").run(lambda _: None)
    before = (tmp_path / "checkpoint.pt").read_bytes()
    whole = splits[split]
    turned = Pictures(whole.pixels[::-1].copy(), whole.labels[::-1].copy(), whole.rows)
    relabelled = Pictures(whole.pixels, (whole.labels + 1) % 7, whole.rows)
    for other in (turned, relabelled):
        run = trainer(recipe_file, splits | {split: other}, tmp_path, "epochs=2")
        with pytest.raises(UsageError, match="made from other pictures, or in another order") as caught:
            run.resume()
        assert "the data that it was started with" in caught.value.remedy
    assert (tmp_path / "checkpoint.pt").read_bytes() == before


def test_a_checkpoint_that_tells_nonsense_of_its_computing_is_refused(
    recipe_file: Path, splits: Splits, tmp_path: Path
) -> None:
    trainer(recipe_file, splits, tmp_path, "epochs=1").run(lambda _: None)
    save_checkpoint(tmp_path, load_checkpoint(tmp_path) | {"computed": []})
    with pytest.raises(UsageError, match="is broken, or is not a checkpoint of fercli"):
        trainer(recipe_file, splits, tmp_path).resume()


def test_without_a_compiler_true_is_refused_with_the_remedy(
    recipe_file: Path, splits: Splits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    assert compiling_fault(tmp_path) == "there is no C++ compiler no-such-compiler"
    with pytest.raises(UnavailableError, match="there is no C\\+\\+ compiler no-such-compiler") as caught:
        trainer(recipe_file, splits, tmp_path, "compile=true")
    assert "--set compile=false" in caught.value.remedy
    assert list(tmp_path.iterdir()) == []


_TRY = """\
import sys
from pathlib import Path
from fercli_training.compiling import compiling_fault
print(compiling_fault(Path(sys.argv[1])))
"""


def test_a_compiler_that_does_not_work_is_told_from_one_that_does(tmp_path: Path) -> None:
    """As one without its headers."""
    compiler = tmp_path / "broken-compiler"
    compiler.write_text("#!/bin/sh\necho 'Python.h: No such file' >&2\nexit 1\n")
    compiler.chmod(compiler.stat().st_mode | stat.S_IXUSR)
    environment = os.environ | ONE_THREAD | {"CXX": str(compiler), "TMPDIR": str(tmp_path / "temporary")}
    (tmp_path / "temporary").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", _TRY, tmp_path / "run"], env=environment, capture_output=True, text=True,
        check=False, timeout=120,
    )  # fmt: skip
    assert done.stdout.startswith(f"{compiler} does not work ("), done.stderr
    assert len(done.stdout.splitlines()) == 1
    assert list((tmp_path / "temporary").iterdir()) == []


def test_a_compiled_run_has_the_numbers_of_one_that_is_not_and_leaves_no_files_elsewhere(
    run: Run, recipe_file: Path, data: Path, splits: Splits, tmp_path: Path
) -> None:
    """All but the last digits: dropout draws the same."""
    temporary, out, plain = tmp_path / "temporary", tmp_path / "compiled", tmp_path / "plain"
    temporary.mkdir()
    plain.mkdir()
    changes = ["epochs=1", "architecture.convolutions=[3]", "architecture.dense=[4]"]
    done = run(
        "train", recipe_file, "--data", data, "--out", out, "--set", "compile=true",
        *(part for change in changes for part in ("--set", change)),
        env=ONE_THREAD | {"TMPDIR": str(temporary)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Computes in float32 on the CPU, compiled." in done.stderr
    trainer(recipe_file, splits, plain, *changes).run(lambda _: None)
    (line,), (expected,) = lines(out), lines(plain)
    assert (line["compiled"], expected["compiled"]) == (True, False)
    assert line["loss"] == pytest.approx(expected["loss"], rel=1e-4)
    assert set(load_checkpoint(out)["network"]) == set(load_checkpoint(plain)["network"])
    assert "| computed | from epoch 1 in float32 on cpu, compiled |" in (
        out / "model" / "MODEL_CARD.md"
    ).read_text("utf-8")
    assert json.loads((out / "model" / "model.json").read_text())["provenance"]["training"] == [
        {"from_epoch": 1, "device": "cpu", "precision": "float32", "compiled": True}
    ]
    assert not (out / "compiled").exists()
    assert [path for path in temporary.rglob("*") if "inductor" in path.name] == []
