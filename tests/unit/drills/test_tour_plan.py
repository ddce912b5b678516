"""The tour of a campaign that shares no name with the example: a bakery's, written by each test."""

from collections.abc import Mapping
from pathlib import Path
from random import Random

import pytest

from handshake.campaign.policy import read_policy
from handshake.core.subject import parse_subject
from handshake.drills.requests import RequestKind
from handshake.drills.tour import changed_campaign, find_changes, load_kinds
from handshake.drills.tour_plan import BANNED, Ban, Donating, Flip, TourPlan, plan_tour
from handshake.release.image_contract import Contract, Health, Idempotent

HOUSE = """
name = "bakery"
nodes = ["oven"]
[regions.north]
listen = "127.0.0.1:7101"
[stores.till]
listen = "127.0.0.1:7201"
durable = true
[stores.shelf]
listen = "127.0.0.1:7202"
[services.counter]
source = "programs/counter"
[services.cellar]
source = "programs/cellar"
[templates.paper]
source = "looks/paper"
[sites.recipes]
source = "pages/recipes"
mount = "/recipes"
"""
GATEWAY = """
[[route]]
path = "/buy"
service = "counter"
[[route]]
path = "/"
service = "counter"
methods = ["GET", "HEAD"]
"""
EDGE = """
[switches.closed]
description = "Nobody gets in."
[switches.holiday]
description = "No offers."
[lists.regulars]
kind = "address"
description = "Whom we know."
[lists.thieves]
kind = "network"
description = "Whom we know too well."
[[rule]]
name = "closing-time"
phase = "admit"
when = "switch.closed"
respond = { status = 503 }
[[rule]]
name = "holiday"
phase = "admit"
when = 'switch.holiday && request.path == "/offers"'
respond = { status = 404 }
[[rule]]
name = "no-thieves"
phase = "admit"
when = "client.ip in list.thieves"
respond = { status = 451 }
"""
TIP = Idempotent(
    path="/buy/tips", body='{"amount_cents": 5}', header="Tip-Key", count_path="/buy/sum", count="/n"
)


def contract(*reads: str, stores: tuple[str, ...] = (), posts: tuple[Idempotent, ...] = ()) -> Contract:
    """Return what an image promises."""
    return Contract(
        command=("serve",),
        health=Health(path="/health", deadline_seconds=10),
        drain_seconds=5,
        memory_megabytes=64,
        reads=reads,
        stores=stores,
        idempotent=posts,
    )


COUNTER = contract("/menu", "/buy/sum", "/recipes/hidden", stores=("shelf", "till"), posts=(TIP,))


def plan(
    folder: Path,
    contracts: Mapping[str, Contract],
    *,
    edge: str = EDGE,
    released: tuple[str, ...] = ("image/counter", "image/cellar", "site/recipes", "templates/paper"),
) -> TourPlan:
    """Return the tour of the bakery."""
    for name, text in (("handshake", HOUSE), ("gateway", GATEWAY), ("edge", edge)):
        (folder / f"{name}.toml").write_text(text)
    return plan_tour(read_policy(folder), contracts, tuple(map(parse_subject, released)))


def test_a_tour_follows_from_the_campaigns_own_files(tmp_path: Path) -> None:
    """Sites give their mounts, services their reads; donations, ban and switch are those that the files declare."""
    found = plan(tmp_path, {"counter": COUNTER})

    assert found.pages == ("/recipes/", "/menu", "/buy/sum")
    assert found.donating == Donating(path="/buy/tips", header="Tip-Key", store="till")
    assert found.ban == Ban(list_name="thieves", page="/recipes/", status=451)
    assert found.flip == Flip(switch="holiday", is_on=True, page="/recipes/")
    assert [skip.name for skip in found.skipped] == ["visit service cellar"]


