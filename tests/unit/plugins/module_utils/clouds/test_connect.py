# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sources of a setting and their order, as docs/connection.md promises them."""

from __future__ import annotations

import os
import re
import tempfile
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from itertools import product
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeAlias

import pytest
import yaml
from ansible_collections.jetstream.cloud.plugins.doc_fragments.connection import ModuleDocFragment
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clouds.atmosphere.settings import site_address
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clouds.cloud_type import CloudType
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clouds.connect import Connection, resolve
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clouds.registry import (
    CLOUD_TYPES,
    connection_settings,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.errors import ConfigurationError
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.options import CONNECTION
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.settings.connection import HTTP
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.settings.jkey import JKEY
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.settings.profiles import PROFILES
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.settings.sources import Found, variable
from hypothesis import given, settings
from hypothesis import strategies as st

SITE = "https://use.jetstream-cloud.org"
SOURCES = ("option", "environment", "profile")
IN_WORDS = {
    "option": "option {name}",
    "environment": "environment variable {variable}",
    "profile": "profile default in ~/.config/jetstream/profiles.toml",
}
Value: TypeAlias = "str | bool | float"


@dataclass
class Account:
    """All sources of settings, in a home of its own."""

    home: Path
    options: dict[str, object] = field(default_factory=dict)
    environ: dict[str, str] = field(default_factory=dict)

    def write(self, path: Path, content: str | bytes, mode: int = 0o600) -> None:
        file = self.home / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        file.chmod(mode)

    def profile(self, values: Mapping[str, Value], name: str = "default") -> None:
        self.write(PROFILES, f"[{name}]\n" + "".join(f"{key} = {toml(value)}\n" for key, value in values.items()))

    def set(self, source: str, name: str, value: Value) -> None:
        if source == "option":
            self.options[name] = value
        else:
            self.environ[variable(name)] = str(value)

    def connection(self) -> Connection[Any]:
        return resolve(self.options, self.environ, self.home)

    def resolve(self) -> Any:
        """Return the settings, also those of http, and their sources, as attributes of one object."""
        connection = self.connection()
        settings, http = connection.settings, connection.settings.http
        return SimpleNamespace(
            backend=connection.cloud_type.backend,
            profile=connection.profile,
            sources=connection.sources,
            warnings=connection.warnings,
            concurrency=http.connections,
            **_fields(http),
            **{name: value for name, value in _fields(settings).items() if name not in ("http", "sources")},
        )

    def refusal(self) -> str:
        with pytest.raises(ConfigurationError) as caught:
            self.resolve()
        return str(caught.value)


@pytest.fixture
def account(tmp_path: Path) -> Account:
    return Account(tmp_path)


@contextmanager
def fresh_account() -> Iterator[Account]:
    """Set up as the fixture does, once for each example of a property."""
    with tempfile.TemporaryDirectory() as folder:
        yield Account(Path(folder))


def _fields(thing: Any) -> dict[str, Any]:
    return {each.name: getattr(thing, each.name) for each in fields(thing)}


def toml(value: Value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else repr(value)


# --- precedence ------------------------------------------------------------------------------------------------------

VALUES: Mapping[str, tuple[Value, Value, Value]] = {
    "api_url": ("https://one.example", "https://two.example", "https://three.example"),
    "username": ("ada", "bob", "cyd"),
    "validate_certs": (False, True, False),
    "ca_path": ("/", "/etc", "/tmp"),
    "timeout": (1.5, 2.0, 3.0),
    "retry_timeout": (0.0, 5.0, 6.0),
    "concurrency": (1, 2, 64),
    "page_size": (1, 50, 1000),
}
DEFAULTS: Mapping[str, Value | None] = {
    "api_url": SITE,
    "username": None,
    "validate_certs": True,
    "ca_path": None,
    "timeout": 60.0,
    "retry_timeout": 60.0,
    "concurrency": 16,
    "page_size": 20,
}
SUBSETS = [frozenset(s for s, there in zip(SOURCES, bits, strict=True) if there) for bits in product((0, 1), repeat=3)]


@given(given_by=st.fixed_dictionaries({name: st.sampled_from(SUBSETS) for name in VALUES}))
def test_the_first_source_that_gives_a_setting_decides_it(given_by: dict[str, frozenset[str]]) -> None:
    with fresh_account() as account:
        account.options["token"] = "a-token"
        for name, sources in given_by.items():
            for source in sources - {"profile"}:
                account.set(source, name, VALUES[name][SOURCES.index(source)])
        account.profile({name: VALUES[name][2] for name, sources in given_by.items() if "profile" in sources})
        connection = account.resolve()

    for name, sources in given_by.items():
        first = next((source for source in SOURCES if source in sources), None)
        expected = VALUES[name][SOURCES.index(first)] if first else DEFAULTS[name]
        assert getattr(connection, name) == expected
        words = IN_WORDS[first].format(name=name, variable=variable(name)) if first else "the default"
        assert connection.sources.get(name, "the default") == words


@pytest.mark.parametrize(
    ("option", "environment", "used"), [("a", "b", "a"), (None, "b", "b"), (None, None, "default")]
)
def test_the_profile_is_named_by_option_then_environment_then_default(
    account: Account, option: str | None, environment: str | None, used: str
) -> None:
    account.write(PROFILES, "".join(f'[{name}]\ntoken = "token-of-{name}"\n' for name in ("a", "b", "default")))
    account.options["profile"] = option
    account.environ.update({"JETSTREAM_PROFILE": environment} if environment else {})
    connection = account.resolve()
    assert (connection.profile, connection.token) == (used, f"token-of-{used}")


@pytest.mark.parametrize("empty", ["", "  "])
def test_an_empty_string_is_not_set(account: Account, empty: str) -> None:
    for name in [*VALUES, "password", "token", "profile"]:
        account.options[name] = None
        account.environ[variable(name)] = empty
    account.profile({"username": "ada", "password": "p", "timeout": 7, "token": ""})
    connection = account.resolve()
    assert (connection.username, connection.password, connection.token, connection.timeout) == ("ada", "p", None, 7.0)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("JETSTREAM_PROFIL", "JETSTREAM_PROFILE"),
        ("JETSTREAM_PROFLIE", "JETSTREAM_PROFILE"),
        ("jetstream_profile", "JETSTREAM_PROFILE"),
        ("JETSTREAM_CLOUDS", "JETSTREAM_CLOUD"),
        ("JETSTREAM_PASSWD", "JETSTREAM_PASSWORD"),
        ("JETSTREAM_STATEPATH", "JETSTREAM_STATE_PATH"),
    ],
)
def test_a_mistyped_variable_does_not_lead_to_another_account(account: Account, name: str, meant: str) -> None:
    account.profile({"token": "of-default"})
    account.environ[name] = "course"
    assert account.refusal() == f"The environment variable {name} is unknown. Did you mean {meant}?"


