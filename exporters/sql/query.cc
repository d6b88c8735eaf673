#include "exporters/sql/rows.h"
#include "exporters/sql/source.h"

namespace exporter::sql {

CollectFunction make_query(const std::shared_ptr<Source>& source,
                           const std::shared_ptr<const CollectorConfig>& config) {
  return [source, config](Samples& samples, const Deadline& deadline) {
    auto parameters = config->parameters;
    parameters["now"] = source->clock();
    const auto table =
        source->database.query(config->statement, parameters, {.rows = config->max_rows}, deadline);
    for (const auto& metric : config->metrics) add_rows(samples, table, *metric, source->name);
  };
}

}  // namespace exporter::sql
