#include "tests/exporters/dbt/fake_cloud.h"

#include <algorithm>

#include "common/base/text.h"
#include "common/base/time.h"
#include "common/http/authorize.h"
#include "tests/support/upstreams.h"

using namespace exporter;
using dbt::Time;

namespace {

const std::string kAccount = "/api/v2/accounts/1", kNames = "/api/v3/accounts/1";

http::ServerOptions options() {
  http::ServerOptions options;
  options.listen = {"127.0.0.1:0"};
  return options;
}

/// "2026-01-02 03:04:05.678000+00:00", or null.
std::string text_of(const std::optional<Time>& time) {
  if (!time) return "null";
  auto text = format_rfc3339(std::chrono::floor<std::chrono::milliseconds>(*time));
  text.replace(text.find('T'), 1, " ");
  return '"' + text.substr(0, text.size() - 1) + "000+00:00\"";
}

std::string text_of(const FakeRun& run, bool with_steps) {
  std::string steps;
  for (std::size_t i = 0; with_steps && i < run.steps.size(); ++i) {
    steps += std::string(i == 0 ? "" : ", ") + "{\"index\": " + std::to_string(i + 1) +
             ", \"name\": \"" + run.steps[i] + "\", \"status\": 10}";
  }
  return "{\"id\": " + std::to_string(run.id) + ", \"trigger\": null, \"account_id\": 1, " +
         "\"environment_id\": 8, \"project_id\": 7, \"job_definition_id\": " +
         std::to_string(run.job) + ", \"status\": " + std::to_string(run.status) +
         ", \"artifacts_saved\": " + (run.artifacts_saved ? "true" : "false") +
         ", \"created_at\": " + (run.is_malformed ? "7" : text_of(run.created_at)) +
         ", \"started_at\": " + text_of(run.started_at) +
         ", \"finished_at\": " + text_of(run.finished_at) + ", \"run_steps\": [" + steps + "]}";
}

std::string envelope(const std::string& data) {
  return R"({"status": {"code": 200, "is_success": true, "user_message": "Success!",)"
         R"( "developer_message": ""}, "data": )" +
         data + '}';
}

std::string list(const std::vector<std::string>& items) {
  std::string text;
  for (const auto& item : items) text += (text.empty() ? "" : ", ") + item;
  return envelope('[' + text + ']');
}

std::int64_t number(const http::Request& request, const std::string& name, std::int64_t fallback) {
  const auto values = request.query(name);
  return values.empty() ? fallback : parse_number<std::int64_t>(values[0]).value();
}

}  // namespace

FakeCloud::FakeCloud()
    : server_(options(), [this](const http::Request& request) { return answer(request); }) {}

void FakeCloud::put(const FakeRun& run) {
  const std::lock_guard lock(mutex_);
  runs_[run.id] = run;
}

void FakeCloud::put(std::int64_t run, int step, const std::string& file, std::string text) {
  const std::lock_guard lock(mutex_);
  files_[{run, step, file}] = std::move(text);
}

void FakeCloud::remove(std::int64_t run, int step, const std::string& file) {
  const std::lock_guard lock(mutex_);
  files_.erase({run, step, file});
}

void FakeCloud::put_job(std::int64_t id, const std::string& name) {
  const std::lock_guard lock(mutex_);
  jobs_[id] = name;
}

void FakeCloud::refuse_job(std::int64_t id) {
  const std::lock_guard lock(mutex_);
  refused_job_ = id;
}

void FakeCloud::refuse_offset(std::int64_t offset) {
  const std::lock_guard lock(mutex_);
  refused_offset_ = offset;
}

void FakeCloud::next(const std::string& part, std::vector<http::Response> replies) {
  const std::lock_guard lock(mutex_);
  next_[part] = {replies.begin(), replies.end()};
}

dbt::CloudApi FakeCloud::api(const std::string& token) const {
  http::ClientOptions options;
  options.name = "cloud";
  options.base_url = url();
  return {
      std::make_shared<http::Client>(
          options, http::with_token("Token", SecretSource::literal(Secret(token))), upstreams()),
      url(),
      {1, {}, {}}};
}

