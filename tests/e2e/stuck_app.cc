// An exporter whose parts hang or throw, as its configuration file says:
//   fault: error | filesystem | bad_alloc | unknown    thrown while the configuration is loaded
//   hang: true                                         its collector does not return
//   fail: true                                         its collector fails, each time with
//                                                      another text
//   timeout: 1h                                        of the collector

#include <unistd.h>

#include <filesystem>
#include <new>
#include <system_error>

#include "common/app/app.h"
#include "common/base/error.h"
#include "common/config/yaml.h"

namespace {

using namespace exporter;

constexpr auto kGauge = gauge("stuck_value", "Help.");

void throw_fault(const std::string& name) {
  if (name == "error") throw Error(Reason::config, "an error");
  if (name == "filesystem") {
    throw std::filesystem::filesystem_error(
        "status", "state", std::make_error_code(std::errc::too_many_symbolic_link_levels));
  }
  if (name == "bad_alloc") throw std::bad_alloc();
  if (name == "unknown") throw 7;
}

std::vector<Collector> build(const App::Inputs& inputs) {
  Collector collector;
  collector.name = "stuck";
  collector.schedule = Every{std::chrono::milliseconds(1), std::chrono::hours(1)};
  collector.timeout = std::chrono::milliseconds(100);
  collector.metrics = {kGauge};
  bool hangs = false, fails = false;
  if (inputs.file != nullptr) {
    if (const auto fault = inputs.file->optional("fault")) throw_fault(fault->string());
    if (const auto hang = inputs.file->optional("hang")) hangs = hang->boolean();
    if (const auto fail = inputs.file->optional("fail")) fails = fail->boolean();
    if (const auto timeout = inputs.file->optional("timeout")) {
      collector.timeout = timeout->duration();
    }
  }
  collector.collect = [hangs, fails, run = 0](Samples& samples, const Deadline&) mutable {
    while (hangs) ::pause();
    if (fails) throw Error(Reason::io, "run " + std::to_string(++run) + std::string(1000, '.'));
    samples.add(kGauge, 1);
  };
  return {collector};
}

}  // namespace

int main(int argc, char** argv) {
  App app;
  app.name = "stuck_app";
  app.description = "An exporter whose parts hang or throw.";
  app.default_listen = ":0";
  app.collectors = {{"stuck", true, {kGauge}}};
  app.build = build;
  return run(app, argc, argv);
}
