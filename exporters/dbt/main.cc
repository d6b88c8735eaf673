#include "common/app/app.h"
#include "exporters/dbt/artifacts.h"

namespace exporter::dbt {
namespace {

constexpr const char* kSourceLabel = "project";

App app() {
  static const Ledgers listed("", kSourceLabel);
  App app;
  app.name = "dbt_exporter";
  app.description =
      "Prometheus exporter for dbt: models, tests, sources and runs, by the artifacts that dbt "
      "writes.";
  app.default_listen = ":19103";
  app.collectors = {{"artifacts", true, artifacts_metrics()}, {"ledger", true, listed.metrics()}};
  app.flags = artifacts_flags();
  app.build = [ledgers = std::shared_ptr<Ledgers>()](const App::Inputs& inputs) mutable {
    if (!ledgers) ledgers = std::make_shared<Ledgers>(inputs.state_dir, kSourceLabel);
    std::vector<Collector> collectors;
    if (inputs.enabled("artifacts")) collectors = make_artifacts(inputs, *ledgers);
    if (inputs.enabled("ledger")) collectors.push_back(make_ledger(ledgers));
    return collectors;
  };
  return app;
}

}  // namespace
}  // namespace exporter::dbt

int main(int argc, char** argv) { return exporter::run(exporter::dbt::app(), argc, argv); }
