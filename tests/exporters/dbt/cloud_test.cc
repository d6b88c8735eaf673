#include "exporters/dbt/cloud.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "common/config/yaml.h"
#include "exporters/dbt/artifacts.h"
#include "tests/exporters/dbt/cloud_account.h"
#include "tests/exporters/dbt/configured.h"
#include "tests/support/error_of.h"
#include "tests/support/temporary_directory.h"

using namespace exporter;
using namespace exporter::dbt;
using namespace std::chrono_literals;

TEST_CASE("jobs of dbt Cloud: what runs, what waits, how the last run ended") {
  FakeCloud cloud;
  cloud.put_job(42, "Nightly");
  cloud.put_job(43, "Hourly");
  cloud.put(ended(101, 42, 600s, 10));
  cloud.put(ended(102, 42, 300s, 20));
  auto queued = running(103, 42, 60s);
  queued.status = 1;
  queued.started_at.reset();
  cloud.put(queued);
  cloud.put(running(104, 43, 60s));
  cloud.put(running(105, 43, 30s));
  Account account(cloud);
  auto page = account.look();
  std::erase_if(page, [](const auto& line) { return line.find("_seconds_") != line.npos; });
  CHECK(
      page ==
      Lines{R"(dbt_cloud_job_info{project="shop",job_id="42",name="Nightly",cloud_project="Shop",)"
            R"(cloud_environment="Production"} 1)",
            R"(dbt_cloud_job_info{project="shop",job_id="43",name="Hourly",cloud_project="Shop",)"
            R"(cloud_environment="Production"} 1)",
            R"(dbt_cloud_job_queued_runs{project="shop",job_id="42"} 1)",
            R"(dbt_cloud_job_queued_runs{project="shop",job_id="43"} 0)",
            R"(dbt_cloud_job_running_runs{project="shop",job_id="42"} 0)",
            R"(dbt_cloud_job_running_runs{project="shop",job_id="43"} 2)",
            R"(dbt_cloud_job_last_status{project="shop",job_id="42",status="error"} 1)",
            R"(dbt_cloud_job_last_run_timestamp_seconds{project="shop",job_id="42"} )" +
                seconds(ago(300s)),
            R"(dbt_cloud_job_last_run_has_failures{project="shop",job_id="42"} 0)",
            R"(dbt_cloud_job_last_success_timestamp_seconds{project="shop",job_id="42"} )" +
                seconds(ago(600s)),
            R"(dbt_cloud_unread_runs{project="shop"} 2)",
            R"(dbt_cloud_job_runs_total{project="shop",job_id="42",outcome="error"} 1)",
            R"(dbt_cloud_job_runs_total{project="shop",job_id="42",outcome="success"} 1)"});
}

TEST_CASE("a run is counted once when it has ended, however late, and again in no other look") {
  FakeCloud cloud;
  cloud.put_job(42, "Nightly");
  cloud.put(running(101, 42, 500s));
  cloud.put(ended(102, 42, 400s));
  Account account(cloud);
  const auto runs = [&] { return of(account.look(), "dbt_cloud_job_runs_total"); };
  const Lines one{R"(job_id="42",outcome="success"} 1)"};
  CHECK(runs() == one);
  CHECK(runs() == one);
  cloud.put(ended(101, 42, 10s, 30));
  const Lines both{R"(job_id="42",outcome="cancelled"} 1)", one[0]};
  CHECK(runs() == both);
  CHECK(runs() == both);
  CHECK(of(account.look(), "dbt_cloud_job_last_status") ==
        Lines{R"(job_id="42",status="cancelled"} 1)"});
  CHECK(of(account.look(), "dbt_cloud_job_running_runs") == Lines{R"(job_id="42"} 0)"});
}

TEST_CASE("a run that is deleted before it ends no longer runs") {
  FakeCloud cloud;
  cloud.put_job(42, "Nightly");
  cloud.put(running(101, 42, 500s));
  Account account(cloud);
  CHECK(of(account.look(), "dbt_cloud_job_running_runs") == Lines{R"(job_id="42"} 1)"});
  cloud.next("/runs/101/", {{.status = 404, .body = {}, .headers = {}}});
  CHECK(of(account.look(), "dbt_cloud_job_running_runs") == Lines{R"(job_id="42"} 0)"});
}

