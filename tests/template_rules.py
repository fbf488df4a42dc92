"""The rules of a template, as CloudFormation asks them of parameters before it deploys anything."""

from __future__ import annotations

from typing import Any


def refused(template: dict[str, Any], parameters: dict[str, str]) -> set[str]:
    """Names of the rules that refuse these parameters, with the template's defaults for all others."""
    chosen = {name: str(said.get("Default", "")) for name, said in template["Parameters"].items()} | parameters

    def holds(said: dict[str, Any]) -> bool:
        ((function, inner),) = said.items()
        if function == "Fn::Not":
            return not holds(inner[0])
        assert function == "Fn::Equals"
        first, second = (chosen[one["Ref"]] if isinstance(one, dict) else one for one in inner)
        return bool(first == second)

    return {
        name
        for name, rule in template["Rules"].items()
        if holds(rule["RuleCondition"]) and not all(holds(one["Assert"]) for one in rule["Assertions"])
    }
