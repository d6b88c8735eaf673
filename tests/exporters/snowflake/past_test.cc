#include "exporters/snowflake/past.h"

#include "common/base/error.h"
#include "tests/exporters/snowflake/account_server.h"
#include "tests/support/error_of.h"

using namespace exporter;
using namespace exporter::snowflake;
using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using std::chrono::sys_seconds;

namespace {

constexpr auto kThings = counter("snowflake_test_things_total", "Things.", "account", "kind");
constexpr auto kSize = gauge("snowflake_test_bytes", "Size.", "account", "kind");
constexpr std::string_view kLabels[] = {"L_KIND"};
constexpr Value kValues[] = {{"V_A", kThings}}, kGauges[] = {{"G_SIZE", kSize}};
constexpr Top kTop{"L_KIND", 1, "V_A"};
constexpr UsageStatement kStatements[] = {
    {.name = "things",
     .text = "SELECT THINGS {lo} {hi}",
     .labels = kLabels,
     .bucket = hours(1),
     .horizon = hours(6),
     .counters = kValues},
    {.name = "now", .text = "SELECT NOW", .labels = kLabels, .gauges = kGauges},
};
constexpr UsageStatement kDaily[] = {{.name = "days",
                                      .text = "SELECT DAYS {lo} {hi}",
                                      .labels = kLabels,
                                      .horizon = hours(48),
                                      .gauges = kGauges,
                                      .has_days = true}};
constexpr UsageStatement kLargest[] = {{.name = "top",
                                        .text = "SELECT TOP {lo} {hi}",
                                        .labels = kLabels,
                                        .bucket = hours(1),
                                        .horizon = hours(6),
                                        .counters = kValues,
                                        .top = &kTop}};
constexpr Group kGroup{"things", hours(1), kStatements, "USAGE_VIEWER"},
    kDays{"days", hours(3), kDaily, "USAGE_VIEWER"}, kTopGroup{"top", hours(1), kLargest, ""};

const sys_seconds kStart = std::chrono::sys_days(std::chrono::year(2026) / 3 / 1);
sys_seconds now;

std::string at(sys_seconds time) { return std::to_string(time.time_since_epoch().count()); }

std::string window(const std::string& statement, sys_seconds lo, sys_seconds hi) {
  return "SELECT " + statement + " " + at(lo) + " " + at(hi) + "\"";
}

std::string row(const std::string& kind, sys_seconds time, int value) {
  return R"([")" + kind + R"(",")" + at(time) + R"(",")" + std::to_string(value) + R"("])";
}

/// Reads the past of a group, up to the current time at most.
class Reader {
 public:
  explicit Reader(const std::string& more = "")
      : account_(account_of(server.url(), "warehouse: W" + more)) {
    account_->clock = [] { return now; };
    account_->past_warehouse->spending().set_clock([] { return now; });
    server.set_rows("SHOW WAREHOUSES\"", "name,size,type,state,auto_suspend",
                    R"(["W","X-Small","STANDARD","SUSPENDED","60"])");
  }

  AccountServer server;
  std::string prefix = "snowflake_test_";

  /// Reads up to a time. Returns the new lines that start with the prefix.
  std::string read(const Group& group, sys_seconds until, std::optional<sys_seconds> to,
                   seconds step = hours(1)) {
    if (!past_) past_.emplace(*account_, group, PastRange{kStart, to, step});
    past_->read(until, page_, Deadline::in(minutes(5)));
    std::string text, lines;
    page_.write([&](std::string_view part) { text += part; });
    for (std::string_view rest = text; !rest.empty();) {
      const auto line = rest.substr(0, rest.find('\n') + 1);
      if (line.starts_with(prefix)) lines += line;
      rest.remove_prefix(line.size());
    }
    return lines;
  }

 private:
  std::shared_ptr<Account> account_;
  std::optional<Past> past_;
  TimedSamples page_;
};

std::string line(const std::string& kind, int value, sys_seconds time,
                 const std::string& family = "things_total") {
  return "snowflake_test_" + family + R"({account="prod",kind=")" + kind + R"("} )" +
         std::to_string(value) + " " + at(time) + "\n";
}

}  // namespace

TEST_CASE("a row is shown at the end of its bucket, and at the end all is reset") {
  now = kStart + days(3);
  Reader reader;
  const auto to = kStart + hours(2) + minutes(20), end = kStart + hours(3);
  reader.server.set_rows(
      window("THINGS", kStart, end), "L_KIND,B,V_A",
      row("a", kStart + hours(2), 4) + "," + row("a", kStart, 5) + "," + row("b", kStart, 1));
  CHECK(reader.read(kGroup, sys_seconds::max(), to) ==
        line("a", 0, kStart + seconds(1)) + line("a", 5, kStart + hours(1)) +
            line("a", 5, kStart + hours(2)) + line("a", 9, end) + line("a", 0, end + seconds(1)) +
            line("b", 0, kStart + seconds(1)) + line("b", 1, kStart + hours(1)) +
            line("b", 1, kStart + hours(2)) + line("b", 1, end) + line("b", 0, end + seconds(1)));
  CHECK(reader.server.count("SELECT NOW") == 0);
  CHECK(reader.read(kGroup, sys_seconds::max(), to).empty());
}

