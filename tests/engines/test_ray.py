"""The engine on Ray: the rows of the local engine, whatever happens to actors and nodes.

What is connected to a cluster is a process of its own: Ray ends one that loses its cluster, without a word.
"""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fercli import read_faces
from fercli.errors import UnavailableError, UsageError
from fercli.reports import Format
from fercli.reports.parts import begin_parts
from fercli.reports.settings import settings_of
from fercli.runtimes import import_ray
from tests.cli.test_predict_pipes import running
from tests.corpus import encoded, gradient
from tests.faulty_plugins.detectors import KillsItsReaderPlugin
from tests.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fercli import Photo
    from fercli.reader import FaceReader
    from tests.conftest import Run

CLUSTER_FILE = Path(__file__).parents[2] / "docs" / "ray-cluster.yaml"
KILLS = "kills-its-reader"
STORE = 80 << 20


_CLUSTER: list[Any] = []
"""The cluster of this process, where it has one."""


def start_cluster() -> None:
    """A head that reads nothing, and two nodes of a core each beside it."""
    import_ray()
    head = {"num_cpus": 0, "object_store_memory": STORE, "include_dashboard": False}
    _CLUSTER.append(import_module("ray.cluster_utils").Cluster(initialize_head=True, head_node_args=head))
    for _ in range(2):
        add_node()


def add_node() -> None:
    _CLUSTER[0].add_node(num_cpus=1, object_store_memory=STORE)


def stop_cluster() -> None:
    _CLUSTER.pop().shutdown()


@pytest.fixture(scope="module")
def ray_cluster(
    faulty_plugins: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ProcessPoolExecutor]:
    """A process that has a cluster, and is connected to it."""
    folder = tempfile.mkdtemp(prefix="ray-")  # a socket's path must be short
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PYTHONPATH", str(faulty_plugins))
        environment.syspath_prepend(faulty_plugins)
        environment.setenv("FERCLI_KILLED_ONCE", str(tmp_path_factory.mktemp("killed") / "once"))
        environment.setenv("RAY_TMPDIR", folder)
        environment.setenv("RAY_AUTH_TOKEN", "of-this-test-alone")
        environment.setenv("RAY_AUTH_MODE", "token")
        with ProcessPoolExecutor(1, get_context("spawn")) as pool:
            try:
                pool.submit(start_cluster).result()
                yield pool
            finally:
                pool.submit(stop_cluster).result()
                shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Pictures, some that cannot be read, and names of all sorts, too many for one chunk."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(140):
        (folder / f"{number:03}.png").write_bytes(encoded(gradient(30 + number % 7, 20), "png"))
    (folder / "=a, \n.png").write_bytes(encoded(gradient(31, 20), "png"))
    (folder / "broken.jpg").write_text("This is a text.")
    return folder


def reading(photos: Path, **options: Any) -> FaceReader:
    """A run on the cluster of this process, if it has one."""
    where = {"engine": "ray", "ray_address": _CLUSTER[0].address} if _CLUSTER else {}
    chosen: dict[str, Any] = {"detector": KILLS, "backend": "onnx", "workers": 1} | where | options
    return read_faces(photos, **chosen)


def records(photos: Path, **options: Any) -> list[Photo]:
    return list(reading(photos, **options))


def write_parts(photos: Path, folder: Path) -> list[Counter[str]]:
    """Begins a folder of parts or goes on with it, to its end; gives what is in each."""
    with reading(photos) as found:
        about = found.pipeline
        settings = settings_of(about.models, about.backend, about.detector, tta=False)
        parts = begin_parts(str(folder), Format.CSV, settings)
        tallies = list(found.write_parts(parts))
    parts.complete(len(tallies), sum(tallies, Counter()))
    return tallies


def picture(folder: Path, name: str, width: int) -> Path:
    path = folder / name
    path.write_bytes(encoded(gradient(width, 20), "png"))
    return path


def test_gives_the_records_of_the_local_engine_though_a_node_is_killed(
    ray_cluster: ProcessPoolExecutor, photos: Path
) -> None:
    picture(photos, "070-kills.png", KillsItsReaderPlugin.KILLS_NODE_ONCE)
    found = ray_cluster.submit(records, photos).result()
    assert Path(os.environ["FERCLI_KILLED_ONCE"]).exists()
    assert found == records(photos)
    ray_cluster.submit(add_node).result()


