# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A mistake in clouds.yaml is reported with file, line and remedy; no value of it is shown."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import TypeAlias

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal import yaml_tree
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clouds.cloud_type import Surroundings
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clouds.connect import connect, resolve
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clouds.jetstream2 import clouds_file
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.clouds.jetstream2.clouds_file import (
    check_cloud,
    clouds_files,
    clouds_in_words,
    secure_files,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.errors import ConfigurationError
from ansible_collections.jetstream.cloud.tests.unit.fakes.fake_clock import FakeClock

SHOWN = "~/.config/openstack/clouds.yaml"
GOOD = """\
clouds:
  js2:
    auth_type: v3applicationcredential
    auth:
      auth_url: https://js2.example:5000/v3
      application_credential_id: "0123"
      application_credential_secret: s3cret
  other:
    auth: {auth_url: 'https://other.example/v3', username: ada, password: s3cret, project_name: x}
"""
Write: TypeAlias = Callable[[str | bytes], Path]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a folder without any such file, and with no variable of OpenStack's."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    monkeypatch.chdir(folder)
    for name in list(os.environ):
        if name.startswith(("OS_", "XDG_")):
            monkeypatch.delenv(name)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_it(content: str | bytes) -> Path:
        path = tmp_path / ".config" / "openstack" / "clouds.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write_it


def refusal(home: Path, name: str = "js2", environ: dict[str, str] | None = None) -> str:
    """Return the error of a complete connection, with openstacksdk."""
    surroundings = Surroundings(environ or {}, home, FakeClock(), lambda _secret: None)
    with pytest.raises(ConfigurationError) as caught:
        connect(resolve({"cloud": name}, environ or {}, home), surroundings).close()
    return str(caught.value)


def changed(old: str, new: str) -> str:
    assert old in GOOD
    return GOOD.replace(old, new, 1)


MISTAKES = {
    "a tab": (changed("    auth:\n", "\tauth:\n"), "line 4: a tab is not allowed as indentation. Use spaces."),
    "an open quote": (changed('"0123"', '"0123'), "line 6: a quote is not closed. Close it."),
    "another open quote": (changed(": s3cret", ": 's3cret"), "line 9, is not YAML. Check the indentation"),
    "wrong indentation": (
        changed("      application_credential_id", "     application_credential_id"),
        "line 6, is not YAML. Check the indentation",
    ),
    "no colon": (changed("  js2:\n", "  js2\n"), "line 3, is not YAML. Check the indentation, colons and quotes"),
    "a list of clouds": (
        "clouds:\n  - name: js2\n",
        "line 2: clouds is not a mapping. Write each line as a name, a colon and a value.",
    ),
    "clouds with nothing": ("clouds:\n", "line 1: clouds is empty. Write its content below it"),
    "a cloud with nothing": (
        "clouds:\n  other: {}\n  js2:\n",
        "line 3: the cloud js2 is empty. Write its content below it, indented by spaces.",
    ),
    "a cloud that is text": ("clouds:\n  js2: hello\n", "line 2: the cloud js2 is not a mapping."),
    "auth with nothing": (
        "clouds:\n  js2:\n    auth:\n    region_name: IU\n",
        "line 3: auth of the cloud js2 is empty. Write its content below it, indented by spaces.",
    ),
    "auth that is a list": ("clouds:\n  js2:\n    auth: [s3cret]\n", "line 3: auth of the cloud js2 is not a mapping."),
    "an id of digits": (
        changed('"0123"', "12345678901234567890123456789012"),
        (
            "line 6: application_credential_id is not a string in YAML, but a number or a keyword. Put the value in "
            "quotes."
        ),
    ),
    "an id like a fraction": (changed('"0123"', "1.2e+34"), "line 6: application_credential_id is not a string"),
    "a secret that is yes": (changed(": s3cret", ": yes"), "line 7: application_credential_secret is not a string"),
    "a secret that is a date": (changed(": s3cret", ": 2026-01-01"), "line 7: application_credential_secret is no"),
    "an empty secret": (
        changed(": s3cret", ":"),
        "line 7: application_credential_secret is empty. Write the value after the colon.",
    ),
    "a project beside a credential": (
        changed("      auth_url", "      project_name: TG-DEMO001\n      auth_url"),
        (
            "line 5: an application credential already belongs to a project, but project_name also sets one. "
            "Remove that line."
        ),
    ),
    "a project beside auth": (
        changed("    auth:\n", "    project_domain_name: Default\n    auth:\n"),
        "line 4: an application credential already belongs to a project, but project_domain_name also sets one.",
    ),
}


@pytest.mark.parametrize(("content", "sentence"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_reported_with_its_line_and_its_remedy(
    tmp_path: Path, write: Write, content: str, sentence: str
) -> None:
    write(content)
    said = refusal(tmp_path)
    assert said.startswith(f"{SHOWN}, {sentence}")
    assert "s3cret" not in said


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", f"{SHOWN} has no clouds. Begin it with a line clouds: and write each cloud below it."),
        ("cloud:\n  js2: {}\n", f"{SHOWN} has no clouds."),
        ("[]", f"{SHOWN} has no clouds."),
        (b"clouds:\n  js2: \xff\xfe\n", f"{SHOWN} is not valid text for YAML. Save it in UTF-8."),
        ("[" * 5000, f"{SHOWN} is nested too deeply."),
        ("clouds:\n  lab: {}\n  course: {}\n", f"There is no cloud js2 in {SHOWN}, only course and lab."),
        ("clouds:\n  js: {}\n", f"There is no cloud js2 in {SHOWN}, only js. Did you mean js?"),
    ],
)
def test_a_file_without_the_cloud_is_reported_as_that(
    tmp_path: Path, write: Write, content: str | bytes, sentence: str
) -> None:
    write(content)
    assert refusal(tmp_path).startswith(sentence)


@pytest.mark.parametrize(
    ("auth", "missing"),
    [
        ("{auth_url: 'https://x.example/v3', username: ada, project_name: x}", "password"),
        ("{username: ada, password: s3cret, project_name: x}", "auth_url"),
    ],
)
def test_an_incomplete_entry_is_reported_with_the_missing_part(
    tmp_path: Path, write: Write, auth: str, missing: str
) -> None:
    write(f"clouds:\n  js2:\n    auth: {auth}\n")
    assert refusal(tmp_path) == f"The cloud js2 in {SHOWN} has no {missing}. Add it below auth."


@pytest.mark.parametrize("entry", ["auth_type: [1]", "region_name: {a: b}", "regions: 7", "profile: [x]", "verify: {}"])
def test_any_other_value_of_an_entry_ends_in_a_sentence(tmp_path: Path, write: Write, entry: str) -> None:
    write(changed("    auth_type: v3applicationcredential\n", f"    {entry}\n    interface: public\n"))
    surroundings = Surroundings({}, tmp_path, FakeClock(), lambda _secret: None)
    said = f"cloud js2 in {SHOWN}"
    try:
        connect(resolve({"cloud": "js2"}, {}, tmp_path), surroundings).close()
    except ConfigurationError as error:
        said = str(error)
    assert f"cloud js2 in {SHOWN}" in said
    assert "s3cret" not in said


def test_a_secret_may_be_in_secure_yaml(tmp_path: Path, write: Write) -> None:
    path = write(changed("      application_credential_secret: s3cret\n", ""))
    assert refusal(tmp_path) == f"The cloud js2 in {SHOWN} has no application_credential_secret. Add it below auth."
    secure = path.with_name("secure.yaml")
    secure.write_text("clouds:\n  js2:\n    auth:\n      application_credential_secret: 's3cret\n", encoding="utf-8")
    assert refusal(tmp_path) == ("~/.config/openstack/secure.yaml, line 4: a quote is not closed. Close it.")
    secure.write_text("clouds:\n  js2:\n    auth:\n      application_credential_secret: s3cret\n", encoding="utf-8")
    hidden: set[str] = set()
    surroundings = Surroundings({}, tmp_path, FakeClock(), hidden.add)
    connect(resolve({"cloud": "js2"}, {}, tmp_path), surroundings).close()
    assert hidden == {"s3cret"}


def test_a_good_file_is_no_mistake(tmp_path: Path, write: Write) -> None:
    write(GOOD)
    assert check_cloud("js2", {}, tmp_path) == f"js2 in {SHOWN}"
    assert check_cloud("other", {}, tmp_path) == f"other in {SHOWN}"


def test_anchors_and_merges_are_no_mistake(tmp_path: Path, write: Write) -> None:
    write(
        dedent("""\
        base: &base
          auth_type: v3applicationcredential
          auth: &auth
            auth_url: https://js2.example:5000/v3
            application_credential_secret: s3cret
        clouds:
          js2:
            <<: *base
            auth:
              <<: *auth
              application_credential_id: "1"
        """)
    )
    surroundings = Surroundings({}, tmp_path, FakeClock(), lambda _secret: None)
    connect(resolve({"cloud": "js2"}, {}, tmp_path), surroundings).close()


# --- which file ------------------------------------------------------------------------------------------------------


def test_the_first_file_that_is_there_counts_and_no_other(
    tmp_path: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(GOOD)
    here = Path.cwd() / "clouds.yaml"
    here.write_text("clouds:\n  mine: {}\n", encoding="utf-8")
    assert clouds_in_words({}, tmp_path) == "~/elsewhere/clouds.yaml has the cloud mine."
    named = tmp_path / "named.yaml"
    named.write_text("clouds:\n  named: {}\n", encoding="utf-8")
    assert clouds_in_words({"OS_CLIENT_CONFIG_FILE": str(named)}, tmp_path) == "~/named.yaml has the cloud named."


def test_a_file_that_is_named_must_be_there(tmp_path: Path, write: Write) -> None:
    write(GOOD)
    sentence = (
        "/not/there.yaml does not exist, but OS_CLIENT_CONFIG_FILE or OS_CLIENT_SECURE_FILE refers to it. "
        "Correct that variable, or unset it."
    )
    assert refusal(tmp_path, environ={"OS_CLIENT_CONFIG_FILE": "/not/there.yaml"}) == sentence
    assert refusal(tmp_path, environ={"OS_CLIENT_SECURE_FILE": "/not/there.yaml"}) == sentence


@pytest.mark.parametrize(
    "name",
    ["OS_CLIENT_CONFIG_FILE", "OS_CLIENT_SECURE_FILE", "OS_CLOUD", "OS_AUTH_URL", "OS_USERNAME", "OS_REGION_NAME"],
)
def test_a_variable_with_white_space_alone_is_refused_and_an_empty_one_is_none(
    tmp_path: Path, write: Write, name: str
) -> None:
    write(GOOD)
    sentence = f"The environment variable {name} is set, but blank. Correct or unset it."
    assert refusal(tmp_path, environ={name: " "}) == sentence
    surroundings = Surroundings({name: ""}, tmp_path, FakeClock(), lambda _secret: None)
    connect(resolve({"cloud": "js2"}, {name: ""}, tmp_path), surroundings).close()
    # What an application credential needs is in the settings.
    given = {"application_credential_id": "1", "application_credential_secret": "s"}
    surroundings = Surroundings({name: " "}, tmp_path, FakeClock(), lambda _secret: None)
    connect(resolve(given, {name: " "}, tmp_path), surroundings).close()


def test_a_blank_variable_that_would_select_a_cloud_or_its_file_is_named(tmp_path: Path) -> None:
    for name in ("OS_CLOUD", "OS_AUTH_URL"):
        surroundings = Surroundings({name: "\t"}, tmp_path, FakeClock(), lambda _secret: None)
        with pytest.raises(ConfigurationError, match=f"{name} is set, but blank"):
            connect(resolve({}, {name: "\t"}, tmp_path), surroundings)
    words = clouds_in_words({"OS_CLIENT_CONFIG_FILE": " "}, tmp_path)
    assert words == "The environment variable OS_CLIENT_CONFIG_FILE is set, but blank. Correct or unset it."


def test_a_file_that_cannot_be_read_is_reported(tmp_path: Path) -> None:
    (tmp_path / ".config" / "openstack" / "clouds.yaml").mkdir(parents=True)
    assert refusal(tmp_path) == f"{SHOWN} cannot be read: it is a folder."


def test_without_a_file_the_places_are_reported(tmp_path: Path) -> None:
    assert refusal(tmp_path) == (
        "There is no cloud js2, because there is no clouds.yaml in the working folder, ~/.config/openstack, or "
        "/etc/openstack. Put the file there, or set OS_CLIENT_CONFIG_FILE to its path."
    )


SAY_PROFILE = "set profile: js2 in a task, -e profile=js2 for a playbook, or JETSTREAM_PROFILE=js2."
PROFILES = "~/.config/jetstream/profiles.toml"


@pytest.mark.parametrize(
    ("clouds", "profiles", "remedy"),
    [
        (None, "[js2]\n", f"/etc/openstack. js2 is a profile in {PROFILES}: {SAY_PROFILE}"),
        ("clouds:\n  lab: {}\n", "[js2]\n", f"only lab. js2 is a profile in {PROFILES}: {SAY_PROFILE}"),
        (
            "clouds:\n  lab: {}\n",
            "[js]\n",
            f"Did you mean the profile js in {PROFILES}? Then {SAY_PROFILE.replace('js2', 'js')}",
        ),
        ("clouds:\n  lab: {}\n", "[other]\n", "only lab."),
    ],
)
def test_a_profile_that_is_named_as_a_cloud_is_reported_as_such(
    tmp_path: Path, write: Write, clouds: str | None, profiles: str, remedy: str
) -> None:
    if clouds is not None:
        write(clouds)
    path = tmp_path / ".config" / "jetstream" / "profiles.toml"
    path.parent.mkdir(parents=True)
    path.write_text(profiles)
    said = refusal(tmp_path)
    assert said.startswith("There is no cloud js2")
    assert said.endswith(remedy)


def test_the_places_are_those_of_openstacksdk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loader = pytest.importorskip("openstack.config.loader")
    monkeypatch.setattr(clouds_file, "_working_folder", lambda: [Path(loader.CONFIG_SEARCH_PATH[0])])
    home = Path(loader.UNIX_CONFIG_HOME).parents[1]
    assert [str(each) for each in clouds_files({}, home)] == list(dict.fromkeys(loader.CONFIG_FILES))
    assert [str(each) for each in secure_files({}, home)] == list(dict.fromkeys(loader.SECURE_FILES))


def test_a_working_folder_that_was_removed_has_no_file(tmp_path: Path, write: Write) -> None:
    write(GOOD)
    Path.cwd().rmdir()
    assert check_cloud("js2", {}, tmp_path) == f"js2 in {SHOWN}"


def test_without_a_library_for_yaml_the_file_is_named(
    tmp_path: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(GOOD)
    monkeypatch.setattr(yaml_tree, "yaml", None)
    assert clouds_in_words({}, tmp_path) == (
        f"{SHOWN} needs the Python library PyYAML, which is not installed. "
        "Install it with: python3 -m pip install pyyaml"
    )


@pytest.mark.parametrize(
    ("content", "name", "sentence"),
    [
        (f"{GOOD}  js2: {{auth: {{}}}}\n", "js2", "line 10: there is another cloud js2 above. Remove one of them."),
        (f"{GOOD}clouds: {{js2: {{}}}}\n", "js2", "line 10: clouds is there twice. Remove one of them."),
        (f"{GOOD}  a: {{auth: {{}}, auth: {{}}}}\n", "a", "line 10: auth is there twice. Remove one of them."),
        (
            GOOD.replace("js2:", "12:", 1),
            "12",
            "line 2: 12 is not a string in YAML, but a number or a keyword. Put the",
        ),
        (GOOD.replace("js2:", "yes:", 1), "yes", "line 2: yes is not a string in YAML, but a number or a keyword. Put"),
    ],
)
def test_an_entry_that_another_one_hides_or_that_is_no_name_is_reported(
    tmp_path: Path, write: Write, content: str, name: str, sentence: str
) -> None:
    write(content)
    assert refusal(tmp_path, name).startswith(f"{SHOWN}, {sentence}")


def test_a_file_in_utf_16_is_reported(tmp_path: Path, write: Write) -> None:
    write(GOOD.encode("utf-16"))
    assert refusal(tmp_path) == f"{SHOWN} is not UTF-8 text. Save it in UTF-8."
