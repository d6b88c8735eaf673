// What a ledger finds when it is opened.

#include <catch2/catch.hpp>
#include <fstream>

#include "tests/common/ledger_state_fixture.h"
#include "tests/support/golden.h"

using namespace state_fixture;

TEST_CASE("a ledger without a state starts at once, in a directory that it creates") {
  StateDirectory state;
  Ledger ledger("test", state.directory.path() / "new", {}, kLater);
  check_fresh(ledger, false);
  CHECK(std::filesystem::exists(state.directory.path() / "new" / "test.ledger"));
}

TEST_CASE("a ledger that is opened again is where it was") {
  StateDirectory state;
  const auto expect = [](const Ledger& ledger, const char* value) {
    CHECK(page(ledger) == page_of(value));
    const auto figures = ledger.figures().value();
    CHECK(figures.started == kStart);
    CHECK(figures.written == kStart);
    CHECK(figures.newest == kStart);
    CHECK(figures.series == 1);
    CHECK(figures.open_events == 2);
    CHECK(figures.corrections == 1);
    CHECK_FALSE(ledger.has_discarded_state());
  };
  {
    const auto ledger = state.open(kStart);
    report(*ledger, "a", 7.25);
    report(*ledger, "b", 0.5);
    report(*ledger, "a", 2);
    expect(*ledger, "7.75");
  }
  CHECK(state.names() == "test.ledger ");
  const auto ledger = state.open();
  CHECK(ledger->figures()->open_events == 2);  // known before the first run
  CHECK(page(*ledger).empty());
  CHECK(begin(*ledger).metadata("position") == "after a");
  expect(*ledger, "7.75");
  report(*ledger, "a", 2);
  expect(*ledger, "7.75");
  report(*ledger, "c", 6.25);
  CHECK(page(*ledger) == page_of("8.75"));
}

TEST_CASE("a zero with a sign is a zero after a restart") {
  const StateDirectory state;
  {
    const auto ledger = state.open(kStart);
    report(*ledger, "a", 1);
    report(*ledger, "b", -0.0);
  }
  const auto ledger = state.open();
  report(*ledger, "b", 2);
  CHECK_FALSE(ledger->has_discarded_state());
  CHECK(page(*ledger) == page_of("3"));
}

TEST_CASE("an empty file is a ledger that starts") {
  StateDirectory state;
  state.directory.write("test.ledger", "");
  check_fresh(*state.open(), false);
}

TEST_CASE("a log whose ledger is gone belongs to no other") {
  StateDirectory state;
  {
    const auto ledger = state.open(kStart);
    report(*ledger, "a", 1);
    std::filesystem::copy_file(state.file() + "-wal", state.directory.path() / "log");
  }
  std::filesystem::remove(state.file());
  std::filesystem::rename(state.directory.path() / "log", state.file() + "-wal");
  check_fresh(*state.open(), false);
}

