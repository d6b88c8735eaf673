"""The contents and dependencies of packages, as SPDX 2.3 (https://spdx.github.io/spdx-spec/v2.3/)."""

import datetime
import hashlib
import json
import re
import subprocess

SPACE = "https://data-platform-exporters.example/spdx"
# Header-only libraries, which are compiled in; dpkg-shlibdeps adds linked libraries to the packages' Depends.
HEADERS = ("libcli11-dev", "nlohmann-json3-dev")


def field(package, name):
    return subprocess.run(["dpkg-deb", "--field", package, name], check=True, stdout=subprocess.PIPE,
                          text=True).stdout.strip()  # fmt: skip


def needed_by(package):
    """The names of the packages that it depends on; the first of alternatives."""
    return [re.match(r"\s*([a-z0-9][a-z0-9+.-]*)", each)[1] for each in field(package, "Depends").split(",")]


def of_debian(name, architecture, version):
    """A Debian package; without a version if any is sufficient, because only the installation needs it."""
    place = f"{name}@{version}" if version else name
    return {
        "SPDXID": f"SPDXRef-{name.replace('+', '.')}",
        "name": name,
        **({"versionInfo": version} if version else {}),
        "supplier": "Organization: Debian",
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "externalRefs": [{
            "referenceCategory": "PACKAGE-MANAGER",
            "referenceType": "purl",
            "referenceLocator": f"pkg:deb/debian/{place}?arch={architecture}",
        }],
    }  # fmt: skip


def of_ours(package, name, version):
    return {
        "SPDXID": f"SPDXRef-{name}",
        "name": name,
        "versionInfo": version,
        "supplier": "Organization: Data Platform Exporters",
        "downloadLocation": "NOASSERTION",
        "packageFileName": package.name,
        "filesAnalyzed": False,
        "licenseConcluded": "Apache-2.0",
        "licenseDeclared": "Apache-2.0",
        "checksums": [{"algorithm": "SHA256", "checksumValue": hashlib.sha256(package.read_bytes()).hexdigest()}],
    }


def relationship(name, kind, other):
    return {"spdxElementId": name, "relationshipType": kind, "relatedSpdxElement": other}


def document(name, packages, debian, release):
    """The SBOM of a release's Debian packages, whose libraries are installed in `debian`."""
    installed = debian.packages()
    described, relationships = {}, []
    for package in packages:
        own = of_ours(package, field(package, "Package"), release.version)
        described[own["name"]] = own
        relationships.append(relationship("SPDXRef-DOCUMENT", "DESCRIBES", own["SPDXID"]))
        for other, kind in [*((each, "STATIC_LINK") for each in HEADERS),
                            *((each, "DEPENDS_ON") for each in needed_by(package))]:  # fmt: skip
            architecture, version = installed.get(other, (debian.architecture, None))
            described.setdefault(other, of_debian(other, architecture, version))
            relationships.append(relationship(own["SPDXID"], kind, described[other]["SPDXID"]))
    created = datetime.datetime.fromtimestamp(release.seconds, datetime.timezone.utc)
    return json.dumps({
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": name,
        "documentNamespace": f"{SPACE}/{name}-{release.revision}",
        "creationInfo": {"created": created.strftime("%Y-%m-%dT%H:%M:%SZ"), "creators": ["Tool: deploy/release"]},
        "packages": list(described.values()),
        "relationships": relationships,
    }, indent=1) + "\n"  # fmt: skip
