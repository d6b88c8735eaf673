// Reloads that fail in every way, and generations whose collectors hang. What hangs waits for the
// test to release it; every other wait is for something that happens.

#include "common/app/generations.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <filesystem>
#include <future>
#include <new>
#include <thread>

#include "common/base/error.h"

using namespace exporter;
using namespace std::chrono_literals;

namespace {

constexpr auto kGauge = gauge("test_value", "Help.");
constexpr auto kLong = 60s;  // not reached unless the test fails

/// An exporter with one collector, which hangs while `hang` is set.
class Source {
 public:
  Source() {
    app_.name = "test_exporter";
    app_.sources.make = [this](const SourceInputs&) {
      fault();
      return std::shared_ptr<void>(this, [](void*) {});
    };
    static constexpr MetricView kMetrics[] = {kGauge};
    const Module<Source> module{.name = "test",
                                .enabled = Module<Source>::Default::on,
                                .metrics = kMetrics,
                                .flags = {},
                                .make = run<collect>,
                                .schedule = Every{1ms, 1h}};
    app_.modules.emplace_back(module);
  }

  const App& app() const { return app_; }
  const Command& command() const { return command_; }

  void release() {
    if (!is_released_) release_.set_value();
    is_released_ = true;
  }
  /// Waits until that many runs hang.
  void wait_for_hanging(int count) const {
    const auto until = Clock::now() + kLong;
    while (hanging_ < count && Clock::now() < until) std::this_thread::sleep_for(1ms);
    REQUIRE(hanging_ >= count);
  }

  std::function<void()> fault = [] {};  ///< called when a generation is built
  std::atomic<bool> hang = false;
  std::atomic<int> runs = 0;

 private:
  static void collect(Source& source, Samples& samples, const Deadline&) {
    ++source.runs;
    samples.add(kGauge, 1);
    if (!source.hang) return;
    ++source.hanging_;
    source.released_.wait();
  }

  App app_;
  Command command_;
  std::promise<void> release_;
  std::shared_future<void> released_ = release_.get_future().share();
  bool is_released_ = false;
  std::atomic<int> hanging_ = 0;
};

/// Releases runs that hang, then destroys the generations before the source that they use.
struct Exporter {
  Source source;
  Generations generations{source.app(), source.command()};

  Exporter() = default;
  ~Exporter() { source.release(); }
  Exporter(const Exporter&) = delete;
  Exporter& operator=(const Exporter&) = delete;
};

std::string page_of(Generations& generations) {
  Exposition::Query query;
  query.until = Clock::now() + kLong;
  return generations.current()->scrape(query).joined();
}

bool shows(Generations& generations, const std::string& line) {
  return page_of(generations).find('\n' + line + '\n') != std::string::npos;
}

}  // namespace

TEST_CASE("whatever a reload throws, the old generation stays and the failure shows") {
  Exporter exporter;
  auto& source = exporter.source;
  auto& generations = exporter.generations;
  generations.load();
  const auto first = generations.current();
  CHECK(shows(generations, "exporter_config_last_reload_successful 1"));

  const auto refused = [&](std::function<void()> fault) {
    source.fault = std::move(fault);
    const auto error = generations.reload();
    CHECK(generations.current() == first);
    CHECK(shows(generations, "exporter_config_last_reload_successful 0"));
    source.fault = [] {};
    CHECK_FALSE(generations.reload());
    CHECK(shows(generations, "exporter_config_last_reload_successful 1"));
    return error.value_or("no error");
  };
  SECTION("an Error") {
    CHECK(refused([] { throw Error(Reason::config, "a.yml:1:1: wrong"); }) == "a.yml:1:1: wrong");
  }
  SECTION("an exception of the standard library") {
    CHECK(refused([] { throw std::bad_alloc(); }) == "std::bad_alloc");
  }
  SECTION("an exception of a file system") {
    const auto error = refused([] {
      throw std::filesystem::filesystem_error(
          "status", "state", std::make_error_code(std::errc::too_many_symbolic_link_levels));
    });
    CHECK(error.find("Too many levels of symbolic links") != std::string::npos);
  }
  SECTION("what is no exception") {
    CHECK(refused([] { throw 7; }) == "an exception of unknown type");  // NOLINT
  }
}

TEST_CASE("a configuration that is checked is built, and nothing of it runs") {
  Exporter exporter;
  auto& source = exporter.source;
  auto& generations = exporter.generations;
  for (int i = 0; i < 100; ++i) generations.check();
  source.fault = [] { throw Error(Reason::config, "refused"); };
  CHECK_THROWS_AS(generations.check(), Error);
  REQUIRE(generations.end(Clock::now() + kLong));
  CHECK(source.runs == 0);
  CHECK(generations.current() == nullptr);
}

TEST_CASE("a reload that is late counts as failed until it is done, and not any more then") {
  Exporter exporter;
  auto& generations = exporter.generations;
  generations.load();
  std::promise<void> begun, go_on;
  exporter.source.fault = [&] {
    begun.set_value();
    go_on.get_future().wait();
  };
  auto reload = std::async(std::launch::async, [&] { return generations.reload(); });
  begun.get_future().wait();
  generations.note_late_reload();
  CHECK(shows(generations, "exporter_config_last_reload_successful 0"));
  go_on.set_value();
  CHECK_FALSE(reload.get());
  CHECK(shows(generations, "exporter_config_last_reload_successful 1"));
  generations.note_late_reload();  // called just before the reload ended
  CHECK(shows(generations, "exporter_config_last_reload_successful 1"));
}

TEST_CASE("a collector that hangs delays neither a reload nor the scrape that used it last") {
  constexpr int kReloads = 10;
  Exporter exporter;
  auto& source = exporter.source;
  auto& generations = exporter.generations;
  source.hang = true;
  generations.load();
  const auto begin = Clock::now();
  for (int i = 1; i <= kReloads; ++i) {
    source.wait_for_hanging(i);
    auto scraped = generations.current();
    generations.load();
    scraped = nullptr;
  }
  CHECK(Clock::now() - begin < kReloads * 500ms);  // each waits up to 1 s at its end
  CHECK_FALSE(generations.end(Clock::now() + 10ms));
  source.release();
  CHECK(generations.end(Clock::now() + kLong));
}

TEST_CASE("with too many generations that hang there is no reload until some have ended") {
  Exporter exporter;
  auto& source = exporter.source;
  auto& generations = exporter.generations;
  source.hang = true;
  generations.load();
  for (int i = 1; i <= static_cast<int>(Generations::kMaxAbandoned) + 1; ++i) {
    source.wait_for_hanging(i);
    REQUIRE_FALSE(generations.reload());
  }
  const auto last = generations.current();
  CHECK(generations.reload() ==
        "more than 16 replaced configurations have a collector that hangs: restart the exporter");
  CHECK(generations.current() == last);
  CHECK(shows(generations, "exporter_config_last_reload_successful 0"));
  source.hang = false;
  source.release();
  CHECK_FALSE(generations.reload());
}

TEST_CASE("the end waits for collectors that run, and for all generations") {
  Exporter exporter;
  auto& generations = exporter.generations;
  for (int i = 0; i < 3; ++i) generations.load();
  CHECK(generations.end(Clock::now() + kLong));
}
