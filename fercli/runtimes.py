"""The runtimes that fercli uses, kept from writing files, asking the network and talking.

Some of them leave things in the user's home, look for a server or print lines of their own as soon as they
are imported. What an environment variable can forbid is forbidden when `fercli` is imported, which comes
before any runtime, in worker processes too; the rest needs care while a runtime is imported, so that these
functions are the only way in. A variable that the user has set is left as it is.
"""

from __future__ import annotations

import atexit
import os
import sys
from contextlib import ExitStack, contextmanager
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_ENVIRONMENT = {
    # A device id and a database below ~/.cache, and a message to its maker after some seconds.
    "ORT_DISABLE_TELEMETRY": "1",
    # TensorFlow's lines on the processor and on devices.
    "TF_CPP_MIN_LOG_LEVEL": "3",
    # What OpenVINO's threads say of a system that shows them no processors, as containers without /sys.
    "HWLOC_HIDE_ERRORS": "2",
    # Ray's message to its maker on what it is used for.
    "RAY_USAGE_STATS_ENABLED": "0",
}

_NO_FOLDER = os.devnull
"""In place of a folder for settings and caches: nothing can be written below it."""

TORCH_CACHE = "TORCHINDUCTOR_CACHE_DIR"
"""The variable that says where torch's compiler and exporter write."""

_TEMPORARY_TORCH_CACHE = "FERCLI_TEMPORARY_TORCH_CACHE"
"""The variable that names the folder of `give_torch_a_temporary_cache`, for processes that share it too."""

_CONVERTER = "openvino.tools.ovc"
"""OpenVINO's converter of models, which reports its use over the network when it is imported."""

_NOT_FOR_KERAS = ("matplotlib", "pandas", "sklearn")
"""What Keras imports where it finds it, and does without: they write caches, and take seconds."""


def spare_threads() -> None:
    """Keeps NumPy from starting one thread per core, for a program that multiplies nothing large with it.

    They take memory, and where no thread can be started the library under NumPy interrupts the program.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def set_environment() -> None:
    """Sets the variables that runtimes read when they are imported."""
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)


def import_onnxruntime() -> Any:
    """ONNX Runtime, without its remarks on processors and devices that it does not know.

    Raises:
        ImportError: it is not installed, or does not work.
        OSError: likewise.
        ShortageError: there is not enough memory, for instance.
    """
    is_new = "onnxruntime" not in sys.modules
    onnxruntime = _runtime("onnxruntime")
    if is_new:
        onnxruntime.set_default_logger_severity(_FATAL)
    return onnxruntime


_FATAL = 4
"""ONNX Runtime's number of that severity: what goes wrong is raised, and said in a sentence of fercli's."""


def import_openvino() -> Any:
    """OpenVINO without its converter of models, which it does not need; others may still import that.

    It raises what `import_onnxruntime` raises.
    """
    return _runtime("openvino", hidden=(_CONVERTER,))


def import_tensorflow() -> Any:
    """TensorFlow as Keras's runtime.

    TensorFlow imports requests, to ask Google's machines for their shutdown; importing that opens a socket.
    An empty module stands for it, since nothing here asks.

    It raises what `import_onnxruntime` raises.
    """
    if "tensorflow" not in sys.modules:
        os.environ.setdefault("KERAS_HOME", _NO_FOLDER)  # where Keras leaves its settings, if it finds none
        os.environ["KERAS_BACKEND"] = "tensorflow"  # whatever the user's other programs run Keras on
        with _replaced("requests", ModuleType("requests")):
            _runtime("keras", hidden=_NOT_FOR_KERAS)  # which TensorFlow itself imports late
            return _runtime("tensorflow", hidden=_NOT_FOR_KERAS)
    return _runtime("tensorflow")


def import_ray() -> Any:
    """Ray, without what it has to say of clusters; it raises what `import_onnxruntime` raises."""
    import logging  # as below

    ray = _runtime("ray")
    logging.getLogger("ray").setLevel(logging.CRITICAL)
    return ray


def import_summary_writer() -> Any:
    """TensorBoard's writer as torch has it, without TensorFlow and Amazon's client.

    It imports both where it finds them, to write to other places than files: seconds, and a socket.

    Raises:
        ImportError: TensorBoard is not installed.
    """
    sys.modules.setdefault("tensorboard.compat.notf", ModuleType("notf"))
    with _hidden("boto3", "botocore"):
        return import_module("torch.utils.tensorboard").SummaryWriter


def import_matplotlib() -> None:
    """Imports matplotlib with a temporary folder for its list of fonts, which it removes at the end.

    Making that list takes 0.3 s where there are few fonts; kept, it would be a file that nobody asked for.

    Raises:
        ImportError: it is not installed.
        OSError: no temporary folder can be made.
    """
    if "matplotlib" in sys.modules:
        return
    import logging  # 4 ms, which a start without charts is spared

    os.environ.setdefault("MPLCONFIGDIR", _NO_FOLDER)
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # it warns that it takes the temporary one
    import_module("matplotlib")  # it chooses its folder now


def give_torch_a_temporary_cache() -> None:
    """Keeps what torch's compiler and exporter write in a temporary folder, which is removed at the end.

    Torch would leave it among the temporary files of the system. Processes that this one starts share it.
    To be called before Lightning is imported, which imports the compiler.

    Raises:
        OSError: no temporary folder can be made.
    """
    if TORCH_CACHE not in os.environ:
        import tempfile  # a start without training is spared it

        folder = tempfile.TemporaryDirectory(prefix="fercli-torch-", ignore_cleanup_errors=True)
        atexit.register(folder.cleanup)
        os.environ[TORCH_CACHE] = os.environ[_TEMPORARY_TORCH_CACHE] = folder.name


def user_has_chosen_torch_cache() -> bool:
    """Whether the user, and not this program, has said where torch's compiler writes."""
    return os.environ.get(TORCH_CACHE, "") not in {"", os.environ.get(_TEMPORARY_TORCH_CACHE)}


def _runtime(name: str, hidden: tuple[str, ...] = ()) -> Any:
    """A runtime, imported without its words, and without the modules that are to be hidden from it."""
    if (loaded := sys.modules.get(name)) is not None:
        return loaded
    from fercli.errors import shortages_named  # this module is imported before signals are caught
    from fercli.native_output import caught_stderr  # its imports take longer than a start without a runtime

    with _hidden(*hidden), caught_stderr(), shortages_named():
        return import_module(name)


@contextmanager
def _hidden(*names: str) -> Iterator[None]:
    """Keeps modules from being imported, those that are not there yet."""
    with ExitStack() as stack:
        for name in names:
            stack.enter_context(_replaced(name, None))  # Python's sign for "cannot be imported"
        yield


@contextmanager
def _replaced(name: str, module: ModuleType | None) -> Iterator[None]:
    """Another module in the place of one that is not imported yet."""
    if name in sys.modules:
        yield
        return
    sys.modules[name] = module  # type: ignore[assignment] # Python allows None
    try:
        yield
    finally:
        del sys.modules[name]
