"""The API's description: what is written is what the code says, and what it says is what the API takes and gives."""

import copy
import json
import re

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from pydantic import BaseModel, ValidationError

from openapi import DOCUMENT, PAGE, page
from rongtong.domain.reasons import REASONS
from rongtong.entrypoints import api_document, openapi, queries
from rongtong.entrypoints.answers import Answer, Discount, Enterprise, Problem, Quote
from rongtong.entrypoints.openapi import TABLE, document, text, undescribed
from template_reading import TEMPLATE

DESCRIBED = document()
OPERATIONS = {
    (method.upper(), path): operation
    for path, methods in DESCRIBED["paths"].items()
    for method, operation in methods.items()
}
BY_ID = {operation["operationId"]: operation for operation in OPERATIONS.values()}
SCHEMAS = DESCRIBED["components"]["schemas"]
BODIES = {key: operation for key, operation in TABLE.items() if operation.body is not None}


def _routes_of_the_template():
    return {
        (event["Properties"]["Method"].upper(), event["Properties"]["Path"])
        for resource in TEMPLATE.values()
        if resource["Type"] == "AWS::Serverless::Function"
        for event in resource["Properties"].get("Events", {}).values()
        if event["Type"] == "Api" and event["Properties"]["RestApiId"] == {"!Ref": "PartnerApi"}
    }


def _parameters(operation):
    shared = DESCRIBED["components"]["parameters"]
    for parameter in operation["parameters"]:
        yield shared[parameter["$ref"].rpartition("/")[2]] if "$ref" in parameter else parameter


def _valid(schema, value):
    """Whether a value fits a schema of the document."""
    whole = {"$ref": schema["$ref"], "components": DESCRIBED["components"]} if "$ref" in schema else schema
    return Draft202012Validator(whole).is_valid(value)


def test_the_files_are_what_make_docs_writes():
    assert DOCUMENT.read_text(encoding="utf-8") == text()
    assert PAGE.read_text(encoding="utf-8") == page()


def test_what_is_served_is_the_file_in_docs():
    assert api_document.api_document() == DOCUMENT.read_text(encoding="utf-8")


def test_the_document_is_openapi_3_1():
    OpenAPIV31SpecValidator(DESCRIBED).validate()


def test_the_operations_are_the_routes_of_the_template():
    assert set(OPERATIONS) == _routes_of_the_template()


def test_every_route_is_described():
    assert undescribed() == []


def test_a_description_of_no_route_is_refused(monkeypatch):
    monkeypatch.setattr(openapi, "TABLE", {**TABLE, ("GET", "/v1/nowhere"): TABLE["GET", "/v1/status"]})
    with pytest.raises(LookupError, match="/v1/nowhere"):
        document()


def test_no_two_operations_have_one_name():
    assert len(BY_ID) == len(OPERATIONS)


@pytest.mark.parametrize("name", BY_ID)
def test_links_lead_to_operations_and_fill_their_parameters(name):
    for response in BY_ID[name]["responses"].values():
        for link in response.get("links", {}).values():
            names = {one["name"] for one in _parameters(BY_ID[link["operationId"]]) if one["in"] == "path"}
            assert set(link["parameters"]) == names


def test_there_are_links_enough_to_walk_from_a_request_to_its_proof():
    assert set(BY_ID["requestDiscount"]["responses"]["202"]["links"]) == {
        "discount",
        "timeline",
        "receipt",
        "confirmation",
    }


@pytest.mark.parametrize("key", TABLE, ids=" ".join)
def test_every_code_that_an_operation_names_is_a_reason(key):
    assert [code for code in TABLE[key].codes if code not in REASONS] == []


@pytest.mark.parametrize("key", BODIES, ids=" ".join)
def test_the_example_of_a_body_is_taken(key):
    operation = BODIES[key]
    operation.body.model_validate_json(json.dumps(operation.example))
    assert _valid({"$ref": f"#/components/schemas/{operation.body.__name__}"}, operation.example)


@pytest.mark.parametrize("name", [name for name, schema in SCHEMAS.items() if "examples" in schema])
def test_the_examples_of_an_answer_fit_it(name):
    for example in SCHEMAS[name]["examples"]:
        assert _valid({"$ref": f"#/components/schemas/{name}"}, example)


EXAMPLES = [
    (model, example)
    for model in Answer.__subclasses__()
    for example in (model.model_config.get("json_schema_extra") or {}).get("examples", ())
]


@pytest.mark.parametrize(("model", "example"), EXAMPLES, ids=lambda one: getattr(one, "__name__", ""))
def test_an_example_has_no_field_that_the_answer_has_not(model, example):
    model.model_validate_json(json.dumps(example), strict=True)


def test_every_field_and_parameter_says_what_it_is():
    silent = [
        f"{name}.{field}"
        for name, schema in SCHEMAS.items()
        for field, form in schema.get("properties", {}).items()
        if not form.get("description")
    ]
    silent += [
        f"{name}: {one['name']}"
        for name, operation in BY_ID.items()
        for one in _parameters(operation)
        if not one.get("description")
    ]
    assert silent == []


