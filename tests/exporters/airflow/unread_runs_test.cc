#include "exporters/airflow/unread_runs.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <functional>

#include "tests/exporters/airflow/scripted_airflow.h"

using namespace scripted;

namespace {

struct Changed {
  DagRun run;
  Time time;
  bool is_unreadable = false;
  bool is_due_long_ago = false;
};

/// An Airflow that fails each page with a run that it cannot describe.
struct Flawed {
  explicit Flawed(bool has_due_filter = true) : airflow(has_due_filter) {
    airflow.history.changed_runs = [this](const Slice& slice, std::size_t offset) {
      return page(slice, offset, 100);
    };
    airflow.history.some_changed = [this](const Slice& slice, std::size_t offset,
                                          std::size_t limit) { return page(slice, offset, limit); };
    airflow.history.count_changed = [this](const Slice& slice) {
      return page(slice, 1'000'000, 1).total;
    };
  }

  Page<DagRun> page(const Slice& slice, std::size_t offset, std::size_t limit) {
    ++requests;
    if (before_page) before_page();
    if (is_down) throw failure;
    Page<DagRun> page;
    bool is_unreadable = false;
    for (const auto& each : changes) {
      const bool is_in = each.time >= slice.from && each.time <= slice.to &&
                         each.time <= airflow.now &&
                         !(each.is_due_long_ago ? slice.due_from : slice.due_to);
      if (!is_in || ++page.total <= offset || page.received == limit) continue;
      ++page.received;
      is_unreadable |= each.is_unreadable;
      page.rows.push_back(each.run);
    }
    if (is_unreadable) throw failure;
    return page;
  }

  /// Adds runs that end one second after another and are named 0, 1, ...
  void add(int many, std::chrono::milliseconds apart = 1s) {
    for (int i = 0; i < many; ++i) {
      last += apart;
      changes.push_back({finished("d", std::to_string(changes.size()), last), last});
    }
  }
  /// The number of requests of an update, and whether it succeeded.
  std::pair<int, bool> update() {
    const auto before = requests;
    bool has_failed = false;
    try {
      airflow.update();
    } catch (const Error&) {
      has_failed = true;
    }
    return {requests - before, !has_failed};
  }
  void update_for(Time::duration time) {
    for (const auto end = airflow.now + time; airflow.now < end;) {
      airflow.now += 30s;
      update();
    }
  }
  int counted() const {
    const std::string line =
        "airflow_dag_runs_total{deployment=\"a\",dag_id=\"d\",state=\"success\","
        "run_type=\"scheduled\"} ";
    const auto page = airflow.page();
    const auto at = page.find(line);
    return at == std::string::npos ? 0 : std::stoi(page.substr(at + line.size()));
  }

  Airflow airflow;
  Error failure{Reason::http_status, "status 500"};
  std::vector<Changed> changes;
  Time last = kNow;
  bool is_down = false;
  int requests = 0;
  std::function<void()> before_page;
};

}  // namespace

