#!/usr/bin/env bash
# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
set -eux
collection="${ANSIBLE_COLLECTIONS_PATH%%:*}/ansible_collections/jetstream/cloud"
exec python "${collection}/tests/simulator/with_simulator.py" --transition 0 -- ansible-playbook test.yml "$@"
