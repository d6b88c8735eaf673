#include "exporters/airflow/requirements.h"

#include <catch2/catch.hpp>

#include "common/base/error.h"
#include "common/base/time.h"
#include "tests/exporters/airflow/replay.h"
#include "tests/support/error_of.h"

using namespace exporter;
using namespace exporter::airflow;

namespace {

Requirements requirements_of(const std::string& deadlines) {
  const auto file = Yaml::parse("deadlines: [" + deadlines + "]", "airflow.yml");
  Requirements requirements(file);
  file.finish();
  return requirements;
}

std::string refusal(const std::string& deadlines) {
  return error_of(Reason::config, [&] { requirements_of(deadlines); });
}

DagList list_of(const std::vector<std::string>& dags) {
  DagList list;
  for (const auto& id : dags) {
    Dag dag;
    dag.id = id;
    list.dags.emplace(id, dag);
  }
  return list;
}

Time at(const std::string& time) { return *parse_rfc3339(time); }

/// The time since when "orders" must have succeeded, as of `now`; empty if it has no deadline.
std::string required(const std::string& deadlines, const std::string& now) {
  const auto all = requirements_of(deadlines).of(list_of({"orders"}), at(now));
  if (all.empty()) return "";
  return format_rfc3339(std::chrono::floor<std::chrono::milliseconds>(all.at("orders")));
}

}  // namespace

TEST_CASE("by a time of each day a run must have succeeded on that day") {
  const std::string daily = "{dag_id: orders, done_by: '06:00'}";
  CHECK(required(daily, "2026-07-01T06:00:00Z") == "2026-07-01T00:00:00.000Z");
  CHECK(required(daily, "2026-07-01T23:00:00Z") == "2026-07-01T00:00:00.000Z");
  // Until then, the previous deadline applies.
  CHECK(required(daily, "2026-07-01T05:59:59Z") == "2026-06-30T00:00:00.000Z");
}

TEST_CASE("the time from which on a success counts may be given, also of the day before") {
  CHECK(required("{dag_id: orders, done_by: '06:00', since: '02:00'}", "2026-07-01T06:00:00Z") ==
        "2026-07-01T02:00:00.000Z");
  CHECK(required("{dag_id: orders, done_by: '06:00', since: '22:00'}", "2026-07-01T06:00:00Z") ==
        "2026-06-30T22:00:00.000Z");
  CHECK(required("{dag_id: orders, done_by: '06:00', since: '06:00'}", "2026-07-01T06:00:00Z") ==
        "2026-06-30T06:00:00.000Z");
}

TEST_CASE("a deadline may be of some days of the week") {
  const std::string weekdays =
      "{dag_id: orders, done_by: '06:00', days: [mon, tue, wed, thu, fri]}";
  CHECK(required(weekdays, "2026-07-03T12:00:00Z") == "2026-07-03T00:00:00.000Z");  // Friday
  CHECK(required(weekdays, "2026-07-05T12:00:00Z") == "2026-07-03T00:00:00.000Z");  // Sunday
  CHECK(required(weekdays, "2026-07-06T05:00:00Z") == "2026-07-03T00:00:00.000Z");
  CHECK(required(weekdays, "2026-07-06T06:00:00Z") == "2026-07-06T00:00:00.000Z");  // Monday
  const std::string weekly = "{dag_id: orders, done_by: '06:00', days: [sun]}";
  CHECK(required(weekly, "2026-07-05T05:00:00Z") == "2026-06-28T00:00:00.000Z");
}

TEST_CASE("a deadline is in the local time of its zone, through both changes of the clock") {
  const std::string berlin = "{dag_id: orders, done_by: '06:00', timezone: Europe/Berlin}";
  CHECK(required(berlin, "2026-03-28T05:00:00Z") == "2026-03-27T23:00:00.000Z");
  CHECK(required(berlin, "2026-03-29T03:59:00Z") == "2026-03-27T23:00:00.000Z");
  CHECK(required(berlin, "2026-03-29T04:00:00Z") == "2026-03-28T23:00:00.000Z");
  CHECK(required(berlin, "2026-10-25T04:59:00Z") == "2026-10-23T22:00:00.000Z");
  CHECK(required(berlin, "2026-10-25T05:00:00Z") == "2026-10-24T22:00:00.000Z");

  // A local time that does not exist, and one that occurs twice.
  const std::string half = "{dag_id: orders, done_by: '02:30', timezone: Europe/Berlin}";
  CHECK(required(half, "2026-03-29T00:59:59Z") == "2026-03-27T23:00:00.000Z");
  CHECK(required(half, "2026-03-29T01:00:00Z") == "2026-03-28T23:00:00.000Z");
  CHECK(required(half, "2026-10-25T00:30:00Z") == "2026-10-23T22:00:00.000Z");
  CHECK(required(half, "2026-10-25T01:30:00Z") == "2026-10-24T22:00:00.000Z");
  CHECK(required("{dag_id: orders, done_by: '06:00', since: '02:30', timezone: Europe/Berlin}",
                 "2026-10-25T05:00:00Z") == "2026-10-25T00:30:00.000Z");

  // Time zones ahead of and behind UTC, where the date differs.
  CHECK(required("{dag_id: orders, done_by: '06:00', timezone: Pacific/Auckland}",
                 "2026-06-30T18:00:00Z") == "2026-06-30T12:00:00.000Z");
  CHECK(required("{dag_id: orders, done_by: '22:00', timezone: America/Los_Angeles}",
                 "2026-07-02T05:00:00Z") == "2026-07-01T07:00:00.000Z");
}

