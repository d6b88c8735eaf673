"""Hashes, keys and passwords do not appear outside of their files: not in logs, pages or errors."""

import ssl
import unittest

import support
from support import Exporter, run

MARKER = "MARKERsecretMARKER"
ALONE = ("--collector.disable-defaults", "--collector.time")


class Secrets(unittest.TestCase):
    def setUp(self):
        self.folder = self.enterContext(support.folder())
        self.web = support.WebConfig(self.folder)

    def secrets(self):
        """Texts that must not appear; for the hash and the key's lines, parts are enough."""
        key = self.web.key.read_text().splitlines()[1:-1]
        authorization = support.basic_auth(self.web.user, self.web.password)["Authorization"]
        digest = self.web.hash[-31:]
        return [digest[:8], digest[-8:], self.web.password, authorization.partition(" ")[2],
                MARKER, *(line[:16] for line in key)]

    def assert_silent(self, text):
        for secret in self.secrets():
            self.assertNotIn(secret, text)


class WhileServing(Secrets):
    def test_nothing_is_shown_at_any_level_in_any_format(self):
        for form in ("logfmt", "json"):
            for level in ("debug", "info", "warn", "error"):
                with self.subTest(level=level, form=form):
                    self.assert_silent(self.serve(f"--log.level={level}", f"--log.format={form}"))

    def serve(self, *flags):
        """All replies of a server to all kinds of clients, and its log."""
        tls = ssl.create_default_context(cafile=self.web.certificate)
        with Exporter(*ALONE, *flags, f"--web.config.file={self.web.file}", "--web.access-log",
                      "--web.enable-lifecycle", silent_port=support.free_port()) as exporter:
            good = support.basic_auth(self.web.user, self.web.password)
            everyone = (good, {}, support.basic_auth(self.web.user, MARKER),
                        support.basic_auth(MARKER, self.web.password),
                        {"Authorization": f"Basic {MARKER}"}, {"Authorization": f"Bearer {MARKER}"},
                        good | {"Accept": support.OPENMETRICS, "Cookie": MARKER})
            shown, statuses = [], set()
            for headers in everyone:
                for path in ("/metrics", "/", "/-/healthy", "/-/ready", "/nonesuch"):
                    answer = exporter.get(path, headers=headers, tls=tls)
                    shown += [str(answer.headers), answer.body.decode()]
                    statuses.add(answer.status)
            self.assertEqual(statuses, {200, 401, 404})
            answer = exporter.get("/-/reload", method="POST", headers=good, tls=tls)
            self.assertEqual(answer.status, 200)
            with self.assertRaises((OSError, support.http.client.HTTPException)):
                exporter.get(headers=good)  # without TLS
            self.assertEqual(exporter.stop(), 0)
            return "\n".join(shown + exporter.log())

    def test_a_file_that_turns_faulty_is_logged_without_them(self):
        tls = ssl.create_default_context(cafile=self.web.certificate)
        good = support.basic_auth(self.web.user, self.web.password)
        with Exporter(*ALONE, f"--web.config.file={self.web.file}") as exporter:
            for text in (f"basic_auth_users: {{{self.web.user}: {MARKER}}}\n",
                         f"basic_auth_users: {{{self.web.user}: '{self.web.hash}\n"):
                before = sum("level=error" in line for line in exporter.log())
                self.web.file.write_text(text)

                def refused():
                    self.assertEqual(exporter.get(headers=good, tls=tls).status, 200)
                    return sum("level=error" in line for line in exporter.log()) > before

                support.poll(refused, "the faulty file is noticed")
            self.web.file.unlink()
            self.assertEqual(exporter.get(headers=good, tls=tls).status, 200)
            self.assertEqual(exporter.stop(), 0)
            self.assert_silent("\n".join(exporter.log()))