@pytest.mark.parametrize("name", ["JETSTREAM_URL", "JETSTREAM_DOMAIN", "JETSTREAM_PROGRESS", "JETSTREAM_STATE_PATH"])
def test_variables_of_other_programs_are_no_mistake(account: Account, name: str) -> None:
    account.profile({"token": "of-default"})
    account.environ[name] = "nats://demo.example"
    account.environ["JETSTREAM_PROFIL"] = " "
    assert account.resolve().token == "of-default"


def test_every_setting_is_an_option_a_variable_and_documented(account: Account) -> None:
    documented = yaml.safe_load(ModuleDocFragment.DOCUMENTATION)["options"]
    assert list(documented) == list(CONNECTION.argument_spec)
    for name, option in documented.items():
        assert f"E({variable(name)})" in " ".join(option["description"])
        assert option["type"] == CONNECTION.argument_spec[name]["type"]
        assert option.get("choices") == CONNECTION.argument_spec[name].get("choices")


@pytest.mark.parametrize("cloud_type", CLOUD_TYPES, ids=lambda each: each.backend)
def test_every_setting_of_a_cloud_is_read_and_its_source_is_known(account: Account, cloud_type: CloudType[Any]) -> None:
    names = [each.name for each in (*cloud_type.settings, *HTTP)]
    paths = {each.name for each in cloud_type.settings if each.type == "path"}
    account.environ = {variable(name): "/" if name in paths else "1" for name in names}
    account.environ |= {"JETSTREAM_CA_PATH": "/", "JETSTREAM_BACKEND": cloud_type.backend, "JETSTREAM_PROFILE": "p"}
    account.environ |= {"JETSTREAM_API_URL": "https://x.example", "JETSTREAM_AUTH_URL": "https://x.example"}
    # It contradicts an application credential.
    account.environ.pop("JETSTREAM_CLOUD", None)
    account.profile({}, name="p")
    given = {*names, "backend", "profile"} - {"cloud"}
    assert account.resolve().sources == {name: f"environment variable {variable(name)}" for name in given}


# --- which cloud -----------------------------------------------------------------------------------------------------

LOGIN = {"username": "ada", "password": "secret"}
SECRET_OF_ID = {"application_credential_id": "0123", "application_credential_secret": "secret"}


@pytest.mark.parametrize(
    ("options", "environ", "profile", "backend", "cloud"),
    [
        ({"cloud": "js2"}, {}, None, "openstack", "js2"),
        ({"cloud": "js2"}, {"JETSTREAM_PASSWORD": "x", "JETSTREAM_USERNAME": "ada"}, None, "openstack", "js2"),
        ({}, {"JETSTREAM_CLOUD": "js2"}, None, "openstack", "js2"),
        ({"profile": "p"}, {}, {"cloud": "js2"}, "openstack", "js2"),
        (
            {"profile": "p"},
            {"JETSTREAM_PASSWORD": "x", "JETSTREAM_USERNAME": "a"},
            {"cloud": "js2"},
            "openstack",
            "js2",
        ),
        ({"profile": "p", **LOGIN}, {}, {"cloud": "js2"}, "atmosphere", None),
        ({"profile": "p"}, {}, LOGIN, "atmosphere", None),
        ({"profile": "p"}, {"OS_CLOUD": "js2"}, LOGIN, "atmosphere", None),
        ({}, {"OS_CLOUD": "js2"}, None, "openstack", None),
        ({}, {"OS_AUTH_URL": "https://js2.example:5000/v3"}, None, "openstack", None),
        ({"backend": "openstack", **LOGIN}, {"OS_CLOUD": "js2"}, None, "openstack", None),
        (SECRET_OF_ID, {}, None, "openstack", None),
        ({"profile": "p"}, {"JETSTREAM_USERNAME": "a"}, SECRET_OF_ID, "openstack", None),
        ({"backend": "atmosphere", "cloud": "js2", **LOGIN}, {}, None, "atmosphere", None),
    ],
)
def test_the_given_login_decides_the_kind_of_cloud(
    account: Account,
    options: dict[str, object],
    environ: dict[str, str],
    profile: dict[str, object] | None,
    backend: str,
    cloud: str | None,
) -> None:
    account.options, account.environ = options, environ
    if profile is not None:
        account.profile(profile, name="p")
    connection = account.connection()
    assert (connection.cloud_type.backend, getattr(connection.settings, "cloud", None)) == (backend, cloud)


