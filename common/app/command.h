#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/app/app.h"
#include "common/collect/past.h"

namespace exporter {

/// The parsed command line.
struct Command {
  enum class Mode {
    serve,
    check_config,
    check_sources,
    check_health,
    list_metrics,
    once,
    report,
    import_config,
    backfill
  };

  Mode mode = Mode::serve;
  const AnyReport* report = nullptr;                             ///< of Mode::report, in the App
  std::string report_argument;                                   ///< of its flag
  std::string import_file;                                       ///< of Mode::import_config
  PastRange past;                                                ///< of Mode::backfill,
  std::string past_directory;                                    ///< where its files go,
  std::vector<std::pair<std::string, std::string>> past_labels;  ///< and what each series has, too
  std::string config_file, state_dir;
  std::string log_level = "info", log_format = "logfmt";

  std::vector<std::string> listen;
  bool web_given = false;  ///< whether a flag sets where or how it listens
  bool systemd_socket = false, enable_lifecycle = false, access_log = false;
  bool disable_exporter_metrics = false;
  std::string web_config_file;
  std::string telemetry_path = "/metrics";
  std::size_t max_requests = 256;

  /// The flags that were given, `collector.<name>.enabled` among them.
  std::map<std::string, std::vector<std::string>> given;
  bool disable_default_collectors = false;
};

/// Parses the command line. Returns nothing after --help, --version or an error, which it has
/// printed; the process then exits with `exit_code`. Throws Error{io} when it cannot print.
std::optional<Command> parse_command(const App& app, int argc, const char* const* argv,
                                     int& exit_code);

}  // namespace exporter
