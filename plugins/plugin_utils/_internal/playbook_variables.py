# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each shipped playbook takes, and what a given value means. Pure functions; a mistake becomes a sentence.

A mistyped name, an unset shell variable or a value that Ansible cut in two must not make a playbook act on more
instances than the user meant.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from enum import Enum
from fnmatch import fnmatchcase
from pathlib import Path

from ...module_utils._internal.model import Instance, Volume
from ...module_utils._internal.text.suggestions import did_you_mean
from .yaml_scalars import Rewritten

_GLOB_CHARACTERS = frozenset("*?[")
# No number of things, seconds or days has as many.
_DIGITS = 10
# A block of YAML and a text area of a survey have one name on each line.
_SEPARATOR = re.compile(r",\s*|\n\s*")
# Ansible's own variables, and those that AWX and its predecessor add to every job.
_FOREIGN_PREFIXES = ("ansible_", "awx_", "tower_")
# The words that Ansible takes for yes and no.
_YES = frozenset({"1", "1.0", "on", "t", "true", "y", "yes"})
_NO = frozenset({"0", "0.0", "off", "f", "false", "n", "no"})
# Variables that the playbooks hand from task to task, and names that their templates use.
_INNER_PREFIX = "jetstream_"
_INNER_NAMES = frozenset({"item", "lookup", "omit"})


class VariableError(ValueError):
    """A variable is not known, is empty, or cannot mean anything. The message says what to do."""


class Kind(Enum):
    """The values that a variable takes."""

    VALUE = "one value, or a dictionary"
    NAME = "the name of one thing"
    NAMES = "names separated by commas or line breaks, or a list; an empty list means none"
    LIST = "other texts separated by commas or line breaks, or a list"
    COUNT = "a number, 0 or more"
    PATH = "a file; a relative path starts at the current working directory"
    SECRET = "a value that appears in no result"  # noqa: S105  # nosec B105  # a description


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable that a playbook takes.

    ``aliases`` are older names for it. ``choices`` are the values there are, if they are few. ``everything`` is the
    list that the value ``all`` stands for. Beside those, and paths with dots below them, it takes ``more`` alone.
    ``is_switch``: whether it is true or false. ``must_exist``: whether there has to be a file or folder of that path
    before the playbook begins: it is used late, or by a program whose message would be about something else. ``least``
    is the lowest number. ``is_word``: whether it is one word for ssh, and none of its options.
    """

    name: str
    kind: Kind = Kind.VALUE
    aliases: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    everything: tuple[str, ...] = ()
    more: frozenset[str] = frozenset()
    required: bool = False
    is_switch: bool = False
    must_exist: bool = False
    least: int = 0
    is_word: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that it may be given by."""
        return (self.name, *self.aliases)


# A site, or a playbook that imports one of these, names its own extra variables by it.
ALLOWED = Variable("jetstream_allowed_variables", Kind.LIST)

_PROFILE = Variable("profile")
_PROJECT = Variable("project", Kind.NAMES)
_ALLOCATION_SOURCE = Variable("allocation_source", Kind.NAMES)
_OWNER = Variable("owner", Kind.NAMES)
_THINGS = (Variable("only", Kind.NAMES), Variable("exclude", Kind.NAMES), _OWNER, _PROJECT)
_WAIT_TIMEOUT = Variable("wait_timeout")
_ALLOW_WAKE = Variable("allow_wake", is_switch=True)
_INCLUDE_LOCKED = Variable("include_locked", is_switch=True)
_RATES = Variable("rates")
_WIDTH = Variable("width", Kind.COUNT)
_FLEET = (
    _PROFILE,
    *_THINGS,
    _ALLOCATION_SOURCE,
    Variable("max_changes", Kind.COUNT),
    _WAIT_TIMEOUT,
    _INCLUDE_LOCKED,
    _WIDTH,
)

