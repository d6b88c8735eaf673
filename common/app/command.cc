#include "common/app/command.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <iostream>
#include <sstream>

#include "common/app/collectors.h"
#include "common/app/process.h"
#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/text.h"
#include "common/base/time.h"
#include "version.h"

namespace exporter {
namespace {

/// A CLI11 validator that returns the message of the Error that `parse` throws.
template <class Parse>
auto accepted_by(Parse parse) {
  return [parse](const std::string& text) -> std::string {
    try {
      parse(text);
      return {};
    } catch (const Error& error) {
      return error.what();
    }
  };
}

/// The arguments in reverse order, as CLI11 expects them. "--flag=" is split, because CLI11 would
/// take the next argument for its value.
std::vector<std::string> reversed(int argc, const char* const* argv) {
  std::vector<std::string> arguments;
  for (int i = argc - 1; i > 0; --i) {
    std::string_view argument = argv[i];
    if (argument.starts_with("--") && argument.find('=') == argument.size() - 1) {
      arguments.emplace_back();
      argument.remove_suffix(1);
    }
    arguments.emplace_back(argument);
  }
  return arguments;
}

void add_web_flags(CLI::App& cli, Command& command) {
  cli.add_option("--web.listen-address", command.listen,
                 "Address to listen on, as :9100, 127.0.0.1:9100 or [::1]:9100; repeatable.")
      ->group("Web")
      ->capture_default_str()
      ->allow_extra_args(false);
  cli.add_flag("--web.systemd-socket", command.systemd_socket,
               "Listen on the sockets that systemd passes instead.")
      ->group("Web");
  cli.add_option("--web.config.file", command.web_config_file,
                 "File that sets TLS, users and headers (the format of exporter-toolkit).")
      ->group("Web");
  cli.add_option("--web.telemetry-path", command.telemetry_path, "Path of the metrics.")
      ->group("Web")
      ->capture_default_str()
      ->check([](const std::string& path) {
        return path.starts_with('/') && path.size() > 1 ? "" : "must begin with / and name a page";
      });
  cli.add_option(
         "--web.max-requests", command.max_requests,
         "Maximum number of concurrent scrapes, 0 for no limit. Others are answered with 503.")
      ->group("Web")
      ->capture_default_str()
      ->check([](const std::string& count) {
        return parse_number<std::size_t>(count) ? "" : "expected a whole number";
      });
  cli.add_flag("--web.enable-lifecycle", command.enable_lifecycle,
               "Also reload the configuration on POST /-/reload.")
      ->group("Web");
  cli.add_flag("--web.access-log", command.access_log, "Log each request.")->group("Web");
  cli.add_flag("--web.disable-exporter-metrics", command.disable_exporter_metrics,
               "Leave out metrics of the exporter's own process (process_*).")
      ->group("Web");
}

void add_report(CLI::App& cli, const AnyReport& report, Command& command) {
  const auto flag = "--" + std::string(report.flag);
  const auto choose = [&command, &report] {
    command.mode = Command::Mode::report;
    command.report = &report;
  };
  if (report.takes.empty()) {
    cli.add_flag_callback(flag, choose, std::string(report.help));
    return;
  }
  cli.add_option_function<std::string>(
         flag,
         [&command, choose](const std::string& argument) {
           choose();
           command.report_argument = argument;
         },
         std::string(report.help))
      ->type_name(std::string(report.takes));
}

void add_import(CLI::App& cli, Command& command) {
  cli.add_option_function<std::string>(
         "--import",
         [&command](const std::string& file) {
           command.mode = Command::Mode::import_config;
           command.import_file = file;
         },
         "Convert the configuration of another SQL exporter, print it with comments on what "
         "differs, and exit.")
      ->type_name("FILE");
}

void add_general_flags(CLI::App& cli, const App& app, Command& command) {
  cli.add_option("--config.file", command.config_file, "Configuration file (YAML).");
  cli.add_flag_callback(
      "--config.check", [&] { command.mode = Command::Mode::check_config; },
      "Check the configuration, --web.config.file too, and exit.");
  if (app.sources.check) {
    cli.add_flag_callback(
        "--config.check-sources", [&] { command.mode = Command::Mode::check_sources; },
        "The same, then check what can be read from each source. Exit status 1 if something "
        "cannot.");
  }
  for (const auto& report : app.sources.reports) add_report(cli, report, command);
  if (app.import_config != nullptr) add_import(cli, command);
  cli.add_flag_callback(
      "--health-check", [&] { command.mode = Command::Mode::check_health; },
      "Check the health of the exporter that runs in this container, or at --web.listen-address "
      "with --web.config.file, and exit; status 1 if it is not healthy within 3 s.");
  cli.add_option("--state.dir", command.state_dir,
                 "Directory for state that must survive a restart.");
  cli.add_flag_callback(
      "--once", [&] { command.mode = Command::Mode::once; },
      "Collect once, print the page and exit; status 1 if a collector failed.");
  cli.add_flag_callback(
      "--metrics.list", [&] { command.mode = Command::Mode::list_metrics; },
      "Print the table of all metrics (Markdown) and exit.");
  cli.add_option("--log.level", command.log_level, "debug, info, warn or error.")
      ->capture_default_str()
      ->check(accepted_by(log::parse_level));
  cli.add_option("--log.format", command.log_format, "logfmt or json.")
      ->capture_default_str()
      ->check(accepted_by(log::parse_format));
}

/// Seconds since 1970 of an RFC 3339 time, or of the start of "2026-01-31" in UTC.
std::optional<std::chrono::sys_seconds> parse_moment(const std::string& text) {
  const auto time = parse_rfc3339(text.size() == 10 ? text + "T00:00:00Z" : text);
  if (!time) return std::nullopt;
  return std::chrono::floor<std::chrono::seconds>(*time);
}

void add_step_and_labels(CLI::App& backfill, Command& command) {
  command.past.step = std::chrono::hours(1);
  backfill.add_option_function<std::string>(
      "--step",
      [&command](const std::string& text) {
        const auto step = parse_duration(text);
        if (!step || *step < std::chrono::minutes(1) || *step > std::chrono::days(1)) {
          throw CLI::ValidationError("--step", "expected 1m to 1d");
        }
        command.past.step = std::chrono::floor<std::chrono::seconds>(*step);
      },
      "Interval between the samples of a series; 1h by default.");
  backfill
      .add_option_function<std::vector<std::string>>(
          "--label",
          [&command](const std::vector<std::string>& texts) {
            for (std::string_view value : texts) {
              const std::string name(next_part(value, '='));
              if (!valid_label_name(name) || name.starts_with("__") || value.empty()) {
                throw CLI::ValidationError("--label", "expected NAME=VALUE");
              }
              command.past_labels.emplace_back(name, value);
            }
          },
          "A label that a scrape adds to each series, such as job=snowflake; repeatable.")
      ->allow_extra_args(false)
      ->trigger_on_parse(false);
}

void add_backfill(CLI::App& cli, const App& app, Command& command) {
  const auto has_past = [](const AnyModule& module) { return bool(module.make_past); };
  if (std::ranges::none_of(app.modules, has_past)) return;
  auto* backfill = cli.add_subcommand(
      "backfill",
      "Write the history before the exporter began to count as files for promtool tsdb "
      "create-blocks-from openmetrics, and exit. Accepts the exporter's flags, too.");
  backfill->fallthrough();
  backfill->callback([&command] { command.mode = Command::Mode::backfill; });
  const auto add_moment = [&](const std::string& flag, const std::string& help, auto take) {
    return backfill->add_option_function<std::string>(
        flag,
        [flag, take](const std::string& text) {
          const auto moment = parse_moment(text);
          if (!moment) {
            throw CLI::ValidationError(flag, "expected a date, or a time in RFC 3339 format");
          }
          take(*moment);
        },
        help);
  };
  add_moment("--from", "Start of the history: a date or a time, such as 2026-01-31.",
             [&](auto moment) { command.past.from = moment; })
      ->required();
  add_moment("--to",
             "End of the history; by default, and at the latest, when the exporter began to count "
             "according to --state.dir.",
             [&](auto moment) { command.past.to = moment; });
  add_step_and_labels(*backfill, command);
  backfill->add_option("--directory", command.past_directory, "Directory for the files.")
      ->required();
}

std::string help_of(const CollectorEntry& collector) {
  const std::string by_default = collector.enabled ? "On by default" : "Off by default";
  if (collector.asks.count() == 0) return by_default + '.';
  return by_default + ", because the source bills its queries: every " +
         format_duration(std::chrono::duration_cast<std::chrono::milliseconds>(collector.asks)) +
         " at most.";
}

void add_collector_flags(CLI::App& cli, const App& app, Command& command) {
  cli.add_flag("--collector.disable-defaults", command.disable_default_collectors,
               "Turn off all collectors that are on by default.")
      ->group("Collectors");
  for (const auto& collector : collectors_of(app)) {
    const auto name = std::string(collector.name);
    const auto set = [&command, key = enabled_flag(name)](std::int64_t on) {
      command.given[key] = {on > 0 ? "true" : "false"};
    };
    cli.add_flag_function("--collector." + name + ",!--no-collector." + name, set,
                          help_of(collector))
        ->group("Collectors")
        ->take_last();
  }
  for (const auto foreign : app.foreign_collectors) {
    const auto name = "--collector." + std::string(foreign);
    const auto refuse_on = [name](std::int64_t on) {
      if (on > 0) throw CLI::ValidationError(name, "this exporter has no collector of this name");
    };
    cli.add_flag_function(name + ",!--no-collector." + std::string(foreign), refuse_on)->group("");
  }
}

void add_app_flags(CLI::App& cli, const App& app, Command& command) {
  for (const auto& flag : AppFlags(app).flags) {
    const auto name = std::string(flag.name);
    auto help = std::string(flag.help);
    if (flag.kind == Flag::Kind::boolean) {
      cli.add_flag_function(
             "--" + name + ",!--no-" + name,
             [&command, name](std::int64_t on) {
               command.given[name] = {on > 0 ? "true" : "false"};
             },
             help + (flag.fallback == "true" ? " On by default." : ""))
          ->group("Settings")
          ->take_last();
      continue;
    }
    const auto former = flag.former.empty() ? std::string() : ",--" + std::string(flag.former);
    auto* option = cli.add_option_function<std::vector<std::string>>(
        "--" + name + former,
        [&command, name](const std::vector<std::string>& texts) { command.given[name] = texts; },
        help);
    option->group("Settings")->default_str(std::string(flag.fallback))->type_name("");
    option->allow_extra_args(false)->trigger_on_parse(false);
    if (flag.kind == Flag::Kind::value) option->take_last()->expected(1);
  }
}

/// CLI11's help, without the "{false}" that it appends to the name that disables a flag.
class Help : public CLI::Formatter {
 public:
  std::string make_option_name(const CLI::Option* option, bool positional) const override {
    auto name = CLI::Formatter::make_option_name(option, positional);
    constexpr std::string_view kSwitchesOff = "{false}";
    if (const auto at = name.find(kSwitchesOff); at != name.npos)
      name.erase(at, kSwitchesOff.size());
    return name;
  }
};

/// Rejects a flag that is followed by another flag instead of its value.
void require_values(const CLI::App& cli, const std::vector<std::string>& reversed) {
  for (std::size_t i = 0; i < reversed.size(); ++i) {
    const auto* option =
        reversed[i].starts_with("--") ? cli.get_option_no_throw(reversed[i]) : nullptr;
    if (option == nullptr || option->get_items_expected_min() == 0) continue;
    if (i == 0 || reversed[i - 1].starts_with("--")) {
      throw CLI::ArgumentMismatch(reversed[i] + " needs a value");
    }
  }
}

/// "--flag is not known, did you mean --flags?" for each argument that was not recognized.
std::string not_known(const CLI::App& cli, const std::vector<std::string>& arguments) {
  std::vector<std::string> known;
  for (const auto* option : cli.get_options()) {
    for (const auto& names : {option->get_lnames(), option->get_fnames()}) {
      for (const auto& name : names) known.push_back("--" + name);
    }
  }
  const std::vector<std::string_view> candidates(known.begin(), known.end());
  std::string text;
  for (const auto& argument : arguments) {
    if (argument.empty()) continue;  // the value of a "--flag="
    const auto flag = argument.substr(0, argument.find('='));
    text.append(flag).append(" is not known");
    const auto suggestion = nearest(flag, candidates);
    if (!suggestion.empty()) text.append(", did you mean ").append(suggestion) += '?';
    text += '\n';
  }
  return text + "Run with --help for more information.\n";
}

}  // namespace

std::optional<Command> parse_command(const App& app, int argc, const char* const* argv,
                                     int& exit_code) {
  Command command;
  command.listen = {std::string(app.default_listen)};
  CLI::App cli{std::string(app.description), std::string(app.name)};
  cli.formatter(std::make_shared<Help>());
  cli.set_version_flag("--version", std::string(app.name) + ", version " + kVersion +
                                        " (revision: " + kRevision + ")");
  try {
    add_general_flags(cli, app, command);
    add_web_flags(cli, command);
    add_collector_flags(cli, app, command);
    add_app_flags(cli, app, command);
    add_backfill(cli, app, command);
    auto arguments = reversed(argc, argv);
    require_values(cli, arguments);
    cli.parse(std::move(arguments));
    command.web_given = cli.count("--web.listen-address") + cli.count("--web.config.file") > 0;
  } catch (const CLI::ExtrasError&) {
    std::cerr << not_known(cli, cli.remaining());
    exit_code = 2;
    return std::nullopt;
  } catch (const CLI::Error& error) {
    std::ostringstream said;  // --help and --version
    exit_code = cli.exit(error, said) == 0 ? 0 : 2;
    process::print(said.str());
    return std::nullopt;
  }
  return command;
}

}  // namespace exporter
