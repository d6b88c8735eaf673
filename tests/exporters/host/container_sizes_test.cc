#include <catch2/catch.hpp>

#include "tests/exporters/host/fake_engine.h"
#include "tests/exporters/host/followed_engine.h"
#include "tests/support/upstreams.h"

using namespace exporter;
using namespace followed_engine;

TEST_CASE(
    "what running containers have written is asked for again and again, if somebody wants it") {
  Fixture fixture;
  fixture.options.size_interval = 1ms;
  FakeEngine fake(fixture.socket);
  fake.set('a', {.written = 4096});
  fake.set('b', {.name = "job", .status = "exited", .written = 1});
  fake.set('c', {.name = "odd", .written = -1});
  Engine engine(fixture.options, upstreams());
  REQUIRE(engine.follow(soon()));
  CHECK(eventually([&] { return engine.size(id_of('a')) == 4096; }));
  fake.set('a', {.written = 8192});
  CHECK(eventually([&] { return engine.size(id_of('a')) == 8192; }));
  CHECK_FALSE(engine.size(id_of('b')));
  CHECK_FALSE(engine.size(id_of('c')));
  fake.set('a', {.status = "exited"});
  fake.event('a', "die");
  CHECK(eventually([&] { return !engine.size(id_of('a')); }));
}

TEST_CASE("an engine that walks through files for long delays neither its events nor the end") {
  Fixture fixture;
  fixture.options.size_interval = 1ms;
  FakeEngine fake(fixture.socket);
  fake.hold_sizes(true);
  fake.set('a', {});
  fake.set('b', {.name = "db"});
  auto engine = std::make_unique<Engine>(fixture.options, upstreams());
  REQUIRE(engine->follow(soon()));
  const auto sizes_asked = [&] {
    return std::ranges::count_if(fake.requests(), [](const std::string& request) {
      return request.find("?size=1") != request.npos;
    });
  };
  CHECK(eventually([&] { return sizes_asked() == 1; }));
  fake.set('a', {.status = "paused"});
  fake.event('a', "pause");
  CHECK(eventually([&] { return states(*engine) == "web paused\ndb running\n"; }));
  INFO("one container at a time");
  CHECK(sizes_asked() == 1);
  const auto begun = Clock::now();
  engine.reset();
  CHECK(Clock::now() - begun < kAtOnce);
}

TEST_CASE("a size that cannot be told ends a round, and the next begins after it") {
  Fixture fixture;
  fixture.options.size_interval = 1ms;
  const auto inspected = [](char digit, const std::string& size) {
    return reply(
        200, "{\"Id\":\"" + id_of(digit) + "\",\"State\":{\"Status\":\"running\"}" + size + "}");
  };
  const ScriptedServer server(fixture.socket, [&](Peer& peer) {
    for (auto request = peer.read_request(); !request.empty(); request = peer.read_request()) {
      const auto has = [&](const std::string& part) { return request.find(part) != request.npos; };
      if (has("%22oom%22")) return peer.wait_closed();
      const char digit = has(id_of('a')) ? 'a' : 'b';
      std::string text = reply(200, "{}");
      if (has("/containers/json")) {
        text = reply(200, R"([{"Id":")" + id_of('a') + R"(","State":"running"},{"Id":")" +
                              id_of('b') + R"(","State":"running"}])");
      } else if (has("size=1")) {
        text = digit == 'a' ? reply(500, "{}") : inspected(digit, ",\"SizeRw\":7");
      } else if (has("/containers/")) {
        text = inspected(digit, "");
      }
      if (!peer.write(text)) return;
    }
  });
  Engine engine(fixture.options, upstreams());
  REQUIRE(engine.follow(soon()));
  CHECK(eventually([&] { return engine.size(id_of('b')) == 7; }));
  CHECK_FALSE(engine.size(id_of('a')));
}
