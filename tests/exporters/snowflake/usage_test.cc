#include "exporters/snowflake/usage.h"

#include "common/base/error.h"
#include "common/base/time.h"
#include "tests/exporters/snowflake/account_server.h"
#include "tests/support/error_of.h"
#include "tests/support/temporary_folder.h"

using namespace exporter;
using namespace exporter::snowflake;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using std::chrono::sys_seconds;

namespace {

constexpr auto kThings =
    counter("snowflake_test_things_total", "Things.", "account", "kind", "part");
constexpr auto kTime = histogram("snowflake_test_seconds", "Time of things.", "account", "kind");
constexpr auto kSize = gauge("snowflake_test_bytes", "Size now.", "account", "kind");

constexpr std::string_view kLabels[] = {"L_KIND"}, kNamed[] = {"L_ID", "N_KIND"};
constexpr Value kValues[] = {{"V_A", kThings, 1, "a"}, {"V_B_MS", kThings, 0.001, "b"}};
constexpr double kBounds[] = {1, 10};
constexpr std::string_view kBoundColumns[] = {"LE_1", "LE_10"};
constexpr Buckets kHistograms[] = {{kTime, kBounds, kBoundColumns, "V_A", "V_B_MS", 0.001}};
constexpr Value kGauges[] = {{"G_SIZE", kSize}};
constexpr UsageStatement kThingsStatement[] = {
    {.name = "things",
     .text = "SELECT THINGS {lo} {hi} '{lo_date}' '{hi_date}'",
     .labels = kLabels,
     .bucket = hours(1),
     .horizon = hours(6),
     .counters = kValues,
     .histograms = kHistograms},
};
constexpr Value kNamedValues[] = {{"V_A", kThings, 1, "a"}};
constexpr UsageStatement kNamedStatement[] = {{.name = "named",
                                               .text = "SELECT NAMED {lo} {hi}",
                                               .labels = kNamed,
                                               .bucket = hours(1),
                                               .horizon = hours(6),
                                               .counters = kNamedValues}};
constexpr UsageStatement kSizeStatement[] = {
    {.name = "sizes", .text = "SELECT SIZES", .labels = kLabels, .gauges = kGauges}};
constexpr UsageStatement kDailyStatement[] = {{.name = "days",
                                               .text = "SELECT DAYS '{lo_date}' {lo} {hi}",
                                               .labels = kLabels,
                                               .horizon = hours(72),
                                               .gauges = kGauges,
                                               .has_days = true}};
constexpr Group kGroup{"things", hours(1), kThingsStatement, "USAGE_VIEWER"};
constexpr Group kNamedGroup{"named", hours(1), kNamedStatement, "USAGE_VIEWER"};
constexpr Group kSizes{"sizes", hours(3), kSizeStatement, "USAGE_VIEWER"};
constexpr Group kDays{"days", hours(3), kDailyStatement, "USAGE_VIEWER"};

sys_seconds now;

/// Tomorrow: a ledger counts from its start on, which is today.
sys_seconds tomorrow() {
  const auto today = std::chrono::floor<std::chrono::days>(std::chrono::system_clock::now());
  return today + std::chrono::days(1);
}

std::string at(sys_seconds time) { return std::to_string(time.time_since_epoch().count()); }

/// A group of an account whose warehouse costs a credit an hour.
class Reader {
 public:
  explicit Reader(const Group& group, const std::string& entry = "", const std::string& folder = "")
      : account_(account_of(
            server.url(),
            "warehouse: W, cycle: 15m" + (entry.empty() ? ", credits_per_day: 0" : entry),
            std::make_shared<Ledgers>(folder))),
        usage_(*(set_clock(), account_), group) {
    set_warehouse("60");
  }

  AccountServer server;

  void set_warehouse(const std::string& auto_suspend) {
    server.set_rows("SHOW WAREHOUSES\"", "name,size,type,state,auto_suspend",
                    R"(["W","X-Small","STANDARD","SUSPENDED",")" + auto_suspend + R"("])");
  }

  /// A value of the page by its series; -1 where there is none.
  double value(const std::string& series) {
    Samples samples;
    usage_.collect(samples, Deadline::in(minutes(5)));
    account_->read_times.add_to(samples, account_->name);
    failure = samples.failure() ? samples.failure()->what() : "";
    waits_until = samples.failure() ? samples.failure()->not_before() : std::nullopt;
    std::string page;
    samples.render(Format::text, page);
    const auto found = page.find('\n' + series + ' ');
    return found == std::string::npos ? -1 : std::stod(page.substr(found + series.size() + 2));
  }

