"""Heimdall's page of the console: what other thresholds would have let through."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpRequest

from governance.console.pages import Page
from heimdall import rules, selectors, trying, words
from heimdall.serializers import WhatIfQuerySerializer


class WhatIfPage(Page):
    """A form of thresholds, and what they would have let through. It only reads."""

    title = "What if"
    template_name = "heimdall/what_if.html"

    def told(self, request: HttpRequest, **_kwargs: Any) -> dict[str, Any]:
        """Return the form as it was filled, else as the policy stands, and the answer where it is well filled."""
        policies = selectors.policies()
        chosen = next((one for one in policies if one.domain == request.GET.get("domain")), None)
        policy = chosen or next(iter(policies), None)
        if policy is None:
            return {"domains": []}
        standing = {
            name: words.plain(value) if name != "min_sandbox_trials" else value
            for name, value in ((name, getattr(policy, name)) for name in rules.THRESHOLDS)
        }
        filled = {name: value for name in rules.THRESHOLDS if (value := request.GET.get(name, "").strip())}
        asked = WhatIfQuerySerializer(data={"domain": policy.domain, **filled})
        valid = asked.is_valid()
        return {
            "domains": [one.domain for one in policies],
            "policy": policy,
            "fields": [
                (name, asked.fields[name].help_text, filled.get(name, standing[name]), asked.errors.get(name, []))
                for name in rules.THRESHOLDS
            ],
            "standing": standing,
            "tried": trying.tried(**asked.validated_data)[0] if valid else None,
            "changed": json.dumps(filled) if valid and filled else "",
            "set_policy": rules.SET_POLICY,
            "back": request.get_full_path(),
        }
