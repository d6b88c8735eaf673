"""The command line and the configuration file, as seen by users."""

import re
import unittest

import support
from support import SOURCE, run

FIXTURES = SOURCE / "tests/fixtures/host"
ALONE = ("--once", "--collector.disable-defaults", "--collector.loadavg")


class GeneralFlags(unittest.TestCase):
    def test_help_lists_the_flags_of_every_binary_and_of_every_collector(self):
        result = run("--help")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        for flag in ("config.file", "config.check", "web.listen-address", "web.config.file",
                     "web.telemetry-path", "web.max-requests", "web.enable-lifecycle",
                     "web.access-log", "web.systemd-socket", "log.level", "log.format",
                     "state.dir", "metrics.list", "once", "version", "help", "path.procfs",
                     "path.sysfs", "path.rootfs", "path.udev.data",
                     "collector.filesystem.mount-points-exclude"):
            self.assertRegex(result.stdout, rf"(?m)^  (-h,)?--{re.escape(flag)}[ ,=]")
        for name in listed_collectors():
            self.assertIn(f"--collector.{name},--no-collector.{name}", result.stdout)

    def test_version_is_one_line_with_the_revision(self):
        result = run("--version")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertRegex(result.stdout,
                         r"\Ahost_exporter, version \d+\.\d+\.\d+ \(revision: \w+\)\n\Z")

    def test_a_mistake_on_the_command_line_ends_with_code_2_and_says_what_it_is(self):
        for flags, what in (
                (["--wrong"], "--wrong"),
                (["word"], "word"),
                (["--web.listen-adress=:1"],
                 "--web.listen-adress is not known, did you mean --web.listen-address?\n"),
                (["--no-collector.cpufrek"], "did you mean --no-collector.cpufreq?\n"),
                (["--web.listen-address"], "--web.listen-address needs a value\n"),
                (["--collector.netdev.device-exclude", "--once"],
                 "--collector.netdev.device-exclude needs a value\n"),
                (["--collector.wifi"], "--collector.wifi: this exporter has no collector of this name\n"),
                (["--web.max-requests=many"], "--web.max-requests"),
                (["--web.max-requests=-1"], "--web.max-requests"),
                (["--web.telemetry-path=metrics"], "--web.telemetry-path: must begin with /"),
                (["--log.level=loud"], '"loud" is none of debug info warn error'),
                (["--log.format=xml"], '"xml" is none of logfmt json'),
                (["--collector.nonesuch"], "--collector.nonesuch")):
            with self.subTest(flags=flags):
                result = run(*flags)
                self.assertEqual((result.returncode, result.stdout), (2, ""))
                self.assertIn(what, result.stderr)

    def test_the_list_of_metrics_is_the_one_in_the_documentation(self):
        result = run("--metrics.list")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertEqual((SOURCE / "docs/metrics/host.md").read_text(), result.stdout,
                         "host_exporter --metrics.list > docs/metrics/host.md")

    def test_every_metric_that_the_known_dashboards_and_rules_name_is_there(self):
        rows = re.findall(r"(?m)^\| `([^`]+)`", run("--metrics.list").stdout)
        rows = [re.sub("<[^>]*>", ".+", row) for row in rows if not row.startswith("<")]
        declared = re.compile("|".join(rows))
        names = [line.split()[0] for peer in ("node_exporter", "cadvisor")
                 for line in (SOURCE / f"tests/fixtures/{peer}_names.txt").read_text().splitlines()
                 if not line.startswith("#")]
        self.assertGreater(len(names), 230)
        self.assertEqual([name for name in names if not declared.fullmatch(name)], [])

    def test_the_arguments_of_a_node_exporter_in_production_are_taken(self):
        result = run("--once", "--collector.disable-defaults", "--no-collector.wifi",
                     "--no-collector.zfs", "--collector.filesystem",
                     "--collector.filesystem.ignored-mount-points=.*",
                     "--collector.netdev.device-exclude=^(veth.*|[a-f0-9]{15})$")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertEqual(support.collectors(result.stdout), {"filesystem": True})
        self.assertNotIn("node_filesystem_", result.stdout)

    def test_every_known_command_line_of_node_exporter_is_taken(self):
        lines = (SOURCE / "tests/fixtures/node_exporter_command_lines.txt").read_text()
        blocks = [[line for line in block.splitlines() if not line.startswith("#")]
                  for block in lines.split("\n\n")]
        deployments = {block[0]: block[1:] for block in blocks if block}
        self.assertGreater(len(deployments), 10)
        here = {"--path.procfs": "/proc", "--path.sysfs": "/sys", "--path.rootfs": "/"}
        for name, flags in deployments.items():
            with self.subTest(deployment=name):
                flags = [f"{flag}={here[flag]}" if (flag := given.split("=")[0]) in here else given
                         for given in flags]
                result = run("--config.check", *flags)
                self.assertEqual((result.returncode, result.stderr), (0, ""))

    def test_flags_that_exclude_each_other_are_refused(self):
        for collector, include, exclude in (("netdev", "device-include", "device-exclude"),
                                            ("diskstats", "device-include", "device-exclude"),
                                            ("filesystem", "fs-types-include", "fs-types-exclude")):
            with self.subTest(collector=collector):
                flags = [f"--collector.{collector}.{name}" for name in (include, exclude)]
                result = run("--config.check", *(f"{flag}=a" for flag in flags))
                self.assertEqual((result.returncode, result.stdout), (1, ""))
                self.assertEqual(result.stderr, f"host_exporter: {flags[0]}: cannot be given "
                                                f"together with {flags[1]}\n")

    def test_a_path_that_is_no_folder_is_refused_and_named_by_its_flag(self):
        for flag in ("--path.procfs", "--path.sysfs", "--path.rootfs"):
            for path in ("/nonexistent", __file__):
                for mode in ("--config.check", "--once"):
                    with self.subTest(flag=flag, path=path, mode=mode):
                        result = run(mode, f"{flag}={path}")
                        self.assertEqual((result.returncode, result.stdout), (1, ""))
                        self.assertIn(f"{flag}: {path} is not a directory", result.stderr)

    def test_the_check_covers_the_address_to_listen_on(self):
        result = run("--config.check", "--web.listen-address=9100")
        self.assertEqual((result.returncode, result.stdout), (1, ""))
        self.assertIn("cannot listen on 9100: expected HOST:PORT", result.stderr)