  std::string failure;
  std::optional<Clock::time_point> waits_until;

 private:
  void set_clock() {
    account_->clock = [] { return now; };
    account_->warehouse->spending().set_clock([] { return now; });
  }

  std::shared_ptr<Account> account_;
  Usage usage_;
};

constexpr const char* kA = R"(snowflake_test_things_total{account="prod",kind="x",part="a"})";
constexpr const char* kB = R"(snowflake_test_things_total{account="prod",kind="x",part="b"})";
constexpr const char* kColumns = "L_KIND,B,V_A,V_B_MS,LE_1,LE_10,NEWEST";

std::string row(sys_seconds bucket, const std::string& kind, int count) {
  const auto n = std::to_string(count);
  return R"([")" + kind + R"(",")" + at(bucket) + R"(",")" + n + R"(",")" + n + R"(000","0",")" +
         n + R"(",")" + at(bucket + minutes(10)) + R"("])";
}

}  // namespace

TEST_CASE("what a statement reads again counts once, and a correction replaces it") {
  now = tomorrow() + hours(3);
  Reader reader(kGroup);
  reader.server.set_rows("SELECT THINGS", kColumns, row(now - hours(2), "x", 5));
  CHECK(reader.value(kA) == 5);
  CHECK(reader.value(kB) == 5);
  CHECK(reader.value(R"(snowflake_test_seconds_bucket{account="prod",kind="x",le="10.0"})") == 5);
  CHECK(reader.value(R"(snowflake_test_seconds_bucket{account="prod",kind="x",le="1.0"})") == 0);
  CHECK(reader.value(R"(snowflake_test_seconds_sum{account="prod",kind="x"})") == 5);
  CHECK(reader.value(R"(snowflake_data_timestamp_seconds{account="prod",statement="things"})") ==
        static_cast<double>((now - hours(2) + minutes(10)).time_since_epoch().count()));
  now += hours(1);
  CHECK(reader.value(kA) == 5);
  reader.server.set_rows("SELECT THINGS", kColumns,
                         row(now - hours(3), "x", 7) + "," + row(now - hours(1), "x", 2));
  now += hours(1);
  CHECK(reader.value(kA) == 9);
  CHECK(reader.server.count("SELECT THINGS") == 3);
}

TEST_CASE("a row that comes back under another label leaves the series that it was in") {
  now = tomorrow() + hours(3);
  Reader reader(kGroup);
  reader.server.set_rows("SELECT THINGS", kColumns, row(now - hours(2), "", 5));
  CHECK(reader.value(R"(snowflake_test_things_total{account="prod",kind="",part="a"})") == 5);
  now += hours(1);
  reader.server.set_rows("SELECT THINGS", kColumns,
                         row(now - hours(3), "x", 5) + "," + row(now - hours(1), "", 6));
  CHECK(reader.value(kA) == 5);
  CHECK(reader.value(R"(snowflake_test_things_total{account="prod",kind="",part="a"})") == 6);
}

TEST_CASE("what the warehouse costs is asked for in each cycle, as it may have another size") {
  now = tomorrow() + hours(3);
  Reader reader(kGroup);
  reader.server.set_rows("SELECT THINGS", kColumns, "");
  reader.value(kA);
  CHECK(reader.server.count("SHOW WAREHOUSES") == 1);
  now += hours(1);
  reader.value(kA);
  CHECK(reader.server.count("SHOW WAREHOUSES") == 2);
}

TEST_CASE("a name that changes is not counted again") {
  now = tomorrow() + hours(3);
  Reader reader(kNamedGroup);
  const auto named = [](sys_seconds bucket, const std::string& name, int count) {
    return R"(["17",)" + (name.empty() ? "null" : '"' + name + '"') + R"(,")" + at(bucket) +
           R"(",")" + std::to_string(count) + R"("])";
  };
  const std::string columns = "L_ID,N_KIND,B,V_A";
  reader.server.set_rows("SELECT NAMED", columns, named(now - hours(2), "", 5));
  CHECK(reader.value(R"(snowflake_test_things_total{account="prod",kind="",part="a"})") == 5);
  now += hours(1);
  reader.server.set_rows("SELECT NAMED", columns, named(now - hours(3), "x", 5));
  CHECK(reader.value(kA) == 5);
}

