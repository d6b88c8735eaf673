#include <catch2/catch.hpp>

#include "exporters/dbt/lister.h"
#include "tests/support/error_of.h"
#include "tests/support/temporary_directory.h"

using namespace exporter;
using namespace exporter::dbt;
namespace fs = std::filesystem;

namespace {

std::vector<Found> look(const fs::path& pattern) {
  return directories(pattern)(Deadline::in(std::chrono::minutes(1)));
}

/// dbt's log of an invocation, in its default format.
std::string log_of(const std::string& invocation, const std::string& command_in_quotes) {
  return "======== 15:24:48.978 | " + invocation +
         " ========\n15:24:48.980 [debug] [MainThread]: running dbt with arguments {'quiet': "
         "'False', 'invocation_command': " +
         command_in_quotes + ", 'target_path': 'None'}\n";
}

std::string ended(const std::string& command, const std::string& how) {
  return "15:25:01.1 [debug] [MainThread]: Command `" + command + "` " + how +
         " at 15:25:01.1 after 0.3 seconds\n";
}

}  // namespace

TEST_CASE("what dbt's log says of an invocation tells whether it set to work on nodes") {
  const TemporaryDirectory directory;
  fs::create_directories(directory.path() / "target");
  fs::create_directories(directory.path() / "logs");
  directory.write("target/manifest.json", "{}");
  directory.write(
      "logs/dbt.log",
      log_of("id-ls", "'dbt ls'") + log_of("id-run", "'dbt -q run'") +
          log_of("id-vars", R"("dbt ls --vars {'run': 1}")") +
          log_of("id-late", R"("dbt build --vars {'a': 1}")") +
          log_of("id-target", "'dbt --target test ls'") +
          log_of("id-both", R"('dbt --vars {"a": \'run\'} seed')") +
          log_of("id-within", "'dbt tasks run daily build'") +
          log_of("id-ended", "'dbt --vars env: my test ls'") + ended("dbt ls", "succeeded") +
          log_of("id-failed", "'dbt --vars env: my ls run'") + ended("dbt run", "failed") +
          log_of("id-done", "'dbt run'") + ended("dbt run", "succeeded") +
          R"({"info": {"invocation_id": "id-json", "msg": "running"}, )"
          R"("data": {"args": {"invocation_command": "dbt -t run ls"}}})"
          "\n======== 15:24:48.978 | id-cut ========\n");
  const auto found = look(directory.path() / "target");
  REQUIRE(found.size() == 1);
  const auto& set_to_work = found[0].set_to_work;
  CHECK(set_to_work("id-ls") == false);
  CHECK(set_to_work("id-run") == true);
  CHECK(set_to_work("id-vars") == false);
  CHECK(set_to_work("id-late") == true);
  CHECK(set_to_work("id-target") == false);
  CHECK(set_to_work("id-both") == true);
  CHECK(set_to_work("id-within") == std::nullopt);
  CHECK(set_to_work("id-ended") == false);
  CHECK(set_to_work("id-failed") == true);
  CHECK(set_to_work("id-done") == false);
  CHECK(set_to_work("id-json") == false);
  CHECK(set_to_work("id-cut") == std::nullopt);
}

TEST_CASE("dbt's log tells how an invocation ended, or that it has not yet") {
  const TemporaryDirectory directory;
  fs::create_directories(directory.path() / "target");
  fs::create_directories(directory.path() / "logs");
  directory.write("target/run_results.json", "{}");
  const std::string failed =
                        "15:25:01.1 [debug] [MainThread]: Command `dbt run` failed at 15:25:01",
                    succeeded =
                        "15:25:01.1 [debug] [MainThread]: Command `dbt run` succeeded at 15:2",
                    interrupted =
                        "15:25:01.0 [info ] [MainThread]: Exited because of keyboard interrupt";
  directory.write("logs/dbt.log", log_of("id-good", "'dbt run'") + succeeded + "\n" +
                                      log_of("id-bad", "'dbt run'") + failed + "\n" +
                                      log_of("id-cut", "'dbt run'") + interrupted + "\n" + failed +
                                      "\n" + log_of("id-now", "'dbt run'") +
                                      log_of("id-next", "'dbt run'") + failed);
  const auto found = look(directory.path() / "target");
  REQUIRE(found.size() == 1);
  const auto end = [&](const std::string& id) { return found[0].logged(id).end; };
  CHECK(end("id-good") == End::success);
  CHECK(end("id-bad") == End::failure);
  CHECK(end("id-cut") == End::interrupted);
  CHECK(end("id-now") == End::awaited);
  CHECK(end("id-next") == End::failure);
  CHECK(end("id-other") == End::untold);
  CHECK(end("") == End::untold);

  const auto json = [](const std::string& id, const std::string& message) {
    return R"({"info": {"invocation_id": ")" + id + R"(", "msg": ")" + message + "\"}}\n";
  };
  directory.write("logs/dbt.log", json("one", "Running with dbt=1.11.0") + json("two", "Running") +
                                      json("two", "Exited because of keyboard interrupt") +
                                      json("one", "Command `dbt build` succeeded at 1") +
                                      json("two", "Command `dbt build` failed at 2"));
  CHECK(end("one") == End::success);
  CHECK(end("two") == End::interrupted);
  fs::remove(directory.path() / "logs/dbt.log");
  CHECK(end("one") == End::untold);
}

