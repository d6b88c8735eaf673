#include "exporters/airflow/dag_follower.h"

#include <catch2/catch.hpp>

#include "tests/exporters/airflow/scripted_airflow.h"

using namespace scripted;

using Names = std::vector<std::string>;

TEST_CASE("the last run of a DAG that was deleted is discarded, with what the ledger has of it") {
  Airflow airflow;
  airflow.ended = {finished("a", "1", kNow - 10s), finished("b", "1", kNow - 10s)};
  airflow.update();
  airflow.ended = {};
  airflow.existing = {"a"};
  SECTION("once the list does not have it") {
    airflow.follow({"a"});
    CHECK(airflow.counter->last_runs().contains("a"));
    CHECK_FALSE(airflow.counter->last_runs().contains("b"));
    airflow.kill();
    airflow.update();
    CHECK_FALSE(airflow.counter->last_runs().contains("b"));
    CHECK(
        airflow.has("airflow_dag_runs_total{deployment=\"a\",dag_id=\"b\",state=\"success\","
                    "run_type=\"scheduled\"} 1"));
  }
  SECTION("not while it has a live run") {
    airflow.live = {running("b", "2")};
    airflow.update();
    airflow.follow({"a"});
    CHECK(airflow.asked_for_dags.empty());
    CHECK(airflow.counter->last_runs().contains("b"));
  }
  SECTION("not when it may be newer than the list") {
    airflow.follow({"a"}, kNow - 1min);
    CHECK(airflow.asked_for_dags.empty());
    CHECK(airflow.counter->last_runs().contains("b"));
  }
  SECTION("not when the list only lacks it, which is asked once a day") {
    const bool is_forbidden = GENERATE(false, true);
    (is_forbidden ? airflow.forbidden : airflow.existing).insert("b");
    airflow.follow({"a"});
    airflow.follow({"a"});
    CHECK(airflow.asked_for_dags == Names{"b"});
    airflow.now += 24h;
    airflow.update();
    airflow.follow({"a"});
    CHECK(airflow.asked_for_dags == Names{"b", "b"});
    CHECK(airflow.counter->last_runs().contains("b"));
  }
  SECTION("not when nobody answers") {
    airflow.history.has_dag = [](const std::string&) -> bool { throw Error(Reason::connect, "x"); };
    CHECK_THROWS_AS(airflow.follow({"a"}), Error);
    CHECK(airflow.counter->last_runs().contains("b"));
  }
}

TEST_CASE("the last run and the last success of before the first start are asked for once") {
  Airflow airflow;
  airflow.ended = {finished("known", "1", kNow - 10s),
                   finished("failed", "9", kNow - 1h, "failed")};
  airflow.update();
  airflow.past["past"] = {finished("past", "2", kNow - 50h, "failed"),
                          finished("past", "1", kNow - 60h)};
  airflow.past["failed"] = {finished("failed", "9", kNow - 1h, "failed"),
                            finished("failed", "8", kNow - 30h, "failed")};
  airflow.past_success.emplace("failed", finished("failed", "2", kNow - 90h));
  airflow.past["never"] = {};
  airflow.total_past = 12;
  const Names dags{"broken", "failed", "known", "past", "paused", "stale"};
  airflow.follow(dags);
  CHECK(airflow.asked_for_past == Names{"broken", "success of broken", "failed",
                                        "success of failed", "past", "paused",
                                        "success of paused"});
  CHECK(airflow.counter->unasked() == 0);
  const auto& last = airflow.counter->last_runs();
  CHECK(last.at("past").run == "2");
  CHECK(last.at("past").consecutive_failures == 1);
  CHECK(last.at("past").success_at == kNow - 60h);
  CHECK(last.at("failed").run == "9");
  CHECK(last.at("failed").consecutive_failures == 2);
  CHECK(last.at("failed").success_at == kNow - 90h);
  CHECK_FALSE(last.contains("paused"));
  CHECK(airflow.page().find("\"past\"") == std::string::npos);

  airflow.asked_for_past.clear();
  airflow.kill();
  airflow.update();
  airflow.follow(Names{"broken", "failed", "known", "new", "past", "paused", "stale"});
  CHECK(airflow.asked_for_past == Names());
  CHECK(airflow.counter->last_runs().at("failed").success_at == kNow - 90h);
}

