# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Security checks: bandit, secrets in files, known vulnerabilities of pinned packages, and the list of parts (SBOM)."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devtool.environment import CACHE, REQUIREMENTS, ROOT, Environment
from devtool.pairs import supported_pythons
from devtool.running import CheckFailed, Workplace

Json = dict[str, Any]

SBOM = CACHE / "sbom.json"
# The Python packages that the collection needs on a controller, without their requirements. Others are for developers.
NEEDED = ("ansible-core", "requests", "openstacksdk")
_CONSTRAINTS = REQUIREMENTS / "constraints.txt"
# The files that pin versions.
_PINNED = (*sorted(REQUIREMENTS.glob("*.txt")), ROOT / "tests" / "openstack" / "constraints.txt")
# The files whose versions are old on purpose: versions that tests refuse or that benchmarks measure, and services of
# tests, which listen on loopback.
_NOT_AUDITED = {
    *("atmosphere-cli.txt", "awx.awx.txt", "old-core.txt", "openstack-client.txt", "openstack.cloud.txt"),
    "tests/openstack/constraints.txt",
}
_PIN = re.compile(r"^(?P<name>[A-Za-z0-9][\w.-]*)==(?P<version>[^\s;]+)", re.MULTILINE)
_SCANNED = ("plugins", "extensions", "devtool")
_BANDIT = ("bandit", "--quiet", "--recursive", "--configfile", "pyproject.toml", *_SCANNED)
# For bandit, a nosec comment without a rule excuses from all rules.
_BARE_MARK = re.compile(r"#\s*nosec\b(?!:?\s+B\d{3})", re.IGNORECASE)
# Without this, a comment in a file excuses its secrets.
_NO_PRAGMA = ("--disable-filter", "detect_secrets.filters.allowlist.is_line_allowlisted")
# Tests are full of made-up passwords and hashes. There, these plugins are off, and only known kinds of keys are found.
_GUESSES = ("Base64HighEntropyString", "BasicAuthDetector", "HexHighEntropyString", "KeywordDetector")
_COLLECTION = "pkg:generic/jetstream.cloud"


def check_security(workplace: Workplace) -> None:
    """Run all security checks, also after one fails. Raises CheckFailed with all findings."""
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


def write_sbom(workplace: Workplace, path: Path = SBOM) -> Path:
    """Write the list of parts as CycloneDX, validate it against its schema, and return its path."""
    environment = Environment("security")
    environment.prepare()
    workplace.folder.mkdir(parents=True, exist_ok=True)
    listed, made = workplace.folder / "pinned.txt", workplace.folder / "pinned.json"
    pins = pins_of(_PINNED)
    _write_pins(listed, pins)
    options = ("--output-format", "JSON", "--output-reproducible", "--output-file", made)
    workplace.call("cyclonedx-py", "requirements", *options, listed, environment=environment)
    galaxy = (ROOT / "galaxy.yml").read_text(encoding="utf-8")
    version = re.search(r"^version: (\S+)$", galaxy, re.MULTILINE)
    needed = _requirements_by_package(workplace)
    bom = sbom(json.loads(made.read_text(encoding="utf-8")), version[1] if version else "0", needed, _CONSTRAINTS)
    path.write_text(f"{json.dumps(bom, indent=2)}\n", encoding="utf-8")
    workplace.call("python", "-c", _VALIDATE, path, environment=environment)
    return path


@dataclass(frozen=True, order=True, slots=True)
class Pin:
    """A pinned version of a package. ``name`` is normalized, as the package index compares names."""

    name: str
    version: str


def pins_of(paths: Iterable[Path]) -> list[Pin]:
    """Return the pins of files with requirements, each once, for every Python."""
    found = {
        Pin(normalized(match["name"]), match["version"])
        for path in paths
        for match in _PIN.finditer(path.read_text(encoding="utf-8"))
    }
    return sorted(found)