class Once(unittest.TestCase):
    def test_the_page_is_printed_and_nothing_else(self):
        result = run(*ALONE, f"--path.procfs={FIXTURES}/loadavg/typical/proc")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        shown = support.samples(result.stdout)
        self.assertEqual(shown["node_load1"], "0.2")
        self.assertEqual(support.collectors(result.stdout), {"loadavg": True})

    def test_an_engine_that_was_named_and_is_not_there_is_named_in_the_log(self):
        result = run("--once", "--collector.disable-defaults", "--collector.container",
                     "--collector.container.socket=unix:///nonexistent/docker.sock")
        self.assertEqual(result.returncode, 0)
        self.assertIn('\ncontainer_engine_up{engine="/nonexistent/docker.sock"} 0\n', result.stdout)
        self.assertRegex(result.stderr, r'''\A\S+ level=warn msg="container engine" '''
                         r'''engine=/nonexistent/docker.sock '''
                         r'''error="/nonexistent/docker.sock: No such file or directory"\n\Z''')

    def test_a_collector_that_fails_makes_the_exit_code_1_and_is_named(self):
        result = run(*ALONE, "--collector.time",
                     f"--path.procfs={FIXTURES}/loadavg/malformed/proc")
        self.assertEqual(result.returncode, 1)
        self.assertEqual(support.collectors(result.stdout), {"loadavg": False, "time": True})
        self.assertIn("node_time_seconds", result.stdout)
        self.assertNotIn("node_load1 ", result.stdout)
        self.assertEqual(len(result.stderr.splitlines()), 1)
        self.assertRegex(result.stderr, r"collector=loadavg .*loadavg/malformed/proc/loadavg:1: ")


