#include "exporters/airflow/asset_events.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>
#include <set>

#include "tests/support/error_of.h"

using namespace exporter;
using namespace exporter::airflow;
using namespace std::chrono_literals;

namespace {

constexpr Time kStart = Time(1'800'000'000s);

/// The events of an Airflow; new ones may be committed between any two requests.
class World {
 public:
  World(bool has_time_filter, unsigned seed) : has_time_filter_(has_time_filter), random_(seed) {}

  /// Commits an event of up to 55 s ago, sometimes of up to ten minutes ago. Several may have the
  /// same time; a few, if there is no time filter.
  void add() {
    add_late(std::chrono::seconds(random(4) > 0 ? 0 : random(8) > 0 ? random(55) : random(600)));
  }
  void add_late(std::chrono::seconds late) {
    AssetEvent event{++made_, "a" + std::to_string(random(3)), now_ - late};
    if (!has_time_filter_ || random(3) > 0) event.time += std::chrono::milliseconds(random(1000));
    events_.push_back(event);
    if (event.time > kStart + 60s) wanted_.insert(event.id);
  }
  void add_many(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) add();
  }
  /// Deletes old events before the position.
  void clean() {
    const auto old = std::min<Time>(now_ - 3h, position_.late.time);
    std::erase_if(events_, [&](const auto& event) { return event.time < old; });
  }
  void pass(std::chrono::seconds time) { now_ += time; }

  void look(std::size_t most_requests) {
    requests_ = 0;
    const AssetEvents source{[this](Time since, EventOrder order, std::size_t offset) {
                               return page(since, order, offset);
                             },
                             has_time_filter_};
    const auto newest = *std::prev(times_.upper_bound(now_));
    const auto read = read_events(source, position_, newest, most_requests);
    for (const auto& event : read.events) {
      read_.insert(event.id);
      times_.insert(event.time);
    }
    failed_ = read.failure.has_value();
    position_ = read.position;
  }

  std::vector<std::int64_t> missed() const {
    std::vector<std::int64_t> missed;
    std::ranges::set_difference(wanted_, read_, std::back_inserter(missed));
    return missed;
  }

  std::size_t random(std::size_t below) { return random_() % below; }
  int requests() const { return requests_; }
  bool has_failed() const { return failed_; }
  const EventPositions& position() const { return position_; }
  const std::set<std::int64_t>& read() const { return read_; }
  bool is_busy = false;  ///< new events are committed between two requests
  int fails_at = 0;      ///< the number of the request that fails in each run; 0: none
  std::size_t page_size = 100;

 private:
  EventPage page(Time since, EventOrder order, std::size_t offset) {
    if (++requests_ == fails_at) throw Error(Reason::connect, "no");
    if (is_busy) {
      pass(std::chrono::seconds(random(3)));
      add_many(random(8));
      if (random(4) == 0) clean();
    }
    std::vector<const AssetEvent*> all;  // copies of thousands for each page would be slow
    for (const auto& event : events_) {
      if (!has_time_filter_ || event.time >= since) all.push_back(&event);
    }
    // Without ids, events of the same time come in any order.
    if (!has_time_filter_) std::ranges::shuffle(all, random_);
    if (has_time_filter_) std::ranges::sort(all, {}, &AssetEvent::id);
    std::ranges::stable_sort(all, {}, &AssetEvent::time);
    if (order == EventOrder::newest_first) std::ranges::reverse(all);
    EventPage page;
    page.total = all.size();
    page.time = std::chrono::floor<std::chrono::seconds>(now_);
    for (auto at = offset; at < std::min(all.size(), offset + page_size); ++at) {
      page.rows.push_back(*all[at]);
    }
    page.received = page.rows.size();
    return page;
  }

  const bool has_time_filter_;
  std::mt19937 random_;
  Time now_ = kStart;
  std::int64_t made_ = 0;
  std::vector<AssetEvent> events_;
  std::set<std::int64_t> wanted_, read_;
  EventPositions position_{{kStart, 0}, {kStart, 0}};
  std::set<Time> times_{kStart};  ///< of the events that were read
  int requests_ = 0;
  bool failed_ = false;
};

}  // namespace

TEST_CASE("every event is read, however late, many, deleted or interrupted") {
  const bool has_time_filter = GENERATE(false, true);
  for (unsigned seed = 0; seed < 40; ++seed) {
    CAPTURE(has_time_filter, seed);
    World world(has_time_filter, seed);
    world.page_size = seed % 5 == 0 ? 40 : 100;
    world.is_busy = seed % 2 == 0;
    for (int poll = 0; poll < 40; ++poll) {
      const bool is_outage = world.random(10) == 0;
      world.pass(is_outage ? 5h : 60s);
      world.add_many(is_outage ? 1500 : world.random(60));
      if (world.random(5) == 0) world.clean();
      world.fails_at = static_cast<int>(world.random(6));
      world.look(world.random(3) == 0 ? 4 : 30);
    }
    world.is_busy = false;
    world.fails_at = 0;
    for (int poll = 0; poll < 200 && !world.missed().empty(); ++poll) {
      world.pass(61s);
      world.look(30);
    }
    REQUIRE(world.missed().empty());
  }
}

