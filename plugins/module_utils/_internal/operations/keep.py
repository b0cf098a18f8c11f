# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operation of jetstream_keep: sets and removes keep marks, in the metadata of instances or on the controller."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ..cloud import Cloud
from ..errors import FATAL_ERRORS, ConfigurationError, JetstreamError
from ..fleet.selection import INSTANCE_FIELDS, ME, Selector, may_select, select_to_change
from ..idle.keeps import FROM_KEY, METADATA_KEY, KeepFile, KeepMark, mark_of, mark_of_metadata, moment_of
from ..model import Instance, Outcome
from ..operation import Context, on_cloud
from ..options import CONNECTION, IDENTIFIERS, ModuleSpec
from ..times import iso
from .idle_info import keep_path

_LONGEST_HOURS = 24 * 366
SPEC = (
    CONNECTION
    + IDENTIFIERS
    + ModuleSpec(
        argument_spec={
            "owner": {"type": "list", "elements": "str", "default": [ME]},
            "state": {"type": "str", "default": "present", "choices": ["present", "absent"]},
            "hours": {"type": "float"},
            "from": {"type": "str"},
            "until": {"type": "str"},
            "store": {"type": "str", "choices": ["metadata", "file"]},
            "keep_path": {"type": "path"},
        },
        mutually_exclusive=(("hours", "until"),),
        required_if=(("state", "present", ("hours", "until"), True),),
    )
)
_METADATA, _FILE = "metadata", "file"


@dataclass(frozen=True, slots=True)
class _Span:
    """The time for which an instance is to be kept. ``since`` is None for at once."""

    since: datetime | None
    until: datetime


@dataclass(frozen=True, slots=True)
class _Written:
    """The outcome for one instance: the mark that holds it now, and whether that changed anything.

    ``warning`` and ``problem`` are clauses, or "".
    """

    mark: KeepMark | None
    changed: bool
    warning: str = ""
    problem: str = ""


def keep(cloud: Cloud, options: Mapping[str, Any], context: Context) -> Outcome:
    """Set or remove the keep mark of each instance that the options select."""
    span = _span(options, context.clock.now())
    file = KeepFile(keep_path(options, context), context.clock)
    selector = Selector.from_options(options, ()).with_account(cloud.account)
    selector.require_criteria()
    instances = cloud.list_instances(live=False, images=False, wanted=may_select(selector, INSTANCE_FIELDS))
    selection = select_to_change(instances, selector, INSTANCE_FIELDS)
    store = options["store"]
    if store == _METADATA and (without := [each.label for each in selection.things if each.metadata is None]):
        raise ConfigurationError(f"There is no metadata of {', '.join(without)}.", hint="Remove store: metadata.")
    # An unreadable file is an error before anything is changed.
    writer = _Writer(cloud, file, file.marks(), store, check_mode=context.check_mode)
    written = [(each, writer.write(each, span)) for each in selection.things]
    problems = [f"{each.label}: {done.problem}" for each, done in written if done.problem]
    return Outcome(
        {"instances": [_row(each, done) for each, done in written], "keep_path": str(file.path)},
        changed=any(done.changed for _each, done in written),
        failure=f"{'; '.join(problems)}." if problems else None,
        warnings=(*selection.warnings, *(f"{each.label}: {done.warning}." for each, done in written if done.warning)),
    )


def _row(instance: Instance, done: _Written) -> dict[str, Any]:
    mark = done.mark
    return {
        "id": instance.id,
        "uuid": instance.uuid,
        "name": instance.name,
        "from": None if mark is None or mark.since is None else iso(mark.since),
        "until": None if mark is None or mark.until is None else iso(mark.until),
        "source": None if mark is None else mark.source,
        "changed": done.changed,
    }