class Collectors(unittest.TestCase):
    def on(self, *flags):
        return set(support.collectors(run("--once", *flags).stdout))

    def test_flags_turn_collectors_on_and_off(self):
        defaults = listed_collectors(enabled=True)
        self.assertEqual(self.on(), defaults)
        self.assertEqual(self.on("--collector.interrupts"), defaults | {"interrupts"})
        self.assertEqual(self.on("--no-collector.cpu", "--no-collector.time"),
                         defaults - {"cpu", "time"})
        self.assertEqual(self.on("--collector.disable-defaults"), set())
        self.assertEqual(self.on("--collector.disable-defaults", "--collector.interrupts",
                                 "--collector.cpu"), {"interrupts", "cpu"})

    def test_of_a_flag_that_is_given_twice_the_last_counts(self):
        alone = ("--collector.disable-defaults", "--collector.time")
        self.assertEqual(self.on(*alone, "--collector.cpu", "--no-collector.cpu"), {"time"})
        self.assertEqual(self.on(*alone, "--no-collector.cpu", "--collector.cpu"),
                         {"time", "cpu"})

    def test_a_flag_may_be_set_to_nothing(self):
        for flag in (["--collector.filesystem.fs-types-exclude="],
                     ["--collector.filesystem.fs-types-exclude", ""]):
            with self.subTest(flag=flag):
                result = run(*flag, "--once", "--collector.disable-defaults",
                             "--collector.filesystem")
                self.assertEqual((result.returncode, result.stderr), (0, ""))
                self.assertIn('fstype="proc"', run_filesystem(*flag))


def run_filesystem(*flags):
    return run("--once", "--collector.disable-defaults", "--collector.filesystem",
               "--collector.filesystem.mount-points-exclude=^$", *flags).stdout


def listed_collectors(enabled=None):
    """The names of the collectors in --metrics.list."""
    found = re.findall(r"^## (\w+)( \(off by default\))?$", run("--metrics.list").stdout, re.M)
    return {name for name, off in found if enabled is None or enabled == (off == "")}


