#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/clock.h"
#include "common/base/deadline.h"
#include "common/base/single_flight.h"
#include "exporters/sql/source.h"

namespace exporter::sql::business {

/// A column of a view of the contract.
struct Column {
  std::string_view name;
  bool is_required;
};

/// A view of the contract, which docs/business.md describes.
struct View {
  std::string_view name;
  std::span<const Column> columns;
  std::string_view time;  ///< the column with the time of a row; empty if there is none
};

extern const View kUsers, kEvents, kOrders, kRefunds, kEmailSends, kEmailEvents, kSubscriptions,
    kCalendar;
/// All eight, in the order of the documentation.
extern const std::array<const View*, 8> kViews;

/// A view, or one of its columns, that a collector uses.
struct Need {
  const View& view;
  std::string_view column = {};
};

/// A statement that returns the columns of a view and no rows.
std::string columns_statement(const View& view);

/// The parts of the contract that a database has.
class Found {
 public:
  /// The state of a view.
  struct State {
    /// hidden: the database does not tell whether it exists. refused: it exists but cannot be read.
    enum class Is : std::uint8_t { there, absent, hidden, refused };
    Is is = Is::there;
    std::vector<std::string> columns;  ///< in lower case; empty if the view does not exist
    std::vector<std::string> missing;  ///< required columns that do not exist
    std::string problem;               ///< why the view cannot be read; empty if it can
    bool operator==(const State&) const = default;
  };

  /// Whether the view exists with all required columns.
  bool has(const View& view) const;
  /// Whether it also has this column.
  bool has(const View& view, std::string_view column) const;
  const State& of(const View& view) const { return states_.at(view.name); }

  /// The missing ones, "bm_users, bm_events.channel". Throws Error{query} if a view exists but
  /// cannot be read or lacks a required column.
  std::string missing(std::span<const Need> needs) const;

  bool operator==(const Found&) const = default;

 private:
  friend class Contract;
  std::map<std::string_view, State> states_;
};

/// Which views of the contract a database has: queried at the first use, then every hour, after
/// look_again(), and at each use while the answer changes, because a view that is being recreated
/// is missing for a moment. Thread-safe.
class Contract {
 public:
  explicit Contract(std::shared_ptr<Source> source) : source_(std::move(source)) {}

  /// Throws Error if the database cannot be queried.
  std::shared_ptr<const Found> look(const Deadline& deadline);
  /// Makes the next look() query the database.
  void look_again();

 private:
  Found ask(const Deadline& deadline) const;
  Found::State ask(const View& view, const Deadline& deadline) const;
  void log_changes(const Found& now) const;

  const std::shared_ptr<Source> source_;
  SingleFlight asking_;  ///< of found_
  std::shared_ptr<const Found> found_;
  std::atomic<Clock::time_point> good_until_;
};

}  // namespace exporter::sql::business