TEST_CASE("how long runs waited and took is counted, but not of cancelled ones") {
  FakeCloud cloud;
  cloud.put_job(42, "Nightly");
  cloud.put(ended(101, 42, 500s));
  cloud.put(ended(102, 42, 400s, 30));
  auto never_started = ended(103, 42, 300s, 30);
  never_started.started_at.reset();
  never_started.finished_at.reset();
  cloud.put(never_started);
  Account account(cloud);
  const auto page = account.look();
  const auto sum_and_count = [&](const std::string& family) {
    return std::pair(of(page, family + "_sum"), of(page, family + "_count"));
  };
  const Lines count{R"(job_id="42"} 1)"};
  CHECK(sum_and_count("dbt_cloud_job_queue_duration_seconds") ==
        std::pair(Lines{R"(job_id="42"} 20)"}, Lines{R"(job_id="42"} 2)"}));
  CHECK(sum_and_count("dbt_cloud_job_run_duration_seconds") ==
        std::pair(Lines{R"(job_id="42"} 90)"}, count));
  CHECK(sum_and_count("dbt_cloud_job_total_duration_seconds") ==
        std::pair(Lines{R"(job_id="42"} 100)"}, count));
}

TEST_CASE("a limit of requests is kept to, and the look goes on after it") {
  FakeCloud cloud;
  cloud.put_job(42, "Nightly");
  cloud.next("/runs/", {{.status = 429, .body = {}, .headers = {{"Retry-After", "1"}}}});
  Account account(cloud);
  const auto begin = Clock::now();
  account.look();
  CHECK(account.error()->what() == std::string("no artifacts in the runs of dbt Cloud"));
  CHECK(Clock::now() - begin >= 1s);
}

TEST_CASE("a token that is refused, and a reply that is none, are errors that say so") {
  FakeCloud cloud;
  Account stranger(cloud, "", "barley");
  CHECK(stranger.look() == Lines{R"(dbt_cloud_unread_runs{project="shop"} 0)"});
  CHECK(stranger.error()->reason() == Reason::auth);
  const auto why = [&](Reason reason, const std::string& token) {
    const auto api = cloud.api(token);
    return error_of(reason, [&] { api.runs_after(0, Deadline::in(20s)); });
  };
  const auto where = "GET " + cloud.url() + "/api/v2/accounts/1/runs/: ";
  CHECK(why(Reason::auth, "barley") == where + "status 401");
  cloud.next("/runs/", {{.body = Body("{\"data\": [{\"id\": \"x\"}]}"), .headers = {}},
                        {.body = Body("<html>"), .headers = {}}});
  CHECK(why(Reason::decode, "sesame") == where + "data[0].id: expected integer, got string");
  CHECK(why(Reason::decode, "sesame").starts_with(where + "not valid JSON"));
}

TEST_CASE("a run or a job of an unexpected shape costs itself") {
  FakeCloud cloud;
  cloud.put_job(42, "Nightly");
  cloud.put_job(43, "Hourly");
  cloud.put(ended(101, 42, 500s));
  cloud.put(running(102, 42, 400s));
  auto malformed = ended(103, 43, 350s);
  malformed.is_malformed = true;
  cloud.put(malformed);
  cloud.next("/jobs/", {{.body = Body(R"({"data": [{"id": "x"}, {"id": 42, "name": "Nightly"}]})"),
                         .headers = {}}});
  Account account(cloud);
  const auto page = account.look();
  CHECK(of(page, "dbt_cloud_job_info").size() == 1);
  CHECK(of(page, "dbt_cloud_job_runs_total") == Lines{R"(job_id="42",outcome="success"} 1)"});

  INFO("and later, of those that run and of those that come");
  auto open = ended(102, 42, 10s);
  open.is_malformed = true;
  cloud.put(open);
  malformed.id = 104;
  cloud.put(malformed);
  cloud.put(ended(105, 42, 5s));
  cloud.put(105, 2, "run_results.json", results("five", ago(5s)));
  CHECK(of(account.look(), "dbt_cloud_job_runs_total") ==
        Lines{R"(job_id="42",outcome="success"} 2)"});
  CHECK(account.project().nodes.contains("model.shop.a"));
}

