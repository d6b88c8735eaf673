// Measures a ledger with many open events, or a table whose key is the event and the series:
// bench_ledger ledger|table EVENTS REPORTS_A_RUN [DIRECTORY]. Without a directory, in memory.
// Prints a line for each phase: its name, reports, seconds, CPU seconds, seconds of the slowest
// run, peak resident bytes so far, bytes of the file.

#include <sqlite3.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "common/ledger/ledger.h"

using namespace exporter;

namespace {

constexpr auto kQueries = counter("bench_queries_total", "Queries.", "warehouse", "user");
constexpr std::uint64_t kSeries = 1000;
constexpr auto kAllowedLateness = std::chrono::hours(48);
const Ledger::Time kBegin{std::chrono::hours(24 * 365 * 50)};

/// A report of an event, whose id is a random UUID that depends only on the number; it may have
/// moved to another series.
struct Work {
  Work(std::uint64_t number, std::chrono::microseconds apart, std::uint64_t moved_by)
      : series((number + moved_by) % kSeries),
        when(kBegin + number * apart),
        warehouse("WAREHOUSE_" + std::to_string(series % 10)),
        user("user_" + std::to_string(series / 10)) {
    std::array<char, 40> text;
    std::mt19937_64 random(number);
    const auto a = random(), b = random();
    std::snprintf(text.data(), text.size(), "%08x-%04x-%04x-%04x-%012llx",
                  static_cast<unsigned>(a >> 32), static_cast<unsigned>(a >> 16 & 0xffff),
                  static_cast<unsigned>(a & 0xffff), static_cast<unsigned>(b >> 48),
                  static_cast<unsigned long long>(b & 0xffffffffffff));
    id = text.data();
  }

  std::uint64_t series;
  Ledger::Time when;
  std::string id, warehouse, user;
};

/// Records the works of one run, durably.
using TakeIn = std::function<void(const std::vector<Work>&)>;

void record(Ledger& ledger, const std::vector<Work>& works, bool is_whole_window) {
  auto run = ledger.begin(Deadline::in(std::chrono::minutes(1)),
                          {.allowed_lateness = kAllowedLateness}, works.back().when);
  if (is_whole_window) run.replace_window(Ledger::Time::min(), Ledger::Time::max());
  for (const auto& work : works) {
    run.record(kQueries, {work.id, work.when}, 1, work.warehouse, work.user);
  }
  run.commit();
}

class Table {
 public:
  explicit Table(const std::string& directory) {
    const auto path = directory.empty() ? ":memory:" : directory + "/table.db";
    check(sqlite3_open(path.c_str(), &database_));
    execute(
        "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
        "PRAGMA cache_size = -65536;"
        "CREATE TABLE unit (unit TEXT, series INTEGER, value REAL, happened INTEGER,"
        "                   PRIMARY KEY (event, series)) WITHOUT ROWID");
    check(sqlite3_prepare_v2(database_,
                             "INSERT INTO unit VALUES (?, ?, 1, ?) ON CONFLICT DO UPDATE "
                             "SET value = excluded.value WHERE value <> excluded.value",
                             -1, &insert_, nullptr));
  }
  ~Table() {
    sqlite3_finalize(insert_);
    sqlite3_close(database_);
  }
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;

  void take_in(const std::vector<Work>& works) {
    execute("BEGIN");
    for (const auto& work : works) {
      sqlite3_bind_text(insert_, 1, work.id.data(), static_cast<int>(work.id.size()), nullptr);
      sqlite3_bind_int64(insert_, 2, static_cast<std::int64_t>(work.series));
      sqlite3_bind_int64(insert_, 3, work.when.time_since_epoch().count());
      if (sqlite3_step(insert_) != SQLITE_DONE) check(sqlite3_errcode(database_));
      sqlite3_reset(insert_);
    }
    const auto watermark = works.back().when - kAllowedLateness;
    if (watermark >= compacted_ + kAllowedLateness / 16) {
      compacted_ = watermark;
      execute("DELETE FROM unit WHERE happened < " +
              std::to_string(watermark.time_since_epoch().count()));
    }
    execute("COMMIT");
  }

