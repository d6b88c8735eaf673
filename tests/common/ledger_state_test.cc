#include <sqlite3.h>
#include <sys/fsuid.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <fstream>
#include <memory>

#include "common/ledger/ledger.h"
#include "tests/support/error_of.h"
#include "tests/support/golden.h"
#include "tests/support/temporary_folder.h"

using namespace exporter;
using namespace std::chrono_literals;

namespace {

constexpr auto kTasks = counter("test_tasks_total", "Tasks.", "state");
const Ledger::Time kStart{24h * 365 * 50};
const Ledger::Time kLater = kStart + 1h;

/// A folder for a ledger named "test".
struct StateFolder {
  std::unique_ptr<Ledger> open(Ledger::Time now = kLater) const {
    return std::make_unique<Ledger>("test", folder.path(), Ledger::Options{}, now);
  }
  std::string file() const { return folder.path() / "test.ledger"; }
  /// The error of opening it, without the folder's name.
  std::string error_of_open(Reason reason) const {
    auto text = error_of(reason, [&] { open(); });
    const auto name = folder.path().string();
    for (auto at = text.find(name); at != std::string::npos; at = text.find(name)) {
      text.replace(at, name.size(), "FOLDER");
    }
    return text;
  }
  /// The names of what is in it, sorted, with a blank after each.
  std::string names() const {
    std::vector<std::string> all;
    for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
      all.push_back(entry.path().filename());
    }
    std::sort(all.begin(), all.end());
    std::string text;
    for (const auto& name : all) text.append(name).append(" ");
    return text;
  }

  TemporaryFolder folder;
};

constexpr const char* kAside = "test.ledger test.ledger.unusable-2019-12-20T01:00:00.000Z ";

void report(Ledger& ledger, std::string_view event, double value) {
  auto run = ledger.begin(Deadline::in(1min), kStart);
  run.record(kTasks, {event, kStart}, value, "ok");
  run.set_metadata("position", "after " + std::string(event));
  run.commit();
}

std::string page(const Ledger& ledger) {
  Samples samples;
  ledger.add_to(samples, kTasks);
  std::string text;
  samples.render(Format::text, text);
  return text;
}

std::string page_of(const std::string& value) {
  return "# HELP test_tasks_total Tasks.\n# TYPE test_tasks_total counter\n"
         "test_tasks_total{state=\"ok\"} " +
         value + "\n";
}

/// A ledger that began anew at kLater and works.
void check_fresh(Ledger& ledger, bool discarded) {
  CHECK(page(ledger).empty());
  CHECK(ledger.figures().started == kLater);
  CHECK(ledger.figures().discarded == discarded);
  auto run = ledger.begin(Deadline::in(1min), kLater);
  CHECK(run.metadata("position").empty());
  run.record(kTasks, {"new", kLater}, 1, "ok");
  run.commit();
  CHECK(page(ledger) == page_of("1"));
}

/// A closed ledger with more than one page of events and of series.
void fill(const StateFolder& state) {
  const auto ledger = state.open(kStart);
  auto run = ledger->begin(Deadline::in(1min), kStart);
  for (int i = 0; i < 500; ++i) {
    run.record(kTasks, {"event " + std::to_string(i), kStart}, 1, "state " + std::to_string(i));
  }
  run.commit();
}

void execute(const std::string& file, const char* sql) {
  sqlite3* database = nullptr;
  REQUIRE(sqlite3_open(file.c_str(), &database) == SQLITE_OK);
  const int code = sqlite3_exec(database, sql, nullptr, nullptr, nullptr);
  sqlite3_close(database);
  REQUIRE(code == SQLITE_OK);
}

/// While one lives, this thread has no rights of root's on files.
class Unprivileged {
 public:
  Unprivileged() {
    if (::geteuid() == 0) ::setfsuid(65534);
  }
  ~Unprivileged() { ::setfsuid(::geteuid()); }
  Unprivileged(const Unprivileged&) = delete;
  Unprivileged& operator=(const Unprivileged&) = delete;
};

/// While one lives, no file of this process grows beyond a size: writing fails as on a full disk.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &before_) == 0);
    const rlimit limit{bytes, before_.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &limit) == 0);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit before_{};
  void (*handler_)(int);
};

}  // namespace

TEST_CASE("a ledger without a state begins at once, in a folder that it makes") {
  StateFolder state;
  Ledger ledger("test", state.folder.path() / "new", {}, kLater);
  check_fresh(ledger, false);
  CHECK(std::filesystem::exists(state.folder.path() / "new" / "test.ledger"));
}

