"""The compiler rejects a metric that breaks a rule, with the rule's name and the line of the
declaration."""

import os
import pathlib
import re
import subprocess
import tempfile
import unittest

SOURCE = pathlib.Path(__file__).resolve().parents[2]

BROKEN = (
    ('gauge("0runs", "Help.")', "metric_name_is_not_valid"),
    ('gauge("a:b", "Help.")', "metric_name_is_not_valid"),
    ('gauge("runs", "")', "help_is_missing"),
    ('counter("runs", "Help.")', "counter_name_must_end_in_total"),
    ('gauge("runs_total", "Help.")', "only_a_counter_name_may_end_in_total"),
    ('info("build", "Help.")', "info_name_must_end_in_info"),
    ('gauge("runs_count", "Help.")', "suffixes_bucket_count_and_sum_belong_to_histograms"),
    ('histogram("runs_bucket", "Help.")', "suffixes_bucket_count_and_sum_belong_to_histograms"),
    ('gauge("runs", "Help.", "0a")', "label_name_is_not_valid"),
    ('gauge("runs", "Help.", "le")', "label_name_is_reserved"),
    ('gauge("runs", "Help.", "quantile")', "label_name_is_reserved"),
    ('gauge("runs", "Help.", "a", "job")', "label_name_is_reserved"),
    ('gauge("runs", "Help.", "instance")', "label_name_is_reserved"),
    ('gauge("runs", "Help.", "__name__")', "label_name_is_reserved"),
    ('gauge("runs", "Help.", "a", "b", "a")', "label_name_is_duplicate"),
)
SOUND = ('counter("runs_total", "Help.", "a", "b")', 'gauge("runs", "Help.")',
         'info("build_info", "Help.", "version")', 'histogram("run_seconds", "Help.", "a")')


def rules_by_line(declarations):
    """The rules that the compiler reports, by the number of the declaration, from 0."""
    lines = ['#include "common/metric/metric.h"']
    lines += [f"const auto k{i} = exporter::{text};" for i, text in enumerate(declarations)]
    with tempfile.NamedTemporaryFile("w", suffix=".cc") as file:
        file.write("\n".join(lines) + "\n")
        file.flush()
        output = subprocess.run(
            [os.environ.get("CXX", "c++"), "-std=c++20", "-fsyntax-only",
             f"-I{SOURCE}", file.name],
            env=os.environ | {"LC_ALL": "C"}, capture_output=True, text=True, check=False).stderr
        name = re.escape(file.name)
    found, line = {}, None
    for at, rule in re.findall(rf"{name}:(\d+):|function '(?:[\w: ]*::)?(\w+)(?:\(\))?'", output):
        line = int(at) - 2 if at else line
        found.setdefault(line, set()).update({rule} - {""})
    return found


class MetricRules(unittest.TestCase):
    def test_the_compiler_names_the_rule_that_a_declaration_breaks(self):
        found = rules_by_line([text for text, _ in BROKEN])
        for line, (text, rule) in enumerate(BROKEN):
            with self.subTest(text=text):
                self.assertEqual(found.get(line), {rule})

    def test_a_sound_declaration_compiles(self):
        self.assertEqual(rules_by_line(SOUND), {})


if __name__ == "__main__":
    unittest.main()
