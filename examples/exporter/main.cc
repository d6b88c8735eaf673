#include "common/app/keep_ledgers.h"
#include "common/http/client_config.h"
#include "examples/exporter/server.h"

namespace exporter::jobs {
namespace {

constexpr SourceFlag kFlags[] = {
    {{"server.url", "", "URL of the server."}, "url"},
    {{"server.name", "jobs", "The label `server`."}, "name"},
    {{"server.bearer-token-file", "", "File with the server's token."}, "bearer_token_file"},
};
constexpr const Module* kModules[] = {&kQueues, &kFinished};

App app() {
  App app;
  app.name = "jobs_exporter";
  app.description = "Prometheus exporter for servers of jobs: queues and finished jobs.";
  app.default_listen = ":19199";
  keep_ledgers(app);
  watch<Server>(app,
                {.key = "servers", .label = "server", .flags = kFlags, .make = make_server},
                kModules);
  return app;
}

}  // namespace

std::shared_ptr<Server> make_server(const SourceInputs& inputs) {
  auto config = http::read_client_config(inputs.config, {.name = inputs.name});
  return std::make_shared<Server>(
      Server{inputs.name,
             {std::move(config.options), std::move(config.authorize), inputs.upstreams},
             open_ledger(inputs, "jobs", {.past = std::chrono::hours(1)})});
}

}  // namespace exporter::jobs

int main(int argc, char** argv) { return exporter::run(exporter::jobs::app(), argc, argv); }
