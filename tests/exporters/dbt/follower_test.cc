#include "exporters/dbt/follower.h"

#include <catch2/catch.hpp>

#include "common/base/error.h"
#include "tests/exporters/dbt/configured.h"
#include "tests/exporters/dbt/listed.h"
#include "tests/support/temporary_directory.h"

using namespace exporter;
using namespace exporter::dbt;

namespace {

class Followed {
 public:
  Listed artifacts;

  const Project& look() {
    update(*follower_);
    return follower_->project();
  }
  /// The invocation that an update finds incomplete.
  std::string incomplete() {
    const auto& found = look().incomplete;
    REQUIRE(found.size() <= 1);
    return found.empty() ? "" : found.begin()->second.invocation_id;
  }
  void restart() { follower_.emplace("shop", artifacts.lister(), ledger_); }
  /// Whether an update changes nothing on the page.
  bool stands_still() {
    const auto before = follower_->revision();
    look();
    return follower_->revision() == before;
  }

 private:
  SharedLedger ledger_ = SharedLedger(std::make_shared<Ledger>("dbt", ""));
  std::optional<Follower> follower_{std::in_place, "shop", artifacts.lister(), ledger_};
};

/// Checks that the page shows the results "two" and the freshness that passed.
void check_newest_is_good(const Project& project) {
  CHECK(project.nodes.at("model.shop.a").last.status == "success");
  CHECK(project.invocations.at("build").metadata.invocation_id == "two");
  const auto& source = project.freshness.at("source.shop.app.events");
  CHECK(source.last.status == "pass");
  CHECK(source.at == project.freshness_at);
}

}  // namespace

TEST_CASE("each version of an artifact is read once") {
  Followed shop;
  CHECK(shop.look().nodes.empty());
  shop.artifacts.put(Kind::manifest, manifest(1, "one", "table"));
  shop.artifacts.put(Kind::run_results, results(2, "one", "success"));
  CHECK(shop.look().nodes.at("model.shop.a").last.status == "success");
  CHECK(shop.stands_still());
  CHECK(shop.artifacts.reads() == std::vector{1, 1});
  shop.artifacts.put(Kind::run_results, results(3, "two", "error"));
  CHECK(shop.look().nodes.at("model.shop.a").last.status == "error");
  CHECK(shop.stands_still());
  CHECK(shop.artifacts.reads() == std::vector{1, 1, 1});
}

TEST_CASE("what cannot be read is tried again, and what was good stays") {
  Followed shop;
  shop.artifacts.put(Kind::run_results, results(1, "one", "success"));
  shop.look();
  const auto whole = results(2, "two", "error");
  shop.artifacts.put(Kind::run_results, whole.substr(0, whole.size() / 2));
  CHECK(shop.look().nodes.at("model.shop.a").last.status == "success");
  shop.artifacts.put(Kind::run_results, whole);
  CHECK(shop.look().nodes.at("model.shop.a").last.status == "error");
}

TEST_CASE("what is malformed is tried three times, and what could not be fetched at each look") {
  Followed shop;
  shop.artifacts.put(Kind::run_results, "{}");
  shop.look();
  for (int look = 0; look < 4; ++look) CHECK(shop.stands_still());
  CHECK(shop.artifacts.reads() == std::vector{3});
  shop.artifacts.put(Kind::run_results, "[]");
  for (int look = 0; look < 4; ++look) shop.look();
  CHECK(shop.artifacts.reads() == std::vector{3, 3});
  int fetched = 0;
  Follower follower("shop",
                    {"the test",
                     [&](const Deadline&) {
                       return std::vector<Found>{
                           {Kind::catalog, "target", "1", 0, {}, {"catalog", [&](const auto&) {
                                                                    ++fetched;
                                                                    throw Error(Reason::connect,
                                                                                "refused");
                                                                  }}}};
                     }},
                    SharedLedger(std::make_shared<Ledger>("dbt", "")));
  for (int look = 0; look < 4; ++look) update(follower);
  CHECK(fetched == 4);
  CHECK(follower.revision() == 2);
}

TEST_CASE("the manifest is read before the results, whichever was written first") {
  Followed shop;
  shop.artifacts.put(Kind::run_results, results(2, "one", "skipped"));
  shop.artifacts.put(Kind::manifest, manifest(1, "one", "ephemeral"));
  // dbt 2.0 reports nodes without a table as skipped.
  CHECK(shop.look().nodes.empty());
}

