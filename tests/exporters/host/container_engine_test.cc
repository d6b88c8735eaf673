#include <catch2/catch.hpp>

#include "common/base/time.h"
#include "exporters/host/container/engine.h"
#include "tests/exporters/host/fake_engine.h"
#include "tests/exporters/host/followed_engine.h"
#include "tests/support/upstreams.h"

using namespace exporter;
using namespace exporter::host;
using namespace followed_engine;

TEST_CASE("a container whose command is missing has the exit code that its engine knows") {
  Fixture fixture;
  FakeEngine fake(fixture.socket);
  const FakeContainer created = {.name = "job", .status = "created"};
  const FakeContainer failed = {.name = "job", .status = "created", .exit_code = 127};
  const auto code = [](const Engine& engine) {
    return engine.view().containers->at(id_of('a'))->exit_code;
  };
  SECTION("after it has left its network") {
    fake.set('a', created);
    Engine engine(fixture.options, upstreams());
    REQUIRE(engine.follow(soon()));
    CHECK(code(engine) == 0);
    fake.set('a', failed);
    fake.disconnect('a');
    CHECK(eventually([&] { return code(engine) == 127; }));
  }
  SECTION("after the next listing, when it had no network of its own") {
    fixture.options.relist_every = 1s;
    fake.set('a', created);
    Engine engine(fixture.options, upstreams());
    REQUIRE(engine.follow(soon()));
    fake.set('a', failed);
    CHECK(eventually([&] { return code(engine) == 127; }));
  }
}

TEST_CASE("events of networks that name no container change nothing") {
  const auto id_in = [](const std::string& attributes) {
    const auto event = R"({"Type":"network","Action":"disconnect","Actor":{"ID":"","Attributes":)" +
                       attributes + "}}";
    return container::parse_event(Json::parse(event, "event")).id;
  };
  CHECK(id_in("{}").empty());
  CHECK(id_in(R"({"container":"../secrets"})").empty());
  CHECK(id_in(R"({"container":")" + id_of('a') + "\"}") == id_of('a'));
}

TEST_CASE("an event has its container inspected again, and no other") {
  Fixture fixture;
  FakeEngine fake(fixture.socket);
  fake.set('a', {});
  fake.set('b', {.name = "job"});
  Engine engine(fixture.options, upstreams());
  REQUIRE(engine.follow(soon()));
  CHECK(states(engine) == "web running\njob running\n");
  fake.set('b', {.name = "job", .status = "exited", .exit_code = 1});
  fake.event('b', "die");
  CHECK(eventually([&] { return states(engine) == "web running\njob exited\n"; }));
  fake.set('c', {.name = "third", .health = "starting"});
  fake.event('c', "start");
  CHECK(eventually([&] { return states(engine) == "web running\njob exited\nthird running\n"; }));
  fake.set('c', {.name = "third", .health = "healthy"});
  fake.event('c', "health_status: healthy");
  CHECK(eventually([&] { return engine.view().containers->at(id_of('c'))->health == "healthy"; }));
  fake.remove('b');
  fake.event('b', "destroy");
  CHECK(eventually([&] { return states(engine) == "web running\nthird running\n"; }));
  CHECK(fake.asked("/containers/" + id_of('a') + "/json") == 1);
  CHECK(fake.asked("/containers/" + id_of('b') + "/json") == 3);
  CHECK(fake.asked("/containers/" + id_of('c') + "/json") == 2);
  CHECK(fake.asked("/containers/json") == 1);
}

TEST_CASE("an out-of-memory kill counts once, over a stream that is cut and told again") {
  Fixture fixture;
  FakeEngine fake(fixture.socket);
  fake.set('a', {});
  Engine engine(fixture.options, upstreams());
  REQUIRE(engine.follow(soon()));
  CHECK(engine.ooms(id_of('a'), 0) == 0);
  fake.event('a', "oom");
  CHECK(eventually([&] { return engine.ooms(id_of('a'), std::nullopt) == 1; }));
  CHECK(engine.ooms(id_of('a'), 1) == 1);

  INFO("the container dies of it, is started again, and is killed again while nobody listens");
  fake.hold(true);
  fake.set('a', {.status = "exited", .finished = "2026-01-02T04:00:00Z", .oom_killed = true});
  fake.event('a', "die");
  fake.set('a', {.started = "2026-01-02T04:00:01Z"});
  fake.event('a', "start");
  fake.event('a', "oom");
  fake.cut();
  fake.hold(false);
  CHECK(eventually([&] { return engine.ooms(id_of('a'), std::nullopt) == 2; }));
  const auto asked = fake.asked("/events");
  fake.cut();
  CHECK(eventually([&] { return fake.asked("/events") >= asked + 2 && engine.view().up; }));
  CHECK(engine.ooms(id_of('a'), std::nullopt) == 2);
}

