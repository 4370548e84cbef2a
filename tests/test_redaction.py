from __future__ import annotations

import pytest

from fercli.redaction import redacted
from fercli.sources import printable_path
from fercli.wording import quoted

HUSH = "hush0HUSH1hush2"


@pytest.mark.parametrize(
    "url",
    [
        f"https://me:{HUSH}@example.org/a.jpg",
        f"https://{HUSH}@example.org/a.jpg",
        f"https://me:a/{HUSH}@example.org/a.jpg",
        f"https://me@work:{HUSH}@example.org:8080/a.jpg",
        f"HTTP://me:{HUSH}@example.org",
        f"ftp://me:{HUSH}@example.org/a.jpg",
        f"s3://key:{HUSH}@bucket/a.jpg",
        f"zip://a.jpg::https://me:{HUSH}@example.org/a.zip",
        f"zip://a.jpg::https://example.org/a.zip?sig={HUSH}",
        f"https://b.s3.amazonaws.com/a.jpg?X-Amz-Credential={HUSH}%2F2026&X-Amz-Signature={HUSH}&X-Amz-Date=1",
        f"https://example.org/a.jpg?x-amz-security-token={HUSH}",
        f"https://a.blob.core.windows.net/c/a.jpg?sv=2024&sig={HUSH}%3D",
        f"https://storage.googleapis.com/b/a.jpg?X-Goog-Signature={HUSH}",
        f"https://d.cloudfront.net/a.jpg?Expires=1&Signature={HUSH}&Key-Pair-Id=K&Policy={HUSH}",
        f"https://example.org/a.jpg?access_token={HUSH}",
        f"https://example.org/a.jpg?w=1;api-key={HUSH}",
        f"https://example.org/a.jpg?%74oken={HUSH}",
        f"https://example.org/a.jpg#access_token={HUSH}",
        f"https://example.org/a.jpg?k={HUSH}{HUSH}{HUSH}",
        f"https://example.org/a.jpg?auth={HUSH}&auth={HUSH}",
    ],
)
def test_secrets_are_not_shown(url: str) -> None:
    for shown in (redacted(url), printable_path(url), quoted(url)):
        assert HUSH not in shown
        assert "***" in shown
        assert "example.org" in shown or "example.org" not in url
        assert redacted(shown) == shown


@pytest.mark.parametrize(
    "text",
    [
        "photos/a.jpg",
        "photos/me:you@home.jpg",
        "https://example.org:8080/a@b.jpg",
        "https://example.org/photo?id=123&size=large&page=2",
        "https://example.org/photo?id=0b9f5a4e-8a37-4a5f-9d0c-0a2f5a3b8c11",
        "https://example.org/get?file=2024/06/a-rather-long-name-of-a-photo.jpg",
        "https://example.org/?design=1&signal=2&monkey=3&keyword=x",
        "http://[::1]:8080/a.jpg",
        "s3://bucket/a@b/c:d@e.jpg",
        "s3://bucket/what?.jpg",
        "s3://bucket/a.jpg?versionId=3L4kqtJlcpXroDTDmJ+rmSpXd3dIbrHY+MTRCxf3vjVBH40Nr8X8gdRQBpUMLUo",
        "az://container@account/a.jpg",
        "zip://p/*.jpg::s3://bucket/photos.zip",
    ],
)
def test_nothing_else_is_hidden(text: str) -> None:
    assert redacted(text) == text
    assert printable_path(text) == text
