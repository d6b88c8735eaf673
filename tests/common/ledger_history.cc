#include "tests/common/ledger_history.h"

#include <algorithm>
#include <cstdlib>
#include <random>

#include "common/base/error.h"

namespace history {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using Time = Ledger::Time;

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text != nullptr ? std::stoull(text) : otherwise;
}

/// std's distributions differ between libraries; this one does not.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : random_(seed) {}
  /// 0 to sides - 1.
  std::int64_t roll(std::int64_t sides) {
    return static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(sides));
  }
  bool chance(std::int64_t percent) { return roll(100) < percent; }
  template <class Collection>
  const auto& pick(const Collection& of) {
    return of[static_cast<std::size_t>(roll(std::ssize(of)))];
  }

 private:
  std::mt19937_64 random_;
};

const std::vector<std::string> kKinds = {"", "a", "a\"\n\\b", "z", "\xc3\xa9"};
const std::vector<std::string> kStates = {"ok", "failed", "late"};

/// The errors of the clocks, and their duration.
struct Clocks {
  Time truth = kCreated;
  microseconds ours{}, source{};  ///< ahead of true time
  int runs_left = 0;

  void advance(Dice& dice) {
    if (dice.chance(5)) {
      truth += hours(dice.roll(24 * 8));
    } else {
      truth += minutes(dice.roll(40));
    }
    if (--runs_left > 0) return;
    ours = source = {};
    if (!dice.chance(15)) return;
    runs_left = static_cast<int>(1 + dice.roll(40));
    const std::array<microseconds, 5> errors = {minutes(20), hours(8), hours(60), hours(24 * 30),
                                                hours(24 * 400)};
    const auto error = dice.pick(errors);
    switch (dice.roll(5)) {
      case 0: ours = source = error; break;              // both ahead
      case 1: ours = source = -error; break;             // both behind
      case 2: ours = -error; break;                      // ours behind
      case 3: source = hours(8), runs_left *= 4; break;  // local time read as UTC
      default: source = error; break;                    // the source's ahead
    }
  }
  Time now() const { return truth + ours; }
  Time now_of_source() const { return truth + source; }
};

Ledger::Options options(Dice& dice) {
  const std::array<microseconds, 4> lateness = {seconds(0), minutes(10), hours(2), hours(16)};
  const std::array<microseconds, 4> retention = {seconds(0), hours(3), hours(72), hours(24 * 90)};
  Ledger::Options made;
  made.allowed_lateness = dice.chance(70) ? hours(16) : dice.pick(lateness);
  made.past = dice.chance(50) ? hours(0) : hours(100);
  made.retention = dice.chance(50) ? hours(24 * 90) : dice.pick(retention);
  if (dice.chance(35)) made.max_series = static_cast<std::size_t>(1 + dice.roll(12));
  if (dice.chance(35)) made.max_open_events = dice.roll(4) == 0 ? dice.roll(3) : 20 + dice.roll(60);
  return made;
}

class Generator {
 public:
  explicit Generator(std::uint64_t seed) : dice_(seed), options_(options(dice_)) {}

  Run run() {
    clocks_.advance(dice_);
    if (dice_.chance(5)) options_ = options(dice_);
    Run run{options_, clocks_.now(), {}, {}};
    if (dice_.chance(25)) run.windows.push_back(window());
    if (dice_.chance(5)) run.windows.push_back(window());
    const auto count = dice_.roll(40);
    for (std::int64_t i = 0; i < count; ++i) {
      if (dice_.chance(4)) {
        run.steps.emplace_back(Ensure{{dice_.pick(kKinds), dice_.pick(kStates)}});
      } else if (dice_.chance(3)) {
        run.steps.emplace_back(Metadata{"key " + std::to_string(dice_.roll(4)),
                                        dice_.chance(20) ? "" : std::to_string(dice_.roll(1000))});
      } else {
        run.steps.emplace_back(report());
      }
    }
    return run;
  }

 private:
  Window window() {
    Window window{clocks_.now_of_source() - minutes(dice_.roll(60 * 20)), {}, {}};
    window.to = window.from + minutes(dice_.roll(60 * 20));
    if (dice_.chance(60)) window.families.push_back(static_cast<std::size_t>(dice_.roll(4)));
    return window;
  }

  Time when() {
    const auto now = clocks_.now_of_source();
    switch (dice_.roll(20)) {
      case 0: return now - minutes(dice_.roll(60 * 24 * 5));  // later than allowed
      case 1: return now + hours(24 * (1 + dice_.roll(500)));
      case 2: return clocks_.now() + Ledger::kMaxAhead + microseconds(dice_.roll(3) - 1);
      case 3:
        return reports_.empty() ? now : dice_.pick(reports_).when + microseconds(dice_.roll(3) - 1);
      case 4: return kCreated + hours(dice_.roll(24 * 100));
      default: return dice_.chance(60) ? now : now - minutes(dice_.roll(60 * 16));
    }
  }

