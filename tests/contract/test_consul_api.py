"""Consul's HTTP API as the embedded catalogue speaks it, through py-consul, and in raw HTTP where that hides things."""

import base64
import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import consul
import pytest
import requests

from tests.contract.embedded import CatalogAddress, run_embedded_catalog

READ_CREDENTIAL = "test-read-credential"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CatalogAddress]:
    """A running catalogue."""
    with run_embedded_catalog(tmp_path_factory.mktemp("catalogue")) as address:
        yield address


@pytest.fixture
def client(address: CatalogAddress) -> consul.Consul:
    """A py-consul client over an empty key store; its `txn` sends no credential of its own, so the session does."""
    client = consul.Consul(host=address.host, port=address.port, token=address.credential)
    client.http.session.headers["X-Consul-Token"] = address.credential
    client.kv.delete("", recurse=True)
    return client


@pytest.fixture
def http(address: CatalogAddress) -> Callable[..., requests.Response]:
    """Raw HTTP with the credential that writes."""

    def send(method: str, path: str, **options: Any) -> requests.Response:
        headers = {"X-Consul-Token": address.credential} | options.pop("headers", {})
        url = f"http://{address.host}:{address.port}{path}"
        return requests.request(method, url, headers=headers, timeout=15, **options)

    return send


Http = Callable[..., requests.Response]


@contextmanager
def waiting(query: Callable[[], Any]) -> Iterator[Future[Any]]:
    """Run a blocking query beside the block, which begins when the query has had time to arrive."""
    with ThreadPoolExecutor() as pool:
        future = pool.submit(query)
        time.sleep(0.2)
        assert not future.done(), future.result()
        yield future


# --- keys and values -------------------------------------------------------------------------------------------


def test_a_value_comes_back_as_it_went(client: consul.Consul) -> None:
    """Any bytes and flags are stored under any key."""
    value = bytes(range(256))
    assert client.kv.put("ä b/c?d#e%2F", value, flags=2**64 - 1)
    index, entry = client.kv.get("ä b/c?d#e%2F")
    assert (entry["Value"], entry["Flags"], entry["Key"]) == (value, 2**64 - 1, "ä b/c?d#e%2F")
    assert int(index) == entry["ModifyIndex"] == entry["CreateIndex"]
    assert entry["LockIndex"] == 0
    assert "Session" not in entry


def test_what_is_missing_is_404_with_an_index(http: Http) -> None:
    """A missing key and an empty tree answer 404, and still say which index to watch from."""
    for path in ["/v1/kv/no", "/v1/kv/no?recurse", "/v1/kv/no?keys"]:
        answer = http("GET", path)
        assert answer.status_code == 404
        assert int(answer.headers["X-Consul-Index"]) >= 1


def test_raw_is_the_value_alone(client: consul.Consul, http: Http) -> None:
    """A raw read returns the bytes of the value and nothing around them."""
    client.kv.put("a", b"\x00\xff")
    assert http("GET", "/v1/kv/a?raw").content == b"\x00\xff"


def test_an_empty_value_is_null(client: consul.Consul, http: Http) -> None:
    """An empty value is null in JSON, as in Consul."""
    client.kv.put("a", "")
    assert http("GET", "/v1/kv/a").json()[0]["Value"] is None


def test_trees_and_keys(client: consul.Consul) -> None:
    """A tree is listed whole, or as keys, or as keys up to a separator; and deleted as a whole."""
    for key in ["t/a", "t/b/1", "t/b/2", "u"]:
        client.kv.put(key, key)
    assert [entry["Key"] for entry in client.kv.get("t/", recurse=True)[1]] == ["t/a", "t/b/1", "t/b/2"]
    assert client.kv.get("t/", keys=True)[1] == ["t/a", "t/b/1", "t/b/2"]
    assert client.kv.get("t/", keys=True, separator="/")[1] == ["t/a", "t/b/"]
    assert client.kv.delete("t/", recurse=True)
    assert client.kv.get("", keys=True)[1] == ["u"]


def test_check_and_set(client: consul.Consul) -> None:
    """Check-and-set writes with the present index and with no other; 0 creates."""
    assert client.kv.put("a", "1", cas=0)
    assert not client.kv.put("a", "2", cas=0)
    index = client.kv.get("a")[1]["ModifyIndex"]
    assert client.kv.put("a", "2", cas=index)
    assert not client.kv.put("a", "3", cas=index)
    assert not client.kv.delete("a", cas=index)
    assert client.kv.delete("a", cas=client.kv.get("a")[1]["ModifyIndex"])
    assert client.kv.get("a")[1] is None


