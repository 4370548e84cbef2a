"""The engine on Ray: the rows of the local engine, whatever happens to actors and nodes."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections import Counter
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fercli import read_faces
from fercli.errors import UnavailableError, UsageError
from fercli.reports import Format
from fercli.reports.parts import begin_parts
from fercli.reports.settings import settings_of
from fercli.runtimes import import_ray
from tests.cli.test_predict_pipes import running, wait_for
from tests.corpus import encoded, gradient
from tests.faulty_plugins import KillsItsReaderPlugin

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fercli.reader import FaceReader
    from tests.conftest import Run

CLUSTER_FILE = Path(__file__).parents[2] / "docs" / "ray-cluster.yaml"
KILLS = "kills-its-reader"
STORE = 80 << 20


@pytest.fixture(scope="module")
def ray_cluster(faulty_plugins: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Two nodes of a core each, beside a head that reads nothing."""
    folder = tempfile.mkdtemp(prefix="ray-")  # a socket's path must be short
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PYTHONPATH", str(faulty_plugins))
        environment.syspath_prepend(faulty_plugins)
        environment.setenv("FERCLI_KILLED_ONCE", str(tmp_path_factory.mktemp("killed") / "once"))
        environment.setenv("RAY_TMPDIR", folder)
        environment.setenv("RAY_AUTH_TOKEN", "of-this-test-alone")
        environment.setenv("RAY_AUTH_MODE", "token")
        import_ray()
        head = {"num_cpus": 0, "object_store_memory": STORE, "include_dashboard": False}
        cluster = import_module("ray.cluster_utils").Cluster(initialize_head=True, head_node_args=head)
        try:
            for _ in range(2):
                cluster.add_node(num_cpus=1, object_store_memory=STORE)
            yield cluster
        finally:
            cluster.shutdown()
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


def reading(photos: Path, cluster: Any = None, detector: str = KILLS) -> FaceReader:
    where = {} if cluster is None else {"engine": "ray", "ray_address": cluster.address}
    return read_faces(photos, detector=detector, backend="onnx", workers=1, **where)


def picture(folder: Path, name: str, width: int) -> Path:
    path = folder / name
    path.write_bytes(encoded(gradient(width, 20), "png"))
    return path


def test_gives_the_records_of_the_local_engine_though_a_node_is_killed(
    ray_cluster: Any, photos: Path
) -> None:
    picture(photos, "070-kills.png", KillsItsReaderPlugin.KILLS_NODE_ONCE)
    records = list(reading(photos, ray_cluster))
    assert Path(os.environ["FERCLI_KILLED_ONCE"]).exists()
    assert records == list(reading(photos))
    ray_cluster.add_node(num_cpus=1, object_store_memory=STORE)


def test_a_photo_that_kills_its_actor_is_found_and_is_a_row(ray_cluster: Any, tmp_path: Path) -> None:
    widths = (30, KillsItsReaderPlugin.KILLS_ACTOR, 32)
    paths = [picture(tmp_path, f"{number}.png", width) for number, width in enumerate(widths)]
    first, killer, last = reading(tmp_path, ray_cluster)
    assert [photo.path for photo in (first, killer, last)] == [str(path) for path in paths]
    assert killer.error == "crashed: Reading it ended the actor of Ray 3 times."
    assert [first.status, last.status] == ["ok", "ok"]


def test_parts_that_are_there_are_kept_and_those_that_are_lost_are_made_again(
    ray_cluster: Any, photos: Path, tmp_path: Path
) -> None:
    for number in range(200):
        picture(photos, f"more-{number:03}.png", 30 + number % 5)
    written = {}
    for name, where in (("local", None), ("ray", ray_cluster)):
        folder = tmp_path / name
        folder.mkdir()
        with reading(photos, where) as found:
            about = found.pipeline
            settings = settings_of(about.models, about.backend, about.detector, tta=False)
            parts = begin_parts(str(folder), Format.CSV, settings)
            tallies = list(found.write_parts(parts))
        parts.complete(len(tallies), sum(tallies, Counter()))
        written[name] = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert written["ray"] == written["local"]
    assert sorted(written["ray"]) == ["_SUCCESS", "part-00000000.csv", "part-00000001.csv"]

    kept, lost = (tmp_path / "ray" / name for name in sorted(written["ray"])[1:])
    before = kept.stat()
    lost.unlink()
    with reading(photos, ray_cluster) as found:
        assert list(found.write_parts(parts)) == tallies
    assert lost.read_bytes() == written["local"][lost.name]
    assert (kept.stat().st_mtime_ns, kept.stat().st_ino) == (before.st_mtime_ns, before.st_ino)
    others = reading(photos / "broken.jpg", ray_cluster)
    with pytest.raises(UsageError, match=r"part-00000000.csv holds other photos"):
        list(others.write_parts(parts))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"workers": 3}, "No node of the Ray cluster has 3 CPUs"),
        ({"device": "cuda"}, "No node of the Ray cluster has a GPU and 1 CPUs"),
        ({"detector": "not-there"}, "not-there"),
    ],
)
def test_what_cannot_work_is_said_before_any_photo(
    ray_cluster: Any, photos: Path, options: dict[str, Any], words: str
) -> None:
    given = {"workers": 1, "detector": "none", **options}
    with pytest.raises(UnavailableError, match=words):
        read_faces(photos, engine="ray", ray_address=ray_cluster.address, **given)


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