TEST_CASE("a window starts at a whole bucket, as far back as rows may change") {
  now = tomorrow() + hours(9) + minutes(20);
  Reader reader(kGroup);
  reader.server.set_rows("SELECT THINGS", kColumns, "");
  reader.value(kA);
  const auto lo = tomorrow() + hours(3);
  const auto date = format_rfc3339(tomorrow()).substr(0, 10);
  const auto next = format_rfc3339(tomorrow() + std::chrono::days(1)).substr(0, 10);
  CHECK(reader.server.count("SELECT THINGS " + at(lo) + " " + at(now) + " '" + date + "' '" + next +
                            "'") == 1);
  now += hours(48);
  reader.value(kA);
  CHECK(reader.server.count("SELECT THINGS " + at(lo) + " " + at(now)) == 1);
}

TEST_CASE("a statement is not read again before its pace, also after a restart") {
  const TemporaryFolder folder;
  now = tomorrow() + hours(3) + minutes(1);
  {
    Reader reader(kGroup, "", folder.path());
    reader.server.set_rows("SELECT THINGS", kColumns, row(now - hours(2), "x", 5));
    CHECK(reader.value(kA) == 5);
    now += minutes(20);
    CHECK(reader.value(kA) == 5);
    CHECK(reader.server.count("SELECT THINGS") == 1);
  }
  now += minutes(20);
  Reader reader(kGroup, "", folder.path());
  CHECK(reader.value(kA) == 5);
  CHECK(reader.server.count("SELECT THINGS") == 0);
  reader.server.set_rows("SELECT THINGS", kColumns, row(now - hours(2), "x", 5));
  now = tomorrow() + hours(4);
  reader.value(kA);
  CHECK(reader.server.count("SELECT THINGS") == 1);
}

TEST_CASE("rows whose labels have the same bytes in other places are two") {
  static constexpr std::string_view kTwo[] = {"L_KIND", "L_PART"};
  static constexpr Value kOne[] = {{"V_A", kThings}};
  static constexpr UsageStatement kStatement[] = {{.name = "two",
                                                   .text = "SELECT TWO {lo} {hi}",
                                                   .labels = kTwo,
                                                   .bucket = hours(1),
                                                   .horizon = hours(6),
                                                   .counters = kOne}};
  static constexpr Group kTwoGroup{"two", hours(1), kStatement, "USAGE_VIEWER"};
  now = tomorrow() + hours(3);
  Reader reader(kTwoGroup);
  const auto bucket = at(now - hours(2));
  reader.server.set_rows("SELECT TWO", "L_KIND,L_PART,B,V_A",
                         R"(["a\n1:b","c",")" + bucket + R"(","5"],["a","1:b\nc",")" + bucket +
                             R"(","7"],["x","a",")" + bucket + R"(","1"])");
  CHECK(reader.value(kA) == 1);
  CHECK(reader.value("snowflake_test_things_total{account=\"prod\",kind=\"a\\n1:b\",part=\"c\"}") ==
        5);
  CHECK(reader.value("snowflake_test_things_total{account=\"prod\",kind=\"a\",part=\"1:b\\nc\"}") ==
        7);
}

TEST_CASE("gauges stay until they are read again") {
  now = tomorrow() + hours(3);
  Reader reader(kSizes);
  const std::string series = R"(snowflake_test_bytes{account="prod",kind="x"})";
  reader.server.set_rows("SELECT SIZES", "L_KIND,G_SIZE,DAY", R"(["x","7","1780000000"])");
  CHECK(reader.value(series) == 7);
  now += hours(1);
  reader.server.set_rows("SELECT SIZES", "L_KIND,G_SIZE,DAY", R"(["x","8","1780000000"])");
  CHECK(reader.value(series) == 7);
  now += hours(2);
  CHECK(reader.value(series) == 8);
}

TEST_CASE("gauges stay over a restart, which does not have them read again") {
  const TemporaryFolder folder;
  now = tomorrow() + hours(3);
  const std::string series = "snowflake_test_bytes{account=\"prod\",kind=\"\\\"\xC3\xA6\"}",
                    other = R"(snowflake_test_bytes{account="prod",kind="k2999"})";
  {
    Reader reader(kSizes, "", folder.path());
    std::string rows = R"(["\"æ","7.25"])";
    for (int i = 0; i < 3000; ++i) rows += R"(,["k)" + std::to_string(i) + R"(","8"])";
    reader.server.set_rows("SELECT SIZES", "L_KIND,G_SIZE", rows);
    CHECK(reader.value(series) == 7.25);
  }
  now += minutes(50);
  Reader reader(kSizes, "", folder.path());
  CHECK(reader.value(series) == 7.25);
  CHECK(reader.value(other) == 8);
  CHECK(reader.value(R"(snowflake_read_timestamp_seconds{account="prod",statement="sizes"})") ==
        static_cast<double>((tomorrow() + hours(3)).time_since_epoch().count()));
  CHECK(reader.server.count("SELECT SIZES") == 0);
  now += hours(3);
  reader.server.set_rows("SELECT SIZES", "L_KIND,G_SIZE", R"(["x","1"])");
  CHECK(reader.value(series) == -1);
  CHECK(reader.value(other) == -1);
}

