#include "common/app/app.h"

#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <deque>
#include <iostream>
#include <mutex>
#include <optional>

#include "common/app/collectors.h"
#include "common/app/command.h"
#include "common/app/health_check.h"
#include "common/app/metrics_list.h"
#include "common/app/pages.h"
#include "common/app/process_metrics.h"
#include "common/app/self_metrics.h"
#include "common/base/log.h"
#include "common/config/yaml.h"
#include "common/http/listen.h"
#include "common/http/server.h"
#include "common/http/web_config.h"
#include "version.h"

namespace exporter {
namespace {

constexpr auto kOnceTimeout = std::chrono::minutes(10);
constexpr auto kShutdownGrace = std::chrono::milliseconds(1500);

/// Builds generations of collectors from the command line and the configuration file as it is now,
/// and holds the current one.
class Generations {
 public:
  Generations(const App& app, const Command& command) : app_(app), command_(command), self_(app) {}

  /// Throws Error{config}, and keeps what was.
  void load() {
    const std::lock_guard one_at_a_time(load_mutex_);
    try {
      auto next = build();
      self_.config_loaded(true);
      const std::lock_guard lock(mutex_);
      std::swap(current_, next);
    } catch (const Error&) {
      self_.config_loaded(false);
      throw;
    }
  }

  /// load(), with one log line; answers what went wrong.
  std::optional<std::string> reload() {
    try {
      load();
      log::info("configuration reloaded");
      return std::nullopt;
    } catch (const Error& error) {
      log::error("configuration not reloaded, the old one stays", {{"error", error.what()}});
      return error.what();
    }
  }

  SelfMetrics& self() { return self_; }

  std::shared_ptr<Exposition> current() const {
    const std::lock_guard lock(mutex_);
    return current_;
  }

 private:
  std::shared_ptr<Exposition> build() {
    std::optional<Yaml> file;
    if (!command_.config_file.empty()) file = Yaml::load_file(command_.config_file);
    const auto switches = collectors_of(app_);
    std::deque<std::string> names;
    auto flags = AppFlags(app_);
    for (const auto& collector : switches) {
      const bool on = collector.enabled && !command_.disable_default_collectors;
      flags.flags.push_back({names.emplace_back(enabled_flag(collector.name)),
                             on ? "true" : "false", "", Flag::Kind::boolean});
    }
    const auto settings =
        std::make_shared<const Settings>(flags.flags, command_.given, file ? &*file : nullptr);
    const bool starting = command_.mode == Command::Mode::serve && !current();
    auto collectors = make_collectors(
        app_.sources, app_.modules,
        {settings, file ? &*file : nullptr, self_.upstreams(), ledgers(), starting});
    if (app_.ledgers && settings->enabled(enabled_flag("ledger"))) {
      collectors.push_back(app_.ledgers->make_collector(ledgers()));
    }
    if (file) file->finish();
    return std::make_shared<Exposition>(std::move(collectors), options());
  }

  Exposition::Options options() {
    Exposition::Options options;
    options.outcomes = outcomes_of(app_);
    options.count_failure = [this](const Collector& collector, Reason reason) {
      self_.count_failure(collector, reason);
    };
    options.self.push_back({[this](Samples& samples) { self_.add(samples); }});
    if (!command_.disable_exporter_metrics) options.self.push_back({&add_process_metrics, 0});
    options.self_metrics = self_.metrics();
    return options;
  }

  /// Those of all generations. To look at a configuration leaves no trace, and does not wait for
  /// an exporter that runs.
  std::shared_ptr<Ledgers> ledgers() {
    if (!app_.ledgers) return nullptr;
    const bool looks_only = command_.mode == Command::Mode::check_config;
    if (!ledgers_) ledgers_ = app_.ledgers->open(looks_only ? "" : command_.state_dir);
    return ledgers_;
  }

