// One bad row in each list that is read, in each of its fields and at each place.

#include <algorithm>
#include <catch2/catch.hpp>
#include <mutex>
#include <set>

#include "common/base/text.h"
#include "common/base/time.h"
#include "exporters/airflow/past_runs.h"
#include "tests/exporters/airflow/replay.h"

using namespace exporter;
using namespace exporter::airflow;
using namespace std::chrono_literals;

namespace {

/// The fields of a row, as JSON.
using Row = std::vector<std::pair<std::string, std::string>>;

std::string quoted(const std::string& text) { return '"' + text + '"'; }

std::string quoted(Time time) {
  return quoted(format_rfc3339(std::chrono::floor<std::chrono::milliseconds>(time)));
}

/// Before the test began, so that durations are always the same.
std::string ago(std::chrono::seconds age) {
  static const auto kBegin = Ledger::wall_clock();
  return quoted(kBegin - age);
}

std::string json_of(const Row& row) {
  std::string text;
  for (const auto& [field, value] : row) {
    text += (text.empty() ? "" : ", ") + quoted(field) + ": " + value;
  }
  return '{' + text + '}';
}

/// A list of the API: the requests for it have this path and this text in their query.
struct Listing {
  std::string path, marker, key;
  std::vector<std::string> rows = {};
};

/// An Airflow with these lists, in pages of at most `page` rows.
class Airflow {
 public:
  explicit Airflow(bool is_v1)
      : is_v1_(is_v1),
        server_(answer([this](const std::string& each) { return reply_to(each); })) {}