TEST_CASE("gauges of days are looked for as far back as the newest may be, and say its time") {
  now = tomorrow() + hours(3);
  Reader reader(kDays);
  const auto day = [](const char* kind, const char* size, int days_ago) {
    return std::string("[\"") + kind + "\",\"" + size + "\",\"" +
           at(tomorrow() - hours(24 * days_ago)) + "\"]";
  };
  reader.server.set_rows(
      "SELECT DAYS", "L_KIND,G_SIZE,DAY",
      day("x", "5", 2) + "," + day("x", "7", 1) + "," + day("x", "6", 3) + "," + day("y", "4", 2));
  CHECK(reader.value(R"(snowflake_test_bytes{account="prod",kind="x"})") == 7);
  CHECK(reader.value(R"(snowflake_test_bytes{account="prod",kind="y"})") == 4);
  CHECK(reader.value(R"(snowflake_data_timestamp_seconds{account="prod",statement="days"})") ==
        static_cast<double>((tomorrow() - hours(24)).time_since_epoch().count()));
  const auto date = format_rfc3339(tomorrow() - hours(72)).substr(0, 10);
  CHECK(reader.server.count("SELECT DAYS '" + date + "' " + at(now - hours(72)) + " " + at(now)) ==
        1);
}

TEST_CASE("a statement that fails keeps what was counted, and is a failure until it works") {
  now = tomorrow() + hours(3);
  Reader reader(kGroup);
  reader.server.set_rows("SELECT THINGS", kColumns, row(now - hours(2), "x", 5));
  CHECK(reader.value(kA) == 5);
  CHECK(reader.failure == "");
  now += hours(1);
  reader.server.set("SELECT THINGS", failure_reply("002003", "not authorized"));
  CHECK(reader.value(kA) == 5);
  CHECK_THAT(reader.failure, Catch::Contains("002003 not authorized"));
  now += minutes(1);
  CHECK(reader.value(kA) == 5);
  CHECK_THAT(reader.failure, Catch::Contains("002003 not authorized"));
  CHECK(reader.server.count("SELECT THINGS") == 2);
  now += hours(1);
  reader.server.set_rows("SELECT THINGS", kColumns,
                         row(tomorrow() + hours(1), "x", 5) + "," + row(now - hours(2), "x", 6));
  CHECK(reader.value(kA) == 11);
  CHECK(reader.failure == "");
}

TEST_CASE("an answer without a column of the statement counts nothing") {
  now = tomorrow() + hours(3);
  Reader reader(kGroup);
  reader.server.set_rows("SELECT THINGS", "B,V_A,V_B_MS,LE_1,LE_10,NEWEST", "");
  reader.value(kA);
  CHECK_THAT(reader.failure, Catch::Contains("things: the answer has no column L_KIND"));
}

TEST_CASE("where the day's credits are spent, what is known stays") {
  now = tomorrow() + hours(3);
  Reader reader(kGroup, ", credits_per_day: 0.06");
  reader.set_warehouse("600");
  reader.value(kA);
  CHECK_THAT(reader.failure, Catch::Contains("the day's credits do not do"));
  CHECK_FALSE(reader.waits_until);
  CHECK(reader.server.count("SELECT THINGS") == 0);
}

TEST_CASE("a warehouse that the role does not see is an error that says so") {
  now = tomorrow() + hours(3);
  Reader reader(kGroup);
  reader.server.set_rows("SHOW WAREHOUSES\"", "name", R"(["w"])");
  reader.value(kA);
  CHECK_THAT(reader.failure, Catch::Contains("warehouse W: there is none of this name"));
  CHECK(reader.server.count("SELECT THINGS") == 0);
}

TEST_CASE("a group without a warehouse is refused") {
  AccountServer server;
  const auto account = account_of(server.url());
  CHECK(error_of(Reason::config, [&] { Usage(*account, kGroup); }) ==
        "account prod: the collector things needs a warehouse");
}

