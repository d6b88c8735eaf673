#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/ledger/amount.h"
#include "common/ledger/timeline.h"
#include "common/metric/metric.h"

/// The part of a ledger that is in memory.
namespace exporter::ledger {

/// The key of a family: "name{label,label} bound bound".
std::string family_key(const MetricView& metric, std::span<const double> bounds);
/// The bounds of a histogram, from that key.
std::vector<double> bounds_of(std::string_view family_key);

/// A byte that UTF-8 does not contain.
inline constexpr char kEndOfLabel = '\xff';
/// Appends the key of a series within its family: the values of its labels as valid UTF-8, each
/// terminated by kEndOfLabel.
void append_labels_key(std::string& out, std::span<const std::string_view> labels);
/// The label values in a key, borrowed.
std::vector<std::string_view> labels_of(std::string_view labels_key);

/// A line of the page: the sum of all events as known now, and the value that is shown.
struct Cell {
  Amount truth, shown;
};

/// What an event counts: a number, an observation, or the counts and the sum of several.
struct EventValue {
  std::optional<double> number;  ///< the sum, if there are counts; nothing if it does not count
  std::string counts;            ///< by bucket, in decimal digits, separated by blanks; or empty

  bool operator==(const EventValue& other) const;
};

struct Series {
  std::int64_t id = 0;
  Time newest;  ///< of its events
  /// A counter has one; a histogram one per bucket, in order, and one for the sum.
  std::vector<Cell> cells;

  void add(const EventValue& value, std::span<const double> bounds);
  void subtract(const EventValue& value, std::span<const double> bounds);
};

using SeriesByLabels = std::map<std::string, Series, std::less<>>;

struct Family {
  std::int64_t id = 0;
  std::vector<double> bounds;
  SeriesByLabels series;

  std::size_t cells() const { return bounds.empty() ? 1 : bounds.size() + 2; }
};

/// All families by their keys, and all series by their ids.
struct Book {
  struct Place {
    Family* family;
    SeriesByLabels::value_type* entry;
  };

  std::map<std::string, Family, std::less<>> families;
  std::unordered_map<std::int64_t, Place> places;
};

/// The sums as text, e.g. "1 0.25".
std::string text_of(const std::vector<Cell>& cells, Amount Cell::*part);
/// Parses them; false if the text has a different number of sums.
bool read_text(std::vector<Cell>& cells, Amount Cell::*part, std::string_view text);

}  // namespace exporter::ledger
