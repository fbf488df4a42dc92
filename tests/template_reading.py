"""template.yaml as plain data."""

from __future__ import annotations

from typing import Any

import yaml

from paths import ROOT


class TemplateLoader(yaml.SafeLoader):
    """Reads CloudFormation's short forms as one-entry mappings."""


def _short_form(loader: yaml.SafeLoader, tag: str, node: yaml.Node) -> dict[str, Any]:
    return {f"!{tag}": loader.construct_scalar(node) if isinstance(node, yaml.ScalarNode) else None}


TemplateLoader.add_multi_constructor("!", _short_form)
TEMPLATE: dict[str, Any] = yaml.load((ROOT / "template.yaml").read_text(encoding="utf-8"), TemplateLoader)["Resources"]
