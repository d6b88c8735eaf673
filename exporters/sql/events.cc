#include <algorithm>
#include <optional>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/base/time.h"
#include "common/sql/value.h"
#include "exporters/sql/rows.h"
#include "exporters/sql/source.h"

namespace exporter::sql {
namespace {

using std::chrono::microseconds;

constexpr auto kForever = Time(std::chrono::sys_days(std::chrono::year(9999) / 12 / 31));
constexpr std::chrono::seconds kShortestSlice(1);
constexpr const char* kPosition = "position";

/// Rows with `:since` <= when < `:until`.
struct Slice {
  Time since, until;
};

/// The id of an event; of several columns with their lengths, so that ids are unique.
std::string id_of(const Table& table, std::size_t row, const std::vector<std::size_t>& columns) {
  std::string id;
  for (const auto column : columns) {
    const auto cell = table.at(row, column);
    if (!cell) throw Error(Reason::decode, table.columns()[column] + ": NULL in the unit");
    if (columns.size() > 1) id += std::to_string(cell->size()) + ':';
    id += *cell;
  }
  return id;
}

Time time_in(const Table& table, std::size_t row, std::size_t column) {
  const auto cell = table.at(row, column);
  if (!cell) throw Error(Reason::decode, table.columns()[column] + ": NULL");
  try {
    return time_of(*cell);
  } catch (const Error& error) {
    throw Error(Reason::decode, table.columns()[column] + ": " + error.what());
  }
}

/// Counts the rows of one metric in a run of the ledger.
class Recorder {
 public:
  Recorder(Ledger::Run& run, const Table& table, const MetricConfig& metric,
           std::string_view source)
      : run_(run),
        table_(table),
        metric_(metric),
        view_(metric.view()),
        labels_(table, metric, source) {
    if (!metric.constant) value_ = require_column(table, metric.value);
  }

  /// Called if the row of the event cannot be read.
  void keep(std::string_view id) { run_.keep(view_, id, metric_.bounds); }

  /// NULL is not counted.
  void record(std::size_t row, const Event& event) {
    double value = metric_.constant.value_or(0);
    if (!metric_.constant) {
      const auto cell = table_.at(row, value_);
      if (!cell) return;
      value = number_of(*cell);
    }
    const auto& labels = labels_.of(row);
    if (metric_.kind == MetricConfig::Kind::histogram) {
      run_.observe(view_, metric_.bounds, event, value, labels);
    } else {
      run_.record(view_, event, value, labels);
    }
  }

 private:
  Ledger::Run& run_;
  const Table& table_;
  const MetricConfig& metric_;
  const MetricView view_;
  RowLabels labels_;
  std::size_t value_ = 0;
};

/// Reads events: each time those since a while before the newest one, because transactions commit
/// late, and at longer intervals all that may still be late.
class Events {
 public:
  Events(std::shared_ptr<Source> source, std::shared_ptr<const CollectorConfig> config)
      : source_(std::move(source)),
        config_(std::move(config)),
        events_(*config_->events),
        options_(ledger_options(*source_, events_)),
        ledger_(source_->ledgers->open("events_" + config_->name, source_->name, options_)) {
    for (const auto& metric : config_->metrics) families_.push_back(metric->view());
  }

  void collect(Samples& samples, const Deadline& deadline) {
    try {
      read(samples, deadline);
    } catch (const Error& error) {
      samples.set_failure(error);  // counts stay right, and on the page
    }
    for (const auto& metric : config_->metrics) {
      samples.declare(metric->view());
      ledger_->add_to(samples, metric->view(), metric->bounds);
    }
  }

 private:
  void read(Samples& samples, const Deadline& deadline) {
    if (!position_) position_ = load_position(deadline);
    const auto now = source_->clock();
    go_back_if_ahead(now, deadline);
    const bool is_full =
        !last_full_ || now < *last_full_ || now - *last_full_ >= events_.full_interval;
    if (is_full && !full_at_) full_at_ = start(now, events_.late);
    auto from = is_full ? *full_at_ : start(now, events_.overlap);
    while (from < kForever) {
      from = read_from(from, now, samples, deadline);
      if (is_full) full_at_ = from;
    }
    if (!is_full) return;
    last_full_ = now;
    full_at_.reset();
  }

  /// If the clock was ahead, events since the newest one that is not are read again.
  void go_back_if_ahead(Time now, const Deadline& deadline) {
    const auto latest = now + Ledger::kMaxAhead;
    if (full_at_ && *full_at_ > latest) full_at_.reset();
    if (*position_ > latest) position_ = ledger_.begin(deadline, now).newest();
  }

