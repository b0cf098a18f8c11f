# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks the arguments of an event source, as ansible-rulebook passes them.

The specs of options are those of modules. Every function raises ConfigurationError.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from ..errors import ConfigurationError
from ..options import ModuleSpec
from ..text.suggestions import did_you_mean

_YES, _NO = frozenset({"true", "yes", "on", "1"}), frozenset({"false", "no", "off", "0"})


def checked(arguments: Mapping[str, Any], spec: ModuleSpec) -> dict[str, Any]:
    """Return a value for each option of a spec: the converted argument, the default, or None."""
    return _checked(arguments, spec.argument_spec, "")


def _checked(arguments: Mapping[str, Any], spec: Mapping[str, Mapping[str, Any]], prefix: str) -> dict[str, Any]:
    names = {alias: name for name, option in spec.items() for alias in (name, *option.get("aliases", ()))}
    for name in arguments:
        if name not in names:
            guess = did_you_mean(str(name), names)
            raise ConfigurationError(f"There is no option {prefix}{name}. {guess}".rstrip())
    given = {names[name]: value for name, value in arguments.items()}
    return {name: _value(f"{prefix}{name}", given.get(name), option) for name, option in spec.items()}


def _value(name: str, value: Any, option: Mapping[str, Any]) -> Any:
    if value is None:
        return option.get("default")
    kind = option.get("type", "str")
    if kind == "list":
        element = {"type": option.get("elements", "str"), "choices": option.get("choices")}
        return [_element(name, each, element) for each in _list(value)]
    found = _READERS[kind](name, value)
    if kind == "dict" and option.get("options"):
        return _checked(found, option["options"], f"{name}.")
    choices = option.get("choices")
    if choices and found not in choices:
        raise ConfigurationError(f"{name} is {found}, but must be one of {', '.join(map(str, choices))}.")
    return found


def _element(name: str, value: Any, option: Mapping[str, Any]) -> Any:
    if value is None:
        raise ConfigurationError(f"{name} has an element without a value.")
    return _value(name, value, option)


def _list(value: Any) -> list[Any]:
    if isinstance(value, str):
        return [part for each in value.split(",") if (part := each.strip())]
    return list(value) if isinstance(value, list | tuple) else [value]


def _text(name: str, value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool | Mapping | list | tuple):
        raise ConfigurationError(f"{name} must be text.")
    return str(value)


def _path(name: str, value: Any) -> str:
    return os.path.expanduser(os.path.expandvars(_text(name, value)))


def _bool(name: str, value: Any) -> bool:
    word = str(value).strip().lower()
    if word in _YES | _NO:
        return word in _YES
    raise ConfigurationError(f"{name} is {value}, but must be true or false.")


def _float(name: str, value: Any) -> float:
    try:
        return float(_digits(value))
    except ValueError:
        raise ConfigurationError(f"{name} is {value}, but must be a number.") from None


def _int(name: str, value: Any) -> int:
    try:
        return int(_digits(value))
    except ValueError:
        raise ConfigurationError(f"{name} is {value}, but must be a whole number.") from None


def _digits(value: Any) -> str:
    """Return the text of a possible number, "" for any other value. In Python, True would be 1."""
    is_number = isinstance(value, str | int | float) and not isinstance(value, bool)
    return str(value) if is_number else ""


def _dict(name: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise ConfigurationError(f"{name} must be a dictionary.")
    return {str(key): each for key, each in value.items()}


_READERS: Mapping[str, Callable[[str, Any], Any]] = {
    "str": _text,
    "path": _path,
    "bool": _bool,
    "float": _float,
    "int": _int,
    "dict": _dict,
}
