# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An instance has the settings of its site, of the rows that fit it, and of its owner. Mistakes have a line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.errors import ConfigurationError
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.idle.intervals import Interval
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.idle.rules import (
    SETTINGS,
    Settings,
    settings_of_owner,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.idle.settings_file import (
    read_site_settings,
    site_settings_of,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.idle.site_settings import (
    Row,
    SiteSettings,
    changes,
)
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.idle.verdicts import judge
from ansible_collections.jetstream.cloud.plugins.module_utils._internal.model import Project
from ansible_collections.jetstream.cloud.tests.unit.fakes.instances import an_instance
from ansible_collections.jetstream.cloud.tests.unit.plugins.module_utils.idle.evidence import interval
from hypothesis import given
from hypothesis import strategies as st

FILE = """
defaults:
  window_minutes: 120
  ignore: [udp]
bounds:
  window_minutes: [60, 1440]
  ignore: [web]
instances:
  - name: bio101-*
    project: TG-BIO
    settings: {window_minutes: 240}
  - name: [web, db]
    owner: johndoe
    settings:
      ignore: web
      cores: 0.2
  - owner: jane*
    settings: {window_minutes: 30}
"""


def window(site: SiteSettings, name: str, **more: Any) -> float:
    return site.of(an_instance(name, **more)).settings.window_minutes


def test_rows_change_the_defaults_for_the_instances_that_fit_all_of_their_globs() -> None:
    site = site_settings_of(FILE.encode(), "idle.yml", {})
    bio = Project(name="TG-BIO", uuid="d1f0")
    assert window(site, "bio101-7", project=bio) == 240
    assert window(site, "bio101-7", project=Project(name="other", uuid="d1f1")) == 120
    assert window(site, "bio101-7") == 120
    # Of two rows, the later one counts.
    assert window(site, "bio101-7", project=bio, owner="janeroe") == 30
    web = site.of(an_instance("web")).settings
    assert (web.window_minutes, web.ignore, web.cores) == (120, {"web"}, 0.2)
    assert site.of(an_instance("gpu")).settings.ignore == {"udp"}
    assert changes(web) == {"window_minutes": 120, "ignore": ["web"], "cores": 0.2}


def test_values_of_the_command_count_before_the_defaults_and_rows_before_both() -> None:
    site = site_settings_of(FILE.encode(), "idle.yml", {"window_minutes": 60})
    assert (window(site, "gpu"), window(site, "gpu", owner="janeroe")) == (60, 30)


def test_owners_set_their_own_inside_the_bounds_of_the_site() -> None:
    site = site_settings_of(FILE.encode(), "idle.yml", {})
    metadata = {"jetstream_idle_window_minutes": "2000", "jetstream_idle_ignore": "web jobs", "window_minutes": "15"}
    found = site.of(an_instance("gpu", metadata=metadata))
    assert (found.settings.window_minutes, found.settings.ignore) == (1440, {"udp", "web"})
    assert found.notes == (
        "By its metadata: ignore contains 'jobs', but only these may be ignored here: web.",
        "By its metadata: window_minutes is 2000, must be between 60 and 1440 here, and counts as 1440.",
    )
    odd = site.of(an_instance(metadata={"jetstream_idle_windw_minutes": "240"}))
    assert odd.doubts == ("By its metadata: There is no setting 'windw_minutes'. Did you mean window_minutes?",)


def test_an_empty_list_of_names_fits_nothing() -> None:
    assert not Row({}, names=()).fits(an_instance())
    assert Row({}).fits(an_instance())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("default: {}", "line 1: the file has no 'default'. Did you mean defaults?"),
        ("defaults:\n  window_minut: 60", "line 2: There is no setting 'window_minut'. Did you mean window_minutes?"),
        ("defaults:\n  cores: 0.1\n  window_minutes: 5", "line 3: The setting window_minutes is 5, but must be"),
        ("defaults:\n  cores: a lot", "line 2: The setting cores is 'a lot', which is not a number."),
        ("defaults:\n  cores: true", "line 2: The setting cores is 'True', which is not a number."),
        ("defaults:\n  ignore: [wb]", "line 2: The setting ignore contains 'wb', which is not a rule. Did you mean"),
        ("defaults:\n  ignore: 5", "line 2: The setting ignore must be a list of rules."),
        ("defaults:\n  quiet_ports: [x]", "line 2: The setting quiet_ports must be a list of ports."),
        ("defaults:\n  cores: 0.1\n  cores: 0.2", "line 3: cores is there twice. Remove one of them."),
        ("defaults:\n  cores: !vault x", "line 2: cores is not a plain value."),
        ("defaults: []", "line 1: defaults is not a mapping."),
        ("defaults:", "line 1: defaults is empty."),
        ("- defaults", "line 1: the file is not a mapping."),
        ("bounds:\n  cores: 5", "line 2: bounds of cores are no two numbers. Write [lowest, highest]."),
        ("bounds:\n  cores: [0.2, 0.1]", "line 2: the lowest cores is above the highest."),
        ("bounds:\n  cores: [0.1, 99]", "line 2: The setting cores is 99, but must be between 0.02 and 1."),
        ("bounds:\n  ignore: [wb]", "line 2: The setting ignore contains 'wb', which is not a rule. Did you mean"),
        ("bounds:\n  quiet_ports: [1, 2]", "line 2: Only the site can set quiet_ports."),
        ("instances: web", "line 1: instances is not a list. Begin each row with a dash."),
        ("instances:\n  - nam: web", "line 2: a row of instances has no 'nam'. Did you mean name?"),
        ("instances:\n  - name: web", "line 2: a row has no settings."),
        ("instances:\n  - settings: {cores: 0.1}", "line 2: a row selects no instances."),
        ("instances:\n  - name: {a: b}\n    settings: {}", "line 2: name is neither a text nor a list of texts."),
        ("instances:\n  - name: w\n    settings: {core: 1}", "line 3: There is no setting 'core'. Did you mean"),
        ("defaults: [", "line 1, is not YAML."),
        ("defaults: &a {cores: *a}", "line 1: The setting cores is "),
        ("a: 1\n---\nb: 2", "line 2, is not YAML."),
    ],
)  # fmt: skip
def test_a_mistake_is_reported_with_its_line_and_the_nearest_word(text: str, message: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        site_settings_of(text.encode(), "idle.yml", {})
    assert str(refused.value).startswith(f"idle.yml, {message}")


def test_an_empty_file_has_the_defaults_and_one_that_is_missing_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "idle.yml"
    with pytest.raises(ConfigurationError, match="cannot be read: No such file"):
        read_site_settings(path, {})
    path.write_text("# nothing yet\n")
    assert read_site_settings(path, {"cores": 0.2}) == SiteSettings(Settings(cores=0.2))


_OWN = st.dictionaries(
    st.one_of(st.sampled_from([each.name for each in SETTINGS]), st.sampled_from(["ignore", "core", "quiet_ports"])),
    st.one_of(
        st.floats(-1e9, 1e9).map(str), st.sampled_from(["", "soon", "nan", "inf", "-1", "web", "0x10", "1e999", "٣"])
    ),
    max_size=4,
)
_DAY = st.lists(
    st.fixed_dictionaries({}, optional={"cores": st.floats(0, 0.3), "net": st.floats(0, 20_000)}),
    min_size=4,
    max_size=20,
)


@given(_OWN, _DAY)
def test_a_setting_out_of_bounds_never_makes_an_instance_idle(values: dict[str, str], numbers: list[Any]) -> None:
    """Bounds that leave the owner nothing but the site's own value."""
    site = Settings()
    bounds = {each.name: (each.default, each.default) for each in SETTINGS}
    found = settings_of_owner(site, values, bounds)
    intervals: list[Interval] = [interval(number, **each) for number, each in enumerate(numbers)]
    now = intervals[-1].end + 1
    if judge(intervals, found.settings, now).is_idle:
        assert judge(intervals, site, now).is_idle