TEST_CASE("who stops a container is known from the engine's events, of earlier ones too") {
  Fixture fixture;
  FakeEngine fake(fixture.socket);
  for (const char digit : {'a', 'b', 'c', 'd'}) fake.set(digit, {});
  fake.event('a', "kill", R"({"signal":"15"})");
  fake.event('a', "kill", R"({"signal":"9"})");
  fake.event('a', "die", R"({"exitCode":"137"})");
  fake.event('a', "stop");
  fake.event('b', "stop");
  fake.event('b', "start");
  Engine engine(fixture.options, upstreams());
  REQUIRE(engine.follow(soon()));
  const auto stopped = [&] {
    std::string digits;
    for (const char digit : {'a', 'b', 'c', 'd'}) {
      if (engine.stop_requested(id_of(digit)) == true) digits += digit;
    }
    return digits;
  };
  CHECK(eventually([&] { return stopped() == "a"; }));
  fake.event('b', "kill", R"({"signal":"1"})");
  fake.event('b', "die", R"({"exitCode":"137"})");
  fake.event('c', "die", R"({"exitCode":"1"})");
  fake.event('c', "stop");
  CHECK(eventually([&] { return stopped() == "ac"; }));
  fake.event('d', "kill", R"({"signal":"9"})");
  fake.event('a', "start");
  CHECK(eventually([&] { return stopped() == "cd"; }));
  INFO("over a stream that is cut");
  fake.cut();
  fake.event('c', "start");
  CHECK(eventually([&] { return stopped() == "d"; }));
}

TEST_CASE("who stopped a container is not said when the engine no longer tells") {
  Fixture fixture;
  FakeEngine fake(fixture.socket);
  const auto ended = [](std::chrono::seconds ago) {
    const auto time = std::chrono::system_clock::now() - ago;
    return FakeContainer{
        .status = "exited",
        .finished = format_rfc3339(std::chrono::floor<std::chrono::milliseconds>(time)),
        .exit_code = 137};
  };
  std::unique_ptr<Engine> engine;
  const auto follow = [&] {
    engine = std::make_unique<Engine>(fixture.options, upstreams());
    const auto asked = fake.asked("/events");
    REQUIRE(engine->follow(soon()));
    REQUIRE(eventually([&] { return fake.asked("/events") == asked + 2; }));
  };
  const auto words = [&] {
    std::string text;
    for (const char digit : {'a', 'b', 'c', 'd', 'e'}) {
      const auto word = engine->stop_requested(id_of(digit));
      text += word ? (*word ? '1' : '0') : '-';
    }
    return text;
  };
  fake.set('a', ended(3h));
  fake.set('b', ended(1h));
  fake.set('c', ended(1h));
  fake.set('d', ended(-1h));
  fake.set('e', {});

  INFO("it tells of the last two hours");
  fake.event('e', "start", "{}", 2h);
  fake.event('c', "stop", "{}", 1h);
  follow();
  CHECK(words() == "-0100");
  INFO("the one that runs is ended");
  fake.set('e', ended(-1h));
  fake.event('e', "die");
  fake.event('e', "stop");
  CHECK(eventually([&] { return words() == "-0101"; }));

  INFO("it was started anew: what was heard is still known, but not to a new listener");
  fake.forget();
  const auto asked = fake.asked("/events");
  fake.cut();
  CHECK(eventually([&] { return fake.asked("/events") == asked + 2; }));
  CHECK(words() == "-0101");
  fake.set('d', ended(1h));
  fake.set('e', ended(1h));
  follow();
  CHECK(words() == "-----");
}

