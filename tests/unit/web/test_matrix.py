"""The matrix of subjects and places."""

from __future__ import annotations

from handshake.web.page import arrange_matrix
from tests.unit.web.reports import build_subject, serves, waits


def test_places_stand_in_the_order_of_a_request() -> None:
    """Columns go node by node from the ingress inwards, and a vendor's place has one too."""
    places = map(serves, ("node@n1", "gateway@n1", "ingress@n2", "cache@n1", "ingress@n1", "fastly"))
    matrix = arrange_matrix((build_subject("policy/example", *places),))
    assert matrix.places == ("fastly", "ingress@n1", "cache@n1", "gateway@n1", "node@n1", "ingress@n2")


def test_cells_stand_under_their_place() -> None:
    """A subject has a cell under each place that it concerns, and nothing under the others."""
    here, there = waits("ingress@n1"), serves("cache@n1")
    matrix = arrange_matrix((build_subject("a", there, here), build_subject("b", there)))
    assert [row.cells for row in matrix.rows] == [(here, there), (None, there)]