_READINGS_PATH = Variable("readings_path", Kind.PATH)
_KEEP_PATH = Variable("keep_path", Kind.PATH)
_MAIL = (
    Variable("mail_to", Kind.LIST),
    Variable("mail_from"),
    Variable("smtp_host"),
    Variable("smtp_port", Kind.COUNT),
    Variable("smtp_secure", choices=("always", "never", "starttls", "try")),
    Variable("smtp_username"),
    Variable("smtp_password", Kind.SECRET),
    Variable("mailer", choices=("jetstream.cloud.jetstream_mail", "community.general.mail")),
)
# Playbooks send what they mail to a webhook as well: playbooks/tasks/send.yml.
_WEBHOOK = (
    Variable("webhook_url", Kind.SECRET),
    Variable("webhook_format", choices=("slack", "teams")),
    Variable("webhook_template", Kind.PATH, must_exist=True),
)
_SENDING = (*_WEBHOOK, *_MAIL)

_SSH = (
    Variable("ssh_user", is_word=True),
    Variable("ssh_key", Kind.PATH, must_exist=True),
    Variable("jump_host", is_word=True),
    Variable("host_keys", choices=("known", "accept_new")),
    Variable("host_timeout", Kind.COUNT, least=1),
)
_DECISIONS_PATH = Variable("decisions_path", Kind.PATH)
_RUNS_PATH = Variable("runs_path", Kind.PATH)

_INSTANCE_COLUMNS = (
    *("name", "id", "uuid", "owner", "user", "status", "fault", "live", "ip_address", "start_date", "flavor"),
    *("vcpus", "ram", "disk", "image", "version", "project", "provider", "identity", "web_desktop", "shell", "vnc"),
    *("allocation_source", "usage", "compute_allowed", "compute_used", "user_compute_used", "burn_rate"),
    "global_burn_rate",
)
_VOLUME_COLUMNS = (
    *("name", "id", "uuid", "owner", "user", "description", "size", "status", "attached_to", "instance_id"),
    *("instance_uuid", "device", "mount_location", "start_date", "project", "provider", "identity"),
)
_ALLOCATION_COLUMNS = (
    *("name", "uuid", "allowed", "used", "mine", "remaining", "percent_used", "start_date", "end_date"),
    *("has_ended", "updated", "lag_hours", "instances", "su_per_day", "pace_days", "days_left", "exhausted_on"),
    *("su_per_hour", "days_left_now", "exhausted_on_now", "su_per_day_to_last", "unknown_flavors"),
    *("global_burn_rate", "user_burn_rate"),
)

# Keys of a row that have no column of their own, and an older word.
_INSTANCE_KEYS = frozenset({"size", *(each.name for each in fields(Instance))})
_VOLUME_KEYS = frozenset(each.name for each in fields(Volume))

