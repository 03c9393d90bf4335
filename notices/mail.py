"""Mail, by Django's backends: what EMAIL_URL names."""

from __future__ import annotations

import smtplib

from django.conf import settings
from django.core.mail import EmailMessage

from notices.parcels import Parcel, Undelivered


def send(parcel: Parcel) -> None:
    """Send ``parcel``; Undelivered unless the mail server has taken it."""
    if not settings.EMAIL_URL_IS_SET:
        raise Undelivered("EMAIL_URL is not set: there is no mail server to send by.")
    to = [box.strip() for box in parcel.address.split(",")]
    domain = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].strip("> ")
    # With the same id in every try a mail that comes twice is known for one.
    headers = {"Message-ID": f"<{parcel.message}@{domain}>", "Auto-Submitted": "auto-generated"}
    try:
        EmailMessage(f"[Valhalla] {parcel.subject}", parcel.text, None, to, headers=headers).send()
    except smtplib.SMTPResponseException as refusal:
        # Its words may repeat what it was sent, a password among it.
        raise Undelivered(f"The mail server answered {refusal.smtp_code}.") from None
    except (smtplib.SMTPException, OSError) as failure:
        raise Undelivered(f"The mail server: {type(failure).__name__}.") from None
