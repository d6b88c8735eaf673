#include "tests/common/ledger_history.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <random>

#include "common/base/text.h"
#include "tests/support/error_of.h"
#include "tests/support/temporary_folder.h"

using namespace exporter;
using history::Model;

extern char** environ;

namespace {

/// LEDGER_ROUNDS repeats the random histories so many times more; LEDGER_SEED begins with another.
std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text != nullptr ? std::stoull(text) : otherwise;
}
std::uint64_t rounds() { return from_environment("LEDGER_ROUNDS", 1); }
std::uint64_t first_seed() { return from_environment("LEDGER_SEED", 1); }

Deadline soon() { return Deadline::in(std::chrono::minutes(1)); }

/// The values of a page by their series.
std::map<std::string, double> values_of(std::string_view page) {
  std::map<std::string, double> values;
  while (!page.empty()) {
    const auto line = next_part(page, '\n');
    if (line.empty() || line[0] == '#') continue;
    const auto blank = line.rfind(' ');
    values[std::string(line.substr(0, blank))] =
        parse_number<double>(line.substr(blank + 1)).value();
  }
  return values;
}

/// Fails when a series of the older page is gone from the newer one or shows less there.
void check_nothing_fell(const std::string& older, const std::string& newer) {
  const auto now = values_of(newer);
  for (const auto& [series, value] : values_of(older)) {
    INFO(series);
    REQUIRE(now.count(series) == 1);
    REQUIRE(now.at(series) >= value);
  }
}

/// Reads a whole history in runs of random length; some begin again before the last one, some are
/// given up, and the ledger is closed and opened between some.
void check_history(std::uint64_t seed, std::size_t count, const std::filesystem::path& folder) {
  INFO("LEDGER_SEED=" << seed);
  std::mt19937_64 random(seed);
  const auto chance = [&](unsigned percent) { return random() % 100 < percent; };
  const auto reports = history::reports(seed, count);
  const auto open = [&] {
    return std::make_unique<Ledger>("test", folder, history::kOptions, history::kBegin);
  };
  auto ledger = open();
  Model model;
  std::string shown = history::page(*ledger);
  for (std::size_t position = 0; position < count;) {
    const auto end = std::min(count, position + 1 + random() % 60);
    auto begin = position - std::min<std::size_t>(position, random() % 60);
    {
      auto run = ledger->begin(soon(), reports[end - 1].now);
      for (auto i = begin; i < end; ++i) history::record(run, reports[i]);
      if (chance(15)) continue;  // given up: read again from the same position
      run.commit();
    }
    while (position < end) model.add(reports[position++]);
    model.commit();
    if (!folder.empty() && chance(15)) {
      ledger.reset();
      ledger = open();
    }
    const auto now_shown = history::page(*ledger);
    REQUIRE(now_shown == model.page());
    check_nothing_fell(shown, now_shown);
    shown = now_shown;
  }
  const auto figures = ledger->figures();
  CHECK(figures.late > 0);
  CHECK(figures.corrections > 0);
  CHECK(figures.open_events < static_cast<std::int64_t>(count / 2));
}

/// A process that reads a history into a ledger, with the end of a pipe to its output.
class Driver {
 public:
  Driver(const std::string& folder, std::uint64_t seed, std::size_t count) {
    std::array<int, 2> ends{};
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
    output_ = ends[0];
    std::array<std::string, 4> words = {LEDGER_DRIVER, folder, std::to_string(seed),
                                        std::to_string(count)};
    std::array<char*, 5> arguments{};
    for (std::size_t i = 0; i < words.size(); ++i) arguments[i] = words[i].data();
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    const int error =
        ::posix_spawn(&pid_, LEDGER_DRIVER, &actions, nullptr, arguments.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    REQUIRE(error == 0);
  }
  ~Driver() {
    if (pid_ > 0) kill();
    ::close(output_);
  }
  Driver(const Driver&) = delete;
  Driver& operator=(const Driver&) = delete;

  /// Its next output, waiting for it until a time; false at its end and after that time.
  bool read_until(std::chrono::steady_clock::time_point until, std::string& out) const {
    using std::chrono::milliseconds;
    const auto left = std::chrono::ceil<milliseconds>(until - std::chrono::steady_clock::now());
    pollfd waiting{output_, POLLIN, 0};
    if (left <= milliseconds(0) || ::poll(&waiting, 1, static_cast<int>(left.count())) != 1) {
      return false;
    }
    std::array<char, 65536> bytes;
    const auto size = ::read(output_, bytes.data(), bytes.size());
    if (size > 0) out.append(bytes.data(), static_cast<std::size_t>(size));
    return size > 0;
  }

  /// Its status as waitpid() tells it; what it wrote last stays readable.
  int kill() {
    ::kill(pid_, SIGKILL);
    int status = 0;
    REQUIRE(::waitpid(pid_, &status, 0) == pid_);
    pid_ = -1;
    return status;
  }

 private:
  pid_t pid_ = -1;
  int output_ = -1;
};

/// Compares each whole page of a driver with the model at the same position, which it follows.
class Reader {
 public:
  Reader(std::uint64_t seed, std::size_t count)
      : seed_(seed), reports_(history::reports(seed, count)), shown_(model_.page()) {}

