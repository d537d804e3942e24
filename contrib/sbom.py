"""requirements.txt → what the daemon is made of, as CycloneDX 1.6 has it: `python contrib/sbom.py > sbom.json`.

Nothing is asked of anybody: the lock names each part, its release, when it is needed, and the digest of every file that
pip would take for it.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
PINNED = re.compile(r"([a-z0-9-]+)==(\S+)(?: ; (.+))?")
DIGEST = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def bill(lock: str, version: str) -> dict[str, Any]:
    """The bill of materials of this version, by what a lock file holds; the same for the same."""
    lines = re.sub(r"\s*\\\n\s*", " ", lock).splitlines()
    parts = [_part(line) for line in lines]
    us = {"type": "application", "name": "notifier", "version": version, "bom-ref": "notifier"}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": us},
        "components": parts,
        "dependencies": [{"ref": "notifier", "dependsOn": [part["bom-ref"] for part in parts]}],
    }


def _part(line: str) -> dict[str, Any]:
    pinned, _, digests = line.partition(" --hash=")
    found = PINNED.fullmatch(pinned)
    if found is None:
        raise ValueError(f"requirements.txt: expected name==version, and then its hashes: {pinned}")
    name, version, needed = found.groups()
    part: dict[str, Any] = {"type": "library", "name": name, "version": version, "purl": f"pkg:pypi/{name}@{version}"}
    part["bom-ref"] = part["purl"]
    # A release has a file for each machine: any of these digests may be that of the one that was installed.
    part["properties"] = [
        {"name": "notifier:sha256", "value": digest} for digest in DIGEST.findall(f"--hash={digests}")
    ]
    if needed:
        part["scope"] = "optional"
        part["properties"].append({"name": "notifier:needed", "value": needed})
    return part


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    from notifier import __version__

    json.dump(bill((ROOT / "requirements.txt").read_text(), __version__), sys.stdout, indent=2)
