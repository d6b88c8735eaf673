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

/// What a source is made of.
struct SourceInputs {
  /// The value of the source's label; empty where the exporter has one source, without a name.
  std::string name;
  /// The source's entry in the configuration file, or a map of the flags that stand for one.
  Yaml config;
  std::shared_ptr<const Settings> settings;
  http::UpstreamMetrics& upstreams;
  std::shared_ptr<Ledgers> ledgers;  ///< null unless the exporter keeps ledgers
  bool starting;         ///< the first generation of an exporter that will serve: time for warnings
  bool is_asked = true;  ///< not where only a report is to be printed: it needs no credentials
  /// The whole file, for what it says of several sources; null without one.
  const Yaml* file = nullptr;
};

/// A flag of the one source of an exporter that is run without a list of sources.
struct SourceFlag {
  Flag flag;             ///< "target.path"
  std::string_view key;  ///< the key of a list's entry that it stands for: "target", "name"
};

/// What a source answered to one question of --config.check-sources.
struct Finding {
  std::string what;  ///< "DAG runs"
  std::string text;  ///< "allowed", or what is wrong: shown to the user, without secrets
  bool is_good = true;
};
using Findings = std::vector<Finding>;

/// What a report is written from, besides the source.
struct ReportInputs {
  std::span<const std::string_view> collectors;  ///< of the source, those that are turned on
  std::string_view argument;                     ///< of the flag
  Deadline deadline;
};

/// What a report says of one source.
struct ReportText {
  std::string text;
  bool is_good = true;  ///< the exporter exits with 1 where it is not
  /// What the flag's argument may be, where what was given means nothing to the source.
  std::vector<std::string> choices = {};
};

/// What an exporter can print of a source instead of serving it.
template <class Source>
struct Report {
  std::string_view flag;  ///< "grants", of --grants
  std::string_view help;
  ReportText (*write)(Source& source, const ReportInputs& inputs);
  std::string_view takes = {};  ///< what the flag's argument is called; empty for a flag without
  bool asks_source = false;     ///< whether it needs the source's credentials
};

/// What sources an exporter has. Each is made once per generation of the configuration, and shared
/// by its collectors.
template <class Source>
struct SourceKind {
  std::string_view key = {};    ///< of their list in the configuration file: "projects"
  std::string_view label = {};  ///< that names one in the exporter's own families: "project"
  /// Other keys of the file that sources read: known where there is no source, too.
  std::span<const std::string_view> more_keys = {};
  std::span<const SourceFlag> flags = {};
  /// The flag without which the flags describe no source, if no default would do: an exporter that
  /// has none runs, reads nothing and says so.
  std::string_view needed_flag = {};
  std::shared_ptr<Source> (*make)(const SourceInputs& inputs) = nullptr;
  /// The most collectors of a source that run at once, but for Module::runs_beside_others; 0 for no
  /// limit.
  std::size_t at_once = 0;
  /// The collectors of a source that its configuration describes, besides the modules; their source
  /// need not be set. They live as long as they hold the source.
  std::vector<Collector> (*describe)(const std::shared_ptr<Source>& source) = nullptr;
  /// Whether a failure for this reason means that the source is down; see Outcomes::Options.
  bool (*means_down)(Reason) = nullptr;
  /// Asks the source what can be read of it, for --config.check-sources; `collectors` are those of
  /// the source that are turned on. What it throws is a
  /// finding.
  Findings (*check)(Source& source, std::span<const std::string_view> collectors,
                    const Deadline& deadline) = nullptr;
  std::span<const Report<Source>> reports = {};
};

/// A Report of whatever Source.
struct AnyReport {
  std::string_view flag, help;
  std::function<ReportText(void* source, const ReportInputs& inputs)> write;
  std::string_view takes = {};
  bool asks_source = false;
};

/// A SourceKind of whatever Source. Without a key and a label there is one source, without a name.
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

/// The longest name of a source, in bytes: it is in the names of ledgers' files.
constexpr std::size_t kMaxSourceName = 40;

/// What the sources of one generation are read from.
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
  std::vector<SourcePast> pasts;  ///< of the collectors that have one
  std::vector<SourceReport> reports;
  std::vector<SourceCheck> checks;  ///< one for each source; none when the kind cannot be checked
};

/// Makes the sources, those of the file's list or the one that the flags describe, and the
/// collectors of each that are turned on. Throws Error{config}.
MadeSources make_sources(const AnySourceKind& kind, std::span<const AnyModule> modules,
                         const SourcesInputs& inputs);

/// The settings of a collector: whether it is on, "collector.<name>.enabled", and, of one that runs
/// in the background, how often it runs and how long a run may take.
std::string enabled_flag(std::string_view collector);
std::string interval_flag(std::string_view collector);
std::string timeout_flag(std::string_view collector);

}  // namespace exporter
