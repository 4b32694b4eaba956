"""Draining the campaign that this process works on, when somebody wants the process to end."""

import os
import time

from rich.console import Console

from unloop.model.outcome import ExitCode
from unloop.model.state import CampaignState
from unloop.store import campaigns
from unloop.store.campaigns import Campaign
from unloop.store.database import Database


class Drain:
    """Told once, the campaign is paused and what is in work comes to its end; told again, the process leaves at once."""

    def __init__(self, database: Database, console: Console) -> None:
        self._database, self._console = database, console
        self._by = ""
        self._is_done = False

    def ask(self, campaign: Campaign, *, by: str, busy: int) -> None:
        """Somebody wants this process to end, while so many hosts are in work."""
        if self._by or campaign.state is not CampaignState.RUNNING:
            self._console.print(
                "[red]Leaving at once; what was in mid-change is recorded and is finished by the resume."
            )
            self._console.file.flush()
            os._exit(ExitCode.STOPPED)
        self._by = by
        text = f"Draining: nothing new starts; {busy} hosts in work are finished. Ctrl-C again leaves at once."
        self._console.print(text)

    def step(self, campaign: Campaign) -> None:
        """Pause the campaign where that was asked for; raises StoreUnavailable while it can't be written down."""
        if self._by and not self._is_done:
            state, reason = CampaignState.PAUSED, f"drained by {self._by}"
            running = (CampaignState.RUNNING,)
            campaigns.move(self._database, campaign.id, state, reason=reason, now=time.time(), only_from=running)
            self._is_done = True