TEST_CASE("after an engine's restart its containers are listed again") {
  Fixture fixture;
  auto fake = std::make_unique<FakeEngine>(fixture.socket);
  fake->set('a', {});
  fake->set('b', {.name = "job"});
  Engine engine(fixture.options, upstreams());
  REQUIRE(engine.follow(soon()));
  CHECK(engine.view().up);
  fake.reset();
  std::filesystem::remove(fixture.socket);
  CHECK(eventually([&] { return !engine.view().up; }));
  CHECK(states(engine) == "web running\njob running\n");
  CHECK(engine.view().current);
  fake = std::make_unique<FakeEngine>(fixture.socket);
  fake->set('a', {.status = "exited"});
  CHECK(eventually([&] { return engine.view().up; }));
  CHECK(states(engine) == "web exited\n");
}

TEST_CASE("an engine that comes later is found; one that never came is nobody's failure") {
  Fixture fixture;
  Engine engine(fixture.options, upstreams());
  CHECK_FALSE(engine.follow(soon()));
  CHECK_FALSE(engine.view().up);
  FakeEngine fake(fixture.socket);
  fake.set('a', {});
  CHECK(engine.follow(soon()));
  CHECK(states(engine) == "web running\n");
}

TEST_CASE("garbage costs what it stands for, and no more") {
  Fixture fixture;
  FakeEngine fake(fixture.socket);
  fake.set('a', {});
  fake.set('b', {.name = "job"});
  fake.set_raw("/containers/" + id_of('b') + "/json", "{\"Id\":\"../../etc/passwd\"}");
  Engine engine(fixture.options, upstreams());
  REQUIRE(engine.follow(soon()));
  CHECK(states(engine) == "web running\n");

  INFO("an event that is none, or is too long, is left out of the stream");
  REQUIRE(eventually([&] { return fake.asked("/events") == 2; }));  // earlier ones, then the stream
  fake.garbage("no event\n");
  fake.garbage("{\"Action\":\"" + std::string(3 << 20, 'x') + "\"}\n");
  fake.set('a', {.status = "paused"});
  fake.event('a', "pause");
  CHECK(eventually([&] { return states(engine) == "web paused\n"; }));
  CHECK(fake.asked("/events") == 2);
  CHECK(engine.view().up);

  INFO("a list that is none leaves what was known");
  fake.set_raw("/containers/json", "{}");
  fake.cut();
  CHECK(eventually([&] { return !engine.view().up; }));
  CHECK(states(engine) == "web paused\n");
}

TEST_CASE("a container that its engine cannot describe costs itself") {
  Fixture fixture;
  FakeEngine fake(fixture.socket);
  fake.set('a', {});
  fake.set('b', {.name = "job"});
  fake.refuse('b');
  fake.set_raw("/containers/json", R"([{"Id":7,"State":"running"},{"Id":")" + id_of('b') +
                                       R"(","State":"running"},{"Id":")" + id_of('a') +
                                       R"(","State":"running"}])");
  Engine engine(fixture.options, upstreams());
  REQUIRE(engine.follow(soon()));
  CHECK(states(engine) == "web running\n");
  CHECK(engine.view().up);

  INFO("nor does an event of it end the stream");
  REQUIRE(eventually([&] { return fake.asked("/events") == 2; }));
  const auto asked = fake.asked("/containers/" + id_of('b') + "/json");
  fake.event('b', "die");
  CHECK(eventually([&] { return fake.asked("/containers/" + id_of('b') + "/json") > asked; }));
  fake.set('a', {.status = "paused"});
  fake.event('a', "pause");
  CHECK(eventually([&] { return states(engine) == "web paused\n"; }));
  CHECK(fake.asked("/events") == 2);
}

TEST_CASE("an event whose time is ahead hides no later one") {
  Fixture fixture;
  FakeEngine fake(fixture.socket);
  fake.set('a', {});
  Engine engine(fixture.options, upstreams());
  REQUIRE(engine.follow(soon()));
  REQUIRE(eventually([&] { return fake.asked("/events") == 2; }));
  fake.event('a', "update", "{}", -1min);
  REQUIRE(eventually([&] { return fake.asked("/containers/" + id_of('a') + "/json") == 2; }));
  fake.set('a', {.status = "paused"});
  fake.event('a', "pause");
  CHECK(eventually([&] { return states(engine) == "web paused\n"; }));
}

