#include <catch2/catch.hpp>
#include <set>

#include "common/ledger/event_blocks.h"
#include "common/ledger/event_index.h"

using exporter::ledger::EventBlocks;
using exporter::ledger::EventIndex;
using exporter::ledger::Time;
using namespace std::chrono_literals;

namespace {

const Time kWhen{24h * 365 * 50};

std::vector<std::int64_t> rows_of(const EventIndex& index, std::uint64_t hash) {
  std::vector<std::int64_t> rows;
  index.find(hash, [&](std::int64_t row) {
    rows.push_back(row);
    return false;
  });
  std::ranges::sort(rows);
  return rows;
}

std::uint64_t hash_of(std::int64_t number) { return static_cast<std::uint64_t>(number) << 32; }

}  // namespace

TEST_CASE("an index names every row of a hash until one is taken, and no other hash's") {
  EventIndex index;
  for (std::int64_t row = 1; row <= 48; ++row) {
    REQUIRE_FALSE(index.full());
    index.add(hash_of(row % 3), row);
  }
  CHECK(index.full());
  std::vector<std::int64_t> rows;
  index.find(hash_of(2), [&](std::int64_t row) {
    rows.push_back(row);
    return row == 11;
  });
  CHECK(rows == std::vector<std::int64_t>{2, 5, 8, 11});
  const EventIndex larger(48);
  CHECK_FALSE(larger.full());
  CHECK(rows_of(larger, hash_of(2)).empty());
}

TEST_CASE("an index forgets a row, and goes on to name the others") {
  constexpr std::int64_t kRows = 48;
  // Few hashes, so that rows fill adjacent slots, also around the end of the table.
  const auto hash_at = [](std::int64_t row) { return hash_of(row % 5 * (0xffff'ffff / 4)); };
  for (std::int64_t erased = 1; erased <= kRows; ++erased) {
    EventIndex index;
    for (std::int64_t row = 1; row <= kRows; ++row) index.add(hash_at(row), row);
    index.erase(hash_at(erased), erased);
    index.erase(hash_at(erased), erased);
    CHECK_FALSE(index.full());
    for (std::int64_t row = 1; row <= kRows; ++row) {
      const auto rows = rows_of(index, hash_at(row));
      REQUIRE((std::ranges::find(rows, row) != rows.end()) == (row != erased));
    }
  }
}

TEST_CASE("an index that grows names the rows that are there") {
  EventIndex index;
  constexpr std::int64_t kRows = 10'000, kFar = std::int64_t{1} << 45;
  for (std::int64_t i = 0; i < kRows; ++i) {
    if (index.full()) index.grow([](std::int64_t row) { return row % 2 == 1; });
    index.add(EventIndex::hash("event " + std::to_string(i), 1), kFar + i);
  }
  index.grow([](std::int64_t row) { return row % 2 == 1; });
  for (std::int64_t i = 0; i < kRows; ++i) {
    const auto rows = rows_of(index, EventIndex::hash("event " + std::to_string(i), 1));
    REQUIRE((std::ranges::find(rows, kFar + i) != rows.end()) == (i % 2 == 1));
  }
}

TEST_CASE("an index spreads the families of an event as it spreads events") {
  std::set<std::uint64_t> by_family, by_event;
  for (std::int64_t i = 0; i < 1000; ++i) {
    by_family.insert(EventIndex::hash("event", i) >> 48);
    by_event.insert(EventIndex::hash("event " + std::to_string(i), 1) >> 48);
  }
  CHECK(by_family.size() > 970);
  CHECK(by_event.size() > 970);
}

TEST_CASE("events of a time have blocks of rows of their own") {
  EventBlocks blocks;
  std::set<std::int64_t> rows;
  for (int i = 0; i < 5000; ++i) {
    const auto when = kWhen + (i % 3) * 1h;
    const auto row = blocks.next_row(when);
    REQUIRE(rows.insert(row).second);
    REQUIRE(row > 0);
    REQUIRE(blocks.has(row, when));
    REQUIRE_FALSE(blocks.has(row, when + 1h));
  }
  CHECK(blocks.between(Time::min(), Time::max()).size() == 6);
  CHECK(blocks.between(kWhen, kWhen).size() == 2);
  CHECK(blocks.between(kWhen + 20min, kWhen + 3h).size() == 4);
  CHECK(blocks.between(kWhen + 9h, kWhen).empty());
}

TEST_CASE("blocks that are read again go on where they were") {
  EventBlocks blocks, again;
  std::vector<std::pair<std::int64_t, Time>> rows;
  for (int i = 0; i < 3000; ++i) {
    const auto when = kWhen + (i % 2) * 1h;
    rows.emplace_back(blocks.next_row(when), when);
  }
  std::ranges::sort(rows);
  for (const auto& [row, when] : rows) REQUIRE(again.note(row, when));
  for (int i = 0; i < 3000; ++i) {
    const auto when = kWhen + (i % 3) * 1h;
    REQUIRE(again.next_row(when) == blocks.next_row(when));
  }
  CHECK_FALSE(again.note(rows[0].first, kWhen + 5h));
}

TEST_CASE("a block that is forgotten gets no more rows") {
  EventBlocks blocks;
  const auto first = blocks.next_row(kWhen), other = blocks.next_row(kWhen + 1h);
  for (const auto& block : blocks.between(kWhen, kWhen)) blocks.forget(block);
  CHECK_FALSE(blocks.has(first));
  CHECK(blocks.has(other));
  const auto next = blocks.next_row(kWhen);
  CHECK(next > other);
  CHECK(blocks.has(next));
  CHECK(blocks.next_row(kWhen) == next + 1);
}
