"""The writer of Parquet: the report's table with types, a bounded group of rows at a time."""

from __future__ import annotations

import io
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from fercli import __version__
from fercli.extras import import_extra
from fercli.records import COLUMNS, DECIMALS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fercli.records import Row, Value
    from fercli.reports.settings import Settings
    from fercli.reports.text import Destination

_GROUP = 1 << 14
"""A group is written once it has so many rows: enough to compress well, few enough to keep in memory."""

_CHOICES = {"status", "expression"}
SETTINGS = b"fercli_settings"
"""The key of the run's settings in the metadata of the file."""


class ParquetWriter:
    """Writes row groups that end between photos. Numbers are the nearest 32-bit floats.

    These keep all digits of boxes up to pixel 131,072, and of all other numbers.

    Raises:
        UnavailableError: pyarrow is not installed.
    """

    def __init__(self, file: Destination, settings: Settings | None = None) -> None:
        self._arrow, parquet = import_pyarrow()
        self._schema = _schema(self._arrow, settings)
        self._sink = _Sink(file)
        self._writer = parquet.ParquetWriter(self._sink, self._schema, compression="zstd")
        self._columns: dict[str, list[Value]] = {name: [] for name in COLUMNS}

    def write(self, rows: Iterable[Row]) -> None:
        """Takes a photo's rows. They are written together with their group."""
        for row in rows:
            for name, values in self._columns.items():
                values.append(row[name])
        if len(self._columns["path"]) >= _GROUP:
            self._write_group()

    def finish(self) -> None:
        """Writes the last group and the directory of all groups, without which the file is not Parquet."""
        self._write_group()
        self._writer.close()

    def _write_group(self) -> None:
        if not self._columns["path"]:
            return
        self._writer.write_table(self._arrow.table(self._columns, self._schema))
        for values in self._columns.values():
            values.clear()


def import_pyarrow() -> tuple[Any, Any]:
    """The modules pyarrow and pyarrow.parquet.

    Raises:
        UnavailableError: pyarrow is not installed.
    """
    pyarrow, parquet = (
        import_extra("A Parquet report", "parquet", name) for name in ("pyarrow", "pyarrow.parquet")
    )
    return pyarrow, parquet


def _schema(arrow: Any, settings: Settings | None) -> Any:
    choice = arrow.dictionary(arrow.int8(), arrow.string())
    types = dict.fromkeys(COLUMNS, arrow.string()) | dict.fromkeys(_CHOICES, choice)
    types |= dict.fromkeys(DECIMALS, arrow.float32()) | {"face": arrow.int32()}
    fields = [arrow.field(name, types[name], nullable=name not in {"path", "status"}) for name in COLUMNS]
    metadata = {b"fercli_version": __version__}
    return arrow.schema(fields, metadata | ({SETTINGS: settings.to_json()} if settings else {}))


class _Sink(io.RawIOBase):
    """An output as a file for pyarrow. It counts bytes, and cannot seek."""

    def __init__(self, file: Destination) -> None:
        super().__init__()
        self._file = file
        self._position = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        # After a failure, pyarrow tries to finish the file once more, when it is already closed.
        with suppress(ValueError):
            self._file.write(data)
        self._position += len(data)
        return len(data)

    def tell(self) -> int:
        return self._position
