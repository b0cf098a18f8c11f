# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Static checks of security: bandit, secrets in files, known vulnerabilities of what is pinned, and its list (SBOM)."""

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
# The Python packages that the collection itself needs on a controller, with those that they need. All others are for
# developers.
NEEDED = ("ansible-core", "requests", "openstacksdk")
_CONSTRAINTS = REQUIREMENTS / "constraints.txt"
# All that is pinned.
_PINNED = (*sorted(REQUIREMENTS.glob("*.txt")), ROOT / "tests" / "openstack" / "constraints.txt")
# Of these, vulnerabilities are not looked for: versions that tests refuse, or that the benchmarks measure, and services
# of tests on loopback. They are as old as they have to be.
_AS_OLD_AS_THEY_ARE = {
    *("atmosphere-cli.txt", "awx.awx.txt", "old-core.txt", "openstack-client.txt", "openstack.cloud.txt"),
    "tests/openstack/constraints.txt",
}
_PIN = re.compile(r"^(?P<name>[A-Za-z0-9][\w.-]*)==(?P<version>[^\s;]+)", re.MULTILINE)
_SCANNED = ("plugins", "extensions", "devtool")
_BANDIT = ("bandit", "--quiet", "--recursive", "--configfile", "pyproject.toml", *_SCANNED)
# bandit takes a mark without a rule for all rules.
_BARE_MARK = re.compile(r"#\s*nosec\b(?!:?\s+B\d{3})", re.IGNORECASE)
# Files cannot excuse themselves.
_NO_PRAGMA = ("--disable-filter", "detect_secrets.filters.allowlist.is_line_allowlisted")
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


def write_sbom(workplace: Workplace, path: Path = SBOM) -> Path:
    """Write the list of parts in the form of CycloneDX, have it compared with its schema, and return its path."""
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
    needed = _needed(workplace)
    bom = sbom(json.loads(made.read_text(encoding="utf-8")), version[1] if version else "0", needed, _CONSTRAINTS)
    path.write_text(f"{json.dumps(bom, indent=2)}\n", encoding="utf-8")
    workplace.call("python", "-c", _VALIDATE, path, environment=environment)
    return path


@dataclass(frozen=True, order=True, slots=True)
class Pin:
    """A version of a package that is pinned. ``name`` is in the form in which the index compares names."""

    name: str
    version: str


def pins_of(paths: Iterable[Path]) -> list[Pin]:
    """Return what files of requirements pin, each once, for every Python."""
    found = {
        Pin(normalized(match["name"]), match["version"])
        for path in paths
        for match in _PIN.finditer(path.read_text(encoding="utf-8"))
    }
    return sorted(found)


def _write_pins(path: Path, pins: Iterable[Pin]) -> None:
    path.write_text("".join(f"{each.name}=={each.version}\n" for each in pins), encoding="utf-8")


def normalized(name: str) -> str:
    """Return the name of a package in the form in which the index compares names."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _needed(workplace: Workplace) -> dict[str, list[str]]:
    """Return the packages that the collection needs on a controller, each with those that it needs itself."""
    environment = Environment("test")
    environment.prepare()
    pythons = " ".join(supported_pythons())
    output = workplace.call("python", "-c", _CLOSURE, pythons, *NEEDED, environment=environment)
    found: dict[str, list[str]] = json.loads(output)
    return found


# With any of the Pythons that the collection is for.
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
    """Return the list of parts of the collection, made of that of all packages that are pinned.

    ``needed``: the packages that the collection needs on a controller, each with those that it needs. They are of the
    versions in ``constraints``. Packages that only developers need have the scope ``excluded``.
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
    files = [path for folder in _SCANNED for path in sorted((ROOT / folder).rglob("*.py"))]
    if bare := [mark for path in files for mark in bare_marks(path)]:
        raise CheckFailed(f"nosec without the rule that is excused: {', '.join(bare)}")


def bare_marks(path: Path) -> list[str]:
    """Return each line that is excused from all rules of bandit, as ``name:line``. One that is meant names its rule."""
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
            "files have new secrets. Remove them, or excuse what is none in pyproject.toml, with a reason"
        )


def without_twins(pins: Iterable[Pin]) -> list[list[Pin]]:
    """Return pins in as few lists as have no package twice: a run of pip-audit refuses two versions of one."""
    lists: list[list[Pin]] = []
    for pin in pins:
        place = next((each for each in lists if each[-1].name != pin.name), None)
        if place is None:
            lists.append(place := [])
        place.append(pin)
    return lists


def _vulnerabilities(workplace: Workplace, environment: Environment) -> None:
    workplace.folder.mkdir(parents=True, exist_ok=True)
    audited = [path for path in _PINNED if not {path.name, path.relative_to(ROOT).as_posix()} & _AS_OLD_AS_THEY_ARE]
    found: list[str] = []
    known = 0
    for number, pins in enumerate(without_twins(pins_of(audited))):
        listed, report = workplace.folder / f"audited-{number}.txt", workplace.folder / f"audit-{number}.json"
        _write_pins(listed, pins)
        options = ("--no-deps", "--disable-pip", "--timeout", "10", "--progress-spinner", "off")
        words = ("pip-audit", "--format", "json", "--output", report, *options, "--requirement", listed)
        try:
            workplace.call(*words, environment=environment)
        except CheckFailed:
            # It fails if it finds one, and writes the report then, or if it reaches no service.
            if not report.exists():
                workplace.write("pip-audit skipped: no vulnerability data, the service cannot be reached\n")
                return
        more, count = vulnerabilities(json.loads(report.read_text(encoding="utf-8")))
        found += more
        known += count
    if found:
        raise CheckFailed(f"known vulnerabilities of what is pinned: {', '.join(found)}")
    if not known:
        workplace.write("pip-audit skipped: no vulnerability data at this package index\n")


def _sbom(workplace: Workplace, _environment: Environment) -> None:
    write_sbom(workplace, workplace.folder / "sbom.json")