# The table of the variables that each playbook takes. docs/playbooks.md and the heads of the playbooks are tested
# against it.
PLAYBOOKS: Mapping[str, tuple[Variable, ...]] = {
    "instances": (
        _PROFILE,
        *_THINGS,
        _ALLOCATION_SOURCE,
        Variable("columns", Kind.LIST, everything=_INSTANCE_COLUMNS, more=_INSTANCE_KEYS),
        _WIDTH,
    ),
    "volumes": (
        _PROFILE,
        *_THINGS,
        Variable("columns", Kind.LIST, everything=_VOLUME_COLUMNS, more=_VOLUME_KEYS),
        _WIDTH,
    ),
    "allocation": (
        _PROFILE,
        _ALLOCATION_SOURCE,
        Variable("columns", Kind.LIST, everything=_ALLOCATION_COLUMNS),
        _RATES,
        _WIDTH,
    ),
    "usage_report": (
        _PROFILE,
        Variable("dest", Kind.PATH, aliases=("page",)),
        Variable("history_path", Kind.PATH, aliases=("record",)),
        _DECISIONS_PATH,
        Variable("charts", is_switch=True),
        Variable("days", Kind.COUNT),
        _RATES,
        Variable("html_template", Kind.PATH, must_exist=True),
        Variable("text_template", Kind.PATH, must_exist=True),
        _RUNS_PATH,
        *_SENDING,
    ),
    "stop_all": (*_FLEET, _ALLOW_WAKE),
    "suspend_all": (*_FLEET, _ALLOW_WAKE),
    "shelve_all": _FLEET,
    "start_all": (*_FLEET, Variable("only_put_to_sleep", is_switch=True)),
    "instance_action": (
        Variable("instance", Kind.NAME, aliases=("id",), required=True),
        Variable(
            "do",
            aliases=("action",),
            choices=("start", "stop", "suspend", "resume", "shelve", "unshelve", "reboot"),
            required=True,
        ),
        _PROFILE,
        _OWNER,
        _WAIT_TIMEOUT,
        _ALLOW_WAKE,
        _INCLUDE_LOCKED,
        Variable("reboot_type", choices=("soft", "hard")),
    ),
    "save_credential": (
        _PROFILE,
        Variable("cloud"),
        Variable("application_credential_id"),
        Variable("auth_url"),
        Variable("region"),
        Variable("api_url"),
        Variable("ca_path", Kind.PATH, must_exist=True),
    ),
    "activity": (
        _PROFILE,
        *_THINGS,
        _ALLOCATION_SOURCE,
        *_SSH,
        Variable("console", is_switch=True),
        _READINGS_PATH,
        _RUNS_PATH,
    ),
    "idle": (
        _PROFILE,
        *_THINGS,
        _ALLOCATION_SOURCE,
        Variable("settings"),
        Variable("settings_path", Kind.PATH),
        Variable("schedules", Kind.PATH),
        Variable("console_only", is_switch=True),
        Variable("replay"),
        Variable("grace_minutes", Kind.COUNT),
        _RATES,
        _READINGS_PATH,
        _KEEP_PATH,
        _DECISIONS_PATH,
        _WIDTH,
        *_SENDING,
    ),
    "hygiene": (
        _PROFILE,
        _OWNER,
        Variable("asleep_days", Kind.COUNT),
        Variable("ends_days", Kind.COUNT),
        _RATES,
        _KEEP_PATH,
        _WIDTH,
        _RUNS_PATH,
        *_SENDING,
    ),
    "metrics": (
        Variable("dest", Kind.PATH, required=True),
        _PROFILE,
        _OWNER,
        Variable("settings"),
        Variable("settings_path", Kind.PATH),
        Variable("console_only", is_switch=True),
        _RATES,
        _READINGS_PATH,
        _RUNS_PATH,
    ),
    "budget_guard": (
        _PROFILE,
        _ALLOCATION_SOURCE,
        Variable("limit_percent"),
        Variable("limit_days"),
        Variable("shelve", choices=("enough", "all")),
        Variable("never", Kind.NAMES),
        _OWNER,
        Variable("apply", is_switch=True),
        _WAIT_TIMEOUT,
        _RATES,
        _READINGS_PATH,
        _KEEP_PATH,
        Variable("told_path", Kind.PATH),
        _DECISIONS_PATH,
        _WIDTH,
        _RUNS_PATH,
        *_SENDING,
    ),
    "deadlines": (
        Variable("schedules", Kind.PATH),
        _PROFILE,
        Variable("only", Kind.NAMES),
        Variable("exclude", Kind.NAMES),
        _OWNER,
        Variable("apply", is_switch=True),
        Variable("never", Kind.NAMES),
        Variable("max_actions", Kind.COUNT),
        Variable("notice_hours", Kind.COUNT),
        _WAIT_TIMEOUT,
        Variable("state_path", Kind.PATH),
        _KEEP_PATH,
        _DECISIONS_PATH,
        Variable("owner_mail"),
        _WIDTH,
        _RUNS_PATH,
        *_SENDING,
    ),
    "scheduled": (
        Variable("schedules", Kind.PATH, required=True),
        _PROFILE,
        Variable("only", Kind.NAMES),
        Variable("exclude", Kind.NAMES),
        _OWNER,
        _WAIT_TIMEOUT,
        Variable("wake_batch", Kind.COUNT),
        Variable("wake_minutes", Kind.COUNT),
        Variable("days", Kind.COUNT),
        Variable("calendar", Kind.PATH),
        Variable("state_path", Kind.PATH),
        _KEEP_PATH,
        _DECISIONS_PATH,
        _WIDTH,
        _RUNS_PATH,
        *_SENDING,
    ),
    "shelve_idle": (
        _PROFILE,
        *_THINGS,
        _ALLOCATION_SOURCE,
        Variable("apply", is_switch=True),
        Variable("do", choices=("shelve", "stop", "suspend")),
        Variable("grace_minutes", Kind.COUNT),
        Variable("sweep_minutes", Kind.COUNT),
        Variable("trial_days", Kind.COUNT),
        Variable("max_actions", Kind.COUNT),
        Variable("never", Kind.NAMES),
        Variable("controller", Kind.NAMES),
        Variable("pause_seconds", Kind.COUNT),
        _WAIT_TIMEOUT,
        Variable("settings"),
        Variable("settings_path", Kind.PATH),
        Variable("schedules", Kind.PATH),
        Variable("console_only", is_switch=True),
        _RATES,
        _READINGS_PATH,
        _KEEP_PATH,
        _DECISIONS_PATH,
        *_SSH,
        Variable("owner_mail"),
        Variable("notice_template", Kind.PATH, must_exist=True),
        _WIDTH,
        _RUNS_PATH,
        *_SENDING,
    ),
    "nightly": (
        _PROFILE,
        Variable("parts", Kind.LIST),
        Variable("everything", is_switch=True),
        Variable("apply", is_switch=True),
        Variable("report_hour", Kind.COUNT),
        Variable("schedules", Kind.PATH),
        *_THINGS,
        _ALLOCATION_SOURCE,
        *_SSH,
        Variable("console", is_switch=True),
        Variable("do", choices=("shelve", "stop", "suspend")),
        Variable("grace_minutes", Kind.COUNT),
        Variable("sweep_minutes", Kind.COUNT),
        Variable("trial_days", Kind.COUNT),
        Variable("max_actions", Kind.COUNT),
        Variable("never", Kind.NAMES),
        Variable("controller", Kind.NAMES),
        Variable("pause_seconds", Kind.COUNT),
        Variable("settings"),
        Variable("settings_path", Kind.PATH),
        Variable("console_only", is_switch=True),
        Variable("wake_batch", Kind.COUNT),
        Variable("wake_minutes", Kind.COUNT),
        Variable("notice_hours", Kind.COUNT),
        Variable("limit_percent"),
        Variable("limit_days"),
        Variable("shelve", choices=("enough", "all")),
        Variable("dest", Kind.PATH),
        Variable("history_path", Kind.PATH),
        Variable("charts", is_switch=True),
        Variable("html_template", Kind.PATH, must_exist=True),
        Variable("text_template", Kind.PATH, must_exist=True),
        Variable("asleep_days", Kind.COUNT),
        Variable("ends_days", Kind.COUNT),
        _WAIT_TIMEOUT,
        _RATES,
        _READINGS_PATH,
        _KEEP_PATH,
        _DECISIONS_PATH,
        Variable("told_path", Kind.PATH),
        Variable("nightly_path", Kind.PATH),
        Variable("metrics_path", Kind.PATH),
        Variable("ping_url", Kind.SECRET),
        Variable("owner_mail"),
        Variable("notice_template", Kind.PATH, must_exist=True),
        _WIDTH,
        _RUNS_PATH,
        *_SENDING,
    ),
    "install_schedule": (
        Variable("variables_path", Kind.PATH),
        Variable("inventory", Kind.PATH),
        Variable("folder", Kind.PATH),
        Variable("minutes", Kind.COUNT),
        Variable("at"),
        Variable("forks", Kind.COUNT),
        Variable("scheduler", choices=("cron", "systemd")),
        Variable("state", choices=("present", "absent")),
        Variable("job"),
        Variable("log_path", Kind.PATH),
        Variable("log_kilobytes", Kind.COUNT),
    ),
    "tour": (
        Variable("folder", Kind.PATH),
        Variable("simulate", is_switch=True),
        Variable("like", choices=("jetstream2", "atmosphere")),
    ),
    "why": (
        Variable("instance", Kind.NAME, required=True),
        Variable("days", Kind.COUNT),
        Variable("limit", Kind.COUNT),
        _DECISIONS_PATH,
        _WIDTH,
    ),
    "keep": (
        Variable("instance", Kind.NAME, aliases=("id",), required=True),
        Variable("hours", Kind.COUNT),
        Variable("keep_from"),
        Variable("keep_until", aliases=("until",)),
        Variable("undo", is_switch=True),
        Variable("store", choices=("metadata", "file")),
        _PROFILE,
        _OWNER,
        _KEEP_PATH,
    ),
}

