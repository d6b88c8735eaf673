#include <catch2/catch.hpp>
#include <string>
#include <utility>
#include <vector>

#include "common/base/error.h"
#include "tests/exporters/sql/imported.h"
#include "tests/support/error_of.h"

using exporter::Error;
using exporter::Reason;

namespace {

/// The error without the path of the file.
std::string refused(const std::string& text) {
  const auto error = error_of(Reason::config, [&] { imported(text); });
  const auto name = error.find("theirs.yml");
  return name == std::string::npos ? error : error.substr(name + 10);
}

std::string target(const std::string& url) {
  return "target: {name: db, data_source_name: '" + url + "', collectors: [a]}\n";
}

std::string one_metric(const std::string& metric) {
  return target("postgres://db/x") + "collectors:\n- collector_name: a\n  metrics:\n  - " + metric +
         "\n";
}

std::string repeated(const std::string& text, int count) {
  std::string all;
  for (int i = 0; i < count; ++i) all += text;
  return all;
}

}  // namespace

TEST_CASE("import: what cannot be read is an error with its place", "[sql][import]") {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"", ":1:1: not a configuration of"},
      {"a: 1", ":1:1: not a configuration of"},
      {"[1]", ":1:1: expected a map, got a sequence"},
      {"jobs: 5", ":1:7: jobs: expected a sequence, got a string"},
      {"jobs: []", ":1:1: it has no database"},
      {"collector_name: a", ":1:1: a file of one collector"},
      {"{apiVersion: v1, kind: ConfigMap}", ":1:1: a Kubernetes object"},
      {"target: [", ":1:9: a bracket that is not closed"},
      {"target: {collectors: []}", ":1:9: target.data_source_name: missing"},
      {"target: {data_source_name: {a: b}, collectors: []}", "expected a string, got a map"},
      {target("sqlite:/x") + "jobs: []", "jobs: expected either target or jobs"},
      {one_metric("{metric_name: a, help: a, type: summary, values: [a], query: SELECT 1}"),
       "metrics[0].type: expected counter or gauge"},
      {one_metric("{metric_name: a, help: a, type: gauge, values: [a]}"),
       "metrics[0]: expected query or query_ref"},
      {one_metric("{metric_name: a, help: a, type: gauge, values: [a], query_ref: q}"),
       "query_ref: there is no query of this name"},
      {one_metric("{metric_name: a, help: a, type: gauge, values: [a], static_value: 1, "
                  "query: SELECT 1}"),
       "expected values or static_value"},
      {target("sqlite:/x") + "global: {min_interval: soon}", "expected a duration"},
      {"databases: {a: {dsn: 'sqlite://'}}\nqueries: {q: {databases: [b], metrics: [], sql: s}}",
       "there is no database of this name"},
      {"databases: !include missing.yml", "missing.yml"},
      {"databases: {a: {dsn: 'sqlite://'}}\nqueries: {q: {databases: [a], metrics: [], sql: !file "
       "missing.sql}}",
       "missing.sql"},
  };
  for (const auto& [text, error] : cases) {
    CAPTURE(text);
    CHECK_THAT(refused(text), Catch::Contains(error));
  }
}

TEST_CASE("import: what is huge or deep ends with an error or within its bounds", "[sql][import]") {
  CHECK_THAT(refused(std::string(2 << 20, '#')), Catch::EndsWith("larger than 1 MiB"));
  CHECK_THAT(refused("target: \n" + repeated("- ", 100)), Catch::Contains("64 levels"));
  std::string jobs = "jobs:\n- job_name: j\n  collectors: []\n  static_configs:\n  - targets:\n";
  for (int i = 0; i < 1001; ++i) jobs += "      t" + std::to_string(i) + ": 'sqlite:/x'\n";
  CHECK_THAT(refused(jobs), Catch::Contains("more than 1000 databases"));
  // A query of 200 KiB in each of 100 collectors.
  std::string metrics, query = "SELECT 1 AS a, 2 AS b, '" + std::string(200 << 10, 'x') + "' AS c";
  for (int i = 0; i < 100; ++i) {
    metrics += "  - {metric_name: m" + std::to_string(i) +
               ", type: gauge, help: h, value_label: v, values: [a, b], query_ref: q}\n";
  }
  CHECK_THAT(refused(target("sqlite:/x") + "collectors:\n- collector_name: a\n  queries:\n  - " +
                     "{query_name: q, query: \"" + query + "\"}\n  metrics:\n" + metrics),
             Catch::Contains("8 MiB of queries"));
}

