"""Each relative link in a document leads to an existing file, and to an existing heading."""

import os
import pathlib
import re
import unittest
import urllib.parse

import support

FENCE = re.compile(r"^( *)(```|~~~).*?^\1\2[ \t]*$", re.M | re.S)
CODE = re.compile(r"`[^`\n]*`")
LINK = re.compile(r"\]\(\s*<?([^)\s>]+)>?[^)]*\)|^\[[^\]]+\]:\s*(\S+)", re.M)
HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$", re.M)


def documents(root):
    """The documents of the project, without built or downloaded ones."""
    found = []
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if name != "build" and not name.startswith(".")]
        found += [pathlib.Path(folder, name) for name in files if name.endswith(".md")]
    return found


def anchors(text):
    """The anchors of the headings, as GitHub generates them."""
    found = set()
    for heading in HEADING.findall(FENCE.sub("", text)):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        name = base = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        number = 0
        while name in found:
            number += 1
            name = f"{base}-{number}"
        found.add(name)
    return found


def broken(root, path):
    """The broken links of a document, each with what is wrong."""
    text = path.read_text()
    prose = CODE.sub("", FENCE.sub("", text))
    for match in LINK.finditer(prose):
        link = match[1] or match[2]
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = urllib.parse.unquote(link).partition("#")
        target = path if not name else path.parent / name
        if not target.resolve().is_relative_to(root.resolve()) or not target.exists():
            yield link, "no such file"
        elif anchor and (target.suffix != ".md" or anchor not in anchors(target.read_text())):
            yield link, "no such heading"


class Documents(unittest.TestCase):
    def test_each_link_leads_somewhere(self):
        found = documents(support.SOURCE)
        self.assertGreater(len(found), 50)
        wrong = [f"{path.relative_to(support.SOURCE)}: {link}: {what}"
                 for path in found for link, what in broken(support.SOURCE, path)]
        self.assertEqual(wrong, [])

    def test_what_leads_nowhere_is_found(self):
        folder = self.enterContext(support.folder())
        (folder / "a.md").write_text("# Two words, `a_b`\n\n## Again\n\n## Again\n\n```\n[x](none.md)\n```\n"
                                     "[1](#two-words-a_b) [2](b.md#again-1) [3](b.md) [4](c.md) [5](#again-2) "
                                     "`[6](d.md)` [7](https://example.com/x) ![8](e.png) [9](../f.md)\n")
        (folder / "b.md").write_text("# Again\n# Again\n")
        self.assertEqual(list(broken(folder, folder / "a.md")),
                         [("c.md", "no such file"), ("#again-2", "no such heading"),
                          ("e.png", "no such file"), ("../f.md", "no such file")])


if __name__ == "__main__":
    unittest.main()
