# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Static checks of security: bandit, secrets in files, known vulnerabilities of what is pinned, and its list (SBOM)."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from devtool.environment import CACHE, REQUIREMENTS, ROOT, Environment
from devtool.running import CheckFailed, Workplace

Json = dict[str, Any]

SBOM = CACHE / "sbom.json"
# The Python packages that the collection itself needs on a controller. All others are for developers.
NEEDED = ("ansible-core", "requests", "openstacksdk")
_BANDIT = ("bandit", "--quiet", "--recursive", "--configfile", "pyproject.toml", "plugins", "devtool")
# Tests are full of made-up passwords and hashes. There, only what has the form of a key of a known kind is one.
_GUESSES = ("Base64HighEntropyString", "BasicAuthDetector", "HexHighEntropyString", "KeywordDetector")
_COLLECTION = "pkg:generic/jetstream.cloud"


def check_security(workplace: Workplace) -> None:
    """Run all of them, also if one fails. Raises CheckFailed with what was found."""
    environment = Environment("security")
    environment.prepare()
    found: list[str] = []
    for step in (_bandit, _secrets, _vulnerabilities, _sbom):
        try:
            step(workplace, environment)
        except CheckFailed as error:
            workplace.write(f"{error}\n")
            found.append(str(error))
    if found:
        raise CheckFailed("; ".join(found))


def write_sbom(workplace: Workplace, path: Path = SBOM) -> None:
    """Write the list of parts in the form of CycloneDX, and have it compared with its schema."""
    environment = Environment("security")
    environment.prepare()
    workplace.folder.mkdir(parents=True, exist_ok=True)
    pinned = workplace.folder / "pinned.json"
    options = ("--output-format", "JSON", "--output-reproducible", "--output-file", pinned)
    workplace.call("cyclonedx-py", "requirements", *options, "requirements/constraints.txt", environment=environment)
    galaxy = (ROOT / "galaxy.yml").read_text(encoding="utf-8")
    version = re.search(r"^version: (\S+)$", galaxy, re.MULTILINE)
    bom = sbom(json.loads(pinned.read_text(encoding="utf-8")), version[1] if version else "0")
    path.write_text(f"{json.dumps(bom, indent=2)}\n", encoding="utf-8")
    workplace.call("python", "-c", _VALIDATE, path, environment=environment)


_VALIDATE = """
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(open(sys.argv[1], encoding="utf-8").read())
sys.exit(f"{sys.argv[1]} is not in the form of CycloneDX 1.6: {error}" if error else 0)
"""


def sbom(pinned: Json, version: str) -> Json:
    """Return the list of parts of the collection, made of that of all packages that are pinned.

    Packages that only developers need have the scope ``excluded``.
    """
    components = [
        {**each, "bom-ref": each["purl"], "scope": "required" if each["name"] in NEEDED else "excluded"}
        for each in pinned["components"]
    ]
    needed = [each["bom-ref"] for each in components if each["scope"] == "required"]
    root = {
        "type": "library",
        "bom-ref": _COLLECTION,
        "name": "jetstream.cloud",
        "version": version,
        "purl": f"{_COLLECTION}@{version}",
        "licenses": [{"license": {"id": "GPL-3.0-or-later"}}],
    }
    others = [{"ref": each["bom-ref"]} for each in components]
    return {
        **pinned,
        "metadata": {**pinned.get("metadata", {}), "component": root},
        "components": components,
        "dependencies": [{"ref": _COLLECTION, "dependsOn": sorted(needed)}, *others],
    }


def new_secrets(report: Json, excused: Mapping[str, str]) -> list[str]:
    """Return the findings of detect-secrets that are not excused, each as ``path:line: kind (key)``.

    ``excused``: reasons by key, which is the path and the beginning of the hash of the secret.
    """
    found = []
    for path, findings in report["results"].items():
        for each in findings:
            key = f"{path} {each['hashed_secret'][:12]}"
            if key not in excused:
                found.append(f"{path}:{each['line_number']}: {each['type']} ({key})")
    return sorted(found)


def vulnerabilities(report: Json) -> tuple[list[str], int]:
    """Return what pip-audit found, each as ``package version: id``, and for how many packages there was data."""
    found, known = [], 0
    for each in report["dependencies"]:
        if "skip_reason" in each:
            continue
        known += 1
        found += [f"{each['name']} {each['version']}: {vulnerability['id']}" for vulnerability in each["vulns"]]
    return found, known


def _bandit(workplace: Workplace, environment: Environment) -> None:
    workplace.call(*_BANDIT, environment=environment)


def _secrets(workplace: Workplace, environment: Environment) -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    excused: Mapping[str, str] = settings["tool"]["secrets"]["excused"]
    without_guesses = [word for name in _GUESSES for word in ("--disable-plugin", name)]
    copy = workplace.copy()
    found = []
    for options in (["--exclude-files", "^(tests/|LICENSES/)"], ["--exclude-files", "^(?!tests/)", *without_guesses]):
        report = workplace.call("detect-secrets", "scan", *options, cwd=copy, environment=environment)
        found += new_secrets(json.loads(report), excused)
    if found:
        workplace.write("".join(f"{each}\n" for each in found))
        raise CheckFailed(
            "files have new secrets. Remove them, or excuse what is none in pyproject.toml, with a reason"
        )


def _vulnerabilities(workplace: Workplace, environment: Environment) -> None:
    workplace.folder.mkdir(parents=True, exist_ok=True)
    report = workplace.folder / "audit.json"
    options: Sequence[str | Path] = ("--no-deps", "--disable-pip", "--timeout", "10", "--progress-spinner", "off")
    pinned = REQUIREMENTS / "constraints.txt"
    try:
        workplace.call(
            *("pip-audit", "--format", "json", "--output", report, *options, "--requirement", pinned),
            environment=environment,
        )
    except CheckFailed:
        # It fails if it finds one, and writes the report then, or if it reaches no service.
        if not report.exists():
            workplace.write("pip-audit skipped: no vulnerability data, the service cannot be reached\n")
            return
    found, known = vulnerabilities(json.loads(report.read_text(encoding="utf-8")))
    if found:
        raise CheckFailed(f"known vulnerabilities of what is pinned: {', '.join(found)}")
    if not known:
        workplace.write("pip-audit skipped: no vulnerability data at this package index\n")


def _sbom(workplace: Workplace, _environment: Environment) -> None:
    write_sbom(workplace, workplace.folder / "sbom.json")