# Other words for the same thing, which a spelling that is merely close does not lead to.
_SYNONYMS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(
        ("name", "names", "instance", "instances", "id", "ids", "uuid", "uuids", "server", "servers", "vm", "vms"),
        ("only", "instance"),
    ),
    **dict.fromkeys(("only", "limit", "include"), ("only", "instance")),
    **dict.fromkeys(("except", "without", "skip", "not", "keep"), ("exclude",)),
    **dict.fromkeys(("user", "users", "username"), ("owner",)),
    **dict.fromkeys(("allocation", "allocations", "source"), ("allocation_source",)),
    **dict.fromkeys(("timeout", "wait"), ("wait_timeout",)),
    **dict.fromkeys(("account", "cloud"), ("profile",)),
    **dict.fromkeys(("locked", "unlock"), ("include_locked",)),
    **dict.fromkeys(("limit_changes", "max", "maximum"), ("max_changes",)),
    **dict.fromkeys(("state", "verb", "operation", "command"), ("do",)),
}
_REMARKS: Mapping[str, str] = {"cloud": ", or set JETSTREAM_CLOUD to use a cloud of clouds.yaml"}


def unknown(playbook: str, names: Iterable[str], allowed: Sequence[str]) -> list[str]:
    """Return a sentence for each name that a playbook neither takes nor lets pass.

    ``allowed`` are names or globs of what a site gives for purposes of its own.
    """
    known = {name for variable in PLAYBOOKS[playbook] for name in variable.names} | {ALLOWED.name}
    return [
        _refusal(playbook, name)
        for name in names
        if name not in known
        and not name.startswith(_FOREIGN_PREFIXES)
        and (_is_inner(name) or not any(fnmatchcase(name, pattern) for pattern in allowed))
    ]


