#include "common/base/deadline.h"

#include <catch2/catch.hpp>

#include "tests/support/error_of.h"

using namespace exporter;
using namespace std::chrono_literals;

TEST_CASE("a deadline that is shortened is still that of the same work") {
  std::stop_source stop;
  const auto tally = std::make_shared<Deadline::Tally>(0);
  const auto whole = Deadline::in(1h, stop.get_token()).counted_into(tally);
  const auto part = whole.no_later_than(Clock::now() + 1min);
  CHECK(part.left() <= 1min);
  CHECK(part.no_later_than(whole.when()).when() == part.when());
  part.count_request();
  whole.count_request();
  CHECK(*tally == 2);
  stop.request_stop();
  CHECK(error_of(Reason::cancelled, [&] { part.check(); }) == "cancelled");
}

TEST_CASE("requests are counted into the last tally alone, and into none by default") {
  const auto first = std::make_shared<Deadline::Tally>(0),
             second = std::make_shared<Deadline::Tally>(0);
  const auto deadline = Deadline::in(1h);
  deadline.count_request();
  deadline.counted_into(first).counted_into(second).count_request();
  CHECK(*first == 0);
  CHECK(*second == 1);
}
