// An exporter whose parts hang or throw, as configured:
//   fault: error | filesystem | bad_alloc | unknown    thrown while the configuration is loaded
//   hang: true                                         its collector does not return
//   fail: true                                         its collector fails, each time with another
//                                                      text, of 16 KiB

#include <unistd.h>

#include <filesystem>
#include <new>
#include <system_error>

#include "common/app/app.h"
#include "common/base/error.h"

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

struct Stuck {
  bool hangs, fails;
};

std::shared_ptr<Stuck> make_stuck(const SourceInputs& inputs) {
  const auto& settings = *inputs.settings;
  throw_fault(settings.text("fault"));
  return std::make_shared<Stuck>(Stuck{settings.enabled("hang"), settings.enabled("fail")});
}

CollectFunction make_collector(const std::shared_ptr<Stuck>& stuck) {
  return [stuck, run = 0](Samples& samples, const Deadline&) mutable {
    while (stuck->hangs) ::pause();
    if (stuck->fails)
      throw Error(Reason::io, "run " + std::to_string(++run) + std::string(16000, '.'));
    samples.add(kGauge, 1);
  };
}

constexpr Flag kFlags[] = {{"fault", "", "What is thrown."},
                           {"hang", "false", "Whether it hangs.", Flag::Kind::boolean},
                           {"fail", "false", "Whether it fails.", Flag::Kind::boolean}};
constexpr MetricView kMetrics[] = {kGauge};
constexpr Module<Stuck> kModule{"stuck",
                                Module<Stuck>::Default::on,
                                kMetrics,
                                kFlags,
                                make_collector,
                                Every{std::chrono::milliseconds(1), std::chrono::hours(1)},
                                std::chrono::milliseconds(100)};
constexpr const Module<Stuck>* kModules[] = {&kModule};

}  // namespace

int main(int argc, char** argv) {
  App app;
  app.name = "stuck_app";
  app.description = "An exporter whose parts hang or throw.";
  app.default_listen = ":0";
  watch<Stuck>(app, {.make = make_stuck}, kModules);
  return run(app, argc, argv);
}
