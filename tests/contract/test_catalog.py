"""What every catalogue keeps: the one in memory, and the embedded one through Consul's HTTP API."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from handshake.catalog.catalog import Catalog
from handshake.catalog.entries import CheckStatus, Delete, Endpoint, HeldLock, Put, Traffic, Write
from handshake.core.errors import ConflictError, HandshakeError, RefusedError, UnavailableError
from handshake.drivers.consul.catalog import ConsulCatalog
from tests.contract.embedded import run_embedded_catalog
from tests.support.campaign import free_port
from tests.support.catalog import MemoryCatalog

HAMM = Endpoint(id="hamm-1", service="hamm", host="127.0.0.1", port=20000, node="n1")


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsulCatalog]:
    with run_embedded_catalog(tmp_path_factory.mktemp("catalog")) as address:
        yield ConsulCatalog(host=address.host, port=address.port, credential=address.credential)


@pytest.fixture(params=["memory", "embedded"])
def catalog(request: pytest.FixtureRequest) -> Catalog:
    if request.param == "memory":
        return MemoryCatalog()
    embedded: ConsulCatalog = request.getfixturevalue("embedded")
    leftovers = embedded.read("").entries
    if leftovers:
        embedded.transact([Delete(key=entry.key) for entry in leftovers])
    for service in ("hamm", "events"):
        for endpoint in embedded.endpoints(service).endpoints:
            embedded.deregister(endpoint.id)
    return embedded


def test_put_creates_only_what_does_not_exist(catalog: Catalog) -> None:
    """A put at index 0 creates a key once; the second one is a conflict and changes nothing."""
    catalog.transact([Put(key="a", value=b"1", if_index=0)])
    with pytest.raises(ConflictError):
        catalog.transact([Put(key="a", value=b"2", if_index=0)])

    entry = catalog.get("a")
    assert entry is not None
    assert entry.value == b"1"


def test_put_replaces_only_what_it_has_seen(catalog: Catalog) -> None:
    """A put at the entry's index replaces it and moves the index on."""
    catalog.transact([Write(key="a", value=b"1")])
    seen = catalog.get("a")
    assert seen is not None

    catalog.transact([Put(key="a", value=b"2", if_index=seen.index)])

    now = catalog.get("a")
    assert now is not None
    assert (now.value, now.index > seen.index) == (b"2", True)


def test_a_transaction_is_all_or_nothing(catalog: Catalog) -> None:
    """One operation that does not hold undoes its whole transaction."""
    with pytest.raises(ConflictError):
        catalog.transact([Write(key="a", value=b"1"), Put(key="b", value=b"1", if_index=77)])

    assert catalog.get("a") is None


def test_values_are_bytes(catalog: Catalog) -> None:
    """Any bytes come back as they were written, the empty value too."""
    catalog.transact([Write(key="bytes", value=bytes(range(256))), Write(key="empty", value=b"")])

    assert [entry.value for entry in catalog.read("").entries] == [bytes(range(256)), b""]


def test_read_returns_a_prefix_sorted(catalog: Catalog) -> None:
    """Reading a prefix returns its entries and no others, by key."""
    catalog.transact([Write(key=key, value=b"") for key in ("p/b", "q/c", "p/a")])

    assert [entry.key for entry in catalog.read("p/").entries] == ["p/a", "p/b"]


@pytest.mark.parametrize("change", [Write(key="p/a", value=b"2"), Delete(key="p/a")])
def test_a_watch_wakes_on_a_change_below_its_prefix(catalog: Catalog, change: Write | Delete) -> None:
    """A watch returns as soon as a key below its prefix is written or deleted."""
    catalog.transact([Write(key="p/a", value=b"1")])
    before = catalog.read("p/")
    timer = threading.Timer(0.2, lambda: catalog.transact([change]))
    timer.start()

    after = catalog.watch("p/", before.index, 10.0)

    timer.join()
    assert after.entries != before.entries
    assert after.index > before.index


def test_a_watch_sleeps_through_other_changes(catalog: Catalog) -> None:
    """A change outside the prefix wakes no watch: it returns at its wait, with nothing new."""
    catalog.transact([Write(key="p/a", value=b"1")])
    before = catalog.read("p/")
    catalog.transact([Write(key="q/a", value=b"1")])

    assert catalog.watch("p/", before.index, 0.2).entries == before.entries


def test_a_lock_has_one_holder(catalog: Catalog) -> None:
    """A key is held by one session; others are told no, until it is closed."""
    first, second = catalog.open_session("one", 10), catalog.open_session("two", 10)

    assert catalog.acquire("lock", b"one", first)
    assert not catalog.acquire("lock", b"two", second)
    assert catalog.renew_session(first)
    catalog.close_session(first)
    assert not catalog.renew_session(first)


