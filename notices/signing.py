"""The secrets that webhooks are signed with, by Standard Webhooks (https://www.standardwebhooks.com).

A secret is the HMAC of a rule's random salt under the site's SECRET_KEY, made when it is needed and stored nowhere: who
reads the database, a backup of it or a page can sign nothing. Who has SECRET_KEY and the database can. Another
SECRET_KEY makes other secrets: draw them anew.
"""

from __future__ import annotations

import base64
import datetime as dt
import secrets
from collections.abc import Sequence

from django.utils.crypto import salted_hmac
from standardwebhooks.webhooks import Webhook


def new_salt() -> str:
    """Return a random salt of 256 bits."""
    return secrets.token_urlsafe(32)


def secret(salt: str) -> str:
    """Return the secret of ``salt``, in the form in which a receiver is given it: ``whsec_…``."""
    key = salted_hmac("notices.signing", salt, algorithm="sha256").digest()
    return f"whsec_{base64.b64encode(key).decode()}"


def headers(message: str, at: dt.datetime, body: str, salts: Sequence[str]) -> dict[str, str]:
    """Return the headers that sign ``body`` as ``message``, sent at ``at``, by the secret of each of ``salts``."""
    signatures = (Webhook(secret(salt)).sign(message, at, body) for salt in salts)
    return {
        "webhook-id": message,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
