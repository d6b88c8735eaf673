#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "common/ledger/ledger.h"
#include "tests/common/ledger_model.h"

/// Random runs of a ledger: a source that reports late, twice, out of order, corrected, renamed and
/// in windows, by clocks that are temporarily wrong, with changing options.
namespace history {

using exporter::Ledger;
using exporter::MetricView;

inline constexpr auto kWork = exporter::counter("test_work_total", "Work.", "kind", "state");
inline constexpr auto kAll = exporter::counter("test_all_total", "All.");
inline constexpr auto kSize = exporter::histogram("test_size", "Sizes.", "kind");
inline constexpr std::array<double, 3> kBounds = {0.25, 1, 7.5};
inline constexpr std::array<double, 1> kOtherBounds = {1};
inline const Ledger::Time kCreated{std::chrono::hours(24 * 365 * 50)};

/// A family that a history reports to.
struct Family {
  MetricView metric;
  std::span<const double> bounds;
};
const std::vector<Family>& families();

struct Report {
  std::size_t family;
  std::string id;
  Ledger::Time when;
  model::Value value;
  model::Labels labels;
};
struct Ensure {
  model::Labels labels;  ///< of kWork
};
struct Window {
  Ledger::Time from, to;
  std::vector<std::size_t> families;
};
struct Metadata {
  std::string key, text;
};

struct Run {
  Ledger::Options options;
  Ledger::Time now;
  std::vector<Window> windows;
  std::vector<std::variant<Report, Ensure, Metadata>> steps;
};

/// How often tests of random histories are repeated: LEDGER_ROUNDS, or 1.
std::uint64_t rounds();
/// Their first seed: LEDGER_SEED, or 1.
std::uint64_t first_seed();

/// The same runs for the same seed; a longer history starts with those of a shorter one.
std::vector<Run> runs(std::uint64_t seed, std::size_t count);

/// Does everything in a run except the commit. Its reports include some that cannot be counted.
void apply(const Run& run, Ledger::Run& ledger);
void apply(const Run& run, model::Model& model);

/// All families, as text.
std::string page(const Ledger& ledger);
std::string page(const model::Model& model);

}  // namespace history
