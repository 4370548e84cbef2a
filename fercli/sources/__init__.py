"""Where photos come from: files, folders, patterns, archives, URLs and lists on standard input.

`finding` says which photos are meant, with `walking`, `patterns` and `lists`; `reading` opens them, with
`members` and `archives`, `remote` (stores) and `web`; `suffixes` knows those of photos.
"""

from fercli.sources.finding import STANDARD_INPUT, Findings, find_photos
from fercli.sources.members import archive_url
from fercli.sources.reading import is_own, is_remote, is_url, local_path, printable_path, read_photo

__all__ = [
    "STANDARD_INPUT",
    "Findings",
    "archive_url",
    "find_photos",
    "is_own",
    "is_remote",
    "is_url",
    "local_path",
    "printable_path",
    "read_photo",
]
