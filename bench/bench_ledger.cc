// Times one phase after the other on a ledger of a million open units: bench_ledger FOLDER, or
// without a folder in memory. A line each: the phase, records, seconds, resident megabytes.

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <random>
#include <string>

#include "common/ledger/ledger.h"

using namespace exporter;

namespace {

constexpr auto kQueries = counter("bench_queries_total", "Queries.", "warehouse", "user");
constexpr std::uint64_t kOpen = 1'000'000, kSeries = 1000;
constexpr auto kHorizon = std::chrono::hours(48);
constexpr auto kApart = std::chrono::microseconds(kHorizon) / kOpen;

const Ledger::Time kBegin{std::chrono::hours(24 * 365 * 50)};

/// A random UUID, always the same one for a number.
std::string id_of(std::uint64_t number) {
  std::array<char, 37> text;
  std::mt19937_64 random(number);
  const auto a = random(), b = random();
  std::snprintf(text.data(), text.size(), "%08x-%04x-%04x-%04x-%012llx",
                static_cast<unsigned>(a >> 32), static_cast<unsigned>(a >> 16 & 0xffff),
                static_cast<unsigned>(a & 0xffff), static_cast<unsigned>(b >> 48),
                static_cast<unsigned long long>(b & 0xffffffffffff));
  return text.data();
}

double resident_megabytes() {
  std::ifstream status("/proc/self/statm");
  double all = 0, resident = 0;
  status >> all >> resident;
  return resident * 4096 / 1e6;
}

/// Reports units [begin, end) in runs of `per_run`.
class Bench {
 public:
  explicit Bench(const std::string& folder)
      : ledger_("bench", folder, {.horizon = kHorizon}, kBegin) {}

  void phase(const char* name, std::uint64_t begin, std::uint64_t end, std::uint64_t per_run) {
    std::chrono::duration<double> taken{0};
    for (auto at = begin; at < end; at += per_run) taken += run(at, std::min(end, at + per_run));
    std::printf("%s\t%llu\t%.3f\t%.1f\t%lld\n", name, static_cast<unsigned long long>(end - begin),
                taken.count(), resident_megabytes(),
                static_cast<long long>(ledger_.figures().open_units));
  }

 private:
  std::chrono::duration<double> run(std::uint64_t begin, std::uint64_t end) {
    std::vector<std::string> ids;
    for (auto i = begin; i < end; ++i) ids.push_back(id_of(i));
    const auto started = Clock::now();
    auto run = ledger_.begin(Deadline::in(std::chrono::minutes(1)), kBegin + end * kApart);
    for (auto i = begin; i < end; ++i) {
      const auto series = i % kSeries;
      run.record(kQueries, {ids[i - begin], kBegin + i * kApart}, 1,
                 "WAREHOUSE_" + std::to_string(series % 10), "user_" + std::to_string(series / 10));
    }
    run.commit();
    return Clock::now() - started;
  }

  Ledger ledger_;
};

}  // namespace

int main(int argc, char** argv) {
  Bench bench(argc > 1 ? argv[1] : "");
  std::uint64_t n = argc>2 ? std::stoull(argv[2]) : 10000;
  bench.phase("new", 0, kOpen, n);
  bench.phase("repeated", 0, kOpen, n);
  bench.phase("folding", kOpen, kOpen * 3 / 2, n);
}
