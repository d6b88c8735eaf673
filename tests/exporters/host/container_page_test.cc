#include <catch2/catch.hpp>

#include "common/base/text.h"
#include "common/base/time.h"
#include "exporters/host/collectors.h"
#include "test_paths.h"
#include "tests/exporters/host/collect_of.h"
#include "tests/exporters/host/fake_engine.h"
#include "tests/exporters/host/followed_engine.h"
#include "tests/support/golden.h"
#include "tests/support/upstreams.h"

using namespace exporter;
using namespace exporter::host;
using namespace followed_engine;

namespace {

/// The page with TIME in place of values that are the time of the run.
std::string without_time(std::string_view page) {
  std::string text;
  while (!page.empty()) {
    const auto line = next_part(page, '\n');
    const auto blank = line.rfind(' ');
    const auto value = parse_number<double>(line.substr(blank + 1)).value_or(0);
    const bool now = line.starts_with("container_last_seen{") && value > unix_now() - 1000;
    text.append(now ? line.substr(0, blank + 1) : line).append(now ? "TIME\n" : "\n");
  }
  return text;
}

/// The collector on a machine whose /proc, /sys and udev are below `machine`.
class Collected {
 public:
  Collected(const std::string& machine, const std::string& socket)
      : given_{{"collector.container.socket", {socket}}, {"collector.container.label", {"team"}}},
        settings_(kContainer.flags, given_, nullptr),
        collect_(collect_of(kContainer, {settings_, machine + "/proc", machine + "/sys", "/",
                                         machine + "/udev", upstreams()})),
        socket_(socket) {}

  std::string page() {
    Samples samples;
    collect_(samples, Deadline::at(soon()));
    std::string page;
    samples.render(Format::text, page);
    for (auto at = page.find(socket_); at != page.npos; at = page.find(socket_)) {
      page.replace(at, socket_.size(), "SOCKET");
    }
    return without_time(page);
  }
  /// The page once it has the engine's containers, for which a run waits at most a second.
  std::string listed_page() {
    std::string listed;
    CHECK(eventually([&] {
      listed = page();
      return listed.find("container_engine_up{engine=\"SOCKET\"} 1\n") != listed.npos;
    }));
    return listed;
  }

 private:
  std::map<std::string, std::vector<std::string>> given_;
  Settings settings_;
  CollectFunction collect_;
  std::string socket_;
};

const std::filesystem::path kExpected =
    std::filesystem::path(SOURCE_DIR) / "tests/fixtures/container_engine";

void add_some(FakeEngine& engine) {
  engine.set('a', {.labels = R"({"team":"blue","secret":"hunter2"})"});
  engine.set('b', {.name = "job",
                   .status = "exited",
                   .finished = "2026-01-02T03:05:00Z",
                   .labels = "null",
                   .exit_code = 137,
                   .oom_killed = true});
  engine.set('c', {.name = "db", .health = "unhealthy", .restarts = 3});
  engine.set('d', {.name = "flaky",
                   .status = "restarting",
                   .finished = "2026-01-02T03:06:00Z",
                   .restarts = 7,
                   .exit_code = 1});
  engine.set('e', {.name = "new", .status = "created", .started = "0001-01-01T00:00:00Z"});
  engine.set('f', {.name = "odd", .status = "melted"});
}

}  // namespace

TEST_CASE("what an engine says of its containers is on the page, stopped ones too") {
  Fixture fixture;
  FakeEngine engine(fixture.socket);
  add_some(engine);
  Collected collected("/nonexistent", fixture.socket);
  const auto page = collected.listed_page();
  check_golden(kExpected / "docker.prom", page);
  const auto asked = engine.requests().size();
  CHECK(eventually([&] { return engine.asked("/events") == 2; }));
  for (int i = 0; i < 5; ++i) CHECK(collected.page() == page);
  INFO("a scrape asks the engine nothing");
  CHECK(engine.requests().size() <= asked + 2);
  for (const auto& request : engine.requests()) {
    CHECK(request.starts_with("GET "));
    CHECK(request.find("stats") == std::string::npos);
    CHECK(request.find("size=") == std::string::npos);
  }
}

TEST_CASE("control groups and the engine's word are joined by the container's id") {
  Fixture fixture;
  const auto machine = std::filesystem::path(SOURCE_DIR) / "tests/fixtures/host/container/hybrid";
  const std::string id = "a07e5c3a18f6d4b2907e5c3a18f6d4b2907e5c3a18f6d4b2907e5c3a18f6d4b2";
  FakeEngine engine(fixture.socket, "Libpod/5.0.0 (linux)");
  engine.set('a', {.name = "stopped", .status = "exited", .finished = "2026-01-02T03:05:00Z"});
  engine.set_raw("/containers/json", R"([{"Id":")" + id + R"(","State":"running"},{"Id":")" +
                                         id_of('a') + R"(","State":"exited"}])");
  engine.set_raw("/containers/" + id + "/json",
                 R"({"Id":")" + id + R"(","Name":"app","Created":"2026-01-02T03:04:00+01:00",)" +
                     R"("RestartCount":1,"State":{"Status":"running","Pid":4001,"ExitCode":0,)" +
                     R"("StartedAt":"2026-01-02T03:04:05+01:00","Health":{"Status":""}},)" +
                     R"("Config":{"Image":"registry.example/app:2","Labels":{"team":"red"}}})");
  check_golden(kExpected / "joined.prom", Collected(machine, fixture.socket).listed_page());
}
