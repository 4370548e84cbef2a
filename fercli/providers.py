"""What each provider's store is asked, and how, where fsspec has no way that is the same for all.

fsspec's own listing gives all of a folder at once, and drops keys that no file of a computer could have
(`a//b.jpg`); adlfs takes `?` and `#` in a key for parts of a URL. So folders are listed by pages with each
provider's own request, and what adlfs reads is asked of Azure's library.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol
from uuid import uuid4

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Page(NamedTuple):
    """A part of a folder, in no order."""

    keys: list[str]
    """Of files, each whole."""
    folders: list[str]
    """The keys that lie deeper, up to the `/` that ends their folder, once each."""
    further: str | None
    """What asks for the next page; None where this is the last one."""


class Provider(Protocol):
    """A store that may be asked by many tasks at once; each answer raises what the library raises."""

    def split(self, path: str) -> tuple[str, str]:
        """The bucket or container of a path, and the key behind it."""
        ...

    async def page(self, bucket: str, prefix: str, further: str | None) -> Page:
        """A page of what lies in a folder, whose key ends in `/` or is empty."""
        ...

    async def read(self, path: str, start: int, end: int) -> bytes:
        """Bytes of a file from `start` to before `end`, or to its own end."""
        ...

    async def size(self, path: str) -> int:
        """How many bytes a file has."""
        ...

    async def try_upload(self, bucket: str, key: str) -> None:
        """Begins to write a file and leaves it at that, so that a refusal comes before the work."""
        ...


class _OfFsspec:
    """What fsspec does in the same way for S3 and Google."""

    def __init__(self, files: Any) -> None:
        self._files = files

    def split(self, path: str) -> tuple[str, str]:
        """At the first `/`."""
        bucket, _, key = path.partition("/")
        return bucket, key

    async def read(self, path: str, start: int, end: int) -> bytes:
        """In one request."""
        data: bytes = await self._files._cat_file(path, start=start, end=end)
        return data

    async def size(self, path: str) -> int:
        """Raises a FileNotFoundError where only a folder has this name."""
        found = await self._files._info(path)
        if found["type"] != "file":
            raise FileNotFoundError
        return int(found["size"])


class S3(_OfFsspec):
    """Amazon's store and those of its kind, by s3fs."""

    def split(self, path: str) -> tuple[str, str]:
        """An access point's name may have a `/`."""
        bucket, key, _ = self._files.split_path(path)
        return bucket, key + "/" if path.endswith("/") and key and not key.endswith("/") else key

    async def page(self, bucket: str, prefix: str, further: str | None) -> Page:
        """A thousand keys, in order."""
        token = {"ContinuationToken": further} if further else {}
        page = await self._files._call_s3(
            "list_objects_v2", Bucket=bucket, Prefix=prefix, Delimiter="/", **token
        )
        return Page(
            [item["Key"] for item in page.get("Contents", ())],
            [item["Prefix"] for item in page.get("CommonPrefixes", ())],
            page["NextContinuationToken"] if page.get("IsTruncated") else None,
        )

    async def try_upload(self, bucket: str, key: str) -> None:
        """An upload in parts, ended."""
        begun = await self._files._call_s3("create_multipart_upload", Bucket=bucket, Key=key)
        await self._files._call_s3(
            "abort_multipart_upload", Bucket=bucket, Key=key, UploadId=begun["UploadId"]
        )


class Google(_OfFsspec):
    """Google Cloud Storage, by gcsfs."""

    async def page(self, bucket: str, prefix: str, further: str | None) -> Page:
        """A thousand keys, in order."""
        token = {"pageToken": further} if further else {}
        fields = "items/name,prefixes,nextPageToken"
        page = await self._files._call(
            "GET", "b/{}/o", bucket, prefix=prefix, delimiter="/", fields=fields, **token, json_out=True
        )
        names = [item["name"] for item in page.get("items", ())]
        return Page(names, page.get("prefixes", []), page.get("nextPageToken"))

    async def try_upload(self, bucket: str, key: str) -> None:
        """A session, which Google forgets after a week, and which costs nothing."""
        from gcsfs.core import initiate_upload

        await initiate_upload(self._files, bucket, key)


class Azure:
    """Azure's blobs, by the library under adlfs.

    Its own attempts would come after 15 seconds and more, which a photo does not have: it makes none.
    """

    def __init__(self, files: Any) -> None:
        self._client = files.service_client

    def split(self, path: str) -> tuple[str, str]:
        """At the first `/`."""
        container, _, key = path.partition("/")
        return container, key

    async def page(self, bucket: str, prefix: str, further: str | None) -> Page:
        """Up to 5,000 keys, in order; folders of a Data Lake, which are listed as files too, left out."""
        container = self._client.get_container_client(bucket)
        found = container.walk_blobs(
            name_starts_with=prefix, include=["metadata"], delimiter="/", retry_total=0
        )
        pages = found.by_page(further)
        keys, folders = list[str](), list[str]()
        async for entry in await anext(pages):
            if not hasattr(entry, "size"):
                folders.append(entry.name)
            elif not _is_folder(entry.metadata or {}):
                keys.append(entry.name)
        return Page(keys, folders, pages.continuation_token or None)

    async def read(self, path: str, start: int, end: int) -> bytes:
        """In one request up to 32 MB, then in requests of 4 MB."""
        client = self._client.get_blob_client(*self.split(path))
        stream = await client.download_blob(offset=start, length=end - start, retry_total=0)
        data: bytes = await stream.readall()
        return data

    async def size(self, path: str) -> int:
        """Of a blob."""
        client = self._client.get_blob_client(*self.split(path))
        properties = await client.get_blob_properties(retry_total=0)
        return int(properties.size)

    async def try_upload(self, bucket: str, key: str) -> None:
        """A block that is joined to nothing; Azure drops it after a week, or with the next upload.

        Its name is as long as those that adlfs gives, since those of a blob must be of one length.
        """
        await self._client.get_blob_client(bucket, key).stage_block(uuid4().hex, b" ")


def _is_folder(metadata: Mapping[str, str]) -> bool:
    """Whether a blob stands for a folder of a Data Lake; programs differ in the letters."""
    return any(name.lower() == "hdi_isfolder" and value == "true" for name, value in metadata.items())


PROVIDERS: dict[str, tuple[str, Callable[[Any], Provider]]] = {
    "s3": ("s3fs", S3),
    "gs": ("gcsfs", Google),
    "az": ("adlfs", Azure),
}
"""By the scheme of their URLs: the package that reaches a store, and what takes its file system."""
