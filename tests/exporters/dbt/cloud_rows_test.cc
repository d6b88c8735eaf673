// One bad row in each list of dbt Cloud and S3, in each of its fields and at each place.

#include <algorithm>
#include <catch2/catch.hpp>

#include "exporters/dbt/s3_xml.h"
#include "tests/exporters/dbt/cloud_account.h"

using namespace exporter;
using namespace exporter::dbt;
using namespace std::chrono_literals;

namespace {

/// The fields of a row, as JSON.
using Row = std::vector<std::pair<std::string, std::string>>;

std::string json_of(const Row& row) {
  std::string text;
  for (const auto& [field, value] : row) {
    text += (text.empty() ? "\"" : ", \"") + field + "\": " + value;
  }
  return '{' + text + '}';
}

std::string list(const std::vector<std::string>& rows) {
  std::string text;
  for (const auto& row : rows) text += (text.empty() ? "" : ", ") + row;
  return "{\"data\": [" + text + "]}";
}

http::Response page(const std::vector<std::string>& rows) {
  return {.body = Body(list(rows)), .headers = {}};
}

/// A run of the job 40, 41 or 42, which is the only one of its job.
Row run_row(int number) {
  return {{"id", std::to_string(100 + number)},
          {"job_definition_id", std::to_string(40 + number)},
          {"status", "10"},
          {"created_at", '"' + iso(ago(400s)) + '"'},
          {"started_at", '"' + iso(ago(390s)) + '"'},
          {"finished_at", '"' + iso(ago(300s)) + '"'},
          {"artifacts_saved", "true"}};
}

Row job_row(int number) {
  return {{"id", std::to_string(40 + number)},
          {"name", "\"Nightly\""},
          {"project_id", "7"},
          {"environment_id", "8"}};
}

/// The texts of a bad row, each with what is bad about it; its id stays readable if so wanted.
std::vector<std::pair<std::string, std::string>> bad_rows(const Row& good, bool with_id = true) {
  std::vector<std::pair<std::string, std::string>> all;
  if (with_id) {
    for (const auto* row : {"7", "null", "\"a\"", "[]", "{}"}) all.emplace_back(row, row);
  }
  for (std::size_t field = with_id ? 0 : 1; field < good.size(); ++field) {
    for (const auto* value :
         {"", "null", "-7", "\"a\"", "true", "[]", "{}", "123456789012345678901234567890"}) {
      auto row = good;
      row[field].second = value;
      if (row[field].second.empty()) row.erase(row.begin() + static_cast<std::ptrdiff_t>(field));
      all.emplace_back(good[field].first + ": " + value, json_of(row));
    }
  }
  return all;
}

/// Without those of the job 40 + number.
Lines without(Lines lines, int number) {
  std::erase_if(lines, [&](const std::string& line) {
    return line.find("job_id=\"" + std::to_string(40 + number) + '"') != line.npos ||
           line.starts_with("dbt_cloud_unread_runs");
  });
  std::ranges::sort(lines);
  return lines;
}

/// Apart from that no run has artifacts.
bool has_failed(const Account& account) {
  const auto& error = account.error();
  return error && error->what() != std::string("no artifacts in the runs of dbt Cloud");
}

bool includes(const Lines& all, const Lines& some) {
  Lines sorted = all;
  std::ranges::sort(sorted);
  return std::ranges::includes(sorted, some);
}

}  // namespace

TEST_CASE("a bad row of a list of dbt Cloud costs itself alone") {
  const std::string what = GENERATE("/runs/", "/jobs/");
  const auto row = what == "/runs/" ? run_row : job_row;
  FakeCloud cloud;
  const auto look = [&](const std::vector<std::string>& rows) {
    cloud.next("/runs/", {page({json_of(run_row(0)), json_of(run_row(1)), json_of(run_row(2))})});
    cloud.next("/jobs/", {page({json_of(job_row(0)), json_of(job_row(1)), json_of(job_row(2))})});
    cloud.next(what, {page(rows)});
    Account account(cloud);
    const auto lines = account.look();
    CHECK_FALSE(has_failed(account));
    return lines;
  };
  std::vector<std::string> good{json_of(row(0)), json_of(row(1)), json_of(row(2))};
  const auto expected = look(good);
  int at = 0;
  const auto count = bad_rows(row(0)).size();
  for (std::size_t i = 0; i < count; ++i) {
    at = (at + 1) % 3;
    const auto [bad, text] = bad_rows(row(at))[i];
    CAPTURE(what, bad, at);
    auto rows = good;
    rows[static_cast<std::size_t>(at)] = text;
    CHECK(includes(look(rows), without(expected, at)));
  }
}