TEST_CASE(
    "an unfinished run that cannot be read stays, is asked for again, and holds up no other") {
  const http::Response refused{.status = 501, .body = {}, .headers = {}};
  const http::Response malformed{.body = Body("{\"data\": {}}"), .headers = {}};
  const auto reply = GENERATE_COPY(refused, malformed);
  FakeCloud cloud;
  cloud.put_job(42, "Nightly");
  cloud.put(running(101, 42, 500s));
  Account account(cloud);
  account.look();
  cloud.next("/runs/101/", {reply});
  cloud.put(ended(102, 42, 400s));
  auto page = account.look();
  CHECK(of(page, "dbt_cloud_job_running_runs") == Lines{R"(job_id="42"} 1)"});
  CHECK(of(page, "dbt_cloud_job_runs_total") == Lines{R"(job_id="42",outcome="success"} 1)"});
  cloud.put(ended(101, 42, 10s));
  page = account.look();
  CHECK(of(page, "dbt_cloud_job_running_runs") == Lines{R"(job_id="42"} 0)"});
  CHECK(of(page, "dbt_cloud_job_runs_total") == Lines{R"(job_id="42",outcome="success"} 2)"});
}

TEST_CASE("few of many unfinished runs that cannot be read are asked for, and none that is old") {
  FakeCloud cloud;
  cloud.put_job(42, "Nightly");
  for (int id = 101; id < 107; ++id) cloud.put(running(id, 42, id == 101 ? 48h : 1h));
  Account account(cloud);
  account.look();
  cloud.requests();
  const http::Response refused{.status = 501, .body = {}, .headers = {}};
  for (int id = 101; id < 107; ++id) {
    cloud.next("/runs/" + std::to_string(id) + '/', {refused, refused});
  }
  CHECK(of(account.look(), "dbt_cloud_job_running_runs") == Lines{R"(job_id="42"} 5)"});
  CHECK(cloud.requests() == Lines{"/runs/101/", "/runs/102/", "/runs/103/", "/runs/"});
  account.look();
  CHECK(cloud.requests() == Lines{"/runs/104/", "/runs/105/", "/runs/106/", "/runs/"});
}

TEST_CASE("runs are read although names or jobs cannot be, and known names stay") {
  FakeCloud cloud;
  cloud.put_job(42, "Nightly");
  cloud.put(ended(101, 42, 500s));
  const http::Response refused{.status = 501, .body = {}, .headers = {}};
  const auto list = GENERATE("/projects/", "/jobs/");
  CAPTURE(list);
  cloud.next(list, {refused});
  Account account(cloud);
  const auto page = account.look();
  CHECK(of(page, "dbt_cloud_job_runs_total") == Lines{R"(job_id="42",outcome="success"} 1)"});
  const std::string named = R"(job_id="42",name="Nightly",cloud_project="7",)";
  CHECK(of(page, "dbt_cloud_job_info") ==
        (list == std::string("/jobs/") ? Lines{}
                                       : Lines{named + R"(cloud_environment="Production"} 1)"}));

  const auto api = cloud.api();
  CloudNames names;
  api.jobs(names, Deadline::in(20s));
  cloud.next("/projects/", {refused});
  CHECK(api.jobs(names, Deadline::in(20s)).rows.at(0).project == "Shop");
}

