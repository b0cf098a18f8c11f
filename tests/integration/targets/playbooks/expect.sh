# shellcheck shell=bash
# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
set -euo pipefail

# expect STATUS PLAYBOOK [OPTION ...]: run a playbook, and insist on its exit status. What it printed is in $said.
expect() {
    local wanted="$1" status=0
    shift
    said="$(ansible-playbook "$@" 2>&1)" || status=$?
    printf '%s\n' "${said}"
    [ "${status}" -eq "${wanted}" ] || fail "exit status ${status}, not ${wanted}"
}

# has REGEX: insist on a line of what was printed.
has() {
    grep -qE -- "$1" <<<"${said}" || fail "no line is like: $1"
}

hasnt() {
    ! grep -qE -- "$1" <<<"${said}" || fail "a line is like: $1"
}

fail() {
    echo "FAILED: $1" >&2
    exit 1
}
