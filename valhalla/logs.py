"""The log: a JSON object a line, with the id of the request that it belongs to; or plain lines for a terminal."""

from __future__ import annotations

import logging
import logging.config
from collections.abc import MutableMapping
from typing import Any

import structlog
from structlog.stdlib import ProcessorFormatter

from governance import origin

FORMS = ("json", "line")


def config(form: str) -> dict[str, Any]:
    """Return the configuration of the loggers, in one of FORMS."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "json": {
                "()": ProcessorFormatter,
                "foreign_pre_chain": [
                    structlog.stdlib.add_log_level,
                    structlog.stdlib.add_logger_name,
                    structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
                    with_request,
                ],
                "processors": [
                    ProcessorFormatter.remove_processors_meta,
                    structlog.processors.format_exc_info,
                    structlog.processors.JSONRenderer(),
                ],
            },
            "line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"},
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": form}},
        "root": {"handlers": ["stderr"], "level": "INFO"},
        "loggers": {
            # Django's own handlers mail administrators, or print only while DEBUG is on.
            "django": {"handlers": [], "level": "INFO"},
            # axes tells of each sign-in, which the trail holds.
            "axes": {"level": "WARNING"},
        },
    }


def formatter(form: str) -> logging.Formatter:
    """Return what writes a line in one of FORMS, for a logger that is not configured here (gunicorn's)."""
    configurator = logging.config.DictConfigurator({})
    made: logging.Formatter = configurator.configure_formatter(config(form)["formatters"][form])
    return made


def with_request(
    _logger: logging.Logger | None, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Add where the call under way comes from.

    Django logs an answer of 400 or more when the request has left the middlewares, so it is asked of the request then.
    """
    source = origin.current()
    request = getattr(event.get("_record"), "request", None)
    request_id = source.request_id or getattr(request, "request_id", "")
    if request_id:
        event["request_id"] = request_id
    if source.address:
        event["address"] = source.address
    return event
