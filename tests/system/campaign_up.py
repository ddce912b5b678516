"""The example campaign on ports of its own, as tests name it."""

from tests.support.campaign import CampaignUnderTest, copy_campaign, system_up

__all__ = ["CampaignUnderTest", "copy_campaign", "system_up"]
