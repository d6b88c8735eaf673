// A process that is killed at any moment, and two processes with one file.

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <random>

#include "common/base/text.h"
#include "test_paths.h"
#include "tests/common/ledger_history.h"
#include "tests/support/error_of.h"
#include "tests/support/temporary_directory.h"

using namespace exporter;
using model::Model;

extern char** environ;

namespace {

/// A process that applies a history to a ledger, and the read end of a pipe for its output.
class Driver {
 public:
  Driver(const std::string& directory, std::uint64_t seed, std::size_t count) {
    std::array<int, 2> ends{};
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
    output_ = ends[0];
    std::array<std::string, 4> words = {LEDGER_DRIVER, directory, std::to_string(seed),
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

  /// Appends its next output; false at the end of the output and after `until`.
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

  /// Kills it. Returns its status as waitpid() has it; its last output can still be read.
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

/// Compares each page of a driver with the page of the model at the same position.
class Reader {
 public:
  Reader(std::uint64_t seed, std::size_t count) : runs_(history::runs(seed, count)) {}

  void check(std::string_view output) {
    std::string page;
    while (output.find('\n') != std::string_view::npos) {
      const auto line = next_part(output, '\n');
      if (!line.starts_with("# at ")) {
        page.append(line).append("\n");
        continue;
      }
      follow_to(parse_number<std::size_t>(line.substr(5)).value());
      // A driver prints its first page before its first run.
      REQUIRE(std::exchange(page, {}) == history::page(model_));
    }
  }
  bool at_the_end() const { return position_ == runs_.size(); }

 private:
  void follow_to(std::size_t position) {
    REQUIRE(position >= position_);  // a position that was shown is on the disk
    while (position_ < position) {
      const auto& run = runs_[position_++];
      model_.begin(run.options, run.now);
      history::apply(run, model_);
      model_.commit();
    }
  }

  std::vector<history::Run> runs_;
  std::size_t position_ = 0;
  Model model_{history::kCreated};
};

/// Kills the driver at random moments until it has read all. Returns how often.
int kill_until_done(std::uint64_t seed, std::size_t count) {
  INFO("LEDGER_SEED=" << seed);
  const TemporaryDirectory directory;
  std::mt19937_64 random(seed);
  Reader reader(seed, count);
  for (int kills = 0;; ++kills) {
    REQUIRE(kills < 10'000);
    Driver driver(directory.path(), seed, count);
    std::string output;
    // After its first page, so that each process gets further; then at any moment of its runs. The
    // window grows, so that the history also ends on the slowest machine.
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

TEST_CASE("a ledger whose process is killed at any moment keeps its promises") {
  // Where /tmp is in memory, a history may be over before it is killed.
  int kills = 0;
  for (std::uint64_t i = 0; i < 2 * history::rounds() || kills <= 5; ++i) {
    REQUIRE(i < 1000);
    kills += kill_until_done(history::first_seed() + i, 100);
  }
}

TEST_CASE("a second process says which file another one has") {
  const TemporaryDirectory directory;
  const auto open = [&] { Ledger("killed", directory.path(), {}, history::kCreated); };
  {
    // Its output is larger than the pipe: it blocks with the ledger open.
    const Driver driver(directory.path(), 1, 2'000);
    std::string output;
    REQUIRE(driver.read_until(std::chrono::steady_clock::now() + std::chrono::minutes(1), output));
    CHECK(error_of(Reason::io, open) ==
          (directory.path() / "killed.ledger").string() + ": in use by another process");
  }
  open();
}
