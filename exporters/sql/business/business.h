#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/collect/collector.h"
#include "exporters/sql/business/config.h"
#include "exporters/sql/business/contract.h"
#include "exporters/sql/described.h"
#include "exporters/sql/source.h"

namespace exporter::sql::business {

/// A statement, its parameters, and a note on how it differs between runs.
struct Query {
  std::string text;
  Parameters parameters = {};
  std::string note = {};
};

/// Shared by the collectors of a business: the configuration, the database, its contract views.
class Business {
 public:
  /// `now` replaces the clock in tests.
  Business(std::shared_ptr<Source> source, std::shared_ptr<const Config> config,
           std::function<Time()> now = Ledger::wall_clock)
      : source_(std::move(source)), config_(std::move(config)), now_(std::move(now)) {}

  const Config& config() const { return *config_; }
  const std::shared_ptr<Source>& source() const { return source_; }
  const std::string& name() const { return source_->name; }
  const std::string& dataset() const { return config_->dataset; }
  Time now() const { return now_(); }

  /// Throws Error if the database cannot be queried.
  std::shared_ptr<const Found> look(const Deadline& deadline) { return contract_.look(deadline); }
  /// Makes the next look() query the database.
  void look_again() { contract_.look_again(); }
  Table ask(const Query& query, const Deadline& deadline) const;

 private:
  const std::shared_ptr<Source> source_;
  const std::shared_ptr<const Config> config_;
  const std::function<Time()> now_;
  Contract contract_{source_};
};

/// The cells of one row by the names of their columns. Keeps a reference to the table.
class Row {
 public:
  Row(const Table& table, std::size_t row) : table_(table), row_(row) {}

  /// Empty for NULL. All throw Error{query} for a column that does not exist.
  std::string text(std::string_view column) const;
  /// 0 for NULL, like the sum of no rows. Throws Error{decode} if it is not a number.
  double number(std::string_view column) const;
  /// Nothing for NULL. Throws Error{decode} if it is not a time.
  std::optional<Time> time(std::string_view column) const;

 private:
  std::optional<std::string_view> cell(std::string_view column) const;

  const Table& table_;
  std::size_t row_;
};
std::vector<Row> rows_of(const Table& table);

/// One collector of a business.
struct Group {
  /// The configured interval, or an hour for runs that read weeks or past days.
  enum class Pace : std::uint8_t { configured, hourly };

  std::string_view name;
  Pace pace;
  std::span<const MetricView> metrics;
  std::span<const Need> needs;  ///< the views and columns that it can use
  /// Its queries if the whole contract is available.
  std::vector<Query> (*plan)(const Business& business);
  CollectFunction (*make)(const std::shared_ptr<Business>& business);
  /// Throws Error{query} if something configured is not available; null if that cannot happen.
  void (*require)(const Business& business, const Found& found) = nullptr;
};

/// For Group::make: makes a T(*business), and calls its `collect(Samples&, const Deadline&)`.
template <class T>
CollectFunction make_group(const std::shared_ptr<Business>& business) {
  struct State {
    explicit State(std::shared_ptr<Business> of) : business(std::move(of)), group(*business) {}
    std::shared_ptr<Business> business;
    T group;
  };
  return [state = std::make_shared<State>(business)](Samples& samples, const Deadline& deadline) {
    state->group.collect(samples, deadline);
  };
}

}  // namespace exporter::sql::business
