"""What is sent: a delivery as it leaves the house, with nothing left to ask of the database."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder

from governance import clock, outbox
from notices import signing
from notices.models import NoticeDelivery, NoticeRule

# A receiver that has not been given the new secret yet goes on with the former one for so long.
FORMER_HOLDS = dt.timedelta(hours=24)


class Undelivered(Exception):
    """A try failed, and why, in words that hold no secret; ``final`` says that no further one could do better."""

    def __init__(self, said: str, *, final: bool = False) -> None:
        """Keep whether it is final beside the words."""
        self.final = final
        super().__init__(said)


@dataclasses.dataclass(frozen=True, slots=True)
class Parcel:
    """A delivery to make: where, under which id (the same in every try), and what it says to machines and to people."""

    channel: str
    address: str
    message: str
    headers: dict[str, str]
    body: str
    subject: str
    text: str


def pack(delivery: NoticeDelivery) -> Parcel:
    """Return ``delivery`` as it is sent now."""
    notice, rule, now = delivery.notice, delivery.rule, clock.now()
    title, said = outbox.spoken(notice)
    data: dict[str, Any] = {"engine": notice.engine, "said": said, **notice.data}
    body = json.dumps(
        {"type": notice.kind, "timestamp": notice.at, "data": data}, cls=DjangoJSONEncoder, separators=(",", ":")
    )
    message = f"msg_{notice.uid.hex}"
    lines = [said, "", f"{notice.kind} at {notice.at:%Y-%m-%d %H:%M:%S} UTC"]
    lines += [f"{name}: {value}" for name, value in data.items() if name != "said" and value not in ("", None)]
    return Parcel(
        channel=rule.channel,
        address=rule.address,
        message=message,
        headers=signing.headers(message, now, body, _salts(rule, now)),
        body=body,
        subject=f"{title}: {notice.engine}" if notice.engine else title,
        text="\n".join([*lines, ""]),
    )


def _salts(rule: NoticeRule, now: dt.datetime) -> list[str]:
    return [rule.salt, *([rule.former_salt] if rule.former_salt and now < rule.drawn_at + FORMER_HOLDS else [])]