TEST_CASE("dbt's log names the last command that ended, whatever that left") {
  const TemporaryDirectory directory;
  fs::create_directories(directory.path() / "target");
  fs::create_directories(directory.path() / "logs");
  const auto lister = directories(directory.path() / "target");
  const auto last = [&] {
    std::string text;
    for (const auto& each : lister.ended()) {
      text +=
          each.invocation_id + ' ' + each.command + (each.has_failed ? " failed" : " succeeded");
    }
    return text;
  };
  CHECK(last().empty());
  auto log =
      log_of("one", "'dbt --target test docs generate'") + ended("dbt docs generate", "failed");
  directory.write("logs/dbt.log", log);
  CHECK(last() == "one docs generate failed");
  log += log_of("two", "'dbt deps'") + ended("cli deps", "succeeded");
  directory.write("logs/dbt.log", log);
  CHECK(last() == "two deps succeeded");
  log += log_of("three", "'dbt build'");
  directory.write("logs/dbt.log", log);
  CHECK(last() == "two deps succeeded");
  log += std::string(100'000, ' ') + '\n' + ended("dbt build", "failed");
  directory.write("logs/dbt.log", log);
  CHECK(last().empty());  // its start is too far back in the log
  directory.write("logs/dbt.log",
                  R"({"info": {"invocation_id": "four", "msg": "Command `dbt run` failed at 1"}})"
                  "\n");
  CHECK(last() == "four run failed");
}

TEST_CASE("without a log, what was compiled since tells that an invocation set to work") {
  const TemporaryDirectory directory;
  fs::create_directories(directory.path() / "compiled/shop");
  const auto manifest = directory.write("manifest.json", "{}");
  const auto compiled = directory.write("compiled/shop/a.sql", "select 1");
  const auto written = fs::last_write_time(manifest);
  const auto set_to_work = look(directory.path())[0].set_to_work;
  for (const auto& path : {fs::path(compiled), directory.path() / "compiled/shop"}) {
    fs::last_write_time(path, written - std::chrono::seconds(1));
  }
  CHECK(set_to_work("id") == std::nullopt);
  fs::last_write_time(compiled, written + std::chrono::seconds(1));
  CHECK(set_to_work("id") == true);
}

TEST_CASE("a glob finds the artifacts of all its directories, the oldest first") {
  const TemporaryDirectory directory;
  std::vector<fs::path> written;
  for (const auto* job : {"hourly", "nightly", "other"}) {
    fs::create_directories(directory.path() / job / "target");
    written.emplace_back(directory.write(std::string(job) + "/target/run_results.json", "{}"));
  }
  const auto now = fs::last_write_time(written[0]);
  fs::last_write_time(written[0], now - std::chrono::seconds(1));
  fs::last_write_time(written[1], now - std::chrono::seconds(2));
  const auto found = look(directory.path() / "{hourly,night*}/target");
  REQUIRE(found.size() == 2);
  CHECK(found[0].artifact.origin == written[1]);
  CHECK(found[1].artifact.origin == written[0]);
  // A directory that cannot be read is reported beside the others; alone, it is an error.
  fs::create_directories(directory.path() / "nightmare/target/manifest.json");
  const auto beside = look(directory.path() / "{hourly,night*}/target");
  REQUIRE(beside.size() == 3);
  CHECK(beside[0].location == directory.path() / "nightmare/target");
  CHECK(error_of(Reason::io, [&] { beside[0].artifact.read([](std::string_view) {}); }) ==
        (directory.path() / "nightmare/target/manifest.json").string() + ": not a regular file");
  CHECK(beside[0].set_to_work("id") == false);
  CHECK(error_of(Reason::io, [&] { look(directory.path() / "nightmare/target"); }) ==
        (directory.path() / "nightmare/target/manifest.json").string() + ": not a regular file");
  CHECK(look(directory.path() / "none*/target").empty());
  CHECK(look(directory.path() / "none").empty());
}

TEST_CASE("an error for a missing directory says that it does not exist") {
  const TemporaryDirectory directory;
  const auto path = directory.path().string();
  const auto error = [](const std::string& pattern) {
    CHECK(look(pattern).empty());
    return std::string(directories(pattern).no_artifacts().what());
  };
  CHECK(error(path) == "no artifacts in " + path);
  CHECK(error(path + "/gone") == "no artifacts in " + path + "/gone: the directory does not exist");
  for (const auto* glob : {"/*/target", "/{a,b}", "/gon?"}) {
    CHECK(error(path + glob) == "no artifacts in " + path + glob + ": no directory matches");
  }
  directory.write("file", "");
  CHECK(error(path + "/file") == "no artifacts in " + path + "/file: not a directory");
  CHECK(error("./gone") ==
        "no artifacts in ./gone: the directory does not exist; it is relative to " +
            fs::current_path().string());
}