def test_of_concurrent_check_and_sets_one_wins(client: consul.Consul, http: Http) -> None:
    """When many write with the same expected index at the same moment, exactly one is acknowledged."""
    client.kv.put("a", "start")
    for round_number in range(10):
        index = client.kv.get("a")[1]["ModifyIndex"]
        barrier = threading.Barrier(8)

        def attempt(number: int, index: int = index, barrier: threading.Barrier = barrier) -> bool:
            barrier.wait()
            won: bool = http("PUT", f"/v1/kv/a?cas={index}", data=f"{round_number}-{number}").json()  # noqa: B023 -- ends in its round
            return won

        with ThreadPoolExecutor(8) as pool:
            won = list(pool.map(attempt, range(8)))
        assert won.count(True) == 1
        assert client.kv.get("a")[1]["Value"].decode() == f"{round_number}-{won.index(True)}"


def test_values_have_a_limit(http: Http) -> None:
    """A value of 512 KB is stored, a byte more is 413 and changes nothing."""
    limit = 512 * 1024
    assert http("PUT", "/v1/kv/a", data=b"x" * limit).json() is True
    assert http("PUT", "/v1/kv/a", data=b"y" * (limit + 1)).status_code == 413
    assert http("GET", "/v1/kv/a?raw").content == b"x" * limit


# --- blocking queries ------------------------------------------------------------------------------------------


def test_a_watch_of_a_key_wakes_on_its_change_alone(client: consul.Consul) -> None:
    """A blocking query sleeps through another key's write and a write of the same value, and wakes on a new one."""
    client.kv.put("a", "1")
    index = client.kv.get("a")[0]
    with waiting(lambda: client.kv.get("a", index=index, wait="10s")) as watch:
        client.kv.put("b", "1")
        client.kv.put("a", "1")
        time.sleep(0.3)
        assert not watch.done()
        client.kv.put("a", "2")
        new_index, entry = watch.result(timeout=5)
    assert entry["Value"] == b"2"
    assert int(new_index) > int(index)


def test_a_watch_of_a_tree_wakes_on_a_delete(client: consul.Consul) -> None:
    """A deleted key wakes the watches of its tree with a later index, even when it was the last one."""
    client.kv.put("t/a", "1")
    index = client.kv.get("t/", recurse=True)[0]
    with waiting(lambda: client.kv.get("t/", recurse=True, index=index, wait="10s")) as watch:
        client.kv.put("u", "1")
        client.kv.delete("t/a")
        new_index, entries = watch.result(timeout=5)
    assert entries is None
    assert int(new_index) > int(index)


def test_a_watch_of_a_missing_key_wakes_on_its_creation(client: consul.Consul) -> None:
    """Somebody can wait for a key that is not there yet."""
    index, entry = client.kv.get("later")
    assert entry is None
    with waiting(lambda: client.kv.get("later", index=index, wait="10s")) as watch:
        client.kv.put("later", "now")
        assert watch.result(timeout=5)[1]["Value"] == b"now"


def test_a_wait_ends_by_itself(client: consul.Consul) -> None:
    """Without a change, a blocking query answers the same after its wait and at most a sixteenth more."""
    client.kv.put("a", "1")
    index, entry = client.kv.get("a")
    start = time.monotonic()
    assert client.kv.get("a", index=index, wait="500ms") == (index, entry)
    assert 0.5 <= time.monotonic() - start < 1.5


def test_an_old_index_answers_at_once(client: consul.Consul) -> None:
    """A client that missed changes is told at once."""
    client.kv.put("a", "1")
    index = client.kv.get("a")[0]
    client.kv.put("a", "2")
    start = time.monotonic()
    assert client.kv.get("a", index=index, wait="10s")[1]["Value"] == b"2"
    assert time.monotonic() - start < 2


# --- transactions ----------------------------------------------------------------------------------------------


def kv(verb: str, key: str, value: str = "", **fields: object) -> dict[str, object]:
    return {"KV": {"Verb": verb, "Key": key, "Value": base64.b64encode(value.encode()).decode()} | fields}


