#include <algorithm>
#include <map>
#include <memory>
#include <unordered_set>

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/metric/text_parser.h"
#include "exporters/host/collectors.h"
#include "exporters/host/text_files.h"
#include "exporters/host/text_merge.h"

namespace exporter::host {
namespace {

constexpr auto kChanged =
    gauge("node_textfile_mtime_seconds", "Unixtime mtime of textfiles successfully read.", "file");
constexpr auto kFileError =
    gauge("node_textfile_file_error",
          "1 if the file was rejected or some of its samples were left out, 0 otherwise.", "file");
constexpr auto kScrapeError = gauge(
    "node_textfile_scrape_error", "1 if there was an error opening or reading a file, 0 otherwise");
constexpr MetricView kAny{MetricType::untyped, "<name>", "Metrics of the text files.", {}};
constexpr MetricView kMetrics[] = {kAny, kChanged, kFileError, kScrapeError};

constexpr Flag kFlags[] = {
    {"collector.textfile.directory", "",
     "Directory whose *.prom files are read, may be a glob; repeatable.", Flag::Kind::repeated},
};

constexpr std::size_t kMaxFile = 16u << 20;

/// The process's own families, which are on the page besides those of collectors.
constexpr std::string_view kOwnNames[] = {"exporter_<name>", "node_exporter_<name>",
                                          "node_scrape_collector_<name>", "process_<name>"};

/// The names that text files may not use, because the page already has them.
class OwnNames {
 public:
  OwnNames() : patterns_(std::begin(kOwnNames), std::end(kOwnNames)) {
    for (const auto* module : modules()) {
      for (const auto& metric : module->metrics) add(metric.name);
    }
  }

  bool contains(std::string_view name) const {
    return names_.contains(name) ||
           std::any_of(patterns_.begin(), patterns_.end(),
                       [&](std::string_view pattern) { return matches(pattern, name); });
  }

 private:
  void add(std::string_view name) {
    if (name.find('<') == std::string_view::npos) {
      names_.insert(name);
    } else if (name != kAny.name) {
      patterns_.push_back(name);
    }
  }

  std::unordered_set<std::string_view> names_;
  std::vector<std::string_view> patterns_;
};

/// The error for each path of a file or a directory.
using Errors = std::map<std::string, std::string>;

/// A file in this run. Must not move: `parsed` borrows from `file`.
struct Source {
  std::string path;
  TextFile file;
  ParsedText parsed;
};

class Textfile {
 public:
  explicit Textfile(const Host& host) : patterns_(host.settings.texts(kFlags[0].name)) {}

  void collect(Samples& samples, const Deadline& deadline) {
    Errors errors, unlisted;
    const auto paths = list(unlisted);
    std::vector<std::unique_ptr<const Source>> sources;
    TextMerge merge;
    for (const auto& path : paths) {
      deadline.check();
      try {
        sources.push_back(read(path));
        merge.take(path, sources.back()->parsed);
      } catch (const Error& error) {
        errors.emplace(path, error.what());
      }
    }
    errors.merge(merge.write(samples));
    for (const auto& source : sources) {
      samples.add(kChanged, static_cast<double>(source->file.changed), source->path);
    }
    for (const auto& path : paths) samples.add(kFileError, errors.contains(path) ? 1 : 0, path);
    samples.add(kScrapeError, errors.empty() && unlisted.empty() ? 0 : 1);
    report("text file refused", std::move(errors), refused_);
    report("text files not read", std::move(unlisted), unlisted_);
  }

 private:
  std::vector<std::string> list(Errors& unlisted) const;
  std::unique_ptr<const Source> read(const std::string& path) const;
  static void report(std::string_view what, Errors errors, Errors& before);

  std::vector<std::string> patterns_;
  OwnNames own_names_;
  Errors refused_, unlisted_;  // files and directories, as of the last run
};

/// The files in all directories, without duplicates, and the directories that cannot be read.
std::vector<std::string> Textfile::list(Errors& unlisted) const {
  std::vector<std::string> paths;
  std::unordered_set<std::string> seen;
  for (const auto& pattern : patterns_) {
    for (const auto& directory : matching_directories(pattern)) {
      try {
        for (auto& path : prom_files(directory)) {
          if (seen.insert(path).second) paths.push_back(std::move(path));
        }
      } catch (const Error& error) {
        unlisted.emplace(directory, error.what());
      }
    }
  }
  return paths;
}

std::unique_ptr<const Source> Textfile::read(const std::string& path) const {
  auto source = std::make_unique<Source>(Source{path, read_text_file(path, kMaxFile), {}});
  source->parsed = parse_text(source->file.text, path);
  for (const auto& family : source->parsed.families) {
    if (!own_names_.contains(family.name)) continue;
    throw Error(Reason::decode,
                path + ": " + std::string(family.name) + " is a metric of this exporter");
  }
  return source;
}

/// Logs the changes since the last run, `before`.
void Textfile::report(std::string_view what, Errors errors, Errors& before) {
  for (const auto& [path, error] : errors) {
    const auto found = before.find(path);
    if (found == before.end() || found->second != error) log::warn(what, {{"error", error}});
  }
  before = std::move(errors);
}

}  // namespace

extern constinit const Module kTextfile{"textfile", Module::Default::on, kMetrics, kFlags,
                                        make<Textfile>};

}  // namespace exporter::host
