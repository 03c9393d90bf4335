"""The content security policy: what a page may load, which is what this site serves itself and nothing inline."""

from __future__ import annotations

from csp.constants import UNSAFE_EVAL
from csp.middleware import CSPMiddleware, PolicyParts
from django.http import HttpRequest, HttpResponseBase

# Alpine, which unfold's pages are made of, evaluates the text of attributes.
CONSOLE = {"script-src": [UNSAFE_EVAL]}
# The two style elements of the ReDoc bundle: an empty one, to which it adds rules, and that of its scroll bars.
REDOC = {
    "style-src": [
        "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='",
        "'sha256-QMIg+bpjm3JdElJ388KYke01izlUW0UoNOeKjpMxdgc='",
    ]
}


class ContentSecurityPolicyMiddleware(CSPMiddleware):
    """The policy of the settings, and the little more that two kinds of pages need."""

    def get_policy_parts(
        self, request: HttpRequest, response: HttpResponseBase, report_only: bool = False
    ) -> PolicyParts:
        """Return the policy of one answer."""
        parts = super().get_policy_parts(request, response, report_only)
        if request.path_info.startswith("/admin/"):
            parts.update = CONSOLE
        elif request.path_info.rstrip("/") == "/redoc":
            parts.update = REDOC
        return parts