def allowed_patterns(raw: object) -> list[str]:
    """Return the names and globs that a site allows.

    Raises VariableError if one of them would let a mistyped variable pass. Variables that the playbooks set themselves
    pass by none of them.
    """
    patterns = _listed(ALLOWED, ALLOWED.name, raw)
    names = [name for variables in PLAYBOOKS.values() for variable in variables for name in variable.names]
    for pattern in patterns:
        if fnmatchcase(_INNER_PREFIX, pattern) or _is_inner(pattern):
            raise VariableError(f"{ALLOWED.name}: {pattern} matches variables that the playbooks set themselves.")
        fitting = [name for name in names if fnmatchcase(name, pattern)]
        if fitting and _GLOB_CHARACTERS.intersection(pattern):
            raise VariableError(f"{ALLOWED.name}: {pattern} is too broad: it also matches {fitting[0]}.")
    return patterns


def repeated(playbook: str, times: Mapping[str, int]) -> list[str]:
    """Return a sentence for each variable of a playbook that is given more than once by one source.

    ``times`` says how often each name was given there.
    """
    sentences = []
    for variable in (*PLAYBOOKS[playbook], ALLOWED):
        given = [name for name in variable.names if times.get(name)]
        if len(given) > 1:
            sentences.append(f"{' and '.join(given)} are the same variable: set it once.")
        elif given and times[given[0]] > 1:
            several = variable.kind in (Kind.NAMES, Kind.LIST)
            how = f"once, with commas, as in -e {given[0]}=A,B." if several else "once."
            sentences.append(f"{given[0]} is given more than once, but only the last value would count: set it {how}")
    return sentences


