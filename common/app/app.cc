#include "common/app/app.h"

#include <malloc.h>
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <iostream>
#include <memory>
#include <optional>
#include <set>

#include "common/app/backfill.h"
#include "common/app/check_sources.h"
#include "common/app/command.h"
#include "common/app/generations.h"
#include "common/app/health_check.h"
#include "common/app/metrics_list.h"
#include "common/app/pages.h"
#include "common/app/process.h"
#include "common/app/reloads.h"
#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/text.h"
#include "common/collect/schedule.h"
#include "common/http/listen.h"
#include "common/http/server.h"
#include "common/http/web_config.h"
#include "version.h"

namespace exporter {
namespace {

/// How long shutdown waits for requests to finish, and then for collectors.
constexpr auto kShutdownGrace = std::chrono::milliseconds(1500);
constexpr auto kCollectorGrace = std::chrono::milliseconds(500);
/// Lets a collector fail by its own deadline first.
constexpr auto kOnceGrace = std::chrono::seconds(1);
constexpr std::chrono::minutes kReportPatience(1);

/// The soft limit on open files protects programs that call select(2), which this one does not.
void raise_limit_of_open_files() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

/// Prints that the configuration is valid, after checks beyond those of `load`.
void check_config(const Command& command, const std::function<void()>& load) {
  for (const auto& address : command.listen) http::check_listen_address(address);
  load();
  std::string said;
  if (!command.web_config_file.empty()) {
    http::WebConfig::load(command.web_config_file);
    said = command.web_config_file + ": valid\n";
  }
  said += (command.config_file.empty() ? "command line" : command.config_file) + ": valid\n";
  process::print(said);
}

int print_once(Generations& generations) {
  generations.load();
  const auto current = generations.current();
  const auto until = later(later(Clock::now(), current->longest_once()), kOnceGrace);
  bool failed = false;
  const auto page = current->scrape_once(Format::text, until, failed);
  for (const auto part : page.parts()) process::print(part);
  return failed ? 1 : 0;
}

/// The error for an invalid argument: "a is not a collector; expected b, c", the nearest first.
std::string refusal(const Command& command, const std::set<std::string>& choices) {
  if (command.report_argument.empty()) return "there is nothing to print";
  auto why = command.report_argument + " is not a " + to_lower(command.report->takes);
  const std::vector<std::string_view> names(choices.begin(), choices.end());
  const auto first = nearest(command.report_argument, names);
  std::string list(first);
  for (const auto name : names) {
    if (name != first) list.append(list.empty() ? "" : ", ").append(name);
  }
  return list.empty() ? why : why + "; expected " + list;
}

int print_report(const Command& command, const std::vector<SourceReport>& reports) {
  const auto flag = "--" + std::string(command.report->flag);
  if (reports.empty()) {
    throw Error(
        Reason::config,
        flag + ": nothing to report on: neither the configuration file nor a flag names a source");
  }
  bool is_empty = true, is_good = true;
  std::set<std::string> choices;
  for (const auto& report : reports) {
    if (report.flag != command.report->flag) continue;
    const auto said = report.write(command.report_argument, Deadline::in(kReportPatience));
    is_empty = is_empty && said.text.empty();
    is_good = is_good && said.is_good;
    choices.insert(said.choices.begin(), said.choices.end());
    process::print(said.text);
  }
  if (!is_empty) return is_good ? 0 : 1;
  throw Error(Reason::config, flag + ": " + refusal(command, choices));
}

/// Fails if an address is in use, before any source is queried.
void require_free_addresses(const Command& command) {
  if (command.systemd_socket) return;
  std::vector<http::Listener> held;  // held together: a repeated address is in use too
  for (const auto& address : command.listen) held.push_back(http::listen_on(address));
}

std::unique_ptr<http::Server> start_server(const Command& command, Generations& generations,
                                           Pages& pages) {
  http::ServerOptions options;
  options.listen = command.listen;
  options.systemd_socket = command.systemd_socket;
  options.web_config_file = command.web_config_file;
  options.open_paths = {Pages::kHealthy, Pages::kReady};
  options.web_config_reloaded = [&](bool successful) {
    generations.self().web_config_loaded(successful);
  };
  options.access_log = command.access_log;
  auto server = std::make_unique<http::Server>(
      std::move(options), [&](const http::Request& request) { return pages.answer(request); });
  for (const auto& address : server->addresses()) {
    log::info("listening", {{"address", address}, {"tls", server->tls()}});
  }
  return server;
}

void log_stopping(int signal) {
  log::info("stopping", {{"signal", signal == SIGTERM ? "SIGTERM" : "SIGINT"}});
}

/// Returns after SIGTERM or SIGINT.
void heed_signals(Reloads& reloads) {
  for (;;) {
    const int signal = process::next_signal(reloads.late_at());
    if (signal == SIGHUP) {
      reloads.request();
    } else if (signal == 0) {
      reloads.note_late();
    } else {
      return log_stopping(signal);
    }
  }
}

int serve(const App& app, const Command& command, Generations& generations) {
  log::info("starting", {{"exporter", app.name}, {"version", kVersion}, {"revision", kRevision}});
  Reloads reloads([&] { return generations.reload(); }, [&] { generations.note_late_reload(); });
  Pages pages({std::string(app.name), std::string(app.description), command.telemetry_path,
               std::string(app.sources.label), command.max_requests, command.enable_lifecycle,
               [&] { return generations.current(); }, [&] { return reloads.run(); }});
  std::unique_ptr<http::Server> server;
  const auto start = [&] {
    require_free_addresses(command);
    generations.load();
    server = start_server(command, generations, pages);
    return 0;
  };
  process::interruptible(start, {SIGTERM, SIGINT}, [](int signal) {
    log_stopping(signal);
    process::leave(0);
  });
  heed_signals(reloads);
  reloads.stop();
  const bool all_answered = server->stop(kShutdownGrace);
  if (!all_answered || !reloads.wait_until_idle(Clock::now())) process::leave(0);
  return 0;
}

int run_command(const App& app, const Command& command, Generations& generations) {
  process::block_signals();
  log::configure(log::parse_level(command.log_level), log::parse_format(command.log_format));
  if (command.mode == Command::Mode::serve) return serve(app, command, generations);
  const auto work = [&] {
    switch (command.mode) {
      case Command::Mode::list_metrics: process::print(metrics_list(app)); return 0;
      case Command::Mode::check_health: return check_health(app, command);
      case Command::Mode::check_config:
        check_config(command, [&] { generations.check(); });
        return 0;
      case Command::Mode::check_sources: {
        std::vector<SourceCheck> checks;
        check_config(command, [&] { checks = generations.check(); });
        return check_sources(checks);
      }
      case Command::Mode::backfill: return backfill(app, command, generations.pasts());
      case Command::Mode::report: return print_report(command, generations.reports());
      case Command::Mode::import_config:
        process::print(app.import_config(command.import_file));
        return 0;
      default: return print_once(generations);
    }
  };
  return process::interruptible(work, {SIGHUP, SIGTERM, SIGINT}, &process::die_of);
}

}  // namespace

int run(const App& app, int argc, char** argv) {
  process::open_standard_streams();
  // Few threads allocate concurrently here, so more arenas would only waste memory.
  ::mallopt(M_ARENA_MAX, 1);
  raise_limit_of_open_files();
  std::optional<Command> command;
  std::optional<Generations> generations;
  int exit_code = 1;
  try {
    command = parse_command(app, argc, argv, exit_code);
    if (command) exit_code = run_command(app, *command, generations.emplace(app, *command));
  } catch (...) {
    exit_code = 1;
    if (command && command->mode == Command::Mode::serve) {
      log::error("cannot run", {{"error", current_error()}});
    } else {
      process::flush_log();
      std::cerr << app.name << ": " << current_error() << '\n';
    }
  }
  // A hung collector ends with the process, before the objects that it uses are destroyed.
  if (generations && !generations->end(Clock::now() + kCollectorGrace)) process::leave(exit_code);
  process::flush_log();
  return exit_code;
}

}  // namespace exporter
