#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "common/app/labels.h"
#include "common/app/module.h"
#include "common/app/sources.h"
#include "common/ledger/ledgers.h"
#include "common/sql/database.h"
#include "exporters/sql/business/config.h"
#include "exporters/sql/collector_config.h"
#include "exporters/sql/quality_config.h"
#include "exporters/sql/reconcile_config.h"
#include "exporters/sql/replication_config.h"

namespace exporter::sql {

/// One database: the state that its collectors share.
struct Source {
  std::string name;  ///< the label `source`
  std::size_t connections;
  Database database;
  std::shared_ptr<Ledgers> ledgers;
  CollectorConfigs collectors;
  std::optional<QualityConfig> quality;
  std::vector<ReconcileConfig> reconciliations;
  std::vector<ReplicationConfig> replication;             ///< those of which it is the primary
  std::shared_ptr<const business::Config> business = {};  ///< null if it has none
  FixedLabels labels = {};                                ///< from the configuration
  std::size_t other_readers = 0;  ///< collectors of other sources that read it
  /// Whether to count events as far back as they may be late, because a single run would show few.
  bool is_trial = false;
  /// The current time.
  std::function<Time()> clock = Ledger::wall_clock;
};

/// The databases of the configuration file, or the one that the flags describe.
extern const SourceKind<Source> kSources;

/// Samples of a query whose rows are current values.
CollectFunction make_query(const std::shared_ptr<Source>& source,
                           const std::shared_ptr<const CollectorConfig>& config);
/// The counters of a query whose rows are events.
CollectFunction make_events(const std::shared_ptr<Source>& source,
                            const std::shared_ptr<const CollectorConfig>& config);
/// The options of the ledger of such a query.
Ledger::Options ledger_options(const Source& source, const EventsConfig& events);

using Module = exporter::Module<Source>;
extern const Module kConnections;
inline constexpr const Module* kModules[] = {&kConnections};

}  // namespace exporter::sql
