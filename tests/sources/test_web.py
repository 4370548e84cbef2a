from __future__ import annotations

import datetime as dt
import ipaddress
import ssl
from pathlib import Path

import pytest

from fercli.errors import PhotoError, PhotoErrorKind
from fercli.sources import find_photos, read_photo
from tests.servers import Answer, Web, web_server

KIND = PhotoErrorKind


def failure(url: str, timeout: float = 20) -> PhotoError:
    with pytest.raises(PhotoError) as caught:
        read_photo(url, timeout=timeout)
    assert caught.value.sentence.endswith(".")
    assert "\n" not in caught.value.sentence
    return caught.value


def test_gives_the_bytes(web: tuple[Web, str]) -> None:
    server, address = web
    server.answers["/a%20b/%C3%A9.jpg?size=1&x=%2F"] = [Answer(b"\xff\xd8" * 500_000)]
    for url in (f"{address}/a b/é.jpg?size=1&x=%2F#part", f"{address}/a%20b/%C3%A9.jpg?size=1&x=%2F"):
        assert list(find_photos([url])) == [url]
        asked: list[int] = []
        assert read_photo(url, asked.append) == b"\xff\xd8" * 500_000
        assert asked == [1_000_000]
    assert server.seen[-1][1]["User-Agent"].startswith("fercli/")


def test_a_body_of_unknown_length(web: tuple[Web, str]) -> None:
    server, address = web
    server.answers["/a.jpg"] = [Answer(b"x" * 70_000, length=-1)]
    assert read_photo(f"{address}/a.jpg") == b"x" * 70_000


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (404, KIND.MISSING),
        (410, KIND.MISSING),
        (401, KIND.UNREADABLE),
        (403, KIND.UNREADABLE),
        (400, KIND.UNREADABLE),
        (418, KIND.UNREADABLE),
        (501, KIND.UNREADABLE),
    ],
)
def test_a_lasting_refusal_is_asked_once(web: tuple[Web, str], status: int, kind: PhotoErrorKind) -> None:
    server, address = web
    server.answers["/a.jpg"] = [Answer(b"no", status)]
    error = failure(f"{address}/a.jpg")
    assert error.kind is kind
    assert str(status) in error.sentence
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    "fault",
    [Answer(status=500), Answer(status=503, Retry_After="0"), Answer(status=429), Answer(b"xx", length=9)],
)
def test_a_passing_fault_costs_nothing(web: tuple[Web, str], fault: Answer) -> None:
    server, address = web
    server.answers["/a.jpg"] = [fault, fault, Answer(b"whole")]
    assert read_photo(f"{address}/a.jpg") == b"whole"


@pytest.mark.parametrize("fault", [Answer(status=502), Answer(b"xx", length=9)])
def test_one_that_stays_is_an_error(web: tuple[Web, str], fault: Answer) -> None:
    server, address = web
    server.answers["/a.jpg"] = [fault]
    error = failure(f"{address}/a.jpg")
    assert error.kind is KIND.UNREADABLE
    assert error.sentence.endswith(f"It was tried {len(server.seen)} times.")


def test_a_server_that_asks_for_more_time_than_there_is(web: tuple[Web, str]) -> None:
    server, address = web
    server.answers["/a.jpg"] = [Answer(status=503, Retry_After="3600")]
    assert failure(f"{address}/a.jpg", timeout=1).kind is KIND.UNREADABLE
    assert len(server.seen) == 1


def test_redirects_are_followed(web: tuple[Web, str]) -> None:
    server, address = web
    server.answers["/a.jpg"] = [Answer(status=302, Location="/b.jpg")]
    server.answers["/b.jpg"] = [Answer(status=308, Location=f"{address}/c.jpg")]
    server.answers["/c.jpg"] = [Answer(b"c")]
    assert read_photo(f"{address}/a.jpg") == b"c"


@pytest.mark.parametrize("target", ["/a.jpg", "file:///etc/passwd", "ftp://127.0.0.1/a.jpg", "", "data:,x"])
def test_but_not_in_circles_or_away_from_the_web(web: tuple[Web, str], target: str) -> None:
    server, address = web
    server.answers["/a.jpg"] = [Answer(status=302, Location=target)]
    assert failure(f"{address}/a.jpg", timeout=3).kind is KIND.UNREADABLE


def test_a_password_goes_to_its_own_host_only(web: tuple[Web, str]) -> None:
    server, address = web
    with web_server() as (other, elsewhere):
        server.answers["/a.jpg"] = [Answer(status=302, Location=f"{elsewhere}/b.jpg")]
        other.answers["/b.jpg"] = [Answer(b"b")]
        assert read_photo(f"{address.replace('://', '://me:p%40ss@')}/a.jpg") == b"b"
        assert server.seen[0][1]["Authorization"] == "Basic bWU6cEBzcw=="
        assert "Authorization" not in other.seen[0][1]


def test_what_takes_too_long(web: tuple[Web, str]) -> None:
    server, address = web
    server.answers["/a.jpg"] = [Answer(b"x" * 100, Halt="1")]
    assert failure(f"{address}/a.jpg", timeout=0.5).kind is KIND.TIMEOUT


def test_an_empty_answer(web: tuple[Web, str]) -> None:
    server, address = web
    server.answers["/a.jpg"] = [Answer(b"")]
    assert failure(f"{address}/a.jpg").kind is KIND.EMPTY


def test_a_huge_one_is_not_read(web: tuple[Web, str]) -> None:
    server, address = web
    server.answers["/a.jpg"] = [Answer(b"x", length=(1 << 30) + 1, Halt="1")]
    assert failure(f"{address}/a.jpg").kind is KIND.TOO_LARGE


def test_a_format_that_is_known_but_not_read_by_its_name(web: tuple[Web, str]) -> None:
    server, address = web
    server.answers["/a.nef?w=1"] = [Answer(b"MM\0*\0\0\0\x08")]
    assert failure(f"{address}/a.nef?w=1").kind is KIND.UNSUPPORTED


@pytest.mark.parametrize(
    "url",
    ["http://", "http:///a.jpg", "http://[::1/a.jpg", "http://127.0.0.1:99999/a.jpg", "http://a..b/x"],
)
def test_what_is_no_address(url: str) -> None:
    assert list(find_photos([url])) == [url]
    assert failure(url).kind is KIND.UNREADABLE


def test_nobody_listens(web: tuple[Web, str]) -> None:
    server, address = web
    server.shutdown()
    server.server_close()
    assert failure(f"{address}/a.jpg").kind is KIND.UNREADABLE


def test_a_certificate_that_nobody_vouches_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with web_server(self_signed(tmp_path)) as (server, address):
        server.answers["/a.jpg"] = [Answer(b"a")]
        error = failure(f"{address}/a.jpg")
    assert error.kind is KIND.UNREADABLE
    assert "certificate" in error.sentence
    assert not server.seen


def self_signed(folder: Path) -> ssl.SSLContext:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
    return context
