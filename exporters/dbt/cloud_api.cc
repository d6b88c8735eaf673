#include "exporters/dbt/cloud_api.h"

#include <algorithm>

#include "common/app/rows.h"
#include "common/base/error.h"
#include "common/base/log.h"
#include "common/http/refusal.h"
#include "common/ledger/ledger.h"

namespace exporter::dbt {
namespace {

constexpr std::size_t kMostPages = 50;

CloudStatus status_of(std::int64_t code) {
  if (code == 1) return CloudStatus::queued;
  if (code < 10) return CloudStatus::running;
  if (code == 10) return CloudStatus::success;
  return code == 30 ? CloudStatus::cancelled : CloudStatus::error;
}

std::optional<Time> time_at(const Json& object, std::string_view key) {
  const auto value = object.find(key);
  if (!value) return std::nullopt;
  return value->time();
}

/// "dbt build" of "Invoke dbt with `dbt build`".
std::string command_in(const std::string& name) {
  const auto begin = name.find('`'), end = name.rfind('`');
  if (begin == name.npos || begin == end) return {};
  return name.substr(begin + 1, end - begin - 1);
}

/// The rows of a list; those that cannot be read are logged.
class LoggedRows {
 public:
  using Read = std::function<void(const Json& row)>;

  /// The number of rows of a page, with those that could not be read.
  std::size_t take(const Json& page, const Read& read) { return rows_.take(page, read); }
  /// Throws the first error if no row could be read.
  void finish() const {
    rows_.check();
    const auto& malformed = samples_.first_malformed_row();
    if (!malformed.empty()) log::warn("malformed rows left out", {{"first", malformed}});
  }
  bool is_whole() const { return !rows_.has_left_out(); }

