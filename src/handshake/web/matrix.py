"""The matrix: subjects down, places across."""

from __future__ import annotations

from dataclasses import dataclass

from handshake.control.status import PlaceCell, SubjectRow
from handshake.core.ack import Role

_ROLES = tuple(Role)


@dataclass(frozen=True, kw_only=True)
class MatrixRow:
    """One subject and, for each column, what that place says; None where the subject does not concern it."""

    subject: SubjectRow
    cells: tuple[PlaceCell | None, ...]


@dataclass(frozen=True, kw_only=True)
class Matrix:
    """A table with one column for each place that any subject concerns."""

    places: tuple[str, ...]
    rows: tuple[MatrixRow, ...]


def arrange_matrix(subjects: tuple[SubjectRow, ...]) -> Matrix:
    """Return the subjects with their places in one order, the way a request travels."""
    places = tuple(sorted({cell.place for row in subjects for cell in row.places}, key=_travel_order))
    return Matrix(places=places, rows=tuple(_align(row, places) for row in subjects))


def _align(row: SubjectRow, places: tuple[str, ...]) -> MatrixRow:
    said = {cell.place: cell for cell in row.places}
    return MatrixRow(subject=row, cells=tuple(said.get(place) for place in places))


def _travel_order(place: str) -> tuple[str, int, str]:
    """Return a sort key: node by node, and within one from the door inwards; a vendor's place is a node of its own."""
    role, _, node = place.partition("@")
    depth = next((depth for depth, known in enumerate(_ROLES) if known == role), len(_ROLES))
    return (node, depth, role)
