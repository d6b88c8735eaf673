#include "exporters/airflow/run_reader.h"

#include <catch2/catch.hpp>

#include "tests/exporters/airflow/scripted_airflow.h"

using namespace scripted;

TEST_CASE("a run that is no longer live and in no slice is asked for by its id, once") {
  Airflow airflow;
  airflow.live = {running("old", "backfill 1"), running("old", "backfill 2")};
  airflow.update();
  airflow.live = {};
  airflow.by_id[{"old", "backfill 1"}] = finished("old", "backfill 1", kNow + 10s, "failed");
  airflow.now += 30s;
  airflow.update();
  CHECK(airflow.asked.empty());
  airflow.now += 30s;
  airflow.update();
  CHECK(airflow.asked == std::vector<RunKey>{{"old", "backfill 1"}, {"old", "backfill 2"}});
  CHECK(
      airflow.has("airflow_dag_runs_total{deployment=\"a\",dag_id=\"old\",state=\"failed\","
                  "run_type=\"scheduled\"} 1"));
  airflow.now += 30s;
  airflow.update();
  CHECK(airflow.asked.size() == 2);
}

TEST_CASE("a run that cannot be read holds up no other, nor the tasks of others") {
  Airflow airflow;
  airflow.live = {running("d", "bad"), running("d", "good")};
  airflow.update();
  airflow.live = {};
  airflow.now += 30s;
  airflow.update();
  airflow.by_id[{"d", "good"}] = finished("d", "good", kNow + 10s);
  airflow.tasks_of_runs = {succeeded("good")};
  const auto find_run = airflow.history.find_run;
  airflow.history.find_run = [&](const RunKey& key) {
    if (key.run == "bad") throw Error(Reason::http_status, "status 500");
    return find_run(key);
  };
  airflow.now += 30s;
  CHECK_THROWS_AS(airflow.update(), Error);
  CHECK(
      airflow.has("airflow_dag_runs_total{deployment=\"a\",dag_id=\"d\",state=\"success\","
                  "run_type=\"scheduled\"} 1"));
  CHECK(
      airflow.has("airflow_task_tries_total{deployment=\"a\",dag_id=\"d\",task_id=\"\","
                  "state=\"success\"} 1"));
}

TEST_CASE("many runs that cannot be read hold up others for a few updates") {
  Airflow airflow;
  for (const char* const id : {"1", "2", "3", "4", "5", "6", "7", "8"}) {
    airflow.live.push_back(running("d", id));
  }
  airflow.update();
  airflow.live.clear();
  airflow.now += 1s;
  airflow.update();
  airflow.by_id = {{{"d", "8"}, finished("d", "8", kNow)}};
  const auto find_run = airflow.history.find_run;
  airflow.history.find_run = [&](const RunKey& key) {
    if (key.run != "8") throw Error(Reason::http_status, "status 500");
    return find_run(key);
  };
  for (int i = 0; i < 3; ++i) {
    airflow.now += 1s;
    CHECK_THROWS_AS(airflow.update(), Error);
  }
  CHECK(
      airflow.has("airflow_dag_runs_total{deployment=\"a\",dag_id=\"d\",state=\"success\","
                  "run_type=\"scheduled\"} 1"));
}

TEST_CASE("a list that cannot be read does not hold up what was seen live") {
  Airflow airflow;
  airflow.live = {running("d", "1")};
  airflow.update();
  airflow.live = {};
  airflow.by_id[{"d", "1"}] = finished("d", "1", kNow + 10s);
  airflow.history.changed_runs = [](const Slice&, std::size_t) -> Page<DagRun> {
    throw Error(Reason::decode, "the response body exceeds the limit");
  };
  for (int i = 0; i < 2; ++i) {
    airflow.now += 30s;
    CHECK_THROWS_AS(airflow.update(), Error);
  }
  CHECK(
      airflow.has("airflow_dag_runs_total{deployment=\"a\",dag_id=\"d\",state=\"success\","
                  "run_type=\"scheduled\"} 1"));
}