TEST_CASE("an engine that describes none of several containers has failed") {
  Fixture fixture;
  FakeEngine fake(fixture.socket);
  for (const char digit : {'a', 'b', 'c', 'd', 'e'}) {
    fake.set(digit, {});
    fake.refuse(digit);
  }
  Engine engine(fixture.options, upstreams());
  REQUIRE(engine.follow(soon()));
  CHECK_FALSE(engine.view().up);
}

TEST_CASE("of too many containers those that run are kept, and the others counted") {
  Fixture fixture;
  fixture.options.max_containers = 2;
  FakeEngine fake(fixture.socket);
  fake.set('1', {.name = "old", .status = "exited"});
  fake.set('2', {.name = "web"});
  fake.set('3', {.name = "dead", .status = "dead"});
  fake.set('4', {.name = "db", .status = "paused"});
  Engine engine(fixture.options, upstreams());
  REQUIRE(engine.follow(soon()));
  CHECK(states(engine) == "web running\ndb paused\n");
  CHECK(engine.view().dropped == 2);
  fake.set('5', {.name = "late"});
  fake.event('5', "start");
  CHECK(eventually([&] { return engine.view().dropped == 3; }));
  CHECK(states(engine) == "web running\ndb paused\n");
}

TEST_CASE("the stream ends when the next listing is due, which inspects only what has changed") {
  Fixture fixture;
  fixture.options.relist_every = 1s;
  FakeEngine fake(fixture.socket);
  fake.set('a', {});
  fake.set('b', {.name = "job"});
  Engine engine(fixture.options, upstreams());
  REQUIRE(engine.follow(soon()));
  CHECK(eventually([&] { return fake.asked("/containers/json") >= 2; }));
  fake.set('b', {.name = "job", .status = "exited"});  // without an event
  CHECK(eventually([&] { return states(engine) == "web running\njob exited\n"; }));
  CHECK(engine.view().up);
  CHECK(fake.asked("/containers/" + id_of('a') + "/json") == 1);
  CHECK(fake.asked("/containers/" + id_of('b') + "/json") == 2);
  CHECK(fake.asked("/info") == 1);
}

TEST_CASE("a follower ends at once, whatever its engine does") {
  Fixture fixture;
  const auto took = [&](const Script& script) {
    std::filesystem::remove(fixture.socket);
    const ScriptedServer server(fixture.socket, script);
    auto engine = std::make_unique<Engine>(fixture.options, upstreams());
    engine->follow(Clock::now() + 100ms);
    const auto begun = Clock::now();
    engine.reset();
    return Clock::now() - begun;
  };
  CHECK(took([](Peer& peer) { peer.wait_closed(); }) < kAtOnce);
  CHECK(took([](Peer& peer) {
          peer.read_request();
          peer.write(reply(200, "{}"));
          peer.read_request();
          peer.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[");
          peer.wait_closed();
        }) < kAtOnce);
  fixture.options.first_pause = 60s;
  CHECK(took([](Peer& peer) { peer.reset(); }) < kAtOnce);
}

TEST_CASE("a bad item of the list of containers costs itself alone") {
  const auto item = [](char id, const std::string& state) {
    return "{\"Id\": \"" + std::string(64, id) + "\", \"State\": " + state + "}";
  };
  const std::vector<std::string> good{item('a', "\"running\""), item('b', "\"exited\""),
                                      item('c', "\"dead\"")};
  const auto bad = GENERATE_COPY(values<std::string>(
      {"7", "null", "\"a\"", "[]", "{}", R"({"Id": null})", R"({"Id": 7})", R"({"Id": "a"})",
       R"({"Id": "../../info"})", "{\"Id\": \"" + std::string(100'000, 'a') + "\"}", item('d', "7"),
       item('d', "{}"), item('d', "1e300")}));
  for (std::size_t at = 0; at <= good.size(); ++at) {
    CAPTURE(bad.substr(0, 100), at);
    std::string list, ids;
    for (std::size_t i = 0; i <= good.size(); ++i) {
      if (i == at) list += (i == 0 ? "" : ", ") + bad;
      if (i < good.size()) list += (list.empty() ? "" : ", ") + good[i];
    }
    for (const auto& each : container::parse_list(Json::parse("[" + list + "]", "list"))) {
      ids += each.id.substr(0, 1);
    }
    CHECK(ids == "abc");
  }
}
