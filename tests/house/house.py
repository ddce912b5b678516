"""The example campaign on ports of its own, as tests name it."""

from tests.support.campaign import HouseUnderTest, copy_campaign, house_up

__all__ = ["HouseUnderTest", "copy_campaign", "house_up"]
