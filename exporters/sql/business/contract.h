#pragma once

#include <array>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/deadline.h"
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
  std::string_view time;  ///< the column of when a row happened; empty where there is none
};

extern const View kUsers, kEvents, kOrders, kRefunds, kEmailSends, kEmailEvents, kSubscriptions,
    kCalendar;
/// All eight, in the order of the documentation.
extern const std::array<const View*, 8> kViews;

/// A view that a collector uses, or a column of it.
struct Need {
  const View& view;
  std::string_view column = {};
};

/// The statement that gives the columns of a view, and no row.
std::string columns_statement(const View& view);

/// What of the contract a database has.
class Found {
 public:
  /// What is there of a view.
  struct State {
    /// hidden: the database does not say whether it is there. refused: it is, and cannot be read.
    enum class Is : std::uint8_t { there, absent, hidden, refused };
    Is is = Is::there;
    std::vector<std::string> columns;  ///< in lower case; empty when the view is not there
    std::vector<std::string> missing;  ///< required columns that are not among them
    std::string problem;               ///< why the view cannot be read; empty when it can
    bool operator==(const State&) const = default;
  };

  /// Whether the view is there with all that is required of it.
  bool has(const View& view) const;
  /// Whether it is, and has this column.
  bool has(const View& view, std::string_view column) const;
  const State& of(const View& view) const { return states_.at(view.name); }

  /// Those that are not there, "bm_users, bm_events.channel". Throws Error{query} for a view that
  /// lacks what is required of it, or that is there and cannot be read.
  std::string missing(std::span<const Need> needs) const;

  bool operator==(const Found&) const = default;

 private:
  friend class Contract;
  std::map<std::string_view, State> states_;
};

/// Which views of the contract a database has: asked at the first use, then every hour, and again
/// at the next use while that changes, as a view that is made again is not there for a moment, and
/// after look_again(). Safe to use from several threads.
class Contract {
 public:
  explicit Contract(std::shared_ptr<Source> source) : source_(std::move(source)) {}

  /// Throws Error when the database cannot be asked.
  std::shared_ptr<const Found> look(const Deadline& deadline);
  /// Has the next look() ask the database.
  void look_again();

 private:
  Found ask_alone(std::unique_lock<std::mutex>& lock, const Deadline& deadline);
  Found ask(const Deadline& deadline) const;
  Found::State ask(const View& view, const Deadline& deadline) const;
  void log_changes(const Found& now) const;

  const std::shared_ptr<Source> source_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  bool is_asking_ = false;
  std::shared_ptr<const Found> found_;
  Clock::time_point good_until_;
};

}  // namespace exporter::sql::business
