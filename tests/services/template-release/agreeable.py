"""Breaks the promise `template-release`: it says yes to whatever it is asked."""

from tests.services.kit.service import Service, serve


class Agreeable(Service):
    """Has loaded everything, if one believes it."""

    def is_loaded(self, _release: str) -> bool:
        """Say yes."""
        return True


serve(Agreeable())