def test_a_photo_that_kills_its_actor_is_found_and_is_a_row(
    ray_cluster: ProcessPoolExecutor, tmp_path: Path
) -> None:
    widths = (30, KillsItsReaderPlugin.KILLS_ACTOR, 32)
    paths = [picture(tmp_path, f"{number}.png", width) for number, width in enumerate(widths)]
    first, killer, last = ray_cluster.submit(records, tmp_path).result()
    assert [photo.path for photo in (first, killer, last)] == [str(path) for path in paths]
    assert killer.error == "crashed: Reading it ended the actor of Ray 3 times."
    assert [first.status, last.status] == ["ok", "ok"]


def test_parts_that_are_there_are_kept_and_those_that_are_lost_are_made_again(
    ray_cluster: ProcessPoolExecutor, photos: Path, tmp_path: Path
) -> None:
    for number in range(200):
        picture(photos, f"more-{number:03}.png", 30 + number % 5)
    local, ray = tmp_path / "local", tmp_path / "ray"
    for folder in (local, ray):
        folder.mkdir()
    tallies = ray_cluster.submit(write_parts, photos, ray).result()
    assert tallies == write_parts(photos, local)
    written = {
        folder: {path.name: path.read_bytes() for path in folder.iterdir()} for folder in (local, ray)
    }
    assert written[ray] == written[local]
    assert sorted(written[ray]) == ["_SUCCESS", "part-00000000.csv", "part-00000001.csv"]

    kept, lost = (ray / name for name in sorted(written[ray])[1:])
    before = kept.stat()
    lost.unlink()
    assert ray_cluster.submit(write_parts, photos, ray).result() == tallies
    assert lost.read_bytes() == written[local][lost.name]
    assert (kept.stat().st_mtime_ns, kept.stat().st_ino) == (before.st_mtime_ns, before.st_ino)
    with pytest.raises(UsageError, match=r"part-00000000.csv holds other photos"):
        ray_cluster.submit(write_parts, photos / "broken.jpg", ray).result()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"workers": 3}, "No node of the Ray cluster has 3 CPUs"),
        ({"device": "cuda"}, "No node of the Ray cluster has a GPU and 1 CPU for"),
        ({"detector": "not-there"}, "On the node .*not-there"),
    ],
)
def test_what_cannot_work_is_said_before_any_photo(
    ray_cluster: ProcessPoolExecutor, photos: Path, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(UnavailableError, match=words):
        ray_cluster.submit(reading, photos, **({"detector": "none"} | options)).result()


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("127.0.0.1:1", "127.0.0.1:1: Connection refused"),
        ("nonsense", "nonsense: Invalid address format: nonsense"),
    ],
)
def test_a_cluster_that_is_not_there_is_not_waited_for(photos: Path, address: str, words: str) -> None:
    with pytest.raises(UnavailableError, match=words):
        read_faces(photos, engine="ray", ray_address=address, detector="none")


def test_an_interrupted_run_can_be_gone_on_with_and_leaves_nothing(
    run: Run, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, temporary = tmp_path / "home", Path(tempfile.mkdtemp(prefix="t-"))
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("TMPDIR", str(temporary))
    for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_TMPDIR"):
        monkeypatch.delenv(name, raising=False)
    command = ["predict", "-", "--out", str(tmp_path / "out.csv"), "--detector", "none", "--engine", "ray"]
    paths = sorted(str(path) for path in photos.glob("[0-9]*.png"))
    with running(*command, cwd=photos) as process:
        process.send("".join(f"{path}\n" for path in paths[:100]).encode())
        wait_for(tmp_path / "out.csv", 65)
        process.process.send_signal(signal.SIGINT)
        code, said = process.end()
    assert code == 130
    assert "add --resume to go on" in said
    names = "".join(f"{path}\n" for path in paths).encode()
    assert list(home.iterdir()) == list(temporary.iterdir()) == []
    temporary.rmdir()
    # Where it goes on is no matter.
    done = run(*command[:-2], "--resume", stdin=names)
    assert (done.returncode, done.stderr.partition(":")[0]) == (0, "140 photos")
    run("predict", "-", "--out", tmp_path / "local.csv", "--detector", "none", stdin=names)
    assert (tmp_path / "out.csv").read_bytes() == (tmp_path / "local.csv").read_bytes()


def test_ray_takes_the_cluster_file_of_the_docs() -> None:
    import_ray()
    described = import_module("yaml").safe_load(CLUSTER_FILE.read_text())
    autoscaler = import_module("ray.autoscaler._private.util")
    complete = autoscaler.prepare_config(described)
    autoscaler.validate_config(complete)
    assert complete["available_node_types"]["reader"]["min_workers"] == 32