TEST_CASE("an invocation is incomplete from its manifest to its results, if it sets to work") {
  Followed shop;
  shop.artifacts.put(Kind::manifest, manifest(1, "one", "table"));
  CHECK(shop.incomplete() == "one");
  shop.artifacts.put(Kind::run_results, results(2, "one", "error"));
  CHECK(shop.incomplete().empty());
  shop.artifacts.put(Kind::manifest, manifest(3, "listed", "table"), false);
  CHECK(shop.incomplete().empty());
  CHECK(shop.stands_still());
}

TEST_CASE("an invocation is not incomplete once dbt's log says that it ended and did no work") {
  Followed shop;
  const auto end = [&](const std::string& id, const std::string& command, bool has_failed) {
    shop.artifacts.ended = {{id, command, has_failed, Ledger::wall_clock()}};
  };
  shop.artifacts.put(Kind::manifest, manifest(1, "misread", "table"));
  CHECK(shop.incomplete() == "misread");
  SECTION("of another command") { end("misread", "list", true); }
  SECTION("well") { end("misread", "build", false); }
  CHECK(shop.incomplete().empty());
  CHECK(shop.stands_still());
  shop.artifacts.put(Kind::manifest, manifest(2, "killed", "table"));
  CHECK(shop.incomplete() == "killed");
}

TEST_CASE("whether an invocation set to work is asked until it is known") {
  const auto text = manifest(1, "one", "table");
  std::optional<bool> works;
  int asked = 0;
  Follower follower("shop",
                    {"the test",
                     [&](const Deadline&) {
                       Found found{Kind::manifest, "target", "1", text.size(), {}, {}};
                       found.artifact = {"manifest", [&](const auto& sink) { sink(text); }};
                       found.set_to_work = [&](const std::string&) {
                         ++asked;
                         return works;
                       };
                       return std::vector<Found>{found};
                     }},
                    SharedLedger(std::make_shared<Ledger>("dbt", "")));
  const auto look = [&] { update(follower); };
  for (int i = 0; i < 3; ++i) look();
  CHECK(asked == 3);
  works = false;
  for (int i = 0; i < 3; ++i) look();
  CHECK(asked == 4);
  CHECK(follower.project().incomplete.empty());
}

TEST_CASE("an invocation stays incomplete until another one after it has done its work") {
  Followed shop;
  shop.artifacts.put(Kind::manifest, manifest(1, "killed", "table"));
  CHECK(shop.incomplete() == "killed");
  shop.artifacts.put(Kind::manifest, manifest(2, "listed", "table"), false);
  CHECK(shop.incomplete() == "killed");
  CHECK(shop.stands_still());
  shop.artifacts.put(Kind::manifest, manifest(3, "compiled", "table"), false);
  shop.artifacts.put(Kind::run_results, results(4, "compiled", "success", "compile"));
  CHECK(shop.incomplete() == "killed");
  shop.artifacts.put(Kind::manifest, manifest(5, "killed too", "table"));
  CHECK(shop.incomplete() == "killed");
  shop.restart();
  CHECK(shop.incomplete() == "killed");
  shop.artifacts.put(Kind::manifest, manifest(6, "next", "table"));
  CHECK(shop.incomplete() == "killed");
  shop.artifacts.put(Kind::run_results, results(7, "next", "success"));
  CHECK(shop.incomplete().empty());
  shop.restart();
  CHECK(shop.incomplete().empty());
}

TEST_CASE("an interrupted invocation failed, and is incomplete until another has done its work") {
  Followed shop;
  shop.artifacts.put(Kind::manifest, manifest(1, "cut", "table"));
  CHECK(shop.incomplete() == "cut");
  shop.artifacts.put(Kind::run_results, results(2, "cut", "success"), End::interrupted);
  CHECK(shop.incomplete() == "cut");
  CHECK(shop.look().invocations.at("build").outcome == Outcome::failure);
  CHECK(shop.look().nodes.at("model.shop.a").last.status == "success");
  shop.restart();
  CHECK(shop.incomplete() == "cut");
  shop.artifacts.put(
      Kind::run_results,
      metadata("run-results/v6", 3, "idle") + R"("args": {"which": "build"}, "results": []})",
      End::success);
  CHECK(shop.incomplete() == "cut");
  shop.artifacts.put(Kind::manifest, manifest(4, "next", "table"));
  shop.artifacts.put(Kind::run_results, results(5, "next", "error"), End::failure);
  CHECK(shop.incomplete().empty());
  shop.artifacts.put(Kind::manifest, manifest(6, "seen late", "table"));
  shop.artifacts.put(Kind::run_results, results(7, "seen late", "success"), End::interrupted);
  CHECK(shop.incomplete() == "seen late");
}