TEST_CASE("DAGs are asked for a few at a time, across restarts, those that are paused last") {
  Airflow airflow;
  airflow.history.most_asides = 2;
  airflow.update();
  const Names dags{"a", "b", "paused", "x", "y"};
  Names asked;
  for (int i = 0; i < 3; ++i) {
    airflow.asked_for_past.clear();
    airflow.follow(dags);
    CHECK(airflow.asked_for_past.size() <= 2);
    asked.insert(asked.end(), airflow.asked_for_past.begin(), airflow.asked_for_past.end());
    airflow.kill();
    airflow.update();
  }
  CHECK(asked == Names{"a", "b", "x", "y", "paused"});
  CHECK(airflow.counter->unasked() == 0);
}

TEST_CASE("a DAG that cannot be read holds up no other") {
  Airflow airflow;
  airflow.ended = {finished("x", "1", kNow - 10s), finished("y", "1", kNow - 10s)};
  airflow.update();
  const Error status(Reason::http_status, "status 500");
  SECTION("whose past is asked for") {
    airflow.past["b"] = {finished("b", "1", kNow - 50h)};
    const auto newest_runs = airflow.history.newest_runs;
    airflow.history.newest_runs = [&](const std::string& dag) {
      if (dag == "a") throw Error(status);
      return newest_runs(dag);
    };
    const Names dags{"a", "b", "x", "y"};
    CHECK_THROWS_AS(airflow.follow(dags), Error);
    CHECK(airflow.counter->last_runs().at("b").run == "1");
    CHECK(airflow.counter->unasked() == 1);
  }
  SECTION("that was deleted") {
    airflow.history.has_dag = [&](const std::string& dag) -> bool {
      if (dag == "x") throw Error(status);
      return false;
    };
    airflow.past["b"] = {finished("b", "1", kNow - 50h)};
    CHECK_THROWS_AS(airflow.follow({"b"}), Error);
    CHECK(airflow.counter->last_runs().contains("b"));
    CHECK(airflow.counter->last_runs().contains("x"));
    CHECK_FALSE(airflow.counter->last_runs().contains("y"));
  }
}

TEST_CASE("the past waits until what ended lately is read") {
  Airflow airflow;
  airflow.update();
  airflow.now += 20min;
  airflow.history.changed_runs = [](const Slice&, std::size_t) -> Page<DagRun> {
    throw Error(Reason::connect, "x");
  };
  CHECK_THROWS_AS(airflow.update(), Error);
  airflow.follow({"a"});
  CHECK(airflow.asked_for_past.empty());
}

TEST_CASE("the past waits while the tasks of many runs are to be read") {
  Airflow airflow;
  airflow.history.most_requests = 1;
  for (int i = 0; i < 50; ++i) {
    airflow.ended.push_back(finished("d", std::to_string(i), kNow - 10s));
  }
  airflow.update();
  CHECK(airflow.counter->pending() == 30);
  airflow.follow({"a"});
  CHECK(airflow.asked_for_past.empty());
  airflow.ended = {};
  airflow.now += 30s;
  airflow.update();
  airflow.follow({"a"});
  CHECK(airflow.asked_for_past == Names{"a"});
}

TEST_CASE("what was asked for before an error is kept") {
  Airflow airflow;
  airflow.update();
  const auto answer = airflow.history.newest_runs;
  airflow.history.newest_runs = [&](const std::string& dag) {
    if (dag == "b") throw Error(Reason::connect, "x");
    return answer(dag);
  };
  airflow.past["a"] = {finished("a", "1", kNow - 50h)};
  CHECK_THROWS_AS(airflow.follow({"a", "b"}), Error);
  CHECK(airflow.counter->last_runs().at("a").success_at == kNow - 50h);
  CHECK(airflow.counter->unasked() == 1);
}
