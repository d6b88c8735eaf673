#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "exporters/airflow/deployment.h"
#include "tests/support/scripted_server.h"

/// A server that replays the recorded replies of an Airflow, or those that a test sets. Requests
/// that were not recorded get a 404.
class Replay {
 public:
  /// "2.11" or "3.3", a directory of tests/fixtures/airflow.
  explicit Replay(const std::string& version);

  /// Answers "GET /api/v2/pools?limit=100" with a file of the version, with JSON or with a whole
  /// reply, from now on. A request that ends in * matches all with that prefix.
  void set_file(const std::string& request, const std::string& file);
  void set_json(const std::string& request, const std::string& body);
  void set(const std::string& request, const std::string& reply);
  /// Answers the login and all requests that need one with this reply, whatever else is set; empty:
  /// no longer.
  void set_lists(const std::string& reply);
  /// Switches to another version.
  void become(const std::string& version);

  std::string url() const { return server_.url(); }
  /// The number of requests whose first line starts like this.
  std::size_t count(const std::string& request) const;
  std::vector<std::string> requests() const { return server_.requests(); }

 private:
  std::string answer_to(const std::string& request);

  std::mutex mutex_;
  std::string version_;
  std::map<std::string, std::string> replies_;
  std::string lists_;
  ScriptedServer server_;
};

/// The deployment, named prod, of an entry in the list of deployments, "username: a, password: b".
std::shared_ptr<exporter::airflow::Deployment> deployment_of(
    const std::string& url, const std::string& entry = "username: viewer, password: viewer",
    std::shared_ptr<exporter::Ledgers> ledgers = std::make_shared<exporter::Ledgers>(""));

/// A collector, with its state between runs.
exporter::CollectFunction collector(
    const exporter::airflow::Module& module,
    const std::shared_ptr<exporter::airflow::Deployment>& deployment);

/// The page of one run. Throws the error of the run, even if it also has samples.
std::string page_of(const exporter::CollectFunction& collect);
