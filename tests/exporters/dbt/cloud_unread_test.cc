#include "exporters/dbt/cloud_unread.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "tests/exporters/dbt/cloud_account.h"
#include "tests/exporters/dbt/configured.h"
#include "tests/support/temporary_directory.h"

using namespace exporter;
using namespace exporter::dbt;
using namespace std::chrono_literals;

TEST_CASE(
    "the results of each step are read, and the newest manifest; a quiet look is one request") {
  FakeCloud cloud;
  cloud.put_job(42, "Nightly");
  auto run = ended(101, 42, 300s);
  run.steps.emplace_back("Invoke dbt with `dbt docs generate`");
  cloud.put(run);
  cloud.put(101, 2, "run_results.json", results("one", ago(310s)));
  cloud.put(101, 2, "manifest.json", manifest("one", ago(311s)));
  cloud.put(101, 3, "manifest.json", manifest("two", ago(305s)));
  Account account(cloud);
  const auto page = account.look();
  CHECK_FALSE(account.error());
  CHECK(of(page, "dbt_artifact_timestamp_seconds") ==
        Lines{R"(location="job 42, step 2",artifact="run_results"} )" + seconds(ago(310s)),
              R"(location="job 42, step 3",artifact="manifest"} )" + seconds(ago(305s))});
  CHECK(of(page, "dbt_artifact_size_bytes").empty());
  CHECK(account.project().nodes.at("model.shop.a").run_at == ago(310s));
  CHECK(account.project().incomplete.empty());
  CHECK(cloud.requests() == Lines{"/api/v3/accounts/1/projects/",
                                  "/api/v3/accounts/1/environments/", "/jobs/", "/runs/",
                                  "/runs/101/", "/runs/101/artifacts/?1", "/runs/101/artifacts/?2",
                                  "/runs/101/artifacts/?3", "/runs/101/artifacts/manifest.json?3",
                                  "/runs/101/artifacts/run_results.json?2"});
  CHECK(of(account.look(), "dbt_cloud_unread_runs") == Lines{"} 0"});
  CHECK(account.look() == account.look());
  CHECK(cloud.requests() == Lines{"/runs/", "/runs/", "/runs/"});
}

TEST_CASE("runs of a job that end between two looks are all read, the oldest first") {
  FakeCloud cloud;
  cloud.put_job(42, "Nightly");
  Account account(cloud);
  account.look();
  for (int i = 0; i < 4; ++i) {
    const auto age = std::chrono::seconds(400 - 100 * i);
    cloud.put(ended(101 + i, 42, age));
    cloud.put(101 + i, 2, "run_results.json",
              results("run" + std::to_string(i), ago(age), i == 0 ? "success" : "error"));
  }
  account.look();
  const auto& node = account.project().nodes.at("model.shop.a");
  CHECK(node.consecutive_failures == 3);
  CHECK(node.success_at == ago(400s));
  CHECK(node.run_at == ago(100s));
}

TEST_CASE("a job or a run that dbt Cloud cannot describe holds up no other") {
  FakeCloud cloud;
  cloud.put_job(42, "Nightly");
  cloud.put_job(43, "Hourly");
  cloud.put(ended(102, 43, 300s));
  cloud.put(102, 2, "run_results.json", results("two", ago(300s)));
  SECTION("whose list of runs takes too long") { cloud.refuse_job(42); }
  SECTION("whose list of artifacts is malformed") {
    cloud.put(ended(101, 42, 400s));
    cloud.next("/runs/101/artifacts/", {{.body = Body("{\"data\": [7]}"), .headers = {}}});
  }
  SECTION("whose list of artifacts is refused") {
    cloud.put(ended(101, 42, 400s));
    cloud.next("/runs/101/artifacts/", {{.status = 501, .body = {}, .headers = {}}});
  }
  SECTION("which is malformed") {
    cloud.put(ended(101, 42, 400s));
    cloud.next("/runs/101/", {{.body = Body("{\"data\": {}}"), .headers = {}}});
  }
  Account account(cloud);
  const auto page = account.look();
  CHECK_FALSE(account.error());
  CHECK_THAT(of(page, "dbt_cloud_job_runs_total"),
             Catch::VectorContains(std::string(R"(job_id="43",outcome="success"} 1)")));
  CHECK(account.project().nodes.at("model.shop.a").run_at == ago(300s));
}

TEST_CASE("if the artifacts of many runs cannot be listed, few are asked for, and then others") {
  const http::Response malformed{.body = Body("{\"data\": [7]}"), .headers = {}};
  const http::Response refused{.status = 501, .body = {}, .headers = {}};
  const auto reply = GENERATE_COPY(malformed, refused);
  FakeCloud cloud;
  cloud.put_job(42, "Nightly");
  for (int i = 0; i < 6; ++i) {
    cloud.put(ended(101 + i, 42, std::chrono::seconds(400 - 10 * i)));
    if (i < 4) cloud.next("/runs/" + std::to_string(101 + i) + "/artifacts/", {reply});
  }
  cloud.put(105, 2, "run_results.json", results("five", ago(360s)));
  Account account(cloud);
  const auto lists = [&] {
    account.look();
    return std::ranges::count_if(cloud.requests(), [](const std::string& request) {
      return request.find("/artifacts/?") != request.npos;
    });
  };
  CHECK(lists() == 4);
  CHECK(account.error());
  CHECK(lists() == 4);
  CHECK_FALSE(account.error());
  CHECK(account.project().nodes.contains("model.shop.a"));
}

