#include <atomic>
#include <catch2/catch.hpp>
#include <map>
#include <mutex>

#include "common/config/yaml.h"
#include "common/http/server.h"
#include "exporters/dbt/artifacts.h"
#include "exporters/dbt/follower.h"
#include "exporters/dbt/projects.h"
#include "test_paths.h"
#include "tests/exporters/dbt/configured.h"
#include "tests/support/golden.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/upstreams.h"

using namespace exporter;
using namespace exporter::dbt;

namespace {

const auto kBuild =
    std::filesystem::path(SOURCE_DIR) / "tests/fixtures/dbt/recorded/dbt-1.11/02_build";

/// A web server with artifacts below /shop, which requires a token.
class Store {
 public:
  Store() : server_(options(), [this](const http::Request& request) { return answer(request); }) {}

  void put(const std::string& name, std::string text, std::string tag) {
    const std::lock_guard lock(mutex_);
    files_["/shop/" + name] = {std::move(text), std::move(tag)};
  }
  std::string url() const { return "http://" + server_.addresses().front() + "/shop"; }
  std::size_t reads() const { return reads_; }

 private:
  static http::ServerOptions options() {
    http::ServerOptions options;
    options.listen = {"127.0.0.1:0"};
    return options;
  }

  http::Response answer(const http::Request& request) {
    const std::lock_guard lock(mutex_);
    const auto file = files_.find(std::string(request.path));
    if (request.header("authorization") != "Bearer open-sesame")
      return {.status = 401, .body = {}, .headers = {}};
    if (file == files_.end()) return {.status = 404, .body = {}, .headers = {}};
    if (request.method == "GET") ++reads_;
    return {.body = Body(file->second.text), .headers = {{"ETag", file->second.tag}}};
  }

  struct File {
    std::string text, tag;
  };
  std::mutex mutex_;
  std::map<std::string, File> files_;
  std::atomic<std::size_t> reads_ = 0;
  http::Server server_;
};

Follower follow(const Store& store, const std::string& token) {
  const auto project = project_of("url: \"" + store.url() + "\", bearer_token: " + token);
  return {project->name, project->list, project->ledger};
}

}  // namespace

TEST_CASE("artifacts at an address are read again when their tag has changed") {
  Store store;
  auto follower = follow(store, "open-sesame");
  update(follower);
  CHECK(follower.project().nodes.empty());

  const auto text = read_file(kBuild / "run_results.json");
  store.put("run_results.json", text, "\"1\"");
  update(follower);
  update(follower);
  CHECK(follower.project().nodes.size() == 28);
  CHECK(store.reads() == 1);

  store.put("run_results.json", text, "\"2\"");
  update(follower);
  CHECK(store.reads() == 2);
}

TEST_CASE("an address that asks for another token is down") {
  const Store store;
  auto follower = follow(store, "open-barley");
  const auto error = update(follower);
  REQUIRE(error);
  CHECK(error->reason() == Reason::auth);
}