def test_the_load_asks_for_the_same_pages_and_gives_where_gifts_are_taken(tmp_path: Path) -> None:
    """Every page is part of the load, and donations go to the path and carry the key that the service declares."""
    *pages, gift = load_kinds(plan(tmp_path, {"counter": COUNTER}))

    assert [kind.path for kind in pages] == ["/recipes/", "/menu", "/buy/sum"]
    assert (gift.method, gift.path) == ("POST", "/buy/tips")
    assert key_headers(gift) == {"Tip-Key"}


def key_headers(kind: RequestKind) -> set[str]:
    """Return the names of the headers of a request's draft, but for its type."""
    return {name for name, _ in kind.body.make(Random(1)).headers} - {"Content-Type"}


def test_what_a_campaign_does_not_have_is_skipped_with_a_reason(tmp_path: Path) -> None:
    """Without reads, gifts, lists, switches and sources to change, each step is named among the skipped."""
    found = plan(tmp_path, {}, edge="", released=())

    assert (found.donating, found.ban, found.flip) == (None, None, None)
    assert [skip.name for skip in found.skipped] == [
        "visit service counter",
        "visit service cellar",
        "release image/counter",
        "release image/cellar",
        "release site",
        "release templates",
        "donations",
        "ban",
        "switch",
    ]
    assert all(skip.why for skip in found.skipped)


@pytest.mark.parametrize(
    "service",
    [
        contract("/menu", stores=("shelf",), posts=(TIP,)),
        contract("/menu", stores=("till",)),
        contract(
            "/menu",
            stores=("till",),
            posts=(Idempotent(path="/buy/x", body="{}", header="K", count_path="/buy/sum", count="/n"),),
        ),
        contract(
            "/menu",
            stores=("till",),
            posts=(Idempotent(path="/tips", body=TIP.body, header="K", count_path="/buy/sum", count="/n"),),
        ),
    ],
    ids=["store not durable", "nothing idempotent", "no amount", "route lets no POST through"],
)
def test_only_a_gift_into_a_durable_store_is_a_donation(tmp_path: Path, service: Contract) -> None:
    """A POST counts as a donation if it names an amount, a route lets it in, and a durable store keeps it."""
    assert plan(tmp_path, {"counter": service}).donating is None


def test_a_list_that_protects_the_drills_visitor_bans_nobody(tmp_path: Path) -> None:
    """A list that may never hold the visitor whom the tour bans is left alone."""
    protecting = EDGE.replace('kind = "network"', f'kind = "network"\nprotected = ["{BANNED}"]')

    assert plan(tmp_path, {"counter": COUNTER}, edge=protecting).ban is None


def test_changes_are_made_in_the_sources_that_the_campaign_names(tmp_path: Path) -> None:
    """Pages, images and the policy are changed where handshake.toml says that they lie, in a copy."""
    plan(tmp_path, {})
    write(tmp_path / "pages/recipes/index.html", "<p>Bread")
    write(tmp_path / "looks/paper/bill.html", "<p>Due")
    write(tmp_path / "programs/counter/till/main.py", "")
    for service, copied in (("counter", "till"), ("cellar", "../shared")):
        write(
            tmp_path / f"programs/{service}/service.toml",
            f'command = ["serve"]\nbase = "host"\n[[build]]\ncopy = "{copied}"\nto = "app"\n',
        )
    write(tmp_path / "programs/shared/ingress.py", "")
    changes = find_changes(tmp_path, read_policy(tmp_path).campaign)

    assert [str(its.subject) for its in changes] == [
        "site/recipes",
        "templates/paper",
        "image/counter",
        "policy/bakery",
    ]
    with changed_campaign(tmp_path, changes, "mark") as changed:
        assert (changed / "pages/recipes/index.html").read_text() == "<p>Bread<!-- mark -->\n"
        assert (changed / "looks/paper/bill.html").read_text() == "<p>Due<!-- mark -->\n"
        assert (changed / "programs/counter/till/drill.txt").read_text() == "mark"
        read_policy(changed)
    assert (tmp_path / "pages/recipes/index.html").read_text() == "<p>Bread"


def write(file: Path, text: str) -> None:
    """Write a file, and the folders above it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
