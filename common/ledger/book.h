#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/ledger/amount.h"
#include "common/metric/metric.h"

/// What a ledger keeps in memory.
namespace exporter::ledger {

using Time = std::chrono::sys_time<std::chrono::microseconds>;

/// A line of the page: the sum of all events as they are known now, and what is shown of it.
struct Cell {
  Amount truth, shown;
};

/// A counter has one cell; a histogram one a bucket, in their order, and one for the sum.
struct Series {
  std::int64_t id = 0;
  Time newest;  ///< of its events
  std::vector<Cell> cells;
};

/// By series_key(): a family's series stand together.
using SeriesByKey = std::map<std::string, Series, std::less<>>;

/// All but the series and the events.
struct State {
  Time started;    ///< when the ledger was made
  Time since;      ///< what happened before does not count
  Time watermark;  ///< what happened before is compacted
  Time newest;     ///< of all events, as far as it is believed
  Time written;    ///< the last commit
  std::int64_t corrections = 0, late = 0, dropped = 0;
  std::int64_t open_events = 0;  ///< counted, not stored
  std::int64_t next_series = 1;  ///< counted, not stored
};

/// Takes the notes one after the other: the key and the text, borrowed.
using MetadataUse = std::function<void(std::string_view, std::string_view)>;

/// The part that the keys of a family's series have in common, and no others have; a histogram with
/// other bounds is another family.
void append_family_key(std::string& out, const MetricView& metric, std::span<const double> bounds);

/// Appends a series' key: its family's, then the values of its labels as valid UTF-8, each ended by
/// kEndOfLabel.
void append_series_key(std::string& out, const MetricView& metric, std::span<const double> bounds,
                       std::span<const std::string_view> labels);

/// No byte of a UTF-8 text.
inline constexpr char kEndOfLabel = '\xff';

}  // namespace exporter::ledger