TEST_CASE("import: the lists of sources in its output have a bound", "[sql][import]") {
  std::string targets, metrics;
  for (int i = 0; i < 900; ++i) {
    targets += "      a_target_with_a_rather_long_name_" + std::to_string(i) + ": 'sqlite:/x'\n";
  }
  for (int i = 0; i < 400; ++i) {
    const auto number = std::to_string(i);
    metrics += "  - {metric_name: m" + number +
               ", type: gauge, help: h, values: [a], query: SELECT " + number + " AS a}\n";
  }
  const auto job = [&](const std::string& name, const std::string& of_job) {
    return "- job_name: " + name + "\n  collectors: [" + name +
           "]\n  static_configs:\n  - targets:\n" + of_job;
  };
  const auto collectors = "collectors:\n- collector_name: a\n  metrics:\n" + metrics;
  CHECK(imported("jobs:\n" + job("a", targets) + collectors).size() < 1'000'000);
  CHECK_THAT(
      refused("jobs:\n" + job("a", targets) + job("b", "      b: 'sqlite:/x'\n") + collectors),
      Catch::EndsWith("longer than 8 MiB"));
}

TEST_CASE("import: notes, labels, values and sets of parameters have bounds", "[sql][import]") {
  std::string keys;
  for (int i = 0; i < 3000; ++i) keys += "k" + std::to_string(i) + ": 1\n";
  const auto noted = imported(target("sqlite:/x") + keys);
  CHECK(noted.size() < 200'000);
  CHECK_THAT(noted, Catch::Contains("# - and more\n"));
  CHECK(refusal_of(noted).empty());

  std::string columns;
  for (int i = 0; i < 201; ++i) columns += (i == 0 ? "c" : ", c") + std::to_string(i);
  const auto metric = [](const std::string& more) {
    return one_metric("{metric_name: a, help: a, type: gauge, query: SELECT 1, " + more + "}");
  };
  CHECK_THAT(imported(metric("value_label: v, values: [" + columns + "]")),
             Catch::Contains("more than 200 columns of values"));
  CHECK_THAT(imported(metric("values: [v], key_labels: [" + columns + "]")),
             Catch::Contains("more than 13 labels"));
  std::string sets;
  for (int i = 0; i < 51; ++i) sets += "{p: " + std::to_string(i) + "}, ";
  CHECK_THAT(imported("databases: {d: {dsn: 'sqlite://'}}\nmetrics: {m: {type: gauge}}\nqueries: "
                      "{q: {databases: [d], metrics: [m], sql: 'SELECT :p AS m', parameters: [" +
                      sets + "]}}\n"),
             Catch::Contains("more than 50 sets of parameters"));
}

TEST_CASE("import: odd texts stay in their places in YAML", "[sql][import]") {
  const std::vector<std::string> texts{"null", "~",       "yes", "5",      "-",   "a: b", "a #b",
                                       "'",    "\\\"",    "[a]", "{a}",    "- a", "é 😀",  "a\\nb",
                                       "\\tb", "a\\x01b", " a ", "!env A", "*a",  "&a",   "%a",
                                       "@a",   "`a",      "|",   ">"};
  for (const auto& text : texts) {
    CAPTURE(text);
    const auto result =
        imported(one_metric("{metric_name: a, type: gauge, values: [v], help: \"" + text +
                            "\", static_labels: {l: \"" + text + "\"}, query: SELECT 1 AS v}"));
    CHECK(refusal_of(result).empty());
    CHECK_THAT(result, Catch::Contains("- name: a\n"));
  }
}

TEST_CASE("import: columns and queries that could not be accepted are left out", "[sql][import]") {
  const std::vector<std::string> metrics{
      "{metric_name: 1a, type: gauge, help: h, values: [v], query: SELECT 1 AS v}",
      "{metric_name: a, type: gauge, help: h, values: [nan], query: SELECT 1 AS v}",
      "{metric_name: a, type: gauge, help: h, values: [], query: SELECT 1 AS v}",
      "{metric_name: a, type: gauge, help: h, values: [v, w], query: SELECT 1 AS v}",
      "{metric_name: a, type: gauge, help: h, values: [v], key_labels: [__x], query: SELECT 1}",
      "{metric_name: a, type: gauge, help: h, values: [v], key_labels: [a-b], query: SELECT 1}",
      "{metric_name: a, type: gauge, help: h, values: [v], key_labels: [a, a], query: SELECT 1}",
      "{metric_name: a, type: gauge, help: h, values: [v], query: \"SELECT 'a\"}",
      "{metric_name: a, type: gauge, help: h, values: [v], query: \" \"}",
      "{metric_name: exporter_a, type: gauge, help: h, values: [v], query: SELECT 1}",
      "{metric_name: sql_queries_total, type: counter, help: h, values: [v], query: SELECT 1}"};
  for (const auto& metric : metrics) {
    CAPTURE(metric);
    const auto result = imported(one_metric(metric));
    CHECK_THAT(result, Catch::Contains("left out: "));
    CHECK(result.find("collectors:\n") == std::string::npos);
    CHECK(refusal_of(result).empty());
  }
}