TEST_CASE(
    "after a restart nothing is counted or read again, and what ended meanwhile is not missed") {
  const TemporaryDirectory state;
  FakeCloud cloud;
  cloud.put_job(42, "Nightly");
  cloud.put(ended(101, 42, 500s));
  cloud.put(101, 2, "run_results.json", results("one", ago(500s), "error"));
  cloud.put(running(102, 42, 400s));
  const std::string directory = state.path();
  {
    Account account(cloud, "", "sesame", directory);
    account.look();
    account.look();
  }
  cloud.requests();
  cloud.put(ended(102, 42, 100s));
  cloud.put(102, 2, "run_results.json", results("two", ago(100s), "error"));
  cloud.put(ended(103, 42, 50s));
  cloud.put(103, 2, "run_results.json", results("three", ago(50s), "error"));
  Account account(cloud, ", lookback: 1s", "sesame", directory);
  CHECK(of(account.look(), "dbt_cloud_job_runs_total") ==
        Lines{R"(job_id="42",outcome="success"} 3)"});
  CHECK(account.project().nodes.at("model.shop.a").consecutive_failures == 3);
  const auto requests = cloud.requests();
  CHECK(std::ranges::count(requests, "/runs/101/artifacts/run_results.json?2") == 0);
}

TEST_CASE(
    "of a job that did not run lately the newest run is read, and its last success asked for") {
  FakeCloud cloud;
  cloud.put_job(42, "Yearly");
  cloud.put(ended(90, 42, 24h * 400));
  cloud.put(ended(91, 42, 24h * 40, 20));
  cloud.put(91, 2, "run_results.json", results("old", ago(24h * 40)));
  Account account(cloud);
  const auto page = account.look();
  CHECK(of(page, "dbt_cloud_job_last_status") == Lines{R"(job_id="42",status="error"} 1)"});
  CHECK(of(page, "dbt_cloud_job_last_success_timestamp_seconds") ==
        Lines{R"(job_id="42"} )" + seconds(ago(24h * 400))});
  CHECK(of(page, "dbt_cloud_job_runs_total").empty());
  CHECK(account.project().nodes.size() == 1);
}

TEST_CASE("only the jobs that are asked for are followed") {
  FakeCloud cloud;
  cloud.put_job(42, "Nightly");
  cloud.put_job(43, "Hourly");
  cloud.put(ended(101, 42, 500s));
  cloud.put(ended(102, 43, 500s));
  Account account(cloud, ", jobs: [43], project_id: 7, environment_id: 8, lookback: 1d");
  CHECK(of(account.look(), "dbt_cloud_job_runs_total") ==
        Lines{R"(job_id="43",outcome="success"} 1)"});
  CHECK(of(account.look(), "dbt_cloud_job_queued_runs") == Lines{R"(job_id="43"} 0)"});
}

TEST_CASE("more runs than one page lists are all counted") {
  FakeCloud cloud;
  cloud.put_job(42, "Busy");
  for (int i = 0; i < 250; ++i) cloud.put(ended(1000 + i, 42, std::chrono::seconds(5000 - i)));
  Account account(cloud);
  CHECK(of(account.look(), "dbt_cloud_job_runs_total") ==
        Lines{R"(job_id="42",outcome="success"} 250)"});
  for (int i = 250; i < 500; ++i) cloud.put(ended(1000 + i, 42, std::chrono::seconds(5000 - i)));
  CHECK(of(account.look(), "dbt_cloud_job_runs_total") ==
        Lines{R"(job_id="42",outcome="success"} 500)"});
  CHECK(of(account.look(), "dbt_cloud_unread_runs") == Lines{"} 460"});
}

TEST_CASE("a list of runs that fails at a page counts those before it, and goes on there") {
  FakeCloud cloud;
  cloud.put_job(42, "Busy");
  for (int i = 0; i < 350; ++i) cloud.put(ended(1000 + i, 42, std::chrono::seconds(5000 - i)));
  Account account(cloud);
  const auto look = [&] {
    cloud.requests();
    const auto count = of(account.look(), "dbt_cloud_job_runs_total");
    const auto lists = std::ranges::count(cloud.requests(), "/runs/");
    return std::pair(count, lists);
  };
  const auto counted = [](int runs) {
    return Lines{R"(job_id="42",outcome="success"} )" + std::to_string(runs)};
  };
  cloud.refuse_offset(200);
  const auto [first, lists] = look();
  CHECK(first == counted(200));
  CHECK(look() == std::pair(counted(200), lists - 2));
  for (int i = 350; i < 360; ++i) cloud.put(ended(1000 + i, 42, std::chrono::seconds(5000 - i)));
  cloud.refuse_offset(0);
  CHECK(look().first == counted(350));
  CHECK(look().first == counted(360));
}