 private:
  void check(int code) const {
    if (code != SQLITE_OK) throw std::runtime_error(sqlite3_errmsg(database_));
  }
  void execute(const std::string& sql) const {
    check(sqlite3_exec(database_, sql.c_str(), nullptr, nullptr, nullptr));
  }

  sqlite3* database_ = nullptr;
  sqlite3_stmt* insert_ = nullptr;
  Ledger::Time compacted_ = kBegin;
};

rusage usage() {
  rusage all{};
  ::getrusage(RUSAGE_SELF, &all);
  return all;
}

double cpu_seconds() {
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  const auto all = usage();
  return seconds(all.ru_utime) + seconds(all.ru_stime);
}

/// Reports of `open` events that are open at the same time, in runs of that size.
class Bench {
 public:
  Bench(std::uint64_t open, std::uint64_t per_run)
      : open_(open),
        per_run_(per_run),
        apart_(std::chrono::microseconds(kAllowedLateness) / static_cast<std::int64_t>(open)) {}

  void measure(Ledger& ledger) {
    const TakeIn take_in = [&](const auto& works) { record(ledger, works, false); };
    const TakeIn replace = [&](const auto& works) { record(ledger, works, true); };
    size_ = [&] { return ledger.figures()->size_bytes; };
    phases(take_in);
    phase("moved to another series", open_, open_ * 3 / 2, take_in, 1);
    const auto last = open_ * 3 / 2 - per_run_;
    phase("a run that replaces all", last, open_ * 3 / 2, replace, 1);
    phase("and once more", last, open_ * 3 / 2, replace, 1);
  }
  void measure(Table& table) {
    phases([&](const auto& works) { table.take_in(works); });
  }
  /// Measures a start: opening, before the exporter listens, and the first run.
  void measure_start(const std::string& directory) {
    size_ = [] { return 0; };
    std::optional<Ledger> ledger;
    timed("opened", 1,
          [&] { ledger.emplace("bench", directory, std::vector<Migration>{}, kBegin); });
    timed("loaded by the first run", 1,
          [&] { ledger->begin(Deadline::in(std::chrono::minutes(10)), {}, kBegin); });
  }

 private:
  void phases(const TakeIn& take_in) {
    phase("new", 0, open_, take_in);
    phase("again", 0, open_, take_in);
    phase("new, and as many compacted", open_, open_ * 3 / 2, take_in);
  }

  void phase(const char* name, std::uint64_t begin, std::uint64_t end, const TakeIn& take_in,
             std::uint64_t moved_by = 0) {
    Times times;
    for (auto at = begin; at < end; at += per_run_) {
      std::vector<Work> works;
      for (auto i = at; i < std::min(end, at + per_run_); ++i) {
        works.emplace_back(i, apart_, moved_by);
      }
      times.add([&] { take_in(works); });
    }
    print(name, end - begin, times);
  }
  template <class Do>
  void timed(const char* name, std::uint64_t count, Do&& act) {
    Times times;
    times.add(act);
    print(name, count, times);
  }

  struct Times {
    double all = 0, cpu = 0, slowest = 0;

    template <class Do>
    void add(Do&& act) {
      const auto started = Clock::now();
      const double cpu_before = cpu_seconds();
      act();
      const auto taken = std::chrono::duration<double>(Clock::now() - started).count();
      all += taken;
      cpu += cpu_seconds() - cpu_before;
      slowest = std::max(slowest, taken);
    }
  };
  void print(const char* name, std::uint64_t count, const Times& times) const {
    std::printf("%s\t%llu\t%.4f\t%.4f\t%.4f\t%lld\t%lld\n", name,
                static_cast<unsigned long long>(count), times.all, times.cpu, times.slowest,
                static_cast<long long>(usage().ru_maxrss) * 1024, static_cast<long long>(size_()));
  }

  std::uint64_t open_, per_run_;
  std::chrono::microseconds apart_;
  std::function<std::int64_t()> size_ = [] { return 0; };
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  const std::string kind = argv[1], directory = argc > 4 ? argv[4] : "";
  Bench bench(std::stoull(argv[2]), std::stoull(argv[3]));
  if (kind == "table") {
    Table table(directory);
    bench.measure(table);
    return 0;
  }
  {
    Ledger ledger("bench", directory, {}, kBegin);
    bench.measure(ledger);
  }
  if (!directory.empty()) bench.measure_start(directory);
}
