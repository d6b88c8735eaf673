#include "common/app/keep_ledgers.h"
#include "exporters/sql/described.h"
#include "exporters/sql/import.h"
#include "exporters/sql/source.h"

namespace exporter::sql {
namespace {

App app() {
  App app;
  app.name = "sql_exporter";
  app.description = "Prometheus exporter for SQL databases, over ODBC.";
  app.default_listen = ":19104";
  watch<Source>(app, kSources, kModules);
  app.import_config = import_config;
  app.described = built_in_collectors();
  keep_ledgers(app);
  return app;
}

}  // namespace
}  // namespace exporter::sql

int main(int argc, char** argv) { return exporter::run(exporter::sql::app(), argc, argv); }
