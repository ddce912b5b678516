"""A donation, as a visitor gives it. There is no field for a card, and unknown fields are refused."""

from dataclasses import asdict, dataclass

from kit.body import Form
from kit.once import digest_body

LOWEST_CENTS = 100
HIGHEST_CENTS = 330_000


@dataclass(frozen=True, kw_only=True)
class Donation:
    """What is given, and by whom."""

    amount_cents: int
    name: str
    email: str
    city: str

    def digest(self) -> str:
        """Digest what was given: two requests of one digest mean the same donation."""
        return digest_body(asdict(self))


def parse_donation(body: dict[str, object]) -> Donation:
    """Parse a request's body, or refuse it with all of its problems."""
    form = Form(body)
    donation = Donation(
        amount_cents=form.integer("amount_cents", lowest=LOWEST_CENTS, highest=HIGHEST_CENTS),
        name=form.text("name", longest=120),
        email=form.email("email"),
        city=form.optional_text("city", longest=80),
    )
    form.finish()
    return donation
