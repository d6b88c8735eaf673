#include "exporters/sql/replication.h"

#include <algorithm>
#include <array>
#include <utility>

#include "common/base/error.h"
#include "common/base/time.h"
#include "common/collect/schedule.h"
#include "common/sql/value.h"
#include "exporters/sql/dialect_sql.h"
#include "exporters/sql/quality_scan.h"
#include "exporters/sql/replication_status.h"

namespace exporter::sql {
namespace {

constexpr auto kLag = gauge("sql_replication_lag_seconds",
                            "The age of the oldest row on the primary that is newer than the "
                            "newest row on the replica, in seconds; 0 without one.",
                            "source", "replica", "table");
constexpr auto kMaxLag =
    gauge("sql_replication_max_lag_seconds", "The maximum lag of the replica, in seconds.",
          "source", "replica", "table", "owner", "severity");
constexpr auto kBeatLag =
    gauge("sql_replication_heartbeat_lag_seconds",
          "How much newer the primary's heartbeat is than the replica's, in seconds.", "source",
          "replica", "table");
constexpr auto kBeat =
    gauge("sql_replication_heartbeat_timestamp_seconds",
          "The primary's heartbeat, in seconds since 1970; an old one says nothing about the lag.",
          "source", "replica", "table");
constexpr auto kState = gauge("sql_replication_state",
                              "1 for the state that the replica reports: replicating, cut_off from "
                              "its primary, stopped, not_a_replica.",
                              "source", "replica", "channel", "state");
constexpr auto kStatusLag =
    gauge("sql_replication_status_lag_seconds",
          "The lag that the replica reports, in seconds; absent while it reports none.", "source",
          "replica", "channel");
constexpr auto kErrors =
    gauge("sql_replication_apply_errors",
          "Errors while changes were applied, since the server's statistics were reset.", "source",
          "replica", "channel");
constexpr auto kSuccess =
    gauge("sql_replication_check_success", "1 if the last attempt to measure the lag succeeded.",
          "source", "replica", "table");
constexpr auto kLastSuccess =
    gauge("sql_replication_last_success_timestamp_seconds",
          "When the lag was last measured, in seconds since 1970.", "source", "replica", "table");
constexpr MetricView kMetrics[] = {kLag,       kMaxLag, kBeatLag, kBeat,       kState,
                                   kStatusLag, kErrors, kSuccess, kLastSuccess};

constexpr std::array<std::pair<ReplicaState, std::string_view>, 4> kStates{
    {{ReplicaState::replicating, "replicating"},
     {ReplicaState::cut_off, "cut_off"},
     {ReplicaState::stopped, "stopped"},
     {ReplicaState::not_a_replica, "not_a_replica"}}};

/// The maximum number of statements for each replica and its primary.
constexpr int kStatements = 9;

double seconds_of(Time time) {
  return std::chrono::duration<double>(time.time_since_epoch()).count();
}

/// Up to :ahead, so that a row in the future does not hide others.
std::string newest_statement(const TimedTable& table) {
  return "SELECT MAX(" + table.time + ") AS newest FROM " + table.name + " WHERE " + table.time +
         " <= :ahead";
}

/// Considers the rows after :newest, or all rows.
std::string missing_statement(const TimedTable& table, Dialect dialect, bool is_of_all) {
  return "SELECT MIN(" + table.time + ") AS missing, " + std::string(server_time(dialect)) +
         " AS server_now FROM " + table.name + " WHERE " + table.time + " <= :ahead" +
         (is_of_all ? "" : " AND " + table.time + " > :newest");
}

std::string heartbeat_statement(const TimedTable& heartbeat) {
  return "SELECT MAX(" + heartbeat.time + ") AS beat FROM " + heartbeat.name;
}

/// Queries the two databases of one replica.
class Pair {
 public:
  Pair(Database& primary, const ReplicationConfig& config, const Deadline& deadline)
      : primary_(primary), config_(config), deadline_(deadline) {}

