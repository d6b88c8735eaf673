#include "common/app/keep_ledgers.h"
#include "common/http/client_config.h"
#include "examples/exporter/server.h"

namespace exporter::jobs {
namespace {

constexpr SourceFlag kFlags[] = {
    {{"server.url", "", "URL of the server; a configuration file lists several instead."}, "url"},
    {{"server.name", "jobs", "The label `server`."}, "name"},
    {{"server.bearer-token-file", "", "File with the server's token."}, "bearer_token_file"},
};
constexpr const Module* kModules[] = {&kQueues, &kFinished};

std::shared_ptr<Server> make_server(const SourceInputs& inputs) {
  auto [options, authorize] = http::read_client_config(inputs.config, {.name = inputs.name});
  return std::make_shared<Server>(
      Server{inputs.name,
             {std::move(options), std::move(authorize), inputs.upstreams},
             inputs.ledgers->open("jobs", inputs.name, {.past = std::chrono::hours(1)})});
}

App app() {
  App app;
  app.name = "jobs_exporter";
  app.description = "Prometheus exporter for servers of jobs: queues and finished jobs.";
  app.default_listen = ":19199";
  watch<Server>(app, {.key = "servers", .label = "server", .flags = kFlags, .make = make_server},
                kModules);
  keep_ledgers(app);
  return app;
}

}  // namespace
}  // namespace exporter::jobs

int main(int argc, char** argv) { return exporter::run(exporter::jobs::app(), argc, argv); }