class InErrors(Secrets):
    def faulty(self):
        """Web configurations with an error near a secret."""
        user, bcrypt = self.web.user, self.web.hash
        pem = self.web.key.read_text()
        inline = "".join(f"    {line}\n" for line in pem.splitlines())
        (self.folder / "garbage.pem").write_text(MARKER + "\n")
        (self.folder / "broken.pem").write_text(pem.replace("\n", f"\n{MARKER}\n", 1))
        users = "basic_auth_users:\n"
        tls = "tls_server_config:\n  cert_file: certificate.pem\n"
        return {
            "no bcrypt hash": f"{users}  {user}: {MARKER}\n",
            "a hash cut short": f"{users}  {user}: {bcrypt[:-1]}\n",
            "a hash and more": f"{users}  {user}: {bcrypt}{MARKER}\n",
            "no user": f"basic_auth_users: {bcrypt}\n",
            "no colon's blank": f"{users}  {user}:{bcrypt}\n",
            "no colon's blank, the second": f"{users}  a: {bcrypt}\n  {user}:{bcrypt}\n",
            "no colon's blank, in braces": f"basic_auth_users: {{{user}:{bcrypt}}}\n",
            "htpasswd lines": f"{users}  - {user}:{bcrypt}\n",
            "an htpasswd line as key": f'{users}  "{user}:{bcrypt}": {bcrypt}\n',
            "a colon in the name": f'{users}  "a:{MARKER}": {bcrypt}\n',
            "hash and user swapped": f"{users}  {bcrypt}: {user}\n",
            "a map in place of a hash": f"{users}  {user}: {{password: {MARKER}}}\n",
            "a list in place of a hash": f"{users}  {user}: [{bcrypt}]\n",
            "a quote not closed": f'{users}  {user}: "{bcrypt}\n',
            "a bracket not closed": f"basic_auth_users: {{{user}: {bcrypt}\n",
            "a tab": f"{users}\t{user}: {bcrypt}\n",
            "the user twice": f"{users}  {user}: {bcrypt}\n  {user}: {bcrypt}\n",
            "an unknown key": f"basic_auth_user: {{{user}: {bcrypt}}}\n",
            "a hash at the top": f"{bcrypt}\n",
            "an alias": f"{users}  a: &h {bcrypt}\n  b: *g\n",
            "a tag": f"{users}  {user}: !secret {MARKER}\n",
            "no key": f"{tls}  key: {MARKER}\n",
            "a key that cannot be read": f"{tls}  key_file: garbage.pem\n",
            "a key that is broken": f"{tls}  key_file: broken.pem\n",
            "a key from the environment": f"{tls}  key_env: E2E_KEY\n",
            "a key and its file": f"{tls}  key_file: key.pem\n  key: |\n{inline}",
            "a key as certificate": f"tls_server_config:\n  key_file: key.pem\n  cert: |\n{inline}",
            "a key's text as file": f"{tls}  key_file: |\n{inline}",
            "a key's text as variable": f"{tls}  key_env: |\n{inline}",
            "a key's text as certificate file": f"tls_server_config:\n  cert_file: |\n{inline}",
            "a key indented wrongly": f"{tls}  key: |\n{inline}   {MARKER}\n",
            "a key as client CA": f"{tls}  key_file: key.pem\n  client_auth_type: "
                                  f"RequireAndVerifyClientCert\n  client_ca: |\n{inline}",
            "a password for the key": f"{tls}  key_file: key.pem\n  key_password: {MARKER}\n",
        }

    def test_faulty_web_configurations_are_refused_without_them(self):
        env = {"E2E_KEY": MARKER}
        for what, text in self.faulty().items():
            with self.subTest(what=what):
                self.web.file.write_text(text)
                flag = f"--web.config.file={self.web.file}"
                check = run("--config.check", flag, env=env)
                self.assertEqual((check.returncode, check.stdout), (1, ""))
                self.assertRegex(check.stderr, rf"\Ahost_exporter: {self.web.file}:\d+:\d+: .+\n\Z")
                self.assert_silent(check.stderr)
                served = run(*ALONE, flag, "--web.listen-address=127.0.0.1:0", env=env)
                self.assertEqual((served.returncode, served.stdout), (1, ""))
                self.assert_silent(served.stderr)

    def test_nothing_is_shown_of_a_good_one_either(self):
        for key in ("key_file: key.pem", "key_env: E2E_KEY",
                    "key: |\n    " + self.web.key.read_text().replace("\n", "\n    ")):
            with self.subTest(key=key):
                self.web.file.write_text(
                    f"tls_server_config:\n  cert_file: certificate.pem\n  {key}\n"
                    f"basic_auth_users:\n  {self.web.user}: {self.web.hash}\n")
                check = run("--config.check", f"--web.config.file={self.web.file}",
                            "--log.level=debug", env={"E2E_KEY": self.web.key.read_text()})
                self.assertEqual((check.returncode, check.stderr), (0, ""))
                self.assert_silent(check.stdout)

    def test_a_web_configuration_given_as_the_exporters_own_is_refused_without_them(self):
        for text in (self.web.file.read_text(), f"{MARKER}\n", f"collector: {MARKER}\n",
                     f"collector: {self.web.hash}\n"):
            with self.subTest(text=text):
                self.web.file.write_text(text)
                check = run("--config.check", f"--config.file={self.web.file}")
                self.assertEqual((check.returncode, check.stdout), (1, ""))
                self.assert_silent(check.stderr)


if __name__ == "__main__":
    unittest.main()