class _Writer:
    """Writes marks into one place, and removes them from the other, where an older one might hold for longer."""

    def __init__(
        self, cloud: Cloud, file: KeepFile, kept: Mapping[str, KeepMark], store: str | None, *, check_mode: bool
    ) -> None:
        self._cloud = cloud
        self._file = file
        self._kept = kept
        self._store = store
        self._check_mode = check_mode

    def write(self, instance: Instance, span: _Span | None) -> _Written:
        """Set the mark of an instance, or remove it (None)."""
        store = self._store or (_FILE if instance.metadata is None else _METADATA)
        before = mark_of_metadata(instance.metadata)
        wanted = span if store == _METADATA else None
        refusal, after = self._write_metadata(instance, before, wanted)
        in_file = span if store == _FILE or refusal else None
        changed = self._write_file(instance, in_file) or after != before
        left = [each for each in (after, _mark(in_file, _FILE)) if each is not None]
        mark = max(left, key=KeepMark.end, default=None)
        if refusal and span is None:
            return _Written(mark, changed, problem=f"the mark in its metadata cannot be removed: {refusal}")
        if refusal:
            return _Written(mark, changed, warning=_in_file_instead(refusal, mark))
        return _Written(mark, changed)

    def _write_metadata(
        self, instance: Instance, before: KeepMark | None, span: _Span | None
    ) -> tuple[str, KeepMark | None]:
        """Set or remove the mark in the metadata. Returns why that was not possible, or "", and the mark there now."""
        if _is_same(before, span):
            return "", before
        refusal = self._cloud.metadata_refusal(instance)
        if refusal is not None:
            return refusal, before
        after = dict(instance.metadata or {})
        for key, value in _changes(after, span):
            try:
                if not self._check_mode:
                    self._cloud.set_metadata(instance, key, value)
            except FATAL_ERRORS:
                raise
            except JetstreamError as error:
                return str(error).rstrip("."), mark_of_metadata(after)
            after = {name: text for name, text in after.items() if name != key} | (
                {} if value is None else {key: value}
            )
        return "", mark_of_metadata(after)

    def _write_file(self, instance: Instance, span: _Span | None) -> bool:
        """Set or remove the mark in the file. Returns whether that changed it."""
        if span is not None:
            until, since = span.until, span.since
            return self._file.keep(instance.uuid, instance.name, until, since, check_mode=self._check_mode)
        # Without a mark there, the file need not even be made.
        return instance.uuid in self._kept and self._file.release(instance.uuid, check_mode=self._check_mode)


def _changes(metadata: Mapping[str, str], span: _Span | None) -> list[tuple[str, str | None]]:
    """Return the keys to write, in such an order that an instance is never kept for less than by one of both marks.

    Each is written by a request of its own. Without its beginning, a mark holds at once.
    """
    changes: list[tuple[str, str | None]] = [(FROM_KEY, None)] if FROM_KEY in metadata else []
    if span is None:
        return [*changes, *([(METADATA_KEY, None)] if METADATA_KEY in metadata else [])]
    before = mark_of_metadata(metadata)
    if before is None or before.until != span.until:
        changes.append((METADATA_KEY, iso(span.until)))
    return [*changes, *([] if span.since is None else [(FROM_KEY, iso(span.since))])]


def _is_same(mark: KeepMark | None, span: _Span | None) -> bool:
    """Whether a mark is the one that is wanted, however it is written."""
    if mark is None or span is None:
        return mark is None and span is None
    return not mark.unread and (mark.since, mark.until) == (span.since, span.until)


def _mark(span: _Span | None, source: str) -> KeepMark | None:
    if span is None:
        return None
    return mark_of(iso(span.until), source, None if span.since is None else iso(span.since))


def _in_file_instead(refusal: str, mark: KeepMark | None) -> str:
    older = ""
    if mark is not None and mark.source == _METADATA:
        older = f", and the older mark in its metadata, {mark.text}, keeps it for longer"
    return f"the mark is in the file on this machine. Its metadata cannot be changed now: {refusal}{older}"


def _span(options: Mapping[str, Any], now: datetime) -> _Span | None:
    if options["state"] == "absent":
        if any(options[name] is not None for name in ("hours", "from", "until")):
            raise ConfigurationError("state: absent does not accept hours, until and from.")
        return None
    hours = options["hours"]
    if hours is not None and not 0 < hours <= _LONGEST_HOURS:
        raise ConfigurationError(
            f"hours is {hours:g}, but must be greater than 0 and at most {_LONGEST_HOURS} (a year)."
        )
    since = None if options["from"] is None else moment_of(options["from"], ends_day=False)
    until = moment_of(options["until"]) if hours is None else (since or now) + timedelta(hours=hours)
    if until <= now:
        raise ConfigurationError(
            f"until is {iso(until)}, which is in the past.", hint="To remove a mark, use state: absent."
        )
    if since is not None and until <= since:
        raise ConfigurationError(f"from is {iso(since)}, but must be before the end, {iso(until)}.")
    # Marks are written in whole seconds.
    return _Span(None if since is None else since.replace(microsecond=0), until.replace(microsecond=0))


OPERATION = on_cloud(keep)
