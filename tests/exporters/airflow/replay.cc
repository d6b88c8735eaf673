#include "tests/exporters/airflow/replay.h"

#include <sstream>

#include "common/base/error.h"
#include "common/config/yaml.h"
#include "test_paths.h"
#include "tests/support/golden.h"
#include "tests/support/upstreams.h"

using namespace exporter;

namespace {

std::string file_of(const std::string& version, const std::string& name) {
  return read_file(std::string(SOURCE_DIR) + "/tests/fixtures/airflow/" + version + "/" + name);
}

}  // namespace

Replay::Replay(const std::string& version)
    : server_(answer([this](const std::string& request) { return answer_to(request); })) {
  become(version);
}

void Replay::become(const std::string& version) {
  const std::lock_guard lock(mutex_);
  version_ = version;
  replies_.clear();
  std::istringstream lines(file_of(version, "requests.tsv"));
  for (std::string line; std::getline(lines, line);) {
    const auto tab = line.find('\t');
    replies_[line.substr(0, tab)] = file_of(version, line.substr(tab + 1) + ".http");
  }
}

void Replay::set_file(const std::string& request, const std::string& file) {
  set(request, file_of(version_, file + ".http"));
}

void Replay::set_json(const std::string& request, const std::string& body) {
  set(request, reply(200, body, "Content-Type: application/json\r\n"));
}

void Replay::set(const std::string& request, const std::string& reply) {
  const std::lock_guard lock(mutex_);
  replies_[request] = reply;
}

void Replay::set_lists(const std::string& reply) {
  const std::lock_guard lock(mutex_);
  lists_ = reply;
}

std::size_t Replay::count(const std::string& request) const {
  std::size_t count = 0;
  for (const auto& each : server_.requests()) count += each.starts_with(request) ? 1 : 0;
  return count;
}

std::string Replay::answer_to(const std::string& request) {
  const std::lock_guard lock(mutex_);
  const auto line = request.substr(0, request.find(" HTTP/"));
  const bool is_open =
      line.ends_with("/version") || line.ends_with("/health") || line.ends_with("/token");
  if (!lists_.empty() && !is_open) return lists_;
  if (const auto found = replies_.find(line); found != replies_.end()) return found->second;
  for (const auto& [start, reply] : replies_) {
    if (start.ends_with('*') && line.starts_with(start.substr(0, start.size() - 1))) return reply;
  }
  return file_of(version_, "not_found.http");
}

std::shared_ptr<airflow::Deployment> deployment_of(const std::string& url, const std::string& entry,
                                                   std::shared_ptr<Ledgers> ledgers) {
  const auto file = Yaml::parse("deployments: [{name: prod, url: \"" + url + "\", " + entry + "}]",
                                "airflow.yml");
  const auto deployment = file.required("deployments").items().at(0);
  auto made = airflow::kDeployments.make(
      {deployment.required("name").string(), deployment,
       std::make_shared<const Settings>(airflow::kRuns.flags,
                                        std::map<std::string, std::vector<std::string>>(), nullptr),
       upstreams(), std::move(ledgers), false});
  file.finish();
  return made;
}

CollectFunction collector(const airflow::Module& module,
                          const std::shared_ptr<airflow::Deployment>& deployment) {
  return module.make(deployment);
}

std::string page_of(const CollectFunction& collect) {
  Samples samples;
  collect(samples, Deadline::in(std::chrono::minutes(5)));
  if (samples.failure()) throw Error(*samples.failure());
  std::string page;
  samples.render(Format::text, page);
  return page;
}