def misread(playbook: str, values: Iterable[Rewritten]) -> list[str]:
    """Return a sentence for each name that YAML takes for a number or a time of another text."""
    named = {name for each in PLAYBOOKS[playbook] if each.kind in (Kind.NAMES, Kind.NAME) for name in each.names}
    return [each.sentence for each in values if each.key in named]


def given_by(playbook: str, source: Mapping[str, object]) -> dict[str, tuple[str, object]]:
    """Return what a source gives of a playbook's variables: by the first name, the name used and the value."""
    return {
        variable.name: (name, source[name])
        for variable in PLAYBOOKS[playbook]
        for name in variable.names
        if name in source
    }


def without_value(playbook: str, words: str) -> list[str]:
    """Return a sentence for each switch that was given as a word alone, as in ``-e apply``.

    ``words`` are those that belong to no variable. Nothing is returned if one of them is no switch.
    """
    by_name = {name: variable for variable in PLAYBOOKS[playbook] for name in variable.names}
    given = words.split()
    if not all(word in by_name and by_name[word].is_switch for word in given):
        return []
    return [f"{word} has no value: write {word}=true." for word in given]


def takes(playbook: str) -> str:
    """Return the names of the variables that a playbook takes, for a message."""
    return ", ".join(variable.name for variable in PLAYBOOKS[playbook])


def missing(playbook: str, values: Mapping[str, object]) -> str | None:
    """Return a sentence if a variable that a playbook cannot do without has no value."""
    absent = [each for each in PLAYBOOKS[playbook] if each.required and each.name not in values]
    if not absent:
        return None
    examples = [f"-e {each.name}={'|'.join(each.choices) or '...'}" for each in absent]
    return f"{playbook} requires {' and '.join(each.name for each in absent)}: {' '.join(examples)}"


def read(variable: Variable, name: str, raw: object, folder: Callable[[], Path]) -> object:
    """Return what the value of a variable means; for a secret, that there is one.

    ``name`` is the name by which it was given. ``folder`` returns the folder in which relative paths begin. Raises
    VariableError if the value is empty, or cannot mean anything.
    """
    if raw is None or (isinstance(raw, str) and not raw.strip()):
        raise VariableError(f"{name} is given, but empty. Remove it.")
    match variable.kind:
        case Kind.NAMES | Kind.LIST:
            return _listed(variable, name, raw)
        case Kind.NAME:
            return _one_name(name, raw)
        case Kind.COUNT:
            return _count(variable, name, raw)
        case Kind.PATH:
            return _path(name, raw, folder)
        case Kind.SECRET:
            return True
        case Kind.VALUE:
            return _chosen(variable, name, raw)


def _is_inner(name: str) -> bool:
    return name.startswith(_INNER_PREFIX) or name in _INNER_NAMES


def _refusal(playbook: str, name: str) -> str:
    """Return the sentence for a name that a playbook does not take, with the right name if it is clear."""
    variables = PLAYBOOKS[playbook]
    if difflib.get_close_matches(name, [ALLOWED.name], cutoff=0.9):
        return f"{name}: did you mean {ALLOWED.name}?"
    if _is_inner(name):
        return f"{name}: is internal to the playbook, and cannot be set."
    taken = [each for variable in variables for each in variable.names]
    plain = name.strip().lower().replace("-", "_")
    if plain in taken:
        return f"{name}: did you mean {plain}?"
    for synonym in _SYNONYMS.get(plain, ()):
        if synonym in taken:
            return f"{name}: use {synonym}{_REMARKS.get(plain, '')}."
    takers = [other for other in PLAYBOOKS if any(plain in variable.names for variable in PLAYBOOKS[other])]
    if takers:
        return f"{name}: not a variable of {playbook}, but of {' and '.join(takers)}."
    close = difflib.get_close_matches(plain, taken, n=1)
    return f"{name}: did you mean {close[0]}?" if close else f"{name}: not a variable of {playbook}."


