"""What stands before the API: the edge's template, and what the API's own gateway answers and lets in."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from cfnlint.decode import cfn_yaml

from paths import ROOT
from rongtong.domain.reasons import REASONS
from rongtong.entrypoints.door import _EVERYWHERE
from rongtong.entrypoints.routes import ROUTES
from web_acl import Deployed, matches

TEMPLATE = ROOT / "infrastructure" / "edge.yaml"
EDGE = cfn_yaml.load(str(TEMPLATE))
PLATFORM = cfn_yaml.load(str(ROOT / "template.yaml"))
API = PLATFORM["Resources"]["PartnerApi"]["Properties"]
PUBLIC = {route.path for route in ROUTES if route.scope is None}
CERTIFICATE = "arn:aws:acm:eu-west-1:123456789012:certificate/11111111-2222-3333-4444-555555555555"
PLAIN = {
    "ApiStageArn": "arn:aws:apigateway:eu-west-1::/restapis/a1b2c3/stages/v",
    "DomainName": "api.rongtong.example",
    "CertificateArn": CERTIFICATE,
}
MUTUAL = {
    "TruststoreUri": "s3://rongtong-trust/partners.pem",
    "TruststoreVersion": "1",
    "PublicDomainName": "log.rongtong.example",
    "PublicCertificateArn": CERTIFICATE,
}
REFUSED = {"ACCESS_DENIED", "UNAUTHORIZED", "WAF_FILTERED"}


def _deployed(**given):
    return Deployed(EDGE, {**PLAIN, **given})


@pytest.mark.parametrize(
    "chosen",
    [{}, {"Countries": ["CN", "HK"], "AnonymousAddresses": "block"}, {**MUTUAL, "AnonymousAddresses": "off"}],
    ids=["plain", "countries", "clients' certificates"],
)
def test_the_template_is_clean_with_production_like_parameters(chosen, tmp_path):
    deployment = tmp_path / "deployment.yaml"
    deployment.write_text(json.dumps({"template-file-path": str(TEMPLATE), "parameters": {**PLAIN, **chosen}}))
    command = [Path(sys.executable).parent / "cfn-lint", "--regions", "eu-west-1", "--deployment-files", deployment]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


def test_no_domain_takes_anything_older_than_tls_1_2():
    domains = [one["Properties"] for one in EDGE["Resources"].values() if one["Type"] == "AWS::ApiGateway::DomainName"]
    assert [(one["SecurityPolicy"], one["EndpointConfiguration"]) for one in domains] == [
        ("TLS_1_2", {"Types": ["REGIONAL"]})
    ] * 2


def test_a_truststore_asks_every_client_of_the_partners_domain_for_a_certificate():
    assert _deployed(**MUTUAL).resources["Domain"]["MutualTlsAuthentication"] == {
        "TruststoreUri": MUTUAL["TruststoreUri"],
        "TruststoreVersion": "1",
    }
    assert "MutualTlsAuthentication" not in _deployed().resources["Domain"]


def test_the_domain_leads_to_the_stage_of_the_arn():
    mapping = _deployed().resources["DomainMapping"]
    assert (mapping["RestApiId"], mapping["Stage"]) == ("a1b2c3", "v")
    assert _deployed().resources["Association"]["ResourceArn"] == PLAIN["ApiStageArn"]
    assert "ApiStageArn" in PLATFORM["Outputs"]


def test_managed_rules_refuse_but_what_is_counted_for_a_reason():
    groups = {
        rule["Statement"]["ManagedRuleGroupStatement"]["Name"]: (rule["OverrideAction"], rule["Statement"])
        for rule in _deployed(AnonymousAddresses="block").rules
        if "ManagedRuleGroupStatement" in rule["Statement"]
    }
    assert all(action == {"None": {}} for action, _ in groups.values())
    counted = {
        name: {
            override["Name"]
            for override in statement["ManagedRuleGroupStatement"].get("RuleActionOverrides", ())
            if override["ActionToUse"] == {"Count": {}}
        }
        for name, (_, statement) in groups.items()
    }
    assert counted == {
        "AWSManagedRulesAmazonIpReputationList": set(),
        "AWSManagedRulesAnonymousIpList": {"HostingProviderIPList"},
        "AWSManagedRulesCommonRuleSet": {
            "SizeRestrictions_BODY",
            "NoUserAgent_HEADER",
            "CrossSiteScripting_BODY",
            "EC2MetaDataSSRF_BODY",
            "GenericLFI_BODY",
            "GenericRFI_BODY",
        },
        "AWSManagedRulesKnownBadInputsRuleSet": set(),
    }


@pytest.mark.parametrize(("chosen", "action"), [("count", [{"Count": {}}]), ("block", [{"None": {}}]), ("off", [])])
def test_anonymous_addresses_are_treated_as_the_parameter_says(chosen, action):
    rules = _deployed(AnonymousAddresses=chosen).rules
    assert [rule["OverrideAction"] for rule in rules if rule["Name"] == "anonymous-ip"] == action


@pytest.mark.parametrize(
    ("request_", "rule"),
    [
        ({"path": "/v1/discounts", "method": "POST", "size": 65536}, None),
        ({"path": "/v1/discounts", "method": "POST", "size": 65537}, "body-size"),
        ({"path": "/v1/bill-imports", "method": "POST", "size": 5_000_000}, None),
        ({"path": "/v1/bank/notices", "method": "POST", "size": 5_000_000}, None),
        ({"path": "/v1/bill-imports", "method": "PUT", "size": 65537}, "body-size"),
        ({"path": "/v1/bill-imports/x", "method": "POST", "size": 65537}, "body-size"),
        ({"path": "/v1/discounts/../bill-imports", "method": "POST", "size": 65537}, "body-size"),
        ({"path": "/v1/status", "host": "a1b2c3.execute-api.eu-west-1.amazonaws.com"}, "hosts"),
        ({"path": "/v1/status", "host": "API.rongtong.example"}, None),
        ({"path": "/v1/quotes", "labels": ["awswaf:managed:aws:core-rule-set:GenericLFI_Body"]}, "common-bodies"),
        (
            {
                "path": "/v1/bill-imports",
                "method": "POST",
                "labels": ["awswaf:managed:aws:core-rule-set:GenericLFI_Body"],
            },
            None,
        ),
    ],
)
def test_a_request_is_refused_by_the_rule_that_is_meant_for_it(request_, rule):
    assert _deployed().refused_by(**request_) == rule


@pytest.mark.parametrize(
    ("request_", "rule"),
    [
        ({"path": "/v1/status", "country": "US"}, "countries"),
        ({"path": "/v1/status", "country": "HK"}, None),
        ({"path": "/v1/log/checkpoint", "country": "US"}, None),
        ({"path": "/v1/logs", "country": "US"}, "countries"),
    ],
)
def test_countries_keep_nobody_from_the_public_log(request_, rule):
    assert _deployed(Countries=["CN", "HK"]).refused_by(**request_) == rule


def test_without_a_certificate_only_the_public_routes_are_served():
    edge = _deployed(**MUTUAL)
    public = MUTUAL["PublicDomainName"]
    assert edge.refused_by("/v1/log/checkpoint", host=public) is None
    assert edge.refused_by("/v1/discounts", host=public) == "hosts"
    assert edge.refused_by("/v1/log/checkpoint", host="a1b2c3.execute-api.eu-west-1.amazonaws.com") == "hosts"


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_what_the_edge_calls_public_is_what_needs_no_signature(route):
    (rule,) = [rule for rule in _deployed().rules if rule["Name"] == "public-routes"]
    path = re.sub(r"\{\w+\}", "x", route.path)
    assert matches(rule["Statement"], {"path": path}, set()) is (route.scope is None)


@pytest.mark.parametrize("path", ["/v1/%6cog/checkpoint", "/v1//log/checkpoint", "/v1/./log/checkpoint"])
def test_a_public_route_written_otherwise_is_counted_all_the_same(path):
    (rule,) = [rule for rule in _deployed().rules if rule["Name"] == "public-routes"]
    assert matches(rule["Statement"], {"path": path}, set())


def test_an_address_may_ask_so_often_in_a_minute_and_is_told_when_to_come_again():
    rated = {r["Name"]: r for r in _deployed(RequestsPerAddress=60).rules if "RateBasedStatement" in r["Statement"]}
    limits = {name: rule["Statement"]["RateBasedStatement"] for name, rule in rated.items()}
    assert limits == {
        "requests-per-address": {"AggregateKeyType": "IP", "EvaluationWindowSec": 60, "Limit": 60},
        "public-requests-per-address": {
            "AggregateKeyType": "IP",
            "EvaluationWindowSec": 60,
            "Limit": 3000,
            "ScopeDownStatement": {"LabelMatchStatement": {"Scope": "LABEL", "Key": "rongtong:public"}},
        },
    }
    for rule in rated.values():
        told = rule["Action"]["Block"]["CustomResponse"]
        assert (told["ResponseCode"], told["ResponseHeaders"][0]) == (429, {"Name": "Retry-After", "Value": "60"})


def test_the_edge_answers_with_problems_that_partners_know():
    acl = _deployed().resources["WebAcl"]
    bodies = {key: json.loads(body["Content"]) for key, body in acl["CustomResponseBodies"].items()}
    for rule in acl["Rules"]:
        told = rule.get("Action", {}).get("Block", {}).get("CustomResponse")
        if told:
            assert bodies[told["CustomResponseBodyKey"]]["status"] == told["ResponseCode"]
    for body in bodies.values():
        assert body["code"] in REASONS
        assert body["type"] == f"urn:rongtong:problem:{body['code']}"


def test_logs_of_the_edge_hold_no_signature_and_are_kept_half_a_year_at_least():
    edge = _deployed().resources
    redacted = {field["SingleHeader"]["Name"] for field in edge["WebAclLogging"]["RedactedFields"]}
    assert redacted == {"signature", "authorization"}
    assert min(EDGE["Parameters"]["LogRetentionDays"]["AllowedValues"]) >= 180
    assert EDGE["Resources"]["WebAclLogs"]["Properties"]["LogGroupName"] == {
        "Fn::Sub": "aws-waf-logs-${AWS::StackName}"
    }
    assert EDGE["Resources"]["WebAclLogs"]["Properties"]["KmsKeyId"] == {"Fn::GetAtt": ["LogsKey", "Arn"]}


@pytest.mark.parametrize("kind", API["GatewayResponses"])
def test_what_the_gateway_answers_itself_is_a_problem_with_the_requests_id(kind):
    response = API["GatewayResponses"][kind]
    problem = json.loads(response["ResponseTemplates"]["application/json"])
    assert problem["status"] == int(response["StatusCode"])
    assert problem["code"] in REASONS
    assert problem["type"] == f"urn:rongtong:problem:{problem['code']}"
    assert problem["request_id"] == "$context.requestId"
    headers = dict(response["ResponseParameters"]["Headers"])
    assert headers.pop("X-Request-Id") == "context.requestId"
    assert headers.pop("Content-Type") == "'application/problem+json'"
    assert ("Retry-After" in headers) is (problem["status"] in (429, 503))
    headers.pop("Retry-After", None)
    assert headers == {name: f"'{value}'" for name, value in _EVERYWHERE.items()}


def test_the_gateway_answers_in_its_own_words_nowhere():
    assert {"DEFAULT_4XX", "DEFAULT_5XX", *REFUSED} <= set(API["GatewayResponses"])


def test_each_public_route_has_a_limit_of_its_own_and_the_stage_one_for_all():
    limits = {
        (one["HttpMethod"], one["ResourcePath"].replace("~1", "/").replace("//", "/")): one["ThrottlingRateLimit"][
            "Ref"
        ]
        for one in API["MethodSettings"]
    }
    assert limits.pop(("*", "/*")) == "RequestsPerSecond"
    assert limits == {("GET", path): "PublicRequestsPerSecond" for path in PUBLIC}
    defaults = {
        name: PLATFORM["Parameters"][name]["Default"] for name in ("RequestsPerSecond", "PublicRequestsPerSecond")
    }
    assert defaults["PublicRequestsPerSecond"] < defaults["RequestsPerSecond"]