  /// The replica is read first: a row that arrives meanwhile is then not missing there. All times
  /// are the primary's, so that no other clock matters.
  double lag() const {
    const auto dialect = primary_.dialect();
    const auto now = one_cell(primary_, clock_statement(dialect), {});
    Parameters parameters{{"ahead", time_of(now.value_or("")) + kMaxAhead}};
    const auto& table = config_.table;
    const auto newest = one_cell(*config_.database, newest_statement(table), parameters);
    // Passed as text, because some databases have more digits than we do.
    if (newest) parameters["newest"] = *newest;
    const auto row =
        one_row(primary_, missing_statement(table, dialect, !newest.has_value()), parameters);
    if (!row.at(0, 0)) return 0;
    const auto lag = time_of(row.at(0, 1).value_or("")) - time_of(*row.at(0, 0));
    return std::max(0.0, std::chrono::duration<double>(lag).count());
  }

  /// The heartbeats on the replica, read first, and on the primary.
  std::pair<Time, Time> heartbeats() const {
    const auto statement = heartbeat_statement(*config_.heartbeat);
    const auto beat = [&](Database& database) {
      const auto cell = one_cell(database, statement, {});
      if (!cell) throw Error(Reason::query, config_.heartbeat->name + " has no heartbeat");
      return time_of(*cell);
    };
    const auto replica = beat(*config_.database);
    return {replica, beat(primary_)};
  }

 private:
  Table one_row(Database& database, const std::string& statement,
                const Parameters& parameters) const {
    auto table = database.query(Statement(statement, database.dialect()), parameters, {},
                                deadline_.no_later_than(later(Clock::now(), config_.timeout)));
    if (table.rows() != 1) throw Error(Reason::query, "expected one row");
    return table;
  }

  std::optional<std::string> one_cell(Database& database, const std::string& statement,
                                      const Parameters& parameters) const {
    const auto table = one_row(database, statement, parameters);
    const auto cell = table.at(0, 0);
    if (!cell) return std::nullopt;
    return std::string(*cell);
  }

  Database& primary_;
  const ReplicationConfig& config_;
  const Deadline& deadline_;
};

/// The state of one replica.
class Replica {
 public:
  explicit Replica(const ReplicationConfig& config) : config_(config) {}

  /// Measures what is due, each value independently: an unavailable primary must not hide that the
  /// replica has stopped. Values that cannot be read become unknown. Returns the first failure.
  std::optional<Error> measure(Database& primary, Clock::duration slack, const Deadline& deadline) {
    const auto now = Clock::now();
    if (asked_ && now - *asked_ < config_.every - slack) return std::nullopt;
    asked_ = now;
    std::optional<Error> failure;
    const auto attempt = [&](const auto& act) {
      try {
        act();
      } catch (const Error& error) {
        if (!failure)
          failure = Error(error.reason(), "replica " + config_.replica + ": " + error.what());
      }
    };
    const Pair pair(primary, config_, deadline);
    lag_.reset();
    heartbeats_.reset();
    channels_.clear();
    attempt([&] {
      lag_ = pair.lag();
      measured_ = Ledger::wall_clock();
    });
    if (config_.heartbeat) attempt([&] { heartbeats_ = pair.heartbeats(); });
    if (!config_.asks_status) return failure;
    attempt([&] {
      channels_ = read_replica(*config_.database,
                               deadline.no_later_than(later(now, times(config_.timeout, 3))));
    });
    return failure;
  }

  void add_to(Samples& samples, const std::string& source) const {
    const auto &replica = config_.replica, &table = config_.table.name;
    if (lag_) samples.add(kLag, *lag_, source, replica, table);
    samples.add(kMaxLag, std::chrono::duration<double>(config_.max_lag).count(), source, replica,
                table, config_.concern.owner, config_.concern.severity);
    if (heartbeats_) {
      const auto [old, newest] = *heartbeats_;
      const auto& beats = config_.heartbeat->name;
      samples.add(kBeatLag, std::max(0.0, seconds_of(newest) - seconds_of(old)), source, replica,
                  beats);
      samples.add(kBeat, seconds_of(newest), source, replica, beats);
    }
    samples.add(kSuccess, lag_ ? 1 : 0, source, replica, table);
    if (measured_) samples.add(kLastSuccess, seconds_of(*measured_), source, replica, table);
    for (const auto& channel : channels_) add_channel(samples, source, channel);
  }

