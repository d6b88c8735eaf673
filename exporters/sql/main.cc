#include "common/app/keep_ledgers.h"
#include "exporters/sql/import.h"
#include "exporters/sql/quality_page.h"
#include "exporters/sql/reconcile.h"
#include "exporters/sql/replication.h"
#include "exporters/sql/source.h"

namespace exporter::sql {
namespace {

std::vector<MetricView> list(std::span<const MetricView> metrics) {
  return {metrics.begin(), metrics.end()};
}

App app() {
  App app;
  app.name = "sql_exporter";
  app.description = "Prometheus exporter for SQL databases, by ODBC.";
  app.default_listen = ":19104";
  watch<Source>(app, kSources, kModules);
  app.import_config = import_config;
  app.described = {{"quality", "quality", list(quality_metrics())},
                   {"reconcile", "reconcile", list(reconcile_metrics())},
                   {"replication", "replication", replication_metrics()}};
  keep_ledgers(app);
  return app;
}

}  // namespace
}  // namespace exporter::sql

int main(int argc, char** argv) { return exporter::run(exporter::sql::app(), argc, argv); }
