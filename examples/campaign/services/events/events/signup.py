"""A sign-up, as a visitor gives it."""

from dataclasses import dataclass

from kit.body import Form


@dataclass(frozen=True, kw_only=True)
class Signup:
    """Who wants to come."""

    name: str
    email: str


def parse_signup(body: dict[str, object]) -> Signup:
    """Parse a request's body, or refuse it with all of its problems."""
    form = Form(body)
    signup = Signup(name=form.text("name", longest=120), email=form.email("email"))
    form.finish()
    return signup
