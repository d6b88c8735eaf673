"""The rules for includes in ARCHITECTURE.md ("Directories") hold in every source file."""

import pathlib
import re
import shutil
import unittest

import support
from support import SOURCE

# The other parts that each part of common/ may include.
PARTS = {
    "base": set(),
    "metric": {"base"},
    "config": {"base"},
    "ledger": {"base", "metric", "collect"},
    "collect": {"base", "metric"},
    "http": {"base", "config"},
    "sql": {"base", "metric"},
    "app": {"base", "metric", "config", "collect", "http", "ledger"},
}

# Libraries that only some files may include, by the start of the header's name.
LIBRARIES = {
    "curl/": r"common/http/\w+\.(h|cc)",
    "microhttpd.h": r"common/http/\w+\.cc",
    "gnutls/": r"common/http/\w+\.(h|cc)",
    "crypt.h": r"common/http/\w+\.cc",
    "yaml-cpp/": r"common/config/\w+\.(h|cc)",
    "nlohmann/": r"common/config/\w+\.(h|cc)",
    "CLI/": r"common/app/\w+\.cc",
    "re2/": r"common/app/\w+\.cc",
    "zlib.h": r"common/(metric|http)/\w+\.cc",
    "sqlite3.h": r"common/ledger/\w+\.(h|cc)",
    "sql.h": r"common/sql/\w+\.(h|cc)",
    "sqlext.h": r"common/sql/\w+\.(h|cc)",
    "prometheus/": r"common/(app|http)/\w+\.(h|cc)",
    "systemd/": r"exporters/host/\w+\.cc",
    "pugixml.hpp": r"exporters/dbt/\w+\.cc",
}


def violations(root):
    """One line for each include that breaks a rule."""
    found = []
    for folder in ("common", "exporters", "examples"):
        for path in sorted((root / folder).rglob("*.[hc]*")):
            if path.suffix in (".h", ".cc"):
                found += check(path.relative_to(root), path.read_text())
    return found


def check(path, text):
    for number, line in enumerate(text.splitlines(), start=1):
        include = re.match(r'\s*#\s*include\s+["<]([^">]+)[">]', line)
        if include and (why := refuse(path, include.group(1))):
            yield f"{path}:{number}: {include.group(1)}: {why}"


def refuse(path, header):
    """Why the file may not include the header; None if it may."""
    for begin, allowed in LIBRARIES.items():
        if header.startswith(begin):
            return None if re.fullmatch(allowed, str(path)) else f"only {allowed} may include it"
    top, _, rest = header.partition("/")
    if path.parts[0] == "common":
        return refuse_in_common(path.parts[1], top, rest)
    if top == "exporters" and not header.startswith(f"exporters/{path.parts[1]}/"):
        return "no exporter may include another"
    return None


def refuse_in_common(part, top, rest):
    if top == "exporters":
        return "common/ may not include an exporter"
    other = rest.partition("/")[0]
    if top == "common" and other != part and other not in PARTS[part]:
        return f"{part}/ may not include {other}/"
    return None


class Includes(unittest.TestCase):
    def test_the_rules_hold(self):
        self.assertEqual(violations(SOURCE), [])

    def test_every_part_has_a_rule(self):
        parts = {path.name for path in (SOURCE / "common").iterdir() if path.is_dir()}
        self.assertEqual(parts, set(PARTS))

    def test_the_files_are_found(self):
        self.assertEqual(list(check(pathlib.Path("common/base/x.h"), "")), [])
        self.assertGreater(len(list((SOURCE / "exporters").rglob("*.cc"))), 20)

    def test_each_kind_of_violation_is_found(self):
        for file, include, why in (
                ("common/base/error.h", '"common/metric/metric.h"', "base/ may not include metric/"),
                ("common/metric/gzip.cc", '"common/collect/runner.h"',
                 "metric/ may not include collect/"),
                ("common/collect/runner.cc", '"common/app/app.h"',
                 "collect/ may not include app/"),
                ("common/collect/runner.cc", '"common/http/client.h"',
                 "collect/ may not include http/"),
                ("common/config/yaml.cc", '"common/http/url.h"', "config/ may not include http/"),
                ("common/http/client.cc", '"common/app/app.h"', "http/ may not include app/"),
                ("common/ledger/run.cc", '"common/app/app.h"', "ledger/ may not include app/"),
                ("common/app/app.cc", '"exporters/host/files.h"',
                 "common/ may not include an exporter"),
                ("exporters/host/files.cc", '"exporters/sql/query.h"',
                 "no exporter may include another"),
                ("examples/exporter/main.cc", '"exporters/dbt/cloud.h"',
                 "no exporter may include another"),
                ("exporters/host/files.cc", "<curl/curl.h>", "may include it"),
                ("common/app/app.cc", "<microhttpd.h>", "may include it"),
                ("common/app/app.cc", "<yaml-cpp/yaml.h>", "may include it"),
                ("common/http/client.cc", "<nlohmann/json.hpp>", "may include it"),
                ("exporters/host/main.cc", "<CLI/CLI.hpp>", "may include it"),
                ("exporters/host/main.cc", "<pugixml.hpp>", "may include it"),
                ("exporters/host/main.cc", "<sqlite3.h>", "may include it"),
                ("exporters/host/netdev.cc", "<re2/re2.h>", "may include it")):
            with self.subTest(file=file, include=include), support.folder() as copy:
                for part in ("common", "exporters", "examples/exporter"):
                    shutil.copytree(SOURCE / part, copy / part)
                with (copy / file).open("a") as source:
                    source.write(f"#include {include}\n")
                found = violations(copy)
                self.assertEqual(len(found), 1, found)
                self.assertTrue(found[0].startswith(f"{file}:"), found)
                self.assertTrue(found[0].endswith(why), found)


if __name__ == "__main__":
    unittest.main()
