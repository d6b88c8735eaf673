#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/ledger/ledger.h"

/// A source that reports events late, twice, out of order and corrected, and what a ledger that has
/// read it must show: computed plainly, in whole thousandths, without any code of the ledger.
namespace history {

using exporter::Ledger;

inline constexpr auto kWork = exporter::counter("test_work_total", "Work.", "kind");
inline constexpr auto kSize = exporter::histogram("test_size", "Sizes.", "kind");
inline constexpr std::array<double, 3> kBounds = {0.25, 1, 7.5};
inline constexpr std::array<const char*, 5> kKinds = {"", "a", "a\"\n\\b", "z", "\xc3\xa9"};
inline constexpr std::chrono::hours kAllowedLateness{16};
inline const Ledger::Options kOptions = {.allowed_lateness = kAllowedLateness};
inline const Ledger::Time kBegin{std::chrono::hours(24 * 365 * 50)};

struct Report {
  std::size_t kind;
  std::string event;
  Ledger::Time when;
  std::int64_t thousandths;
  Ledger::Time now;  ///< when the source told it
};

/// The whole of the source's reports, the same ones for a seed.
std::vector<Report> reports(std::uint64_t seed, std::size_t count);

/// How many reports the run takes in that begins at `position`; the same for a seed.
std::size_t run_length(std::uint64_t seed, std::size_t position);

/// Both families, as text.
std::string page(const Ledger& ledger);

void record(Ledger::Run& run, const Report& report);

/// What a ledger must show. Reports come in the order of the source.
class Model {
 public:
  void add(const Report& report);
  void commit();
  std::string page() const;

 private:
  struct Kind {
    std::map<std::string, std::int64_t> events;
    std::array<std::int64_t, kBounds.size() + 1> shown_buckets{};
    std::int64_t shown = 0;
  };

  /// The order of a page: a text that goes on comes before the one that ends there.
  struct Longer {
    bool operator()(const std::string& a, const std::string& b) const {
      return a + '\xff' < b + '\xff';
    }
  };

  std::map<std::string, Kind, Longer> pending_, committed_;
  Ledger::Time newest_ = kBegin;
};

}  // namespace history
