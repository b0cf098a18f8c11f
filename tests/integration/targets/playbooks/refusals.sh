#!/usr/bin/env bash
# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# A mistake on the command line never selects more instances.
# shellcheck source=/dev/null
source ./expect.sh

expect 2 jetstream.cloud.stop_all -e exlude=course-web
has 'exlude: did you mean exclude\?'
for empty in 'only=' 'only=,' 'exclude=' 'exclude=,' 'project=' 'allocation_source=' 'max_changes=' 'profile='; do
    expect 2 jetstream.cloud.stop_all -e "${empty}"
    has 'is given, but empty. Remove it.'
done
expect 2 jetstream.cloud.stop_all -e 'project=glacier melt'
has '"?melt.*belongs to no variable'
expect 2 jetstream.cloud.stop_all -e exclude=course-web -e exclude=blast-server
has 'exclude is given more than once'
expect 2 jetstream.cloud.stop_all -e 'exclude=course-web,,'
has 'has nothing before or after a comma'
expect 2 jetstream.cloud.stop_all -e only=course-wep
has 'Did you mean course-web\?'
expect 2 jetstream.cloud.stop_all -e max_changes=3
has '^12 selected: 0 changed,'

expect 0 jetstream.cloud.instances -e only=course-web -e columns=name,status
has '^course-web +active$'
# A list that a program made may well be empty.
expect 0 jetstream.cloud.stop_all -e '{"exclude": []}' --check
