#include "exporters/dbt/command_line.h"

#include <catch2/catch.hpp>

#include "exporters/dbt/run_results.h"
#include "tests/exporters/dbt/listed.h"

using namespace exporter::dbt;

namespace {

struct Line {
  std::string text, command;
};

RunResults with_arguments(const std::string& args) {
  const auto text =
      metadata("run-results/v6", 1, "one") + R"("args": {)" + args + R"(}, "results": []})";
  return read_run_results({"run_results.json", [&](const auto& sink) { sink(text); }});
}

}  // namespace

TEST_CASE("the command of a dbt command line is what dbt takes for it") {
  const Line lines[] = {
      {"dbt build", "build"},
      {"dbt ls", "list"},
      {"dbt docs generate", "docs generate"},
      {"dbt -q docs --no-compile generate --select test", "docs generate"},
      {"dbt source freshness --select source:run", "source freshness"},
      {"dbt source snapshot-freshness", "source freshness"},
      {"dbt freshness", "freshness"},
      {"dbt run-operation test --args {run: 1}", "run-operation"},
      // Options whose value may be the name of a command.
      {"dbt --target test ls", "list"},
      {"dbt --target test retry", "retry"},
      {"dbt -t run docs generate", "docs generate"},
      {"dbt --target=test ls", "list"},
      {"dbt --profile build --target-path run compile", "compile"},
      {"dbt --log-level debug parse", "parse"},
      {"dbt --defer --state docs --target seed run", "run"},
      {"dbt --log-path debug deps", "deps"},
      {"dbt --printer-width 80 --record-timing-info test clone", "clone"},
      // Short options, combined and with the value attached.
      {"dbt -ttest ls", "list"},
      {"dbt -t=test ls", "list"},
      {"dbt -qt test ls", "list"},
      {"dbt -dqx test", "test"},
      {"dbt -r seed list", "list"},
      // Flags without a value.
      {"dbt --no-partial-parse --debug run", "run"},
      {"dbt --quiet test", "test"},
      {"dbt --warn-error build", "build"},
      {"dbt --fail-fast seed", "seed"},
      {"dbt -- run", "run"},
      {"dbt -q -- ls", "list"},
      // Values with blanks, with and without quotes.
      {R"(dbt --warn-error-options '{"error": "all", "warn": ["run"]}' ls)", "list"},
      {R"(dbt --warn-error-options {"error": "all", "warn": ["run"]} ls)", "list"},
      {R"(dbt --vars="{test: 1, run: 2}" ls)", "list"},
      {"dbt --vars={test: 1, run: 2} ls", "list"},
      {"dbt --log-path /srv/my logs ls", "list"},
      {"dbt --vars env: test ls", "list"},
      {"dbt --vars=env: run retry", "retry"},
      {"dbt --vars env: test -q deps", "deps"},
      {R"(dbt --vars env: "test run" seed)", "seed"},
      {"dbt --select a b --exclude test --quiet build", "build"},
      // Unknown options.
      {"dbt --of-the-future ls", "list"},
      {"dbt --of-the-future value ls", "list"},
      // Not a command of dbt.
      {"dbt", ""},
      {"", ""},
      {"dbt --version", ""},
      {"dbt --target", ""},
      {"dbt tasks run daily_sales build --local", ""},
  };
  for (const auto& line : lines) {
    CAPTURE(line.text);
    CHECK(command_of(line.text) == line.command);
  }
}

TEST_CASE("what sets nodes to work is known by its name alone") {
  for (const auto* command : {"build", "retry", "run", "seed", "snapshot", "test"}) {
    CHECK(runs_nodes(command));
  }
  for (const auto* command : {"", "clone", "compile", "docs generate", "list", "show",
                              "run-operation", "source freshness"}) {
    CHECK_FALSE(runs_nodes(command));
  }
}

TEST_CASE("an operation of dbt 1.5 that failed says so itself") {
  for (const auto* success : {"true", "false"}) {
    const auto text = metadata("run-operation-result/v1", 1, "one") +
                      R"("args": {"which": "run-operation"}, "results": [], "success": )" +
                      success + '}';
    const auto found =
        read_run_results({"run_results.json", [&](const auto& sink) { sink(text); }});
    CHECK(found.has_failed == (success == std::string("false")));
  }
}

TEST_CASE("the arguments of results say their command, and only a retry its command line") {
  auto found =
      with_arguments(R"("which": "build", "invocation_command": "dbt --target test retry")");
  CHECK(found.shown_command() == "retry");
  CHECK(found.command == "build");
  found = with_arguments(R"("which": "retry")");
  CHECK(found.shown_command() == "retry");
  CHECK(found.are_real());
  found = with_arguments(R"("which": "run", "invocation_command": "dbt --target retry build")");
  CHECK(found.shown_command() == "run");
  found = with_arguments(R"("which": "test", "invocation_command": "dbt scheduler --retry retry")");
  CHECK(found.shown_command() == "test");
  found = with_arguments(R"("invocation_command": "dbt --target test docs generate")");
  CHECK(found.shown_command() == "docs generate");
  CHECK(with_arguments(R"("which": "generate")").shown_command() == "docs generate");
}
