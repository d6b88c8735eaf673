#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdlib>
#include <random>

#include "common/base/text.h"
#include "common/config/json.h"
#include "exporters/snowflake/usage.h"
#include "tests/exporters/snowflake/account_server.h"
#include "tests/support/temporary_directory.h"

using namespace exporter;
using namespace exporter::snowflake;
using namespace std::chrono_literals;
using std::chrono::seconds;
using std::chrono::sys_seconds;

namespace {

constexpr auto kThings = counter("snowflake_test_things_total", "Things.", "account", "kind");
constexpr auto kTime = counter("snowflake_test_time_seconds_total", "Time.", "account", "kind");
constexpr auto kDuration = histogram("snowflake_test_seconds", "Time of one.", "account", "kind");
constexpr auto kDaily = counter("snowflake_test_daily_total", "Things.", "account", "kind");

constexpr std::string_view kLabels[] = {"L_KIND"};
constexpr Value kValues[] = {{"V_COUNT", kThings}, {"V_MS", kTime, 0.001}},
                kDailyValues[] = {{"V_COUNT", kDaily}};
constexpr double kBounds[] = {1, 10};
constexpr std::string_view kBoundColumns[] = {"LE_1", "LE_10"};
constexpr Buckets kHistograms[] = {{kDuration, kBounds, kBoundColumns, "V_COUNT", "V_MS", 0.001}};
constexpr seconds kLatest = 6h;
constexpr UsageStatement kStatements[] = {
    {.name = "things",
     .text = "SELECT 3600 {lo} {hi}",
     .labels = kLabels,
     .bucket = 1h,
     .horizon = kLatest,
     .counters = kValues,
     .histograms = kHistograms},
    {.name = "days",
     .text = "SELECT 86400 {lo} {hi}",
     .labels = kLabels,
     .bucket = 24h,
     .horizon = 30h,
     .counters = kDailyValues},
};
constexpr Group kGroup{"things", 1h, kStatements, "USAGE_VIEWER"};

sys_seconds now;

/// Shown or expected sums in thousandths, by family and the label `kind`.
using Sums = std::map<std::string, std::int64_t>;

/// A simulated account: events, and from when on each is visible.
class World {
 public:
  explicit World(std::uint64_t seed) : random_(seed) {}

  std::uint64_t below(std::uint64_t limit) {
    return std::uniform_int_distribution<std::uint64_t>(0, limit - 1)(random_);
  }