TEST_CASE("a ledger that is opened again is where it was") {
  StateFolder state;
  const auto expect = [](const Ledger& ledger, const char* value) {
    CHECK(page(ledger) == page_of(value));
    const auto figures = ledger.figures();
    CHECK(figures.started == kStart);
    CHECK(figures.written == kStart);
    CHECK(figures.newest == kStart);
    CHECK(figures.series == 1);
    CHECK(figures.open_events == 2);
    CHECK(figures.corrections == 1);
    CHECK_FALSE(figures.discarded);
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
  expect(*ledger, "7.75");
  CHECK(ledger->begin(Deadline::in(1min)).metadata("position") == "after a");
  report(*ledger, "a", 2);
  expect(*ledger, "7.75");
  report(*ledger, "c", 6.25);
  CHECK(page(*ledger) == page_of("8.75"));
}

TEST_CASE("an empty file is a ledger that begins") {
  StateFolder state;
  state.folder.write("test.ledger", "");
  check_fresh(*state.open(), false);
}

TEST_CASE("a log whose ledger is gone belongs to no other") {
  StateFolder state;
  {
    const auto ledger = state.open(kStart);
    report(*ledger, "a", 1);
    std::filesystem::copy_file(state.file() + "-wal", state.folder.path() / "log");
  }
  std::filesystem::remove(state.file());
  std::filesystem::rename(state.folder.path() / "log", state.file() + "-wal");
  check_fresh(*state.open(), false);
}

TEST_CASE("what is no ledger is set aside, and the ledger begins again") {
  StateFolder state;
  SECTION("a text") { state.folder.write("test.ledger", std::string(10'000, 'x')); }
  SECTION("a database of another program") { execute(state.file(), "CREATE TABLE notes (note)"); }
  SECTION("a ledger of an older version") {
    fill(state);
    execute(state.file(), "PRAGMA user_version = 0");
  }
  SECTION("a ledger whose sums are not numbers") {
    fill(state);
    execute(state.file(), "UPDATE series SET truth = x'7878' WHERE id = 7");
  }
  SECTION("a ledger without one of its tables") {
    fill(state);
    execute(state.file(), "DROP TABLE unit");
  }
  SECTION("a ledger without its state") {
    fill(state);
    execute(state.file(), "DELETE FROM state");
  }
  const auto before = read_file(state.file());
  check_fresh(*state.open(), true);
  CHECK(state.names() == kAside);
  const bool the_same = read_file(state.file() + ".unusable-2019-12-20T01:00:00.000Z") == before;
  CHECK(the_same);
}

TEST_CASE("a ledger that was cut off at any place is set aside, and begins again") {
  StateFolder whole;
  fill(whole);
  const auto bytes = read_file(whole.file());
  REQUIRE(bytes.size() > 40'000);
  for (std::size_t tenth = 0; tenth < 10; ++tenth) {
    StateFolder state;
    const auto size = bytes.size() * tenth / 10 + 1;
    INFO(size << " of " << bytes.size() << " bytes");
    state.folder.write("test.ledger", bytes.substr(0, size));
    check_fresh(*state.open(), true);
    CHECK(state.names() == kAside);
  }
}

TEST_CASE("a log that was cut off at any place ends with the last run that is whole") {
  StateFolder state;
  const auto ledger = state.open(kStart);
  std::vector<std::string> pages = {page(*ledger)};
  for (const auto* event : {"a", "b", "c", "d"}) {
    report(*ledger, event, 1);
    pages.push_back(page(*ledger));
  }
  const auto file = read_file(state.file()), log = read_file(state.file() + "-wal");
  std::size_t last = 0;
  for (std::size_t twentieth = 0; twentieth <= 20; ++twentieth) {
    StateFolder copy;
    copy.folder.write("test.ledger", file);
    copy.folder.write("test.ledger-wal", log.substr(0, log.size() * twentieth / 20));
    const auto opened = copy.open();
    const auto at = std::find(pages.begin(), pages.end(), page(*opened)) - pages.begin();
    INFO(twentieth << " twentieths: run " << at);
    REQUIRE(at < static_cast<std::ptrdiff_t>(pages.size()));
    REQUIRE(static_cast<std::size_t>(at) >= last);
    last = static_cast<std::size_t>(at);
    REQUIRE_FALSE(opened->figures().discarded);
  }
  CHECK(last == 4);
}

TEST_CASE("a ledger with a damaged page is set aside, and begins again") {
  StateFolder whole;
  fill(whole);
  const auto bytes = read_file(whole.file());
  for (std::size_t at = 0; at < bytes.size(); at += 4096) {
    INFO("page " << at / 4096 + 1);
    StateFolder state;
    auto damaged = bytes;
    damaged.replace(at, 512, 512, '\x55');
    state.folder.write("test.ledger", damaged);
    check_fresh(*state.open(), true);
  }
}

TEST_CASE("a ledger that is damaged while it is open fails a run, and begins again with the next") {
  StateFolder state;
  const auto ledger = state.open(kStart);
  const auto record_all = [&] {
    auto run = ledger->begin(Deadline::in(1min), kLater);
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
  CHECK(ledger->figures().discarded);
  CHECK(ledger->figures().started == kLater);
}

TEST_CASE("a ledger of a newer version is left as it is") {
  StateFolder state;
  fill(state);
  execute(state.file(), "PRAGMA user_version = 2");
  const auto before = read_file(state.file());
  CHECK(state.error_of_open(Reason::config) ==
        "FOLDER/test.ledger: made by a newer version of this exporter");
  const bool the_same = read_file(state.file()) == before;
  CHECK(the_same);
}

TEST_CASE("a ledger that cannot be written is an error at the start") {
  StateFolder state;
  SECTION("a file in place of the folder") {
    const auto file = state.folder.write("state", "");
    CHECK(error_of(Reason::io, [&] { Ledger("test", file, {}, kStart); }) ==
          "state folder " + file + "/: Not a directory");
  }
  SECTION("a folder that is not there and cannot be made") {
    const auto folder = state.folder.path() / "a" / "b";
    CHECK(error_of(Reason::io, [&] { Ledger("test", folder, {}, kStart); }) ==
          "state folder " + folder.string() + ": No such file or directory");
  }
  SECTION("a folder in place of the file") {
    std::filesystem::create_directory(state.file());
    CHECK(state.error_of_open(Reason::io) ==
          "FOLDER/test.ledger: unable to open database file: Is a directory");
  }
  SECTION("a folder without the right to write, new or with a ledger") {
    const bool with_ledger = GENERATE(false, true);
    if (with_ledger) fill(state);
    ::chmod(state.folder.path().c_str(), 0555);
    if (with_ledger) ::chmod(state.file().c_str(), 0666);
    const Unprivileged user;
    CHECK(state.error_of_open(Reason::io) == "state folder FOLDER/: Permission denied");
    ::chmod(state.folder.path().c_str(), 0755);
  }
  SECTION("a file without the right to write") {
    fill(state);
    ::chmod(state.folder.path().c_str(), 0777);
    ::chmod(state.file().c_str(), 0444);
    const Unprivileged user;
    CHECK(state.error_of_open(Reason::io) == "FOLDER/test.ledger: Permission denied");
  }
  SECTION("a full disk") {
    const FileSizeLimit limit(0);
    CHECK(state.error_of_open(Reason::io) == "FOLDER/test.ledger: disk I/O error: File too large");
  }
}

TEST_CASE("a full disk fails the run, nothing changes, and the next one catches up") {
  StateFolder state;
  auto ledger = state.open(kStart);
  report(*ledger, "a", 1);
  const auto size = std::filesystem::file_size(state.file() + "-wal");
  {
    const FileSizeLimit limit(size + 5000);
    CHECK(error_of(Reason::io, [&] {
            report(*ledger, "b", 1);
          }).starts_with(state.file() + ": disk I/O error"));
    CHECK(page(*ledger) == page_of("1"));
    CHECK(ledger->figures().open_events == 1);
    CHECK(ledger->begin(Deadline::in(1min)).metadata("position") == "after a");
  }
  report(*ledger, "b", 1);
  report(*ledger, "a", 1);
  CHECK(page(*ledger) == page_of("2"));
  ledger.reset();
  CHECK(page(*state.open()) == page_of("2"));
}

TEST_CASE("a disk that fills in the middle of a run fails all of it") {
  StateFolder state;
  const auto ledger = state.open(kStart);
  report(*ledger, "a", 1);
  const auto record_many = [&] {
    auto run = ledger->begin(Deadline::in(1min), kStart);
    for (int i = 0; i < 30'000; ++i) {
      run.record(kTasks, {std::to_string(i) + std::string(1000, '-'), kStart}, 1, "ok");
    }
    run.commit();
  };
  {
    const FileSizeLimit limit(1'000'000);
    CHECK(error_of(Reason::io, record_many) == state.file() + ": disk I/O error: File too large");
  }
  CHECK(page(*ledger) == page_of("1"));
  record_many();
  CHECK(page(*ledger) == page_of("30001"));
}
