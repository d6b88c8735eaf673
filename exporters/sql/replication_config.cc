#include "exporters/sql/replication_config.h"

#include <algorithm>
#include <chrono>
#include <set>

namespace exporter::sql {
namespace {

/// SQL that runs on both databases, whatever their kinds.
std::string read_for_both(const Yaml& value, Dialect primary, Dialect replica) {
  check_sql(value, value.string(), primary);
  return read_sql(value, replica);
}

TimedTable read_table(const Yaml& entry, Dialect primary, Dialect replica) {
  return {read_for_both(entry.required("table"), primary, replica),
          read_for_both(entry.required("time"), primary, replica)};
}

ReplicationConfig read_one(const Yaml& entry, const OpenDatabase& open) {
  using std::chrono::seconds;
  ReplicationConfig config;
  const auto replica = entry.required("replica");
  config.replica = replica.string();
  config.database = open(replica);
  const auto primary = open(entry.required("primary"))->dialect();
  config.table = read_table(entry, primary, config.database->dialect());
  if (const auto heartbeat = entry.optional("heartbeat")) {
    config.heartbeat = read_table(*heartbeat, primary, config.database->dialect());
  }
  config.max_lag = entry.required("max_lag").duration();
  config.every = read_duration(entry, "every", seconds(30));
  config.timeout = read_duration(entry, "timeout", seconds(10));
  if (config.every < seconds(1)) entry.required("every").fail("expected a duration of at least 1s");
  if (config.timeout < seconds(1)) {
    entry.required("timeout").fail("expected a duration of at least 1s");
  }
  config.concern = read_concern(entry);
  return config;
}

}  // namespace

std::vector<ReplicationConfig> read_replication(const Yaml& file, const std::string& source,
                                                const std::vector<std::string>& sources,
                                                const OpenDatabase& open) {
  std::vector<ReplicationConfig> all;
  const auto list = file.optional("replication");
  if (!list) return all;
  std::set<std::string> replicas;
  std::set<std::pair<std::string, std::string>> known;
  for (const auto& entry : list->items()) {
    const auto primary = entry.required("primary"), replica = entry.required("replica");
    if (std::ranges::find(sources, primary.string()) == sources.end()) {
      primary.fail("there is no source of this name");
    }
    if (primary.string() == replica.string()) replica.fail("the same source as the primary");
    if (primary.string() != source) continue;
    all.push_back(read_one(entry, open));
    all.back().asks_status = replicas.insert(all.back().replica).second;
    if (!known.insert({all.back().replica, all.back().table.name}).second) {
      entry.required("table").fail("duplicate table of this replica");
    }
  }
  return all;
}

}  // namespace exporter::sql