def test_the_example_of_a_part_of_a_path_has_its_form():
    parts = [one for operation in BY_ID.values() for one in _parameters(operation) if one.get("in") == "path"]
    wrong = [one for one in parts if not re.search(one["schema"].get("pattern", "^"), one["example"])]
    assert (len(parts) > 40, wrong) == (True, [])


def test_a_statement_is_described_as_one_of_a_day_or_a_month():
    (day,) = [one for one in _parameters(BY_ID["readStatement"]) if one["in"] == "path"]
    assert [bool(re.search(day["schema"]["pattern"], text)) for text in ("2026-04-15", "2026-04", "2026")] == [
        True,
        True,
        False,
    ]
    assert "format" not in day["schema"]


def test_every_object_of_a_body_is_closed():
    open_ones = [
        name
        for name, schema in SCHEMAS.items()
        if schema.get("type") == "object" and name.endswith("Body") and schema.get("additionalProperties") is not False
    ]
    assert open_ones == []
    assert SCHEMAS["Bill"]["additionalProperties"] is False


def _changed(example, path, value):
    body = copy.deepcopy(example)
    *above, last = path.split(".")
    at = body
    for name in above:
        at = at[name]
    if value is ...:
        del at[last]
    else:
        at[last] = value
    return body


@pytest.mark.parametrize(
    ("key", "path", "value"),
    [
        ("/v1/discounts", "bill", ...),
        ("/v1/discounts", "more", 1),
        ("/v1/discounts", "bill.more", 1),
        ("/v1/discounts", "bill.amount_fen", 0),
        ("/v1/discounts", "bill.amount_fen", 10**15 + 1),
        ("/v1/discounts", "bill.amount_fen", "345000000"),
        ("/v1/discounts", "bill.kind", "AC03"),
        ("/v1/discounts", "bill.number", ""),
        ("/v1/discounts", "bill.number", "5313 10"),
        ("/v1/discounts", "bill.number", None),
        ("/v1/discounts", "bill.range", "1" * 26),
        ("/v1/discounts", "payee_account", "12a45"),
        ("/v1/discounts", "confirmation.factors", []),
        ("/v1/discounts", "confirmation.factors", ["a"] * 6),
        ("/v1/enterprises", "name", " "),
        ("/v1/enterprises", "name", "x" * 201),
        ("/v1/enterprises", "account.account_number", "1234"),
        ("/v1/quotes", "institution_ids", []),
        ("/v1/operations/suspensions", "id", ...),
        ("/v1/operations/suspensions", "scope", "platform"),
        ("/v1/operations/suspensions", "reason", "free text"),
    ],
)
def test_what_the_models_refuse_the_document_refuses_too(key, path, value):
    operation = BODIES["POST", key]
    body = _changed(operation.example, path, value)
    with pytest.raises(ValidationError):
        operation.body.model_validate_json(json.dumps(body))
    assert not _valid({"$ref": f"#/components/schemas/{operation.body.__name__}"}, body)


@pytest.mark.parametrize(("path", "value"), [("quote_id", None), ("confirmation", ...), ("bill.deal_amount_fen", 1)])
def test_what_the_models_take_the_document_takes_too(path, value):
    operation = BODIES["POST", "/v1/discounts"]
    body = _changed(operation.example, path, value)
    operation.body.model_validate_json(json.dumps(body))
    assert _valid({"$ref": "#/components/schemas/DiscountBody"}, body)


def test_public_routes_need_no_signature_and_all_others_do():
    unsigned = {path for (_, path), operation in OPERATIONS.items() if not operation["security"]}
    assert {path for path in unsigned if not path.startswith("/v1/log/")} == {
        "/v1/openapi.json",
        "/v1/confirmation-key",
    }


def test_no_two_models_have_one_name():
    names = [
        name
        for module in openapi.MODULES
        for name, member in vars(module).items()
        if isinstance(member, type)
        and issubclass(member, BaseModel)
        and member.__module__ == module.__name__
        and not name.startswith("_")
    ]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("key", [key for key in OPERATIONS if key[0] == "POST"], ids=" ".join)
def test_every_post_needs_a_key_for_its_repeats(key):
    assert "Idempotency-Key" in {one["name"] for one in _parameters(OPERATIONS[key]) if one["required"]}


@pytest.mark.parametrize(
    ("names", "answer", "untold"),
    [
        (queries.DISCOUNT_FIELDS, Discount, set()),
        (queries.ENTERPRISE_FIELDS, Enterprise, {"suspended"}),
        (queries.QUOTE_FIELDS, Quote, set()),
    ],
)
def test_the_fields_that_a_list_may_be_asked_for_are_those_of_its_entries(names, answer: type[BaseModel], untold):
    assert set(names) == set(answer.model_fields) - untold


def test_entries_of_lists_may_leave_out_anything_but_their_id():
    assert SCHEMAS["ListedDiscount"]["required"] == ["discount_id"]
    assert set(SCHEMAS["ListedDiscount"]["properties"]) == set(SCHEMAS["Discount"]["properties"])


def test_a_problem_may_have_members_that_are_not_named():
    assert Problem.model_validate({**Problem.model_config["json_schema_extra"]["examples"][0], "more": 1})
