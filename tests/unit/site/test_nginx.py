"""nginx's configuration, printed so that every word is read back as it was meant."""

from pathlib import Path

import pytest

from handshake.drivers.nginx.region_server import (
    RegionServer,
    block,
    directive,
    literal,
    nginx_argv,
    print_configuration,
    print_nginx,
    quote_word,
)

SERVER = RegionServer(
    directory=Path("/var/lib/region"), state=Path("/run/region"), host="127.0.0.1", port=8081, user="www-data"
)


def test_prints_blocks() -> None:
    """Statements end in semicolons, blocks in braces, each level indented."""
    text = print_nginx([directive("daemon", "off"), block(["events"], directive("worker_connections", "9"))])
    assert text == "daemon off;\nevents {\n    worker_connections 9;\n}\n"


@pytest.mark.parametrize(
    ("word", "printed"),
    [
        ("/srv/a-b_c.d", "/srv/a-b_c.d"),
        ("", '""'),
        ("two words", '"two words"'),
        ("a;b", '"a;b"'),
        ("a{b}", '"a{b}"'),
        ("#a", '"#a"'),
        ('a"b', r'"a\"b"'),
        ("a'b", '"a\'b"'),
        ("a\\b", r'"a\\b"'),
        ("a\nb", r'"a\nb"'),
    ],
)
def test_quotes_words(word: str, printed: str) -> None:
    """A word stays one word whatever it holds."""
    assert quote_word(word) == printed


@pytest.mark.parametrize("word", ["a\0b", "a\x1bb"])
def test_refuses_what_no_quoting_carries(word: str) -> None:
    """Control characters without an escape are refused."""
    with pytest.raises(ValueError, match="control character"):
        quote_word(word)


def test_refuses_paths_that_would_be_variables() -> None:
    """A dollar in a path would be replaced by nginx, so it is refused."""
    with pytest.raises(ValueError, match="variable"):
        literal("/srv/$host")
    server = RegionServer(directory=Path("/srv/$x"), state=Path("/run"), host="127.0.0.1", port=1, user="")
    with pytest.raises(ValueError, match="variable"):
        print_configuration(server)


def test_names_a_user_only_where_root_starts_it() -> None:
    """Another user cannot change into one, so none is named."""
    assert print_configuration(SERVER).startswith("user www-data;\n")
    alone = RegionServer(directory=Path("/a"), state=Path("/b"), host="127.0.0.1", port=1, user="")
    assert "user" not in print_configuration(alone).split("http {")[0]


def test_starts_in_the_foreground_with_its_own_files() -> None:
    """The command names the configuration and writes errors where the supervisor reads them."""
    assert nginx_argv(SERVER) == (
        "/usr/sbin/nginx",
        "-e",
        "stderr",
        "-p",
        "/run/region",
        "-c",
        "/run/region/nginx.conf",
    )
    assert SERVER.health_url == "http://127.0.0.1:8081/health"
