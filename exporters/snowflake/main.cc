#include "common/app/keep_ledgers.h"
#include "exporters/snowflake/account.h"

namespace exporter::snowflake {
namespace {

App app() {
  App app;
  app.name = "snowflake_exporter";
  app.description = "Prometheus exporter for Snowflake, through the SQL API.";
  app.default_listen = ":19101";
  watch<Account>(app, kAccounts, kModules);
  keep_ledgers(app);
  return app;
}

}  // namespace
}  // namespace exporter::snowflake

int main(int argc, char** argv) { return exporter::run(exporter::snowflake::app(), argc, argv); }