def test_an_unknown_backend_is_reported_with_those_that_there_are(account: Account) -> None:
    account.environ = {"JETSTREAM_BACKEND": "nova"}
    with pytest.raises(
        ConfigurationError, match=r"There is no backend nova .*, only atmosphere and openstack and practice"
    ):
        account.resolve()


CLOUDS = "clouds:\n  TG_GEO160014_IU: {}\n  prod: {}\n"


def clouds_yaml(account: Account, content: str = CLOUDS) -> None:
    account.write(Path(".config/openstack/clouds.yaml"), content)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (None, "There is no clouds.yaml in the working folder, ~/.config/openstack, or /etc/openstack."),
        (CLOUDS, "~/.config/openstack/clouds.yaml has the clouds TG_GEO160014_IU and prod."),
        ("clouds: {prod: {}}", "~/.config/openstack/clouds.yaml has the cloud prod."),
        (
            "clouds:\n\tprod: {}",
            "~/.config/openstack/clouds.yaml, line 2: a tab is not allowed as indentation. Use spaces.",
        ),
    ],
)
def test_without_a_login_every_way_to_one_is_reported_jetstream2_first(
    account: Account, content: str | None, found: str
) -> None:
    if content:
        clouds_yaml(account, content)
    assert account.refusal() == (
        "No login is configured. Save one with the playbook jetstream.cloud.save_credential. "
        f"For Jetstream2, set JETSTREAM_CLOUD to a cloud in clouds.yaml. {found} "
        "For a site with Atmosphere, set JETSTREAM_USERNAME and JETSTREAM_PASSWORD. "
        "To try things out without an account, run the playbook jetstream.cloud.tour."
    )


def test_without_a_login_the_profiles_that_there_are_are_reported(account: Account) -> None:
    account.write(PROFILES, '[lab]\ncloud = "js2"\n')
    assert account.refusal().startswith(
        "No login is configured. No profile is selected, and ~/.config/jetstream/profiles.toml has no profile "
        "default, only lab. Save one with the playbook jetstream.cloud.save_credential. For Jetstream2, "
    )


@pytest.mark.parametrize("options", [{}, {"backend": "openstack"}, {"region": "IU"}, {"timeout": 5}])
def test_a_cloud_that_was_not_named_is_never_used(account: Account, options: dict[str, object]) -> None:
    clouds_yaml(account, "clouds: {prod: {}}")
    account.options = options
    refusal = account.refusal()
    assert "~/.config/openstack/clouds.yaml has the cloud prod." in refusal
    assert refusal.startswith("No cloud is selected." if "backend" in options else "No login is configured.")


def test_a_password_of_the_original_tool_is_distinguished_from_no_login(account: Account) -> None:
    account.write(JKEY, "p\n")
    assert account.refusal().startswith(
        "A password is set (~/.config/jetstream/jkey.csv), but no username. Set JETSTREAM_USERNAME"
    )


ID, SECRET_NAME = "application_credential_id", "application_credential_secret"


@pytest.mark.parametrize(
    ("given_by", "found"),
    [
        ({"option": {ID: "1", SECRET_NAME: "s3cret"}}, ("1", "s3cret")),
        ({"environment": {ID: "1", SECRET_NAME: "s3cret"}}, ("1", "s3cret")),
        ({"profile": {ID: "1", SECRET_NAME: "s3cret"}}, ("1", "s3cret")),
        ({"option": {ID: "1"}, "profile": {SECRET_NAME: "s3cret"}}, ("1", "s3cret")),
        ({"option": {ID: "1"}, "profile": {ID: "1", SECRET_NAME: "s3cret"}}, ("1", "s3cret")),
        ({"option": {ID: "1"}, "profile": {ID: "2", SECRET_NAME: "s3cret"}}, None),
        (
            {"option": {ID: "1", "auth_url": "https://x.example/v3"}, "profile": {ID: "1", SECRET_NAME: "s3cret"}},
            ("1", "s3cret"),
        ),
        (
            {
                "option": {ID: "1", "auth_url": "https://x.example/v3"},
                "profile": {"auth_url": "https://y.example/v3", SECRET_NAME: "s3cret"},
            },
            None,
        ),
        ({"environment": {ID: "1", SECRET_NAME: "s3cret"}, "profile": {"cloud": "js2"}}, ("1", "s3cret")),
        ({"option": {SECRET_NAME: "s3cret"}}, None),
        ({"option": {"auth_url": "https://x.example/v3"}}, None),
    ],
)
def test_a_secret_belongs_to_its_id_and_its_keystone(
    account: Account, given_by: dict[str, dict[str, str]], found: tuple[str, str] | None
) -> None:
    for source in ("option", "environment"):
        for name, value in given_by.get(source, {}).items():
            account.set(source, name, value)
    account.profile(given_by.get("profile", {}))
    if found is None:
        assert account.refusal().startswith("application_credential_")
        return
    connection = account.connection()
    assert (connection.settings.credential.id, connection.settings.credential.secret) == found
    assert connection.settings.cloud is None
    assert connection.settings.secrets == (found[1],)
    assert found[1] not in repr(connection)