TEST_CASE("artifacts that are saved after the end of the run are waited for") {
  FakeCloud cloud;
  cloud.put_job(42, "Nightly");
  auto run = ended(101, 42, 30s);
  run.artifacts_saved = false;
  cloud.put(run);
  cloud.put(ended(102, 42, 20s));
  cloud.put(102, 2, "run_results.json", results("two", ago(20s)));
  Account account(cloud);
  account.look();
  CHECK(account.project().nodes.at("model.shop.a").run_at == ago(20s));
  CHECK(of(account.look(), "dbt_cloud_unread_runs") == Lines{"} 1"});
  run.artifacts_saved = true;
  cloud.put(run);
  cloud.put(101, 2, "sources.json",
            R"({"metadata": {"dbt_schema_version":)"
            R"( "https://schemas.getdbt.com/dbt/sources/v3.json", "generated_at": ")" +
                iso(ago(30s)) + R"("}, "results": [], "elapsed_time": 1})");
  account.look();
  CHECK(account.project().invocations.contains("source freshness"));
  CHECK(of(account.look(), "dbt_cloud_unread_runs") == Lines{"} 0"});
}

TEST_CASE("results that cannot be fetched hold up those after them, so that the order stays") {
  FakeCloud cloud;
  cloud.put_job(42, "Nightly");
  cloud.put_job(43, "Hourly");
  cloud.put(ended(101, 42, 400s));
  cloud.put(101, 2, "run_results.json", results("one", ago(400s), "error"));
  cloud.put(ended(102, 43, 300s));
  cloud.put(102, 2, "run_results.json", results("two", ago(300s), "error"));
  cloud.next("/runs/101/artifacts/run_results.json", {{.status = 404, .body = {}, .headers = {}}});
  Account account(cloud);
  CHECK(of(account.look(), "dbt_artifact_read_failures_total") ==
        Lines{R"(artifact="run_results",reason="http_status"} 2)"});
  CHECK(account.project().nodes.empty());
  account.look();
  CHECK(account.project().nodes.at("model.shop.a").consecutive_failures == 2);
}

TEST_CASE("malformed results are tried three times and hold up nothing") {
  FakeCloud cloud;
  cloud.put_job(42, "Nightly");
  cloud.put_job(43, "Hourly");
  cloud.put(ended(101, 42, 400s));
  cloud.put(101, 2, "run_results.json", "{]");
  cloud.put(ended(102, 43, 300s));
  cloud.put(102, 2, "run_results.json", results("two", ago(300s)));
  Account account(cloud);
  account.look();
  CHECK(account.project().nodes.size() == 1);
  for (int i = 0; i < 4; ++i) account.look();
  const auto requests = cloud.requests();
  CHECK(std::ranges::count(requests, "/runs/101/artifacts/run_results.json?2") == 3);
  CHECK(std::ranges::count(requests, "/runs/102/artifacts/run_results.json?2") == 1);
  const auto page = account.look();
  CHECK(of(page, "dbt_cloud_unread_runs") == Lines{"} 0"});
  CHECK(of(page, "dbt_artifact_read_failures_total") ==
        Lines{R"(artifact="run_results",reason="decode"} 1)"});
}

TEST_CASE("what was read of a job stays while other jobs run, and when nothing runs") {
  FakeCloud cloud;
  cloud.put_job(42, "Nightly");
  cloud.put_job(43, "Hourly");
  cloud.put(ended(101, 42, 400s));
  cloud.put(101, 2, "run_results.json", results("one", ago(400s)));
  Account account(cloud);
  account.look();
  account.look();
  CHECK_FALSE(account.error());
  cloud.put(ended(102, 43, 300s));
  cloud.put(102, 2, "run_results.json", results("two", ago(300s)));
  CHECK(of(account.look(), "dbt_artifact_readable") ==
        Lines{R"(location="job 42, step 2",artifact="run_results"} 1)",
              R"(location="job 43, step 2",artifact="run_results"} 1)"});
}

