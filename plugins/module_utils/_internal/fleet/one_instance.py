# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the single instance that a task names."""

from __future__ import annotations

from collections.abc import Sequence

from ..cloud import Cloud
from ..errors import SelectionError
from ..model import Instance
from ..text.suggestions import did_you_mean
from ..text.terminal import one_line
from .selection import INSTANCE_FIELDS, ME, Selector, may_select, select_to_change


def one_instance(cloud: Cloud, called: str, owners: Sequence[str] = (ME,)) -> Instance:
    """Return the instance of a name, number or UUID, with its live state. Globs do not match.

    Raises SelectionError unless there is exactly one.
    """
    selector = Selector(names=(called,), owners=tuple(owners)).with_account(cloud.account)
    instances = cloud.list_instances(live=True, images=False, wanted=may_select(selector, INSTANCE_FIELDS))
    return one_of(instances, called, selector)


def one_of(instances: Sequence[Instance], called: str, selector: Selector) -> Instance:
    """Return the instance that a selector of a single name or UUID names. See ``one_instance``."""
    if not any(selector.calls(each) for each in instances):
        guess = did_you_mean(called, [each.name for each in instances])
        raise SelectionError(f"There is no instance {one_line(called)}.", hint=guess or None)
    found = [each for each in select_to_change(instances, selector, INSTANCE_FIELDS).things if selector.calls(each)]
    if len(found) > 1:
        raise SelectionError(f"The name {one_line(called)} is ambiguous. Use an ID.")
    return found[0]
