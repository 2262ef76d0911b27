"""Texts of the event log's lines about tasks. Pure."""

from __future__ import annotations

from driver.dashboard.event_log import EventTexts
from wire import task_events

TASK_EVENT_TEXT: EventTexts = {
    task_events.LeaseExpired: lambda e: f"stopped {e.task}: its lease ran out",
    task_events.AttemptAbandoned: lambda e: f"gave {e.task} up at {e.worker}: {e.reason}",
    task_events.ResultRefused: lambda e: f"refused a result of {e.worker} for {e.task}: {e.because}",
    task_events.CheckpointRefused: lambda e: f"refused a checkpoint of {e.worker} for {e.task}: {e.because}",
}
