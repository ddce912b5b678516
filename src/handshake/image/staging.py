"""A staging folder: the tree of an image while it is being put together."""

from __future__ import annotations

import shutil
from pathlib import Path, PurePosixPath

from handshake.core.errors import RefusedError
from handshake.core.problem import Location, Problem, ProblemsError


class Staging:
    """Takes files, each path once, with the two modes that a manifest knows."""

    def __init__(self, folder: Path) -> None:
        if folder.exists() and any(folder.iterdir()):
            raise RefusedError(f"the staging folder {folder} is not empty", hint="bake into a new folder")
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._brought_by: dict[PurePosixPath, Location] = {}
        self._problems: list[Problem] = []

    def add(self, path: str, source: Path, mode: int, where: Location) -> None:
        """Copy a file to a path of the tree; `where` is the step that brings it."""
        place = PurePosixPath(path)
        if self._is_taken(place, where):
            return
        self._brought_by[place] = where
        target = self._folder / place
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        target.chmod(mode)

    def finish(self) -> None:
        """Raise ProblemsError with every path that two steps brought."""
        if self._problems:
            raise ProblemsError(self._problems)

    def _is_taken(self, place: PurePosixPath, where: Location) -> bool:
        for taken in (place, *place.parents):
            if taken in self._brought_by:
                self._problems.append(_duplicate(taken, self._brought_by[taken], where))
                return True
        if (self._folder / place).is_dir():
            self._problems.append(_duplicate(place, self._below(place), where))
            return True
        return False

    def _below(self, place: PurePosixPath) -> Location:
        return next(where for path, where in self._brought_by.items() if place in path.parents)


def _duplicate(path: PurePosixPath, first: Location, second: Location) -> Problem:
    return Problem(
        check="duplicate-path",
        what=f"this step brings {path}, which the step at {first} has brought already",
        where=second,
        hint="give one of the two another target",
    )