def test_the_keystone_of_a_credential_is_jetstream2s_if_none_is_named(account: Account) -> None:
    account.options = dict(SECRET_OF_ID)
    assert account.connection().settings.credential.auth_url == "https://js2.jetstream-cloud.org:5000/v3"


@pytest.mark.parametrize(
    ("auth_url", "sentence"),
    [
        (
            "http://js2.example:5000/v3",
            "The option auth_url is http://js2.example:5000/v3, which would send the secret",
        ),
        ("https://ada:p@js2.example", "The option auth_url contains an @, as if it included a user or a password."),
        ("nonsense nonsense", "The option auth_url is not the address of a server: it contains spaces"),
        ("https://", "The option auth_url is not the address of a server. Example: https://js2.jetstream-cloud"),
    ],
)
def test_a_keystone_that_cannot_be_right_or_safe_is_refused(account: Account, auth_url: str, sentence: str) -> None:
    account.options = {**SECRET_OF_ID, "auth_url": auth_url}
    assert account.refusal().startswith(sentence)


def test_a_cloud_and_a_credential_in_one_place_contradict_each_other(account: Account) -> None:
    account.profile({"cloud": "js2", **SECRET_OF_ID})
    place = "profile default in ~/.config/jetstream/profiles.toml"
    assert account.refusal() == (
        f"The application_credential_id of {place} and {place} contradict each other. "
        "Set a cloud of clouds.yaml or an application credential, not both."
    )


# --- credentials -----------------------------------------------------------------------------------------------------

PLACES = st.fixed_dictionaries(
    {},
    optional={
        "username": st.sampled_from(("ada", "bob")),
        "api_url": st.sampled_from((SITE, "https://other.example")),
        "password": st.booleans(),
        "token": st.booleans(),
    },
)


@given(places=st.tuples(PLACES, PLACES, PLACES), jkey=st.booleans())
@settings(max_examples=200)
def test_secrets_come_from_the_nearest_place_that_has_any_for_this_user_and_server(
    places: tuple[dict[str, str | bool], ...], jkey: bool
) -> None:
    given_by = {
        source: {
            name: f"{name}-of-{source}" if name in ("password", "token") else str(value)
            for name, value in place.items()
            if value is not False
        }
        for source, place in zip(SOURCES, places, strict=True)
    }
    with fresh_account() as account:
        for source in ("option", "environment"):
            for name, value in given_by[source].items():
                account.set(source, name, value)
        account.profile(given_by["profile"])
        if jkey:
            account.write(JKEY, "password-of-jkey\n")
        try:
            connection = account.resolve()
        except ConfigurationError:
            connection = None

    user = next((given_by[source]["username"] for source in SOURCES if "username" in given_by[source]), None)
    server = next((given_by[source]["api_url"] for source in SOURCES if "api_url" in given_by[source]), SITE)
    holders = [source for source in SOURCES if {"password", "token"} & given_by[source].keys()]
    ours = [
        source
        for source in holders
        if given_by[source].get("username", user) == user and given_by[source].get("api_url", server) == server
    ]
    expected = given_by[ours[0]] if ours else {"password": "password-of-jkey"} if jkey and not holders else {}
    if "token" not in expected and ("password" not in expected or user is None):
        assert connection is None
        return
    assert connection is not None
    assert (connection.username, connection.api_url) == (user, server)
    assert (connection.password, connection.token) == (expected.get("password"), expected.get("token"))


def test_another_users_password_is_not_used_and_the_error_names_its_owner(account: Account) -> None:
    account.options["username"] = "bob"
    account.profile({"username": "ada", "password": "p"})
    account.write(JKEY, "may be anybody's")
    assert account.refusal() == (
        "No password or token is set for bob (option username). The password of profile default in "
        "~/.config/jetstream/profiles.toml was ignored, because it belongs to ada. Set JETSTREAM_USERNAME and "
        "JETSTREAM_PASSWORD in the environment, or the options username and password, or save both in a "
        "profile in ~/.config/jetstream/profiles.toml, as the playbook jetstream.cloud.save_credential does."
    )


@pytest.mark.parametrize(
    ("given_values", "sentence"),
    [
        ({"api_url": SITE}, "Neither a token nor a username with a password is set."),
        ({"username": "ada"}, "No password or token is set for ada (option username)."),
        ({"password": "p"}, "A password is set (option password), but no username."),
    ],
)
def test_missing_credentials_are_one_sentence_and_three_ways_out(
    account: Account, given_values: dict[str, object], sentence: str
) -> None:
    account.options = given_values
    refusal = account.refusal()
    assert refusal.startswith(sentence + " Set JETSTREAM_USERNAME and JETSTREAM_PASSWORD")


