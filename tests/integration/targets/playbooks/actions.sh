#!/usr/bin/env bash
# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The verbs of the original tool and more, by number and by name.
# shellcheck source=/dev/null
source ./expect.sh
said=""

action() {
    expect "$1" jetstream.cloud.instance_action -e instance=course-web -e "do=$2"
}

expect 0 jetstream.cloud.instances -e only=course-web -e columns=id
id="$(grep -E '^ *[0-9]+$' <<<"${said}" | tr -d ' ')"

expect 0 jetstream.cloud.instance_action -e "id=${id}" -e action=stop
has "course-web \(${id}\), active before, shutoff after"
action 0 stop
has 'shutoff before, shutoff after: conflict: '
has 'changed=0'
action 0 start
has 'shutoff before, active after'
action 0 suspend
has 'active before, suspended after'
action 0 resume
has 'suspended before, active after'
action 0 shelve
has 'active before, shelved'
action 0 unshelve
has 'before, active after'
action 0 reboot
has 'active before, active after'
hasnt conflict

action 2 explode
has 'do is explode, but must be one of start, stop,'
expect 2 jetstream.cloud.instance_action -e instance=99999 -e do=stop
has '99999 does not exist\.'
# Nothing to act on is no reason to act on everything.
expect 2 jetstream.cloud.instance_action -e instance= -e do=stop
expect 2 jetstream.cloud.instance_action -e do=stop
expect 0 jetstream.cloud.instances -e columns=name,status
has '^course-web +active$'
