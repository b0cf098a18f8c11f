#!/usr/bin/env bash
# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What is printed is aligned, and neither quoted nor escaped.
# shellcheck source=/dev/null
source ./expect.sh

expect 0 jetstream.cloud.instances
has '^NAME +ID +STATUS +FLAVOR +VCPUS +RAM MB +IP +ALLOCATION +PROJECT$'
has '^ice-flow-01 +[0-9]+ +active +m1\.xlarge +24 +61440 +[0-9.]+ +TG-GEO160014 +glacier-melt$'
hasnt "[{}\"]"
# The page of the playbooks lets people try all columns on this fleet.
expect 0 jetstream.cloud.instances -e columns=name,user
has '^ice-flow-01 +demo$'

expect 0 jetstream.cloud.instances -e 'only=ice-flow-0*' -e columns=name,burn_rate,project.name
has '^NAME +BURN RATE +PROJECT'
has '^ice-flow-02 .* glacier-melt$'
hasnt course-web

expect 0 jetstream.cloud.volumes
has '^NAME +ID +SIZE GB +STATUS +ATTACHED'
has '^satellite-images +[0-9]+ +500 .* ice-flow-01 '
has '^old-results +[0-9]+ +50 +available +- '

expect 0 jetstream.cloud.allocation
has '^TG-GEO160014 +50000 +31240\.75 +18759\.25 +62\.4[0-9]+ +20[0-9]{2}(\.[0-9]+)? +8 +20[0-9-]+ +7 +-$'
expect 0 jetstream.cloud.allocation -e columns=su_per_hour -e '{"rates": {"families": {"m1": 2}}}'
has '^ +222$'
expect 0 jetstream.cloud.allocation -e allocation_source=nothing
has 'No allocations\.'