class ConfigurationFile(unittest.TestCase):
    def setUp(self):
        self.folder = self.enterContext(support.folder())

    def write(self, text, name="host.yml"):
        (self.folder / name).write_text(text)

    def with_file(self, *flags):
        return run("--config.file=host.yml", *flags, cwd=self.folder)

    def check(self, text, *flags):
        self.write(text)
        return self.with_file("--config.check", *flags)

    def test_a_good_file_is_said_to_be_valid(self):
        for text in ("", "# nothing\n", "collector: {cpu: {enabled: false}}\n",
                     "path: {procfs: /proc, rootfs: /}\n",
                     "collector:\n  filesystem:\n    mount-timeout: 5s\n    stat-workers: 2\n"):
            with self.subTest(text=text):
                result = self.check(text)
                self.assertEqual((result.returncode, result.stdout, result.stderr),
                                 (0, "host.yml: valid\n", ""))

    def test_a_mistake_is_told_with_its_place_and_a_suggestion(self):
        for text, message in (
                ("collector:\n  filesystem:\n    mount-point-exclude: ^/boot\n",
                 '3:5: collector.filesystem.mount-point-exclude: unknown key, did you mean '
                 '"mount-points-exclude"?'),
                ("collector:\n  lodavg: {enabled: true}\n",
                 '2:3: collector.lodavg: unknown key, did you mean "loadavg"?'),
                ("colector: {}\n", '1:1: colector: unknown key, did you mean "collector"?'),
                ("collector: {cpu: {enabled: yes}}\n",
                 '1:28: collector.cpu.enabled: expected true or false, got "yes"'),
                ("collector: {cpu: true}\n",
                 "1:18: collector.cpu: expected a map, got a string"),
                ("collector: {cpu: {enabled: true}, cpu: {enabled: false}}\n",
                 "1:35: collector.cpu: duplicate key, first at host.yml:1:13"),
                ("collector: {filesystem: {mount-points-exclude: '('}}\n",
                 "1:48: collector.filesystem.mount-points-exclude: not a regular expression: "
                 "missing ): ("),
                ("collector: {filesystem: {mount-timeout: soon}}\n",
                 "1:41: collector.filesystem.mount-timeout: expected a duration such as 5s or "
                 "1m30s"),
                ("collector: {filesystem: {stat-workers: few}}\n",
                 "1:40: collector.filesystem.stat-workers: expected a whole number"),
                ("a: [\n", "1:4: a bracket that is not closed")):
            with self.subTest(text=text):
                result = self.check(text)
                self.assertEqual((result.returncode, result.stdout), (1, ""))
                self.assertEqual(result.stderr, f"host_exporter: host.yml:{message}\n")

    def test_a_file_that_is_not_there_is_named(self):
        result = self.with_file("--config.check")
        self.assertEqual((result.returncode, result.stdout, result.stderr),
                         (1, "", "host_exporter: host.yml: No such file or directory\n"))

    def test_a_faulty_file_ends_the_server_before_it_listens(self):
        self.write("colector: {}\n")
        result = self.with_file("--web.listen-address=127.0.0.1:0")
        self.assertEqual((result.returncode, result.stdout), (1, ""))
        self.assertNotIn("listening", result.stderr)
        self.assertRegex(result.stderr.splitlines()[-1],
                         r'level=error msg="cannot run" error="host\.yml:1:1: colector: ')

    def test_flags_may_stand_in_the_file(self):
        self.write("collector:\n"
                   "  cpu: {enabled: false}\n"
                   "  interrupts: {enabled: true}\n"
                   "  filesystem: {fs-types-include: ^proc$, mount-points-exclude: ^$}\n")
        page = self.with_file("--once").stdout
        on = set(support.collectors(page))
        self.assertEqual(on, listed_collectors(enabled=True) - {"cpu"} | {"interrupts"})
        self.assertEqual(set(re.findall(r'^node_filesystem_readonly\{.*fstype="(\w+)"', page, re.M)),
                         {"proc"})

    def test_the_command_line_wins_over_the_file(self):
        self.write(f"path: {{procfs: {FIXTURES}/loadavg/malformed/proc}}\n"
                   "collector: {loadavg: {enabled: false}, cpu: {enabled: true}}\n")
        result = self.with_file(*ALONE, "--no-collector.cpu",
                                f"--path.procfs={FIXTURES}/loadavg/typical/proc")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertEqual(support.collectors(result.stdout), {"loadavg": True})

    def test_the_file_wins_over_disabled_defaults(self):
        self.write("collector: {time: {enabled: true}}\n")
        page = self.with_file("--once", "--collector.disable-defaults").stdout
        self.assertEqual(support.collectors(page), {"time": True})

    def test_a_wrong_value_on_the_command_line_is_named_by_its_flag(self):
        result = run("--config.check", "--collector.filesystem.mount-points-exclude=(")
        self.assertEqual((result.returncode, result.stdout, result.stderr),
                         (1, "", "host_exporter: --collector.filesystem.mount-points-exclude: not a "
                                 "regular expression: missing ): (\n"))

    def test_the_check_covers_the_web_configuration(self):
        self.write("basic_auth_user: {}\n", "web.yml")
        result = run("--config.check", "--web.config.file=web.yml", cwd=self.folder)
        self.assertEqual((result.returncode, result.stdout), (1, ""))
        self.assertEqual(result.stderr, 'host_exporter: web.yml:1:1: basic_auth_user: unknown key, '
                                        'did you mean "basic_auth_users"?\n')


if __name__ == "__main__":
    unittest.main()