@pytest.mark.parametrize(
    ("profiles", "reason"),
    [
        (None, "~/.config/jetstream/profiles.toml cannot be read: it is a folder."),
        (
            '[lab]\ntoken = "t"\n[Default]\ntoken = "t"\n',
            "No profile is selected, and ~/.config/jetstream/profiles.toml has no profile default, only Default, lab.",
        ),
    ],
)
def test_missing_credentials_are_reported_with_those_that_were_found(
    account: Account, profiles: str | None, reason: str
) -> None:
    if profiles is None:
        (account.home / PROFILES).mkdir(parents=True)
    else:
        account.write(PROFILES, profiles)
    account.options["username"] = "ada"
    said = "No password or token is set for ada (option username). "
    assert account.refusal().startswith(f"{said}{reason} Set JETSTREAM_USERNAME")
    (account.home / JKEY).mkdir(parents=True)
    unread = "~/.config/jetstream/jkey.csv cannot be read: it is a folder."
    assert account.refusal().startswith(f"{said}{reason} {unread} Set JETSTREAM_USERNAME")


def test_a_profile_named_by_option_that_the_environment_overrules_is_a_warning(account: Account) -> None:
    account.options["profile"] = "lab"
    account.environ = {"JETSTREAM_USERNAME": "ada", "JETSTREAM_PASSWORD": "p", "JETSTREAM_TIMEOUT": "5"}
    account.profile({"username": "bob", "password": "q", "timeout": 6}, name="lab")
    (warning,) = account.resolve().warnings
    assert warning == (
        "The profile lab in ~/.config/jetstream/profiles.toml was selected, but JETSTREAM_USERNAME and "
        "JETSTREAM_PASSWORD in the environment took precedence."
    )


@pytest.mark.parametrize(
    ("environ", "profile", "overruled"),
    [
        ({"CLOUD": "prod"}, {"cloud": "js2"}, "JETSTREAM_CLOUD"),
        ({"CLOUD": "prod"}, {"username": "ada", "password": "p"}, "JETSTREAM_CLOUD"),
        ({"CLOUD": "prod"}, SECRET_OF_ID, "JETSTREAM_CLOUD"),
        (
            {"APPLICATION_CREDENTIAL_ID": "1", "APPLICATION_CREDENTIAL_SECRET": "s"},
            {"cloud": "js2"},
            "JETSTREAM_APPLICATION_CREDENTIAL_ID",
        ),
        ({"CLOUD": "js2"}, {"cloud": "js2"}, None),
        ({"USERNAME": "ada", "PASSWORD": "p"}, {"cloud": "js2"}, None),
        ({"APPLICATION_CREDENTIAL_SECRET": "s"}, {"application_credential_id": "1"}, None),
    ],
)
def test_a_profile_named_by_option_that_the_environment_overrules_with_another_cloud_is_a_warning(
    account: Account, environ: dict[str, str], profile: dict[str, Value], overruled: str | None
) -> None:
    account.options["profile"] = "lab"
    account.environ = {f"JETSTREAM_{name}": value for name, value in environ.items()}
    account.profile(profile, name="lab")
    expected = f"The profile lab in ~/.config/jetstream/profiles.toml was selected, but {overruled} in the environment"
    assert [each.partition(" took precedence")[0] for each in account.connection().warnings] == (
        [expected] if overruled else []
    )


def test_a_profile_that_decides_after_all_is_no_warning(account: Account) -> None:
    account.options.update(profile="lab", username="ada", password="p")
    account.environ = {"JETSTREAM_USERNAME": "cyd", "JETSTREAM_PASSWORD": "r", "JETSTREAM_API_URL": "https://x.example"}
    account.profile({"username": "bob", "password": "q", "api_url": "https://x.example"}, name="lab")
    assert account.resolve().warnings == ()


@pytest.mark.parametrize("token", ["Token abc", "abc\x07def", "abc\u00e9"])
def test_a_token_that_no_header_can_hold_is_refused(account: Account, token: str) -> None:
    account.environ["JETSTREAM_TOKEN"] = token
    refusal = account.refusal()
    assert refusal.startswith("The environment variable JETSTREAM_TOKEN is not a token")
    assert token not in refusal


@pytest.mark.parametrize(
    ("content", "password"),
    [
        (b"s3cret", "s3cret"),
        (b"s3cret\n", "s3cret"),
        (b"s3cret\r\n", "s3cret"),
        (b"\xef\xbb\xbfs3cret\r\n", "s3cret"),
        ("s3cret\r\n".encode("utf-16"), "s3cret"),
        (b"\n\ns3cret\n", "s3cret"),
        (b'"s3cret"\n', "s3cret"),
        (b'"a,b ""c"""\n', 'a,b "c"'),
        (b"a,b\n", "a,b"),
        (b'"a","b"\n', '"a","b"'),
        (b"it's a pass phrase\n", "it's a pass phrase"),
        ("p\u00e4ss\n".encode(), "p\u00e4ss"),
        (b'"\n', '"'),
    ],
)
def test_jkey_csv_is_read_as_the_original_tool_or_a_person_wrote_it(
    account: Account, content: bytes, password: str
) -> None:
    account.environ["JETSTREAM_USERNAME"] = "ada"
    account.write(JKEY, content)
    connection = account.resolve()
    assert (connection.password, connection.warnings) == (password, ())
    assert connection.sources["password"] == "~/.config/jetstream/jkey.csv"


@pytest.mark.parametrize("content", [b"", b"\r\n \n", b'""\n', b"\xff\xfe\x00", b"\xfcber\n"])
def test_a_jkey_csv_without_a_password_says_so(account: Account, content: bytes) -> None:
    account.options["token"] = None
    account.options["username"] = "ada"
    account.write(JKEY, content)
    assert account.refusal().startswith(
        "No password or token is set for ada (option username). "
        "~/.config/jetstream/jkey.csv has no password in its first line. Set JETSTREAM_USERNAME"
    )


