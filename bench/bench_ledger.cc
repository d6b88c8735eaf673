// Times a million open events in a ledger, or in the table that one would write at first, whose key
// is the event and the series: bench_ledger ledger|table RECORDS_A_RUN [FOLDER]; in memory without
// a folder. Prints a line each phase: its name, records, seconds, seconds of CPU, the most resident
// bytes so far.

#include <sqlite3.h>
#include <sys/resource.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "common/ledger/ledger.h"

using namespace exporter;

namespace {

constexpr auto kQueries = counter("bench_queries_total", "Queries.", "warehouse", "user");
constexpr std::uint64_t kOpen = 1'000'000, kSeries = 1000;
constexpr auto kAllowedLateness = std::chrono::hours(48);
constexpr auto kApart = std::chrono::microseconds(kAllowedLateness) / kOpen;
const Ledger::Time kBegin{std::chrono::hours(24 * 365 * 50)};

/// A report of an event, whose id is a random UUID, always the same one for a number; it may have
/// moved to another series.
struct Work {
  Work(std::uint64_t number, std::uint64_t moved_by)
      : series((number + moved_by) % kSeries),
        when(kBegin + number * kApart),
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

/// Takes the works of one run in, durably.
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
  explicit Table(const std::string& folder) {
    const auto path = folder.empty() ? ":memory:" : folder + "/table.db";
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

void phase(const char* name, std::uint64_t begin, std::uint64_t end, std::uint64_t per_run,
           const TakeIn& take_in, std::uint64_t moved_by = 0) {
  double seconds = 0, cpu = 0;
  for (auto at = begin; at < end; at += per_run) {
    std::vector<Work> works;
    for (auto i = at; i < std::min(end, at + per_run); ++i) works.emplace_back(i, moved_by);
    const auto started = Clock::now();
    const double cpu_before = cpu_seconds();
    take_in(works);
    seconds += std::chrono::duration<double>(Clock::now() - started).count();
    cpu += cpu_seconds() - cpu_before;
  }
  std::printf("%s\t%llu\t%.4f\t%.4f\t%lld\n", name, static_cast<unsigned long long>(end - begin),
              seconds, cpu, static_cast<long long>(usage().ru_maxrss) * 1024);
}

void measure_ledger(std::uint64_t per_run, const std::string& folder) {
  Ledger ledger("bench", folder, {}, kBegin);
  const TakeIn take_in = [&](const auto& works) { record(ledger, works, false); };
  const TakeIn replace = [&](const auto& works) { record(ledger, works, true); };
  phase("new", 0, kOpen, per_run, take_in);
  phase("again", 0, kOpen, per_run, take_in);
  phase("new, and as many compacted", kOpen, kOpen * 3 / 2, per_run, take_in);
  phase("moved to another series", kOpen, kOpen * 3 / 2, per_run, take_in, 1);
  // A run of its own for each million open events; the first has all of them to set to nothing.
  phase("window of a million replaced by few", kOpen * 3 / 2 - per_run, kOpen * 3 / 2, per_run,
        replace, 1);
  phase("and once more", kOpen * 3 / 2 - per_run, kOpen * 3 / 2, per_run, replace, 1);
}

void measure_table(std::uint64_t per_run, const std::string& folder) {
  Table table(folder);
  const TakeIn take_in = [&](const auto& works) { table.take_in(works); };
  phase("new", 0, kOpen, per_run, take_in);
  phase("again", 0, kOpen, per_run, take_in);
  phase("new, and as many compacted", kOpen, kOpen * 3 / 2, per_run, take_in);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  const std::string kind = argv[1], folder = argc > 3 ? argv[3] : "";
  const auto per_run = std::stoull(argv[2]);
  kind == "ledger" ? measure_ledger(per_run, folder) : measure_table(per_run, folder);
}
