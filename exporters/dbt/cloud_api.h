#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "common/http/client.h"
#include "exporters/dbt/artifact.h"

namespace exporter::dbt {

/// The status of a run: 1 is queued; 2, 3 and any other below 10 are running; 10 is success, 30 is
/// cancelled, and any other is an error.
enum class CloudStatus : std::uint8_t { queued, running, success, error, cancelled };
std::string_view to_string(CloudStatus status);

/// One command of a run.
struct CloudStep {
  std::int64_t index = 0;  ///< from 1
  std::string command;     ///< "dbt build"; empty for preparation steps
};

struct CloudRun {
  std::int64_t id = 0, job = 0;
  CloudStatus status = CloudStatus::queued;
  Time created_at;
  std::optional<Time> started_at, finished_at;
  bool has_saved_artifacts = false;
  std::vector<CloudStep> steps;  ///< only if a single run was requested
  bool is_malformed = false;     ///< only its id could be read

  bool is_finished() const { return status >= CloudStatus::success; }
  Time ended_at() const { return finished_at.value_or(created_at); }
};

/// A page of a list of runs.
struct CloudRuns {
  std::vector<CloudRun> rows;
  bool is_last = false;
};

/// Whether what ended at `time` is at least as new as what ended at `last`. A time of more than a
/// day ahead of the clock is wrong, and not newer than one that is not.
bool is_as_new(Time time, Time last);

struct CloudJob {
  std::int64_t id = 0;
  std::string name, project, environment;  ///< names; ids if the token may not read names
};

struct CloudJobs {
  std::vector<CloudJob> rows;
  bool is_whole = true;  ///< none was left out
};

/// The names of projects and environments, by id.
struct CloudNames {
  std::map<std::int64_t, std::string> projects, environments;
};

/// The runs of an account to ask for.
struct CloudScope {
  std::int64_t account = 0;
  std::optional<std::int64_t> project, environment;
};

/// Whether a failure may be that of what was requested alone: dbt Cloud has answered, but not with
/// what was expected.
bool may_be_of_one(const Error& error);

/// The part of dbt Cloud's Admin API (v2, and v3 for names) that is used here. Throws Error. A
/// row of an unexpected shape is skipped and logged; if all rows of a list are such, the first
/// error is thrown. A run in a list of runs is such only if it has no id.
class CloudApi {
 public:
  static constexpr std::size_t kPage = 100;

  /// The client has the token and connects to the URL, which errors contain.
  CloudApi(std::shared_ptr<http::Client> client, std::string url, CloudScope scope);

  /// The account's URL, unique among hosts.
  std::string name() const { return url_ + account_; }

  /// A page of the runs with higher ids, in the order of their ids.
  CloudRuns runs_after(std::int64_t id, const Deadline& deadline) const;
  /// A page of all runs, the newest first.
  CloudRuns newest_runs(std::size_t offset, const Deadline& deadline) const;
  std::optional<CloudRun> newest_run_of(std::int64_t job, const Deadline& deadline) const;
  std::optional<CloudRun> newest_success_of(std::int64_t job, const Deadline& deadline) const;
  /// The run with its steps; nothing if it does not exist. Throws Error{decode} if it is malformed.
  std::optional<CloudRun> find_run(std::int64_t id, const Deadline& deadline) const;

  /// Updates the names as far as they can be read, as they only describe.
  CloudJobs jobs(CloudNames& names, const Deadline& deadline) const;

  /// The artifacts in the target directory after the step.
  std::vector<Kind> artifacts(std::int64_t run, std::int64_t step, const Deadline& deadline) const;
  Artifact artifact(std::int64_t run, std::int64_t step, Kind kind, const Deadline& deadline) const;

 private:
  Json get(const std::string& target, const Deadline& deadline) const;
  std::optional<Json> find(const std::string& target, const Deadline& deadline) const;
  CloudRuns runs(const std::string& query, const Deadline& deadline) const;
  void read_names(std::map<std::int64_t, std::string>& names, const std::string& what,
                  const Deadline& deadline) const;
  std::optional<CloudRun> first_run(const std::string& query, const Deadline& deadline) const;
  std::string artifacts_of(std::int64_t run) const;

  std::shared_ptr<http::Client> client_;
  std::string url_;
  std::string account_, scope_;  ///< "/api/v2/accounts/1", "&project_id=2"
  std::string names_;            ///< "/api/v3/accounts/1"
};

}  // namespace exporter::dbt