def test_a_transaction_is_applied_whole(client: consul.Consul) -> None:
    """Its writes share one index, reads return values, deletes return nothing, and a watch wakes once."""
    index = client.kv.get("x/", recurse=True)[0]
    with waiting(lambda: client.kv.get("x/", recurse=True, index=index, wait="10s")) as watch:
        operations = [
            kv("set", "x/a", "1", Flags=7),
            kv("cas", "x/b", "2", Index=0),
            kv("get", "x/a"),
            kv("delete", "y"),
        ]
        answer = client.txn.put(operations)
        assert len(watch.result(timeout=5)[1]) == 2
    entries = [result["KV"] for result in answer["Results"]]
    assert answer["Errors"] is None
    assert [(entry["Key"], entry["Value"], entry["Flags"]) for entry in entries] == [
        ("x/a", None, 7),
        ("x/b", None, 0),
        ("x/a", "MQ==", 7),
    ]
    assert len({entry["ModifyIndex"] for entry in entries}) == 1


def test_a_failed_transaction_is_409_and_changes_nothing(client: consul.Consul, http: Http) -> None:
    """Every failed operation is named by its position, and none is applied."""
    client.kv.put("a", "1")
    before = client.kv.get("", recurse=True)
    operations = [
        kv("set", "b", "1"),
        kv("cas", "a", "2", Index=1),
        kv("check-not-exists", "a"),
        kv("delete", "a"),
    ]
    answer = http("PUT", "/v1/txn", data=json.dumps(operations))
    assert answer.status_code == 409
    assert answer.json()["Results"] is None
    assert [error["OpIndex"] for error in answer.json()["Errors"]] == [1, 2]
    assert all(error["What"] for error in answer.json()["Errors"])
    assert client.kv.get("", recurse=True) == before


def test_a_transaction_has_a_limit(http: Http) -> None:
    """128 operations are allowed, 129 are 413."""
    assert (
        http("PUT", "/v1/txn", data=json.dumps([kv("set", f"k{n}") for n in range(128)])).status_code == 200
    )
    assert (
        http("PUT", "/v1/txn", data=json.dumps([kv("set", f"k{n}") for n in range(129)])).status_code == 413
    )


# --- sessions --------------------------------------------------------------------------------------------------


def test_a_session_locks_a_key(client: consul.Consul) -> None:
    """A key locked by one session is refused to another until it is released."""
    first, second = client.session.create(lock_delay=0), client.session.create(lock_delay=0)
    assert client.kv.put("leader", "1", acquire=first)
    assert not client.kv.put("leader", "2", acquire=second)
    assert client.kv.get("leader")[1]["Session"] == first
    assert client.kv.put("leader", "", release=first)
    assert client.kv.put("leader", "2", acquire=second)
    assert client.kv.get("leader")[1]["LockIndex"] == 2


@pytest.mark.parametrize(("behavior", "is_left"), [("release", True), ("delete", False)])
def test_destroying_a_session_wakes_who_waits_for_its_lock(
    client: consul.Consul,
    behavior: str,
    is_left: bool,  # noqa: FBT001 -- a table's column
) -> None:
    """A destroyed session's key is released, or deleted, and a watch of it wakes."""
    session = client.session.create(lock_delay=0, behavior=behavior)
    client.kv.put("leader", "1", acquire=session)
    index = client.kv.get("leader")[0]
    with waiting(lambda: client.kv.get("leader", index=index, wait="10s")) as watch:
        assert client.session.destroy(session)
        entry = watch.result(timeout=5)[1]
    assert (entry is not None) == is_left
    assert not (entry or {}).get("Session")


def test_lock_delay_over_http(client: consul.Consul) -> None:
    """After a session was destroyed while it held a lock, the lock-delay keeps others off."""
    first, second = client.session.create(lock_delay=1), client.session.create()
    client.kv.put("delayed", "1", acquire=first)
    client.session.destroy(first)
    assert not client.kv.put("delayed", "2", acquire=second)
    time.sleep(1.1)
    assert client.kv.put("delayed", "2", acquire=second)


def test_sessions_are_shown(client: consul.Consul) -> None:
    """A session is listed with what it was created with, renewed, and gone once destroyed."""
    session_id = client.session.create(name="me", ttl=10, behavior="delete", lock_delay=5)
    shown = client.session.info(session_id)[1]
    assert (shown["Name"], shown["TTL"], shown["Behavior"], shown["LockDelay"]) == (
        "me",
        "10s",
        "delete",
        5_000_000_000,
    )
    assert shown["Node"] == "n1"
    assert client.session.renew(session_id)["ID"] == session_id
    assert session_id in [session["ID"] for session in client.session.list()[1]]
    assert session_id in [session["ID"] for session in client.session.node("n1")[1]]
    client.session.destroy(session_id)
    assert client.session.info(session_id)[1] is None
    with pytest.raises(consul.NotFound):
        client.session.renew(session_id)