 private:
  void add_channel(Samples& samples, const std::string& source,
                   const ReplicaChannel& channel) const {
    const auto &replica = config_.replica, &name = channel.name;
    for (const auto& [state, text] : kStates) {
      samples.add(kState, channel.state == state ? 1 : 0, source, replica, name, text);
    }
    if (channel.lag_seconds) samples.add(kStatusLag, *channel.lag_seconds, source, replica, name);
    if (channel.errors) samples.add(kErrors, *channel.errors, source, replica, name);
  }

  const ReplicationConfig& config_;
  std::optional<double> lag_;
  std::optional<std::pair<Time, Time>> heartbeats_;
  std::vector<ReplicaChannel> channels_;
  std::optional<Time> measured_;
  std::optional<Clock::time_point> asked_;
};

class Replication {
 public:
  Replication(std::shared_ptr<Source> source, Clock::duration interval)
      : source_(std::move(source)), slack_(interval / 2) {
    for (const auto& config : source_->replication) replicas_.emplace_back(config);
  }

  void collect(Samples& samples, const Deadline& deadline) {
    std::optional<Error> first;
    for (auto& replica : replicas_) {
      auto failure = replica.measure(source_->database, slack_, deadline);
      if (failure && !first) first = std::move(failure);
      replica.add_to(samples, source_->name);
    }
    try {
      add_primary(samples, source_->name, source_->database, deadline);
    } catch (const Error& error) {
      if (!first) first = error;
    }
    if (first) samples.set_failure(*first);
  }

 private:
  const std::shared_ptr<Source> source_;
  const Clock::duration slack_;
  std::vector<Replica> replicas_;
};

Collector collector_of(const std::shared_ptr<Source>& source) {
  const auto& configs = source->replication;
  Clock::duration timeout{}, interval = configs.front().every;
  for (const auto& config : configs) {
    timeout = sum(timeout, times(config.timeout, kStatements));
    interval = std::min<Clock::duration>(interval, config.every);
  }
  return {.name = "replication",
          // A lag that can no longer be measured is unknown; an old value is not kept.
          .schedule = Every{interval, times(interval, 3), interval},
          .timeout = timeout,
          .metrics = replication_metrics(),
          .collect = [replication = std::make_shared<Replication>(source, interval)](
                         Samples& samples,
                         const Deadline& deadline) { replication->collect(samples, deadline); },
          .at_once = source->connections,
          .says_up = false};
}

std::vector<Planned> plan_of(Source& source, const ReplicationConfig& config) {
  auto &primary = source.database, &replica = *config.database;
  const auto dialect = primary.dialect();
  const auto now = std::chrono::floor<std::chrono::milliseconds>(source.clock());
  const Parameters times{{"ahead", now + kMaxAhead}, {"newest", format_rfc3339(now)}};
  std::vector<Planned> all{
      planned(source.name, primary, clock_statement(dialect)),
      planned(config.replica, replica, newest_statement(config.table), times),
      planned(source.name, primary, missing_statement(config.table, dialect, false), times,
              "after the replica's newest row, or of all rows where it has none")};
  if (config.heartbeat) {
    const auto statement = heartbeat_statement(*config.heartbeat);
    all.push_back(planned(config.replica, replica, statement));
    all.push_back(planned(source.name, primary, statement));
  }
  if (!config.asks_status) return all;
  for (const auto& statement : replica_statements(replica.dialect())) {
    all.push_back(planned(config.replica, replica, statement, {}, "if the server knows it"));
  }
  return all;
}

std::vector<Planned> plan_of(Source& source) {
  std::vector<Planned> all;
  for (const auto& config : source.replication) {
    for (auto& each : plan_of(source, config)) all.push_back(std::move(each));
  }
  for (const auto& statement : primary_statements(source.database.dialect())) {
    all.push_back(planned(source.name, source.database, statement));
  }
  return all;
}

}  // namespace

std::vector<MetricView> replication_metrics() {
  std::vector<MetricView> metrics(std::begin(kMetrics), std::end(kMetrics));
  metrics.insert(metrics.end(), primary_metrics().begin(), primary_metrics().end());
  return metrics;
}

Described describe_replication(const std::shared_ptr<Source>& source) {
  return {collector_of(source), [source] { return plan_of(*source); }};
}

}  // namespace exporter::sql