TEST_CASE("an invocation failed when dbt's log says so, whatever its results are") {
  Followed shop;
  const auto outcome = [&](const std::string& command) {
    return shop.look().invocations.at(command).outcome;
  };
  shop.artifacts.put(Kind::run_results, results(1, "one", "success"), End::failure);
  CHECK(outcome("build") == Outcome::failure);
  shop.artifacts.put(Kind::run_results, results(2, "two", "success"), End::success);
  CHECK(outcome("build") == Outcome::success);
  shop.artifacts.put(Kind::sources, metadata("sources/v3", 3, "three") + R"("results": []})",
                     End::failure);
  CHECK(outcome("source freshness") == Outcome::failure);
  CHECK(shop.incomplete().empty());
}

TEST_CASE("what dbt's log calls a retry is one, whatever its command line looks like") {
  Followed shop;
  shop.artifacts.put(Kind::run_results, results(1, "one", "error"), End::failure, "retry");
  CHECK(shop.look().invocations.at("retry").outcome == Outcome::failure);
  shop.artifacts.put(Kind::run_results, results(2, "two", "success"), End::success, "build");
  CHECK(shop.look().invocations.at("build").outcome == Outcome::success);
}

TEST_CASE("a command that failed without results is known by dbt's log") {
  Followed shop;
  const auto outcome = [&](const std::string& command) {
    const auto& all = shop.look().invocations;
    return all.contains(command) ? all.at(command).outcome : Outcome::unknown;
  };
  const auto end = [&](const std::string& id, const std::string& command, bool has_failed) {
    shop.artifacts.ended = {{id, command, has_failed, Ledger::wall_clock()}};
  };
  shop.artifacts.put(Kind::run_results, results(1, "one", "success"));
  CHECK(outcome("build") == Outcome::success);
  end("cannot parse", "build", true);
  CHECK(outcome("build") == Outcome::failure);
  CHECK(shop.stands_still());
  shop.restart();
  CHECK(outcome("build") == Outcome::failure);
  end("two", "build", false);
  shop.artifacts.put(Kind::run_results, results(2, "two", "success"));
  CHECK(outcome("build") == Outcome::success);
  CHECK(shop.stands_still());

  end("three", "deps", false);
  CHECK(outcome("deps") == Outcome::unknown);
  end("four", "deps", true);
  CHECK(outcome("deps") == Outcome::failure);
  end("five", "deps", false);
  CHECK(outcome("deps") == Outcome::success);
  // A command that started to run nodes and failed without results is still incomplete.
  shop.artifacts.put(Kind::manifest, manifest(3, "unreachable", "table"));
  end("unreachable", "build", true);
  CHECK(outcome("build") == Outcome::failure);
  CHECK(shop.incomplete() == "unreachable");
  // Its results arrive after the log line, and replace it.
  shop.artifacts.put(Kind::run_results, results(4, "unreachable", "error"), End::failure);
  CHECK(shop.incomplete().empty());
  CHECK(shop.look().nodes.at("model.shop.a").consecutive_failures == 1);
}

TEST_CASE("a job that was killed stays incomplete whatever another job does") {
  Followed shop;
  shop.artifacts.put(Kind::manifest, manifest(1, "killed", "table"), true, "a");
  CHECK(shop.incomplete() == "killed");
  shop.artifacts.put(Kind::manifest, manifest(2, "other", "table"), true, "b");
  shop.artifacts.put(Kind::run_results, results(3, "other", "success"), true, "b");
  CHECK(shop.incomplete() == "killed");
  shop.artifacts.remove("a");
  CHECK(shop.incomplete().empty());
}

TEST_CASE("what is dated in the future hides nothing that comes after it") {
  Followed shop;
  const auto in_future = [](std::string text) {
    return text.replace(text.find("2026"), 4, "2226");
  };
  shop.artifacts.put(Kind::manifest, in_future(manifest(1, "ahead", "view")));
  CHECK(shop.incomplete() == "ahead");
  const auto has_begun = [&] {
    const auto since = shop.look().incomplete.at("target").since;
    return since <= Ledger::wall_clock();
  };
  CHECK(has_begun());
  shop.artifacts.put(Kind::run_results, in_future(results(1, "ahead", "error")));
  shop.artifacts.put(Kind::sources, in_future(freshness(1, "ahead too", "error")));
  shop.look();
  SECTION("at once") {}
  SECTION("after a restart") { shop.restart(); }
  shop.artifacts.put(Kind::manifest, in_future(manifest(2, "killed", "view")));
  CHECK(shop.incomplete() == "killed");
  CHECK(has_begun());
  shop.artifacts.put(Kind::manifest, manifest(2, "two", "table"));
  shop.artifacts.put(Kind::run_results, results(2, "two", "success"));
  shop.artifacts.put(Kind::sources, freshness(2, "three", "pass"));
  CHECK(shop.incomplete().empty());
  const auto& project = shop.look();
  check_newest_is_good(project);
  CHECK(project.manifest->nodes.at("model.shop.a").materialized == "table");
  shop.artifacts.put(Kind::run_results, in_future(results(3, "cut", "success")), End::interrupted);
  CHECK(has_begun());
}

