"""The example campaign holds nothing that is not released, applied or seeded."""

from pathlib import Path

from handshake.campaign.policy import policy_files
from handshake.campaign.settings import CampaignSettings
from handshake.config.campaign_head import CAMPAIGN_FILE
from handshake.config.reader import read_settings

CAMPAIGN = Path(__file__).parents[2] / "examples" / "campaign"
_MADE = {"dist", "__pycache__"}


def test_every_file_of_the_example_is_used() -> None:
    """Each file is part of the policy, of a subject's source, of what services share, or of a store's seed.

    The tests of tests/system bring all of these up, and visit what comes of them.
    """
    campaign = read_settings(CampaignSettings, CAMPAIGN / CAMPAIGN_FILE).model
    sources = [its.source for its in campaign.services.values()]
    sources += [its.source for its in campaign.templates.values()]
    sources += [its.source for its in campaign.sites.values()]
    seeds = [its.seed for its in campaign.stores.values() if its.seed]
    folders = [CAMPAIGN / name for name in (*sources, *seeds, "services/kit")]
    policy = {CAMPAIGN / name for name in policy_files(CAMPAIGN)}

    unused = [
        file
        for file in CAMPAIGN.rglob("*")
        if file.is_file()
        and not _MADE & set(file.parts)
        and file not in policy
        and not any(file.is_relative_to(folder) for folder in folders)
    ]
    assert unused == []
