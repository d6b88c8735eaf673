"""What deploy/ ships for the exporter: the example configuration."""

import re
import unittest

from support import SOURCE, folder, run

EXAMPLE = SOURCE / "deploy/config/host_exporter.yml"


class Example(unittest.TestCase):
    def check(self, text):
        with folder() as path:
            for tree in ("proc", "sys"):
                (path / "host" / tree).mkdir(parents=True)
            text = text.replace(" /host", f" {path}/host")
            file = path / "host_exporter.yml"
            file.write_text(text)
            result = run(f"--config.file={file}", "--config.check")
            self.assertEqual((result.returncode, result.stdout, result.stderr),
                             (0, f"{file}: valid\n", ""))

    def test_it_is_valid_and_sets_nothing(self):
        text = EXAMPLE.read_text()
        self.check(text)
        settings = [line for line in text.splitlines() if not re.match(r" *#|$", line)]
        self.assertEqual(settings, ["collector:", "path:"])

    def test_it_is_valid_with_each_setting_that_it_shows(self):
        text, count = re.subn(r"(?m)^#(?=  +[a-z.-]+:)", "", EXAMPLE.read_text())
        self.assertGreater(count, 15)
        self.check(text)


if __name__ == "__main__":
    unittest.main()