TEST_CASE("a success may be required to be of some age at most") {
  CHECK(required("{dag_id: orders, max_age: 2h}", "2026-07-01T06:00:00.5Z") ==
        "2026-07-01T04:00:00.000Z");
}

TEST_CASE("the strictest deadline of a DAG holds, of those whose pattern is its whole name") {
  CHECK(required("{dag_id: orders, max_age: 2h}, {dag_id: 'ord.*', done_by: '06:00'}",
                 "2026-07-01T06:00:00Z") == "2026-07-01T04:00:00.000Z");
  CHECK(required("{dag_id: orders, max_age: 2h}, {dag_id: 'ord.*', done_by: '06:00'}",
                 "2026-07-01T01:00:00Z") == "2026-06-30T23:00:00.000Z");
  CHECK(required("{dag_id: ord, max_age: 2h}", "2026-07-01T06:00:00Z") == "");
  CHECK(required("", "2026-07-01T06:00:00Z") == "");
}

TEST_CASE("a DAG that is paused or in no file has no deadline") {
  auto list = list_of({"a", "broken", "paused", "stale"});
  list.dags.at("paused").is_paused = true;
  list.dags.at("stale").is_stale = true;
  list.dags.at("broken").is_stale = list.dags.at("broken").has_import_errors = true;
  const auto all =
      requirements_of("{dag_id: '.*', max_age: 2h}").of(list, at("2026-07-01 06:00:00Z"));
  CHECK(all.size() == 2);
  CHECK(all.contains("a"));
  CHECK(all.contains("broken"));
}

TEST_CASE("deadlines that match no DAG are named by their expressions") {
  const auto deadlines = Yaml::parse(
      "{deadlines: [{dag_id: 'ord', max_age: 2h}, {dag_id: 'ord.*', max_age: 2h}, {dag_id: hidden, "
      "max_age: 2h}, {dag_id: 'a|b', done_by: '06:00'}, {dag_id: paused, done_by: '06:00'}], "
      "dag_exclude: hidden}",
      "airflow.yml");
  const Requirements requirements(deadlines);
  Selection selection(deadlines);
  CHECK(requirements.unmatched(selection.view()).size() == 5);
  auto list = list_of({"orders", "paused", "hidden"});
  list.dags.at("paused").is_paused = true;
  selection.set_list(list);
  CHECK(requirements.unmatched(selection.view()) ==
        std::vector<std::string>{"ord", "hidden", "a|b"});
}

TEST_CASE("a deadline that cannot be understood is said, with its place") {
  for (const auto* time : {"6", "24:00", "06:60", "06:0", "006:00", "-1:00", "06:00:00", "noon"}) {
    CHECK_THAT(refusal(std::string("{dag_id: a, done_by: '") + time + "'}"),
               Catch::Contains("airflow.yml:1:") && Catch::Contains("a time of day"));
  }
  CHECK_THAT(refusal("{dag_id: a}"), Catch::Contains("either done_by or max_age"));
  CHECK_THAT(refusal("{dag_id: a, done_by: '06:00', max_age: 1h}"),
             Catch::Contains("either done_by or max_age"));
  CHECK_THAT(refusal("{max_age: 1h}"), Catch::Contains("dag_id"));
  CHECK_THAT(refusal("{dag_id: '(', max_age: 1h}"), Catch::Contains("not a regular expression"));
  CHECK_THAT(refusal("{dag_id: a, max_age: 1s}"), Catch::Contains("at least 1m"));
  CHECK_THAT(refusal("{dag_id: a, done_by: '06:00', days: [monday]}"), Catch::Contains("sun, mon"));
  CHECK_THAT(refusal("{dag_id: a, done_by: '06:00', days: []}"), Catch::Contains("at least one"));
  CHECK_THAT(refusal("{dag_id: a, done_by: '06:00', timezone: Berlin}"),
             Catch::Contains("deadlines[0].timezone: no time zone of this name"));
  CHECK_THAT(refusal("{dag_id: a, max_age: 1h, timezone: UTC}"), Catch::Contains("timezone"));
}

TEST_CASE("the deadlines of a deployment are on its page, also while Airflow does not answer") {
  Replay airflow("3.3");
  const auto deployment = deployment_of(
      airflow.url(), "deadlines: [{dag_id: ok, done_by: '00:00', timezone: Asia/Tokyo}]");
  const auto runs = collector(kRuns, deployment);
  const std::string start =
      "airflow_dag_required_success_timestamp_seconds{deployment=\"prod\",dag_id=\"ok\"} ";
  CHECK_THAT(page_of(runs), !Catch::Contains(start));
  page_of(collector(kDags, deployment));
  airflow.set_file("GET /api/v2/dags/~/dagRuns?limit=100&state=running&state=queued", "forbidden");
  Samples samples;
  runs(samples, Deadline::in(std::chrono::minutes(1)));
  CHECK(samples.failure());
  std::string page;
  samples.render(Format::text, page);
  CHECK_THAT(page, Catch::Contains(start));
}
