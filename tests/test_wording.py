from pathlib import Path

import pytest

from fercli.wording import count_of, quoted


@pytest.mark.parametrize(
    ("number", "noun", "text"),
    [
        (0, "photo", "0 photos"),
        (1, "photo", "1 photo"),
        (2, "face", "2 faces"),
        (1, "batch", "1 batch"),
        (3, "batch", "3 batches"),
        (2, "copy", "2 copies"),
        (2, "day", "2 days"),
        (2, "pass", "2 passes"),
    ],
)
def test_one_is_not_many(number: int, noun: str, text: str) -> None:
    assert count_of(number, noun) == text


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("photos/a.jpg", "photos/a.jpg"),
        ("grüße/日本.jpg", "grüße/日本.jpg"),
        ("C:\\Users\\me\\a.jpg", "C:\\Users\\me\\a.jpg"),
        ("my photos/a.jpg", "'my photos/a.jpg'"),
        ("C:\\my photos\\a.jpg", "'C:\\my photos\\a.jpg'"),
        ("a.jpg ", "'a.jpg '"),
        ("", "''"),
        (".", "'.'"),
        ("photos/..", "'photos/..'"),
        ("two\nlines.jpg", "'two\\nlines.jpg'"),
        ("tab\tand\x1b[31m.jpg", "'tab\\tand\\x1b[31m.jpg'"),
        ("no\xa0break.jpg", "'no\\xa0break.jpg'"),
        ("it's.jpg", '"it\'s.jpg"'),
        ("not \udcff utf-8.jpg", "'not \\udcff utf-8.jpg'"),
    ],
)
def test_a_path_is_quoted_where_its_ends_could_not_be_told(path: str, text: str) -> None:
    assert quoted(path) == text
    assert quoted(Path(path)) == text or not path