  Time start(Time now, microseconds back) const {
    if (*position_ != Time()) return *position_ - back;
    return now - std::max<microseconds>(options_.past, events_.overlap);
  }

  std::optional<Time> load_position(const Deadline& deadline) const {
    const auto text = ledger_.begin(deadline).metadata(kPosition);
    return Time(microseconds(parse_number<std::int64_t>(text).value_or(0)));
  }

  /// Reads a slice, or the whole rest if it is not too much, and returns where the next one starts.
  Time read_from(Time from, Time now, Samples& samples, const Deadline& deadline) {
    auto until = slice_ && from + *slice_ < now ? from + *slice_ : kForever;
    while (true) {
      try {
        const auto table = query({from, until}, now, deadline);
        count({from, until}, table, now, samples, deadline);
        // The next slice may be twice as long: lengths adapt to the number of rows.
        if (until == kForever) slice_.reset();
        if (slice_) *slice_ *= 2;
        return until;
      } catch (const TooManyRows& error) {
        if (!events_.has_until) {
          throw Error(Reason::query, std::string(error.what()) + "; with `AND " + events_.when +
                                         " < :until` in the query it is read in slices");
        }
        const auto end = until == kForever ? std::max(now, from + 2 * kShortestSlice) : until;
        slice_ = (end - from) / 2;
        if (*slice_ < kShortestSlice) throw;
        until = from + *slice_;
      }
    }
  }

  Table query(const Slice& slice, Time now, const Deadline& deadline) const {
    auto parameters = config_->parameters;
    parameters["now"] = now;
    parameters["since"] = slice.since;
    parameters["until"] = slice.until;
    return source_->database.query(config_->statement, parameters, {.rows = config_->max_rows},
                                   deadline);
  }

  void count(const Slice& slice, const Table& table, Time now, Samples& samples,
             const Deadline& deadline) {
    std::vector<std::size_t> unit;
    for (const auto& column : events_.unit) unit.push_back(require_column(table, column));
    const auto when = require_column(table, events_.when);
    const bool has_position = !events_.position.empty();
    const auto position = has_position ? require_column(table, events_.position) : when;
    auto newest = *position_;
    auto run = ledger_.begin(deadline, now);
    if (!has_position) run.replace_window(slice.since, slice.until, families_);
    std::vector<Recorder> recorders;
    for (const auto& metric : config_->metrics) {
      recorders.emplace_back(run, table, *metric, source_->name);
    }
    for (std::size_t row = 0; row < table.rows(); ++row) {
      std::string id;
      try {
        id = id_of(table, row, unit);
        const Event event{id, time_in(table, row, when)};
        if (!has_position && event.when < slice.since) throw_too_old(slice);
        for (auto& recorder : recorders) recorder.record(row, event);
        const auto at = has_position ? time_in(table, row, position) : event.when;
        if (at <= now + Ledger::kMaxAhead) newest = std::max(newest, at);
      } catch (const Error& error) {
        if (error.reason() != Reason::decode) throw;
        samples.note_malformed_row(error.what());
        if (id.empty()) continue;
        for (auto& recorder : recorders) recorder.keep(id);
      }
    }
    run.set_metadata(kPosition, std::to_string(newest.time_since_epoch().count()));
    run.commit();
    position_ = newest;
  }

  [[noreturn]] void throw_too_old(const Slice& slice) const {
    const auto since = std::chrono::floor<std::chrono::milliseconds>(slice.since);
    throw Error(Reason::query,
                "a row has an earlier " + events_.when + " than :since, " + format_rfc3339(since) +
                    "; compare :since with it, or name the column that is compared: `position:`");
  }

  const std::shared_ptr<Source> source_;
  const std::shared_ptr<const CollectorConfig> config_;
  const EventsConfig& events_;
  const Ledger::Options options_;
  const SharedLedger ledger_;
  std::vector<MetricView> families_;
  std::optional<Time> position_;       ///< the newest event; 1970 before the first
  std::optional<Time> full_at_;        ///< the progress of a full reading
  std::optional<microseconds> slice_;  ///< if everything is too much for one query
  std::optional<Time> last_full_;      ///< when the last one started
};

}  // namespace

Ledger::Options ledger_options(const Source& source, const EventsConfig& events) {
  return {.allowed_lateness = events.late + events.overlap,
          .past = source.is_trial ? std::max(events.past, events.late) : events.past};
}

CollectFunction make_events(const std::shared_ptr<Source>& source,
                            const std::shared_ptr<const CollectorConfig>& config) {
  return [events = std::make_shared<Events>(source, config)](
             Samples& samples, const Deadline& deadline) { events->collect(samples, deadline); };
}

}  // namespace exporter::sql
