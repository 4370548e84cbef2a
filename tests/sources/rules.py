"""The rules of finding, which are the same for a folder, a store and an archive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fercli.sources import Findings, find_photos, read_photo

if TYPE_CHECKING:
    from collections.abc import Callable


def require_rules_of_folders(
    place: str, folder: str, to_local: Callable[[str], str], **options: Any
) -> None:
    """Finds and reads in a store or an archive what a folder with the same files gives.

    Args:
        place: the URL in the store or the archive.
        folder: the same in the folder.
        to_local: from the path of a photo that was found to its path in the folder.
        options: of `find_photos`, for both.
    """
    there, here = Findings(), Findings()
    found = list(find_photos([place], findings=there, **options))
    local = list(find_photos([folder], findings=here, **options))
    assert [to_local(path) for path in found] == local
    assert (there.left_out, there.suffixes, there.photos) == (here.left_out, here.suffixes, here.photos)
    assert [read_photo(path) for path in found] == [read_photo(path) for path in local]
