#include "tests/common/ledger_history.h"

#include <algorithm>
#include <random>

namespace history {
namespace {

using std::chrono::minutes;

/// std's distributions differ between libraries; this one is ours.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : random_(seed) {}
  /// 0 to sides - 1.
  std::int64_t roll(std::int64_t sides) {
    return static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(sides));
  }

 private:
  std::mt19937_64 random_;
};

/// A report of an event that nobody has heard of: most are of now, some up to the allowed lateness
/// late, few far ahead of the clock.
Report new_unit(Dice& dice, std::size_t number, Ledger::Time now) {
  Report report{static_cast<std::size_t>(dice.roll(kKinds.size())),
                "event " + std::to_string(number), now, dice.roll(10'000), now};
  const auto chance = dice.roll(100);
  if (chance < 30)
    report.when = std::max(kBegin, now - minutes(dice.roll(60 * kAllowedLateness.count())));
  if (chance == 30) report.when = now + std::chrono::hours(24 * 365);
  return report;
}

bool within(const Report& report, Ledger::Time now) {
  return report.when >= now - kAllowedLateness;
}
bool far_beyond(const Report& report, Ledger::Time now) {
  return report.when < now - 2 * kAllowedLateness;
}

}  // namespace

std::vector<Report> reports(std::uint64_t seed, std::size_t count) {
  Dice dice(seed);
  std::vector<Report> all;
  Ledger::Time now = kBegin;
  while (all.size() < count) {
    now += minutes(dice.roll(10));
    const bool known = !all.empty() && dice.roll(100) < 45;
    if (!known) {
      all.push_back(new_unit(dice, all.size(), now));
      continue;
    }
    auto again = all[static_cast<std::size_t>(dice.roll(static_cast<std::int64_t>(all.size())))];
    // What is between is compacted or not, as the steps of the ledger have it.
    if (!within(again, now) && !far_beyond(again, now)) continue;
    again.now = now;
    const auto chance = dice.roll(10);
    if (chance < 4) again.thousandths = dice.roll(10'000);
    if (chance == 4) again.thousandths = 0;
    all.push_back(again);
  }
  return all;
}

std::size_t run_length(std::uint64_t seed, std::size_t position) {
  Dice dice(seed ^ (position * 0x9e3779b97f4a7c15));
  return static_cast<std::size_t>(1 + dice.roll(60));
}

std::string page(const Ledger& ledger) {
  exporter::Samples samples;
  ledger.add_to(samples, kWork);
  ledger.add_to(samples, kSize, kBounds);
  std::string text;
  samples.render(exporter::Format::text, text);
  return text;
}

void record(Ledger::Run& run, const Report& report) {
  const exporter::Event event{report.event, report.when};
  const double value = static_cast<double>(report.thousandths) / 1000;
  run.record(kWork, event, value, kKinds[report.kind]);
  run.observe(kSize, kBounds, event, value, kKinds[report.kind]);
}

void Model::add(const Report& report) {
  if (!within(report, newest_)) return;
  if (report.when <= report.now) newest_ = std::max(newest_, report.when);
  pending_[kKinds[report.kind]].events[report.event] = report.thousandths;
}

void Model::commit() {
  for (auto& [name, kind] : pending_) {
    std::int64_t sum = 0;
    std::array<std::int64_t, kBounds.size() + 1> buckets{};
    for (const auto& [event, thousandths] : kind.events) {
      std::size_t bucket = 0;
      while (bucket < kBounds.size() && static_cast<double>(thousandths) > kBounds[bucket] * 1000) {
        ++bucket;
      }
      ++buckets[bucket];
      sum += thousandths;
    }
    kind.shown = std::max(kind.shown, sum);
    for (std::size_t i = 0; i < buckets.size(); ++i) {
      kind.shown_buckets[i] = std::max(kind.shown_buckets[i], buckets[i]);
    }
  }
  committed_ = pending_;
}

std::string Model::page() const {
  exporter::Samples samples;
  for (const auto& [name, kind] : committed_) {
    samples.add(kWork, static_cast<double>(kind.shown) / 1000, name);
  }
  for (const auto& [name, kind] : committed_) {
    const std::vector<std::uint64_t> counts(kind.shown_buckets.begin(), kind.shown_buckets.end());
    samples.add_histogram(kSize, kBounds, counts, static_cast<double>(kind.shown) / 1000, name);
  }
  std::string text;
  samples.render(exporter::Format::text, text);
  return text;
}

}  // namespace history