TEST_CASE("what is not a ledger is set aside, and the ledger starts again") {
  StateDirectory state;
  SECTION("a text") { state.directory.write("test.ledger", std::string(10'000, 'x')); }
  SECTION("a database of another program") { execute(state.file(), "CREATE TABLE notes (note)"); }
  SECTION("a ledger of an older version") {
    fill(state);
    execute(state.file(), "PRAGMA user_version = 0");
  }
  SECTION("a ledger of which something was changed") {
    const auto* change = GENERATE(
        "UPDATE series SET truth = x'7878' WHERE id = 7",  // not numbers
        "UPDATE series SET truth = x'32' WHERE id = 7",    // another number
        "UPDATE series SET newest = newest + 1 WHERE id = 7", "DELETE FROM series WHERE id = 7",
        "UPDATE event SET value = 2 WHERE id = x'6576656e742037'",
        "UPDATE event SET happened = happened + 1 WHERE id = x'6576656e742037'",
        "UPDATE event SET id = x'78' WHERE id = x'6576656e742037'",
        "DELETE FROM event WHERE id = x'6576656e742037'",
        "UPDATE event SET row = row + 100000 WHERE id = x'6576656e742037'",
        "UPDATE metadata SET text = x'78' WHERE key = x'6b65792037'",
        "DELETE FROM metadata WHERE key = x'6b65792037'", "UPDATE family SET key = x'78'",
        "DELETE FROM family", "UPDATE state SET late = 1", "UPDATE state SET watermark = 1",
        "DELETE FROM state", "DROP TABLE event", "DROP TABLE state",
        "ALTER TABLE event DROP COLUMN counts");
    CAPTURE(change);
    fill(state);
    execute(state.file(), change);
  }
  const auto before = read_file(state.file());
  check_fresh(*state.open(), true);
  CHECK(state.names() == kAside);
  const bool the_same = read_file(state.file() + ".unusable-2019-12-20T01:00:00.000Z") == before;
  CHECK(the_same);
}

TEST_CASE("a ledger that was cut off at any place is set aside, and starts again") {
  StateDirectory whole;
  fill(whole);
  const auto bytes = read_file(whole.file());
  REQUIRE(bytes.size() > 40'000);
  for (std::size_t tenth = 0; tenth < 10; ++tenth) {
    StateDirectory state;
    const auto size = bytes.size() * tenth / 10 + 1;
    INFO(size << " of " << bytes.size() << " bytes");
    state.directory.write("test.ledger", bytes.substr(0, size));
    check_fresh(*state.open(), true);
    CHECK(state.names() == kAside);
  }
}

TEST_CASE("a log that was cut off at any place ends with the last run that is whole") {
  StateDirectory state;
  const auto ledger = state.open(kStart);
  std::vector<std::string> pages = {page(*ledger)};
  for (const auto* event : {"a", "b", "c", "d"}) {
    report(*ledger, event, 1);
    pages.push_back(page(*ledger));
  }
  const auto file = read_file(state.file()), log = read_file(state.file() + "-wal");
  std::size_t last = 0;
  for (std::size_t twentieth = 0; twentieth <= 20; ++twentieth) {
    StateDirectory copy;
    copy.directory.write("test.ledger", file);
    copy.directory.write("test.ledger-wal", log.substr(0, log.size() * twentieth / 20));
    const auto opened = copy.open();
    { const auto run = begin(*opened); }
    const auto at = std::find(pages.begin(), pages.end(), page(*opened)) - pages.begin();
    INFO(twentieth << " twentieths: run " << at);
    REQUIRE(at < static_cast<std::ptrdiff_t>(pages.size()));
    REQUIRE(static_cast<std::size_t>(at) >= last);
    last = static_cast<std::size_t>(at);
    REQUIRE_FALSE(opened->has_discarded_state());
  }
  CHECK(last == 4);
}

TEST_CASE("a ledger with a damaged page is set aside, and starts again") {
  StateDirectory whole;
  fill(whole);
  const auto bytes = read_file(whole.file());
  for (std::size_t at = 0; at < bytes.size(); at += 4096) {
    INFO("page " << at / 4096 + 1);
    StateDirectory state;
    auto damaged = bytes;
    damaged.replace(at, 512, 512, '\x55');
    state.directory.write("test.ledger", damaged);
    check_fresh(*state.open(), true);
  }
}

TEST_CASE("a ledger that is damaged while it is open fails a run, and starts again with the next") {
  StateDirectory state;
  const auto ledger = state.open(kStart);
  const auto record_all = [&] {
    auto run = begin(*ledger, kLater);
    for (int i = 0; i < 30'000; ++i) {  // more than is kept in memory
      run.record(kTasks, {std::to_string(i) + std::string(1000, '-'), kLater}, 1, "ok");
    }
    run.commit();
  };
  record_all();
  CHECK(page(*ledger) == page_of("30000"));
  {
    std::fstream file(state.file(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(4096 * 100) << std::string(4096 * 5000, '\x55');
  }
  CHECK(error_of(Reason::io, record_all) == state.file() + ": the database is damaged");
  CHECK(page(*ledger) == page_of("30000"));
  record_all();
  CHECK(page(*ledger) == page_of("30000"));
  CHECK(ledger->has_discarded_state());
  CHECK(ledger->figures()->started == kLater);
}

TEST_CASE("a ledger of a newer version is left as it is") {
  StateDirectory state;
  fill(state);
  execute(state.file(), "PRAGMA user_version = 3");
  const auto before = read_file(state.file());
  CHECK(state.error_of_open(Reason::config) ==
        "DIRECTORY/test.ledger: written by a newer version of this exporter");
  const bool the_same = read_file(state.file()) == before;
  CHECK(the_same);
}
