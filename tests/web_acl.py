"""A template as parameters make it, and WAF's reading of its web ACL: enough of both for infrastructure/edge.yaml, and
of the first for the sealing keys of template.yaml.
"""

import re
from urllib.parse import unquote


class Deployed:
    """The template's resources as these parameters make them: references and conditions resolved."""

    def __init__(self, template, given):
        self.conditions = template["Conditions"]
        defaults = {name: parameter.get("Default") for name, parameter in template["Parameters"].items()}
        self.parameters = {**defaults, **given}
        self.resources = {
            name: self.resolved(resource.get("Properties", {}))
            for name, resource in template["Resources"].items()
            if "Condition" not in resource or self.holds(resource["Condition"])
        }

    def holds(self, condition):
        return self.resolved(self.conditions[condition])

    def resolved(self, node):
        if isinstance(node, list):
            return [one for one in map(self.resolved, node) if one is not None]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            ((name, value),) = node.items()
            if name == "Ref":
                return self.parameters.get(value, value) if value != "AWS::NoValue" else None
            if name == "Fn::If":
                return self.resolved(value[1] if self.holds(value[0]) else value[2])
            if name == "Fn::Equals":
                return self.resolved(value[0]) == self.resolved(value[1])
            if name == "Fn::Not":
                return not self.resolved(value[0])
            if name == "Fn::And":
                return all(self.holds(one["Condition"]) for one in value)
            if name == "Fn::Join":
                return value[0].join(self.resolved(value[1]))
            if name == "Fn::Split":
                return self.resolved(value[1]).split(value[0])
            if name == "Fn::Select":
                return self.resolved(value[1])[int(value[0])]
        found = {key: self.resolved(value) for key, value in node.items()}
        return {key: value for key, value in found.items() if value is not None}

    @property
    def rules(self):
        return sorted(self.resources["WebAcl"]["Rules"], key=lambda rule: rule["Priority"])

    def refused_by(self, path, host="api.rongtong.example", method="GET", size=0, country="CN", labels=()):
        """The first rule that refuses such a request; None where it is let in. No address asks too often."""
        request = {"path": path, "host": host, "method": method, "size": size, "country": country}
        known = set(labels)
        for rule in self.rules:
            if "ManagedRuleGroupStatement" in rule["Statement"] or not matches(rule["Statement"], request, known):
                continue
            if "Block" in rule["Action"]:
                return rule["Name"]
            known |= {label["Name"] for label in rule["RuleLabels"]}
        return None


def matches(statement, request, labels):
    """Whether WAF's statement holds, as the parts used here are described in its developer guide."""
    ((kind, what),) = statement.items()
    if kind == "AndStatement":
        return all(matches(one, request, labels) for one in what["Statements"])
    if kind == "OrStatement":
        return any(matches(one, request, labels) for one in what["Statements"])
    if kind == "NotStatement":
        return not matches(what["Statement"], request, labels)
    if kind == "LabelMatchStatement":
        return what["Key"] in labels
    if kind == "GeoMatchStatement":
        return request["country"] in what["CountryCodes"]
    if kind == "SizeConstraintStatement":
        assert (what["ComparisonOperator"], what["FieldToMatch"]) == ("GT", {"Body": {"OversizeHandling": "MATCH"}})
        return request["size"] > what["Size"]
    if kind == "RateBasedStatement":
        return False
    text = _transformed(_field(what["FieldToMatch"], request), what["TextTransformations"])
    if kind == "ByteMatchStatement":
        assert what["PositionalConstraint"] == "EXACTLY"
        return text == what["SearchString"]
    assert kind == "RegexMatchStatement", kind
    return re.search(what["RegexString"], text) is not None


def _field(field, request):
    ((kind, what),) = field.items()
    if kind == "SingleHeader":
        return request[what["Name"]]
    return request[{"UriPath": "path", "Method": "method"}[kind]]


def _transformed(text, transformations):
    for one in sorted(transformations, key=lambda transformation: transformation["Priority"]):
        match one["Type"]:
            case "LOWERCASE":
                text = text.lower()
            case "URL_DECODE":
                text = unquote(text)
            case "NORMALIZE_PATH":
                text = re.sub(r"/(\.?/)+", "/", text)
            case other:
                assert other == "NONE", other
    return text
