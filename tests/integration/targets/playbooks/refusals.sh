#!/usr/bin/env bash
# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What is mistyped on the command line never comes to mean more instances.
# shellcheck source=/dev/null
source ./expect.sh

for cut in 'only=' 'only=,' 'exclude=' 'exclude=,' 'project=' 'allocation_source='; do
    expect 2 jetstream.cloud.stop_all -e "${cut}"
    has 'is given, but empty\. Leave it out\.'
done
expect 2 jetstream.cloud.stop_all -e 'project=glacier melt'
has '"?melt.*belongs to no variable'
expect 2 jetstream.cloud.stop_all -e only=course-wep
has 'Did you mean course-web\?'
expect 2 jetstream.cloud.stop_all -e max_changes=
expect 2 jetstream.cloud.stop_all -e max_changes=3
has '^12 selected: 0 changed,'

expect 0 jetstream.cloud.instances -e only=course-web -e columns=name,status
has '^course-web +active$'
# A list that a program made may well be empty.
expect 0 jetstream.cloud.stop_all -e '{"exclude": []}' --check
# A comma too many means nothing.
expect 0 jetstream.cloud.stop_all -e 'only=course-web,,' --check
has '^1 selected: 1 would be changed'