def _chosen(variable: Variable, name: str, raw: object) -> object:
    if variable.is_switch:
        return _switch(name, raw)
    if variable.is_word and (str(raw).startswith("-") or len(str(raw).split()) > 1):
        raise VariableError(f"{name} is {raw}, but must be one word that does not begin with a hyphen.")
    if not variable.choices or raw in variable.choices:
        return raw
    hint = did_you_mean(str(raw), variable.choices)
    raise VariableError(f"{name} is {raw}, but must be one of {', '.join(variable.choices)}. {hint}".rstrip())


def _switch(name: str, raw: object) -> bool:
    """Return yes or no. A template would take every other word for no, and say nothing."""
    word = str(raw).strip().lower()
    if word in _YES:
        return True
    if word in _NO:
        return False
    raise VariableError(f"{name} is {raw}, but must be true or false.")


def _listed(variable: Variable, name: str, raw: object) -> list[str]:
    if variable.everything:
        return _columns(variable, name, raw)
    return _texts(variable, name, raw)


def _columns(variable: Variable, name: str, raw: object) -> list[str]:
    """Return the columns. An unknown one is refused here, for a table without rows cannot tell it."""
    given = _texts(variable, name, raw)
    if given == ["all"]:
        return list(variable.everything)
    known = {*variable.everything, *variable.more}
    for each in given:
        if each.partition(".")[0] not in known:
            hint = did_you_mean(each, variable.everything)
            raise VariableError(f"{name}: there is no {each}, only {', '.join(variable.everything)}. {hint}".rstrip())
    return given


def _texts(variable: Variable, name: str, raw: object) -> list[str]:
    if isinstance(raw, str):
        return _split(name, raw)
    if isinstance(raw, int) and not isinstance(raw, bool):
        return [str(raw)]
    if not isinstance(raw, Sequence) or isinstance(raw, bytes):
        raise VariableError(f"{name} must be names separated by commas, or a list.")
    if not raw and variable.kind is Kind.LIST:
        raise VariableError(f"{name} is given, but empty. Remove it.")
    return [_element(name, each) for each in raw]


def _split(name: str, text: str) -> list[str]:
    text = text.strip()
    if text.startswith("[") and text.endswith("]"):
        raise VariableError(
            f'{name}={text} is a text, not a list. Write {name}=A,B, or use JSON: -e \'{{"{name}": ["A", "B"]}}\'.'
        )
    parts = [part.strip() for part in _SEPARATOR.split(text)]
    if not any(parts):
        raise VariableError(f"{name} is given, but empty. Remove it.")
    if not all(parts):
        raise VariableError(f"{name}={text} has nothing before or after a comma. Check for an unset shell variable.")
    return parts


def _element(name: str, value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise VariableError(f"{name} has an element that is neither a name nor a number.")
    if not str(value).strip():
        raise VariableError(f"{name} has an empty element. Remove it.")
    return str(value)


def _count(variable: Variable, name: str, raw: object) -> int:
    text = str(raw).strip()
    is_number = not isinstance(raw, bool) and text.isascii() and text.isdecimal() and len(text) < _DIGITS
    if not is_number or int(text) < variable.least:
        raise VariableError(f"{name} is {raw}, but must be a number, {variable.least} or more.")
    return int(text)


def _one_name(name: str, raw: object) -> str:
    if isinstance(raw, bool) or not isinstance(raw, str | int):
        raise VariableError(f"{name} must be the name, the number or the UUID of one instance.")
    text = str(raw).strip()
    if "," in text or _GLOB_CHARACTERS.intersection(text):
        raise VariableError(
            f"{name} must be one instance, but {text} may be several. Start, stop, suspend or shelve several with "
            f"start_all, stop_all, suspend_all or shelve_all: -e only='{text}'"
        )
    return text


def _path(name: str, raw: object, folder: Callable[[], Path]) -> str:
    if not isinstance(raw, str):
        raise VariableError(f"{name} must be the path of a file.")
    try:
        path = Path(raw).expanduser()
    except RuntimeError as error:
        raise VariableError(f"{name} is {raw}, but there is no such home folder.") from error
    if path.is_absolute():
        return str(path)
    try:
        return str(folder() / path)
    except OSError as error:
        raise VariableError(
            f"{name} is {raw}, but the working folder does not exist any more. Use an absolute path."
        ) from error