TEST_CASE("a run that cannot be read costs itself alone, however many end with it") {
  const int many = GENERATE(1, 2, 8, 9, 60, 100, 400);
  const int at = GENERATE(0, 1, 2);  // the first, one in the middle, the last
  const auto reason = GENERATE(Reason::http_status, Reason::decode);
  const bool has_due_filter = GENERATE(false, true);
  CAPTURE(many, at, has_due_filter);
  Flawed deployment(has_due_filter);
  deployment.failure = Error(reason, "unreadable");
  deployment.update();
  deployment.add(many, std::chrono::milliseconds(60'000 / many));
  const auto bad = static_cast<std::size_t>(std::min(many - 1, at * many / 2));
  deployment.changes[bad].is_unreadable = true;
  deployment.airflow.now += 2min;
  const auto [requests, has_succeeded] = deployment.update();
  CHECK(deployment.counted() == many - 1);
  CHECK_FALSE(has_succeeded);
  CHECK(deployment.airflow.counter->unread() == 1);
  CHECK(requests <= (many > 100 ? 29 : 21));
  CHECK(deployment.airflow.counter->read_up_to().recent == deployment.airflow.now - 5s);
  deployment.last = deployment.airflow.now;
  deployment.add(1);
  deployment.airflow.now += 30s;
  CHECK(deployment.update() == std::pair(1, true));
  CHECK(deployment.counted() == many);
}

TEST_CASE("a run that could not be read for a while counts once it can") {
  const bool is_due_long_ago = GENERATE(false, true);
  const bool is_first_reading = GENERATE(false, true);
  const bool restarts = GENERATE(false, true);
  CAPTURE(is_due_long_ago, is_first_reading, restarts);
  Flawed deployment;
  if (is_first_reading) {
    deployment.last -= 3h;
  } else {
    deployment.update();
  }
  deployment.add(5);
  auto& bad = deployment.changes[2];
  bad.is_unreadable = true;
  bad.is_due_long_ago = is_due_long_ago;
  deployment.update_for(4min);
  deployment.last = deployment.airflow.now;
  deployment.add(1);
  deployment.update_for(2min);
  if (restarts) deployment.airflow.kill();
  deployment.update_for(3min);
  CHECK(deployment.counted() == 5);
  CHECK(deployment.airflow.counter->unread() <= 1);
  deployment.changes[2].is_unreadable = false;
  deployment.update_for(25min);
  CHECK(deployment.counted() == 6);
  CHECK(deployment.airflow.counter->unread() == 0);
}

TEST_CASE("a run that leaves the slice while it is read apart hides no other") {
  Flawed deployment;
  deployment.update();
  deployment.add(6);
  deployment.changes[5].is_unreadable = true;
  deployment.airflow.now += 1min;
  const auto first = deployment.requests;
  deployment.before_page = [&] {
    // After the list failed, its rows were counted, and half of them were read.
    if (deployment.requests == first + 4) deployment.changes[0].time = deployment.airflow.now;
  };
  deployment.update();
  CHECK(deployment.counted() == 5);
}

TEST_CASE("how long a run was left out is known by the slices in which it was") {
  UnreadRuns unread;
  const auto slice = [](Time from, Time to) { return Slice{.from = from, .to = to}; };
  const auto far = kNow + 1h;
  unread.note(slice(kNow, kNow + 1min), 2, "status 500", kNow);
  CHECK(unread.count() == 2);
  CHECK(unread.passed(far, true, kNow) == far);
  unread.note_readable(kNow + 5min);
  CHECK(unread.passed(far, false, kNow + 10min - 1s) == kNow);
  CHECK(unread.passed(far, false, kNow + 10min) == far);

  SECTION("again in parts") {
    unread.note(slice(kNow - 1min, kNow + 30s), 1, "status 500", kNow + 7min);
    CHECK(unread.count() == 2);
    CHECK(unread.passed(far, false, kNow + 10min - 1s) == kNow - 1min);
    CHECK(unread.passed(far, false, kNow + 10min) == far);
  }
  SECTION("but not by those of other runs") {
    auto old = slice(kNow, kNow + 1min);
    old.due_to = kNow - 24h;
    unread.note(old, 0, "", kNow + 7min);
    unread.note(slice(kNow + 1min, kNow + 2min), 0, "", kNow + 7min);
    CHECK(unread.count() == 2);
  }
  SECTION("until it is read") {
    unread.note(slice(kNow, kNow + 1min), 0, "", kNow + 7min);
    CHECK(unread.count() == 0);
    CHECK(unread.passed(far, false, kNow + 7min) == far);
  }
}

TEST_CASE("a run that cannot be read is given up after ten minutes in which others could be") {
  const bool is_due_long_ago = GENERATE(false, true);
  const bool is_behind = GENERATE(false, true);
  CAPTURE(is_due_long_ago, is_behind);
  Flawed deployment;
  deployment.update();
  deployment.add(1);
  deployment.changes[0].is_unreadable = true;
  deployment.changes[0].is_due_long_ago = is_due_long_ago;
  if (is_behind) deployment.airflow.now += 3h;

  SECTION("and is asked for no more") {
    deployment.update_for(9min);
    CHECK(deployment.airflow.counter->unread() == (is_due_long_ago && !is_behind ? 0 : 1));
    deployment.last = deployment.airflow.now;
    deployment.add(1);
    deployment.update_for(25min);
    CHECK(deployment.airflow.counter->unread() == 0);
    const auto before = deployment.requests;
    deployment.update_for(30min);
    CHECK(deployment.requests - before <= 60 + 6);
    CHECK(deployment.counted() == 1);
  }
  SECTION("but not before") {
    deployment.update_for(6h);
    CHECK(deployment.airflow.counter->unread() == 1);
    CHECK(deployment.requests < 2 * 12 * 60 + 500);
    deployment.changes[0].is_unreadable = false;
    deployment.update_for(25min);
    CHECK(deployment.counted() == 1);
    CHECK(deployment.airflow.counter->unread() == 0);
  }
}

TEST_CASE("runs of a time in which none can be read all count after it") {
  const bool can_count = GENERATE(false, true);
  Flawed deployment;
  deployment.update();
  deployment.add(300, 10s);
  for (auto& each : deployment.changes) each.is_unreadable = true;
  deployment.is_down = !can_count;
  for (int i = 0; i < 100; ++i) {
    deployment.airflow.now += 30s;
    const auto [requests, has_succeeded] = deployment.update();
    CHECK(requests <= (can_count ? 200 : 2));
    CHECK((!has_succeeded || can_count));
  }
  CHECK(deployment.counted() == 0);
  deployment.is_down = false;
  for (auto& each : deployment.changes) each.is_unreadable = false;
  deployment.update_for(40min);
  CHECK(deployment.counted() == 300);
  CHECK(deployment.airflow.counter->unread() == 0);
}

TEST_CASE("many runs that cannot be read hold up no other") {
  const auto apart = GENERATE(0ms, 300ms);  // at the same time, or within a minute
  Flawed deployment(false);
  deployment.airflow.history.most_requests = 15;
  deployment.update();
  deployment.add(1);
  deployment.add(200, apart);
  for (std::size_t i = 50; i < 150; ++i) deployment.changes[i].is_unreadable = i % 3 > 0;
  deployment.update_for(5min);
  if (apart == 0ms) CHECK(deployment.airflow.counter->unread() == 67);
  deployment.update_for(15min);
  CHECK(deployment.counted() == 201 - 67);
  deployment.last = deployment.airflow.now;
  deployment.add(1);
  deployment.update_for(30min);
  CHECK(deployment.counted() == 202 - 67);
  CHECK(deployment.airflow.counter->unread() == 0);
}