  const App& app_;
  const Command& command_;
  SelfMetrics self_;
  std::shared_ptr<Ledgers> ledgers_;
  std::mutex load_mutex_;
  mutable std::mutex mutex_;
  std::shared_ptr<Exposition> current_;
};

/// The signals that end or reload; blocked in all threads, so that the main one can wait for them.
sigset_t handled_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGHUP, SIGTERM, SIGINT}) sigaddset(&signals, signal);
  return signals;
}

/// The soft limit of open files is for programs that call select(2): all may be used here.
void raise_limit_of_open_files() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

int check_config(const Command& command, Generations& generations) {
  for (const auto& address : command.listen) http::check_listen_address(address);
  generations.load();
  if (!command.web_config_file.empty()) {
    http::WebConfig::load(command.web_config_file);
    std::cout << command.web_config_file << ": valid\n";
  }
  std::cout << (command.config_file.empty() ? "command line" : command.config_file) << ": valid\n";
  return 0;
}

int print_once(Generations& generations) {
  generations.load();
  bool failed = false;
  const auto page =
      generations.current()->scrape_once(Format::text, Clock::now() + kOnceTimeout, failed);
  for (const auto part : page.parts()) std::cout << part;
  std::cout.flush();
  return failed || !std::cout ? 1 : 0;
}

void wait_for_the_end(Generations& generations) {
  const auto signals = handled_signals();
  for (;;) {
    int signal = 0;
    if (::sigwait(&signals, &signal) != 0) continue;
    if (signal != SIGHUP) {
      log::info("stopping", {{"signal", signal == SIGTERM ? "SIGTERM" : "SIGINT"}});
      return;
    }
    generations.reload();
  }
}

int serve(const App& app, const Command& command, Generations& generations) {
  generations.load();
  Pages pages({std::string(app.name), std::string(app.description), command.telemetry_path,
               std::string(app.sources.label), command.max_requests, command.enable_lifecycle,
               [&] { return generations.current(); }, [&] { return generations.reload(); }});
  http::ServerOptions options;
  options.listen = command.listen;
  options.systemd_socket = command.systemd_socket;
  options.web_config_file = command.web_config_file;
  options.open_paths = {Pages::kHealthy, Pages::kReady};
  options.web_config_reloaded = [&](bool successful) {
    generations.self().web_config_loaded(successful);
  };
  options.access_log = command.access_log;
  http::Server server(std::move(options),
                      [&](const http::Request& request) { return pages.answer(request); });
  for (const auto& address : server.addresses()) {
    log::info("listening", {{"address", address}, {"tls", server.tls()}});
  }
  wait_for_the_end(generations);
  server.stop(kShutdownGrace);
  return 0;
}

int run_command(const App& app, const Command& command) {
  log::configure(log::parse_level(command.log_level), log::parse_format(command.log_format));
  Generations generations(app, command);
  switch (command.mode) {
    case Command::Mode::list_metrics: std::cout << metrics_list(app); return 0;
    case Command::Mode::check_health: return check_health(app, command);
    case Command::Mode::check_config: return check_config(command, generations);
    case Command::Mode::once: return print_once(generations);
    case Command::Mode::serve: break;
  }
  log::info("starting", {{"exporter", app.name}, {"version", kVersion}, {"revision", kRevision}});
  return serve(app, command, generations);
}

}  // namespace

int run(const App& app, int argc, char** argv) {
  // Few threads allocate at once here: arenas for each of them would only cost memory.
  ::mallopt(M_ARENA_MAX, 1);
  raise_limit_of_open_files();
  int exit_code = 0;
  const auto command = parse_command(app, argc, argv, exit_code);
  if (!command) return exit_code;
  const auto signals = handled_signals();
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  try {
    return run_command(app, *command);
  } catch (const std::exception& error) {
    if (command->mode == Command::Mode::serve) {
      log::error("cannot run", {{"error", error.what()}});
    } else {
      std::cerr << app.name << ": " << error.what() << '\n';
    }
    return 1;
  }
}

}  // namespace exporter
