#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "common/http/server.h"
#include "exporters/dbt/cloud_api.h"

/// A run in dbt Cloud.
struct FakeRun {
  std::int64_t id = 0, job = 0;
  int status = 1;
  exporter::dbt::Time created_at = {};
  std::optional<exporter::dbt::Time> started_at = {}, finished_at = {};
  bool artifacts_saved = true;
  std::vector<std::string> steps = {};  ///< their names
  bool is_malformed = false;            ///< its created_at is a number
};

/// The part of dbt Cloud's Admin API that we use, for account 1 and the token "sesame".
class FakeCloud {
 public:
  FakeCloud();

  void put(const FakeRun& run);
  void put(std::int64_t run, int step, const std::string& file, std::string text);
  void remove(std::int64_t run, int step, const std::string& file);
  /// A job of project 7, "Shop", and environment 8, "Production".
  void put_job(std::int64_t id, const std::string& name);
  /// Answers requests for the runs of this job with a 504 from now on.
  void refuse_job(std::int64_t id);
  /// Answers requests for rows of a list from there on with a 504; for none, if it is 0.
  void refuse_offset(std::int64_t offset);
  /// The replies to the next requests whose path contains that.
  void next(const std::string& part, std::vector<exporter::http::Response> replies);

  std::string url() const { return "http://" + server_.addresses().front(); }
  exporter::dbt::CloudApi api(const std::string& token = "sesame") const;
  /// The requests since the last call, without "/api/v2/accounts/1".
  std::vector<std::string> requests();

 private:
  exporter::http::Response answer(const exporter::http::Request& request);
  std::optional<std::string> find(const exporter::http::Request& request, const std::string& path);
  std::string list_runs(const exporter::http::Request& request) const;
  std::optional<std::string> find_in_run(const exporter::http::Request& request,
                                         const std::string& path) const;

  std::mutex mutex_;
  std::map<std::int64_t, FakeRun> runs_;
  std::map<std::int64_t, std::string> jobs_;
  std::int64_t refused_job_ = 0, refused_offset_ = 0;
  std::map<std::tuple<std::int64_t, int, std::string>, std::string> files_;
  std::map<std::string, std::deque<exporter::http::Response>> next_;
  std::vector<std::string> requests_;
  exporter::http::Server server_;
};