# --- services and health ---------------------------------------------------------------------------------------


def register(client: consul.Consul, service_id: str = "web-1", *, port: int = 80) -> None:
    check = {"TTL": "10m", "DeregisterCriticalServiceAfter": "10m"}
    assert client.agent.service.register(
        "web", service_id=service_id, address="127.0.0.2", port=port, tags=["a"], meta={"k": "v"}, check=check
    )


def test_a_service_is_found_once_it_passes(client: consul.Consul) -> None:
    """A registered endpoint is in the catalogue at once and among the passing ones when its check says so."""
    register(client)
    assert client.catalog.services()[1]["web"] == ["a"]
    (flat,) = client.catalog.service("web")[1]
    assert (flat["ServiceID"], flat["ServiceAddress"], flat["ServicePort"]) == ("web-1", "127.0.0.2", 80)
    assert client.health.service("web", passing=True)[1] == []
    assert client.agent.check.ttl_pass("service:web-1", "fine")
    (entry,) = client.health.service("web", passing=True)[1]
    assert (entry["Service"]["ID"], entry["Service"]["Meta"], entry["Node"]["Node"]) == (
        "web-1",
        {"k": "v"},
        "n1",
    )
    assert {check["CheckID"]: check["Status"] for check in entry["Checks"]} == {
        "serfHealth": "passing",
        "service:web-1": "passing",
    }
    assert client.agent.services()["web-1"]["Port"] == 80
    assert client.health.service("web", tag="b")[1] == []
    assert client.agent.service.deregister("web-1")


def test_checks_can_warn_fail_and_be_updated(client: consul.Consul, http: Http) -> None:
    """Each report is shown with its output; an unknown check is 404, an unknown status 400."""
    register(client)
    client.agent.check.ttl_warn("service:web-1", "slow")
    (check,) = client.health.checks("web")[1]
    assert (check["Status"], check["Output"]) == ("warning", "slow")
    client.agent.check.ttl_fail("service:web-1", "down")
    assert "service:web-1" in [check["CheckID"] for check in client.health.state("critical")[1]]
    update = json.dumps({"Status": "passing", "Output": "up"})
    assert http("PUT", "/v1/agent/check/update/service:web-1", data=update).status_code == 200
    assert client.health.checks("web")[1][0]["Output"] == "up"
    assert http("PUT", "/v1/agent/check/pass/no-such").status_code == 404
    assert http("PUT", "/v1/agent/check/update/service:web-1", data='{"Status": "fine"}').status_code == 400
    client.agent.service.deregister("web-1")


def test_a_watch_of_health_wakes_on_its_service_alone(client: consul.Consul) -> None:
    """A heartbeat, the same registration and another service wake nobody; a status and a departure do."""
    register(client)
    client.agent.check.ttl_pass("service:web-1")
    index = client.health.service("web")[0]
    with waiting(lambda: client.health.service("web", index=index, wait="10s")) as watch:
        client.agent.check.ttl_pass("service:web-1", "beat")
        register(client)
        client.agent.service.register("other")
        time.sleep(0.3)
        assert not watch.done()
        client.agent.check.ttl_fail("service:web-1")
        new_index = watch.result(timeout=5)[0]
    assert int(new_index) > int(index)
    with waiting(lambda: client.health.service("web", index=new_index, wait="10s")) as watch:
        client.agent.service.deregister("web-1")
        last_index, entries = watch.result(timeout=5)
    assert entries == []
    assert int(last_index) > int(new_index)


def test_each_endpoint_has_its_own_modify_index(client: consul.Consul) -> None:
    """When one endpoint changes, its neighbour's index stays."""
    for service_id in ["web-1", "web-2"]:
        register(client, service_id)
    before = {entry["ServiceID"]: entry["ModifyIndex"] for entry in client.catalog.service("web")[1]}
    register(client, "web-1", port=81)
    after = {entry["ServiceID"]: entry["ModifyIndex"] for entry in client.catalog.service("web")[1]}
    assert after["web-1"] > before["web-1"]
    assert after["web-2"] == before["web-2"]


