#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/app/module.h"
#include "common/base/deadline.h"
#include "common/base/error.h"
#include "common/config/yaml.h"
#include "common/http/upstream_metrics.h"

namespace exporter {

class Ledgers;

/// The inputs from which a source is made.
struct SourceInputs {
  /// The value of the source's label; empty if the exporter has a single, unnamed source.
  std::string name;
  /// The source's entry in the configuration file, or a map made of the flags for a single source.
  Yaml config;
  std::shared_ptr<const Settings> settings;
  http::UpstreamMetrics& upstreams;
  std::shared_ptr<Ledgers> ledgers;  ///< null unless the exporter keeps ledgers
  bool starting;  ///< the first generation of an exporter that will serve; warnings are logged then
  bool is_asked = true;  ///< false if only a report is printed, which needs no credentials
  /// The whole file, for keys that concern several sources; null without a file.
  const Yaml* file = nullptr;
};

/// A flag for an exporter that is run with a single source instead of a list.
struct SourceFlag {
  Flag flag;             ///< "target.path"
  std::string_view key;  ///< the key of a list's entry that it replaces: "target", "name"
};

/// The answer to one question of --config.check-sources.
struct Finding {
  std::string what;  ///< "DAG runs"
  std::string text;  ///< "allowed", or what is wrong: shown to the user, holds no secrets
  bool is_good = true;
  bool is_warning = false;  ///< marked like a bad one; the exit status stays 0
};
using Findings = std::vector<Finding>;

/// The inputs of a report, besides the source.
struct ReportInputs {
  std::span<const std::string_view> collectors;  ///< of the source, the enabled ones
  std::string_view argument;                     ///< of the flag
  Deadline deadline;
};

/// A report about one source.
struct ReportText {
  std::string text;
  bool is_good = true;  ///< the exporter exits with 1 where it is not
  /// Valid arguments of the flag, if the one that was given is not valid for the source.
  std::vector<std::string> choices = {};
};

/// A report that the exporter prints about a source instead of serving metrics.
template <class Source>
struct Report {
  std::string_view flag;  ///< "grants", of --grants
  std::string_view help;
  ReportText (*write)(Source& source, const ReportInputs& inputs);
  std::string_view takes = {};  ///< the name of the flag's argument; empty for a flag without
  bool asks_source = false;     ///< whether it needs the source's credentials
};

/// The kind of sources that an exporter has. Each is made once per generation of the configuration
/// and shared by its collectors.
template <class Source>
struct SourceKind {
  std::string_view key = {};    ///< of their list in the configuration file: "projects"
  std::string_view label = {};  ///< its label in the exporter's own families: "project"
  /// Other keys of the file that sources read: known even if there is no source.
  std::span<const std::string_view> more_keys = {};
  std::span<const SourceFlag> flags = {};
  /// The flag without which the flags describe no source, if it has no usable default: an exporter
  /// without it runs, reads nothing and logs that.
  std::string_view needed_flag = {};
  std::shared_ptr<Source> (*make)(const SourceInputs& inputs) = nullptr;
  /// The maximum number of collectors of a source that run at once, not counting
  /// Module::runs_beside_others; 0 for no limit.
  std::size_t at_once = 0;
  /// The collectors that a source's configuration defines, in addition to the modules. Their
  /// `source` need not be set. They keep the source alive.
  std::vector<Collector> (*describe)(const std::shared_ptr<Source>& source) = nullptr;
  /// Whether a failure for this reason means that the source is down; see Outcomes::Options.
  bool (*means_down)(Reason) = nullptr;
  /// Checks what can be read of the source, for --config.check-sources; `collectors` are its
  /// enabled collectors. An exception is shown as a finding.
  Findings (*check)(Source& source, std::span<const std::string_view> collectors,
                    const Deadline& deadline) = nullptr;
  std::span<const Report<Source>> reports = {};
};

/// A Report with its Source type erased.
struct AnyReport {
  std::string_view flag, help;
  std::function<ReportText(void* source, const ReportInputs& inputs)> write;
  std::string_view takes = {};
  bool asks_source = false;
};

/// A SourceKind with its Source type erased. Without a key and a label there is one unnamed source.
struct AnySourceKind {
  std::string_view key, label;
  std::span<const std::string_view> more_keys;
  std::span<const SourceFlag> flags;
  std::string_view needed_flag = {};
  std::function<std::shared_ptr<void>(const SourceInputs&)> make;
  std::size_t at_once = 0;
  std::function<std::vector<Collector>(const std::shared_ptr<void>&)> describe = {};
  bool (*means_down)(Reason) = nullptr;
  std::function<Findings(void* source, std::span<const std::string_view> collectors,
                         const Deadline&)>
      check = {};  ///< may be empty
  std::vector<AnyReport> reports = {};
};

/// The maximum length of a source's name, in bytes: it is part of the names of ledger files.
constexpr std::size_t kMaxSourceName = 40;

/// The inputs from which the sources of one generation are made.
struct SourcesInputs {
  std::shared_ptr<const Settings> settings;
  const Yaml* file;  ///< null without --config.file
  http::UpstreamMetrics& upstreams;
  std::shared_ptr<Ledgers> ledgers;
  bool starting;
  bool is_asked = true;
};

/// How one source is checked.
struct SourceCheck {
  std::string source;
  std::function<Findings(const Deadline&)> ask;
};

/// One report of one source.
struct SourceReport {
  std::string_view flag;
  std::function<ReportText(std::string_view argument, const Deadline&)> write;
};

/// The past of one collector of one source.
struct SourcePast {
  std::string_view collector;
  std::string source;
  std::function<ReadPast(const PastRange&)> make;
};

struct MadeSources {
  std::vector<Collector> collectors;
  std::vector<SourcePast> pasts;  ///< of the collectors that support it
  std::vector<SourceReport> reports;
  std::vector<SourceCheck> checks;  ///< one for each source; empty if the kind cannot be checked
};

/// Makes the sources in the file's list, or the one that the flags describe, and the enabled
/// collectors of each. Throws Error{config}.
MadeSources make_sources(const AnySourceKind& kind, std::span<const AnyModule> modules,
                         const SourcesInputs& inputs);

/// The names of a collector's settings: whether it is enabled, "collector.<name>.enabled"; and for
/// one that runs in the background, its interval and timeout.
std::string enabled_flag(std::string_view collector);
std::string interval_flag(std::string_view collector);
std::string timeout_flag(std::string_view collector);

}  // namespace exporter
