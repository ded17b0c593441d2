"""What nginx's log shows of a path, by the maps of nginx.conf; its expressions are Python's too."""

import re

import pytest

from tests.house.test_proxy import MAIN

ID, OTHER = "01a21f79-58a4-78a3-8318-bcd8d8d35077", "01A21F79-593E-7427-A945-FF1536EDA287"
MAP = re.compile(r'map \$(\w+) \$(\w+) \{\s+"(~\*?)(.+)" "(.+)";\s+default \$\w+;\s+\}')


def logged(path: str) -> str:
    """The variable that the log's format names, for a path."""
    [shown] = re.findall(r'"path":"\$(\w+)"', MAIN)
    values = {"uri": path}
    for source, target, kind, pattern, value in MAP.findall(MAIN):
        if source in values:
            regex = re.compile(pattern.replace("(?<", "(?P<"), re.IGNORECASE if "*" in kind else 0)
            found = regex.search(values[source])
            values[target] = values[source]
            if found:
                template = re.sub(r"\$(\w+)", r"\\g<\1>", value)
                values[target] = found.expand(template)
    return values[shown]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/s/Zm9vYmFyYmF6", "/s/<slug>"),
        ("/ai/s/Zm9vYmFyYmF6/", "/ai/s/<slug>/"),
        (f"/v1/predictions/{ID}", "/v1/predictions/<id>"),
        (f"/v1/predictions/{ID}/cancel", "/v1/predictions/<id>/cancel"),
        (f"/ai/predictions/{ID.replace('-', '')}", "/ai/predictions/<id>"),
        (f"/v1/posts/{ID}/share-links/{OTHER}", "/v1/posts/<id>/share-links/<id>"),
        ("/v1/users/anna/followers", "/v1/users/anna/followers"),
        ("/v1/images", "/v1/images"),
    ],
)
def test_slugs_and_ids_are_not_logged(path: str, expected: str) -> None:
    assert logged(path) == expected