def test_the_agent_and_its_node_are_shown(client: consul.Consul) -> None:
    """Discovery clients find the datacenter, the node and a leader."""
    description = client.agent.self()
    assert (description["Config"]["Datacenter"], description["Config"]["NodeName"]) == ("dc1", "n1")
    assert [node["Node"] for node in client.catalog.nodes()[1]] == ["n1"]
    assert client.catalog.datacenters() == ["dc1"]
    assert client.status.leader() == "127.0.0.1:8300"
    assert client.status.peers() == ["127.0.0.1:8300"]


# --- credentials and malformed requests ------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/v1/kv/a", "/v1/agent/self", "/v1/catalog/services", "/v1/no-such"])
def test_nothing_without_a_credential(http: Http, path: str) -> None:
    """Without a credential, or with a wrong one, everything is 403."""
    for wrong in ["", "wrong"]:
        answer = http("GET", path, headers={"X-Consul-Token": wrong})
        assert (answer.status_code, answer.text) == (403, "Permission denied")


def test_the_status_is_open(http: Http) -> None:
    """The status endpoints answer anybody."""
    assert http("GET", "/v1/status/leader", headers={"X-Consul-Token": ""}).status_code == 200


def test_a_credential_has_three_places(http: Http, address: CatalogAddress) -> None:
    """The credential is taken from its header, from a bearer header and from the query."""
    bearer = {"X-Consul-Token": "", "Authorization": f"Bearer {address.credential}"}
    assert http("PUT", "/v1/kv/a", headers=bearer).status_code == 200
    query = f"/v1/kv/a?token={address.credential}"
    assert http("PUT", query, headers={"X-Consul-Token": ""}).status_code == 200


def test_the_read_credential_reads_only(client: consul.Consul, http: Http) -> None:
    """The second credential reads, also in a transaction, and writes nothing."""
    client.kv.put("a", "1")
    reader = {"X-Consul-Token": READ_CREDENTIAL}
    assert http("GET", "/v1/kv/a", headers=reader).status_code == 200
    assert http("PUT", "/v1/txn", headers=reader, data=json.dumps([kv("get", "a")])).status_code == 200
    writes = [
        ("PUT", "/v1/kv/a", "2"),
        ("DELETE", "/v1/kv/a", ""),
        ("PUT", "/v1/txn", json.dumps([kv("get", "a"), kv("set", "a", "2")])),
        ("PUT", "/v1/session/create", ""),
        ("PUT", "/v1/agent/service/register", '{"Name": "web"}'),
    ]
    for method, path, body in writes:
        assert http(method, path, headers=reader, data=body).status_code == 403, path
    assert client.kv.get("a")[1]["Value"] == b"1"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/v1/kv/", ""),
        ("PUT", "/v1/kv/", "x"),
        ("DELETE", "/v1/kv/", ""),
        ("GET", "/v1/kv/%ff", ""),
        ("GET", "/v1/kv/a?index=one", ""),
        ("GET", "/v1/kv/a?index=-1", ""),
        ("GET", "/v1/kv/a?index=1&wait=soon", ""),
        ("PUT", "/v1/kv/a?cas=x", "x"),
        ("PUT", "/v1/kv/a?flags=x", "x"),
        ("PUT", "/v1/kv/a?cas=1&acquire=x", "x"),
        ("PUT", "/v1/kv/a?acquire=nobody", "x"),
        ("PUT", "/v1/kv/a?release=", "x"),
        ("DELETE", "/v1/kv/a?cas=1&recurse", ""),
        ("PUT", "/v1/txn", "{}"),
        ("PUT", "/v1/txn", "[" * 10_000),
        ("PUT", "/v1/txn", '[{"KV": {"Verb": "jump", "Key": "a"}}]'),
        ("PUT", "/v1/session/create", '{"TTL": "1s"}'),
        ("PUT", "/v1/session/create", '{"Checks": ["no-such"]}'),
        ("PUT", "/v1/agent/service/register", "not json"),
        ("PUT", "/v1/agent/service/register", '{"Port": 1}'),
        ("GET", "/v1/health/state/fine", ""),
        ("GET", "/v1/health/service/web?filter=x", ""),
        ("GET", "/v1/agent/services?filter=x", ""),
        ("GET", "/v1/kv/a?dc=elsewhere", ""),
    ],
)
def test_malformed_requests_are_400(http: Http, method: str, path: str, body: str) -> None:
    """What cannot be understood is refused with a sentence, and breaks nothing."""
    answer = http(method, path, data=body)
    assert answer.status_code == 400
    assert len(answer.text) > 10