std::vector<std::string> FakeCloud::requests() {
  const std::lock_guard lock(mutex_);
  return std::exchange(requests_, {});
}

http::Response FakeCloud::answer(const http::Request& request) {
  const std::lock_guard lock(mutex_);
  if (request.header("authorization") != "Token sesame") {
    return {.status = 401, .body = {}, .headers = {}};
  }
  auto path = std::string(request.path);
  if (path.starts_with(kAccount)) path = path.substr(kAccount.size());
  const auto step = request.query("step");
  requests_.push_back(path + (step.empty() ? "" : '?' + step[0]));
  for (auto& [part, replies] : next_) {
    if (replies.empty() || requests_.back().find(part) == path.npos) continue;
    auto reply = std::move(replies.front());
    replies.pop_front();
    return reply;
  }
  const bool is_refused_job =
      refused_job_ != 0 && number(request, "job_definition_id", 0) == refused_job_;
  const bool is_refused_offset =
      refused_offset_ != 0 && number(request, "offset", 0) >= refused_offset_;
  if (is_refused_job || is_refused_offset) {
    return {.status = 504, .body = {}, .headers = {}};
  }
  auto found = find(request, path);
  if (!found) return {.status = 404, .body = {}, .headers = {}};
  return {.body = Body(std::move(*found)), .headers = {}};
}

std::optional<std::string> FakeCloud::find(const http::Request& request, const std::string& path) {
  if (path == kNames + "/projects/") return list({R"({"id": 7, "name": "Shop"})"});
  if (path == kNames + "/environments/") return list({R"({"id": 8, "name": "Production"})"});
  if (path == "/runs/") return list_runs(request);
  if (path.starts_with("/runs/")) return find_in_run(request, path.substr(6));
  if (path != "/jobs/") return std::nullopt;
  std::vector<std::string> jobs;
  for (const auto& [id, name] : jobs_) {
    jobs.push_back("{\"id\": " + std::to_string(id) + ", \"name\": \"" + name +
                   "\", \"project_id\": 7, \"environment_id\": 8}");
  }
  return list(jobs);
}

std::string FakeCloud::list_runs(const http::Request& request) const {
  std::vector<FakeRun> found;
  const auto job = number(request, "job_definition_id", 0);
  const auto status = number(request, "status", 0);
  for (const auto& [id, run] : runs_) {
    if (id > number(request, "id__gt", 0) && (job == 0 || run.job == job) &&
        (status == 0 || run.status == status)) {
      found.push_back(run);
    }
  }
  if (request.query("order_by").at(0) == "-id") std::ranges::reverse(found);
  const auto offset = static_cast<std::size_t>(number(request, "offset", 0));
  found.erase(found.begin(),
              found.begin() + static_cast<std::ptrdiff_t>(std::min(offset, found.size())));
  found.resize(std::min(found.size(), static_cast<std::size_t>(number(request, "limit", 100))));
  std::vector<std::string> texts;
  for (const auto& run : found) texts.push_back(text_of(run, false));
  return list(texts);
}

/// "12/", "12/artifacts/", "12/artifacts/manifest.json".
std::optional<std::string> FakeCloud::find_in_run(const http::Request& request,
                                                  const std::string& path) const {
  std::string_view rest = path;
  const auto id = parse_number<std::int64_t>(next_part(rest, '/')).value();
  const auto run = runs_.find(id);
  if (run == runs_.end()) return std::nullopt;
  if (rest.empty()) {
    const auto related = request.query("include_related");
    return envelope(text_of(run->second, related == std::vector<std::string>{"[\"run_steps\"]"}));
  }
  next_part(rest, '/');
  const auto step = static_cast<int>(number(request, "step", 0));
  if (!rest.empty()) {
    const auto file = files_.find({id, step, std::string(rest)});
    return file == files_.end() ? std::nullopt : std::optional(file->second);
  }
  std::vector<std::string> names;
  for (const auto& [key, text] : files_) {
    const auto& [of, at, name] = key;
    if (of == id && at == step) names.push_back('"' + name + '"');
  }
  if (names.empty()) return std::nullopt;
  return list(names);
}
