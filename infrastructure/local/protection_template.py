"""The platform's templates as a deployment's parameters make them: conditions decided, everything else as written."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cfnlint.decode import cfn_yaml

from paths import ROOT

Resource = Mapping[str, Any]


class Made:
    """The resources of a template that there are with these parameters."""

    def __init__(self, template: Mapping[str, Any], given: Mapping[str, Any]) -> None:
        defaults = {name: one.get("Default", "") for name, one in template.get("Parameters", {}).items()}
        self.parameters: dict[str, Any] = {**defaults, **given}
        self._conditions: Mapping[str, Any] = template.get("Conditions", {})
        made = {name: one for name, one in template["Resources"].items() if self._holds(one.get("Condition"))}
        self.resources: dict[str, Resource] = {name: self._decided(one) for name, one in made.items()}
        self.globals: Resource = self._decided(template.get("Globals", {}))

    def of_type(self, *kinds: str) -> Iterator[tuple[str, Resource]]:
        """Name and properties of the resources of these types."""
        for name, one in self.resources.items():
            if one["Type"] in kinds:
                yield name, one.get("Properties", {})

    def value(self, node: Any) -> Any:
        """A parameter's value where the node refers to one; the node itself otherwise."""
        if isinstance(node, dict) and set(node) == {"Ref"} and node["Ref"] in self.parameters:
            return self.parameters[node["Ref"]]
        return node

    def _holds(self, condition: Any) -> bool:
        if condition is None:
            return True
        if isinstance(condition, str):
            return self._holds(self._conditions[condition])
        ((function, inner),) = condition.items()
        if function == "Condition":
            return self._holds(inner)
        if function == "Fn::Not":
            return not self._holds(inner[0])
        if function == "Fn::And":
            return all(self._holds(one) for one in inner)
        if function == "Fn::Or":
            return any(self._holds(one) for one in inner)
        assert function == "Fn::Equals", function
        first, second = (self._text(one) for one in inner)
        return first == second

    def _text(self, node: Any) -> str:
        if isinstance(node, dict) and "Fn::Join" in node:
            between, parts = node["Fn::Join"]
            return str(between).join(str(one) for one in self._list(parts))
        value = self.value(node)
        return ",".join(map(str, value)) if isinstance(value, list) else str(value)

    def _list(self, node: Any) -> list[Any]:
        value = self.value(node)
        return value if isinstance(value, list) else [one for one in str(value).split(",") if one]

    def _decided(self, node: Any) -> Any:
        """Without choices: of each ``Fn::If`` the branch that holds, and nothing where that is no value."""
        if isinstance(node, list):
            return [made for one in node if (made := self._decided(one)) is not None]
        if not isinstance(node, dict):
            return node
        if set(node) == {"Fn::If"}:
            condition, then, otherwise = node["Fn::If"]
            return self._decided(then if self._holds(condition) else otherwise)
        if node == {"Ref": "AWS::NoValue"}:
            return None
        made = {key: self._decided(value) for key, value in node.items()}
        return {key: value for key, value in made.items() if value is not None}


def made(name: str, given: Mapping[str, Any]) -> Made:
    """A template of this checkout, like ``infrastructure/edge.yaml``, with these parameters."""
    return Made(cfn_yaml.load(str(ROOT / name)), given)


def parameters_in(path: Path) -> dict[str, Any]:
    """The parameters of a deployment file (CloudFormation Git sync)."""
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["parameters"]
    return found