  model::Value value(std::size_t family) {
    model::Value made{dice_.roll(10'000), {}};
    if (dice_.chance(20)) made.thousandths = 0;
    if (dice_.chance(2)) made.thousandths = -1;  // cannot be counted
    if (!families()[family].bounds.empty() && dice_.chance(40)) {
      for (std::size_t i = 0; i <= families()[family].bounds.size(); ++i) {
        made.counts.push_back(static_cast<std::uint64_t>(dice_.roll(4)));
      }
    }
    return made;
  }

  model::Labels labels(std::size_t family) {
    if (family == 0) return {dice_.pick(kKinds), dice_.pick(kStates)};
    if (family == 1) return {};
    return {dice_.pick(kKinds)};
  }

  Report report() {
    if (!reports_.empty() && dice_.chance(50)) return again();
    const auto family = static_cast<std::size_t>(dice_.roll(4));
    reports_.push_back({family, "event " + std::to_string(reports_.size()), when(), value(family),
                        labels(family)});
    return reports_.back();
  }

  /// An event that was reported before: rarely an old one, sometimes corrected, renamed or with
  /// another time.
  Report again() {
    const auto recent = std::min<std::int64_t>(std::ssize(reports_), dice_.chance(80) ? 150 : 5000);
    auto& known = reports_[reports_.size() - 1 - static_cast<std::size_t>(dice_.roll(recent))];
    if (dice_.chance(30)) known.value = value(known.family);
    if (dice_.chance(15)) known.labels = labels(known.family);
    if (dice_.chance(5)) known.when += minutes(dice_.roll(120) - 60);
    auto report = known;
    if (dice_.chance(3)) report.family = static_cast<std::size_t>(dice_.roll(2)) + 2;
    if (report.family != known.family) {
      report.value = value(report.family);
      report.labels = labels(report.family);
    }
    return report;
  }

  Dice dice_;
  Clocks clocks_;
  Ledger::Options options_;
  std::vector<Report> reports_;
};

std::vector<std::string_view> views(const model::Labels& labels) {
  return {labels.begin(), labels.end()};
}

/// A zero has either sign, because sources send both and the ledger's file stores only one.
double number_of(const model::Value& value, const std::string& id) {
  if (value.thousandths == 0) return id.size() % 2 == 0 ? -0.0 : 0.0;
  return static_cast<double>(value.thousandths) / 1000;
}

void report(const Report& report, Ledger::Run& ledger) {
  const auto& [metric, bounds] = families()[report.family];
  const exporter::Event event{report.id, report.when};
  const auto number = number_of(report.value, report.id);
  const auto labels = views(report.labels);
  if (bounds.empty()) {
    ledger.record(metric, event, number, labels);
  } else if (report.value.counts.empty()) {
    ledger.observe(metric, bounds, event, number, labels);
  } else {
    ledger.observe_counts(metric, bounds, event, report.value.counts, number, labels);
  }
}

}  // namespace

std::uint64_t rounds() { return from_environment("LEDGER_ROUNDS", 1); }
std::uint64_t first_seed() { return from_environment("LEDGER_SEED", 1); }

const std::vector<Family>& families() {
  static const std::vector<Family> all = {
      {kWork, {}}, {kAll, {}}, {kSize, kBounds}, {kSize, kOtherBounds}};
  return all;
}

std::vector<Run> runs(std::uint64_t seed, std::size_t count) {
  Generator generator(seed);
  std::vector<Run> all;
  while (all.size() < count) all.push_back(generator.run());
  return all;
}

void apply(const Run& run, Ledger::Run& ledger) {
  for (const auto& window : run.windows) {
    std::vector<MetricView> of;
    for (const auto family : window.families) of.push_back(families()[family].metric);
    ledger.replace_window(window.from, window.to, of);
  }
  for (const auto& step : run.steps) {
    if (const auto* row = std::get_if<Report>(&step)) {
      try {
        report(*row, ledger);
      } catch (const exporter::Error& error) {
        if (error.reason() != exporter::Reason::decode) throw;
      }
    } else if (const auto* ensure = std::get_if<Ensure>(&step)) {
      ledger.ensure(MetricView(kWork), views(ensure->labels));
    } else {
      const auto& metadata = std::get<Metadata>(step);
      ledger.set_metadata(metadata.key, metadata.text);
    }
  }
}

void apply(const Run& run, model::Model& model) {
  for (const auto& window : run.windows) {
    std::vector<MetricView> of;
    for (const auto family : window.families) of.push_back(families()[family].metric);
    model.replace_window(window.from, window.to, of);
  }
  for (const auto& step : run.steps) {
    if (const auto* report = std::get_if<Report>(&step)) {
      const auto& family = families()[report->family];
      model.report(family.metric, family.bounds, report->id, report->when, report->value,
                   report->labels);
    } else if (const auto* ensure = std::get_if<Ensure>(&step)) {
      model.ensure(kWork, ensure->labels);
    } else {
      const auto& metadata = std::get<Metadata>(step);
      model.set_metadata(metadata.key, metadata.text);
    }
  }
}

std::string page(const Ledger& ledger) {
  std::string text;
  for (const auto& family : families()) {
    exporter::Samples samples;
    ledger.add_to(samples, family.metric, family.bounds);
    samples.render(exporter::Format::text, text);
  }
  return text;
}

std::string page(const model::Model& model) {
  std::string text;
  for (const auto& family : families()) text += model.page(family.metric, family.bounds);
  return text;
}

}  // namespace history