  void pass(seconds time) {
    now += time;
    for (auto count = below(4); count > 0; --count) happen(1 + below(5), below(20'000));
    for (auto& thing : things_) {
      if (below(40) == 0) correct(thing);
    }
  }

  /// Lets every series grow by more than any correction took from it.
  void grow() {
    for (const auto* kind : kKinds) {
      for (const std::uint64_t ms : {500, 5'000, 50'000}) {
        things_.push_back({now - 1h, {{now, kind, 1'000'000, ms}}});
      }
    }
  }

  /// The answer to a statement; some are simulated failures.
  std::string answer(std::string_view text) {
    if (below(100) < failures) {
      return below(2) == 0 ? failure_reply("000603", "internal error") : reply(200, "<html>");
    }
    next_word(text);
    const seconds width(parse_number<std::int64_t>(next_word(text)).value());
    if (width == refused) return failure_reply("003001", "insufficient privileges");
    const auto time = [&] {
      return sys_seconds(seconds(parse_number<std::int64_t>(next_word(text)).value()));
    };
    const auto lo = time(), hi = time();
    first_.try_emplace(width, lo);
    std::string rows;
    for (const auto& [key, sum] : grouped(width, now)) {
      if (key.first < lo || key.first >= hi) continue;
      rows += (rows.empty() ? "[\"" : ",[\"") + key.second;
      const auto bucket = key.first.time_since_epoch().count();
      for (const auto number :
           {static_cast<std::uint64_t>(bucket), sum.count, sum.ms, sum.one, sum.ten}) {
        rows += "\",\"" + std::to_string(number);
      }
      rows += "\"]";
    }
    return reply(200, rows_body("L_KIND,B,V_COUNT,V_MS,LE_1,LE_10", rows));
  }

  /// The expected counters once all events are visible.
  Sums truth() const {
    Sums sums;
    for (const auto& [key, sum] : grouped(1h, sys_seconds::max())) {
      if (key.first < first_.at(1h)) continue;
      const auto add = [&](const std::string& family, std::uint64_t value) {
        sums[family + ' ' + key.second] += static_cast<std::int64_t>(value);
      };
      add("snowflake_test_things_total", sum.count * 1000);
      add("snowflake_test_time_seconds_total", sum.ms);
      add("snowflake_test_seconds_sum", sum.ms);
      add("snowflake_test_seconds_count", sum.count * 1000);
      add("snowflake_test_seconds_bucket 1.0", sum.one * 1000);
      add("snowflake_test_seconds_bucket 10.0", sum.ten * 1000);
      add("snowflake_test_seconds_bucket +Inf", sum.count * 1000);
    }
    for (const auto& [key, sum] : grouped(24h, sys_seconds::max())) {
      if (key.first < first_.at(24h)) continue;
      sums["snowflake_test_daily_total " + key.second] +=
          static_cast<std::int64_t>(sum.count * 1000);
    }
    return sums;
  }

  std::uint64_t failures = 0;  ///< percent
  seconds refused{};           ///< the bucket width of the statement that always fails

 private:
  struct Version {
    sys_seconds seen;
    std::string kind;
    std::uint64_t count, ms;  ///< how many, and the duration of each
  };
  struct Thing {
    sys_seconds when;
    std::vector<Version> versions;
  };
  struct Sum {
    std::uint64_t count = 0, ms = 0, one = 0, ten = 0;
  };
  static constexpr const char* kKinds[] = {"x", "y", "", "long name"};

  std::string any_kind() { return kKinds[below(std::size(kKinds))]; }

  void happen(std::uint64_t count, std::uint64_t ms) {
    const auto when = now - seconds(below(3600));
    const auto seen = std::max(now, when + seconds(below(kLatest.count() / 2)));
    things_.push_back({when, {{seen, any_kind(), count, ms}}});
  }

  /// Changes its kind or its values, or removes it.
  void correct(Thing& thing) {
    const auto last = thing.versions.back();
    const auto seen = std::max(now, last.seen) + seconds(below(3600));
    if (seen > thing.when + kLatest) return;
    auto next = last;
    next.seen = seen;
    if (below(2) == 0) next.kind = any_kind();
    if (below(2) == 0) next.ms = below(20'000);
    if (below(2) == 0) next.count = below(6);
    thing.versions.push_back(next);
  }

  std::map<std::pair<sys_seconds, std::string>, Sum> grouped(seconds width, sys_seconds at) const {
    std::map<std::pair<sys_seconds, std::string>, Sum> groups;
    for (const auto& thing : things_) {
      const auto found = std::find_if(thing.versions.rbegin(), thing.versions.rend(),
                                      [&](const auto& version) { return version.seen <= at; });
      if (found == thing.versions.rend() || found->count == 0) continue;
      const sys_seconds bucket(thing.when.time_since_epoch() / width * width);
      auto& sum = groups[{bucket, found->kind}];
      sum.count += found->count;
      sum.ms += found->count * found->ms;
      sum.one += found->ms <= 1'000 ? found->count : 0;
      sum.ten += found->ms <= 10'000 ? found->count : 0;
    }
    return groups;
  }

  std::mt19937_64 random_;
  std::vector<Thing> things_;
  std::map<seconds, sys_seconds> first_;  ///< start of counting, by bucket width
};

/// The exporter's reader of usage, which can be restarted.
class Reader {
 public:
  Reader(World& world, std::string state)
      : world_(world),
        state_(std::move(state)),
        server_(::answer([this](const std::string& request) { return answer_to(request); })) {
    restart();
  }

  /// Discards the state in memory; with a state directory, all of it.
  void restart() {
    usage_.reset();
    account_.reset();
    if (!ledgers_ || !state_.empty()) {
      held_.reset();
      ledgers_ = std::make_shared<Ledgers>(state_);
      held_ = ledgers_->open("snowflake_things", "prod", {});
    }
    account_ = account_of(server_.url(), "warehouse: W, credits_per_day: 0, cycle: 15m", ledgers_);
    account_->clock = [] { return now; };
    account_->warehouse->spending().set_clock([] { return now; });
    usage_.emplace(*account_, kGroup);
  }

  Sums collect() {
    Samples samples;
    usage_->collect(samples, Deadline::in(5min));
    has_failed = samples.failure().has_value();
    std::string page;
    samples.render(Format::text, page);
    Sums sums;
    for (std::string_view rest = page; !rest.empty();) {
      const auto line = next_part(rest, '\n');
      if (!line.starts_with("snowflake_test_")) continue;
      auto name = std::string(line.substr(0, line.find('{')));
      if (name.ends_with("_bucket")) name += ' ' + label(line, "le");
      const auto value = parse_number<double>(line.substr(line.rfind(' ') + 1)).value();
      sums[name + ' ' + label(line, "kind")] = std::llround(value * 1000);
    }
    return sums;
  }

  bool has_failed = false;

 private:
  static std::string label(std::string_view line, const std::string& name) {
    const auto begin = line.find(name + "=\"") + name.size() + 2;
    return std::string(line.substr(begin, line.find('"', begin) - begin));
  }

  std::string answer_to(const std::string& request) {
    const auto body = Json::parse(request.substr(request.find("\r\n\r\n") + 4), "request");
    const auto text = body.at("statement").string();
    if (text.starts_with("SELECT")) return world_.answer(text);
    return reply(200,
                 rows_body("name,size,type,auto_suspend", R"(["W","X-Small","STANDARD","60"])"));
  }

  World& world_;
  const std::string state_;
  ScriptedServer server_;
  std::shared_ptr<Ledgers> ledgers_;
  std::optional<SharedLedger> held_;  ///< keeps the ledger alive if it is in memory only
  std::shared_ptr<Account> account_;
  std::optional<Usage> usage_;
};

/// Simulates some days with outages, failures and restarts, then reads everything.
void check(std::uint64_t seed, const std::string& state = {}) {
  // A ledger counts from the time of its creation, by this machine's clock.
  now = std::chrono::floor<std::chrono::days>(std::chrono::system_clock::now()) + 240h;
  World world(seed);
  now += seconds(world.below(86'400));
  Reader reader(world, state);
  INFO("seed " << seed);
  Sums shown;
  const auto collect = [&] {
    const auto next = reader.collect();
    const auto falls = [&](const auto& entry) { return next.at(entry.first) < entry.second; };
    REQUIRE(std::ranges::none_of(shown, falls));
    shown = next;
  };
  int outages = 0;
  for (auto steps = 10 + world.below(40); steps > 0; --steps) {
    world.pass(1min + seconds(world.below(5400)));
    if (world.below(20) == 0 && ++outages <= 2) {  // events older than a week are not read again
      for (auto outage = world.below(40); outage > 0; --outage) world.pass(1h);
    }
    world.failures = world.below(4) == 0 ? 50 : 0;
    constexpr seconds kRefused[] = {0h, 1h, 24h};
    if (world.below(8) == 0) world.refused = kRefused[world.below(std::size(kRefused))];
    collect();
    if (world.below(8) == 0) reader.restart();
  }
  world.failures = 0;
  world.refused = 0h;
  for (int hours = 0; hours < 8; ++hours) {
    now += 1h;
    collect();
  }
  world.grow();
  now += 1h;
  collect();
  CHECK_FALSE(reader.has_failed);
  CHECK(shown == world.truth());
}

}  // namespace

TEST_CASE("whatever is late, corrected, renamed or failed, counters are what happened") {
  const char* const wanted = std::getenv("SNOWFLAKE_HISTORIES");
  const auto count = parse_number<std::uint64_t>(wanted ? wanted : "").value_or(1000);
  for (std::uint64_t seed = 1; seed <= count; ++seed) check(seed);
}

TEST_CASE("counters on the disk are what happened, after restarts too") {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    const TemporaryDirectory state;
    check(1'000'000 + seed, state.path());
  }
}
