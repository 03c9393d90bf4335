"""JSON in and out without a float: a figure of money is the same number on the wire as in the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import simplejson
from django.core.serializers.json import DjangoJSONEncoder
from django.utils.functional import Promise
from rest_framework import parsers, renderers
from rest_framework.exceptions import ParseError


class _Encoder(simplejson.JSONEncoder):
    """Times, ids and lazy text as Django writes them; decimals as numbers (the renderer asks for it)."""

    def default(self, o: Any) -> Any:
        """Return what ``o`` is in JSON."""
        if isinstance(o, Promise):
            return str(o)
        return DjangoJSONEncoder().default(o)


class JSONRenderer(renderers.JSONRenderer):
    """As DRF's, with decimals as exact JSON numbers: 12.34, never 12.340000000000002 and never "12.34"."""

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> Any:
        """Return ``data`` as UTF-8 JSON."""
        if data is None:
            return b""
        indent = self.get_indent(accepted_media_type or "", dict(renderer_context or {}))
        separators = None if indent else (",", ":")
        text = simplejson.dumps(
            data,
            cls=_Encoder,
            use_decimal=True,
            ensure_ascii=False,
            allow_nan=False,
            indent=indent,
            separators=separators,
        )
        # U+2028 and U+2029 end a line in JavaScript but not in JSON. Half a surrogate pair, which an error may repeat
        # from the request, is no UTF-8: it is written as it came, as an escape.
        return text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029").encode(errors="backslashreplace")


class JSONParser(parsers.JSONParser):
    """As DRF's, with fractions as decimals, and every way to be malformed answered by a sentence."""

    renderer_class = JSONRenderer

    def parse(
        self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return the body, which must be an object."""
        try:
            # JSON is UTF-8 (RFC 8259), whatever charset the header names.
            body = simplejson.loads(stream.read().decode(), parse_float=Decimal, parse_constant=_no_constant)
        except RecursionError:
            raise ParseError("The body is nested too deeply.") from None
        except ValueError as wrong:
            raise ParseError(f"The body is not JSON: {wrong}") from None
        if not isinstance(body, dict):
            raise ParseError('The body must be a JSON object, such as {"actor": "jo"}.')
        return body


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number.")