TEST_CASE("after a restart a job's newest run is known to have been read") {
  const TemporaryDirectory state;
  FakeCloud cloud;
  cloud.put_job(42, "Nightly");
  cloud.put(ended(101, 42, 500s));
  cloud.put(101, 2, "run_results.json", results("one", ago(500s)));
  const auto read = [&] {
    Account account(cloud, "", "sesame", state.path());
    account.look();
    CHECK(of(account.look(), "dbt_cloud_unread_runs") == Lines{"} 0"});
    CHECK(of(account.look(), "dbt_artifact_readable") ==
          Lines{R"(location="job 42, step 2",artifact="run_results"} 1)"});
    const auto requests = cloud.requests();
    return std::ranges::count(requests, "/runs/101/artifacts/run_results.json?2");
  };
  CHECK(read() == 1);
  CHECK(read() == 0);
}

TEST_CASE("whether something failed in a job's last run is known once its artifacts are read") {
  const TemporaryDirectory state;
  FakeCloud cloud;
  cloud.put_job(42, "Nightly");
  cloud.put_job(43, "Hourly");
  cloud.put(ended(101, 42, 500s, 20));
  cloud.put(101, 2, "run_results.json", results("one", ago(500s), "error"));
  cloud.put(ended(102, 43, 400s, 20));
  constexpr auto kFamily = "dbt_cloud_job_last_run_has_failures";
  const Lines first{R"(job_id="42"} 1)", R"(job_id="43"} 0)"};
  {
    Account account(cloud, "", "sesame", state.path());
    account.look();
    CHECK(of(account.look(), kFamily) == first);
    CHECK(of(account.look(), kFamily) == first);
  }
  Account account(cloud, "", "sesame", state.path());
  account.look();
  CHECK(of(account.look(), kFamily) == first);
  const auto requests = cloud.requests();
  CHECK(std::ranges::count(requests, "/runs/101/artifacts/run_results.json?2") == 1);

  auto late = ended(103, 42, 300s, 20);
  late.artifacts_saved = false;
  cloud.put(late);
  CHECK(of(account.look(), kFamily) == Lines{R"(job_id="43"} 0)"});
  late.artifacts_saved = true;
  cloud.put(late);
  cloud.put(103, 2, "run_results.json", results("three", ago(300s)));
  account.look();
  CHECK(of(account.look(), kFamily) == Lines{R"(job_id="42"} 0)", R"(job_id="43"} 0)"});
}

TEST_CASE("a failure to compile is none that an alert of the node reports") {
  FakeCloud cloud;
  cloud.put_job(42, "Nightly");
  cloud.put(ended(101, 42, 500s, 20));
  auto text = results("one", ago(500s), "error");
  const std::string build = R"("which": "build")";
  const auto at = text.find(build);
  REQUIRE(at != text.npos);
  cloud.put(101, 2, "run_results.json", text.replace(at, build.size(), R"("which": "compile")"));
  Account account(cloud);
  account.look();
  CHECK(of(account.look(), "dbt_cloud_job_last_run_has_failures") == Lines{R"(job_id="42"} 0)"});
}

TEST_CASE("artifacts that were given up do not say whether something failed") {
  FakeCloud cloud;
  cloud.put_job(42, "Nightly");
  cloud.put(ended(101, 42, 500s, 20));
  cloud.put(101, 2, "run_results.json", GENERATE("{]", "{"));
  Account account(cloud);
  for (int i = 0; i < 5; ++i) account.look();
  const auto page = account.look();
  CHECK(of(page, "dbt_cloud_unread_runs") == Lines{"} 0"});
  CHECK(of(page, "dbt_cloud_job_last_run_has_failures").empty());
}

TEST_CASE("what could not be read before a restart is read after it") {
  const TemporaryDirectory state;
  FakeCloud cloud;
  cloud.put_job(42, "Nightly");
  cloud.put(ended(101, 42, 500s));
  cloud.put(ended(102, 42, 400s));
  cloud.put(101, 2, "run_results.json", results("one", ago(500s), "error"));
  cloud.put(102, 2, "run_results.json", results("two", ago(400s), "error"));
  const http::Response gone{.status = 404, .body = {}, .headers = {}};
  cloud.next("/runs/101/artifacts/run_results.json", {gone, gone});
  {
    Account account(cloud, "", "sesame", state.path());
    account.look();
    CHECK(of(account.look(), "dbt_cloud_unread_runs") == Lines{"} 2"});
    CHECK(account.project().nodes.empty());
  }
  Account account(cloud, ", lookback: 1s", "sesame", state.path());
  account.look();
  CHECK(account.project().nodes.at("model.shop.a").consecutive_failures == 2);
}

TEST_CASE("results of runs that ended long ago are not late beside the count of the newest ones") {
  FakeCloud cloud;
  cloud.put_job(42, "Nightly");
  cloud.put(ended(101, 42, 24h * 5));
  cloud.put(101, 2, "run_results.json", results("one", ago(24h * 5)));
  cloud.put(ended(102, 42, 100s));
  cloud.put(102, 2, "run_results.json", results("two", ago(100s)));
  Account account(cloud, ", lookback: 1w");
  account.look();
  CHECK(account.project().nodes.at("model.shop.a").run_at == ago(100s));
  CHECK(account.ledger().figures()->late == 0);
}