TEST_CASE("a run whose id is far beyond all others hides none after it, also after a restart") {
  FakeCloud cloud;
  cloud.put_job(42, "Nightly");
  cloud.put(ended(101, 42, 900s));
  const TemporaryDirectory directory;
  std::optional<Account> account(std::in_place, cloud, "", "sesame", directory.path());
  const auto restart = [&] {
    account.reset();
    account.emplace(cloud, "", "sesame", directory.path());
  };
  const auto count = [&] {
    account->look();
    return of(account->look(), "dbt_cloud_job_runs_total");
  };
  const auto counted = [](int runs) {
    return Lines{R"(job_id="42",outcome="success"} )" + std::to_string(runs)};
  };
  const bool is_known = GENERATE(true, false);  // before the first look
  if (!is_known) CHECK(count() == counted(1));
  constexpr std::int64_t kFar = 9'000'000'000'000'000'000;
  cloud.put(ended(kFar, 42, 800s));
  CHECK(count() == counted(2));
  cloud.put(ended(102, 42, 700s));
  CHECK(count() == counted(3));
  if (GENERATE(true, false)) restart();
  CHECK(count() == counted(3));
  cloud.put(ended(103, 42, 600s));
  CHECK(count() == counted(4));

  SECTION("and is passed when there is another beyond it") {
    cloud.put(ended(kFar + 1, 42, 500s));
    CHECK(count() == counted(5));
    cloud.put(ended(104, 42, 400s));
    CHECK(count() == counted(5));
    cloud.put(ended(kFar + 2, 42, 300s));
    CHECK(count() == counted(6));
  }
}

TEST_CASE("a run whose end is in the year 9999 is the last one of its job until another ends") {
  FakeCloud cloud;
  cloud.put_job(42, "Nightly");
  auto wrong = ended(101, 42, 900s);
  wrong.finished_at = Time(std::chrono::sys_days(std::chrono::year(9999) / 12 / 31));
  cloud.put(wrong);
  cloud.put(wrong.id, 2, "manifest.json", manifest("a", ago(900s)));
  Account account(cloud);
  account.look();
  cloud.put(ended(102, 42, 600s));
  cloud.put(ended(103, 42, 300s, 20));
  cloud.put(103, 2, "manifest.json", manifest("b", ago(300s)));
  for (int look = 0; look < 3; ++look) account.look();
  const auto lines = account.look();
  CHECK(of(lines, "dbt_cloud_job_last_status") == Lines{R"(job_id="42",status="error"} 1)"});
  CHECK(of(lines, "dbt_cloud_job_last_success_timestamp_seconds") ==
        Lines{R"(job_id="42"} )" + seconds(ago(600s))});
  CHECK(of(lines, "dbt_cloud_job_last_run_has_failures") == Lines{R"(job_id="42"} 0)"});
  CHECK(account.project().manifest->metadata.invocation_id == "b");
}

TEST_CASE("the page has the jobs of dbt Cloud, and is made anew when one of them begins to run") {
  FakeCloud cloud;
  cloud.put_job(42, "Nightly");
  cloud.put(ended(101, 42, 500s));
  const auto collector = collectors_of("projects: [{name: shop, cloud: {account_id: 1, url: \"" +
                                           cloud.url() + "\", token: sesame}}]",
                                       {}, std::make_shared<Ledgers>(""))
                             .at(0);
  const auto running_lines = [&] {
    return of(lines_of(page_of(collector)), "dbt_cloud_job_running_runs");
  };
  CHECK(running_lines() == Lines{R"(job_id="42"} 0)"});
  INFO("the run has been read");
  CHECK(running_lines() == Lines{R"(job_id="42"} 0)"});
  CHECK(running_lines().empty());
  cloud.put(running(102, 42, 10s));
  CHECK(running_lines() == Lines{R"(job_id="42"} 1)"});
}
