# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two runs of ``nightly`` on both clouds, in which each of its eight parts has something to report.

One mail has all parts, with the page attached. The webhook gets the same, and the deadline that its owner gets by mail.
The file for Prometheus has the figures of the cloud. The command in the mail removes what is not needed.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Sequence
from datetime import timedelta
from email.message import EmailMessage

from ansible_collections.jetstream.cloud.plugins.module_utils._internal.policy.nights import PARTS
from ansible_collections.jetstream.cloud.tests.scenarios.night.nights import Begin, Night, Run
from ansible_collections.jetstream.cloud.tests.scenarios.night.scripted_instances import ScriptedInstance
from ansible_collections.jetstream.cloud.tests.scenarios.night.sites import ASLEEP, HERS, OFF, RUNNING, Site
from prometheus_client.parser import text_string_to_metric_families

NAMES = ("web", "job", "lab-1", "course-1")
DAY = 86_400


def test_each_part_of_a_night_is_told_by_mail_webhook_and_metrics(night: Night, begin: Begin) -> None:
    site = begin(NAMES)
    left_behind = _set_the_stage(night, site)
    night.readings_at("22:00", "22:08")
    night.until("22:16")
    first = _nightly(night)
    assert first.status == 0, first.text

    _owners_are_told(night)
    _one_mail_has_all_parts(night, left_behind)
    _the_webhook_gets_the_same(night)
    _the_figures_are_those_of_the_cloud(night, site, idle=1)

    night.readings_at("22:24")
    night.until("22:32")
    second = _nightly(night)
    assert second.status == 0, second.text
    assert site.states() == {
        **dict.fromkeys(("web", "lab-1"), ASLEEP),
        **dict.fromkeys(("job", "course-1", HERS), RUNNING),
        OFF: site.states()[OFF],
    }
    _what_was_done_is_told(night)
    _the_figures_are_those_of_the_cloud(night, site, idle=0)
    _its_command_mends_what_was_left_behind(night, site, first)


def _set_the_stage(night: Night, site: Site) -> str:
    """Give each part something to report. Return the name of the thing that is not needed."""
    night.mail.up()
    booted = night.moment("22:00").timestamp() - 3 * DAY
    night.instances |= {
        name: ScriptedInstance([booted - 100 * number]) for number, name in enumerate([*NAMES, HERS, OFF])
    }
    for name in ("job", "lab-1", "course-1"):
        night.instances[name].jobs.append((night.span("20:00", "08:00"), 1.0))
    start, stop = (f"{night.moment(moment):%H:%M}" for moment in ("20:00", "22:25"))
    at = f"{night.moment('22:00') + timedelta(days=2):%Y-%m-%d}"
    (night.home / "schedules.yml").write_text(
        f'schedules:\n  lab: {{time_zone: UTC, days: daily, start: "{start}", stop: "{stop}"}}\n'
        "rules:\n  - {schedule: lab, name: lab-*}\n"
        f'deadlines:\n  - {{name: course-*, shelve_at: "{at}", may_shelve: true}}\n',
        encoding="utf-8",
    )
    (night.home / "owners.yml").write_text(f"owner_mail: {{{site.owner}: owner@example.edu}}\n", encoding="utf-8")
    site.use(91.0)
    return site.leave_behind()


def _nightly(night: Night) -> Run:
    return night.play(
        "nightly",
        *("apply=true", "everything=true", "schedules=schedules.yml", "@owners.yml", "host_keys=accept_new"),
        *("mail_to=pi@example.edu", f"smtp_port={night.mail.port}", "smtp_secure=never"),
        f"webhook_url={night.webhook.url}",
        *("dest=report.html", "charts=false", "metrics_path=jetstream.prom", "width=0"),
        *("trial_days=0", "grace_minutes=10", "pause_seconds=1", "sweep_minutes=0"),
        '{"settings": {"window_minutes": 15, "interval_minutes": 8}}',
        forks=20,
    )


def _owners_are_told(night: Night) -> None:
    owner = [each.message for each in night.mail.mails if each.to == ["owner@example.edu"]]
    deadline, idle = sorted(owner, key=lambda each: "idle" in str(each["Subject"]))
    assert deadline["Subject"] == "Jetstream: course-1: a deadline is near or past"
    assert "Will be shelved then, which keeps its disks." in deadline.get_content()
    assert str(idle["Subject"]).startswith("Jetstream: web is idle")


def _report(night: Night) -> EmailMessage:
    """Return the last mail to the head of the lab, which is the report."""
    return [each.message for each in night.mail.mails if each.to == ["pi@example.edu"]][-1]


def _text(message: EmailMessage) -> str:
    body = message.get_body()
    assert body is not None
    return "\n".join(str(body.get_content()).splitlines())


