"""Ask Valhalla before an engine acts, and tell it what came of it."""

from valhalla_governor.answers import Recommendation, Reservation, Settlement
from valhalla_governor.asynchronous import AsyncGovernor, AsyncHold
from valhalla_governor.blocking import Governor, Hold
from valhalla_governor.buffer import Buffering
from valhalla_governor.epoch import epoch_of
from valhalla_governor.errors import (
    BufferFull,
    Busy,
    Conflict,
    GovernorError,
    Invalid,
    NotAllowed,
    NotFound,
    Refused,
    Unavailable,
    Undelivered,
    Unsettled,
)
from valhalla_governor.events import Event
from valhalla_governor.retrying import Patience

__version__ = "0.1.0"
__all__ = [
    "AsyncGovernor",
    "AsyncHold",
    "BufferFull",
    "Buffering",
    "Busy",
    "Conflict",
    "Event",
    "Governor",
    "GovernorError",
    "Hold",
    "Invalid",
    "NotAllowed",
    "NotFound",
    "Patience",
    "Recommendation",
    "Refused",
    "Reservation",
    "Settlement",
    "Unavailable",
    "Undelivered",
    "Unsettled",
    "epoch_of",
]
