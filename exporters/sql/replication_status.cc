#include "exporters/sql/replication_status.h"

#include <array>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/sql/value.h"

namespace exporter::sql {
namespace {

constexpr auto kSenders = gauge("sql_replication_senders",
                                "Connections that read the primary's write-ahead log.", "source");
constexpr auto kSenderBytes = gauge("sql_replication_sender_lag_bytes",
                                    "Bytes of the write-ahead log that the reader has not applied.",
                                    "source", "application", "address");
constexpr auto kSenderSeconds = gauge("sql_replication_sender_lag_seconds",
                                      "Replay lag of the reader as the primary reports it, in "
                                      "seconds; absent while nothing is written.",
                                      "source", "application", "address");
constexpr auto kSlotActive =
    gauge("sql_replication_slot_active", "1 while the slot is in use.", "source", "slot");
constexpr auto kSlotBytes =
    gauge("sql_replication_slot_retained_bytes",
          "Bytes of the write-ahead log that are retained for the slot.", "source", "slot");
constexpr MetricView kPrimaryMetrics[] = {kSenders, kSenderBytes, kSenderSeconds, kSlotActive,
                                          kSlotBytes};

constexpr int kHasSubscriptionStatistics = 150000;

Table ask(Database& database, std::string_view statement, const Deadline& deadline) {
  return database.query(Statement(statement, database.dialect()), {}, {}, deadline);
}

/// The cell in the first of these columns that exists.
std::optional<std::string_view> cell(const Table& table, std::size_t row,
                                     std::initializer_list<std::string_view> names) {
  for (const auto name : names) {
    if (const auto column = table.column(name)) return table.at(row, *column);
  }
  return std::nullopt;
}

std::optional<double> number(const Table& table, std::size_t row,
                             std::initializer_list<std::string_view> names) {
  const auto text = cell(table, row, names);
  if (!text) return std::nullopt;
  return number_of(*text);
}

bool is_yes(std::optional<std::string_view> text) {
  return text && equal_ignoring_case(*text, "yes");
}

// A disconnected standby has no receiver. pg_is_wal_replay_paused() fails on a primary.
constexpr std::string_view kStandby =
    "SELECT CASE WHEN pg_is_in_recovery() THEN 1 ELSE 0 END AS standby, "
    "CASE WHEN pg_is_in_recovery() AND pg_is_wal_replay_paused() THEN 1 ELSE 0 END AS paused, "
    "(SELECT COUNT(*) FROM pg_stat_wal_receiver) AS receivers, "
    "current_setting('server_version_num') AS version";
constexpr std::string_view kSubscriptions =
    "SELECT s.subname AS name, CASE WHEN s.subenabled THEN 1 ELSE 0 END AS enabled, "
    "(SELECT COUNT(w.pid) FROM pg_stat_subscription w WHERE w.subid = s.oid AND w.relid IS NULL) "
    "AS workers FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid "
    "WHERE d.datname = current_database()";
constexpr std::string_view kSubscriptionErrors =
    "SELECT s.subname AS name, CASE WHEN s.subenabled THEN 1 ELSE 0 END AS enabled, "
    "(SELECT COUNT(w.pid) FROM pg_stat_subscription w WHERE w.subid = s.oid AND w.relid IS NULL) "
    "AS workers, e.apply_error_count AS errors FROM pg_subscription s "
    "JOIN pg_database d ON d.oid = s.subdbid "
    "LEFT JOIN pg_stat_subscription_stats e ON e.subid = s.oid "
    "WHERE d.datname = current_database()";

ReplicaState postgresql_state(bool is_applied, bool is_connected) {
  if (!is_applied) return ReplicaState::stopped;
  return is_connected ? ReplicaState::replicating : ReplicaState::cut_off;
}

std::vector<ReplicaChannel> read_postgresql(Database& replica, const Deadline& deadline) {
  const auto standby = ask(replica, kStandby, deadline);
  if (standby.rows() != 1) throw Error(Reason::query, "expected one row");
  const auto is = [&](std::string_view name) { return number(standby, 0, {name}).value_or(0) > 0; };
  if (is("standby")) return {{"", postgresql_state(!is("paused"), is("receivers")), {}, {}}};
  const bool has_errors = number(standby, 0, {"version"}).value_or(0) >= kHasSubscriptionStatistics;
  const auto list = ask(replica, has_errors ? kSubscriptionErrors : kSubscriptions, deadline);
  std::vector<ReplicaChannel> channels;
  for (std::size_t row = 0; row < list.rows(); ++row) {
    const auto state = postgresql_state(number(list, row, {"enabled"}).value_or(0) > 0,
                                        number(list, row, {"workers"}).value_or(0) > 0);
    channels.push_back({std::string(cell(list, row, {"name"}).value_or("")),
                        state,
                        {},
                        number(list, row, {"errors"})});
  }
  if (channels.empty()) channels.push_back({"", ReplicaState::not_a_replica, {}, {}});
  return channels;
}

/// MariaDB's, MySQL's since 8.0.22, and that of older versions.
constexpr std::array<std::string_view, 3> kShowReplica{"SHOW ALL SLAVES STATUS",
                                                       "SHOW REPLICA STATUS", "SHOW SLAVE STATUS"};

/// Runs the first statement that the server supports.
Table show_replica_status(Database& replica, const Deadline& deadline) {
  for (std::size_t i = 0; i + 1 < kShowReplica.size(); ++i) {
    try {
      return ask(replica, kShowReplica[i], deadline);
    } catch (const Error& error) {
      if (error.reason() != Reason::query) throw;
    }
  }
  return ask(replica, kShowReplica.back(), deadline);
}

/// A lag of NULL means unknown, for example because replication is stopped, and not 0.
std::vector<ReplicaChannel> read_mariadb(Database& replica, const Deadline& deadline) {
  const auto list = show_replica_status(replica, deadline);
  std::vector<ReplicaChannel> channels;
  for (std::size_t row = 0; row < list.rows(); ++row) {
    const bool is_applied = is_yes(cell(list, row, {"Slave_SQL_Running", "Replica_SQL_Running"}));
    const bool is_connected = is_yes(cell(list, row, {"Slave_IO_Running", "Replica_IO_Running"}));
    const auto state = !is_applied    ? ReplicaState::stopped
                       : is_connected ? ReplicaState::replicating
                                      : ReplicaState::cut_off;
    channels.push_back(
        {std::string(cell(list, row, {"Connection_name", "Channel_Name"}).value_or("")),
         state,
         number(list, row, {"Seconds_Behind_Master", "Seconds_Behind_Source"}),
         {}});
  }
  if (channels.empty()) channels.push_back({"", ReplicaState::not_a_replica, {}, {}});
  return channels;
}

// A replica may itself be a primary: then its log ends with what it has received.
constexpr std::string_view kEndOfLog =
    "CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() ELSE pg_current_wal_lsn() END";

std::string senders() {
  return "SELECT COALESCE(application_name, '') AS application, "
         "COALESCE(host(client_addr), '') AS address, COUNT(*) AS senders, "
         "MAX(pg_wal_lsn_diff(" +
         std::string(kEndOfLog) +
         ", replay_lsn)) AS behind, MAX(extract(epoch FROM replay_lag)) AS lag "
         "FROM pg_stat_replication GROUP BY 1, 2";
}

std::string slots() {
  return "SELECT slot_name AS slot, CASE WHEN active THEN 1 ELSE 0 END AS active, "
         "pg_wal_lsn_diff(" +
         std::string(kEndOfLog) + ", restart_lsn) AS retained FROM pg_replication_slots";
}

}  // namespace

std::vector<ReplicaChannel> read_replica(Database& replica, const Deadline& deadline) {
  switch (replica.dialect()) {
    case Dialect::postgresql: return read_postgresql(replica, deadline);
    case Dialect::mariadb:
    case Dialect::mysql: return read_mariadb(replica, deadline);
    default: return {};
  }
}

std::vector<std::string> replica_statements(Dialect dialect) {
  switch (dialect) {
    case Dialect::postgresql:
      return {std::string(kStandby), std::string(kSubscriptions), std::string(kSubscriptionErrors)};
    case Dialect::mariadb:
    case Dialect::mysql: return {kShowReplica.begin(), kShowReplica.end()};
    default: return {};
  }
}

std::vector<std::string> primary_statements(Dialect dialect) {
  if (dialect != Dialect::postgresql) return {};
  return {senders(), slots()};
}

void add_primary(Samples& samples, const std::string& source, Database& primary,
                 const Deadline& deadline) {
  if (primary.dialect() != Dialect::postgresql) return;
  const auto list = ask(primary, senders(), deadline), kept = ask(primary, slots(), deadline);
  double count = 0;
  for (std::size_t row = 0; row < list.rows(); ++row) {
    const auto application = cell(list, row, {"application"}).value_or(""),
               address = cell(list, row, {"address"}).value_or("");
    count += number(list, row, {"senders"}).value_or(0);
    const auto add = [&](const auto& metric, std::string_view column) {
      const auto value = number(list, row, {column});
      if (value) samples.add(metric, *value, source, application, address);
    };
    add(kSenderBytes, "behind");
    add(kSenderSeconds, "lag");
  }
  samples.add(kSenders, count, source);
  for (std::size_t row = 0; row < kept.rows(); ++row) {
    const auto slot = cell(kept, row, {"slot"}).value_or("");
    samples.add(kSlotActive, number(kept, row, {"active"}).value_or(0), source, slot);
    if (const auto retained = number(kept, row, {"retained"})) {
      samples.add(kSlotBytes, *retained, source, slot);
    }
  }
}

std::span<const MetricView> primary_metrics() { return kPrimaryMetrics; }

}  // namespace exporter::sql