 private:
  Samples samples_;
  ListRows rows_{samples_};
};

std::vector<CloudStep> read_steps(const Json& run) {
  std::vector<CloudStep> steps;
  const auto all = run.find("run_steps");
  if (!all) return steps;
  LoggedRows rows;
  rows.take(*all, [&](const Json& step) {
    steps.push_back({step.at("index").integer(), command_in(text_at(step, "name"))});
  });
  rows.finish();
  std::ranges::sort(steps, {}, &CloudStep::index);
  return steps;
}

CloudRun read_run(const Json& json) {
  CloudRun run;
  run.id = json.at("id").integer();
  if (const auto job = json.find("job_definition_id")) run.job = job->integer();
  run.status = status_of(json.at("status").integer());
  run.created_at = json.at("created_at").time();
  run.started_at = time_at(json, "started_at");
  run.finished_at = time_at(json, "finished_at");
  if (const auto saved = json.find("artifacts_saved")) run.has_saved_artifacts = saved->boolean();
  run.steps = read_steps(json);
  return run;
}

std::optional<CloudRun> try_read_run(const Json& json) {
  try {
    return read_run(json);
  } catch (const Error& error) {
    log::warn("run left out", {{"error", error.what()}});
    return std::nullopt;
  }
}

/// Throws if not even its id can be read.
CloudRun read_listed_run(const Json& json) {
  try {
    return read_run(json);
  } catch (const Error& error) {
    CloudRun run;
    run.id = json.at("id").integer();
    run.is_malformed = true;
    log::warn("malformed run", {{"run", run.id}, {"error", error.what()}});
    return run;
  }
}

std::string id_at(const Json& object, std::string_view key) {
  const auto id = object.find(key);
  return id ? std::to_string(id->integer()) : std::string();
}

}  // namespace

bool is_as_new(Time time, Time last) {
  const auto latest = Ledger::wall_clock() + std::chrono::days(1);
  if ((time > latest) != (last > latest)) return last > latest;
  return time >= last;
}

bool may_be_of_one(const Error& error) {
  return error.reason() == Reason::http_status || error.reason() == Reason::decode;
}

std::string_view to_string(CloudStatus status) {
  constexpr std::string_view kNames[] = {"queued", "running", "success", "error", "cancelled"};
  return kNames[static_cast<std::size_t>(status)];
}

CloudApi::CloudApi(std::shared_ptr<http::Client> client, std::string url, CloudScope scope)
    : client_(std::move(client)),
      url_(std::move(url)),
      account_("/api/v2/accounts/" + std::to_string(scope.account)),
      names_("/api/v3/accounts/" + std::to_string(scope.account)) {
  if (scope.project) scope_ += "&project_id=" + std::to_string(*scope.project);
  if (scope.environment) scope_ += "&environment_id=" + std::to_string(*scope.environment);
}

/// The reply's data.
Json CloudApi::get(const std::string& target, const Deadline& deadline) const {
  return client_->get(target, deadline).at("data");
}

/// The reply's data; nothing when there is no such thing.
std::optional<Json> CloudApi::find(const std::string& target, const Deadline& deadline) const {
  http::ClientRequest request;
  request.target = target;
  request.headers = {{"Accept", "application/json"}};
  const auto response = client_->send(std::move(request), deadline);
  if (response.status == 404) return std::nullopt;
  const auto what = "GET " + url_ + target.substr(0, target.find('?'));
  if (response.status != 200) throw http::refusal(what, response);
  return Json::parse(response.body, what).at("data");
}

CloudRuns CloudApi::runs(const std::string& query, const Deadline& deadline) const {
  const auto data = get(account_ + "/runs/?" + query + scope_, deadline);
  CloudRuns runs;
  LoggedRows rows;
  runs.is_last =
      rows.take(data, [&](const Json& row) { runs.rows.push_back(read_listed_run(row)); }) < kPage;
  rows.finish();
  return runs;
}

CloudRuns CloudApi::runs_after(std::int64_t id, const Deadline& deadline) const {
  auto found = runs("id__gt=" + std::to_string(id) + "&order_by=id&limit=" + std::to_string(kPage),
                    deadline);
  const auto before = std::erase_if(found.rows, [id](const CloudRun& run) { return run.id <= id; });
  if (before > 0 && found.rows.empty()) {
    throw Error(Reason::decode, "GET " + url_ + account_ + "/runs/: runs that were not asked for");
  }
  return found;
}

CloudRuns CloudApi::newest_runs(std::size_t offset, const Deadline& deadline) const {
  return runs("order_by=-id&limit=" + std::to_string(kPage) + "&offset=" + std::to_string(offset),
              deadline);
}

std::optional<CloudRun> CloudApi::newest_run_of(std::int64_t job, const Deadline& deadline) const {
  return first_run("order_by=-id&limit=1&job_definition_id=" + std::to_string(job), deadline);
}

std::optional<CloudRun> CloudApi::newest_success_of(std::int64_t job,
                                                    const Deadline& deadline) const {
  return first_run("order_by=-id&limit=1&status=10&job_definition_id=" + std::to_string(job),
                   deadline);
}

std::optional<CloudRun> CloudApi::first_run(const std::string& query,
                                            const Deadline& deadline) const {
  const auto rows = get(account_ + "/runs/?" + query + scope_, deadline).items();
  return rows.empty() ? std::nullopt : try_read_run(rows.front());
}

std::optional<CloudRun> CloudApi::find_run(std::int64_t id, const Deadline& deadline) const {
  const auto data = find(account_ + "/runs/" + std::to_string(id) +
                             "/?include_related=%5B%22run_steps%22%5D",  // ["run_steps"]
                         deadline);
  return data ? std::optional(read_run(*data)) : std::nullopt;
}

/// None is added if the token may not see them.
void CloudApi::read_names(std::map<std::int64_t, std::string>& names, const std::string& what,
                          const Deadline& deadline) const {
  const auto take = [&](const Json& row) { names[row.at("id").integer()] = text_at(row, "name"); };
  LoggedRows rows;
  try {
    for (std::size_t page = 0; page < kMostPages; ++page) {
      const auto data = find(names_ + '/' + what + "/?limit=" + std::to_string(kPage) +
                                 "&offset=" + std::to_string(page * kPage),
                             deadline);
      if (!data || rows.take(*data, take) < kPage) break;
    }
    rows.finish();
  } catch (const Error& error) {
    if (error.reason() == Reason::auth) return;
    if (!may_be_of_one(error)) throw;
    log::warn("names cannot be read", {{"of", what}, {"error", error.what()}});
  }
}

CloudJobs CloudApi::jobs(CloudNames& names, const Deadline& deadline) const {
  read_names(names.projects, "projects", deadline);
  read_names(names.environments, "environments", deadline);
  const auto name = [](const auto& known, const std::string& id) {
    const auto found =
        std::ranges::find(known, id, [](auto& each) { return std::to_string(each.first); });
    return found == known.end() ? id : found->second;
  };
  CloudJobs jobs;
  LoggedRows rows;
  for (std::size_t page = 0; page < kMostPages; ++page) {
    const auto data = get(account_ + "/jobs/?limit=" + std::to_string(kPage) +
                              "&offset=" + std::to_string(page * kPage) + scope_,
                          deadline);
    const auto received = rows.take(data, [&](const Json& job) {
      jobs.rows.push_back({job.at("id").integer(), text_at(job, "name"),
                           name(names.projects, id_at(job, "project_id")),
                           name(names.environments, id_at(job, "environment_id"))});
    });
    if (received < kPage) break;
  }
  rows.finish();
  jobs.is_whole = rows.is_whole();
  return jobs;
}

std::string CloudApi::artifacts_of(std::int64_t run) const {
  return account_ + "/runs/" + std::to_string(run) + "/artifacts/";
}

std::vector<Kind> CloudApi::artifacts(std::int64_t run, std::int64_t step,
                                      const Deadline& deadline) const {
  const auto data = find(artifacts_of(run) + "?step=" + std::to_string(step), deadline);
  std::vector<Kind> kinds;
  if (!data) return kinds;
  std::set<std::string> files;
  LoggedRows rows;
  rows.take(*data, [&](const Json& path) { files.insert(path.string()); });
  rows.finish();
  for (const auto kind : kKinds) {
    if (files.contains(std::string(to_string(kind)) + ".json")) kinds.push_back(kind);
  }
  return kinds;
}

Artifact CloudApi::artifact(std::int64_t run, std::int64_t step, Kind kind,
                            const Deadline& deadline) const {
  const auto path = artifacts_of(run) + std::string(to_string(kind)) + ".json";
  const auto read = [client = client_, path, step, deadline](const auto& sink) {
    http::ClientRequest request;
    request.target = path + "?step=" + std::to_string(step);
    client->stream(std::move(request), sink, deadline);
  };
  return {"run " + std::to_string(run) + ", step " + std::to_string(step) + ": " +
              std::string(to_string(kind)) + ".json",
          read};
}

}  // namespace exporter::dbt
