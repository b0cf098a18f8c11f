# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documentation of a module agrees with its spec."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import pytest
from ansible_collections.jetstream.cloud.plugins.action import operation, usage_report
from ansible_collections.jetstream.cloud.plugins.action.operation import _operation_of
from ansible_collections.jetstream.cloud.tests.unit.collection.docs import (
    COLLECTION,
    MODULES,
    OPERATIONS,
    action_group,
    action_plugins,
    documentation,
    spec_of,
)

each_module = pytest.mark.parametrize("name", MODULES)


def test_the_action_group_has_every_module_that_takes_a_connection_and_no_other() -> None:
    assert action_group() == [name for name in MODULES if "api_url" in spec_of(name).argument_spec]


def test_every_operation_is_routed_to_the_one_action_plugin_or_to_one_that_is_derived_from_it() -> None:
    derived = {"jetstream_usage_report": f"{COLLECTION}.usage_report"}

    assert action_plugins() == dict.fromkeys(OPERATIONS, f"{COLLECTION}.operation") | derived
    assert issubclass(usage_report.ActionModule, operation.ActionModule)


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_is_where_the_action_plugin_imports_it(name: str) -> None:
    spec, operation = _operation_of(f"{COLLECTION}.{name}")
    module = importlib.import_module(f"ansible_collections.{COLLECTION}.plugins.modules.{name}")

    assert spec is module.SPEC
    assert operation is module.OPERATION


@each_module
def test_the_documented_options_are_those_of_the_spec(name: str) -> None:
    documented = {option: _as_documented(body) for option, body in _options(name).items()}
    taken = {option: _as_taken(body) for option, body in spec_of(name).argument_spec.items()}

    assert documented == taken


@each_module
def test_no_secret_is_logged(name: str) -> None:
    secret = ("password", "token", "secret")
    shown = [
        option
        for option, body in spec_of(name).argument_spec.items()
        if any(word in option for word in secret) and body.get("no_log") is not True
    ]

    assert shown == []


@each_module
def test_a_module_documents_its_attributes_and_versions(name: str) -> None:
    doc = documentation()[name]["doc"]

    assert doc["version_added"]
    assert {"check_mode", "diff_mode", "idempotent", "platform"} <= set(doc["attributes"])
    assert ("action_group" in doc["attributes"]) == (name in action_group())
    assert all(attribute.get("support") for attribute in doc["attributes"].values())


@each_module
def test_a_module_documents_its_results(name: str) -> None:
    returned = documentation()[name]["return"]

    assert returned
    assert [key for key, body in returned.items() if not {"description", "returned", "type"} <= set(body)] == []


def _options(name: str) -> Mapping[str, Any]:
    options: Mapping[str, Any] = documentation()[name]["doc"]["options"]
    return options


def _as_documented(option: Mapping[str, Any]) -> dict[str, Any]:
    inner = option.get("suboptions") or {}
    return _comparable(option, {name: _as_documented(body) for name, body in inner.items()})


def _as_taken(option: Mapping[str, Any]) -> dict[str, Any]:
    inner = option.get("options") or {}
    return _comparable(option, {name: _as_taken(body) for name, body in inner.items()})


def _comparable(option: Mapping[str, Any], inner: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": option.get("type", "str"),
        "elements": option.get("elements"),
        "required": option.get("required", False),
        "default": option.get("default"),
        "choices": [str(choice) for choice in option.get("choices") or ()],
        "aliases": sorted(option.get("aliases") or ()),
        "options": inner,
    }
