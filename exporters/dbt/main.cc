#include "common/app/keep_ledgers.h"
#include "exporters/dbt/artifacts.h"

namespace exporter::dbt {
namespace {

App app() {
  App app;
  app.name = "dbt_exporter";
  app.description =
      "Prometheus exporter for dbt: models, tests, sources and runs, from the artifacts that dbt "
      "writes.";
  app.default_listen = ":19103";
  const Module* modules[] = {&artifacts()};
  watch<ProjectSource>(app, kProjects, modules);
  keep_ledgers(app);
  return app;
}

}  // namespace
}  // namespace exporter::dbt

int main(int argc, char** argv) { return exporter::run(exporter::dbt::app(), argc, argv); }