def _one_mail_has_all_parts(night: Night, left_behind: str) -> None:
    assert len([each for each in night.mail.mails if each.to == ["pi@example.edu"]]) == 1
    message = _report(night)
    assert str(message["Subject"]).startswith("Jetstream: 1 budget threshold, usage report, ")
    text = _text(message)
    parts = dict(part.partition(" ==\n\n")[::2] for part in text.split("\n== ")[1:])
    assert [*parts, "metrics"] == [part.name for part in PARTS]
    assert "4 of 4 running instances were read." in parts["activity"]
    assert "new in this schedule" in " ".join(parts["scheduled"].split())
    # The owner got it by mail.
    assert "course-1:" not in parts["deadlines"]
    assert "its owner gets a notice" in " ".join(parts["shelve_idle"].split())
    assert "91.0 % of the SU are used (threshold 90 %)." in parts["budget_guard"]
    assert "web" in parts["usage_report"]
    assert left_behind in parts["hygiene"]
    assert "metrics were written." in text.splitlines()[7]
    [page] = message.iter_attachments()
    assert page.get_filename() == "report.html"
    content = page.get_content()
    shown = content.decode() if isinstance(content, bytes) else str(content)
    assert shown.splitlines() == (night.home / "report.html").read_text(encoding="utf-8").splitlines()
    assert all(name in shown for name in (*NAMES, OFF))


def _the_webhook_gets_the_same(night: Night) -> None:
    posts = [str(each["text"]) for each in night.webhook.posts]
    notices = [each for each in posts if not each.startswith("Jetstream: ")]
    assert len(notices) == 1
    assert "web (" in notices[0]
    report = [each for each in posts if each.startswith("Jetstream: 1 deadline, 1 budget threshold, ")]
    assert len(report) == len(posts) - 1
    assert max(map(len, report)) <= 3_000
    for number, each in enumerate(report, 1):
        assert f"({number} of {len(report)})" in each
    posted = [line for each in report for line in each.split("\n```\n", 1)[1].removesuffix("\n```").splitlines()[1:]]
    mailed = _text(_report(night)).splitlines()
    escaped = [each.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") for each in mailed]
    deadline, others = _deadlines_and_others(posted)
    assert "  course-1:" in deadline
    assert others == _deadlines_and_others(escaped)[1]


def _deadlines_and_others(lines: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the lines of the part ``deadlines``, which differ by channel, and all others, without empty lines."""
    begin = lines.index("== deadlines ==")
    end = next(number for number, line in enumerate(lines) if number > begin and line.startswith("== "))
    return list(lines[begin:end]), [each for each in (*lines[:begin], *lines[end:]) if each]


def _the_figures_are_those_of_the_cloud(night: Night, site: Site, idle: int) -> None:
    text = (night.home / "jetstream.prom").read_text(encoding="utf-8")
    samples = [each for family in text_string_to_metric_families(text) for each in family.samples]
    found = {(each.name, *sorted(each.labels.values())): each.value for each in samples}
    assert found["jetstream_metrics_last_run_success", "default"] == 1
    counts = {
        each.labels["status"]: each.value for each in samples if each.name == "jetstream_instances" and each.value
    }
    assert counts == site.statuses()
    of_allocations = {(each.name, each.labels.get("allocation_id")): each.value for each in samples}
    [payer] = [
        uuid for (name, uuid), value in of_allocations.items() if name == "jetstream_allocation_used_su" and value
    ]
    used, allowed = (of_allocations[f"jetstream_allocation_{name}_su", payer] for name in ("used", "allowed"))
    assert used / allowed == 0.91
    assert of_allocations["jetstream_allocation_burn_su_per_hour", payer] == site.burn()
    verdicts = {each.labels["verdict"]: each.value for each in samples if each.name == "jetstream_running_instances"}
    running = site.statuses()["active"]
    assert verdicts == {"idle": idle, "active": running - idle, "unknown": 0}
    succeeded = {
        each.labels["playbook"]: each.value
        for each in samples
        if each.name == "jetstream_last_success_timestamp_seconds"
    }
    # The part ``metrics`` is recorded after it has written the metrics.
    parts = {part.name for part in PARTS} - {"metrics"}
    assert parts <= succeeded.keys()
    now = night.clock.now().timestamp()
    assert all(now - 600 < succeeded[name] <= now for name in parts)


def _what_was_done_is_told(night: Night) -> None:
    message = _report(night)
    assert str(message["Subject"]).startswith("Jetstream: 2 shelved, ")
    text = _text(message)
    assert "1 instance was shelved." in text
    # Each is reported once.
    assert "threshold 90 %" not in text
    assert len([each for each in night.mail.mails if each.to == ["owner@example.edu"]]) == 2
    assert "A notice about web was delivered to owner@example.edu." in night.why("web")


def _its_command_mends_what_was_left_behind(night: Night, site: Site, run: Run) -> None:
    """Run the command of the readout unchanged, if it has one."""
    assert site.is_left()
    lines = [line for line in _text(_report(night)).splitlines() if line.startswith("ansible localhost -m ")]
    if not lines:
        return
    [command] = [line for line in lines if "jetstream_image" in line]
    _ansible, *words = shlex.split(command)
    done = subprocess.run(
        [sys.executable, "-m", "ansible", "adhoc", *words],
        env=night.environment(),
        cwd=night.home,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert not site.is_left()
    found = night.play("hygiene").of("Read the findings")["findings"]
    assert [each["name"] for each in found if each["thing"] == "image"] == []
