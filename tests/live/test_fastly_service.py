"""The Fastly driver against an API that keeps Fastly's limits."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from handshake.core.clock import SystemClock
from handshake.core.errors import RefusedError, UnavailableError
from handshake.drivers.fastly.account import FastlyAccount
from handshake.drivers.fastly.service import FastlyApiService
from handshake.edge.fastly.service import Origin, Version, VersionChange
from tests.live.fastly_api import SERVICE, TOKEN, FastlyApi, run_fastly_api

pytestmark = pytest.mark.live

CHANGE = VersionChange(
    vcl="sub vcl_recv {}",
    new_acls=("hs_list_wall_1",),
    new_dictionaries=("hs_switches",),
    new_private=("hs_seals",),
    origin=Origin(host="origin.example.org", port=8443, shield="iad-va-us"),
    is_new_origin=True,
    domains=("www.example.org",),
)


@pytest.fixture
def api() -> Iterator[FastlyApi]:
    """Serve an account's API."""
    with run_fastly_api(FastlyApi()) as api:
        yield api


def connect(api: FastlyApi, token: str = TOKEN) -> FastlyApiService:
    """Return a service, seen through the driver."""
    return FastlyApiService(FastlyAccount(api=api.url, token=token, clock=SystemClock()), SERVICE)


def go_live(service: FastlyApiService, change: VersionChange = CHANGE) -> Version:
    """Make a changed version the active one."""
    drafted = service.change(service.draft().number, change)
    service.validate(drafted.number)
    service.activate(drafted.number)
    return drafted


def test_a_draft_becomes_the_active_version(api: FastlyApi) -> None:
    """What was written to a draft is read back of the active version, and nothing was active before."""
    service = connect(api)
    assert service.active() is None
    drafted = go_live(service)
    assert service.active() == drafted
    assert (drafted.vcl, drafted.origin) == (CHANGE.vcl, CHANGE.origin)
    assert drafted.domains == {"www.example.org"}
    assert set(drafted.dictionaries) == {"hs_switches", "hs_seals"}


def test_containers_keep_their_entries_through_versions(api: FastlyApi) -> None:
    """A clone has the same containers under the same ids: live data needs no release."""
    service = connect(api)
    first = go_live(service)
    service.change_entries(first.acls["hs_list_wall_1"], add=["192.0.2.1", "2001:db8::/32"], remove={})
    second = go_live(service, VersionChange(vcl="sub vcl_recv { }", old_dictionaries=("hs_switches",)))
    assert second.acls == first.acls
    assert set(second.dictionaries) == {"hs_seals"}
    assert set(service.entries(second.acls["hs_list_wall_1"])) == {"192.0.2.1", "2001:db8::/32"}


def test_an_old_version_can_be_activated_again(api: FastlyApi) -> None:
    """Rolling back is activating the version before."""
    service = connect(api)
    first = go_live(service)
    go_live(service, VersionChange(vcl="sub vcl_recv { }"))
    service.activate(first.number)
    assert service.active() == first


def test_all_pages_are_read_and_batches_are_cut(api: FastlyApi) -> None:
    """1,050 items of two batches are read back, although a page holds a hundred and says nothing of more."""
    api.capacity = 10_000
    service = connect(api)
    acl = go_live(service).acls["hs_list_wall_1"]
    wanted = {f"192.0.{number // 256}.{number % 256}" for number in range(1050)}
    service.change_entries(acl, add=wanted, remove={})
    assert set(service.entries(acl)) == wanted
    assert api.batches == [1000, 50]
    held = service.entries(acl)
    service.change_entries(acl, add=["198.51.100.0/24"], remove=dict(held))
    assert set(service.entries(acl)) == {"198.51.100.0/24"}


def test_what_is_silently_cut_off_is_seen_by_reading_back(api: FastlyApi) -> None:
    """Fastly drops what exceeds a container's capacity and calls it a success; reading back tells."""
    api.capacity = 3
    service = connect(api)
    dictionary = go_live(service).dictionaries["hs_switches"]
    service.change_items(dictionary, put={str(number): "1" for number in range(5)}, remove=())
    assert len(service.items(dictionary)) == 3


def test_items_are_changed_and_removed(api: FastlyApi) -> None:
    """A value is replaced, and a key is removed, in one batch."""
    service = connect(api)
    dictionary = go_live(service).dictionaries["hs_switches"]
    service.change_items(dictionary, put={"siege": "1", "calm": "2"}, remove=())
    service.change_items(dictionary, put={"siege": "3"}, remove=["calm"])
    assert service.items(dictionary) == {"siege": "3"}


def test_what_is_private_can_be_written_only(api: FastlyApi) -> None:
    """The key of seals goes in, and nobody reads it."""
    service = connect(api)
    seals = go_live(service).dictionaries["hs_seals"]
    service.change_items(seals, put={"key": "secret"}, remove=())
    assert api.items[seals] == {"key": "secret"}
    with pytest.raises(RefusedError):
        service.items(seals)


def test_a_version_that_does_not_validate_is_refused(api: FastlyApi) -> None:
    """Fastly's words are in the details, and what serves goes on."""
    service = connect(api)
    first = go_live(service)
    api.find_fault = lambda text: "Unknown variable 'nonsense'" if "nonsense" in text else ""
    drafted = service.change(service.draft().number, VersionChange(vcl="nonsense"))
    with pytest.raises(RefusedError) as refused:
        service.validate(drafted.number)
    assert "Unknown variable" in refused.value.details
    with pytest.raises(RefusedError):
        service.activate(drafted.number)
    assert service.lint("nonsense") == ("Unknown variable 'nonsense'",)
    assert service.active() == first


def test_an_activation_is_true_later(api: FastlyApi) -> None:
    """Between the accepted activation and its truth, the old version is what is read back."""
    service = connect(api)
    first = go_live(service)
    api.activation_seconds = 0.2
    second = go_live(service, VersionChange(vcl="sub vcl_recv { }"))
    assert service.active() == first
    time.sleep(0.25)
    assert service.active() == second


def test_too_many_requests_say_when_to_come_back(api: FastlyApi) -> None:
    """Beyond the hour's writes, nothing was changed and the hint names the seconds; reading goes on."""
    service = connect(api)
    first = go_live(service)
    api.writes_an_hour = api.writes
    with pytest.raises(UnavailableError) as refused:
        service.draft()
    assert refused.value.hint.startswith("Try again in ")
    assert service.active() == first


def test_a_silent_api_is_unavailable(api: FastlyApi) -> None:
    """An API that fails, and one that is not there, are tried later."""
    service = connect(api)
    api.is_down = True
    with pytest.raises(UnavailableError):
        service.active()
    gone = FastlyApiService(
        FastlyAccount(api="http://127.0.0.1:1", token=TOKEN, clock=SystemClock()), SERVICE
    )
    with pytest.raises(UnavailableError):
        gone.active()


def test_a_wrong_token_is_refused_and_told_nowhere(api: FastlyApi) -> None:
    """The refusal says that the credentials are wrong, and not what they are."""
    with pytest.raises(RefusedError) as refused:
        connect(api, "another token").active()
    assert "another token" not in f"{refused.value.what} {refused.value.details} {refused.value.hint}"


@pytest.mark.parametrize("is_soft", [True, False])
def test_tags_are_purged_in_batches(api: FastlyApi, *, is_soft: bool) -> None:
    """300 tags are two purges, soft ones marked as such."""
    connect(api).purge([f"tag-{number}" for number in range(300)], is_soft=is_soft)
    assert [(len(tags), softly) for tags, softly in api.purges] == [(256, is_soft), (44, is_soft)]