TEST_CASE("a bad run that is alone in the list costs itself alone") {
  const auto bad = GENERATE(from_range(bad_rows(run_row(2), false)));
  CAPTURE(bad.first);
  FakeCloud cloud;
  cloud.put_job(41, "Nightly");
  cloud.put(ended(101, 41, 300s));
  Account account(cloud);
  account.look();
  cloud.next("/runs/", {page({bad.second})});
  account.look();
  CHECK_FALSE(has_failed(account));
  cloud.put(ended(103, 41, 200s));
  cloud.put(103, 2, "run_results.json", results("three", ago(200s)));
  CHECK_THAT(of(account.look(), "dbt_cloud_job_runs_total"),
             Catch::VectorContains(std::string(R"(job_id="41",outcome="success"} 2)")));
  CHECK(account.project().nodes.contains("model.shop.a"));
}

TEST_CASE("a malformed run is counted once it can be read, and not asked for forever") {
  FakeCloud cloud;
  cloud.put_job(42, "Nightly");
  cloud.put(ended(101, 42, 500s));
  auto bad = ended(102, 42, 400s);
  bad.is_malformed = true;
  const bool is_new = GENERATE(false, true);
  if (!is_new) cloud.put(bad);
  Account account(cloud);
  const auto runs = [&] { return of(account.look(), "dbt_cloud_job_runs_total"); };
  CHECK(runs() == Lines{R"(job_id="42",outcome="success"} 1)"});
  if (is_new) {
    cloud.put(bad);
    CHECK(runs() == Lines{R"(job_id="42",outcome="success"} 1)"});
    CHECK_FALSE(has_failed(account));
  }
  cloud.requests();
  CHECK(runs() == Lines{R"(job_id="42",outcome="success"} 1)"});
  CHECK(cloud.requests() == Lines{"/runs/102/", "/runs/"});
  SECTION("it can be read") {
    bad.is_malformed = false;
    cloud.put(bad);
    CHECK(runs() == Lines{R"(job_id="42",outcome="success"} 2)"});
  }
  SECTION("it is gone") { cloud.next("/runs/102/", {{.status = 404, .body = {}, .headers = {}}}); }
  account.look();
  cloud.requests();
  account.look();
  CHECK(cloud.requests() == Lines{"/runs/"});
}

TEST_CASE("a list of jobs of which a row is bad is not whole") {
  FakeCloud cloud;
  cloud.put_job(42, "Nightly");
  const auto api = cloud.api();
  CloudNames names;
  CHECK(api.jobs(names, Deadline::in(20s)).is_whole);
  cloud.next("/jobs/", {page({json_of(job_row(2)), "{}"})});
  const auto jobs = api.jobs(names, Deadline::in(20s));
  CHECK_FALSE(jobs.is_whole);
  CHECK(jobs.rows.size() == 1);
}

TEST_CASE("a bad path or step of a run costs itself alone") {
  FakeCloud cloud;
  cloud.put_job(42, "Nightly");
  cloud.put(ended(101, 42, 300s));
  cloud.put(101, 2, "run_results.json", results("one", ago(300s)));
  SECTION("a path") {
    cloud.next("/runs/101/artifacts/?2", {page({"7", "\"run_results.json\"", "null"})});
  }
  SECTION("a step") {
    const auto step = GENERATE("7", "{}", R"({"index": "a"})", R"({"index": 3, "name": 7})");
    auto row = run_row(1);
    row.emplace_back("run_steps", "[" + std::string(step) +
                                      R"(, {"index": 2, "name": "Invoke dbt with `dbt build`"}])");
    cloud.next("/runs/101/", {{.body = Body("{\"data\": " + json_of(row) + "}"), .headers = {}}});
  }
  Account account(cloud);
  account.look();
  CHECK_FALSE(account.error());
  CHECK(account.project().nodes.contains("model.shop.a"));
}

TEST_CASE("a bad object of a listing of S3 costs itself alone") {
  const std::string good =
      "<Contents><Key>a</Key><Size>1</Size>"
      "<LastModified>2026-11-28T03:00:00Z</LastModified></Contents>";
  const std::string bad = GENERATE("<Contents/>", "<Contents>7</Contents>",
                                   "<Contents><Key>a</Key><Size>-1</Size></Contents>");
  const auto objects = [](const std::string& inside, bool is_first = true) {
    return read_s3_listing("<ListBucketResult>" + inside + "</ListBucketResult>", "s3://lake/",
                           is_first)
        .objects.size();
  };
  CHECK(objects(bad + good + good) == 2);
  CHECK(objects(good + bad + good) == 2);
  CHECK(objects(good + good + bad) == 2);
  CHECK(objects(bad, false) == 0);
}
