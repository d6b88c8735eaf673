"""Builds projects with the dbt of this environment, whose Snowflake is fakesnow. Writes as JSON, by
project, the statements that it sent and the results that it reports. Run by dbt_ran.py.

Usage: dbt_session.py OUT PROJECT..."""

import json
import pathlib
import re
import shutil
import sys
import uuid
from unittest import mock

import fakesnow
from dbt.cli.main import dbtRunner
from dbt_common.events.contextvars import get_node_info
from fakesnow.conn import FakeSnowflakeConnection
from fakesnow.cursor import FakeSnowflakeCursor
from snowflake.connector.converter import SnowflakeConverter

# In the second build, tables exist, so that there are merges.
BUILDS = 2
SET_TAG = re.compile(r"alter session set query_tag = '(.*)'$", re.M)


class Recorder:
    """Records the statements between dbt and fakesnow. fakesnow has no session tags and no temporary tables
    in schemas, and merges only if no two columns have the same name."""

    def __init__(self):
        self.sent, self.connect, self.execute = [], FakeSnowflakeConnection.__init__, FakeSnowflakeCursor.execute

    def patches(self):
        recorder = self

        def connect(self, *arguments, **named):
            self.query_tag = named.get("session_parameters", {}).get("QUERY_TAG", "")
            recorder.connect(self, *arguments, **named)

        def execute(self, command, params=None, *arguments, **named):
            return recorder.run(self, command, params, *arguments, **named)

        return (mock.patch.object(FakeSnowflakeConnection, "__init__", connect),
                mock.patch.object(FakeSnowflakeCursor, "execute", execute))  # fmt: skip

    def run(self, cursor, command, params, *arguments, **named):
        connection = cursor._conn  # noqa: SLF001
        # dbt knows the node that it runs; there is none while it lists existing relations.
        statement = {"node": get_node_info().get("unique_id"), "text": written(command, params),
                     "tag": connection.query_tag, "id": str(uuid.uuid4())}  # fmt: skip
        self.sent.append(statement)
        if found := SET_TAG.search(command):
            connection.query_tag = found[1]
            command = "select 1"
        elif "show parameters like 'query_tag'" in command:
            command = f"select 'QUERY_TAG' as \"key\", '{connection.query_tag}' as \"value\""
        elif re.search(r"^merge into", command, re.M):
            command = "select 1"
        self.execute(cursor, command.replace("temporary", ""), params, *arguments, **named)
        statement["id"] = cursor.sfqid
        return cursor


def written(command, params):
    """The text as sent by the connector, with the values of its parameters."""
    if not params:
        return command
    convert = SnowflakeConverter()
    return command % tuple(convert.quote(convert.escape(convert.to_snowflake(each))) for each in params)


def build(project, number):
    """The results of a build, from its artifact, which is copied."""
    dbtRunner().invoke(["--quiet", "--log-level-file", "none", "build",
                        "--project-dir", str(project), "--profiles-dir", str(project),
                        "--target", "prod"])  # fmt: skip
    artifact = project / "target/run_results.json"
    shutil.copy(artifact, project / f"run_results_{number}.json")
    return json.loads(artifact.read_text())["results"]


def main():
    out, *projects = map(pathlib.Path, sys.argv[1:])
    found = {}
    for project in projects:
        recorder = Recorder()
        with fakesnow.patch():
            connect, execute = recorder.patches()
            with connect, execute:
                results = [result for number in range(BUILDS) for result in build(project, number)]
        found[project.name] = {"sent": recorder.sent, "results": [
            {"node": each["unique_id"], "status": each["status"], "id": each["adapter_response"].get("query_id")}
            for each in results]}  # fmt: skip
    out.write_text(json.dumps(found))


main()
