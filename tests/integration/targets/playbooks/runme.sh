#!/usr/bin/env bash
# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Runs the playbooks as a user does, and looks at what they print. Each group has a simulator of its own.
set -eux
collection="${ANSIBLE_COLLECTIONS_PATH%%:*}/ansible_collections/jetstream/cloud"
beside=(python "${collection}/tests/simulator/with_simulator.py" --transition 0)
"${beside[@]}" -- ./readouts.sh
"${beside[@]}" -- ./actions.sh
"${beside[@]}" -- ./refusals.sh
"${beside[@]}" -- python report.py
"${beside[@]}" -- python credential.py