TEST_CASE("a file dated in the future does not hold up the look at dbt's log") {
  const auto text = results(1, "one", "success");
  Follower follower("shop",
                    {"the test",
                     [&](const Deadline&) {
                       Found found{Kind::run_results, "target", "1", 0, {}, {}};
                       found.modified_at = Ledger::wall_clock() + std::chrono::hours(1);
                       found.artifact = {"run_results", [&](const auto& sink) { sink(text); }};
                       found.logged = [](const std::string&) { return Logged{End::awaited}; };
                       return std::vector<Found>{found};
                     }},
                    SharedLedger(std::make_shared<Ledger>("dbt", "")));
  update(follower);
  CHECK(follower.project().nodes.contains("model.shop.a"));
}

TEST_CASE("a writer whose clock is behind is heard like the others") {
  Followed shop;
  shop.artifacts.put(Kind::run_results, results(30, "one", "error"));
  shop.artifacts.put(Kind::sources, freshness(30, "fresh", "error"));
  CHECK(shop.look().nodes.at("model.shop.a").consecutive_failures == 1);
  shop.artifacts.put(Kind::manifest, manifest(20, "two", "table"));
  CHECK(shop.incomplete() == "two");
  shop.artifacts.put(Kind::run_results, results(20, "two", "success"));
  shop.artifacts.put(Kind::sources, freshness(20, "fresh too", "pass"));
  CHECK(shop.incomplete().empty());
  check_newest_is_good(shop.look());
  shop.artifacts.put(Kind::run_results, results(31, "three", "error"));
  shop.artifacts.put(Kind::run_results, results(5, "other", "success"), true, "other");
  // An artifact that was never replaced is ordered by its own time.
  CHECK(shop.look().nodes.at("model.shop.a").last.status == "error");
  shop.artifacts.put(Kind::run_results, results(21, "other too", "success"), true, "other");
  CHECK(shop.look().nodes.at("model.shop.a").last.status == "success");
}

TEST_CASE("the results of an invocation are news once") {
  Followed shop;
  const auto failures = [&] { return shop.look().nodes.at("model.shop.a").consecutive_failures; };
  shop.artifacts.put(Kind::run_results, results(1, "one", "error"));
  CHECK(failures() == 1);
  shop.artifacts.put(Kind::run_results, results(2, "two", "error"));
  CHECK(failures() == 2);
  SECTION("at once") {}
  SECTION("after a restart") { shop.restart(); }
  shop.artifacts.put(Kind::run_results, results(1, "one", "error"));
  CHECK(failures() == 2);
  shop.artifacts.put(Kind::run_results, results(2, "two", "error"), true, "copy");
  CHECK(failures() == 2);
  CHECK(shop.look().invocations.at("build").metadata.invocation_id == "two");
  shop.artifacts.put(Kind::manifest, manifest(3, "killed", "table"));
  CHECK(shop.incomplete() == "killed");
  shop.artifacts.put(Kind::run_results, results(2, "two", "error"));
  CHECK(shop.incomplete() == "killed");
}

TEST_CASE(
    "of several target directories all results count, and what a directory took with it stays") {
  const TemporaryDirectory directory;
  const auto path = [&](const std::string& job, const std::string& name) {
    std::filesystem::create_directories(directory.path() / job);
    return job + '/' + name + ".json";
  };
  Follower follower("shop", directories(directory.path() / "*"),
                    SharedLedger(std::make_shared<Ledger>("dbt", "")));
  const auto status = [&] {
    update(follower);
    return follower.project().nodes.at("model.shop.a").last.status;
  };
  directory.write(path("hourly", "run_results"), results(2, "two", "error"));
  directory.write(path("nightly", "run_results"), results(1, "one", "success"));
  CHECK(status() == "error");
  CHECK(follower.project().nodes.at("model.shop.a").consecutive_failures == 1);
  directory.write(path("nightly", "run_results"), results(3, "three", "success") + ' ');
  CHECK(status() == "success");
  std::filesystem::remove_all(directory.path() / "nightly");
  CHECK(status() == "success");
  Samples samples;
  follower.add_to(samples);
  std::string page;
  samples.render(Format::text, page);
  CHECK(page.find("hourly") != page.npos);
  CHECK(page.find("nightly") == page.npos);
}
