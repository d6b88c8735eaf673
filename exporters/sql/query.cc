#include <optional>

#include "common/base/error.h"
#include "exporters/sql/rows.h"
#include "exporters/sql/source.h"

namespace exporter::sql {
namespace {

/// Adds the metrics that can be read. The run fails with the error of the others.
void add_metrics(Samples& samples, const Table& table, const CollectorConfig& config,
                 const std::string& source) {
  std::optional<Reason> reason;
  std::string wrong;
  for (const auto& metric : config.metrics) {
    try {
      add_rows(samples, table, *metric, source);
    } catch (const Error& error) {
      if (!reason) reason = error.reason();
      wrong += (wrong.empty() ? "" : "; ") + metric->name + ": " + error.what();
    }
  }
  if (!reason) return;
  if (samples.size() == 0) throw Error(*reason, wrong);
  samples.set_failure({*reason, wrong});
}

}  // namespace

CollectFunction make_query(const std::shared_ptr<Source>& source,
                           const std::shared_ptr<const CollectorConfig>& config) {
  return [source, config](Samples& samples, const Deadline& deadline) {
    auto parameters = config->parameters;
    parameters["now"] = source->clock();
    const auto table =
        source->database.query(config->statement, parameters, {.rows = config->max_rows}, deadline);
    add_metrics(samples, table, *config, source->name);
  };
}

}  // namespace exporter::sql