TEST_CASE("changes are read from where the last look ended, a minute of it once more") {
  Airflow airflow;
  airflow.update();
  auto& slices = airflow.slices;
  REQUIRE(slices.size() == 2);
  for (const auto& slice : slices) {
    CHECK(slice.from == kNow - 24h);
    CHECK(slice.to == kNow - 5s);
  }
  slices.clear();
  airflow.now += 30s;

  SECTION("of runs that were due lately, and of the others every ten minutes") {
    airflow.update();
    REQUIRE(slices.size() == 1);
    CHECK(slices[0].from == kNow - 65s);
    CHECK(slices[0].to == kNow + 25s);
    CHECK(slices[0].due_from == kNow - 65s - 24h);
    CHECK_FALSE(slices[0].due_to);
    airflow.now = kNow + 10min;
    airflow.update();
    REQUIRE(slices.size() == 4);
    CHECK(slices[1].from == kNow - 35s);
    CHECK(slices[1].due_from == kNow - 35s - 24h);
    CHECK(slices[2].from == kNow - 5s - 11min);
    CHECK(slices[2].to == airflow.now - 5s);
    CHECK_FALSE(slices[2].due_from);
    CHECK(slices[2].due_to == slices[1].due_from);
  }
  SECTION("and once more when they are eleven minutes old, for what is committed late") {
    airflow.now = kNow + 9min + 59s;
    airflow.update();
    REQUIRE(slices.size() == 1);
    airflow.now = kNow + 10min;
    airflow.update();
    REQUIRE(slices.size() == 4);
    CHECK(slices[3].from == kNow - 5s - 11min);
    CHECK(slices[3].to == airflow.now - 5s - 11min);
    CHECK(slices[3].due_from == slices[3].from - 24h);
    CHECK_FALSE(slices[3].due_to);
  }
  SECTION("after a restart of both") {
    airflow.kill();
    airflow.update();
    REQUIRE(slices.size() == 2);
    CHECK(slices[0].from == kNow - 65s);
    CHECK(slices[1].from == kNow - 5s - 11min);
    CHECK(slices[1].due_to == slices[0].due_from);
  }
  SECTION("after an outage, with those of it among the ones that were due lately") {
    airflow.now += 72h;
    airflow.update();
    REQUIRE(slices.size() > 2);
    const auto is_old = [](const Slice& slice) { return slice.due_to.has_value(); };
    const auto last = std::find_if(slices.rbegin(), slices.rend(), is_old).base();
    CHECK(last - slices.begin() > 2);
    for (const auto& slice : std::ranges::subrange(slices.begin(), last)) {
      CHECK((slice.due_from ? slice.due_from : slice.due_to) == kNow - 65s - 24h);
    }
  }
  SECTION("where there is no such filter, of all each time") {
    Airflow airflow2(false);
    airflow2.update();
    airflow2.now += 30s;
    airflow2.update();
    REQUIRE(airflow2.slices.size() == 2);
    CHECK(airflow2.slices[1].from == kNow - 65s);
    CHECK_FALSE(airflow2.slices[1].due_from);
    CHECK_FALSE(airflow2.slices[1].due_to);
  }
}

TEST_CASE("up to when runs are read does not go back while the last minute is read once more") {
  Airflow airflow;
  airflow.update();
  const auto read_up_to = [&] { return airflow.counter->read_up_to().recent; };
  REQUIRE(read_up_to() == kNow - 5s);
  const auto changed_runs = airflow.history.changed_runs;
  airflow.history.changed_runs = [](const Slice&, std::size_t) {
    return Page<DagRun>{.rows = {}, .received = 100, .total = 1000};
  };
  airflow.history.most_requests = 1;
  airflow.now += 30s;
  airflow.update();
  CHECK(read_up_to() == kNow - 5s);
  airflow.history.changed_runs = changed_runs;
  airflow.update();
  CHECK(airflow.slices.back().from == kNow - 65s);
  CHECK(read_up_to() == kNow + 25s);
}

TEST_CASE("the first look goes less far back where very many runs end") {
  Airflow airflow(false);
  std::vector<Slice> slices;
  std::size_t in_a_day = 0;
  airflow.history.changed_runs = [&](const Slice& slice, std::size_t) {
    slices.push_back(slice);
    const auto days = std::chrono::duration<double, std::ratio<86400>>(slice.to - slice.from);
    Page<DagRun> page;
    page.total = static_cast<std::size_t>(static_cast<double>(in_a_day) * days.count());
    page.received = std::min<std::size_t>(page.total, 100);
    return page;
  };
  SECTION("for so many as tell of the last runs") {
    in_a_day = 200'000;
    airflow.update();
    CHECK(slices.at(1).from > kNow - 3h);
    CHECK(slices.at(1).from < kNow - 2h);
  }
  SECTION("for five minutes at least, as clocks differ") {
    in_a_day = 200'000'000;
    airflow.update();
    CHECK(slices.at(1).from == slices.at(0).to - 5min);
  }
  SECTION("but no later look does") {
    in_a_day = 1'000;
    airflow.update();
    airflow.now += 30s;
    airflow.update();
    const auto before = slices.size();
    in_a_day = 200'000;
    airflow.now += 24h;
    airflow.update();
    CHECK(slices.at(before).from <= kNow);
    CHECK(slices.at(before + 1).from == slices.at(before).from);
  }
}

TEST_CASE("a slice with more changes of one moment than a page has is read page by page") {
  Airflow airflow;
  std::vector<DagRun> all;
  for (int i = 0; i < 250; ++i) {
    all.push_back(finished("d", "run " + std::to_string(i), kNow - 1h, "failed"));
  }
  airflow.history.changed_runs = [&](const Slice& slice, std::size_t offset) {
    Page<DagRun> page;
    if (slice.to < kNow - 30min || slice.from > kNow - 30min) return page;
    page.total = all.size();
    for (auto i = offset; i < std::min(all.size(), offset + 100); ++i) page.rows.push_back(all[i]);
    page.received = page.rows.size();
    return page;
  };
  airflow.update();
  CHECK(
      airflow.has("airflow_dag_runs_total{deployment=\"a\",dag_id=\"d\",state=\"failed\","
                  "run_type=\"scheduled\"} 250"));
}