  void check(std::string_view output) {
    std::string page;
    while (output.find('\n') != std::string_view::npos) {
      const auto line = next_part(output, '\n');
      if (!line.starts_with("# at ")) {
        page.append(line).append("\n");
        continue;
      }
      follow_to(parse_number<std::size_t>(line.substr(5)).value());
      REQUIRE(page == model_.page());
      check_nothing_fell(shown_, page);
      shown_ = std::exchange(page, {});
    }
  }
  bool at_the_end() const { return position_ == reports_.size(); }

 private:
  void follow_to(std::size_t position) {
    REQUIRE(position >= position_);  // what was shown had reached the disk
    while (position_ < position) {
      const auto end = std::min(reports_.size(), position_ + history::run_length(seed_, position_));
      while (position_ < end) model_.add(reports_[position_++]);
      model_.commit();
    }
    REQUIRE(position_ == position);
  }

  std::uint64_t seed_;
  std::vector<history::Report> reports_;
  std::size_t position_ = 0;
  Model model_;
  std::string shown_;
};

/// Kills the driver at random moments until it has read all; answers how often.
int kill_until_done(std::uint64_t seed, std::size_t count) {
  INFO("LEDGER_SEED=" << seed);
  TemporaryFolder folder;
  std::mt19937_64 random(seed);
  Reader reader(seed, count);
  for (int kills = 0;; ++kills) {
    REQUIRE(kills < 10'000);
    Driver driver(folder.path(), seed, count);
    std::string output;
    // From its first page on, so that each has done something; then at any moment of its runs; the
    // window grows, so that it comes to an end on the slowest machine too.
    bool open =
        driver.read_until(std::chrono::steady_clock::now() + std::chrono::minutes(1), output);
    REQUIRE(open);
    const auto window = std::chrono::microseconds(4000 + 1000 * kills);
    const auto end =
        std::chrono::steady_clock::now() +
        std::chrono::microseconds(random() % static_cast<std::uint64_t>(window.count()));
    while (open) open = driver.read_until(end, output);
    const int status = driver.kill();
    while (driver.read_until(std::chrono::steady_clock::now() + std::chrono::minutes(1), output)) {
    }
    reader.check(output);
    if (WIFEXITED(status)) {
      REQUIRE(WEXITSTATUS(status) == 0);
      REQUIRE(reader.at_the_end());
      return kills;
    }
  }
}

}  // namespace

TEST_CASE("whatever the order, repetitions and corrections, a ledger in memory shows the truth") {
  for (std::uint64_t i = 0; i < 10 * rounds(); ++i) check_history(first_seed() + i, 1000, {});
}

TEST_CASE("a ledger that is closed and opened again between runs shows the truth") {
  for (std::uint64_t i = 0; i < 2 * rounds(); ++i) {
    TemporaryFolder folder;
    check_history(first_seed() + i, 1000, folder.path());
  }
}

TEST_CASE("a ledger whose process is killed at any moment shows the truth, and nothing falls") {
  // Where /tmp is in memory, a history may be over before it is killed.
  int kills = 0;
  for (std::uint64_t i = 0; i < 2 * rounds() || kills <= 5; ++i) {
    REQUIRE(i < 1000);
    kills += kill_until_done(first_seed() + i, 1000);
  }
}

TEST_CASE("a second process is told which file another one has") {
  TemporaryFolder folder;
  const auto open = [&] { Ledger("killed", folder.path(), {}, history::kBegin); };
  {
    // Its output is more than a pipe holds: it waits, with the ledger open.
    const Driver driver(folder.path(), 1, 20'000);
    std::string output;
    REQUIRE(driver.read_until(std::chrono::steady_clock::now() + std::chrono::minutes(1), output));
    CHECK(error_of(Reason::io, open) ==
          (folder.path() / "killed.ledger").string() + ": in use by another process");
  }
  open();
}