@pytest.mark.parametrize(("mode", "warned"), [(0o600, False), (0o400, False), (0o640, True), (0o604, True)])
def test_files_with_secrets_that_others_may_open_are_warned_of(account: Account, mode: int, warned: bool) -> None:
    account.options["username"] = "ada"
    account.write(JKEY, "p", mode)
    jkey = account.resolve().warnings
    # Also where the secret is in a profile that is not the one in use.
    account.write(PROFILES, '[default]\ntimeout = 5\n[lab]\npassword = "p"\n', mode)
    both = account.resolve().warnings
    assert [sorted(warning.split()[0] for warning in warnings) for warnings in (jkey, both)] == (
        [["~/.config/jetstream/jkey.csv"], ["~/.config/jetstream/jkey.csv", "~/.config/jetstream/profiles.toml"]]
        if warned
        else [[], []]
    )


def test_a_profile_file_without_secrets_may_be_open_to_others(account: Account) -> None:
    account.options["token"] = "t"
    account.write(PROFILES, '[default]\napi_url = "https://x.example"\n', 0o644)
    assert account.resolve().warnings == ()


# --- the profile file ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ('[lba]\ntoken = "t"\n[x]\n', "There is no profile lab in {file}, only lba, x. Did you mean lba?"),
        ("", "There is no profile lab in {file}, which has no profiles."),
        ("[lab]\ntokn = 1\n", "The setting tokn of profile lab in {file} is unknown. Did you mean token?"),
        ("[lab]\nusername = 12\n", "The username of profile lab in {file} must be text in quotes."),
        ("[lab]\npassword = 1234\n", "The password of profile lab in {file} must be text in quotes."),
        (
            '[lab]\ntimeout = "60"\n',
            "The timeout of profile lab in {file} must be a number of seconds, without quotes.",
        ),
        (
            "[lab]\ntimeout = true\n",
            "The timeout of profile lab in {file} must be a number of seconds, without quotes.",
        ),
        (
            '[lab]\nallow_http = "no"\n',
            "The allow_http of profile lab in {file} must be true or false, without quotes.",
        ),
        ('username = "x"\n[lab]\n', "username in {file} is not in a profile. Add a line [default] above it."),
        (
            "[lab]\n\npassword = s3cret\n",
            "{file} is not TOML in line 3: Invalid value. Put text in quotes",
        ),
        ("[lab]\npassword = 's3cret\n", "{file} is not TOML at its end: "),
        ("[lab]\npassword = 'a'\npassword = 's3cret'\n", "{file} is not TOML in line 3: Cannot overwrite a value."),
        (b"[lab]\npassword = '\xfc'\n", "{file} is not UTF-8 text. Save it in UTF-8."),
        ("x = " + "[" * 5000, "{file} is n"),
        ("[default]\n", "There is no profile lab in {file}, only default."),
    ],
)
def test_a_mistake_in_the_profile_file_is_one_sentence(account: Account, content: str | bytes, sentence: str) -> None:
    account.options["profile"] = "lab"
    account.write(PROFILES, content)
    refusal = account.refusal()
    assert refusal.startswith(sentence.format(file="~/.config/jetstream/profiles.toml"))
    assert "s3cret" not in refusal


def test_a_mistake_in_one_profile_does_not_stop_another(account: Account) -> None:
    account.write(PROFILES, '[default]\ntoken = "t"\n[broken]\ntokn = 1\n')
    assert account.resolve().token == "t"


def test_a_profile_file_with_a_byte_order_mark_is_read(account: Account) -> None:
    account.write(PROFILES, b'\xef\xbb\xbf[default]\r\ntoken = "t"\r\n')
    assert account.resolve().token == "t"


def test_naming_a_profile_without_a_profile_file_is_an_error(account: Account) -> None:
    account.options.update(profile="lab", token="t")
    assert account.refusal() == ("There is no profile lab, because there is no file ~/.config/jetstream/profiles.toml.")


SAY_CLOUD = "set JETSTREAM_CLOUD=js2 for a playbook, or cloud: js2 in a task, and no profile."


@pytest.mark.parametrize(
    ("profiles", "name", "remedy"),
    [
        (None, "js2", f"js2 is a cloud in ~/.config/openstack/clouds.yaml: {SAY_CLOUD}"),
        ("[lab]\n", "js2", f"only lab. js2 is a cloud in ~/.config/openstack/clouds.yaml: {SAY_CLOUD}"),
        (None, "js", f"Did you mean the cloud js2 in ~/.config/openstack/clouds.yaml? Then {SAY_CLOUD}"),
        (
            "[js3]\n",
            "js",
            f"Did you mean js3? Did you mean the cloud js2 in ~/.config/openstack/clouds.yaml? Then {SAY_CLOUD}",
        ),
        ("[lab]\n", "lba", "Did you mean lab?"),
    ],
)
def test_a_cloud_that_is_named_as_a_profile_is_reported_as_such(
    account: Account, profiles: str | None, name: str, remedy: str
) -> None:
    clouds_yaml(account, "clouds:\n  js2: {}\n")
    if profiles is not None:
        account.write(PROFILES, profiles)
    account.options["profile"] = name
    refusal = account.refusal()
    assert refusal.startswith(f"There is no profile {name}")
    assert refusal.endswith(remedy)