TEST_CASE("a view was read up to the time that is shown") {
  now = kStart + days(3);
  Reader reader;
  reader.server.set_rows("SELECT THINGS", "L_KIND,B,V_A", "");
  reader.prefix = "snowflake_read";
  CHECK(reader.read(kGroup, sys_seconds::max(), kStart + hours(1)) ==
        R"(snowflake_read_timestamp_seconds{account="prod",statement="things"} )" +
            at(kStart + hours(1)) + " " + at(kStart + hours(1)) + "\n");
}

TEST_CASE("what has not passed is not shown, and the past ends where the ledger begins") {
  now = std::chrono::floor<seconds>(Ledger::wall_clock());
  Reader reader;
  const auto end = now - now.time_since_epoch() % hours(1);
  reader.server.set_rows("SELECT THINGS", "L_KIND,B,V_A", "");
  reader.read(kGroup, sys_seconds::max(), std::nullopt, days(1));
  CHECK(reader.server.count(" " + at(end) + "\"") == 1);
  now = kStart + hours(10) + minutes(30);
  Reader early;
  early.server.set_rows("SELECT THINGS", "L_KIND,B,V_A", "");
  early.read(kGroup, sys_seconds::max(), kStart + days(9), days(1));
  CHECK(early.server.count(window("THINGS", kStart, kStart + hours(10))) == 1);
}

TEST_CASE("counters go on from one piece of the past to the next") {
  now = kStart + days(3);
  Reader reader;
  const auto middle = kStart + hours(1), end = kStart + hours(2);
  reader.server.set_rows(window("THINGS", kStart, middle), "L_KIND,B,V_A", row("a", kStart, 5));
  reader.server.set_rows(window("THINGS", middle, end), "L_KIND,B,V_A", row("a", middle, 2));
  CHECK(reader.read(kGroup, middle, end) ==
        line("a", 0, kStart + seconds(1)) + line("a", 5, middle));
  CHECK(reader.read(kGroup, sys_seconds::max(), end) ==
        line("a", 7, end) + line("a", 0, end + seconds(1)));
}

TEST_CASE("what takes too long is read in halves") {
  now = kStart + days(3);
  Reader reader;
  const auto middle = kStart + hours(2), end = kStart + hours(4);
  reader.server.set(
      window("THINGS", kStart, end),
      reply(408, R"({"code":"000630","message":"timeout"})", "Content-Type: application/json\r\n"));
  reader.server.set_rows(window("THINGS", kStart, middle), "L_KIND,B,V_A", row("a", kStart, 5));
  reader.server.set_rows(window("THINGS", middle, end), "L_KIND,B,V_A", row("a", middle, 2));
  CHECK_THAT(reader.read(kGroup, sys_seconds::max(), end), Catch::Contains(line("a", 7, end)));
  CHECK(reader.server.count("SELECT THINGS") == 3);
}

TEST_CASE("a day is shown from its end on, until there is one that is newer or it is too old") {
  now = kStart + days(9);
  Reader reader;
  const auto end = kStart + days(4);
  reader.server.set_rows(
      window("DAYS", kStart - hours(48), end), "L_KIND,DAY,G_SIZE",
      row("a", kStart - days(1), 1) + "," + row("a", kStart, 2) + "," + row("b", kStart, 3));
  const std::string bytes = "bytes";
  CHECK(reader.read(kDays, sys_seconds::max(), end, hours(24)) ==
        line("a", 2, kStart + days(1), bytes) + line("a", 2, kStart + days(2), bytes) +
            line("b", 3, kStart + days(1), bytes) + line("b", 3, kStart + days(2), bytes));
}

TEST_CASE("the largest of a piece are shown in all of it") {
  now = kStart + days(3);
  Reader reader;
  const auto end = kStart + hours(2);
  reader.server.set_rows(
      window("TOP", kStart, end), "L_KIND,B,V_A",
      row("a", kStart, 5) + "," + row("b", kStart, 3) + "," + row("c", kStart + hours(1), 1));
  const auto lines = reader.read(kTopGroup, sys_seconds::max(), end);
  CHECK_THAT(lines, Catch::Contains(line("a", 5, kStart + hours(1))));
  CHECK_THAT(lines, Catch::Contains(line("other", 3, kStart + hours(1))));
  CHECK_THAT(lines, Catch::Contains(line("other", 4, end)));
}

TEST_CASE("what reads the past spends no more than its own credits") {
  now = kStart + days(3);
  Reader reader(", backfill_credits: 0.06");
  reader.server.set_rows("SHOW WAREHOUSES\"", "name,size,type,state,auto_suspend",
                         R"(["W","X-Small","STANDARD","SUSPENDED","600"])");
  CHECK(error_of(Reason::rate_limited, [&] {
          reader.read(kGroup, sys_seconds::max(), kStart + hours(4));
        }).find("the day's credits do not suffice") != std::string::npos);
  CHECK(reader.server.count("SELECT THINGS") == 0);
}