  void set(std::vector<Listing> lists, std::size_t page = 100) {
    const std::lock_guard lock(mutex_);
    lists_ = std::move(lists);
    page_ = page;
    requests_ = 0;
  }
  /// Answers requests for a row with this text, or for any row if it is empty, with this status.
  void set_fault(std::optional<std::string> row, int status = 500) {
    const std::lock_guard lock(mutex_);
    fault_ = std::move(row);
    status_ = status;
    requests_ = 0;
  }
  std::string url() const { return server_.url(); }
  /// The number of requests for rows since the last change of the lists or the fault.
  std::size_t requests() {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  static std::string json(const std::string& body) {
    return reply(200, body, "Content-Type: application/json\r\n");
  }
  static std::size_t number_in(const std::string& line, const std::string& name,
                               std::size_t otherwise) {
    const auto at = line.find(name + '=');
    return at == line.npos ? otherwise : std::stoul(line.substr(at + name.size() + 1));
  }

  std::string reply_to(const std::string& request) {
    const std::lock_guard lock(mutex_);
    const auto line = request.substr(0, request.find(" HTTP/"));
    if (line.ends_with("/token")) return json(R"({"access_token": "x"})");
    if (line == (is_v1_ ? "GET /api/v1/version" : "GET /api/v2/version")) {
      return json(is_v1_ ? R"({"version": "2.11.0"})" : R"({"version": "3.3.0"})");
    }
    const auto target = line.substr(line.find(' ') + 1);
    const auto path = target.substr(0, target.find('?'));
    for (const auto& list : lists_) {
      if (path == (is_v1_ ? "/api/v1" : "/api/v2") + list.path &&
          target.find(list.marker) != target.npos) {
        return page_of(list, target);
      }
    }
    return reply(404, "{}", "Content-Type: application/json\r\n");
  }

  std::string page_of(const Listing& list, const std::string& target) {
    ++requests_;
    const auto total = list.rows.size();
    const auto from = std::min(total, number_in(target, "offset", 0));
    const auto to = std::min(total, from + std::min(page_, number_in(target, "limit", page_)));
    std::string rows;
    for (auto at = from; at < to; ++at) rows += (at == from ? "" : ", ") + list.rows[at];
    if (fault_ && (fault_->empty() || rows.find(*fault_) != rows.npos)) return reply(status_, "{}");
    return json(R"({"total_entries": )" + std::to_string(total) + ", \"" + list.key + "\": [" +
                rows + "]}");
  }

  std::mutex mutex_;
  const bool is_v1_;
  std::vector<Listing> lists_;
  std::size_t page_ = 100, requests_ = 0;
  std::optional<std::string> fault_;
  int status_ = 500;
  ScriptedServer server_;
};

/// A list, and the other lists that its rows need to appear on the page.
struct Case {
  std::string name;
  const airflow::Module* module;
  Listing list;
  /// Makes a row; all of its samples contain the name.
  std::function<Row(const std::string& name)> row;
  std::vector<Listing> others = {};
  bool has_pages = true;
};

Row dag(bool is_v1, const std::string& name) {
  Row row{{"dag_id", quoted(name)},     {"dag_display_name", quoted(name)},
          {"owners", R"(["a", "b"])"},  {"tags", R"([{"name": "t"}])"},
          {"is_paused", "false"},       {"has_import_errors", "false"},
          {"last_parsed_time", ago(1h)}};
  if (is_v1) {
    row.insert(row.end(), {{"schedule_interval", R"({"value": "@daily"})"},
                           {"timetable_description", "\"Daily\""},
                           {"is_active", "true"},
                           {"next_dagrun_create_after", ago(1h)}});
  } else {
    row.insert(row.end(), {{"timetable_summary", "\"@daily\""},
                           {"is_stale", "false"},
                           {"next_dagrun_run_after", ago(1h)}});
  }
  return row;
}

Row run(const std::string& name, bool has_ended) {
  Row row{{"dag_id", quoted(name)},
          {"dag_run_id", "\"r\""},
          {"state", has_ended ? "\"success\"" : "\"running\""},
          {"run_type", "\"scheduled\""},
          {"data_interval_end", ago(20min)},
          {"run_after", ago(20min)},
          {"queued_at", ago(19min)},
          {"start_date", ago(18min)}};
  if (has_ended) row.emplace_back("end_date", ago(17min));
  return row;
}

Row task(const std::string& name, bool has_ended) {
  Row row{{"id", quoted(name)},
          {"dag_id", quoted(name)},
          {"dag_run_id", "\"r\""},
          {"task_id", "\"t\""},
          {"map_index", "-1"},
          {"try_number", "1"},
          {"state", has_ended ? "\"success\"" : "\"running\""},
          {"pool", "\"p\""},
          {"queue", "\"q\""},
          {"queued_when", ago(19min)},
          {"scheduled_when", ago(19min)},
          {"start_date", ago(18min)}};
  if (has_ended) row.emplace_back("end_date", ago(17min));
  return row;
}

std::vector<std::string> texts(const std::vector<Row>& rows) {
  std::vector<std::string> all;
  for (const auto& row : rows) all.push_back(json_of(row));
  return all;
}

std::vector<Case> cases(bool is_v1) {
  const std::string runs = "/dags/~/dagRuns", tasks = "/dags/~/dagRuns/~/taskInstances";
  const std::string assets = is_v1 ? "/datasets" : "/assets";
  const Listing no_events{assets + "/events", "", is_v1 ? "dataset_events" : "asset_events"};
  const Listing no_assets{assets, "", is_v1 ? "datasets" : "assets"};
  const Listing no_runs{runs, "state=running", "dag_runs"};
  const Listing no_tasks{tasks, "state=running", "task_instances"};
  const Listing none_ended{runs, "updated_at_gte", "dag_runs"};
  auto ended = none_ended;
  ended.rows = texts({run("row0", true), run("row1", true), run("row2", true)});
  const Listing tasks_of_ended{tasks + "/list", "", "task_instances"};
  std::vector<Case> all{
      {"DAGs", &kDags, {"/dags", "", "dags"}, [=](auto& name) { return dag(is_v1, name); }},
      {"warnings",
       &kDagWarnings,
       {"/dagWarnings", "", "dag_warnings"},
       [](auto& name) {
         return Row{{"dag_id", quoted(name)}, {"warning_type", "\"non-existent pool\""}};
       }},
      {"import errors",
       &kImportErrors,
       {"/importErrors", "", "import_errors"},
       [](auto& name) {
         return Row{{"import_error_id", name.substr(3)},
                    {"filename", quoted(name)},
                    {"bundle_name", "\"b\""}};
       }},
      {"pools",
       &kPools,
       {"/pools", "", "pools"},
       [](auto& name) {
         return Row{{"name", quoted(name)}, {"slots", "8"},           {"running_slots", "1"},
                    {"queued_slots", "1"},  {"scheduled_slots", "1"}, {"deferred_slots", "1"},
                    {"occupied_slots", "3"}};
       }},
      {"assets",
       &kAssets,
       no_assets,
       [=](auto& name) {
         Row row{{"uri", quoted(name)},
                 {"producing_tasks", R"([{"dag_id": "d", "task_id": "t"}])"}};
         if (is_v1) return row;
         row.insert(row.end(), {{"name", quoted(name)},
                                {"group", "\"asset\""},
                                {"last_asset_event", "{\"timestamp\": " + ago(1h) + "}"}});
         return row;
       },
       {no_events}},
      {"events of assets",
       &kAssets,
       no_events,
       [=](auto& name) {
         return Row{{"id", name.substr(3)},
                    {is_v1 ? "dataset_uri" : "name", quoted(name)},
                    {"timestamp", quoted(Ledger::wall_clock() + 10s)}};
       },
       {no_assets}},
      {"live runs",
       &kRuns,
       no_runs,
       [](auto& name) { return run(name, false); },
       {no_tasks, none_ended, tasks_of_ended}},
      {"live task instances",
       &kRuns,
       no_tasks,
       [](auto& name) { return task(name, false); },
       {no_runs, none_ended, tasks_of_ended}},
      {"finished runs",
       &kRuns,
       none_ended,
       [](auto& name) { return run(name, true); },
       {no_runs, no_tasks, tasks_of_ended}},
      {"task instances of finished runs",
       &kRuns,
       tasks_of_ended,
       [](auto& name) { return task(name, true); },
       {no_runs, no_tasks, ended},
       false},
  };
  if (!is_v1) {
    all.push_back({"jobs",
                   &kJobs,
                   {"/jobs", "", "jobs"},
                   [](auto& name) {
                     return Row{{"job_type", name == "row0"   ? "\"SchedulerJob\""
                                             : name == "row1" ? "\"TriggererJob\""
                                                              : "\"DagProcessorJob\""}};
                   },
                   {},
                   false});
  }
  return all;
}

/// The result of one run of a collector.
struct Result {
  std::set<std::string> lines = {};
  std::string malformed = {}, failure = {};
};

Result collect(const airflow::Module& module, const Airflow& airflow) {
  const auto deployment = deployment_of(airflow.url(),
                                        "bearer_token: x, budget: {requests_per_second: 100000, "
                                        "burst: 1000}");
  Samples samples;
  Result result;
  try {
    collector(module, deployment)(samples, Deadline::in(1min));
    if (samples.failure()) result.failure = samples.failure()->what();
  } catch (const Error& error) {
    return {.failure = error.what()};
  }
  result.malformed = samples.first_malformed_row();
  std::string page;
  samples.render(Format::text, page);
  for (std::string_view rest = page; !rest.empty();) {
    auto line = std::string(next_part(rest, '\n'));
    if (line.starts_with('#')) continue;
    // Times of good rows differ between runs of the test.
    if (line.find("_timestamp_seconds{") != line.npos) line.erase(line.rfind(' '));
    result.lines.insert(std::move(line));
  }
  return result;
}

/// The lines that are neither of this row nor of all rows together.
std::set<std::string> others(std::set<std::string> lines, const std::string& name) {
  std::erase_if(lines, [&](const std::string& line) {
    const auto has = [&](std::string_view text) { return line.find(text) != line.npos; };
    return has(name) || has("\ufffd") || has("xxxxxxxx") || has("airflow_import_errors{") ||
           has("airflow_component_jobs{") || has("airflow_unread_runs{") ||
           has("airflow_pools_hidden{");
  });
  return lines;
}

/// Values that replace the one of a field, as JSON; nullopt removes the field.
std::vector<std::optional<std::string>> bad_values() {
  return {std::nullopt,
          "null",
          "7",
          "\"a\"",
          "true",
          "[7]",
          "[]",
          "{}",
          "1e400",
          "123456789012345678901234567890",
          "NaN",
          R"("\ud800")",
          quoted(std::string(5000, 'x')),
          "\"9999-12-31T23:59:59Z\"",
          "\"0001-01-01T00:00:00Z\""};
}

/// Bad rows made from a good one, each with a description of its fault.
std::vector<std::pair<std::string, std::string>> bad_rows(const Row& good) {
  std::vector<std::pair<std::string, std::string>> all;
  for (const auto* row : {"7", "null", "\"a\"", "[]", "{}", "NaN"}) all.emplace_back(row, row);
  for (std::size_t field = 0; field < good.size(); ++field) {
    for (const auto& value : bad_values()) {
      auto row = good;
      if (value) {
        row[field].second = *value;
      } else {
        row.erase(row.begin() + static_cast<std::ptrdiff_t>(field));
      }
      all.emplace_back(good[field].first + ": " + value.value_or("missing").substr(0, 30),
                       json_of(row));
    }
  }
  return all;
}

std::vector<Listing> lists_of(const Case& each, const std::vector<std::string>& rows) {
  auto lists = each.others;
  lists.push_back(each.list);
  lists.back().rows = rows;
  return lists;
}

}  // namespace

TEST_CASE("a bad row of a list costs itself alone") {
  const bool is_v1 = GENERATE(true, false);
  Airflow airflow(is_v1);
  const std::vector<std::string> names{"row0", "row1", "row2"};
  for (const auto& each : cases(is_v1)) {
    CAPTURE(is_v1, each.name);
    std::vector<Result> expected;
    for (const auto& name : names) {
      auto rest = names;
      std::erase(rest, name);
      airflow.set(lists_of(each, texts({each.row(rest[0]), each.row(rest[1])})));
      expected.push_back(collect(*each.module, airflow));
      REQUIRE(expected.back().failure.empty());
    }
    std::size_t at = 0, page = 2;
    const auto count = bad_rows(each.row("row0")).size();
    for (std::size_t i = 0; i < count; ++i) {
      // Each of the three places in turn; the last one also alone on its page.
      at = (at + 1) % names.size();
      const auto [what, bad] = bad_rows(each.row(names[at]))[i];
      if (at == 0) page = page == 2 || !each.has_pages ? 100 : 2;
      CAPTURE(what, at, page);
      auto rows = texts({each.row("row0"), each.row("row1"), each.row("row2")});
      rows[at] = bad;
      airflow.set(lists_of(each, rows), page);
      const auto result = collect(*each.module, airflow);
      // A finished run that is alone on its page is requested again: see UnreadRuns.
      const bool is_asked_again = each.name == "finished runs" && page == 2 && at == 2;
      if (!is_asked_again) CHECK(result.failure == "");
      const auto rest = others(expected[at].lines, names[at]);
      CHECK(std::ranges::includes(others(result.lines, names[at]), rest));
    }
  }
}

TEST_CASE("a row of a list that Airflow cannot describe costs itself alone") {
  const bool is_v1 = GENERATE(true, false);
  Airflow airflow(is_v1);
  for (const auto& each : cases(is_v1)) {
    if (!each.has_pages) continue;
    const std::size_t count = each.name.starts_with("live") ? 14 : 7;  // also in pages of two
    for (std::size_t number = 0; number < count; ++number) {
      const std::size_t at = number % 7, page = number < 7 ? 100 : 2;
      CAPTURE(is_v1, each.name, at, page);
      std::vector<Row> rows;
      for (std::size_t i = 0; i < 7; ++i) rows.push_back(each.row("row" + std::to_string(i)));
      const auto name = "row" + std::to_string(at);
      airflow.set(lists_of(each, texts(rows)), page);
      const auto expected = collect(*each.module, airflow);
      airflow.set_fault('"' + name + '"');
      const auto result = collect(*each.module, airflow);
      airflow.set_fault({});
      CHECK(result.failure.empty() == (is_v1 && each.module == &kPools));
      CHECK(std::ranges::includes(result.lines, others(expected.lines, name)));
    }
  }
}

TEST_CASE("rows of a list that Airflow cannot describe are left out only if they are few") {
  Airflow airflow(false);
  for (const auto& each : cases(false)) {
    if (each.module == &kRuns || each.module == &kJobs || each.name == "events of assets") continue;
    CAPTURE(each.name);
    std::vector<Row> rows;
    for (std::size_t i = 0; i < 100; ++i) rows.push_back(each.row("row" + std::to_string(i)));
    airflow.set(lists_of(each, texts(rows)));
    airflow.set_fault("\"row7");
    const auto result = collect(*each.module, airflow);
    airflow.set_fault({});
    CHECK_THAT(result.failure, Catch::Contains("status 500"));
    CHECK(std::ranges::none_of(
        result.lines, [](const std::string& line) { return line.find("\"row8\"") != line.npos; }));
  }
}

TEST_CASE("an outage costs few requests") {
  const bool is_v1 = GENERATE(true, false);
  Airflow airflow(is_v1);
  for (const auto& each : cases(is_v1)) {
    if (each.module == &kJobs) continue;
    CAPTURE(is_v1, each.name);
    airflow.set(lists_of(each, texts({each.row("row0")})));
    airflow.set_fault("");
    const auto result = collect(*each.module, airflow);
    CHECK_THAT(result.failure, Catch::Contains("status 500"));
    CHECK(airflow.requests() <= (is_v1 && each.module == &kPools ? 3 : 2));
    airflow.set_fault({});
  }
}

TEST_CASE("rows of which none can be read are not asked for one by one") {
  const bool is_v1 = GENERATE(true, false);
  Airflow airflow(is_v1);
  for (const auto& each : cases(is_v1)) {
    if (each.module == &kRuns && each.name.starts_with("live")) {
      CAPTURE(is_v1, each.name);
      airflow.set(lists_of(each, std::vector<std::string>(500, "{}")));
      CHECK_THAT(collect(*each.module, airflow).failure, Catch::Contains("missing"));
      CHECK(airflow.requests() <= 4);
    }
  }
}

TEST_CASE("a bad run costs itself alone in the past") {
  const bool is_v1 = GENERATE(true, false);
  Airflow airflow(is_v1);
  const auto deployment = deployment_of(
      airflow.url(), "bearer_token: x, budget: {requests_per_second: 100000, burst: 1000}");
  const auto now = std::chrono::floor<std::chrono::seconds>(Ledger::wall_clock());
  const auto count = [&](std::vector<std::string> rows, std::optional<std::string> fault) {
    airflow.set({{"/dags/~/dagRuns", "end_date_gte", "dag_runs", std::move(rows)}});
    airflow.set_fault(std::move(fault));
    TimedSamples page;
    read_past_runs(deployment, {now - 1h, {}, 5min})(now, page, Deadline::in(1min));
    std::string text;
    page.write([&](std::string_view part) { text += part; });
    std::size_t dags = 0;
    for (const auto* name : {"row0", "row1", "row2"}) {
      dags += text.find("airflow_dag_runs_total{deployment=\"prod\",dag_id=\"" +
                        std::string(name)) != text.npos;
    }
    return dags;
  };
  const auto rows = texts({run("row0", true), run("row1", true), run("row2", true)});
  CHECK(count(rows, {}) == 3);
  CHECK(count(rows, "row1") == 2);
  CHECK(count({rows[0], "{}", rows[2]}, {}) == 2);
  CHECK(count({"{}"}, {}) == 0);
  CHECK_THROWS_AS(count(rows, ""), Error);
}
