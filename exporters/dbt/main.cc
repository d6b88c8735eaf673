#include "common/app/app.h"
#include "exporters/dbt/artifacts.h"

namespace exporter::dbt {
namespace {

App app() {
  App app;
  app.name = "dbt_exporter";
  app.description =
      "Prometheus exporter for dbt: models, tests, sources and runs, by the artifacts that dbt "
      "writes.";
  app.default_listen = ":19103";
  app.collectors = {{"artifacts", true, artifacts_metrics()}};
  app.flags = artifacts_flags();
  app.build = [](const App::Inputs& inputs) {
    std::vector<Collector> collectors;
    if (inputs.enabled("artifacts")) collectors.push_back(make_artifacts(inputs));
    return collectors;
  };
  return app;
}

}  // namespace
}  // namespace exporter::dbt

int main(int argc, char** argv) { return exporter::run(exporter::dbt::app(), argc, argv); }