def _write_pins(path: Path, pins: Iterable[Pin]) -> None:
    path.write_text("".join(f"{each.name}=={each.version}\n" for each in pins), encoding="utf-8")


def normalized(name: str) -> str:
    """Return the normalized name of a package, as the package index compares names."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _requirements_by_package(workplace: Workplace) -> dict[str, list[str]]:
    """Return the packages that the collection needs on a controller, each with the packages that it requires."""
    environment = Environment("test")
    environment.prepare()
    pythons = " ".join(supported_pythons())
    output = workplace.call("python", "-c", _CLOSURE, pythons, *NEEDED, environment=environment)
    found: dict[str, list[str]] = json.loads(output)
    return found


# Prints the packages named, and all that they require with any supported Python, each with its requirements.
_CLOSURE = """
import json, re, sys
from importlib.metadata import PackageNotFoundError, requires
from packaging.requirements import Requirement

def name_of(text):
    return re.sub("[-_.]+", "-", text).lower()

def needs(name):
    try:
        every = [Requirement(each) for each in requires(name) or ()]
    except PackageNotFoundError:
        return []
    places = [{"extra": "", "python_version": each, "python_full_version": each + ".0"} for each in sys.argv[1].split()]
    return sorted({name_of(each.name) for each in every
                   if each.marker is None or any(map(each.marker.evaluate, places))})

found, left = {}, list(sys.argv[2:])
while left:
    name = left.pop()
    if name not in found:
        found[name] = needs(name)
        left += found[name]