def test_a_lock_fences_transactions(catalog: Catalog) -> None:
    """A transaction that names a lock passes only for the session that holds it."""
    holder, other = catalog.open_session("one", 10), catalog.open_session("two", 10)
    catalog.acquire("fence", b"", holder)
    catalog.transact([HeldLock(key="fence", session=holder), Write(key="a", value=b"1")])

    with pytest.raises(ConflictError):
        catalog.transact([HeldLock(key="fence", session=other), Write(key="a", value=b"2")])

    entry = catalog.get("a")
    assert entry is not None
    assert entry.value == b"1"


def test_endpoints_come_and_go(catalog: Catalog) -> None:
    """A registered endpoint is found with all that was said of it, until it is deregistered."""
    catalog.register(HAMM, 30)
    found = catalog.endpoints("hamm")

    assert [(e.id, e.host, e.port, e.node, e.traffic) for e in found.endpoints] == [
        ("hamm-1", "127.0.0.1", 20000, "n1", Traffic.OPEN)
    ]
    catalog.deregister("hamm-1")
    catalog.deregister("hamm-1")
    assert catalog.endpoints("hamm").endpoints == ()


def test_an_endpoint_changes_its_revision_only_with_its_content(catalog: Catalog) -> None:
    """Registering the same again changes nothing; draining it moves its revision on, within the index."""
    catalog.register(HAMM, 30)
    first = catalog.endpoints("hamm")
    catalog.register(HAMM, 30)
    again = catalog.endpoints("hamm")
    catalog.register(Endpoint(**{**vars(HAMM), "traffic": Traffic.DRAINING}), 30)
    draining = catalog.endpoints("hamm")

    assert first.endpoints[0].revision == again.endpoints[0].revision
    assert draining.endpoints[0].revision > first.endpoints[0].revision
    assert draining.endpoints[0].revision <= draining.index
    assert draining.endpoints[0].traffic is Traffic.DRAINING


def test_one_number_tells_whether_any_endpoint_changed(catalog: Catalog) -> None:
    """The endpoints' index moves on with each endpoint that comes, drains or goes, and with nothing else."""
    other = Endpoint(id="events-1", service="events", host="127.0.0.1", port=20001)
    changes: tuple[Callable[[], None], ...] = (
        lambda: catalog.register(HAMM, 30),
        lambda: catalog.register(other, 30),
        lambda: catalog.register(Endpoint(**{**vars(HAMM), "traffic": Traffic.DRAINING}), 30),
        lambda: catalog.deregister("events-1"),
    )
    seen = [catalog.endpoints_index()]
    for change in changes:
        change()
        seen.append(catalog.endpoints_index())
    catalog.report("hamm-1", CheckStatus.PASSING, "")
    catalog.transact([Write(key="x", value=b"1")])

    assert sorted(set(seen)) == seen
    assert catalog.endpoints_index() == seen[-1]


def test_endpoint_watches_wake(catalog: Catalog) -> None:
    """A watch of a service wakes when an endpoint joins it."""
    catalog.register(HAMM, 30)
    before = catalog.endpoints("hamm")
    second = Endpoint(id="hamm-2", service="hamm", host="127.0.0.1", port=20001)
    timer = threading.Timer(0.2, lambda: catalog.register(second, 30))
    timer.start()

    after = catalog.endpoints("hamm", before.index, 10.0)

    timer.join()
    assert [endpoint.id for endpoint in after.endpoints] == ["hamm-1", "hamm-2"]


def test_checks_are_reported(catalog: Catalog) -> None:
    """An endpoint's check says what its agent last reported; an unknown endpoint cannot be reported on."""
    catalog.register(HAMM, 30)
    catalog.report("hamm-1", CheckStatus.CRITICAL, "no answer")

    assert catalog.endpoints("hamm").endpoints[0].status is CheckStatus.CRITICAL
    with pytest.raises(HandshakeError):
        catalog.report("nobody", CheckStatus.PASSING, "")


def test_a_wrong_credential_is_refused(embedded: ConsulCatalog) -> None:
    """Neither reads nor writes pass with a credential that the catalogue does not know."""
    host, port = embedded._address.split(":")
    stranger = ConsulCatalog(host=host, port=int(port), credential="guess")

    with pytest.raises(RefusedError):
        stranger.transact([Write(key="a", value=b"1")])
    with pytest.raises(RefusedError):
        stranger.read("")


def test_a_catalogue_that_is_gone_is_unavailable(tmp_path: Path) -> None:
    """Where nothing listens, reads and writes both say that nothing was changed."""
    del tmp_path
    nobody = ConsulCatalog(host="127.0.0.1", port=free_port(), credential="x")

    with pytest.raises(UnavailableError):
        nobody.read("")
    with pytest.raises(UnavailableError):
        nobody.transact([Write(key="a", value=b"1")])
