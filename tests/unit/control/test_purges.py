"""Orders to forget pages: written once, carried out once by each cache, acknowledged."""

from __future__ import annotations

import pytest

from handshake.catalog.keys import JOURNAL, PURGES
from handshake.core.errors import RefusedError
from handshake.edge.cache.cache import Purge, PurgedPage
from handshake.edge.cache.purge import PurgeFollower, PurgeOrder, Purges, decode_purges, read_purge
from handshake.pointers.acks import AckWriter, Place, Role, read_acks
from tests.support.catalog import MemoryCatalog
from tests.support.clock import FakeClock
from tests.unit.control.places import Temper, ToldCache

NEWS, SPORT = Purge(tags=("news",)), Purge(tags=("sport",), is_soft=True)


@pytest.fixture
def catalog() -> MemoryCatalog:
    """A catalogue without any order."""
    return MemoryCatalog()


def order(catalog: MemoryCatalog, purge: Purge) -> int:
    """Write an order."""
    return Purges(catalog, FakeClock()).order(purge, author="ada", reason="corrected")


def orders(catalog: MemoryCatalog) -> tuple[PurgeOrder, ...]:
    """Return the orders as an agent reads them."""
    return decode_purges(catalog.read(PURGES).entries)


def follower(catalog: MemoryCatalog, cache: ToldCache) -> PurgeFollower:
    """Return a new agent's follower."""
    place = Place(role=Role.CACHE, node="n1")
    return PurgeFollower(cache, AckWriter(catalog, FakeClock(), place))


def test_orders_are_numbered_and_journalled(catalog: MemoryCatalog) -> None:
    """Each order has a revision of its own and a line in the journal."""
    assert [order(catalog, NEWS), order(catalog, SPORT)] == [1, 2]
    assert [each.purge for each in orders(catalog)] == [NEWS, SPORT]
    assert len(catalog.read(JOURNAL).entries) == 2


def test_only_the_last_orders_are_kept(catalog: MemoryCatalog) -> None:
    """The catalogue does not grow with every purge."""
    for _ in range(510):
        order(catalog, NEWS)
    assert [orders(catalog)[0].revision, orders(catalog)[-1].revision] == [11, 510]


def test_an_order_is_carried_out_once(catalog: MemoryCatalog) -> None:
    """A cache carries out what is new, and acknowledges the last."""
    cache = ToldCache(temper=Temper.DOES)
    its = follower(catalog, cache)
    order(catalog, NEWS)
    assert [its.follow(orders(catalog)), its.follow(orders(catalog))] == [1, 0]
    order(catalog, SPORT)
    assert its.follow(orders(catalog)) == 1
    assert cache.forgotten == [NEWS, SPORT]
    assert [(ack.subject, ack.revision) for ack in read_acks(catalog)] == [("purges", 2)]


def test_a_new_agent_begins_again(catalog: MemoryCatalog) -> None:
    """What a dead agent may not have done is done by the next one."""
    order(catalog, NEWS)
    cache = ToldCache(temper=Temper.DOES)
    for _ in range(2):
        follower(catalog, cache).follow(orders(catalog))
    assert cache.forgotten == [NEWS, NEWS]


def test_what_operators_write() -> None:
    """Tags and URLs are read as visitors and origins write them."""
    asked = read_purge(["news:1"], ["https://WWW.example.org/a?b=c", "http://localhost:8080"], is_soft=False)
    pages = (PurgedPage(host="www.example.org", path="/a?b=c"), PurgedPage(host="localhost:8080", path="/"))
    assert asked == Purge(tags=("news:1",), pages=pages)


@pytest.mark.parametrize(
    ("tags", "urls"), [([], []), (["two words"], []), ([""], []), ([], ["/path"]), ([], ["https://x/a b"])]
)
def test_what_means_nothing_is_refused(tags: list[str], urls: list[str]) -> None:
    """A tag or a URL that is none is refused before anything is written."""
    with pytest.raises(RefusedError):
        read_purge(tags, urls, is_soft=False)