namespace {

constexpr auto kNodeThings =
    counter("snowflake_test_node_things_total", "Things.", "account", "kind");
constexpr Value kTopValues[] = {{"V_A", kNodeThings}};
constexpr Top kTop{"L_KIND", 1, "V_A"};
constexpr UsageStatement kTopStatement[] = {{.name = "top",
                                             .text = "SELECT TOP {lo} {hi}",
                                             .labels = kLabels,
                                             .bucket = hours(1),
                                             .horizon = hours(6),
                                             .counters = kTopValues,
                                             .top = &kTop}};
constexpr Group kTopGroup{"top", hours(1), kTopStatement, "USAGE_VIEWER"};

}  // namespace

TEST_CASE("the largest values have series, and the sum of all is right") {
  now = tomorrow() + hours(3);
  Reader reader(kTopGroup);
  const auto things = [](sys_seconds bucket, const std::string& kind, const std::string& count) {
    return R"([")" + kind + R"(",")" + at(bucket) + R"(",)" + count + "]";
  };
  const std::string a = R"(snowflake_test_node_things_total{account="prod",kind="a"})",
                    other = R"(snowflake_test_node_things_total{account="prod",kind="other"})";
  std::string rows = things(now - hours(1), "a", "\"5\"") + "," +
                     things(now - hours(1), "b", "\"3\"") + "," +
                     things(now - hours(1), "c", "null");
  reader.server.set_rows("SELECT TOP", "L_KIND,B,V_A", rows);
  CHECK(reader.value(a) == -1);  // what is of before it was one of the largest
  CHECK(reader.value(other) == 8);
  now += hours(1);
  rows += "," + things(now - hours(1), "a", "\"2\"") + "," + things(now - hours(1), "b", "\"50\"");
  reader.server.set_rows("SELECT TOP", "L_KIND,B,V_A", rows);
  CHECK(reader.value(a) == 2);
  CHECK(reader.value(other) == 58);
  CHECK(reader.value(R"(snowflake_test_node_things_total{account="prod",kind="c"})") == -1);
}

namespace {

constexpr const char* kTimeoutReply = R"({"code":"000630","message":"timeout"})";

double is_off(Reader& reader, const std::string& reason) {
  return reader.value(R"(snowflake_statement_off{account="prod",statement="things",reason=")" +
                      reason + R"("})");
}

}  // namespace

TEST_CASE("why a statement is not read is said as long as it is so") {
  now = tomorrow() + hours(3);
  Reader reader(kGroup);
  reader.server.set("SELECT THINGS", failure_reply("003001", "insufficient privileges"));
  CHECK(is_off(reader, "privilege") == 1);
  now += hours(1);
  reader.server.set("SELECT THINGS", failure_reply("000603", "internal error"));
  CHECK(is_off(reader, "privilege") == -1);
  now += hours(1);
  reader.server.set("SELECT THINGS", failure_reply("002003", "not authorized"));
  CHECK(is_off(reader, "privilege") == 1);
  now += hours(1);
  reader.server.set_rows("SELECT THINGS", kColumns, "");
  CHECK(is_off(reader, "privilege") == -1);
  Reader poor(kGroup, ", credits_per_day: 0.06");
  poor.set_warehouse("600");
  CHECK(is_off(poor, "credits") == 1);
}

TEST_CASE("a statement that takes too long three times in a row is read once a day") {
  const TemporaryFolder folder;
  now = tomorrow() + hours(3);
  const auto time_out = [](Reader& reader) {
    reader.server.set("SELECT THINGS",
                      reply(408, kTimeoutReply, "Content-Type: application/json\r\n"));
  };
  {
    Reader reader(kGroup, "", folder.path());
    time_out(reader);
    for (int i = 0; i < 3; ++i) {
      CHECK(is_off(reader, "timeout") == (i < 2 ? -1 : 1));
      now += hours(1);
    }
    CHECK(reader.server.count("SELECT THINGS") == 3);
  }
  Reader reader(kGroup, "", folder.path());
  time_out(reader);
  CHECK(is_off(reader, "timeout") == 1);
  CHECK_THAT(reader.failure, Catch::Contains("things: it is not read today"));
  CHECK(reader.server.count("SELECT THINGS") == 0);
  now = tomorrow() + hours(24);
  CHECK(is_off(reader, "timeout") == 1);
  CHECK(reader.server.count("SELECT THINGS") == 1);
  now += hours(1);
  CHECK(is_off(reader, "timeout") == 1);
  CHECK(reader.server.count("SELECT THINGS") == 1);
  reader.server.set_rows("SELECT THINGS", kColumns, "");
  now += hours(24);
  CHECK(is_off(reader, "timeout") == -1);
  CHECK(reader.failure == "");
  CHECK(reader.server.count("SELECT THINGS") == 2);
  time_out(reader);
  now += hours(1);
  CHECK(is_off(reader, "timeout") == -1);
}
