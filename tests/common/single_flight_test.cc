#include "common/base/single_flight.h"

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <stop_token>
#include <thread>
#include <vector>

#include "tests/support/error_of.h"

using namespace exporter;
using namespace std::chrono_literals;

TEST_CASE("one thread at a time is let in") {
  SingleFlight work;
  std::atomic<int> inside = 0, most = 0, done = 0;
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < 4; ++thread) {
      threads.emplace_back([&] {
        for (int time = 0; time < 50; ++time) {
          const auto flight = work.enter(Deadline::in(5min), "busy");
          most = std::max<int>(most, ++inside);
          std::this_thread::yield();
          --inside;
          ++done;
        }
      });
    }
  }
  CHECK(most == 1);
  CHECK(done == 200);
}

TEST_CASE("who waits to be let in gives up at its deadline and at a stop") {
  SingleFlight work;
  const auto flight = work.enter(Deadline::in(5min), "busy");
  const auto enter = [&](const Deadline& deadline) {
    const auto second = work.enter(deadline, "another asks");
  };
  CHECK(error_of(Reason::timeout, [&] { enter(Deadline::in(1ms)); }) == "another asks");
  std::stop_source stop;
  std::jthread stops([&] {
    std::this_thread::sleep_for(5ms);
    stop.request_stop();
  });
  CHECK(error_of(Reason::cancelled, [&] { enter(Deadline::in(5min, stop.get_token())); }) ==
        "cancelled");
}