@pytest.mark.parametrize("clouds", ["clouds: [\n", "js2: {}\n", None])
def test_clouds_that_cannot_be_read_hide_no_unknown_profile(account: Account, clouds: str | None) -> None:
    if clouds is not None:
        clouds_yaml(account, clouds)
    account.options["profile"] = "js2"
    assert account.refusal() == "There is no profile js2, because there is no file ~/.config/jetstream/profiles.toml."


def test_a_home_that_does_not_exist_has_no_files(account: Account) -> None:
    account.options["token"] = "t"
    account.home = account.home / "not" / "there"
    assert account.resolve().warnings == ()


def test_files_that_cannot_be_read_are_reported_and_only_needed_where_they_are_requested(account: Account) -> None:
    (account.home / PROFILES).mkdir(parents=True)
    account.options["token"] = "t"
    assert account.resolve().warnings == ("~/.config/jetstream/profiles.toml cannot be read: it is a folder.",)
    account.options["profile"] = "lab"
    assert account.refusal() == "~/.config/jetstream/profiles.toml cannot be read: it is a folder."


@pytest.mark.parametrize("path", [PROFILES, JKEY])
def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(account: Account, path: Path) -> None:
    (account.home / path).parent.mkdir(parents=True)
    os.mkfifo(account.home / path)
    account.options["username"] = "ada"
    assert f"~/{path} cannot be read: it is a named pipe." in account.refusal()


def test_the_examples_in_the_documentation_work(account: Account) -> None:
    text = (Path(__file__).parents[5] / "docs" / "connection.md").read_text()
    examples = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    account.write(Path("teststand-ca.pem"), "")
    seen = []
    for example in examples:
        account.write(PROFILES, example)
        for name in re.findall(r"^\[(.*)\]$", example, re.MULTILINE):
            account.options["profile"] = name
            connection = account.connection()
            seen.append((name, connection.cloud_type.backend, connection.settings.http.timeout))
    assert seen == [
        ("default", "openstack", 60),
        ("default", "atmosphere", 60),
        ("default", "openstack", 60),
        ("course", "openstack", 120),
        ("atmosphere", "atmosphere", 60),
        ("teststand", "atmosphere", 60),
        ("js2", "openstack", 60),
        ("js2-credential", "openstack", 60),
    ]


# --- values ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("https://use.jetstream-cloud.org", SITE),
        ("https://use.jetstream-cloud.org/", SITE),
        ("use.jetstream-cloud.org", SITE),
        ("//use.jetstream-cloud.org", SITE),
        ("HTTPS://USE.Jetstream-Cloud.org:443/", SITE),
        (" https://use.jetstream-cloud.org\n", SITE),
        ("https://use.jetstream-cloud.org/api", SITE),
        ("https://use.jetstream-cloud.org/api/v1/", SITE),
        ("https://use.jetstream-cloud.org/api/v2/instances?page=2#top", SITE),
        ("https://use.jetstream-cloud.org/auth", SITE),
        ("https://use.jetstream-cloud.org/application/projects/12/instances", SITE),
        ("https://gate.example/atmo/api/v2", "https://gate.example/atmo"),
        ("https://gate.example/api/atmo/", "https://gate.example/api/atmo"),
        ("localhost:8000", "https://localhost:8000"),
        ("http://localhost:8000/api/v2", "http://localhost:8000"),
        ("http://127.9.9.9:80", "http://127.9.9.9"),
        ("http://[::1]:8000/", "http://[::1]:8000"),
    ],
)
def test_any_address_of_the_site_is_understood(account: Account, written: str, meant: str) -> None:
    account.options.update(token="t", api_url=written)
    assert account.resolve().api_url == meant


@given(
    st.sampled_from(("", "http://", "https://", "HTTPS://", "//")),
    st.sampled_from(("host", "a.example", "[::1]", "host:443", "host:80", "host:8000", "127.0.0.1")),
    st.lists(st.sampled_from(("", "api", "v2", "auth", "application", "x", "?q", "#f")), max_size=6),
)
def test_an_address_that_was_tidied_up_stays_as_it_is(scheme: str, host: str, path: list[str]) -> None:
    written = scheme + "/".join([host, *path])
    try:
        url = site_address(Found(written, "it", "It"))
    except ConfigurationError:
        return
    assert site_address(Found(url, "it", "It")) == url


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ("http://use.jetstream-cloud.org", "The option api_url is http://use.jetstream-cloud.org, which would send"),
        ("http://10.0.0.1", "The option api_url is http://10.0.0.1, which would send the password unencrypted."),
        ("http://127.0.0.1.example", "The option api_url is http://127.0.0.1.example, which would send the password"),
        ("http://localhost.example", "The option api_url is http://localhost.example, which would send the password"),
        ("ftp://use.jetstream-cloud.org", "The option api_url begins with ftp://, but must begin with https://."),
        ("file:///etc/passwd", "The option api_url begins with file://, but must begin with https://."),
        ("https://", "The option api_url is not the address of a server."),
        ("https:///api", "The option api_url is not the address of a server."),
        ("https://host:port", "The option api_url is not the address of a server."),
        ("https://host:99999", "The option api_url is not the address of a server."),
        ("https://[::1", "The option api_url is not the address of a server."),
        ("https://a..b", "The option api_url is not the address of a server."),
        (
            "https://my host",
            "The option api_url is not the address of a server: it contains spaces or invalid characters",
        ),
        ("https://good.example\\.evil.example", "The option api_url is not the address of a server: it contains"),
        ("mailto:ada", "The option api_url is not the address of a server."),
    ],
)
def test_an_address_that_cannot_be_right_or_safe_is_refused(account: Account, written: str, sentence: str) -> None:
    account.options.update(token="t", api_url=written)
    assert account.refusal().startswith(sentence)


