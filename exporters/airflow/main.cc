#include "common/app/keep_ledgers.h"
#include "exporters/airflow/deployment.h"

namespace exporter::airflow {
namespace {

App app() {
  App app;
  app.name = "airflow_exporter";
  app.description = "Prometheus exporter for Apache Airflow 2 and 3, through the REST API.";
  app.default_listen = ":19102";
  watch<Deployment>(app, kDeployments, kModules);
  keep_ledgers(app);
  return app;
}

}  // namespace
}  // namespace exporter::airflow

int main(int argc, char** argv) { return exporter::run(exporter::airflow::app(), argc, argv); }