TEST_CASE("a look costs one request while fewer events than a page are new") {
  const bool has_time_filter = GENERATE(false, true);
  CAPTURE(has_time_filter);
  World world(has_time_filter, 1);
  world.add_many(5000);
  for (int poll = 0; poll < 3; ++poll) {
    world.pass(30min);
    world.look(100);
  }
  for (int poll = 0; poll < 60; ++poll) {
    world.pass(60s);
    world.add_many(3);
    world.look(30);
    CAPTURE(poll);
    CHECK(world.requests() == 1);
  }
}

TEST_CASE("what is eleven minutes old costs a request or two every ten minutes where more is new") {
  const bool has_time_filter = GENERATE(false, true);
  CAPTURE(has_time_filter);
  World world(has_time_filter, 1);
  world.look(30);
  int requests = 0;
  for (int minute = 0; minute < 120; ++minute) {
    world.pass(60s);
    world.add_many(9);
    world.look(30);
    requests += world.requests();
  }
  CHECK(requests > 120 + 8);
  CHECK(requests <= 120 + 2 * 12);
}

TEST_CASE("after the server's clock was ahead, every event of then and since is read") {
  const bool has_time_filter = GENERATE(true, false);
  World world(has_time_filter, 1);
  const auto pass = [&](int looks) {
    for (int i = 0; i < looks; ++i) {
      world.pass(60s);
      world.add_many(20);
      world.look(30);
    }
  };
  pass(30);
  const auto jump = std::chrono::days(400);
  world.pass(jump);
  pass(60);
  world.pass(-jump);
  world.add_many(300);
  pass(30);
  for (int i = 0; i < 25; ++i) {
    world.pass(60s);
    world.look(30);
  }
  CHECK(world.missed().empty());
  CHECK(world.position().recent.time < kStart + 3h);
  CHECK(world.position().late.time < kStart + 3h);
}

TEST_CASE("an event of a worker whose clock is behind is read up to ten minutes late") {
  const bool has_time_filter = GENERATE(false, true);
  CAPTURE(has_time_filter);
  for (const auto late : {2min, 10min}) {
    World world(has_time_filter, 1);
    world.look(30);
    for (int minute = 0; minute < 30; ++minute) {
      world.pass(60s);
      world.add_many(60);
      if (minute == 20) world.add_late(late);
      world.look(30);
    }
    world.pass(22min);
    world.look(100);
    world.look(100);
    CHECK(world.missed().empty());
  }
}

TEST_CASE("what is late waits for what is new, and is read once there are requests left") {
  const bool has_time_filter = GENERATE(false, true);
  CAPTURE(has_time_filter);
  World world(has_time_filter, 1);
  world.look(30);
  for (int minute = 0; minute < 30; ++minute) {
    world.pass(60s);
    world.add_many(150);
    world.look(6);
    CHECK(world.position().recent.time > kStart + std::chrono::minutes(minute - 1));
  }
  for (int minute = 0; minute < 30; ++minute) {
    world.pass(60s);
    world.look(6);
  }
  CHECK(world.missed().empty());
}

TEST_CASE("after an outage the oldest events are read first, as far as the requests reach") {
  const bool has_time_filter = GENERATE(false, true);
  CAPTURE(has_time_filter);
  World world(has_time_filter, 1);
  world.look(30);
  for (int minute = 0; minute < 600; ++minute) {
    world.pass(60s);
    world.add_many(5);
  }
  world.look(5);
  const auto reached = world.position().recent.time;
  CHECK(reached > kStart + 20min);
  CHECK(reached < kStart + 200min);
  CHECK(*world.read().rbegin() < 1000);
  world.look(40);
  CHECK(world.missed().empty());
  CHECK(world.position().recent.time > kStart + 590min);
}

TEST_CASE("an error keeps what was read before it") {
  World world(true, 1);
  world.look(30);
  world.pass(5h);
  world.add_many(10);
  world.pass(5min);
  world.add_many(500);
  world.fails_at = 3;
  world.look(30);
  CHECK(world.has_failed());
  CHECK(world.read().size() >= 190);
  CHECK(world.position().recent.time > kStart + 4h);
}

TEST_CASE("the first look reads a thousand events of before where these say when there was one") {
  World world(false, 1);
  world.add_many(3000);
  AssetEvents none{[](Time, EventOrder, std::size_t) {
                     return EventPage{{}, 0, 0, kStart};
                   },
                   false};
  CHECK(read_events(none, {}, {}, 30).position.recent.time == kStart - 60s);
  int requests = 0;
  const AssetEvents many{[&](Time, EventOrder order, std::size_t) {
                           ++requests;
                           CHECK(order == EventOrder::newest_first);
                           EventPage page{{}, 100, 3000, kStart};
                           for (int i = 0; i < 100; ++i) page.rows.push_back({i, "a", kStart - 1h});
                           return page;
                         },
                         false};
  const auto read = read_events(many, {}, {}, 30);
  CHECK(requests == 10);
  CHECK(read.position.recent.index == 3000);
  CHECK(read.events.size() == 1000);
}