@pytest.mark.parametrize(
    "written", ["https://ada:s3cret@host", "ada:s3cret@host", "ftp://ada:s3cret@host", "https:/ada:s3cret@host"]
)
def test_a_password_in_the_address_is_refused_without_being_repeated(account: Account, written: str) -> None:
    account.options.update(token="t", api_url=written)
    refusal = account.refusal()
    assert refusal.startswith("The option api_url contains an @, as if it included a user or a password.")
    assert "s3cret" not in refusal


def test_plain_http_goes_anywhere_once_the_user_says_so(account: Account) -> None:
    account.environ = {"JETSTREAM_TOKEN": "t", "JETSTREAM_ALLOW_HTTP": "yes", "JETSTREAM_API_URL": "http://10.0.0.1/"}
    assert account.resolve().api_url == "http://10.0.0.1"


@pytest.mark.parametrize(
    ("name", "written", "problem"),
    [
        ("validate_certs", "maybe", 'must be yes or no, not "maybe".'),
        ("allow_http", "2", 'must be yes or no, not "2".'),
        ("timeout", "soon", 'must be a number of seconds above 0 up to 86400, not "soon".'),
        ("timeout", "0", 'must be a number of seconds above 0 up to 86400, not "0".'),
        ("timeout", "nan", 'must be a number of seconds above 0 up to 86400, not "nan".'),
        ("timeout", "1e9", 'must be a number of seconds above 0 up to 86400, not "1e9".'),
        ("retry_timeout", "-1", 'must be a number of seconds from 0 up to 86400, not "-1".'),
        ("concurrency", "0", 'must be a whole number from 1 to 64, not "0".'),
        ("page_size", "2.5", 'must be a whole number from 1 to 1000, not "2.5".'),
        ("ca_path", "/not/there.pem", "is /not/there.pem, which does not exist."),
    ],
)
def test_a_bad_value_in_the_environment_names_its_variable(
    account: Account, name: str, written: str, problem: str
) -> None:
    account.options["token"] = "t"
    account.environ[variable(name)] = written
    assert account.refusal() == f"The environment variable {variable(name)} {problem}"


def test_a_bad_value_in_a_profile_names_profile_and_file(account: Account) -> None:
    account.profile({"token": "t", "timeout": -1})
    assert account.refusal() == (
        "The timeout of profile default in ~/.config/jetstream/profiles.toml must be a number of seconds above 0 up to "
        '86400, not "-1".'
    )


@pytest.mark.parametrize(
    ("written", "meant"), [("Yes", True), (" on ", True), ("1", True), ("TRUE", True), ("n", False), ("Off", False)]
)
def test_yes_and_no_are_read_as_ansible_reads_them(account: Account, written: str, meant: bool) -> None:
    account.options["token"] = "t"
    account.environ["JETSTREAM_VALIDATE_CERTS"] = written
    assert account.resolve().validate_certs is meant


def test_a_tilde_in_ca_path_is_the_home_that_the_profile_is_in(account: Account) -> None:
    account.write(Path("ca.pem"), "")
    account.profile({"token": "t", "ca_path": "~/ca.pem"})
    assert account.resolve().ca_path == str(account.home / "ca.pem")


# --- secrets stay secret ---------------------------------------------------------------------------------------------

SECRET = st.text("QXZ789", min_size=12, max_size=20)
# Every setting that is no secret.
OPEN = [each.name for each in connection_settings() if not each.secret]
GARBAGE = st.one_of(st.none(), st.text(max_size=8), st.integers(), st.floats(), st.booleans())


@given(
    password=SECRET,
    token=SECRET,
    options=st.dictionaries(st.sampled_from(OPEN), GARBAGE),
    environ=st.dictionaries(st.sampled_from([variable(name) for name in OPEN]), st.text(max_size=8)),
    place=st.sampled_from([*SOURCES, "jkey"]),
    damage=st.one_of(
        st.none(), st.tuples(st.integers(0, 80), st.integers(0, 3), st.text("\"'=[]\n\\{}#.", max_size=3))
    ),
)
@settings(max_examples=200)
def test_no_secret_in_any_text_that_comes_out(
    password: str,
    token: str,
    options: dict[str, object],
    environ: dict[str, str],
    place: str,
    damage: tuple[int, int, str] | None,
) -> None:
    with fresh_account() as account:
        account.options, account.environ = options, environ
        content = "[default]\ntimeout = 5\n"
        if place == "profile":
            content += f'password = "{password}"\nusername = "ada"\ntoken = "{token}"\n'
        elif place == "jkey":
            account.write(JKEY, password, 0o644)
        else:
            account.set(place, "password", password)
            account.set(place, "token", token)
        if damage:
            start, length, more = damage
            content = content[:start] + more + content[start + length :]
        account.write(PROFILES, content, 0o644)
        try:
            connection = account.connection()
        except ConfigurationError as error:
            shown = f"{error} {error!r} {error.args} " + "".join(traceback.format_exception(error))
        else:
            shown = f"{connection} {connection!r} {connection.sources} {connection.warnings} {connection.settings}"
    assert password not in shown
    assert token not in shown