print(json.dumps(found))
"""

_VALIDATE = """
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(open(sys.argv[1], encoding="utf-8").read())
sys.exit(f"{sys.argv[1]} is not in the form of CycloneDX 1.6: {error}" if error else 0)
"""


def sbom(pinned: Json, version: str, needed: Mapping[str, Sequence[str]], constraints: Path) -> Json:
    """Return the list of parts of the collection, made from the list of all pinned packages.

    ``needed``: the packages that the collection needs on a controller, each with the packages that it requires.
    ``constraints``: the file with their versions. Packages that only developers need have the scope ``excluded``.
    """
    of_users = {(each.name, each.version) for each in pins_of([constraints]) if each.name in needed}
    components = []
    for each in pinned["components"]:
        is_of_users = (normalized(each["name"]), each["version"]) in of_users
        scope = "required" if is_of_users else "excluded"
        components.append({**each, "bom-ref": each["purl"], "scope": scope})
    refs: dict[str, list[str]] = {}
    for each in components:
        if each["scope"] == "required":
            refs.setdefault(normalized(each["name"]), []).append(each["bom-ref"])

    def refs_of(names: Iterable[str]) -> list[str]:
        return sorted(ref for name in names for ref in refs.get(name, ()))

    root = {
        "type": "library",
        "bom-ref": _COLLECTION,
        "name": "jetstream.cloud",
        "version": version,
        "purl": f"{_COLLECTION}@{version}",
        "licenses": [{"license": {"id": "GPL-3.0-or-later"}}],
    }
    others: list[Json] = []
    for each in components:
        under = refs_of(needed[normalized(each["name"])]) if each["scope"] == "required" else []
        others.append({"ref": each["bom-ref"], **({"dependsOn": under} if under else {})})
    return {
        **pinned,
        "metadata": {**pinned.get("metadata", {}), "component": root},
        "components": components,
        "dependencies": [{"ref": _COLLECTION, "dependsOn": refs_of(NEEDED)}, *others],
    }


def new_secrets(report: Json, excused: Mapping[str, str]) -> list[str]:
    """Return the findings of detect-secrets that are not excused, each as ``path:line: kind (key)``.

    ``excused``: the reasons by key. A key is the path, and the beginning of the hash of the secret.
    """
    found = []
    for path, findings in report["results"].items():
        for each in findings:
            key = f"{path} {each['hashed_secret'][:12]}"
            if key not in excused:
                found.append(f"{path}:{each['line_number']}: {each['type']} ({key})")
    return sorted(found)


def vulnerabilities(report: Json) -> tuple[list[str], int]:
    """Return the findings of pip-audit, each as ``package version: id``, and the number of packages with data."""
    found, known = [], 0
    for each in report["dependencies"]:
        if "skip_reason" in each:
            continue
        known += 1
        found += [f"{each['name']} {each['version']}: {vulnerability['id']}" for vulnerability in each["vulns"]]
    return found, known


def _bandit(workplace: Workplace, environment: Environment) -> None:
    workplace.call(*_BANDIT, environment=environment)
    files = [path for folder in _SCANNED for path in sorted((ROOT / folder).rglob("*.py"))]
    if bare := [mark for path in files for mark in bare_marks(path)]:
        raise CheckFailed(f"nosec without a rule: {', '.join(bare)}")


def bare_marks(path: Path) -> list[str]:
    """Return the lines with a nosec comment that names no rule of bandit, each as ``name:line``."""
    lines = enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
    return [f"{path.name}:{number}" for number, line in lines if _BARE_MARK.search(line)]


def _secrets(workplace: Workplace, environment: Environment) -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    excused: Mapping[str, str] = settings["tool"]["secrets"]["excused"]
    without_guesses = [word for name in _GUESSES for word in ("--disable-plugin", name)]
    copy = workplace.copy()
    found = []
    for options in (["--exclude-files", "^(tests/|LICENSES/)"], ["--exclude-files", "^(?!tests/)", *without_guesses]):
        output = workplace.call("detect-secrets", "scan", *_NO_PRAGMA, *options, cwd=copy, environment=environment)
        try:
            report = json.loads(output)
        except ValueError:
            raise CheckFailed("detect-secrets wrote no report") from None
        found += new_secrets(report, excused)
    if found:
        workplace.write("".join(f"{each}\n" for each in found))
        raise CheckFailed(
            "files have new secrets. Remove them, or excuse false findings in pyproject.toml, with a reason"
        )


def with_each_package_once(pins: Iterable[Pin]) -> list[list[Pin]]:
    """Return sorted pins in as few lists as possible, none with two versions of a package, which pip-audit refuses."""
    lists: list[list[Pin]] = []
    for pin in pins:
        target = next((each for each in lists if each[-1].name != pin.name), None)
        if target is None:
            lists.append(target := [])
        target.append(pin)
    return lists


def _vulnerabilities(workplace: Workplace, environment: Environment) -> None:
    workplace.folder.mkdir(parents=True, exist_ok=True)
    audited = [path for path in _PINNED if not {path.name, path.relative_to(ROOT).as_posix()} & _NOT_AUDITED]
    found: list[str] = []
    known = 0
    for number, pins in enumerate(with_each_package_once(pins_of(audited))):
        listed, report = workplace.folder / f"audited-{number}.txt", workplace.folder / f"audit-{number}.json"
        _write_pins(listed, pins)
        options = ("--no-deps", "--disable-pip", "--timeout", "10", "--progress-spinner", "off")
        words = ("pip-audit", "--format", "json", "--output", report, *options, "--requirement", listed)
        try:
            workplace.call(*words, environment=environment)
        except CheckFailed:
            # It fails with a report if it finds a vulnerability, and without one if it cannot reach the service.
            if not report.exists():
                workplace.write("pip-audit skipped: no vulnerability data, since the service cannot be reached\n")
                return
        more, count = vulnerabilities(json.loads(report.read_text(encoding="utf-8")))
        found += more
        known += count
    if found:
        raise CheckFailed(f"known vulnerabilities of pinned packages: {', '.join(found)}")
    if not known:
        workplace.write("pip-audit skipped: no vulnerability data at this package index\n")


def _sbom(workplace: Workplace, _environment: Environment) -> None:
    write_sbom(workplace, workplace.folder / "sbom.json")
